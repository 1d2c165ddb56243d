//! Messages and topics.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Person, Sentiment};

/// The messages of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Messages {
    /// By time.
    pub messages: Vec<Message>,
}

/// A sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// 16 digits.
    pub id: String,
    /// The text.
    pub text: String,
    /// Who said it.
    pub from: Person,
    /// ISO 8601.
    pub start_time: String,
    /// ISO 8601.
    pub end_time: String,
    /// Seconds from the conversation's start.
    pub time_offset: f64,
    /// Seconds.
    pub duration: f64,
    /// The conversation's id.
    pub conversation_id: String,
    /// Always empty.
    #[schema(value_type = Vec<Object>)]
    pub phrases: Vec<Value>,
    /// What was found in it.
    pub entities: Vec<MessageEntity>,
    /// Only with `sentiment=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sentiment: Option<Sentiment>,
    /// Only with `verbose=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub words: Option<Vec<Word>>,
}

/// A word of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Word {
    /// The word.
    pub word: String,
    /// ISO 8601.
    pub start_time: String,
    /// ISO 8601.
    pub end_time: String,
    /// Counts the conversation's members from 1; 0 for an unknown speaker.
    pub speaker_tag: u32,
    /// Seconds from the conversation's start.
    pub time_offset: f64,
    /// Seconds.
    pub duration: f64,
}

/// An entity in a message, as the stream shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageEntity {
    /// For instance `PHONE_NUMBER`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same.
    pub sub_type: String,
    /// `Managed` or `Custom`.
    pub category: String,
    /// The text found, or what stands in its place.
    pub text: String,
    /// The same text.
    pub detected_value: String,
    /// In characters of the message's text.
    pub offset: u64,
    /// The same text once more.
    pub value: MessageEntityValue,
}

/// `value` of an entity in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageEntityValue {
    /// The text found.
    pub value: String,
}

/// The topics of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Topics {
    /// Best first.
    pub topics: Vec<Topic>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    /// UUID.
    pub id: String,
    /// The phrase.
    pub text: String,
    /// Always `topic`.
    #[serde(rename = "type")]
    pub kind: String,
    /// 0 to 1.
    pub score: f64,
    /// The messages that hold it.
    pub message_ids: Vec<String>,
    /// Always empty.
    #[schema(value_type = Vec<Object>)]
    pub entities: Vec<Value>,
    /// Wider topics within this one's words; only with `parentRefs=true`, else empty.
    pub parent_refs: Vec<ParentRef>,
    /// Only with `sentiment=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sentiment: Option<Sentiment>,
}

/// A wider topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParentRef {
    /// Always `topic`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its phrase.
    pub text: String,
}
