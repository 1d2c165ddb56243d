//! What was meant by any text: nothing panics, ranges lie on characters, scores are numbers within their bounds, and
//! nothing grows faster than the text.

use std::ops::Range;
use std::sync::Arc;

use symbl_bridge::engine::insight::analyst::Analyst;
use symbl_bridge::engine::insight::messages::{TimedWord, punctuate, sentences};
use symbl_bridge::engine::insight::trackers::{Tracker, TrackerDefinition};
use symbl_bridge::engine::insight::{analytics, due, summary};

use super::input::Input;

/// Checks a conversation: each part is what somebody said; the first is also a phrase that is watched for.
pub fn check(data: &[u8]) {
    let mut parts = Input::new(data);
    let zone = i64::from(parts.byte()) * 15 - 1440;
    let watched_for = parts.text();
    let texts: Vec<_> = std::iter::from_fn(|| (!parts.is_empty()).then(|| parts.text())).take(64).collect();
    let definition = TrackerDefinition {
        id: "1".to_owned(),
        name: "fuzz".to_owned(),
        phrases: vec![watched_for.to_string(), "call me back".to_owned()],
        threshold: None,
        is_strict: false,
    };
    let trackers = [Arc::new(Tracker::new(&definition))];
    let mut analyst = Analyst::default();
    let mut said = Vec::new();
    for text in std::iter::once(&watched_for).chain(&texts) {
        for sentence in phrase(text) {
            let found = analyst.sentence("id", sentence, None, &trackers);
            assert!((-1.0..=1.0).contains(&found.polarity), "{} of {sentence:?}", found.polarity);
            assert!(found.intents.len() <= 3);
            assert!(found.intents.iter().all(|intent| (0.0..=1.0).contains(&intent.score)));
            for hit in &found.hits {
                hit.range.iter().for_each(|range| on_characters(sentence, range));
            }
            if let Some(due) = due::find(sentence, 1_790_000_000_000, zone) {
                on_characters(sentence, &due.range);
                assert_eq!(due.date.len(), 10, "{due:?}");
            }
            said.push((sentence, !found.intents.is_empty()));
        }
    }
    topics(&mut analyst, said.len());
    shorter(&said);
    talk(data);
}

/// Splits a phrase; together the sentences hold every word of it, in order.
fn phrase(text: &str) -> Vec<&str> {
    let count = text.split_whitespace().count();
    let times: Vec<TimedWord> =
        (0..count as u64).map(|word| TimedWord { start_ms: word * 700, end_ms: word * 700 + 300 }).collect();
    for times in [&times[..], &[]] {
        let mut end = 0;
        let mut words = 0;
        for sentence in sentences(text, times) {
            on_characters(text, &sentence.text);
            assert!(sentence.text.start >= end && sentence.words.start == words, "in order: {text:?}");
            let inside = text[sentence.text.clone()].split_whitespace().count();
            assert_eq!(inside, sentence.words.len());
            (end, words) = (sentence.text.end, sentence.words.end);
        }
        assert_eq!(words, count, "every word of {text:?}");
    }
    for is_question in [false, true] {
        assert!(punctuate(text, is_question).len() <= 3 * text.len() + 8, "{text:?}");
    }
    sentences(text, &times).into_iter().map(|sentence| &text[sentence.text]).collect()
}

fn on_characters(text: &str, range: &Range<usize>) {
    assert!(text.get(range.clone()).is_some_and(|part| !part.is_empty()), "{range:?} of {text:?}");
}

fn topics(analyst: &mut Analyst, sentences: usize) {
    let topics = analyst.topics();
    assert!(topics.len() <= 10);
    for topic in &topics {
        assert!((0.0..=1.0).contains(&topic.score) && (-1.0..=1.0).contains(&topic.polarity), "{topic:?}");
        assert!(!topic.phrase.trim().is_empty() && topic.newest_message < sentences, "{topic:?}");
        assert!(!topic.message_ids.is_empty() && topic.message_ids.len() <= sentences);
    }
    let again = analyst.topics();
    assert!(topics.iter().map(|topic| &topic.id).eq(again.iter().map(|topic| &topic.id)), "ids stay");
}

fn shorter(said: &[(&str, bool)]) {
    let candidates: Vec<summary::Sentence<'_>> = said
        .iter()
        .map(|(text, has_intent)| summary::Sentence { text, topic_weight: 0.5, has_intent: *has_intent })
        .collect();
    let picked = summary::extract(&candidates, 5);
    assert!(picked.len() <= 5 && picked.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(picked.iter().all(|index| *index < candidates.len()));
}

/// Reads the same bytes as times of talk.
fn talk(data: &[u8]) {
    let talks: Vec<analytics::Talk> = data
        .chunks_exact(8)
        .take(256)
        .map(|bytes| {
            let at = |index: usize| i64::from(i16::from_le_bytes([bytes[index], bytes[index + 1]]));
            analytics::Talk {
                member: usize::from(bytes[0] % 5),
                start_ms: at(2) * at(6),
                end_ms: at(4) * at(6),
                words: u32::from(bytes[1]),
            }
        })
        .collect();
    let found = analytics::analyse(4, &talks);
    assert_eq!(found.members.len(), 4);
    for share in [found.silence, found.talk, found.overlap] {
        assert!(share.seconds.is_finite() && share.seconds >= 0.0 && share.percent.is_finite(), "{share:?}");
    }
}
