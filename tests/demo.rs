//! The whole path on real speech: simulated telephones, the bridge, the engine, a subscriber; what was said and what was
//! meant, as `demo` shows it. And the unmodified SDKs against the real `engine`.
//!
//! Needs the model and, for people, the recordings, as `tests/speech.rs` does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "what helps a test may fail it"
)]

mod real_engine;

use std::path::{Path, PathBuf};
use std::process::Command;

use real_engine::{APP_ID, APP_SECRET, Engine, cannot_run, model_is_there};
use symbl_bridge::engine::insight::redaction::{Redactor, redact};
use symbl_bridge::engine::model::catalogue::MINILM;
use symbl_bridge::engine::model::{ModelStatus, ModelStore};
use symbl_bridge::engine::speech::accuracy::WordErrors;

/// Runs the demo; returns what it printed.
fn demo(arguments: &[PathBuf]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbl-bridge"));
    // All that the defaults log, and more.
    command.arg("demo").env("RUST_LOG", "debug");
    if !arguments.is_empty() {
        command.arg("--audio").args(arguments);
    }
    let output = command.output().expect("the demo runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{complaints}");
    assert_discreet(&complaints, &printed);
    printed
}

/// The screen shows what was said; the log does not: no three words in a row, and no number.
fn assert_discreet(log: &str, printed: &str) {
    assert!(log.contains("leg started"), "there is a log: {log}");
    let log = log.to_lowercase();
    for sentence in sentences(printed) {
        let words: Vec<&str> = sentence.text.split_whitespace().collect();
        for part in words.windows(3) {
            let part = part.join(" ").to_lowercase();
            assert!(!log.contains(&part), "{part:?} is in the log");
        }
    }
    for (at, _) in log.match_indices('+') {
        let digits = log[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        assert!(digits < 8, "a full number in the log: {}", &log[at..at + digits + 1]);
    }
}

/// A printed sentence, with what was printed below it.
#[derive(Debug, Default)]
struct Sentence {
    polarity: f64,
    who: String,
    text: String,
    found: Vec<String>,
}

/// Returns the sentences; what was found in an earlier one than the last is put below that one.
fn sentences(printed: &str) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = Vec::new();
    for line in printed.lines() {
        if let Some(found) = line.trim_start().strip_prefix("└ ") {
            let (found, place) = match found.split_once(" - in \"") {
                Some((found, quoted)) => {
                    let text = quoted.trim_end_matches('"');
                    (found, sentences.iter().rposition(|sentence| sentence.text == text).unwrap())
                }
                None => (found, sentences.len() - 1),
            };
            sentences[place].found.push(found.to_owned());
            continue;
        }
        let polarity =
            line.trim_start().split_once(' ').and_then(|(score, rest)| Some((score.parse().ok()?, rest)));
        if let Some((polarity, rest)) = polarity
            && let Some((who, text)) = rest.trim_start().split_once(": ")
        {
            let (who, text) = (who.to_owned(), text.to_owned());
            sentences.push(Sentence { polarity, who, text, ..Sentence::default() });
        }
    }
    sentences
}

/// Returns what each speaker was heard to say, agent first.
fn heard(sentences: &[Sentence]) -> [String; 2] {
    ["Agent", "Customer"].map(|who| {
        let of_speaker = sentences.iter().filter(|sentence| sentence.who == who);
        of_speaker.map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join(" ")
    })
}

/// Returns what the demo may show of these lines; speaker, end in milliseconds and text of each.
fn redacted(lines: &[(u64, i64, &str)]) -> Vec<String> {
    let mut redactor = Redactor::default();
    let shown = |(speaker, end_ms, text): &(u64, i64, &str)| {
        redact(text, &redactor.finished(*speaker, *end_ms, text).hidden, "*****")
    };
    lines.iter().map(shown).collect()
}

#[test]
fn the_demo_call_is_heard_and_shows_what_was_meant() {
    if !model_is_there() {
        return;
    }
    let printed = demo(&[]);
    let sentences = sentences(&printed);

    let script: serde_json::Value = serde_json::from_str(include_str!("audio/demo/script.json")).unwrap();
    let lines: Vec<(u64, i64, &str)> = script
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let speaker = u64::from(line["who"] == "customer");
            (speaker, line["end_ms"].as_i64().unwrap(), line["text"].as_str().unwrap())
        })
        .collect();
    let shown = redacted(&lines);
    let mut errors = WordErrors::default();
    for (speaker, heard) in (0..).zip(heard(&sentences)) {
        let said = lines.iter().zip(&shown).filter(|((who, ..), _)| *who == speaker);
        let said: Vec<&str> = said.map(|(_, shown)| shown.as_str()).collect();
        errors += WordErrors::count(&said.join(" "), &heard);
    }
    assert!(errors.words > 140 && errors.rate() <= 0.10, "{errors:?}\n{printed}");

    let found_in = |part: &str, what: &str| {
        let holds = |sentence: &&Sentence| sentence.text.contains(part);
        let sentence = sentences.iter().find(holds).unwrap_or_else(|| panic!("no `{part}` in\n{printed}"));
        let is_found = sentence.found.iter().any(|found| found.starts_with(what));
        assert!(is_found, "no `{what}` below `{part}` in\n{printed}");
    };
    found_in("How can I help you today?", "question");
    found_in("by email this afternoon", "action item for Agent, due ");
    found_in("call you again on Monday", "follow-up for Agent, due Mon ");
    found_in("I want my money back", "tracker Refund: \"I want my money back\"");
    if matches!(ModelStore::default().status(&MINILM), ModelStatus::Present { .. }) {
        found_in("not happy with this machine", "tracker Churn risk: like ");
    }
    found_in("Sure, it is *****.", "entity PHONE_NUMBER: *****");
    assert!(!printed.contains("0142") && !printed.contains("five five"), "{printed}");
    let polarities = || sentences.iter().map(|sentence| sentence.polarity);
    assert!(polarities().any(|it| it > 0.3) && polarities().any(|it| it < -0.3), "{printed}");

    let summed_up = |name: &str| {
        let line = printed.lines().rev().find(|line| line.trim_start().starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{printed}")).to_owned()
    };
    for (name, part) in [
        ("insights", "action items "),
        ("insights", "follow-ups "),
        ("insights", "questions "),
        ("trackers", "Refund "),
        ("entities", "PHONE_NUMBER 1"),
        ("topics", ", "),
        ("talk", "Agent "),
        ("talk", "silence "),
    ] {
        assert!(summed_up(name).contains(part), "{name} without `{part}` in\n{printed}");
    }
}

#[test]
fn people_are_heard_through_the_whole_path() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/robustness");
    if !model_is_there() {
        return;
    }
    let Ok(manifest) = std::fs::read_to_string(folder.join("clean.jsonl")) else {
        return cannot_run("needs clips: run `python3 tests/audio/build_robustness_set.py`");
    };
    let said = |file: &str| {
        let clips = manifest.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let clip = clips.into_iter().find(|clip| clip["file"] == file).unwrap();
        clip["text"].as_str().unwrap().to_owned()
    };
    for (files, bounds) in [
        (["clean-jfk.ulaw", "clean-goforward.ulaw"], [0.15, 0.25]),
        (["clean-0870.ulaw", "clean-0890.ulaw"], [0.15, 0.15]),
    ] {
        let heard = heard(&sentences(&demo(&files.map(|file| folder.join(file)))));
        for ((file, bound), heard) in files.into_iter().zip(bounds).zip(heard) {
            let said = redacted(&[(0, 0, &said(file))]).concat();
            let errors = WordErrors::count(&said, &heard);
            assert!(errors.rate() <= bound, "{file}: {errors:?} in {heard}");
        }
    }
}

#[test]
fn unmodified_sdks_read_real_speech() {
    if !model_is_there() {
        return;
    }
    let engine = Engine::start(Path::new("memory"));
    let clip = tempfile::NamedTempFile::new().unwrap();
    // "Thank you for calling Northwind Support. My name is Anna. How can I help you today?" and a pause after it.
    std::fs::write(clip.path(), &include_bytes!("audio/demo/agent.ulaw")[..8 * 8000]).unwrap();
    let run = Command::new("tests/sdk/run")
        .arg(format!("http://{}", engine.address))
        .arg(clip.path())
        .env("SYMBL_APP_ID", APP_ID)
        .env("SYMBL_APP_SECRET", APP_SECRET)
        .env("SPEED", "1")
        .env("EXPECT", "question")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{printed}\n{}", String::from_utf8_lossy(&run.stderr));
    for client in ["symbl-js-1.4.8", "symbl-js-1.4.10", "raw-websocket", "python-2.0.6"] {
        let lines =
            printed.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap_or_default());
        let of_client: Vec<_> = lines.filter(|line| line["client"] == client).collect();
        assert!(of_client.iter().any(|line| line["event"] == "passed"), "{client}: {printed}");
        let said = of_client.iter().any(|line| line.to_string().contains("Northwind"));
        assert!(said, "{client} heard nothing of Northwind: {printed}");
    }
}
