//! Conversations and members.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A page of conversations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Conversations {
    /// The conversations.
    pub conversations: Vec<Conversation>,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// 16 digits.
    pub id: String,
    /// Always `meeting`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its title.
    pub name: String,
    /// ISO 8601.
    pub start_time: String,
    /// ISO 8601; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub end_time: Option<String>,
    /// In the order they came.
    pub members: Vec<Member>,
    /// What users attached.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

/// The members of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Members {
    /// In the order they came.
    pub members: Vec<Member>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// UUID.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// What identifies them: an e-mail address, a phone number, anything.
    pub email: String,
}

/// A change of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberUpdate {
    /// If given, the id of the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// The new name.
    #[schema(min_length = 1)]
    pub name: String,
    /// The new identification; the old one stays without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
}

/// New metadata of a conversation, in place of the old.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetadataUpdate {
    /// Any object.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

/// A conversation's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Metadata {
    /// The conversation's id.
    pub id: String,
    /// What users attached.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

/// Who spoke when, told afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpeakerEvents {
    /// In any order.
    pub speaker_events: Vec<SpeakerEvent>,
}

/// Somebody began or ceased to speak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SpeakerEvent {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: SpeakerEventKind,
    /// Who it is.
    pub user: SpeakerUser,
    /// When, from the conversation's start.
    pub offset: SpeakerOffset,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpeakerEventKind {
    /// They began.
    StartedSpeaking,
    /// They ceased.
    StoppedSpeaking,
}

/// A speaker; known by `id`, else by `email`, else by `name`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SpeakerUser {
    /// Any id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The name to show.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What identifies them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
}

/// A time from the conversation's start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SpeakerOffset {
    /// Whole seconds, or with a fraction.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub seconds: f64,
    /// Added to them.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub nanos: f64,
}
