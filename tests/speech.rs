//! Real recognition. Needs the model: `symbl-bridge model install` once. Without it these tests say so and pass, or
//! fail where `SYMBL_BRIDGE_REQUIRE_MODEL=1` (as in CI). The clips of real people come from
//! `tests/audio/build_robustness_set.py`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test: a panic is the report, and a skip must be seen"
)]

mod real_engine;

use std::{fs, path::Path, sync::OnceLock};

use real_engine::cannot_run;
use symbl_bridge::engine::{
    model::{BASE, ModelStatus, ModelStore},
    speech::{
        accuracy::WordErrors,
        audio::AudioFormat,
        moonshine::Moonshine,
        pool::Pool,
        recording::{hear_recording, joined},
    },
};

static AGENT: &[u8] = include_bytes!("audio/demo/agent.ulaw");
static CUSTOMER: &[u8] = include_bytes!("audio/demo/customer.ulaw");

/// The pool of all tests, or `None` when the model is not installed.
fn pool() -> Option<&'static Pool> {
    static POOL: OnceLock<Option<Pool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| match ModelStore::default().status(&BASE) {
        ModelStatus::Present { dir } => Some(Pool::start(&Moonshine::load(&dir).unwrap(), 2).unwrap()),
        ModelStatus::Missing { .. } => None,
    });
    if pool.is_none() {
        cannot_run("needs the speech model: run `symbl-bridge model install`");
    }
    pool.as_ref()
}

fn heard<'a>(pool: &Pool, chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
    joined(&hear_recording(pool, AudioFormat::Mulaw8k, chunks).unwrap())
}

#[test]
fn the_demo_dialogue_is_heard_with_at_most_one_word_in_twenty_wrong() {
    let Some(pool) = pool() else { return };
    let script: serde_json::Value = serde_json::from_str(include_str!("audio/demo/script.json")).unwrap();
    let mut errors = WordErrors::default();
    for (who, audio) in [("agent", AGENT), ("customer", CUSTOMER)] {
        let turns = script.as_array().unwrap().iter().filter(|turn| turn["who"] == who);
        let said: Vec<&str> = turns.map(|turn| turn["text"].as_str().unwrap()).collect();
        errors += WordErrors::count(&said.join(" "), &heard(pool, audio.chunks(160)));
    }
    assert!(errors.words > 150 && errors.rate() <= 0.05, "{errors:?}");
}

#[test]
fn any_chunking_gives_the_same_text() {
    let Some(pool) = pool() else { return };
    let audio = &CUSTOMER[..25 * 8000];
    let text = heard(pool, [audio]);
    assert!(text.contains("coffee machine"), "{text}");
    for size in [1, 7, 160, 1000, 4096, 65_536] {
        assert_eq!(heard(pool, audio.chunks(size)), text, "in chunks of {size}");
    }
}

#[test]
fn words_have_times_inside_their_phrase_in_order() {
    let Some(pool) = pool() else { return };
    let phrases = hear_recording(pool, AudioFormat::Mulaw8k, AGENT.chunks(160)).unwrap();
    assert!(phrases.len() >= 6);
    let mut last = 0;
    for phrase in phrases {
        assert!(phrase.confidence > 0.3 && phrase.confidence <= 1.0);
        assert!(!phrase.text.contains(['.', ',', '?']) && phrase.text == phrase.text.to_lowercase());
        assert_eq!(phrase.words.first().map(|word| word.start_ms), Some(phrase.start_ms));
        assert_eq!(phrase.words.last().map(|word| word.end_ms), Some(phrase.end_ms));
        for word in phrase.words {
            assert!(word.start_ms >= last && word.end_ms > word.start_ms, "{word:?} after {last}");
            last = word.end_ms;
        }
    }
}

#[test]
fn silence_and_noise_are_not_speech() {
    let Some(pool) = pool() else { return };
    let mut seed = 1_u32;
    let noise: Vec<u8> = (0..80_000)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            0x60 | (seed >> 24) as u8
        })
        .collect();
    assert_eq!(heard(pool, [&[0xff; 80_000][..]]), "");
    assert_eq!(heard(pool, [&noise[..]]), "");
}

#[test]
fn clips_of_real_people_are_heard() {
    let Some(pool) = pool() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/robustness");
    let Ok(manifest) = fs::read_to_string(folder.join("clean.jsonl")) else {
        return cannot_run("needs clips: run `python3 tests/audio/build_robustness_set.py`");
    };
    let mut checked = 0;
    for line in manifest.lines() {
        let clip: serde_json::Value = serde_json::from_str(line).unwrap();
        let file = clip["file"].as_str().unwrap();
        let bound = match file {
            "clean-jfk.ulaw" | "clean-0870.ulaw" => 0.15,
            "clean-goforward.ulaw" => 0.25,
            _ => continue,
        };
        let audio = fs::read(folder.join(file)).unwrap();
        let text = heard(pool, audio.chunks(160));
        let errors = WordErrors::count(clip["text"].as_str().unwrap(), &text);
        assert!(errors.rate() <= bound, "{file}: {errors:?} in {text}");
        checked += 1;
    }
    assert_eq!(checked, 3);
}
