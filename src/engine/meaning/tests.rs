//! Tests against the real model: `symbl-bridge model install --model minilm` once. Without it they say so and pass,
//! or fail where `SYMBL_BRIDGE_REQUIRE_MODEL=1`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test: a panic is the report, and a skip must be seen"
)]

use std::sync::OnceLock;

use super::{Meaning, MeaningError, Vector, WIDTH, wordpiece::WordPiece};
use crate::engine::model::{MINILM, ModelStatus, ModelStore};

/// The model of all tests, or `None` when it is not installed.
pub(crate) fn installed() -> Option<&'static Meaning> {
    static MEANING: OnceLock<Option<Meaning>> = OnceLock::new();
    let meaning = MEANING.get_or_init(|| match ModelStore::default().status(&MINILM) {
        ModelStatus::Present { dir } => Some(Meaning::load(&dir).unwrap()),
        ModelStatus::Missing { remedy } => {
            let required = std::env::var_os("SYMBL_BRIDGE_REQUIRE_MODEL").is_some_and(|value| value == "1");
            assert!(!required, "{remedy}");
            eprintln!("NOT RUN: {remedy}");
            None
        }
    });
    meaning.as_ref()
}

#[test]
fn sentences_that_mean_the_same_are_near() {
    let Some(meaning) = installed() else { return };
    let asked = meaning.vector("i think i was overcharged").unwrap();
    let same = meaning.vector("they overcharged me on my bill").unwrap();
    let other = meaning.vector("the weather is lovely today").unwrap();
    assert!(asked.cosine(&same) > 0.45 && asked.cosine(&other) < 0.2);
    let length: f32 = asked.values().iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-3);
    assert_eq!(asked, meaning.vector("  I think I was OVERCHARGED").unwrap());
}

#[test]
fn any_text_has_a_vector() {
    let Some(meaning) = installed() else { return };
    for text in ["", "wojciechowski", "\u{0}\u{1f600} 中文 é", &"hydroxychloroquine ".repeat(400)] {
        assert!(meaning.vector(text).unwrap().values().iter().all(|value| value.is_finite()));
    }
}

#[test]
fn the_vocabulary_gives_the_published_ids() {
    if installed().is_none() {
        return;
    }
    let path = ModelStore::default().path_of(&MINILM).join("tokenizer.json");
    let pieces = WordPiece::load(&path).unwrap();
    assert_eq!(pieces.ids("Hello, world!", 256), [101, 7592, 1010, 2088, 999, 102]);
    assert_eq!(pieces.ids("can't", 256), [101, 2064, 1005, 1056, 102]);
}

#[test]
fn a_directory_without_a_model_is_told_by_path() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Meaning::load(dir.path()), Err(MeaningError::Unreadable { .. })));
    std::fs::write(dir.path().join("tokenizer.json"), r#"{"model":{"vocab":{"[UNK]":0}}}"#).unwrap();
    assert!(matches!(Meaning::load(dir.path()), Err(MeaningError::WrongLayout { missing: "[CLS]", .. })));
}

#[test]
fn values_without_a_direction_are_like_nothing() {
    for value in [0.0, f32::NAN, f32::INFINITY] {
        let vector = Vector::pointing_along([value; WIDTH]);
        assert_eq!(vector.cosine(&vector), 0.0);
    }
}
