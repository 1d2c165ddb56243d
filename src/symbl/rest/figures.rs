//! Analytics and summary.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who talked how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Analytics {
    /// `total_silence`, `total_talk_time`, `total_overlap`.
    pub metrics: Vec<Metric>,
    /// In the order they came.
    pub members: Vec<MemberAnalytics>,
}

/// A share of the conversation's time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Metric {
    /// Its name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of silence and talk together.
    pub percent: f64,
    /// Seconds.
    pub seconds: f64,
}

/// One member's share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberAnalytics {
    /// The member's id.
    pub id: String,
    /// The member's name.
    pub name: String,
    /// What identifies the member.
    pub user_id: String,
    /// How fast they talk.
    pub pace: Pace,
    /// Their share of all members' talk.
    pub talk_time: Share,
    /// The others' share.
    pub listen_time: Share,
    /// Talk at the same time as others.
    pub overlap: Overlap,
}

/// How fast somebody talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pace {
    /// Words a minute.
    pub wpm: u32,
}

/// A share of all members' talk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// 0 to 100.
    pub percentage: f64,
    /// Seconds.
    pub seconds: f64,
}

/// Talk at the same time as others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overlap {
    /// Seconds.
    pub overlap_duration: f64,
    /// With whom.
    pub overlapping_members: Vec<OverlappingMember>,
}

/// Talk at the same time as one other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverlappingMember {
    /// The other's id.
    pub id: String,
    /// The other's name.
    pub name: String,
    /// What identifies the other.
    pub user_id: String,
    /// Of the member's own talk.
    pub percent: f64,
    /// Seconds.
    pub seconds: f64,
}

/// The sentences that say most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// By time; each is a sentence that was said.
    pub summary: Vec<SummarySentence>,
}

/// A sentence of a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummarySentence {
    /// 16 digits.
    pub id: String,
    /// The sentence.
    pub text: String,
    /// Its message.
    pub message_refs: Vec<MessageRef>,
    /// ISO 8601.
    pub start_time: String,
    /// ISO 8601.
    pub end_time: String,
}

/// A reference to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageRef {
    /// The message's id.
    pub id: String,
}
