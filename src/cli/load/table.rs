//! The table at the end: one row a step, what was aimed at below it, and what else there is to say.

use std::fmt::Write as _;

use crate::simulator::load::{BridgeCost, StepReport};

/// CPU of a hand-written relay without any framework, in microseconds a frame, by legs (issue 7); of another machine, so
/// that what `--relay` measures here counts before it.
const RELAY_US: [(usize, f64); 2] = [(1_000, 11.0), (500, 13.0)];

/// A bridge may take so many times as long.
const RELAY_FACTOR: f64 = 1.3;

/// 99 of 100 frames are to come out within this, in milliseconds.
const P99_MS: f64 = 1.0;

/// Memory of a leg, in kB.
const LEG_KB: f64 = 40.0;

/// CPU of setting up a leg, in milliseconds.
const SET_UP_MS: f64 = 1.0;

const HEAD: &str = "\
 legs  frames     lost  |  delay ms: p50    p99   p99.9     max  |  CPU us/frame  kernel  core  |  kB/leg  |  set-up: refused  CPU ms  webhook p99  audio p99";

/// Returns the table.
pub(super) fn table(steps: &[StepReport]) -> String {
    let mut text = format!("{HEAD}\n");
    for step in steps {
        row(&mut text, step);
    }
    for step in steps {
        notes(&mut text, step);
    }
    text
}

fn row(text: &mut String, step: &StepReport) {
    let figure = |figure: Option<f64>, digits: usize| {
        figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
    };
    let of_bridge = |read: fn(&BridgeCost) -> f64| step.bridge.as_ref().map(read);
    let kernel = of_bridge(|cost| cost.kernel_share * 100.0);
    // Writing to a text cannot fail.
    let _ = writeln!(
        text,
        "{:5}  {:8}  {:5}  |  {:13.3}  {:5.2}  {:6.2}  {:6.1}  |  {:>12}  {:>4} %  {:>4}  |  {:>6}  |  {:>15}  {:>6}  {:>11.1}  {:>9.1}",
        step.legs,
        step.frames_sent,
        step.lost,
        step.delay_ms.p50,
        step.delay_ms.p99,
        step.delay_ms.p999,
        step.delay_ms.max,
        figure(of_bridge(|cost| cost.cpu_us_a_frame), 1),
        figure(kernel, 0),
        figure(of_bridge(|cost| cost.cores), 2),
        figure(of_bridge(|cost| cost.resident_kb_a_leg), 1),
        step.legs - step.standing,
        figure(step.set_up.cpu_ms_a_leg, 2),
        step.set_up.webhook_ms.p99,
        step.set_up.first_audio_ms.p99,
    );
}

/// What a step's row does not show, and what it missed of the aims.
fn notes(text: &mut String, step: &StepReport) {
    let mut note = |what: String| {
        let _ = writeln!(text, "  {} legs: {what}", step.legs);
    };
    for (fault, count) in &step.set_up.faults {
        note(format!("{count} got no leg: {fault}"));
    }
    for (count, what) in [
        (step.broken as u64, "media sockets ended before their time"),
        (step.lost, "frames never came out"),
        (step.not_taken, "of these were never taken by the bridge"),
        (step.duplicates, "frames came again"),
        (step.out_of_order, "frames came out of order"),
        (step.damaged, "frames were damaged"),
        (step.reconnections, "connections to the sink beyond one a leg"),
        (step.without_leave, "legs did not say stop_request"),
        (step.callbacks_failed, "status callbacks failed"),
    ] {
        if count > 0 {
            note(format!("{count} {what}"));
        }
    }
    if let (Some(relay), Some(times)) = (step.relay, step.times_relay()) {
        note(format!(
            "a bare relay took {:.1} us a frame, {:.0} % of it in the kernel: the bridge takes {times:.2} times that",
            relay.cpu_us_a_frame,
            relay.kernel_share * 100.0
        ));
    }
    for miss in missed(step) {
        note(format!("MISSED {miss}"));
    }
    for reason in &step.generator.was_the_bottleneck {
        note(format!("the GENERATOR was the limit: {reason}"));
    }
    if let Some(cost) = step.bridge.filter(|cost| cost.waited_cores > 0.05) {
        note(format!(
            "the bridge waited for a core that others had ({:.2} of each second; others used {:.2} cores): delays are too long",
            cost.waited_cores, step.generator.others_cores
        ));
    }
}

/// Returns the aims that a step missed.
pub(super) fn missed(step: &StepReport) -> Vec<String> {
    let mut missed = Vec::new();
    let mut compare = |what: &str, found: f64, aim: f64, unit: &str| {
        if found > aim {
            missed.push(format!("{what} {found:.2} {unit}, aim {aim:.2}"));
        }
    };
    if step.legs <= 1_000 {
        compare("p99 of the delay", step.delay_ms.p99, P99_MS, "ms");
    }
    compare("set-up", step.set_up.cpu_ms_a_leg.unwrap_or(0.0), SET_UP_MS, "ms of CPU a leg");
    if let Some(cost) = step.bridge {
        let elsewhere = RELAY_US.iter().find(|(legs, _)| step.legs >= *legs).map(|(_, us)| *us);
        let here = step.relay.filter(|_| elsewhere.is_some()).map(|relay| relay.cpu_us_a_frame);
        if let Some(relay_us) = here.or(elsewhere) {
            compare("CPU", cost.cpu_us_a_frame, relay_us * RELAY_FACTOR, "us a frame");
        }
        // Below that, what a bridge needs once weighs too much.
        if step.legs >= 100 {
            compare("memory", cost.resident_kb_a_leg, LEG_KB, "kB a leg");
        }
    }
    missed
}
