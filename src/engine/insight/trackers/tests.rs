//! Trackers as a whole; those that need the model say so when it is not installed.

use std::sync::Arc;

use super::{Hit, Tracker, TrackerDefinition, find};
use crate::engine::meaning::{Meaning, tests::installed};

const CANCELLATION: [&str; 3] = ["cancel my subscription", "close my account", "I want to cancel"];

fn tracker(vocabulary: &[&str], meaning: Option<&Meaning>) -> Arc<Tracker> {
    #![allow(clippy::unwrap_used, reason = "a test's own tracker")]
    let mut tracker = Tracker::new(&definition(vocabulary));
    while let Some(meaning) = meaning.filter(|_| !tracker.is_learned()) {
        tracker.learn(meaning).unwrap();
    }
    Arc::new(tracker)
}

fn definition(vocabulary: &[&str]) -> TrackerDefinition {
    TrackerDefinition {
        id: "1".to_owned(),
        name: "Watched".to_owned(),
        phrases: vocabulary.iter().map(|phrase| (*phrase).to_owned()).collect(),
        ..TrackerDefinition::default()
    }
}

#[test]
fn every_phrase_that_is_said_is_a_hit_with_its_place() {
    let text = "Yes, I want to cancel my subscription and CLOSE that account.";
    let hits = find(&[tracker(&["refund"], None), tracker(&CANCELLATION, None)], text, None);
    let places: Vec<&str> =
        hits.iter().filter_map(|hit| hit.range.clone()).map(|range| &text[range]).collect();
    assert_eq!(places, ["cancel my subscription", "CLOSE that account", "I want to cancel"]);
    assert!(hits.iter().all(|hit| hit.tracker == 1 && hit.score == 1.0));
}

#[test]
fn without_a_model_only_words_are_found() {
    let trackers = [tracker(&CANCELLATION, None), tracker(&[], None), tracker(&["", "?!"], None)];
    assert_eq!(find(&trackers, "please shut it all off", None), []);
    assert_eq!(find(&trackers, "", None), []);
}

#[test]
fn a_sentence_that_means_the_same_is_one_hit_without_a_place() {
    let Some(meaning) = installed() else { return };
    let trackers = [tracker(&CANCELLATION, Some(meaning))];
    let said = |text: &str| find(&trackers, text, Some(&meaning.vector(text).unwrap()));
    let hits = said("i would like to end my membership and cancel everything");
    assert!(matches!(hits[..], [Hit { tracker: 0, range: None, score, .. }] if score < 1.0), "{hits:?}");
    for other in ["i don't want to cancel my subscription", "i want to open a bakery", "okay"] {
        assert_eq!(said(other), [], "{other}");
    }
}

#[test]
fn a_strict_tracker_wants_more_and_a_threshold_of_its_own_counts() {
    let threshold = |threshold, is_strict| {
        Tracker::new(&TrackerDefinition { threshold, is_strict, ..definition(&CANCELLATION) }).threshold
    };
    assert!(threshold(None, true) > threshold(None, false));
    assert!(threshold(Some(0.9), false) > threshold(None, true));
}

#[test]
fn any_text_can_be_looked_through() {
    let trackers = [tracker(&["caf\u{e9} cr\u{e8}me", "'", "\u{130}stanbul trip"], None)];
    for text in
        ["\u{1f600}'\u{2019}\u{301}", "un caf\u{e9} cr\u{e8}me", "\u{130}STANBUL \u{df} trip", "'''n't 'm"]
    {
        for hit in find(&trackers, text, None) {
            assert!(hit.range.is_some_and(|range| text.get(range).is_some()));
        }
    }
}

/// A tracker of `rows.txt` with its sentences and whether each means it.
type Watched = (Arc<Tracker>, Vec<(&'static str, bool)>);

fn rows(meaning: &Meaning) -> Vec<Watched> {
    let mut watched: Vec<Watched> = Vec::new();
    for line in include_str!("rows.txt").lines() {
        let rest = line.get(2..).unwrap_or_default();
        let sentence = rest.trim_start_matches("W ").trim_start_matches("a: ");
        match line.chars().next() {
            Some('#') => {
                let phrases: Vec<&str> = rest.split(" | ").skip(1).collect();
                watched.push((tracker(&phrases, Some(meaning)), Vec::new()));
            }
            Some(mark @ ('+' | '-')) => {
                if let Some((_, sentences)) = watched.last_mut() {
                    sentences.push((sentence, mark == '+'));
                }
            }
            _ => {}
        }
    }
    watched
}

#[test]
fn misleading_sentences_are_taken_for_hits_less_often_than_paraphrases_are_found() {
    let Some(meaning) = installed() else { return };
    let (mut found, mut paraphrases, mut alarms, mut traps) = (0, 0, 0, 0);
    for (tracker, sentences) in rows(meaning) {
        for (sentence, means) in sentences {
            let hit =
                !find(std::slice::from_ref(&tracker), sentence, Some(&meaning.vector(sentence).unwrap()))
                    .is_empty();
            found += u32::from(means && hit);
            paraphrases += u32::from(means);
            alarms += u32::from(!means && hit);
            traps += u32::from(!means);
        }
    }
    // The plain cosine at the reference's threshold finds 24 of 101 and falls for 60 of 119. These rows taught the
    // weights (left out, 39 and 41), so this only tells that data and code still belong together.
    assert_eq!((paraphrases, traps), (101, 119));
    assert!(found >= 34 && alarms <= 44, "{found} found, {alarms} false alarms");
}
