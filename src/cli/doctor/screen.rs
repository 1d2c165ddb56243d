//! What a person or a program reads: one line a finding, or all of them as JSON.
#![expect(clippy::print_stderr, reason = "this is what a person at a terminal reads")]

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::finding::{Finding, Status};

/// What takes longer says so.
const SILENCE: Duration = Duration::from_secs(2);

/// Standard output for findings, standard error for what is going on.
pub(super) struct Screen {
    is_json: bool,
    has_colours: bool,
    on_terminal: bool,
    findings: Vec<Finding>,
}

impl Screen {
    pub(super) fn new(is_json: bool) -> Self {
        // NO_COLOR is what programs have agreed on.
        let wants_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            is_json,
            has_colours: wants_colours && std::io::stdout().is_terminal(),
            on_terminal: std::io::stderr().is_terminal(),
            findings: Vec::new(),
        }
    }

    /// Shows findings, or keeps them for [`Screen::end`].
    pub(super) fn show(&mut self, findings: Vec<Finding>) {
        for finding in findings.into_iter().map(Finding::on_one_line) {
            if !self.is_json {
                // Whoever closed standard output does not want to know; the exit code still tells.
                let _ = writeln!(std::io::stdout(), "{}", line(&finding, self.has_colours));
            }
            self.findings.push(finding);
        }
    }

    /// Prints what is printed at the end, and returns all findings.
    pub(super) fn end(self) -> Vec<Finding> {
        if self.is_json {
            // Texts always have a JSON form.
            let json = serde_json::to_string_pretty(&self.findings).unwrap_or_default();
            let _ = writeln!(std::io::stdout(), "{json}");
        } else {
            let _ = writeln!(std::io::stdout(), "{}", summary(&self.findings));
        }
        self.findings
    }

    /// Waits for `future`, at most `deadline`, and says what takes long; none when it took too long.
    pub(super) async fn wait<T>(
        &self,
        doing: &str,
        deadline: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = std::pin::pin!(tokio::time::timeout(deadline, future));
        if let Ok(done) = tokio::time::timeout(SILENCE.min(deadline), &mut future).await {
            return done.ok();
        }
        let limit = deadline.as_secs();
        if !self.on_terminal {
            eprintln!("{doing}: this may take up to {limit} s");
            return future.await.ok();
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(format!("{doing} (up to {limit} s)"));
        bar.enable_steady_tick(Duration::from_millis(120));
        let done = future.await.ok();
        bar.finish_and_clear();
        done
    }
}

fn line(finding: &Finding, has_colours: bool) -> String {
    let word = format!("{:<8}", finding.status.word());
    let word = match colour(finding.status).filter(|_| has_colours) {
        Some(code) => format!("\x1b[{code}m{word}\x1b[0m"),
        None => word,
    };
    let remedy = finding.remedy.as_ref().map(|remedy| format!("; remedy: {remedy}")).unwrap_or_default();
    format!("{word} {:<17} {}: {}{remedy}", finding.id, finding.what, finding.found)
}

fn colour(status: Status) -> Option<&'static str> {
    match status {
        Status::Ok => Some("32"),
        Status::Note => None,
        Status::Warning => Some("33"),
        Status::Error => Some("31"),
    }
}

fn summary(findings: &[Finding]) -> String {
    let count = |status, word: &str| {
        let count = findings.iter().filter(|finding| finding.status == status).count();
        format!("{count} {word}{}", if count == 1 { "" } else { "s" })
    };
    let good = findings.iter().filter(|finding| finding.status == Status::Ok).count();
    format!(
        "{good} ok, {}, {}, {}",
        count(Status::Note, "note"),
        count(Status::Warning, "warning"),
        count(Status::Error, "error")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_everything_and_is_coloured_only_where_that_is_wanted() {
        let finding = Finding::error("clock", "this clock", "61 s slow", "run an NTP client");
        assert_eq!(
            line(&finding, false),
            "error    clock             this clock: 61 s slow; remedy: run an NTP client"
        );
        assert!(line(&finding, true).starts_with("\x1b[31merror   \x1b[0m clock"));
        let ok = Finding::ok("clock", "this clock", "right");
        assert_eq!(line(&ok, false), "ok       clock             this clock: right");
        assert_eq!(summary(&[finding, ok]), "1 ok, 0 notes, 0 warnings, 1 error");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_kept() {
        let screen = Screen::new(true);
        let deadline = Duration::from_secs(5);
        assert_eq!(screen.wait("sleeping", deadline, async { 7 }).await, Some(7));
        let late = screen.wait("sleeping", deadline, tokio::time::sleep(Duration::from_secs(4))).await;
        assert!(late.is_some());
        assert!(screen.wait("sleeping", deadline, std::future::pending::<()>()).await.is_none());
    }
}
