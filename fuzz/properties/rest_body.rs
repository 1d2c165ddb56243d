//! Bodies of the engine's REST API: what is taken is within every limit that the documents name, and a refusal says why.

use serde_json::Value;
use symbl_bridge::engine::http::rest::tracker_input::{new_tracker, patch};
use symbl_bridge::engine::import::body;
use symbl_bridge::engine::store::view::TrackerRecord;

/// A day in 2026, Unix milliseconds.
const NOW_MS: i64 = 1_790_000_000_000;

/// Checks a body as a transcript, as a new tracker, and as the change of one.
pub fn check(data: &[u8]) {
    transcript(data);
    let Ok(json) = serde_json::from_slice::<Value>(data) else { return };
    if let Ok(tracker) = new_tracker(&json) {
        in_range(&tracker, data.len());
    }
    let before = TrackerRecord {
        name: "name".to_owned(),
        vocabulary: vec!["a".to_owned(), "b".to_owned()],
        ..TrackerRecord::default()
    };
    let mut after = before.clone();
    if patch(&mut after, &json).is_ok() {
        in_range(&after, data.len() + 64);
    }
}

fn transcript(data: &[u8]) {
    let transcript = match body::read(data, NOW_MS) {
        Ok(transcript) => transcript,
        Err(complaint) => return assert!(!complaint.is_empty() && complaint.len() <= 256 + data.len()),
    };
    let wish = &transcript.wish;
    assert!(!transcript.utterances.is_empty() && transcript.utterances.len() <= data.len());
    assert!((0.0..=1.0).contains(&wish.confidence_threshold));
    assert!(wish.redaction.replacement.chars().count() <= 16);
    assert!(wish.trackers.len() <= 500);
    assert!(wish.trackers.iter().all(|tracker| tracker.vocabulary.len() <= 1000));
    assert!(wish.meeting_title.as_ref().is_none_or(|name| name.chars().count() <= 512));
    let mut size = 0;
    for utterance in &transcript.utterances {
        assert!(utterance.start_ms <= utterance.end_ms, "{utterance:?}");
        assert!(!utterance.text.trim().is_empty(), "{utterance:?}");
        size += utterance.text.len();
    }
    assert!(size <= 4 * data.len(), "{} bytes of body became {size} of text", data.len());
    let _ = transcript.began_at_ms();
}

fn in_range(tracker: &TrackerRecord, size: usize) {
    assert!((1..=256).contains(&tracker.name.chars().count()) && !tracker.name.trim().is_empty());
    assert!((1..=1000).contains(&tracker.vocabulary.len()));
    assert!(tracker.exclude_vocabulary.len() <= 1000);
    assert!(tracker.description.chars().count() <= 4096);
    assert!(tracker.threshold.is_none_or(|threshold| (0.0..=1.0).contains(&threshold)));
    let phrases = tracker.vocabulary.iter().chain(&tracker.exclude_vocabulary);
    let mut kept = 0;
    for phrase in phrases {
        assert!(!phrase.trim().is_empty() && phrase.chars().count() <= 256, "{phrase:?}");
        kept += phrase.len();
    }
    assert!(kept <= size);
}
