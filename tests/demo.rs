//! The whole path on real speech: simulated telephones, the bridge, the engine, a subscriber; as `demo` shows it.
//!
//! Needs the model and, for people, the recordings, as `tests/speech.rs` does.

use std::path::{Path, PathBuf};
use std::process::Command;

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
