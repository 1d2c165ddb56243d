//! The bodies of the REST API (`symbl-protocol` 4), with the schemas of their OpenAPI document.
//!
//! * [`conversation`] - conversations and members.
//! * [`message`] - messages and topics.
//! * [`insight`] - questions, action items, follow-ups.
//! * [`found`] - tracker matches and entities.
//! * [`figures`] - analytics and summary.
//! * [`transcript`] - transcripts as text.
//! * [`tracker`] - stored trackers.
//! * [`token`] - the token route.

pub mod conversation;
pub mod figures;
pub mod found;
pub mod insight;
pub mod message;
pub mod token;
pub mod tracker;
pub mod transcript;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What every failure says (5.1), and some successes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Said {
    /// For people.
    pub message: String,
}

/// A person; `{}` when nobody knows who it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The member's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// The member's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// What identifies the member, whatever its form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
    /// The same once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user_id: Option<String>,
}

/// Polarity with its band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sentiment {
    /// The score.
    pub polarity: Polarity,
    /// `negative` below -0.3, `positive` above 0.3, else `neutral`.
    pub suggested: String,
}

/// A score from -1 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Polarity {
    /// The score.
    pub score: f64,
}

impl Sentiment {
    /// Returns a polarity with its band.
    pub fn of(score: f64) -> Self {
        let suggested = match score {
            score if score < -0.3 => "negative",
            score if score > 0.3 => "positive",
            _ => "neutral",
        };
        Self { polarity: Polarity { score }, suggested: suggested.to_owned() }
    }
}
