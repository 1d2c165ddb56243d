//! Instructions that the hot parts take, counted by callgrind and compared with `tests/instructions.json`.
//!
//! Counts do not depend on what else the machine does, so a few per cent more is a change of ours and not noise. What is
//! counted is this test's own build: our code without optimisation, the dependencies with it. The figures are good for
//! comparing with themselves, and show a copy, an allocation or a second parse too much; what a part costs in a release
//! build is told by `cargo bench`. `UPDATE_INSTRUCTIONS=1` writes the file anew.
//!
//! Without valgrind the test says so and is left out, but where `SYMBL_BRIDGE_REQUIRE_SERVERS=1` (as in CI) it fails.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "what helps a test may fail it and speak")]

#[path = "../benches/parts/pieces/mod.rs"]
#[allow(dead_code, reason = "shared with the benchmarks, which use the rest")]
mod pieces;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::process::Command;
use std::sync::Arc;

use pieces::frame_path::{self, frames};
use pieces::sentences::{SENTENCES, trackers};
use pieces::{Hearing, SignedWebhook, caller, spoken_second, twiml};
use serde::{Deserialize, Serialize};
use symbl_bridge::engine::insight::analyst::Analyst;
use symbl_bridge::engine::insight::redaction::Redactor;
use symbl_bridge::engine::insight::trackers::Tracker;
use symbl_bridge::twilio::{Continuity, PublicUrl};
use tempfile::TempDir;

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/instructions.json");

/// A part may take so many per cent more than recorded.
const TOLERATED: f64 = 5.0;
/// The same where another compiler made the code.
const TOLERATED_OF_ANOTHER_COMPILER: f64 = 25.0;
/// A part that takes so many per cent less asks for a new record: otherwise it could grow back unseen.
const TO_BE_RECORDED: f64 = 10.0;

/// What is counted: everything that happens in functions of this name, each apart.
const COUNTED: &str = "instructions::counted_";

/// The functions below stay functions, so that callgrind finds them; each is called once, when all is warm.
#[inline(never)]
fn counted_audio_frames(path: &mut frame_path::Path, frames: &[String]) -> usize {
    audio_frames(path, frames)
}

#[inline(never)]
fn counted_webhook_signature(webhook: &SignedWebhook) -> bool {
    webhook.check().is_ok()
}

#[inline(never)]
fn counted_twiml(base: &PublicUrl) -> usize {
    twiml(base).map_or(0, |document| document.len())
}

#[inline(never)]
fn counted_segmenter_second(hearing: &mut Hearing, second: &[u8]) -> usize {
    hearing.hear(second)
}

#[inline(never)]
fn counted_insights_of_a_sentence(insights: &mut Insights) -> usize {
    insights.judge()
}

fn audio_frames(path: &mut frame_path::Path, frames: &[String]) -> usize {
    let sent = frames.iter().map(|frame| {
        let audio = path.receive(frame);
        path.send(&audio)
    });
    sent.sum()
}

/// What judges a conversation by its words.
struct Insights {
    redactor: Redactor,
    analyst: Analyst,
    trackers: Vec<Arc<Tracker>>,
}

impl Insights {
    /// Returns how much was found in the sentence that holds most.
    fn judge(&mut self) -> usize {
        let hidden = self.redactor.finished(1, 0, SENTENCES[2]).hidden.len();
        let judged = self.analyst.sentence("1", SENTENCES[2], None, &self.trackers);
        hidden + judged.intents.len() + judged.hits.len()
    }
}

#[test]
#[ignore = "the other test runs it under callgrind"]
fn each_part_runs() {
    let frames = frames();
    let mut path = frame_path::Path::live();
    assert!(audio_frames(&mut path, &frames) > 0);
    path.continuity = Continuity::new();
    assert!(counted_audio_frames(&mut path, &frames) > 0);

    let webhook = SignedWebhook::of_a_call();
    assert!(webhook.check().is_ok());
    assert!(counted_webhook_signature(&webhook));

    let base = PublicUrl::parse("https://bridge.example.com").expect("an address");
    assert!(twiml(&base).is_ok());
    assert!(counted_twiml(&base) > 0);

    let caller = caller();
    let mut hearing = Hearing::of_a_telephone();
    assert!(hearing.hear(spoken_second(&caller)) > 0);
    assert!(counted_segmenter_second(&mut hearing, spoken_second(&caller)) > 0);

    let mut insights =
        Insights { redactor: Redactor::default(), analyst: Analyst::default(), trackers: trackers() };
    assert!(insights.judge() > 0);
    assert!(counted_insights_of_a_sentence(&mut insights) > 0);
}

#[test]
fn no_part_takes_more_instructions_than_recorded() {
    let Some(counted) = count() else { return };
    assert_eq!(counted.len(), 5, "{counted:?}");
    let measured = Record { compiler: compiler(), instructions: counted };
    if std::env::var_os("UPDATE_INSTRUCTIONS").is_some_and(|value| value == "1") {
        let text = serde_json::to_string_pretty(&measured).expect("a plain table") + "\n";
        return std::fs::write(RECORD, text).expect("the record can be written");
    }
    let recorded = std::fs::read_to_string(RECORD).expect("the record");
    let recorded: Record = serde_json::from_str(&recorded).expect("a record");
    let verdict = compare(&recorded, &measured);
    assert!(verdict.is_empty(), "{verdict}what is meant is recorded with UPDATE_INSTRUCTIONS=1\n");
}

/// Instructions of each part, and what made the code.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    compiler: String,
    instructions: BTreeMap<String, u64>,
}

/// Returns what is wrong, a line a part.
fn compare(recorded: &Record, measured: &Record) -> String {
    let is_same_compiler = recorded.compiler == measured.compiler;
    let mut wrong = String::new();
    for (part, &now) in &measured.instructions {
        let Some(&before) = recorded.instructions.get(part) else {
            let _ = writeln!(wrong, "{part}: {now} instructions, none recorded");
            continue;
        };
        let change = (now as f64 / before as f64 - 1.0) * 100.0;
        eprintln!("{part}: {now} instructions, {change:+.1} %");
        let tolerated = if is_same_compiler { TOLERATED } else { TOLERATED_OF_ANOTHER_COMPILER };
        if change > tolerated {
            let _ = writeln!(wrong, "{part}: {before} instructions before, {now} now: {change:+.1} %");
        } else if is_same_compiler && change < -TO_BE_RECORDED {
            let _ =
                writeln!(wrong, "{part}: only {now} instructions for {before} ({change:+.1} %): record it");
        }
    }
    wrong
}

/// Runs the parts under callgrind; none without valgrind.
fn count() -> Option<BTreeMap<String, u64>> {
    let directory = TempDir::new().expect("a directory");
    let profile = directory.path().join("profile");
    let program = std::env::current_exe().expect("this test");
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={COUNTED}*"))
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args(["--ignored", "--exact", "each_part_runs", "--test-threads=1"])
        .output();
    match run {
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            Some(instructions(&std::fs::read_to_string(profile).expect("a profile")))
        }
        Err(error) => {
            let is_required =
                std::env::var_os("SYMBL_BRIDGE_REQUIRE_SERVERS").is_some_and(|value| value == "1");
            assert!(!is_required, "valgrind does not run ({error}): install it (Debian: valgrind)");
            eprintln!("left out: valgrind does not run ({error}); install it (Debian: valgrind)");
            None
        }
    }
}

/// Adds up what a profile says of each counted function: its own instructions and those of what it calls.
fn instructions(profile: &str) -> BTreeMap<String, u64> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    let mut current: Option<&str> = None;
    for line in profile.lines() {
        if let Some(function) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            // "(7) name" where it comes first, "(7)" from then on.
            let (id, name) = function.split_once(' ').unwrap_or((function, ""));
            let name = *names.entry(id).or_insert(name);
            if line.starts_with("fn=") {
                current = name.strip_prefix(COUNTED);
            }
        } else if let Some(part) = current
            && line.starts_with(['+', '-', '*', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        {
            // "line instructions", with the line perhaps counted from the one before.
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
            *counted.entry(part.to_owned()).or_default() += cost.unwrap_or_default();
        }
    }
    counted
}

fn compiler() -> String {
    let version = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into())).arg("--version").output();
    version.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn a_profile_is_added_up() {
    let profile = "fn=(1) instructions::counted_one\n12 30\n+2 5\ncfn=(2) core::other\ncalls=1 40\n* 100\n\n\
        fn=(2)\n40 100\n\nfn=(1)\n-1 7\n\ntotals: 142\n";
    assert_eq!(instructions(profile), BTreeMap::from([("one".to_owned(), 142)]));
}

#[test]
fn a_part_may_take_a_little_more_and_much_less_is_to_be_recorded() {
    let record = |compiler: &str, count| Record {
        compiler: compiler.to_owned(),
        instructions: BTreeMap::from([("part".to_owned(), count)]),
    };
    for (compiler, now, expected) in [
        ("a", 1000, ""),
        ("a", 1049, ""),
        ("a", 1060, "1000 instructions before, 1060 now: +6.0 %"),
        ("a", 910, ""),
        ("a", 880, "record it"),
        ("b", 1200, ""),
        ("b", 1300, "+30.0 %"),
        ("b", 500, ""),
    ] {
        let verdict = compare(&record("a", 1000), &record(compiler, now));
        assert_eq!(verdict.is_empty(), expected.is_empty(), "{compiler} {now}: {verdict}");
        assert!(verdict.contains(expected), "{compiler} {now}: {verdict}");
    }
}
