//! What one speaker is being heard to say (`symbl-protocol` 2.6.4).

use serde::{Deserialize, Serialize};

/// Words of one speaker, still moving (`is_final` false) or settled.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecognitionResult {
    /// False: may still change.
    pub is_final: bool,
    /// The recogniser's own output.
    pub payload: RecognitionPayload,
    /// Text to show.
    pub punctuated: Punctuated,
    /// The speaker; present even when empty, because clients read `user.name` unguarded.
    pub user: User,
    /// Milliseconds since the leg's audio began. On the wire it stands beside `message` and inside it.
    pub time_offset: u64,
}

/// `payload` of a recognition result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RecognitionPayload {
    /// The one reading clients know.
    pub raw: RawRecognition,
}

/// `payload.raw`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RawRecognition {
    /// Readings, best first; clients read the first.
    pub alternatives: Vec<Alternative>,
}

/// One reading of the audio.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Alternative {
    /// Words with times; empty in interim results.
    pub words: Vec<RecognizedWord>,
    /// Unpunctuated text.
    pub transcript: String,
    /// 0 to 1; 0 in interim results.
    pub confidence: f64,
}

/// A word and where it lies in the leg's audio.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecognizedWord {
    /// The word.
    pub word: String,
    /// Start, relative to the leg's audio.
    pub start_time: WordTime,
    /// End, relative to the leg's audio.
    pub end_time: WordTime,
}

/// A time in the leg's audio; both parts are decimal strings on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WordTime {
    /// Whole seconds.
    pub seconds: String,
    /// Nanoseconds within the second.
    pub nanos: String,
}

impl WordTime {
    /// Returns the wire form of a time in milliseconds.
    pub fn from_millis(millis: u64) -> Self {
        Self { seconds: (millis / 1000).to_string(), nanos: (millis % 1000 * 1_000_000).to_string() }
    }
}

/// Text to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Punctuated {
    /// Cased and punctuated text.
    pub transcript: String,
}

/// A member of the conversation, as results name it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    /// The leg's `speaker.userId`.
    pub user_id: String,
    /// The leg's `speaker.name`.
    pub name: String,
    /// The member's own id, a UUID.
    pub id: String,
}
