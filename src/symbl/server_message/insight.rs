//! What was meant: insights, topics, trackers, entities (`symbl-protocol` 2.6.6 to 2.6.9).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Content, MessageEntity, Sentiment};

/// Questions, action items, follow-ups.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InsightResponse {
    /// The insights.
    pub insights: Vec<Insight>,
    /// Per conversation and type, from 0.
    pub sequence_number: u64,
}

/// One insight.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Insight {
    /// Opaque id.
    pub id: String,
    /// `question`, `action_item` or `follow_up`.
    #[serde(rename = "type")]
    pub kind: String,
    /// At or above the client's `confidenceThreshold`.
    pub confidence: f64,
    /// The text, for older clients.
    pub text: String,
    /// The text, for newer clients.
    pub payload: Content,
    /// The message it was found in.
    pub message_reference: IdRef,
    /// Who said it; `{}` when unknown.
    pub from: Value,
    /// Who shall do it; `{}` when unknown.
    pub assignee: Value,
    /// When it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_by: Option<DueBy>,
    /// Scores, as strings.
    pub hints: Vec<Hint>,
    /// People and dates in the text.
    pub tags: Vec<Value>,
    /// Null or entities.
    pub entities: Option<Vec<MessageEntity>>,
    /// Always false.
    pub dismissed: bool,
}

/// A reference by id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IdRef {
    /// The id.
    pub id: String,
}

/// `dueBy` of an insight on the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueBy {
    /// ISO 8601.
    pub value: String,
}

/// A named score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The score's name.
    pub key: String,
    /// The score, as text.
    pub value: String,
}

/// Topics.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TopicResponse {
    /// The topics.
    pub topics: Vec<Topic>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Topic {
    /// Opaque id, stable while the topic lives.
    pub id: String,
    /// Always `topic`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One phrase, despite the plural.
    pub phrases: String,
    /// 0 to 1.
    pub score: f64,
    /// The words it stands on.
    pub root_words: Vec<RootWord>,
    /// The messages that hold it.
    pub message_references: Vec<TopicMessageRef>,
    /// Index of the newest of those messages.
    pub message_index: u64,
    /// Only with `config.sentiment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
}

/// A root word of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootWord {
    /// The word.
    pub text: String,
}

/// A topic's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicMessageRef {
    /// The message's id.
    pub id: String,
    /// Always `text instance`.
    pub relation: String,
}

/// Tracker matches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrackerResponse {
    /// False: found in words that may still change.
    pub is_final: bool,
    /// The trackers that matched.
    pub trackers: Vec<TrackerMatches>,
    /// Per conversation and type, from 0.
    pub sequence_number: u64,
}

/// A tracker with its matches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TrackerMatches {
    /// Opaque id.
    pub id: String,
    /// The tracker's name.
    pub name: String,
    /// Where it matched.
    pub matches: Vec<TrackerMatch>,
}

/// One vocabulary entry's matches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrackerMatch {
    /// Always `vocabulary`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The vocabulary entry.
    pub value: String,
    /// Messages.
    pub message_refs: Vec<MatchRef>,
    /// Insights.
    pub insight_refs: Vec<MatchRef>,
}

/// A place where a tracker matched.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MatchRef {
    /// Id of the message or insight.
    pub id: String,
    /// For insights: their type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Text of the message or insight.
    pub text: String,
    /// Character offset of the match; -1: similar, not literal.
    pub offset: i64,
}

/// Entities.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntityResponse {
    /// The entities.
    pub entities: Vec<Entity>,
    /// Per conversation and type, from 0.
    pub sequence_number: u64,
}

/// One kind of entity with its finds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entity {
    /// For instance `PII`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For instance `PHONE_NUMBER`.
    pub sub_type: String,
    /// `Managed` or `Custom`.
    pub category: String,
    /// What was found.
    pub matches: Vec<EntityMatch>,
}

/// One find of an entity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntityMatch {
    /// The text found.
    pub detected_value: String,
    /// Where.
    pub message_refs: Vec<EntityMessageRef>,
}

/// A message that holds an entity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntityMessageRef {
    /// The message's id.
    pub id: String,
    /// ISO 8601 start.
    pub start_time: String,
    /// ISO 8601 end.
    pub end_time: String,
    /// The message's text.
    pub text: String,
    /// Character offset.
    pub offset: i64,
}
