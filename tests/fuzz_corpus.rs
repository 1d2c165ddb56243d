//! What the fuzzer found and what people thought of, replayed: every file of `fuzz/corpus/<target>` through the check
//! that the fuzzer runs.
//!
//! A file that fails is named, and can be looked into alone: `cargo fuzz run <target> fuzz/corpus/<target>/<file>`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what helps a test may fail it")]

#[path = "../fuzz/properties/mod.rs"]
mod properties;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use properties::TARGETS;

/// All corpora together; they are for regressions, the fuzzer keeps its own elsewhere.
const MOST_BYTES: u64 = 1024 * 1024;

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Replays a target's corpus; reports every file that fails, not only the first.
fn replay(target: &str) {
    let (_, check) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target of the table");
    let files = corpus(target);
    assert!(!files.is_empty(), "{target} has no corpus");
    let failed: Vec<_> = files
        .iter()
        .filter(|file| {
            let data = std::fs::read(file).unwrap();
            catch_unwind(AssertUnwindSafe(|| check(&data))).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "{target} fails on {failed:#?}");
}

macro_rules! replays {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*

        const REPLAYED: &[&str] = &[$(stringify!($target)),*];
    };
}

replays! {
    address audio client_message form frames insights media_message redaction rest_body server_message settings signature
    token twiml
}

#[test]
fn every_target_is_replayed_and_every_corpus_has_a_target() {
    let targets: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(targets, REPLAYED);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |folder: &str| -> Vec<String> {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.map(|entry| stem(entry.unwrap().path())).collect();
        names.sort();
        names
    };
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}

#[test]
fn corpora_are_small() {
    let sizes = TARGETS.iter().flat_map(|(name, _)| corpus(name)).map(|file| file.metadata().unwrap().len());
    let (files, bytes) = sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size));
    assert!(bytes <= MOST_BYTES, "{files} files have {bytes} bytes: run cargo fuzz cmin");
}
