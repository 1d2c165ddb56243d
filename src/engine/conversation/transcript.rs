//! What an ear made out, as the messages that clients know (`symbl-protocol` 2.6.4, 2.6.5). Pure.

use serde::Serialize;

use crate::engine::hearing::HeardWord;
use crate::engine::iso;
use crate::symbl::server_message::{
    Alternative, Content, Message, MessageDuration, MessageMetadata, Punctuated, RawRecognition,
    RecognitionPayload, RecognitionResult, RecognizedWord, User, WordTime,
};

/// Where the audio of one ear lies: in the leg's audio, and in the world's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Milliseconds of the leg's audio before this ear's first sample.
    pub leg_offset_ms: u64,
    /// When this ear's first sample arrived, in milliseconds of Unix time.
    pub began_at_ms: i64,
}

impl Anchor {
    /// Returns the Unix time of a place in the ear's audio.
    pub fn unix_ms(&self, ear_ms: u64) -> i64 {
        self.began_at_ms.saturating_add_unsigned(ear_ms)
    }
}

/// Words that stay, with times of the ear's audio.
#[derive(Debug, Clone, PartialEq)]
pub struct FinalWords {
    /// Unpunctuated text.
    pub transcript: String,
    /// Text to show.
    pub punctuated: String,
    /// Each word with its place.
    pub words: Vec<HeardWord>,
    /// 0 to 1.
    pub confidence: f64,
    /// Where they begin.
    pub start_ms: u64,
    /// Where they end.
    pub end_ms: u64,
}

/// Returns an interim result.
pub fn interim_result(text: String, end_ms: u64, anchor: Anchor, user: User) -> RecognitionResult {
    RecognitionResult {
        is_final: false,
        payload: payload(Vec::new(), unpunctuated(&text), 0.0),
        punctuated: Punctuated { transcript: text },
        user,
        time_offset: anchor.leg_offset_ms + end_ms,
    }
}

/// Returns a final result.
pub fn final_result(heard: &FinalWords, anchor: Anchor, user: User) -> RecognitionResult {
    let time = |ms| WordTime::from_millis(anchor.leg_offset_ms + ms);
    let words = heard
        .words
        .iter()
        .map(|word| RecognizedWord {
            word: word.word.clone(),
            start_time: time(word.start_ms),
            end_time: time(word.end_ms),
        })
        .collect();
    RecognitionResult {
        is_final: true,
        payload: payload(words, heard.transcript.clone(), heard.confidence.clamp(0.0, 1.0)),
        punctuated: Punctuated { transcript: heard.punctuated.clone() },
        user,
        time_offset: anchor.leg_offset_ms + heard.end_ms,
    }
}

/// Returns the finished sentence that all members and subscribers see.
///
/// `from` is empty for a speaker that nobody named.
pub fn message(
    id: String,
    heard: &FinalWords,
    anchor: Anchor,
    conversation_began_at_ms: i64,
    timezone_offset: i64,
    from: User,
) -> Message {
    let at = |ms: u64| anchor.unix_ms(ms);
    let seconds = |ms: i64| ms.max(0) as f64 / 1000.0;
    Message {
        id: id.clone(),
        from,
        payload: Content::plain(heard.punctuated.clone()),
        metadata: MessageMetadata {
            disable_punctuation: true,
            timezone_offset,
            original_content: heard.punctuated.clone(),
            words: words_in_a_string(&heard.words, at),
            original_message_id: id,
        },
        duration: MessageDuration {
            start_time: iso(at(heard.start_ms)),
            end_time: iso(at(heard.end_ms)),
            time_offset: seconds(at(heard.start_ms) - conversation_began_at_ms),
            duration: seconds(at(heard.end_ms) - at(heard.start_ms)),
        },
        ..Message::default()
    }
}

fn payload(words: Vec<RecognizedWord>, transcript: String, confidence: f64) -> RecognitionPayload {
    RecognitionPayload {
        raw: RawRecognition { alternatives: vec![Alternative { words, transcript, confidence }] },
    }
}

/// Go and the documentation agree that `metadata.words` is text that holds JSON.
fn words_in_a_string(words: &[HeardWord], at: impl Fn(u64) -> i64) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Word<'a> {
        word: &'a str,
        start_time: String,
        end_time: String,
    }
    let words: Vec<_> = words
        .iter()
        .map(|word| Word {
            word: &word.word,
            start_time: iso(at(word.start_ms)),
            end_time: iso(at(word.end_ms)),
        })
        .collect();
    serde_json::to_string(&words).unwrap_or_else(|_| "[]".to_owned())
}

fn unpunctuated(text: &str) -> String {
    let kept = |c: &char| !matches!(c, '.' | ',' | '?' | '!' | ';' | ':');
    text.to_lowercase().chars().filter(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANCHOR: Anchor = Anchor { leg_offset_ms: 5000, began_at_ms: 1_772_637_600_000 };

    fn heard() -> FinalWords {
        FinalWords {
            transcript: "my bill".to_owned(),
            punctuated: "My bill.".to_owned(),
            words: vec![HeardWord { word: "my".to_owned(), start_ms: 200, end_ms: 450 }],
            confidence: 1.5,
            start_ms: 200,
            end_ms: 1900,
        }
    }

    #[test]
    fn a_final_result_counts_from_the_legs_first_audio() {
        let result = final_result(&heard(), ANCHOR, User::default());
        assert_eq!(result.time_offset, 6900);
        let best = &result.payload.raw.alternatives[0];
        assert_eq!(best.words[0].start_time, WordTime::from_millis(5200));
        assert_eq!(best.confidence, 1.0);
    }

    #[test]
    fn an_interim_result_has_no_words_and_no_confidence() {
        let result = interim_result("My last bill,".to_owned(), 900, ANCHOR, User::default());
        let best = &result.payload.raw.alternatives[0];
        assert!(best.words.is_empty() && best.confidence == 0.0 && !result.is_final);
        assert_eq!(best.transcript, "my last bill");
        assert_eq!(result.punctuated.transcript, "My last bill,");
    }

    #[test]
    fn a_message_counts_from_the_conversations_start_in_the_worlds_time() {
        let message =
            message("1".to_owned(), &heard(), ANCHOR, ANCHOR.began_at_ms - 5000, 480, User::default());
        assert_eq!(message.duration.start_time, "2026-03-04T15:20:00.200Z");
        assert_eq!(message.duration.time_offset, 5.2);
        assert_eq!(message.duration.duration, 1.7);
        assert_eq!(message.id, message.metadata.original_message_id);
        let words: serde_json::Value = serde_json::from_str(&message.metadata.words).unwrap();
        assert_eq!(words[0]["endTime"], "2026-03-04T15:20:00.450Z");
    }
}
