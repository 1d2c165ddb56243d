//! From a recogniser's phrase to what may leave of it: redacted words, and sentences with their entities. Pure.
//!
//! Everything downstream - results, messages, insights, trackers, topics, the store - gets its text from here, so
//! that what is hidden here is hidden everywhere.

use std::ops::Range;

use super::transcript::FinalWords;
use crate::engine::hearing::HeardWord;
use crate::engine::insight::entities::{Entity, EntityKind};
use crate::engine::insight::messages::{self, TimedWord};
use crate::engine::insight::redaction::{Findings, Interim, moved, redact};

/// A phrase as it may leave.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Saying {
    /// The whole phrase.
    pub(super) words: FinalWords,
    /// Its sentences.
    pub(super) sentences: Vec<Sentence>,
}

/// A sentence as it may leave.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sentence {
    pub(super) words: FinalWords,
    pub(super) entities: Vec<FoundEntity>,
}

/// An entity of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundEntity {
    pub(super) kind: EntityKind,
    /// What was said, or what stands in its place.
    pub(super) text: String,
    /// In characters of the sentence.
    pub(super) offset: usize,
}

/// Splits a phrase into sentences and hides what is to be hidden; `replacement` none: nothing is.
pub(super) fn saying(heard: &FinalWords, findings: &Findings, replacement: Option<&str>) -> Saying {
    let text = heard.punctuated.as_str();
    let located = locate(text, &heard.words);
    let hidden: &[Range<usize>] = if replacement.is_some() { &findings.hidden } else { &[] };
    let cut = Cut { heard, located: &located, entities: &findings.entities, hidden, replacement };
    let sentences = messages::sentences(text, &times(text, &located, heard))
        .into_iter()
        .map(|sentence| sentence.text)
        .filter(|range| !text[range.clone()].trim().is_empty())
        .map(|range| cut.sentence(range))
        .collect();
    let mut whole = cut.sentence(0..text.len()).words;
    (whole.start_ms, whole.end_ms) = (heard.start_ms, heard.end_ms);
    if hidden.is_empty() {
        whole.transcript.clone_from(&heard.transcript);
    }
    Saying { words: whole, sentences }
}

/// Returns what may be shown of words that may still change.
pub(super) fn interim(text: &str, interim: &Interim, replacement: &str) -> String {
    let shown = &text[..interim.safe.min(text.len())];
    let hidden: Vec<_> = clip(&interim.hidden, &(0..shown.len())).collect();
    redact(shown, &hidden, replacement).trim_end().to_owned()
}

/// A word with its place in the text.
struct Located<'a> {
    range: Range<usize>,
    word: &'a HeardWord,
}

struct Cut<'a> {
    heard: &'a FinalWords,
    located: &'a [Located<'a>],
    entities: &'a [Entity],
    hidden: &'a [Range<usize>],
    replacement: Option<&'a str>,
}

impl Cut<'_> {
    fn sentence(&self, range: Range<usize>) -> Sentence {
        let range = trimmed(&self.heard.punctuated, range);
        let original = &self.heard.punctuated[range.clone()];
        let replacement = self.replacement.unwrap_or_default();
        let hidden: Vec<_> = clip(self.hidden, &range).collect();
        let punctuated = redact(original, &hidden, replacement);
        let located: Vec<&Located<'_>> =
            self.located.iter().filter(|located| range.contains(&located.range.start)).collect();
        let words = self.shown_words(&located);
        let start_ms = located.first().map_or(self.heard.start_ms, |first| first.word.start_ms);
        let end_ms = located.last().map_or(self.heard.end_ms, |last| last.word.end_ms);
        let spoken: Vec<String> = words.iter().map(|word| word.word.to_lowercase()).collect();
        let entities = self
            .entities
            .iter()
            .filter(|entity| range.contains(&entity.range.start))
            .map(|entity| {
                let start = entity.range.start - range.start;
                let end = entity.range.end.min(range.end) - range.start;
                let is_hidden = hidden.iter().any(|hidden| hidden.start < end && start < hidden.end);
                let at = moved(start, &hidden, replacement).min(punctuated.len());
                FoundEntity {
                    kind: entity.kind,
                    text: if is_hidden { replacement.to_owned() } else { original[start..end].to_owned() },
                    offset: punctuated.get(..at).map_or(0, |before| before.chars().count()),
                }
            })
            .collect();
        let words = FinalWords {
            transcript: spoken.join(" "),
            punctuated,
            words,
            confidence: self.heard.confidence,
            start_ms,
            end_ms: end_ms.max(start_ms),
        };
        Sentence { words, entities }
    }

    /// Returns the words; those of one hidden span become one word that lasts as long as they did.
    fn shown_words(&self, located: &[&Located<'_>]) -> Vec<HeardWord> {
        let Some(replacement) = self.replacement else {
            return located.iter().map(|located| located.word.clone()).collect();
        };
        let mut shown: Vec<HeardWord> = Vec::with_capacity(located.len());
        let mut last_span = None;
        for Located { range, word } in located {
            let span = self.hidden.iter().position(|span| span.start < range.end && range.start < span.end);
            match (span, shown.last_mut()) {
                (Some(_), Some(before)) if span == last_span => before.end_ms = word.end_ms,
                (Some(_), _) => shown.push(HeardWord { word: replacement.to_owned(), ..(*word).clone() }),
                (None, _) => shown.push((*word).clone()),
            }
            last_span = span;
        }
        shown
    }
}

/// Finds each word in the text, in order. A word that is not in it takes the place where the last one ended, so
/// that it is hidden together with its neighbour rather than shown.
fn locate<'a>(text: &str, words: &'a [HeardWord]) -> Vec<Located<'a>> {
    let mut from = 0;
    words
        .iter()
        .map(|word| {
            let found = text[from..].find(word.word.as_str()).map(|at| from + at);
            let start = found.unwrap_or(from.saturating_sub(1));
            let start = (0..=start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let end = found.map_or(from, |at| at + word.word.len());
            from = end;
            Located { range: start..end.max(start), word }
        })
        .collect()
}

/// Returns the time of each word that stands between spaces.
fn times(text: &str, located: &[Located<'_>], heard: &FinalWords) -> Vec<TimedWord> {
    if located.is_empty() {
        return Vec::new();
    }
    let mut next = located.iter().peekable();
    let mut last = (heard.start_ms, heard.start_ms);
    text.split_whitespace()
        .map(|token| {
            let end = token.as_ptr().addr() - text.as_ptr().addr() + token.len();
            let mut own: Option<(u64, u64)> = None;
            while let Some(located) = next.next_if(|located| located.range.start < end) {
                let start = own.map_or(located.word.start_ms, |(start, _)| start);
                own = Some((start, located.word.end_ms));
            }
            last = own.unwrap_or((last.1, last.1));
            TimedWord { start_ms: last.0, end_ms: last.1 }
        })
        .collect()
}

/// Returns the parts of `spans` that lie in `range`, counted from its start.
fn clip<'a>(spans: &'a [Range<usize>], range: &'a Range<usize>) -> impl Iterator<Item = Range<usize>> + 'a {
    spans
        .iter()
        .filter(|span| span.start < range.end && range.start < span.end)
        .map(|span| span.start.max(range.start) - range.start..span.end.min(range.end) - range.start)
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let inside = &text[range.clone()];
    let start = range.start + (inside.len() - inside.trim_start().len());
    start..start + inside.trim().len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::insight::redaction::Redactor;

    /// Words of 100 ms each.
    fn heard(text: &str) -> FinalWords {
        let words: Vec<HeardWord> = text
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
            .filter(|word| !word.is_empty())
            .zip(0_u64..)
            .map(|(word, at)| HeardWord { word: word.to_owned(), start_ms: at * 100, end_ms: at * 100 + 100 })
            .collect();
        FinalWords {
            transcript: text.to_lowercase(),
            punctuated: text.to_owned(),
            end_ms: words.len() as u64 * 100,
            words,
            confidence: 0.9,
            start_ms: 0,
        }
    }

    /// Hides every occurrence of `secrets`, reporting each as an entity.
    fn findings(text: &str, secrets: &[&str]) -> Findings {
        let hidden: Vec<Range<usize>> = secrets
            .iter()
            .flat_map(|secret| text.match_indices(secret).map(|(at, found)| at..at + found.len()))
            .collect();
        let entity = |range: &Range<usize>| Entity { kind: EntityKind::PhoneNumber, range: range.clone() };
        Findings { entities: hidden.iter().map(entity).collect(), hidden }
    }

    #[test]
    fn what_is_hidden_is_hidden_in_text_words_and_entities() {
        let text = "Call me at 555 0100. Ask for Jo.";
        let said = saying(&heard(text), &findings(text, &["555 0100"]), Some("***"));
        assert_eq!(said.words.punctuated, "Call me at ***. Ask for Jo.");
        assert_eq!(said.words.transcript, "call me at *** ask for jo");
        let words: Vec<_> = said.words.words.iter().map(|word| word.word.as_str()).collect();
        assert_eq!(words, ["Call", "me", "at", "***", "Ask", "for", "Jo"]);
        let hidden = &said.words.words[3];
        assert_eq!((hidden.start_ms, hidden.end_ms), (300, 500), "as long as both words");
        assert_eq!(said.sentences.len(), 2);
        assert_eq!(said.sentences[0].entities[0].text, "***");
        assert_eq!(said.sentences[0].entities[0].offset, 11);
        assert_eq!(said.sentences[1].words.start_ms, 500);
    }

    #[test]
    fn without_redaction_entities_are_reported_as_they_were_said() {
        let text = "Call 555 0100.";
        let said = saying(&heard(text), &findings(text, &["555 0100"]), None);
        assert_eq!(said.words.punctuated, text);
        assert_eq!(said.sentences[0].entities[0].text, "555 0100");
        assert_eq!(said.words.words.len(), 3);
    }

    #[test]
    fn a_number_that_spans_sentences_is_hidden_in_both() {
        let text = "My card is 4111 1111. 1111 1111 is the rest.";
        let said = saying(&heard(text), &findings(text, &["4111 1111. 1111 1111"]), Some("#"));
        let all: String = said.sentences.iter().map(|sentence| sentence.words.punctuated.as_str()).collect();
        assert!(!all.contains('1') && !all.contains('4'), "{all}");
        assert!(!format!("{:?}", said.words).contains("111"));
    }

    #[test]
    fn an_interim_text_is_cut_before_what_is_still_being_said() {
        let text = "my number is 555 01";
        let shown = interim(text, &Interim { hidden: Vec::new(), safe: 12 }, "*");
        assert_eq!(shown, "my number is");
        let number = 13..text.len();
        let hidden = Interim { hidden: vec![number], safe: text.len() };
        assert_eq!(interim(text, &hidden, "*"), "my number is *");
    }

    proptest! {
        /// Whatever is said and wherever the recogniser puts its marks: no digit of a card leaves anywhere.
        #[test]
        fn no_digit_of_a_card_leaves(before in "[a-zé ,.?]{0,30}", gap in "[ .,]{1,2}", after in "[a-zß .]{0,20}") {
            let text = format!("{before} card number 4111{gap}1111{gap}1111{gap}1111 {after}");
            let found = Redactor::default().finished(0, 0, &text);
            let said = saying(&heard(&text), &found, Some("~"));
            let everything = format!("{:?}", (&said.words.punctuated, &said.words.transcript,
                said.words.words.iter().map(|word| &word.word).collect::<Vec<_>>(),
                said.sentences.iter().map(|s| (&s.words.punctuated, s.words.words.iter().map(|w| &w.word)
                    .collect::<Vec<_>>(), s.entities.iter().map(|e| &e.text).collect::<Vec<_>>())).collect::<Vec<_>>()));
            prop_assert!(!everything.contains("111"), "{}", everything);
        }
    }
}
