//! The record that stays: conversations, messages, insights, trackers.
//!
//! * [`record`] - what is written down.
//! * [`view`] - what is read back.
//! * [`error`] - what can go wrong, each with its remedy.
//! * `writer` - the one thread that writes, and the bounded queue in front of it.
//! * [`sqlite`] - the store in one file.
//! * [`postgres`] - the store in a PostgreSQL database, which several engines share.
//!
//! Imports nothing of ours, so that another database can stand behind [`Store`] without touching its users.

pub mod error;
pub mod postgres;
pub mod record;
pub mod sqlite;
#[cfg(test)]
mod tests;
pub mod view;
mod writer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;

use serde_json::{Map, Value};

pub use self::postgres::PostgresStore;
pub use error::StoreError;
pub use sqlite::SqliteStore;

use record::{InsightRecord, MemberRecord, MessageRecord, Record, TopicRecord, TrackerMatchRecord};
use view::{
    ConversationQuery, JobRecord, OpenConversation, StoreCounts, StoredConversation, SummaryRecord,
    TalkRecord, TrackerRecord,
};

/// Trackers of one server (`symbl-protocol` 4.2).
pub const MOST_TRACKERS: usize = 500;

/// Where conversations stay. [`Store::record`], [`Store::trackers`] and [`Store::counts`] never block; everything else
/// waits for a disk and belongs on a thread that may.
pub trait Store: Send + Sync {
    /// Writes something down, within a second and in the order of the calls. What cannot be kept is counted, not
    /// reported: a call goes on without its record.
    fn record(&self, record: Record);

    /// Waits until everything recorded before is readable, or it is clear that it cannot be written now.
    fn flush(&self);

    /// Returns what became of the records so far.
    fn counts(&self) -> StoreCounts;

    /// Returns the conversations that go on after a restart, newest first, and ends the others at their last message.
    ///
    /// A conversation goes on for its own `no_connection_timeout_ms`, or `grace_ms` if that is longer, after the last
    /// thing known of it; of several with one connection id the newest goes on. A store that engines share returns
    /// none and leaves alone what a living engine has: see [`Store::take_over`].
    fn open_conversations(&self, now_ms: i64, grace_ms: i64) -> Result<Vec<OpenConversation>, StoreError>;

    /// Returns whether other engines may use the same store.
    fn is_shared(&self) -> bool {
        false
    }

    /// Returns what engines that share this store have in common and nobody else knows, to sign tokens with; none when
    /// the store is one engine's own.
    fn shared_secret(&self) -> Result<Option<SecretString>, StoreError> {
        Ok(None)
    }

    /// Makes this engine the one that has the conversation of a connection id, if one is open that it does not have:
    /// another engine has it, or had it before it died, or this engine had before it was started anew. For how long it
    /// goes on after that, see [`Store::open_conversations`].
    fn take_over(
        &self,
        _connection_id: &str,
        _now_ms: i64,
        _grace_ms: i64,
    ) -> Result<Option<OpenConversation>, StoreError> {
        Ok(None)
    }

    /// Deletes conversations that ended before a time; returns how many.
    fn delete_ended_before(&self, before_ms: i64) -> Result<u64, StoreError>;

    /// Returns one page of conversations.
    fn conversations(&self, query: &ConversationQuery) -> Result<Vec<StoredConversation>, StoreError>;

    /// Returns a conversation with its members.
    fn conversation(&self, id: &str) -> Result<Option<StoredConversation>, StoreError>;

    /// Returns a conversation's messages by time; `words` are left empty unless they are asked for.
    fn messages(&self, id: &str, with_words: bool) -> Result<Vec<MessageRecord>, StoreError>;

    /// Returns who talked when in a conversation, by time.
    fn talks(&self, id: &str) -> Result<Vec<TalkRecord>, StoreError>;

    /// Returns a conversation's questions, action items and follow-ups in the order they were found.
    fn insights(&self, id: &str) -> Result<Vec<InsightRecord>, StoreError>;

    /// Returns a conversation's tracker matches in the order they were found.
    fn tracker_matches(&self, id: &str) -> Result<Vec<TrackerMatchRecord>, StoreError>;

    /// Returns a conversation's topics, best first.
    fn topics(&self, id: &str) -> Result<Vec<TopicRecord>, StoreError>;

    /// Returns a conversation's written summary, if there is one.
    fn summary(&self, id: &str) -> Result<Option<SummaryRecord>, StoreError>;

    /// Replaces a conversation's metadata; returns false if there is no such conversation.
    fn set_metadata(&self, id: &str, metadata: &Map<String, Value>) -> Result<bool, StoreError>;

    /// Renames a member for good: what clients call them afterwards does not count; returns false if there is no such
    /// member.
    fn rename_member(&self, conversation_id: &str, member: &MemberRecord) -> Result<bool, StoreError>;

    /// Says who said which messages (message id, member), adding members that are new.
    fn assign_speakers(
        &self,
        conversation_id: &str,
        speakers: Vec<(String, MemberRecord)>,
    ) -> Result<(), StoreError>;

    /// Deletes a conversation and all that belongs to it; returns false if there is none. What is recorded of it
    /// afterwards is not kept.
    fn delete_conversation(&self, id: &str) -> Result<bool, StoreError>;

    /// Returns the stored trackers, oldest first, from memory.
    fn trackers(&self) -> Arc<Vec<TrackerRecord>>;

    /// Adds trackers, all or none.
    ///
    /// # Errors
    ///
    /// [`StoreError::NameTaken`] and [`StoreError::TooManyTrackers`] besides failures.
    fn create_trackers(&self, trackers: Vec<TrackerRecord>) -> Result<(), StoreError>;

    /// Replaces the tracker with the same id; returns false if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::NameTaken`] besides failures.
    fn update_tracker(&self, tracker: &TrackerRecord) -> Result<bool, StoreError>;

    /// Deletes a tracker; returns false if there is none. Its matches stay.
    fn delete_tracker(&self, id: &str) -> Result<bool, StoreError>;

    /// Adds a job or changes its status.
    fn put_job(&self, job: &JobRecord) -> Result<(), StoreError>;

    /// Returns a job.
    fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError>;
}

/// Returns what a column of real numbers takes: SQLite turns NaN into NULL, and sums with it are NaN.
fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

/// Locks, also after a panic elsewhere: what is behind these locks is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
