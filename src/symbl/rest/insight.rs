//! Questions, action items, follow-ups.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Person;

/// The questions of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Questions {
    /// In the order they were found.
    pub questions: Vec<Insight>,
}

/// The action items of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionItems {
    /// In the order they were found.
    pub action_items: Vec<Insight>,
}

/// The follow-ups of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FollowUps {
    /// In the order they were found.
    pub follow_ups: Vec<Insight>,
}

/// All insights of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Insights {
    /// In the order they were found.
    pub insights: Vec<Insight>,
}

/// A question, action item or follow-up.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Insight {
    /// 16 digits.
    pub id: String,
    /// The text.
    pub text: String,
    /// `question`, `action_item` or `follow_up`.
    #[serde(rename = "type")]
    pub kind: String,
    /// 0 to 1.
    pub score: f64,
    /// The message it was found in.
    pub message_ids: Vec<String>,
    /// The same as references; only from the comprehensive route.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message_refs: Option<Vec<InsightMessage>>,
    /// Who said it.
    pub from: Person,
    /// People named in the text; not with questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub entities: Option<Vec<InsightEntity>>,
    /// Always empty; not with questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Vec<Object>>)]
    pub phrases: Option<Vec<Value>>,
    /// Whether it is known who shall do it; not with questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub definitive: Option<bool>,
    /// Who shall do it; not with questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub assignee: Option<Person>,
    /// ISO 8601; absent if nobody said when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub due_by: Option<String>,
}

/// The message of an insight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InsightMessage {
    /// The message's id.
    pub id: String,
}

/// A person named in an insight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InsightEntity {
    /// Always `person`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name as the text has it.
    pub text: String,
    /// In characters of the text.
    pub offset: u64,
    /// Who it is.
    pub value: InsightEntityValue,
}

/// Who is named in an insight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InsightEntityValue {
    /// Always true: only the assignee is looked for.
    pub assignee: bool,
    /// Who it is.
    #[serde(flatten)]
    pub person: Person,
}
