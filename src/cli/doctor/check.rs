//! The checks by name, in the order in which they are made.

use super::finding::{Finding, Status};

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Check {
    /// Its name, for `--only` and for programs.
    pub(super) id: &'static str,
    /// What it looks at, for `--list`.
    pub(super) about: &'static str,
}

pub(super) const CONFIGURATION: &str = "configuration";
pub(super) const PUBLIC_ADDRESS: &str = "public-address";
pub(super) const CERTIFICATE: &str = "certificate";
pub(super) const SERVER: &str = "server";
pub(super) const SIGNED_REQUEST: &str = "signed-request";
pub(super) const UNSIGNED_REQUEST: &str = "unsigned-request";
pub(super) const MEDIA_SOCKET: &str = "media-socket";
pub(super) const TWILIO_ACCOUNT: &str = "twilio-account";
pub(super) const TWILIO_NUMBER: &str = "twilio-number";
pub(super) const UPSTREAM_TOKEN: &str = "upstream-token";
pub(super) const UPSTREAM_STREAM: &str = "upstream-stream";
pub(super) const SPEECH: &str = "speech";
pub(super) const SPEECH_MODEL: &str = "speech-model";
pub(super) const MEANING_MODEL: &str = "meaning-model";
pub(super) const STORE: &str = "store";
pub(super) const RECORDINGS: &str = "recordings";
pub(super) const DESCRIPTORS: &str = "descriptors";
pub(super) const CLOCK: &str = "clock";
pub(super) const MACHINE: &str = "machine";

/// Every check.
pub(super) const CHECKS: &[Check] = &[
    Check { id: CONFIGURATION, about: "mistakes in the settings, and settings that are legal but unwise" },
    Check { id: PUBLIC_ADDRESS, about: "the public address: its name resolves, its port is 443 and open" },
    Check { id: CERTIFICATE, about: "its TLS certificate: trusted, for this name, not about to expire" },
    Check { id: SERVER, about: "a symbl-bridge answers there and is ready" },
    Check { id: SIGNED_REQUEST, about: "a webhook signed as Twilio signs it passes (it opens no call)" },
    Check { id: UNSIGNED_REQUEST, about: "the same without a signature is refused" },
    Check { id: MEDIA_SOCKET, about: "a WebSocket as Twilio's media streams open it passes the proxy" },
    Check { id: TWILIO_ACCOUNT, about: "account sid and auth token, by Twilio's REST API" },
    Check { id: TWILIO_NUMBER, about: "the number's webhooks at Twilio; --fix corrects them" },
    Check { id: UPSTREAM_TOKEN, about: "an access token of the Symbl-protocol server" },
    Check { id: UPSTREAM_STREAM, about: "a Streaming socket there that listens" },
    Check { id: SPEECH, about: "six seconds of recorded speech there, and the words that come back" },
    Check { id: SPEECH_MODEL, about: "the files of the recogniser, by their SHA-256" },
    Check { id: MEANING_MODEL, about: "the files of the model of meaning, by their SHA-256" },
    Check { id: STORE, about: "the directory of conversations: writable, with space" },
    Check {
        id: RECORDINGS,
        about: "the directory of recordings, when calls are recorded: writable, with space",
    },
    Check { id: DESCRIPTORS, about: "how many files and sockets a process may have open" },
    Check { id: CLOCK, about: "this machine's clock against those of the servers it talks to" },
    Check { id: MACHINE, about: "cores and memory" },
];

/// What others hang on: where one of these fails, others are left out, and the failure is shown whether wanted or not.
const PREREQUISITES: &[&str] = &[PUBLIC_ADDRESS, SERVER, TWILIO_ACCOUNT, UPSTREAM_TOKEN, UPSTREAM_STREAM];

/// Which checks are wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection(Vec<&'static str>);

impl Selection {
    /// Returns these checks; all when none is named.
    pub(super) fn of(ids: &[&'static str]) -> Self {
        Self(ids.to_vec())
    }

    /// Tells whether a check is wanted.
    pub(super) fn wants(&self, id: &str) -> bool {
        self.0.is_empty() || self.0.contains(&id)
    }

    /// Tells whether a finding is shown.
    pub(super) fn shows(&self, finding: &Finding) -> bool {
        self.wants(finding.id) || (finding.status >= Status::Warning && PREREQUISITES.contains(&finding.id))
    }

    /// Tells whether any of these is wanted.
    pub(super) fn wants_any(&self, ids: &[&str]) -> bool {
        ids.iter().any(|id| self.wants(id))
    }
}

/// Reads a check's name.
pub(super) fn parse(name: &str) -> Result<&'static str, String> {
    let name = name.trim();
    if let Some(check) = CHECKS.iter().find(|check| check.id == name) {
        return Ok(check.id);
    }
    let likeness = |check: &&Check| strsim::jaro_winkler(check.id, name);
    let alike = CHECKS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match alike.filter(|check| likeness(check) > 0.8) {
        Some(check) => Err(format!("is no check; did you mean {}? --list shows all", check.id)),
        None => Err("is no check; --list shows all".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        let names: HashSet<_> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(names.len(), CHECKS.len());
        for check in CHECKS {
            assert_eq!(parse(check.id), Ok(check.id));
        }
        assert!(parse("twilio-numbers").unwrap_err().contains("did you mean twilio-number?"));
        assert_eq!(parse("weather").unwrap_err(), "is no check; --list shows all");
    }

    #[test]
    fn nothing_named_means_all() {
        assert!(Selection::default().wants(CLOCK));
        let one = Selection::of(&[CLOCK]);
        assert!(one.wants(CLOCK) && !one.wants(STORE) && one.wants_any(&[STORE, CLOCK]));
    }

    #[test]
    fn what_keeps_a_wanted_check_from_being_made_is_shown() {
        let one = Selection::of(&[TWILIO_NUMBER]);
        assert!(one.shows(&Finding::note(TWILIO_NUMBER, "it", "not looked at")));
        assert!(one.shows(&Finding::error(TWILIO_ACCOUNT, "it", "refused", "correct it")));
        assert!(!one.shows(&Finding::ok(TWILIO_ACCOUNT, "it", "fits")));
        assert!(!one.shows(&Finding::error(CLOCK, "it", "slow", "correct it")));
    }
}
