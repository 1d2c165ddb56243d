//! What is written down of a conversation. Texts are as they may leave: already redacted when that was asked for.

use serde::{Deserialize, Serialize};

/// Something to write down.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A conversation began, or goes on after a restart.
    Began(ConversationRecord),
    /// A member joined or changed.
    Member {
        /// The conversation's id.
        conversation_id: String,
        /// The member.
        member: MemberRecord,
    },
    /// A finished sentence.
    Message(MessageRecord),
    /// A question, action item or follow-up.
    Insight(InsightRecord),
    /// A tracker matched.
    TrackerMatch(TrackerMatchRecord),
    /// All topics of a conversation, in place of those before.
    Topics {
        /// The conversation's id.
        conversation_id: String,
        /// Best first.
        topics: Vec<TopicRecord>,
    },
    /// What a conversation was about in a few sentences, in place of what was.
    Summary {
        /// The conversation's id.
        conversation_id: String,
        /// The sentences.
        text: String,
        /// The messages it is made of.
        message_ids: Vec<String>,
    },
    /// A conversation is over.
    Ended {
        /// The conversation's id.
        conversation_id: String,
        /// Unix time.
        end_ms: i64,
    },
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRecord {
    /// 16 digits.
    pub id: String,
    /// The id that its legs share; empty for an imported text.
    pub connection_id: String,
    /// Its title.
    pub name: String,
    /// Unix time.
    pub start_ms: i64,
    /// Unix time; none while it goes on.
    pub end_ms: Option<i64>,
    /// How long it outlives the loss of its last socket.
    pub no_connection_timeout_ms: i64,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRecord {
    /// UUID.
    pub id: String,
    /// As the client named them.
    pub name: String,
    /// As the client identified them: an e-mail address, a phone number, anything.
    pub user_id: String,
}

/// A finished sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRecord {
    /// 16 digits, unique in the store.
    pub id: String,
    /// The conversation's id.
    pub conversation_id: String,
    /// Counts the conversation's messages from 0.
    pub sequence: u64,
    /// Who said it; none when nobody named the speaker.
    pub member_id: Option<String>,
    /// The text.
    pub text: String,
    /// Unix time.
    pub start_ms: i64,
    /// Unix time.
    pub end_ms: i64,
    /// Words with times; empty for imported texts.
    pub words: Vec<WordRecord>,
    /// -1 to 1.
    pub polarity: f64,
    /// What was found in it.
    pub entities: Vec<EntityRecord>,
}

/// A word with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WordRecord {
    /// The word.
    pub word: String,
    /// Unix time.
    pub start_ms: i64,
    /// Unix time.
    pub end_ms: i64,
}

/// An entity in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityRecord {
    /// For instance `PII`.
    pub kind: String,
    /// For instance `PHONE_NUMBER`.
    pub sub_type: String,
    /// The text found, or what stands in its place.
    pub text: String,
    /// In characters of the message's text.
    pub offset: u64,
}

/// A question, action item or follow-up.
#[derive(Debug, Clone, PartialEq)]
pub struct InsightRecord {
    /// 16 digits.
    pub id: String,
    /// The conversation's id.
    pub conversation_id: String,
    /// `question`, `action_item` or `follow_up`.
    pub kind: String,
    /// The text.
    pub text: String,
    /// The message it was found in.
    pub message_id: String,
    /// 0 to 1.
    pub score: f64,
    /// Who said it.
    pub from_id: Option<String>,
    /// Who shall do it.
    pub assignee_id: Option<String>,
    /// Unix time.
    pub due_ms: Option<i64>,
}

/// A tracker's match.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackerMatchRecord {
    /// The conversation's id.
    pub conversation_id: String,
    /// The tracker's id.
    pub tracker_id: String,
    /// The tracker's name.
    pub tracker_name: String,
    /// The vocabulary entry.
    pub value: String,
    /// The message.
    pub message_id: String,
    /// The message's text.
    pub text: String,
    /// In characters; -1: similar, not literal.
    pub offset: i64,
    /// Insights of that message: id and kind.
    pub insights: Vec<(String, String)>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicRecord {
    /// UUID, stable while the topic lives.
    pub id: String,
    /// The phrase.
    pub text: String,
    /// 0 to 1.
    pub score: f64,
    /// The messages that hold it.
    pub message_ids: Vec<String>,
    /// Mean polarity of those messages.
    pub polarity: f64,
}
