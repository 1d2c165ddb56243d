//! What is read back from the store.

use serde_json::{Map, Value};

use super::record::{ConversationRecord, MemberRecord};

/// A conversation as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConversation {
    /// What the engine wrote down.
    pub record: ConversationRecord,
    /// What users of the REST API attached.
    pub metadata: Map<String, Value>,
    /// In the order they came.
    pub members: Vec<MemberRecord>,
}

/// A conversation that goes on after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenConversation {
    /// As it was written down.
    pub record: ConversationRecord,
    /// In the order they came.
    pub members: Vec<MemberRecord>,
    /// The number of its next message.
    pub next_sequence: u64,
    /// Unix time of the end of its last message; none without messages.
    pub last_message_end_ms: Option<i64>,
}

/// One page of a list of conversations: those that began in `[from_ms, until_ms]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationQuery {
    /// Unix time.
    pub from_ms: i64,
    /// Unix time.
    pub until_ms: i64,
    /// Whether the newest comes first.
    pub newest_first: bool,
    /// Only those in which each of these occurs: in what was said, a name, a number, a topic or the metadata. ASCII
    /// letters in either case.
    pub search: Vec<String>,
    /// How many at most.
    pub limit: u32,
    /// How many to skip.
    pub offset: u32,
}

/// When somebody talked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TalkRecord {
    /// Who; none when nobody named the speaker.
    pub member_id: Option<String>,
    /// Unix time.
    pub start_ms: i64,
    /// Unix time.
    pub end_ms: i64,
    /// How many words.
    pub words: u32,
}

/// A tracker that the Management API keeps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrackerRecord {
    /// 16 digits.
    pub id: String,
    /// Unique; case counts.
    pub name: String,
    /// For people.
    pub description: String,
    /// For people.
    pub categories: Vec<String>,
    /// For instance `en`.
    pub languages: Vec<String>,
    /// The phrases to watch for.
    pub vocabulary: Vec<String>,
    /// Phrases that are not meant.
    pub exclude_vocabulary: Vec<String>,
    /// 0 to 1: how similar a sentence must be; none: the engine's own.
    pub threshold: Option<f64>,
    /// Whether only close matches count; none: the engine's own.
    pub strict: Option<bool>,
    /// Unix time.
    pub created_ms: i64,
    /// Unix time.
    pub updated_ms: i64,
}

/// A summary that somebody wrote, not one that is made of sentences that were said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryRecord {
    /// The text.
    pub text: String,
    /// The messages it is made of.
    pub message_ids: Vec<String>,
}

/// A piece of asynchronous work on a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRecord {
    /// UUID.
    pub id: String,
    /// The conversation's id.
    pub conversation_id: String,
    /// `scheduled`, `in_progress`, `completed` or `failed`.
    pub status: String,
}

/// What became of the records so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreCounts {
    /// Records that wait to be written.
    pub waiting: u64,
    /// Records on disk.
    pub written: u64,
    /// Records that could not be kept: the queue was full, or they do not fit what is there.
    pub lost: u64,
    /// Attempts to write that failed and were repeated.
    pub failures: u64,
}
