//! Redaction of any text: what is hidden lies on characters and covers every entity, offsets follow the text, and a card
//! number that is read out in the middle of anything does not leave.

use std::ops::Range;

use symbl_bridge::engine::insight::redaction::{Redactor, moved, redact};

use super::input::Input;

/// What no check may see again.
const CARD: &str = "4111 1111 1111 1111";

/// Checks a conversation: each part is what somebody said, behind a byte that tells who and when.
pub fn check(data: &[u8]) {
    let mut parts = Input::new(data);
    let mut redactor = Redactor::default();
    let mut at_ms = 0;
    for _ in 0..64 {
        if parts.is_empty() {
            break;
        }
        let who_and_when = parts.byte();
        at_ms += i64::from(who_and_when >> 2) * 500;
        let text = parts.text();
        message(&mut redactor, u64::from(who_and_when & 1), at_ms, &text);
        if who_and_when & 2 != 0 {
            planted(&text);
        }
    }
}

fn message(redactor: &mut Redactor, speaker: u64, at_ms: i64, text: &str) {
    let interim = redactor.unfinished(speaker, at_ms, text);
    assert!(interim.safe <= text.len() && text.is_char_boundary(interim.safe), "{interim:?} of {text:?}");
    in_order(text, &interim.hidden);
    let cut = interim.hidden.iter().find(|range| range.start < interim.safe && interim.safe < range.end);
    assert_eq!(cut, None, "half of what is hidden is shown of {text:?}");
    let found = redactor.finished(speaker, at_ms, text);
    in_order(text, &found.hidden);
    for entity in &found.entities {
        assert!(
            text.get(entity.range.clone()).is_some_and(|part| !part.is_empty()),
            "{entity:?} of {text:?}"
        );
        let is_covered = found
            .hidden
            .iter()
            .any(|range| range.start <= entity.range.start && entity.range.end <= range.end);
        assert!(is_covered, "{entity:?} of {text:?} is not hidden by {:?}", found.hidden);
    }
    offsets(text, &found.hidden);
}

fn in_order(text: &str, hidden: &[Range<usize>]) {
    let mut end = 0;
    for range in hidden {
        assert!(range.start >= end && range.start < range.end, "{hidden:?} of {text:?}");
        assert!(text.get(range.clone()).is_some(), "{range:?} of {text:?}");
        end = range.end;
    }
}

/// Every character that is shown stands where its offset says.
fn offsets(text: &str, hidden: &[Range<usize>]) {
    let shown = redact(text, hidden, "[é]");
    let hidden_bytes: usize = hidden.iter().map(Range::len).sum();
    assert_eq!(shown.len(), text.len() - hidden_bytes + hidden.len() * "[é]".len());
    for (offset, character) in text.char_indices() {
        let at = moved(offset, hidden, "[é]");
        match hidden.iter().any(|range| range.contains(&offset)) {
            true => assert!(shown[at..].starts_with("[é]"), "{offset} of {text:?}"),
            false => assert!(shown[at..].starts_with(character), "{offset} of {text:?}"),
        }
    }
}

/// Says a card number behind any text.
fn planted(before: &str) {
    let text = format!("{before} my card number is {CARD}");
    let found = Redactor::default().finished(7, 0, &text);
    let shown = redact(&text, &found.hidden, "*");
    let said_before = before.matches("1111").count();
    assert!(shown.matches("1111").count() <= said_before, "{shown:?} of {text:?}");
}
