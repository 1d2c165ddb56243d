//! Configuration: every mistake has a key, a fault and a remedy, no secret is shown by either, and what is taken is within
//! its bounds and taken again.

use std::collections::HashMap;
use std::path::PathBuf;

use symbl_bridge::config::{Settings, Sources};

use super::input::Input;

/// In every secret.
const PLANTED: &str = "pl4nted-s3cret";

/// Checks a file and an environment: the first part is the file, each other one a `NAME=value`.
pub fn check(data: &[u8]) {
    let mut parts = Input::new(data);
    let file = parts.part();
    if [file, data].iter().any(|text| text.windows(5).any(|five| five == b"/dev/")) {
        // `symbl.start_request` names a file that is read, and some never end.
        return;
    }
    let mut environment = HashMap::new();
    while !parts.is_empty() && environment.len() < 32 {
        let entry = parts.text();
        if let Some((name, value)) = entry.split_once('=') {
            environment.insert(name.to_owned(), value.to_owned());
        }
    }
    let extends = |name: &String, section: &String| {
        name.len() > section.len() && name.to_ascii_lowercase().starts_with(&section.to_ascii_lowercase())
    };
    if environment.keys().any(|section| environment.keys().any(|name| extends(name, section))) {
        // A section that is a value, too: which of the two counts depends on the order of a map.
        return;
    }
    for name in ["TWILIO_AUTH_TOKEN", "SYMBL_APP_SECRET", "BRIDGE__UPDATES__TOKEN", "BRIDGE__LLM__API_KEY"] {
        if let Some(value) = environment.get_mut(name) {
            value.insert_str(0, PLANTED);
        }
    }
    let path = file_of_this_thread();
    std::fs::write(&path, file).expect("a file of our own");
    let sources = Sources { file: Some(path.clone()), environment };
    let loaded = Settings::load(&sources);
    let again = Settings::load(&sources);
    let _ = std::fs::remove_file(path);
    match loaded {
        Ok(settings) => {
            within_bounds(&settings);
            let (shown, shown_again) = (format!("{settings:?}"), format!("{:?}", again.expect("as before")));
            assert!(!shown.contains(PLANTED), "{shown}");
            assert_eq!(shown.len(), shown_again.len());
        }
        Err(refusal) => {
            let shown = refusal.to_string();
            assert!(!shown.contains(PLANTED), "{shown}");
            assert!(!refusal.problems.is_empty() && !shown.starts_with(char::is_whitespace), "{shown}");
            for problem in &refusal.problems {
                let parts = [&problem.fault, &problem.remedy];
                assert!(parts.iter().all(|part| !part.trim().is_empty()), "{problem:?}");
            }
            assert_eq!(again.expect_err("as before").problems.len(), refusal.problems.len());
        }
    }
}

fn within_bounds(settings: &Settings) {
    assert!((1_000..=600_000).contains(&settings.http.peer_timeout.as_millis()));
    assert!((1..=600).contains(&settings.symbl.buffer.as_secs()));
    assert!((100..=120_000).contains(&settings.symbl.connect_timeout.as_millis()));
    assert!((1..=65_536).contains(&settings.updates.queue));
    assert!((1..=1_000_000).contains(&settings.limits.max_calls));
    assert!(
        settings.public_url.is_none()
            || settings.twilio.signer().is_some()
            || !settings.twilio.check_signatures
    );
    assert!(settings.public_url.as_ref().is_none_or(|url| url.as_str().starts_with("https://")));
}

fn file_of_this_thread() -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "-");
    std::env::temp_dir().join(format!("symbl-bridge-settings-{}-{thread}.toml", std::process::id()))
}
