//! Tracker matches and entities of a conversation.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tracker with its matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DetectedTracker {
    /// The tracker's id.
    pub id: String,
    /// The tracker's name.
    pub name: String,
    /// One a vocabulary entry.
    pub matches: Vec<TrackerMatch>,
}

/// Where a vocabulary entry was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrackerMatch {
    /// Always `vocabulary`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The vocabulary entry.
    pub value: String,
    /// The messages.
    pub message_refs: Vec<TextRef>,
    /// Insights of those messages.
    pub insight_refs: Vec<InsightRef>,
}

/// A place in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TextRef {
    /// The message's id.
    pub id: String,
    /// The message's text.
    pub text: String,
    /// In characters; -1: similar, not literal.
    pub offset: i64,
}

/// A place in an insight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InsightRef {
    /// The insight's id.
    pub id: String,
    /// `question`, `action_item` or `follow_up`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The insight's text.
    pub text: String,
    /// In characters; -1: similar, not literal.
    pub offset: i64,
}

/// The entities of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entities {
    /// In the order they were found.
    pub entities: Vec<Entity>,
}

/// An entity with all its places, in both shapes that clients know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    /// For instance `PII`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For instance `PHONE_NUMBER`.
    pub sub_type: String,
    /// `Managed` or `Custom`.
    pub category: String,
    /// The text found, or what stands in its place.
    pub text: String,
    /// The same.
    pub value: String,
    /// The messages.
    pub message_refs: Vec<TextRef>,
    /// The same for newer clients.
    pub matches: Vec<EntityMatch>,
}

/// Where an entity was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntityMatch {
    /// The text found, or what stands in its place.
    pub detected_value: String,
    /// The messages.
    pub message_refs: Vec<TimedRef>,
}

/// A place in a message, with the message's times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimedRef {
    /// The message's id.
    pub id: String,
    /// ISO 8601.
    pub start_time: String,
    /// ISO 8601.
    pub end_time: String,
    /// The message's text.
    pub text: String,
    /// In characters.
    pub offset: i64,
}
