//! The bodies of the asynchronous text API: `POST /v1/process/text`, `PUT /v1/process/text/{conversationId}`,
//! `GET /v1/job/{jobId}`. They are read by hand, so that complaints name what is wrong; the types are for the document.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A transcript. Unknown fields are ignored, and so are `conversationType`, `detectPhrases`, `entities` and `features`:
/// every conversation gets all insights. `webhookUrl` is refused: this server calls nobody; ask for the job instead.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextToProcess {
    /// The conversation's name; its id without one.
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Ignored.
    #[schema(nullable = false)]
    pub conversation_type: Option<String>,
    /// In the order they were said or written.
    #[schema(min_items = 1)]
    pub messages: Vec<TextMessage>,
    /// Insights below it are left out; 0.5 without it.
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    pub confidence_threshold: Option<f64>,
    /// Ignored.
    #[schema(nullable = false)]
    pub detect_phrases: Option<bool>,
    /// Whether entities are kept.
    #[schema(nullable = false)]
    pub detect_entities: Option<bool>,
    /// Ignored: custom entities of the hosted service.
    #[schema(nullable = false, value_type = Option<Vec<Object>>)]
    pub entities: Option<Vec<serde_json::Value>>,
    /// Whether every stored tracker is watched for.
    #[schema(nullable = false)]
    pub enable_all_trackers: Option<bool>,
    /// Trackers to watch for: phrases of their own, or the id or name of a stored one.
    #[schema(nullable = false, max_items = 500)]
    pub trackers: Option<Vec<TextTracker>>,
    /// Ignored.
    #[schema(nullable = false, value_type = Option<Object>)]
    pub features: Option<serde_json::Value>,
    /// Attached to the conversation, in place of what was.
    #[schema(nullable = false, value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
    /// Extension: what becomes of personal data, as in the Streaming API's `config.redaction`.
    #[schema(nullable = false)]
    pub redaction: Option<TextRedaction>,
}

/// One message of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TextMessage {
    /// What was said.
    pub payload: TextPayload,
    /// Who said it.
    #[schema(nullable = false)]
    pub from: Option<TextFrom>,
    /// When; without it 150 words a minute, right behind the message before.
    #[schema(nullable = false)]
    pub duration: Option<TextDuration>,
}

/// A message's text.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextPayload {
    /// The text; several sentences become several messages.
    #[schema(min_length = 1)]
    pub content: String,
    /// Nothing but `text/plain`.
    #[schema(nullable = false, pattern = "^text/plain$")]
    pub content_type: Option<String>,
}

/// Who said a message.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextFrom {
    /// The name to show.
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// What tells people apart: an e-mail address, a phone number, anything.
    #[schema(nullable = false)]
    pub user_id: Option<String>,
}

/// When a message was said.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextDuration {
    /// ISO 8601.
    #[schema(nullable = false, format = DateTime)]
    pub start_time: Option<String>,
    /// ISO 8601, not before the start.
    #[schema(nullable = false, format = DateTime)]
    pub end_time: Option<String>,
}

/// A tracker of one transcript.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TextTracker {
    /// Id of a stored tracker.
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Its name, or the name of this one.
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// The phrases to find; without them a stored tracker is meant.
    #[schema(nullable = false)]
    pub vocabulary: Option<Vec<String>>,
}

/// What becomes of personal data.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextRedaction {
    /// Whether it is kept as entities.
    #[schema(nullable = false)]
    pub identify_content: Option<bool>,
    /// Whether it is replaced.
    #[schema(nullable = false)]
    pub redact_content: Option<bool>,
    /// What it is replaced by, 16 characters at most; `****` without it.
    #[schema(nullable = false, max_length = 16)]
    pub redaction_string: Option<String>,
}

/// A transcript was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextAccepted {
    /// The conversation that it becomes.
    pub conversation_id: String,
    /// The job that works on it.
    pub job_id: String,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobStatus {
    /// The job's id.
    pub id: String,
    /// `scheduled`, `in_progress`, `completed` or `failed`; one that a restart interrupted has failed.
    pub status: String,
}
