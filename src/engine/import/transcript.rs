//! What is to be imported, with a time for everything. Pure.

use serde_json::{Map, Value};

use crate::engine::conversation::typed::Utterance;
use crate::engine::insight::intents::{self, IntentKind};
use crate::engine::insight::messages;
use crate::symbl::Speaker;
use crate::symbl::client_message::StartRequest;

/// A word takes so long when nobody says how long it took: 150 words a minute.
const WORD_MS: i64 = 400;

/// A transcript that was read and found good.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// What is wanted of it, as a live call would say it.
    pub wish: StartRequest,
    /// What is attached to the conversation.
    pub metadata: Option<Map<String, Value>>,
    /// What was said, in order; at least one.
    pub utterances: Vec<Utterance>,
}

/// What one person said, as far as the sender knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who; none when nobody says.
    pub speaker: Option<Speaker>,
    /// The text.
    pub text: String,
    /// Unix time.
    pub start_ms: Option<i64>,
    /// Unix time.
    pub end_ms: Option<i64>,
}

impl Transcript {
    /// Gives each line a time: its own, else one behind the line before it, the first one `now_ms`.
    pub fn new(
        wish: StartRequest,
        metadata: Option<Map<String, Value>>,
        lines: Vec<Line>,
        now_ms: i64,
    ) -> Self {
        let mut next_ms = now_ms;
        let utterances = lines.into_iter().map(|line| {
            let text = with_marks(&line.text);
            let words = text.split_whitespace().count().max(1);
            let estimate_ms = i64::try_from(words).unwrap_or(i64::MAX).saturating_mul(WORD_MS);
            let start_ms = match (line.start_ms, line.end_ms) {
                (Some(start_ms), _) => start_ms,
                (None, Some(end_ms)) => end_ms.saturating_sub(estimate_ms),
                (None, None) => next_ms,
            };
            let end_ms = line.end_ms.unwrap_or_else(|| start_ms.saturating_add(estimate_ms)).max(start_ms);
            next_ms = end_ms;
            Utterance { speaker: line.speaker, text, start_ms, end_ms }
        });
        let utterances = utterances.collect();
        Self { wish, metadata, utterances }
    }

    /// Returns when its conversation began.
    pub fn began_at_ms(&self) -> i64 {
        self.utterances.iter().map(|utterance| utterance.start_ms).min().unwrap_or(0)
    }
}

/// Returns the text with marks, if it has none: a recogniser's bare words are judged better with them.
fn with_marks(text: &str) -> String {
    let sentences = messages::sentences(text, &[]);
    if sentences.len() < 2 {
        return marked(text.trim());
    }
    let sentences: Vec<String> =
        sentences.into_iter().map(|sentence| marked(text[sentence.text].trim())).collect();
    sentences.join(" ")
}

fn marked(sentence: &str) -> String {
    let is_question = intents::detect(sentence).iter().any(|intent| intent.kind == IntentKind::Question);
    messages::punctuate(sentence, is_question)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, start_ms: Option<i64>, end_ms: Option<i64>) -> Line {
        Line { speaker: None, text: text.to_owned(), start_ms, end_ms }
    }

    #[test]
    fn lines_without_times_follow_each_other_at_150_words_a_minute() {
        let lines = vec![
            line("One two three.", None, None),
            line("Four.", None, None),
            line("Five six.", Some(50_000), Some(51_000)),
            line("Seven.", None, None),
            line("Eight.", Some(60_000), None),
            line("Nine.", None, Some(70_000)),
            line("Ten.", Some(80_000), Some(79_000)),
        ];
        let transcript = Transcript::new(StartRequest::default(), None, lines, 10_000);
        let times: Vec<_> = transcript.utterances.iter().map(|u| (u.start_ms, u.end_ms)).collect();
        let expected = [
            (10_000, 11_200),
            (11_200, 11_600),
            (50_000, 51_000),
            (51_000, 51_400),
            (60_000, 60_400),
            (69_600, 70_000),
            (80_000, 80_000),
        ];
        assert_eq!(times, expected);
        assert_eq!(transcript.began_at_ms(), 10_000);
    }
}
