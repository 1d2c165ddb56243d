//! The settings: every mistake, and what is legal but unwise.

use std::net::IpAddr;
use std::time::Duration;

use super::check::CONFIGURATION;
use super::finding::Finding;
use crate::config::{ConfigError, Settings, StorePlace, Upstream};

/// What Kubernetes gives a pod for its end unless told otherwise.
const POD_PATIENCE: Duration = Duration::from_secs(30);

/// Beyond `drain.deadline_ms` and `symbl.stop_timeout_ms`: close frames and the last updates.
const DRAIN_MARGIN: Duration = Duration::from_secs(4);

/// Returns a finding for each mistake.
pub(super) fn mistakes(error: &ConfigError) -> Vec<Finding> {
    let finding = |problem: &crate::config::Problem| {
        Finding::error(CONFIGURATION, problem.key.as_str(), problem.fault.as_str(), problem.remedy.as_str())
    };
    error.problems.iter().map(finding).collect()
}

/// Returns that all is well, and a note for each unwise combination.
pub(super) fn judge(settings: &Settings) -> Vec<Finding> {
    let notes = notes(settings);
    let found = match notes.len() {
        0 => "no mistakes".to_owned(),
        1 => "no mistakes; one thing worth knowing".to_owned(),
        count => format!("no mistakes; {count} things worth knowing"),
    };
    let mut findings = vec![Finding::ok(CONFIGURATION, "settings", found)];
    findings.extend(notes);
    findings
}

fn notes(settings: &Settings) -> Vec<Finding> {
    let mut notes = Vec::new();
    let mut note = |key: &str, found: String, remedy: &str| {
        notes.push(Finding::note(CONFIGURATION, key, found).remedied_by(remedy));
    };
    let is_public = settings.public_url.is_some();
    if !is_public {
        note(
            "WEBHOOK_DOMAIN",
            "is not set: only simulators on this machine can call".to_owned(),
            "set it to the host name that Twilio shall reach",
        );
    }
    if !settings.twilio.check_signatures {
        note(
            "twilio.check_signatures",
            "is off: whoever finds the address can post calls".to_owned(),
            "set it to true, and TWILIO_AUTH_TOKEN",
        );
    }
    if settings.http.limit_loopback {
        note(
            "http.limit_loopback",
            "is on: simulators and load tests on this machine are limited, too".to_owned(),
            "leave it off unless others can run programs here",
        );
    }
    let is_behind_proxy = is_public && settings.http.tls.is_none();
    if is_behind_proxy && settings.http.trusted_proxies.is_empty() {
        note(
            "http.trusted_proxies",
            "names nobody, and TLS is spoken elsewhere: all who come through the proxy share one allowance"
                .to_owned(),
            "name the proxy's address, for instance 127.0.0.1",
        );
    }
    if settings.http.tls.is_none() && !is_loopback(&settings.http.host) {
        note(
            "http.host",
            format!("{} is open to the network, in plain http", settings.http.host),
            "let only the proxy reach it, or set tls.cert and tls.key",
        );
    }
    if is_public && settings.http.refusals_per_minute.is_none() {
        note("http.refusals_per_minute", "is 0: guessing is not slowed down".to_owned(), "set it to 60");
    }
    if settings.http.max_connections < settings.limits.max_legs {
        note(
            "limits.max_legs",
            format!(
                "is {}, more than http.max_connections ({}) lets in",
                settings.limits.max_legs, settings.http.max_connections
            ),
            "lower the one or raise the other",
        );
    }
    if is_public && settings.watchers.token.is_none() {
        note(
            "updates.token",
            "is not set: a new one is made up and printed at each start".to_owned(),
            "choose one of 16 or more letters and digits",
        );
    }
    if settings.watchers.origins.iter().any(|origin| origin == "*") {
        note("updates.origins", "lets pages of any origin connect".to_owned(), "name the origins");
    }
    if settings.log_transcripts {
        note(
            "log.transcripts",
            "is on: what callers say is in the log".to_owned(),
            "switch it off unless there is a reason, and the callers' consent",
        );
    }
    if settings.recording.enabled && settings.recording.announcement.is_none() {
        note(
            "recording.announcement",
            "is empty: calls are recorded, and nobody is told".to_owned(),
            "set it, unless the callers agreed elsewhere: docs/recording.md",
        );
    }
    if settings.recording.enabled && settings.recording.retention_days.is_none() {
        note(
            "recording.retention_days",
            "is 0: recordings are kept for ever".to_owned(),
            "set a number of days",
        );
    }
    if let Some(llm) = settings.llm.as_ref().filter(|llm| llm.unredacted) {
        let place = if llm.base_url.starts_with("https:") { "" } else { ", in plain http" };
        note(
            "llm.unredacted",
            format!("is on: personal data goes to the language model{place}"),
            "switch it off unless the callers agreed",
        );
    }
    let is_embedded = settings.symbl.upstream == Upstream::Embedded;
    let is_kept = settings.store.place != StorePlace::Memory || settings.store.database.is_some();
    if is_embedded && is_kept && settings.store.retention.is_none() {
        note(
            "store.retention_days",
            "is 0: conversations are kept for ever".to_owned(),
            "set a number of days",
        );
    }
    if let Upstream::Server(endpoint) = &settings.symbl.upstream
        && let Ok(url) = url::Url::parse(&endpoint.to_string())
        && url.scheme() == "http"
        && !is_loopback(url.host_str().unwrap_or_default())
    {
        note(
            "SYMBL_API_BASE_URL",
            "is plain http: credentials and speech can be read on the way".to_owned(),
            "use https, or a network that is yours alone",
        );
    }
    let patience = settings.drain_deadline + settings.symbl.stop_timeout + DRAIN_MARGIN;
    if patience > POD_PATIENCE {
        note(
            "drain.deadline_ms",
            format!("and symbl.stop_timeout_ms: an orderly end may take {} s", patience.as_secs()),
            "give terminationGracePeriodSeconds (Kubernetes: 30 s unless set) and TimeoutStopSec as much",
        );
    }
    notes
}

/// Tells whether a host is this machine and no other can reach it.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn keys(environment: &[(&str, &str)]) -> Vec<String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sources = Sources { file: None, environment: environment.collect() };
        let settings = Settings::load(&sources).unwrap();
        notes(&settings).into_iter().map(|note| note.what).collect()
    }

    const PUBLIC: [(&str, &str); 4] = [
        ("WEBHOOK_DOMAIN", "bridge.example.com"),
        ("TWILIO_AUTH_TOKEN", "0123456789abcdef"),
        ("BRIDGE__UPDATES__TOKEN", "0123456789abcdef"),
        ("BRIDGE__HTTP__TRUSTED_PROXIES", "127.0.0.1"),
    ];

    #[test]
    fn a_sound_configuration_has_no_notes() {
        assert_eq!(keys(&PUBLIC), [] as [&str; 0]);
        assert_eq!(keys(&[]), ["WEBHOOK_DOMAIN"]);
    }

    #[test]
    fn each_unwise_setting_has_its_note() {
        for (name, value, key) in [
            ("BRIDGE__TWILIO__CHECK_SIGNATURES", "false", "twilio.check_signatures"),
            ("BRIDGE__HTTP__LIMIT_LOOPBACK", "true", "http.limit_loopback"),
            ("BRIDGE__HTTP__TRUSTED_PROXIES", "", "http.trusted_proxies"),
            ("BRIDGE__HTTP__HOST", "0.0.0.0", "http.host"),
            ("BRIDGE__HTTP__REFUSALS_PER_MINUTE", "0", "http.refusals_per_minute"),
            ("BRIDGE__HTTP__MAX_CONNECTIONS", "999", "limits.max_legs"),
            ("BRIDGE__UPDATES__TOKEN", "", "updates.token"),
            ("BRIDGE__UPDATES__ORIGINS", "https://a.example.com, *", "updates.origins"),
            ("BRIDGE__LOG__TRANSCRIPTS", "true", "log.transcripts"),
            ("BRIDGE__STORE__RETENTION_DAYS", "0", "store.retention_days"),
            ("BRIDGE__DRAIN__DEADLINE_MS", "20000", "drain.deadline_ms"),
        ] {
            let mut environment = PUBLIC.to_vec();
            environment.push((name, value));
            assert_eq!(keys(&environment), [key], "{name}={value}");
        }
        let mut upstream = PUBLIC.to_vec();
        upstream.extend([("SYMBL_APP_ID", "a"), ("SYMBL_APP_SECRET", "b")]);
        for (base, expected) in [("http://10.0.0.7", vec!["SYMBL_API_BASE_URL"]), ("http://[::1]:9", vec![])]
        {
            let mut environment = upstream.clone();
            environment.push(("SYMBL_API_BASE_URL", base));
            assert_eq!(keys(&environment), expected, "{base}");
        }
        let mut recording = PUBLIC.to_vec();
        recording.extend([
            ("BRIDGE__RECORDING__ENABLED", "true"),
            ("BRIDGE__RECORDING__DIR", "/r"),
            ("BRIDGE__RECORDING__RETENTION_DAYS", "0"),
        ]);
        assert_eq!(keys(&recording), ["recording.announcement", "recording.retention_days"]);
        let mut llm = PUBLIC.to_vec();
        llm.extend([
            ("BRIDGE__LLM__BASE_URL", "http://llm.example.com"),
            ("BRIDGE__LLM__MODEL", "m"),
            ("BRIDGE__LLM__UNREDACTED", "true"),
        ]);
        assert_eq!(keys(&llm), ["llm.unredacted"]);
    }
}
