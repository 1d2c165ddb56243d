//! What of a text may leave.
//!
//! A number may be read out over several messages, and the first has left when the last one tells what it was: digits
//! at the end of a message are therefore hidden before anybody knows what they are.

use std::ops::Range;

use super::entities::{Context, Entity, Reading};

/// A message that starts later than this after the speaker's last one does not go on with it.
const GOES_ON_WITHIN_MS: i64 = 5_000;
/// About how long a spoken word takes: the times given are of whole messages, and digits are read out slowly.
const WORD_MS: i64 = 450;
/// After so long nobody answers a question any more.
const QUESTION_HOLDS_MS: i64 = 30_000;
/// So many messages of one speaker may answer a question.
const ANSWERS: usize = 3;

/// What one speaker said last.
#[derive(Debug)]
struct Turn {
    speaker: u64,
    at_ms: i64,
    text: String,
    /// The last text of this speaker that was more than "mm hmm", as the others' question.
    question: Option<(i64, String)>,
    /// Messages since anybody else said more than "mm hmm".
    answers: usize,
}

/// What was said last in one conversation, as far as it tells what the next digits are.
#[derive(Debug, Default)]
pub struct Redactor {
    turns: Vec<Turn>,
}

/// What is in a finished text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Personal and payment data, sorted by start.
    pub entities: Vec<Entity>,
    /// What redaction must hide: all entities, and digits that may belong to a number in several messages.
    /// Sorted, merged, on character boundaries.
    pub hidden: Vec<Range<usize>>,
}

/// What is in a text that may still change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interim {
    /// What redaction must hide; sorted, merged, on character boundaries.
    pub hidden: Vec<Range<usize>>,
    /// Bytes of the text that may be shown: a number or an address that may go on is held back.
    pub safe: usize,
}

impl Redactor {
    /// Returns what is in a finished text of a speaker (any stable number), and remembers the text as context.
    pub fn finished(&mut self, speaker: u64, at_ms: i64, text: &str) -> Findings {
        let Reading { entities, hidden, .. } = Reading::of(text, self.context(speaker, at_ms, text), true);
        let hidden = merged(text, entities.iter().map(|entity| entity.range.clone()).chain(hidden));
        self.remember(speaker, at_ms, text);
        Findings { entities, hidden }
    }

    /// Returns what is in words that may still change. Remembers nothing.
    #[must_use]
    pub fn unfinished(&self, speaker: u64, at_ms: i64, text: &str) -> Interim {
        let reading = Reading::of(text, self.context(speaker, at_ms, text), true);
        let entities = reading.entities.into_iter().map(|entity| entity.range);
        let hidden = merged(text, entities.chain(reading.hidden));
        let mut safe = reading.open.unwrap_or(text.len());
        // Half a hidden range must not be shown: the client would get its first half in the clear.
        if let Some(cut) = hidden.iter().find(|range| range.start < safe && safe < range.end) {
            safe = cut.start;
        }
        Interim { hidden, safe }
    }

    fn context(&self, speaker: u64, at_ms: i64, text: &str) -> Context<'_> {
        let own = self.turns.iter().find(|turn| turn.speaker == speaker);
        let same_said = own.and_then(|turn| {
            let words = turn.text.split_whitespace().count().max(text.split_whitespace().count());
            let limit = GOES_ON_WITHIN_MS + WORD_MS * i64::try_from(words).unwrap_or(0);
            let asked_since = self.turns.iter().any(|other| {
                other.speaker != speaker
                    && other.question.as_ref().is_some_and(|(asked_ms, _)| *asked_ms >= turn.at_ms)
            });
            (!asked_since && at_ms.saturating_sub(turn.at_ms) <= limit).then_some(turn.text.as_str())
        });
        let answered = own.is_some_and(|turn| turn.answers >= ANSWERS);
        let other_said = self
            .turns
            .iter()
            .filter(|turn| turn.speaker != speaker && !answered)
            .filter_map(|turn| turn.question.as_ref())
            .filter(|(asked_ms, _)| at_ms.saturating_sub(*asked_ms) <= QUESTION_HOLDS_MS)
            .max_by_key(|(asked_ms, _)| *asked_ms)
            .map(|(_, text)| text.as_str());
        Context { other_said, same_said }
    }

    fn remember(&mut self, speaker: u64, at_ms: i64, text: &str) {
        let says_something = !is_listening(text);
        if says_something {
            for turn in self.turns.iter_mut().filter(|turn| turn.speaker != speaker) {
                turn.answers = 0;
            }
        }
        let place = self.turns.iter().position(|turn| turn.speaker == speaker);
        let question = says_something.then(|| (at_ms, text.to_owned()));
        match place.and_then(|place| self.turns.get_mut(place)) {
            Some(turn) => {
                turn.at_ms = at_ms;
                turn.text = text.to_owned();
                turn.answers += 1;
                if question.is_some() {
                    turn.question = question;
                }
            }
            None => self.turns.push(Turn { speaker, at_ms, text: text.to_owned(), question, answers: 1 }),
        }
    }
}

/// "mm hmm", "okay go ahead": the question before it still stands.
fn is_listening(text: &str) -> bool {
    text.split(|character: char| !character.is_alphanumeric() && character != '\'')
        .filter(|word| !word.is_empty())
        .all(|word| {
            matches!(
                word.to_ascii_lowercase().as_str(),
                "mm" | "hmm"
                    | "mhm"
                    | "mmhmm"
                    | "uh"
                    | "huh"
                    | "um"
                    | "okay"
                    | "ok"
                    | "yeah"
                    | "yes"
                    | "yep"
                    | "right"
                    | "sure"
                    | "got"
                    | "it"
                    | "go"
                    | "ahead"
                    | "alright"
                    | "all"
                    | "great"
                    | "perfect"
                    | "good"
                    | "and"
                    | "thanks"
                    | "thank"
                    | "you"
                    | "i'm"
                    | "ready"
                    | "whenever"
                    | "are"
                    | "take"
                    | "your"
                    | "time"
                    | "so"
                    | "continue"
                    | "next"
                    | "one"
                    | "moment"
                    | "that"
                    | "so far"
                    | "copy"
                    | "please"
            )
        })
}

/// Sorted and without overlaps; ranges with nothing but spaces between them stay apart.
fn merged(text: &str, ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut sorted: Vec<Range<usize>> =
        ranges.filter(|range| range.start < range.end && range.end <= text.len()).collect();
    sorted.sort_by_key(|range| (range.start, range.end));
    let mut result: Vec<Range<usize>> = Vec::new();
    for range in sorted {
        match result.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => result.push(range),
        }
    }
    result
}

/// Returns the text with every hidden range replaced. The ranges are sorted, apart and on character boundaries.
#[must_use]
pub fn redact(text: &str, hidden: &[Range<usize>], replacement: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut shown = 0;
    for range in hidden {
        result.push_str(text.get(shown..range.start).unwrap_or_default());
        result.push_str(replacement);
        shown = range.end;
    }
    result.push_str(text.get(shown..).unwrap_or_default());
    result
}

/// Returns where a byte offset of the original lies in the redacted text; inside a hidden range it is the start of
/// the replacement.
#[must_use]
pub fn moved(offset: usize, hidden: &[Range<usize>], replacement: &str) -> usize {
    let mut removed = 0;
    let mut added = 0;
    for range in hidden {
        if offset < range.end {
            let inside = offset.max(range.start) == offset;
            return if inside { range.start - removed + added } else { offset - removed + added };
        }
        removed += range.end - range.start;
        added += replacement.len();
    }
    offset - removed + added
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CALLER: u64 = 1;
    const AGENT: u64 = 2;

    fn hidden(text: &str, findings: &Findings) -> String {
        redact(text, &findings.hidden, "[]")
    }

    #[test]
    fn a_card_in_two_messages_is_hidden_in_both() {
        let mut redactor = Redactor::default();
        redactor.finished(AGENT, 0, "what's the card number");
        let first = "sure it's four one one one one one one one";
        let found = redactor.finished(CALLER, 4_000, first);
        assert!(found.entities.is_empty());
        assert_eq!(hidden(first, &found), "sure it's []");
        redactor.finished(AGENT, 6_000, "mm hmm");
        let second = "and then one one one one one one one one";
        let found = redactor.finished(CALLER, 9_000, second);
        assert_eq!(found.entities.len(), 1);
        assert_eq!(hidden(second, &found), "[]");
        redactor.finished(AGENT, 11_000, "and the security code");
        let third = "three two one";
        let found = redactor.finished(CALLER, 13_000, third);
        assert_eq!(found.entities.first().map(|entity| entity.kind.name()), Some("CVV"));
    }

    #[test]
    fn digits_that_nobody_keeps_secret_are_shown() {
        for text in [
            "the order number is four one five",
            "it took forty five minutes",
            "that's 120 dollars",
            "i have two",
        ] {
            let found = Redactor::default().finished(CALLER, 0, text);
            assert!(found.hidden.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_spelled_name_is_hidden_though_it_is_no_entity() {
        let text = "my name's xiomara that's x i o m a r a";
        let found = Redactor::default().finished(CALLER, 0, text);
        assert_eq!(found.entities.len(), 1);
        assert_eq!(hidden(text, &found), "my name's [] that's []");
    }

    #[test]
    fn what_may_go_on_is_held_back_while_words_may_change() {
        let mut redactor = Redactor::default();
        for (text, safe) in [
            ("my number is four one", "my number is "),
            ("my number is four oh four let me see", "my number is "),
            ("it's j a n e", "it's "),
            ("my email is jane dot doe at exam", "my email is "),
            ("i would like to cancel", "i would like to cancel"),
        ] {
            assert_eq!(&text[..redactor.unfinished(CALLER, 0, text).safe], safe, "{text}");
        }
        redactor.finished(AGENT, 0, "what's your e mail");
        assert_eq!(redactor.unfinished(CALLER, 1_000, "big dog").safe, 0);
    }

    #[test]
    fn a_message_long_after_does_not_go_on_with_the_last_one() {
        let mut redactor = Redactor::default();
        redactor.finished(CALLER, 0, "four one one one one one one one");
        let found = redactor.finished(CALLER, 60_000, "one one one one one one one one");
        assert!(found.entities.is_empty());
    }

    #[test]
    fn offsets_move_with_the_replacement() {
        let hidden = [3..6, 8..9];
        assert_eq!(redact("abcdefghij", &hidden, "[*]"), "abc[*]gh[*]j");
        for (offset, expected) in [(0, 0), (3, 3), (5, 3), (6, 6), (7, 7), (8, 8), (9, 11), (10, 12)] {
            assert_eq!(moved(offset, &hidden, "[*]"), expected, "{offset}");
        }
    }

    #[test]
    fn a_card_is_hidden_whatever_marks_a_recogniser_puts_between_its_digits() {
        for gap in [
            "", " ", ",", ".", "-", ", ", " ,", "..", ". ", " .", ",,", ".,", ",.", "  ", " - ", "/", ": ",
            "; ", "_", " ... ", "\u{a0}",
        ] {
            for after in ["", ".", " please", " k", " p thanks", " or so", " minutes", " for me", "% ", " o"]
            {
                let text = format!("card number 4111{gap}1111{gap}1111{gap}1111{after}");
                let found = Redactor::default().finished(CALLER, 0, &text);
                assert!(!hidden(&text, &found).contains("111"), "{text}: {found:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_digit_of_a_card_leaves(before in "[a-zé ,.?]{0,30}", gap in "[ .,]{1,2}", after in "[a-zß .]{0,20}") {
            let text = format!("{before} card number 4111{gap}1111{gap}1111{gap}1111 {after}");
            let found = Redactor::default().finished(CALLER, 0, &text);
            prop_assert!(!hidden(&text, &found).contains("111"), "{}", text);
        }

        #[test]
        fn redaction_and_offsets_agree_for_any_text(texts in proptest::collection::vec("\\PC{0,30}|(one |four |at |dot |é){0,12}", 1..6)) {
            let mut redactor = Redactor::default();
            for (turn, text) in texts.iter().enumerate() {
                let at_ms = i64::try_from(turn).unwrap_or(0) * 1_500;
                let interim = redactor.unfinished(turn as u64 % 2, at_ms, text);
                prop_assert!(text.is_char_boundary(interim.safe));
                let findings = redactor.finished(turn as u64 % 2, at_ms, text);
                for entity in &findings.entities {
                    prop_assert!(findings.hidden.iter().any(|range| range.start <= entity.range.start && entity.range.end <= range.end));
                }
                let redacted = redact(text, &findings.hidden, "*");
                for (offset, character) in text.char_indices() {
                    if !findings.hidden.iter().any(|range| range.contains(&offset)) {
                        prop_assert!(redacted[moved(offset, &findings.hidden, "*")..].starts_with(character));
                    }
                }
                prop_assert_eq!(moved(text.len(), &findings.hidden, "*"), redacted.len());
            }
        }
    }
}
