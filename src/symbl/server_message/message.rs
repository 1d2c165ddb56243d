//! Finished sentences with ids that everything later refers to (`symbl-protocol` 2.6.5).

use serde::{Deserialize, Serialize};

use super::User;

/// Finished sentences.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageResponse {
    /// The sentences.
    pub messages: Vec<Message>,
    /// Per conversation and type, from 0.
    pub sequence_number: u64,
    /// Whether sentiment is on.
    pub sentiment: bool,
}

/// One sentence with an id that all later messages and REST refer to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Message {
    /// Opaque id.
    pub id: String,
    /// Where it came from: always `realtime-api`.
    pub channel: Channel,
    /// Who said it.
    pub from: User,
    /// What was said.
    pub payload: Content,
    /// Words and the original text.
    pub metadata: MessageMetadata,
    /// Always false: nothing dismisses messages.
    pub dismissed: bool,
    /// When it was said.
    pub duration: MessageDuration,
    /// Entities found in it.
    pub entities: Vec<MessageEntity>,
    /// Only with `config.sentiment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
}

/// `channel` of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The channel's name.
    pub id: String,
}

impl Default for Channel {
    fn default() -> Self {
        Self { id: "realtime-api".to_owned() }
    }
}

/// Text with its media type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Content {
    /// The text, redacted when asked for.
    pub content: String,
    /// Always `text/plain`.
    pub content_type: String,
}

impl Content {
    /// Returns plain text content.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { content: text.into(), content_type: "text/plain".to_owned() }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::plain("")
    }
}

/// `metadata` of a message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageMetadata {
    /// As hosted servers send it.
    pub disable_punctuation: bool,
    /// Minutes, from the start request.
    pub timezone_offset: i64,
    /// The text before corrections (redacted when asked for).
    pub original_content: String,
    /// A JSON array of `{word,startTime,endTime}` with ISO times, **in a string**.
    pub words: String,
    /// The message's own id.
    pub original_message_id: String,
}

/// When a message was said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageDuration {
    /// ISO 8601 start.
    pub start_time: String,
    /// ISO 8601 end.
    pub end_time: String,
    /// Seconds from the conversation's start.
    pub time_offset: f64,
    /// Seconds.
    pub duration: f64,
}

/// An entity inside a message: the union of the two shapes clients know.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageEntity {
    /// For instance `PHONE_NUMBER`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Finer type.
    pub sub_type: String,
    /// `Managed` or `Custom`.
    pub category: String,
    /// The text found.
    pub text: String,
    /// The same text.
    pub detected_value: String,
    /// Character offset in the message.
    pub offset: i64,
    /// The same text once more.
    pub value: EntityValue,
}

/// `value` of an entity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntityValue {
    /// The text found.
    pub value: String,
}

/// Polarity with its band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentiment {
    /// The score.
    pub polarity: Polarity,
    /// `negative` below -0.3, `positive` above 0.3, else `neutral`.
    pub suggested: String,
}

/// A score from -1 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Polarity {
    /// The score.
    pub score: f64,
}
