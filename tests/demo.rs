//! The whole path on real speech: simulated telephones, the bridge, the engine, a subscriber; as `demo` shows it. And the
//! unmodified SDKs against the real `engine`.
//!
//! Needs the model and, for people, the recordings, as `tests/speech.rs` does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "what helps a test may fail it"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use symbl_bridge::engine::model::{BASE, ModelStatus, ModelStore};
use symbl_bridge::engine::speech::accuracy::WordErrors;

/// Says that a test cannot run; fails it where it has to.
fn cannot_run(remedy: &str) {
    let required = std::env::var_os("SYMBL_BRIDGE_REQUIRE_MODEL").is_some_and(|value| value == "1");
    assert!(!required, "{remedy}");
    eprintln!("NOT RUN: {remedy}");
}

fn model_is_there() -> bool {
    let is_there = matches!(ModelStore::default().status(&BASE), ModelStatus::Present { .. });
    if !is_there {
        cannot_run("needs the speech model: run `symbl-bridge model install`");
    }
    is_there
}

/// Runs the demo; returns what each speaker was heard to say.
fn demo(arguments: &[PathBuf]) -> [String; 2] {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbl-bridge"));
    command.arg("demo").env_remove("RUST_LOG");
    if !arguments.is_empty() {
        command.arg("--audio").args(arguments);
    }
    let output = command.output().expect("the demo runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{complaints}");
    ["Agent", "Customer"].map(|who| {
        let prefix = format!("{who}: ");
        let lines = printed.lines().filter_map(|line| line.trim_start().strip_prefix(&prefix));
        lines.collect::<Vec<_>>().join(" ")
    })
}

#[test]
fn the_demo_call_is_heard_with_at_most_one_word_in_ten_wrong() {
    if !model_is_there() {
        return;
    }
    let heard = demo(&[]);
    let script: serde_json::Value = serde_json::from_str(include_str!("audio/demo/script.json")).unwrap();
    let mut errors = WordErrors::default();
    for (who, heard) in ["agent", "customer"].into_iter().zip(heard) {
        let turns = script.as_array().unwrap().iter().filter(|turn| turn["who"] == who);
        let said: Vec<&str> = turns.map(|turn| turn["text"].as_str().unwrap()).collect();
        errors += WordErrors::count(&said.join(" "), &heard);
    }
    assert!(errors.words > 150 && errors.rate() <= 0.10, "{errors:?}");
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
        let heard = demo(&files.map(|file| folder.join(file)));
        for ((file, bound), heard) in files.into_iter().zip(bounds).zip(heard) {
            let errors = WordErrors::count(&said(file), &heard);
            assert!(errors.rate() <= bound, "{file}: {errors:?} in {heard}");
        }
    }
}

/// An engine that is ended with the test.
struct Engine(Child);

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `symbl-bridge engine`; returns it and its address once it hears.
fn hearing_engine() -> (Engine, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbl-bridge"));
    command.arg("engine").env("BRIDGE__HTTP__PORT", "0").env("LOG_FORMAT", "json").env("RUST_LOG", "info");
    command.env("SYMBL_APP_ID", "app").env("SYMBL_APP_SECRET", "secret").env_remove("SYMBL_API_BASE_URL");
    let mut engine = Engine(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts"));
    let mut lines = BufReader::new(engine.0.stderr.take().expect("piped")).lines();
    let mut address = None;
    for line in lines.by_ref().map_while(Result::ok) {
        let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        match line["event"].as_str() {
            Some("server_listening") => address = line["address"].as_str().map(str::to_owned),
            Some("hearing_ready") => break,
            Some("hearing_unavailable") => panic!("{line}"),
            _ => {}
        }
    }
    // The pipe is read to its end, or the engine would wait for room in it.
    std::thread::spawn(move || lines.for_each(drop));
    (engine, address.expect("a listening line before the model is loaded"))
}

#[test]
fn unmodified_sdks_read_real_speech() {
    if !model_is_there() {
        return;
    }
    let (_engine, address) = hearing_engine();
    let clip = tempfile::NamedTempFile::new().unwrap();
    // "Thank you for calling Northwind Support. My name is Anna. How can I help you today?" and a pause after it.
    std::fs::write(clip.path(), &include_bytes!("audio/demo/agent.ulaw")[..8 * 8000]).unwrap();
    let run = Command::new("tests/sdk/run")
        .arg(format!("http://{address}"))
        .arg(clip.path())
        .env("SYMBL_APP_ID", "app")
        .env("SYMBL_APP_SECRET", "secret")
        .env("SPEED", "1")
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
