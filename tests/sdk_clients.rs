//! Clients that nobody here wrote, installed from their packages, against an engine with scripted ears.
//!
//! Needs node, npm, python3 and, the first time, their registries. The same scripts run against real ears:
//! `tests/sdk/run http://127.0.0.1:3000 speech.ulaw`.

#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

mod engine_support;

use std::process::{Command, Output};

use engine_support::{APP_ID, APP_SECRET, Engine, Scripted, mulaw, settings};
use serde_json::Value;
use symbl_bridge::engine::counters::Count;
use symbl_bridge::engine::settings::Timers;

/// What the customer of the clip says: something for every handler.
const SAID: &str = "Where is my refund? The corrected bill is wrong again. I will send you the signed form tomorrow. \
    I will call you back on Monday about the corrected bill.";

/// Audio of one word.
const WORD_MS: u64 = 180;

#[actix_web::test]
async fn unmodified_sdks_hear_what_was_said_and_meant_and_read_it_back() {
    let hearing = Scripted { word_ms: Some(WORD_MS), ..Scripted::hearing(&[SAID]) };
    let engine = Engine::start_with(settings(), hearing);
    let directory = tempfile::tempdir().unwrap();
    let words = SAID.split_whitespace().count();
    let millis = words * WORD_MS as usize;
    for (name, audio, encoding, rate, expected) in [
        ("clip.ulaw", mulaw(millis), "MULAW", "8000", "question,action_item,follow_up,tracker,topic"),
        // Its end is in mid-sentence.
        ("clip.pcm", vec![0; 44_100 * 2 * 2], "LINEAR16", "44100", "question,tracker"),
    ] {
        let clip = directory.path().join(name);
        std::fs::write(&clip, audio).unwrap();
        let base_url = engine.http("");
        let run = move || -> std::io::Result<Output> {
            Command::new("tests/sdk/run")
                .arg(base_url)
                .arg(clip)
                .args([encoding, rate])
                .env("SYMBL_APP_ID", APP_ID)
                .env("SYMBL_APP_SECRET", APP_SECRET)
                .env("SPEED", "4")
                .env("EXPECT", expected)
                .output()
        };
        let output = actix_web::web::block(run).await.unwrap().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{printed}\n{complaints}");
        let passed: Vec<_> = printed
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| line["event"] == "passed")
            .map(|line| line["client"].as_str().unwrap().to_owned())
            .collect();
        let all = ["symbl-js-1.4.8", "symbl-js-1.4.10", "raw-websocket", "python-2.0.6"];
        assert_eq!(passed, all, "{printed}\n{complaints}");
        assert!(printed.contains("Where is my refund?"), "{printed}");
    }
    engine.end().await;
}

#[actix_web::test]
async fn a_refused_sdk_without_back_off_is_held_to_one_handshake_a_second() {
    const SECONDS: u64 = 5;
    for sdk in ["symbl-js-1-4-8", "symbl-js-1-4-10"] {
        let mut settings = settings();
        settings.timers = Timers::default();
        let engine = Engine::start_with(settings, Scripted::default());
        let base_url = engine.http("");
        let run = move || {
            let seconds = SECONDS.to_string();
            Command::new("tests/sdk/run").args(["refused", sdk, &base_url, &seconds]).output()
        };
        let output = actix_web::web::block(run).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let refused = engine.state.counters().get(Count::RefusedToken);
        assert!((1..=SECONDS + 1).contains(&refused), "{sdk}: {refused} handshakes in {SECONDS} s");
        engine.end().await;
    }
}
