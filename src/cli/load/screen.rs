//! What a person sees while a step runs, on standard error: a bar on a terminal, else a line a step.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

use crate::simulator::load::{Stage, StepReport};

/// Steps of the bar.
const FINENESS: u64 = 1000;

/// The progress of steps.
pub(super) struct Screen {
    bar: Option<ProgressBar>,
}

impl Screen {
    /// Returns a screen; without a terminal nothing is drawn.
    pub(super) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(FINENESS);
            // A wrong template is a mistake of ours, and costs the bar's looks.
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar }
    }

    /// Prints a line.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }

    /// Takes note of a step that begins.
    pub(super) fn begin(&self, legs: usize) {
        match &self.bar {
            Some(bar) => bar.set_position(0),
            None => self.say(&format!("{legs} legs")),
        }
    }

    /// Shows how far a step is.
    pub(super) fn show(&self, legs: usize, stage: &Stage) {
        let Some(bar) = &self.bar else { return };
        let (share, message) = match stage {
            Stage::SettingUp { standing, failed, legs } => {
                let share = (standing + failed) as f64 / (*legs).max(1) as f64;
                let failures = if *failed > 0 { format!(", {failed} FAILED") } else { String::new() };
                (share, format!("setting up: {standing} legs stand{failures}"))
            }
            Stage::Speaking { elapsed, total, sent, received, p99_ms } => {
                let share = elapsed.as_secs_f64() / total.as_secs_f64().max(1e-9);
                let (elapsed, total) = (elapsed.as_secs_f64(), total.as_secs_f64());
                let under_way = sent.saturating_sub(*received);
                let message = format!(
                    "{elapsed:.0} of {total:.0} s, {sent} frames, {under_way} under way, p99 {p99_ms:.2} ms"
                );
                (share, message)
            }
            Stage::Ending { open } => (1.0, format!("ending: {open} legs left")),
        };
        bar.set_position((share.clamp(0.0, 1.0) * FINENESS as f64) as u64);
        bar.set_message(format!("{legs} legs: {message}"));
    }

    /// Removes the bar.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            bar.reset();
        }
    }

    /// Returns a step's most important figures in one line.
    pub(super) fn summary(step: &StepReport) -> String {
        let cost = step.bridge.map_or_else(String::new, |cost| {
            format!(", {:.1} us of CPU a frame, {:.1} kB a leg", cost.cpu_us_a_frame, cost.resident_kb_a_leg)
        });
        let lost = if step.lost == 0 { "no".to_owned() } else { step.lost.to_string() };
        format!("{} legs: {lost} frame lost, p99 {:.2} ms{cost}", step.standing, step.delay_ms.p99)
    }
}
