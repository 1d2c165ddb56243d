//! What a check found: a status, what was looked at, what was found, and what to do about it.

use serde::Serialize;

/// The longest text of somebody else's that a line repeats.
const LONGEST_FOREIGN: usize = 200;

/// How bad it is, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// As it should be.
    Ok,
    /// Works; worth knowing, or not looked at.
    Note,
    /// Works, and will not for ever or not for all.
    Warning,
    /// Calls are not heard, or worse.
    Error,
}

impl Status {
    /// Returns the word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One line of the doctor's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The check's name.
    pub(super) id: &'static str,
    /// How bad it is.
    pub(super) status: Status,
    /// What was looked at.
    pub(super) what: String,
    /// What was found.
    pub(super) found: String,
    /// What to do.
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(id: &'static str, what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { id, status: Status::Ok, what: what.into(), found: found.into(), remedy: None }
    }

    pub(super) fn note(id: &'static str, what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { id, status: Status::Note, what: what.into(), found: found.into(), remedy: None }
    }

    pub(super) fn warning(
        id: &'static str,
        what: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::note(id, what, found).worse(Status::Warning).remedied_by(remedy)
    }

    pub(super) fn error(
        id: &'static str,
        what: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::note(id, what, found).worse(Status::Error).remedied_by(remedy)
    }

    /// Something that another finding makes pointless to look at.
    pub(super) fn left_out(id: &'static str, what: impl Into<String>, reason: &str) -> Self {
        Self::note(id, what, format!("not looked at: {reason}"))
    }

    #[must_use]
    pub(super) fn remedied_by(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    fn worse(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Keeps it to one line, and to letters that do nothing to a terminal.
    #[must_use]
    pub(super) fn on_one_line(mut self) -> Self {
        self.what = one_line(&self.what);
        self.found = one_line(&self.found);
        self.remedy = self.remedy.map(|remedy| one_line(&remedy));
        self
    }
}

/// Returns the exit code: 0 for ok and notes, 1 with a warning, 2 with an error.
pub(super) fn exit_code(findings: &[Finding]) -> u8 {
    match findings.iter().map(|finding| finding.status).max() {
        None | Some(Status::Ok | Status::Note) => 0,
        Some(Status::Warning) => 1,
        Some(Status::Error) => 2,
    }
}

/// Returns somebody else's words, cut to a length that a line can bear.
pub(super) fn quoted(text: &str) -> String {
    let mut letters = text.trim().chars();
    let mut shown: String = letters.by_ref().take(LONGEST_FOREIGN).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Returns a text without line ends and other control characters.
fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(['\n', '\r', '\t']).map(str::trim).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides_the_exit_code() {
        let ok = Finding::ok("a", "a", "b");
        let note = Finding::note("a", "a", "b");
        let warning = Finding::warning("a", "a", "b", "c");
        let error = Finding::error("a", "a", "b", "c");
        assert_eq!(exit_code(&[]), 0);
        assert_eq!(exit_code(&[ok.clone(), note.clone()]), 0);
        assert_eq!(exit_code(&[ok, warning.clone(), note.clone()]), 1);
        assert_eq!(exit_code(&[error, warning, note]), 2);
    }

    #[test]
    fn what_others_say_stays_on_one_line_and_does_nothing_to_a_terminal() {
        let finding = Finding::error("a", "x\n  y", "\x1b[2Jgone\r\n", "a\tb").on_one_line();
        assert_eq!((finding.what.as_str(), finding.found.as_str()), ("x y", "\u{fffd}[2Jgone"));
        assert_eq!(finding.remedy.as_deref(), Some("a b"));
        assert_eq!(quoted(&"é".repeat(300)).chars().count(), 201);
        assert_eq!(quoted(" short "), "short");
    }
}
