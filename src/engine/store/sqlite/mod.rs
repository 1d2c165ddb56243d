//! The store in one SQLite file: one thread writes, a few connections read.
//!
//! * [`file`] - opening: lock, permissions, pragmas; [`schema`] - tables and migrations.
//! * [`write`] - what becomes of a record; the queue in front of it is [`super::writer`].
//! * [`read`] - queries; [`readers`] - the connections they run on.
//! * [`tracker`] - stored trackers and jobs; [`change`] - what users of the REST API change.

mod change;
mod file;
mod read;
mod readers;
mod schema;
#[cfg(test)]
pub(in crate::engine::store) mod tests;
mod tracker;
mod write;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use log::warn;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use serde_json::{Map, Value};

use super::record::{InsightRecord, MemberRecord, MessageRecord, Record, TopicRecord, TrackerMatchRecord};
use super::view::{
    ConversationQuery, JobRecord, OpenConversation, StoreCounts, StoredConversation, SummaryRecord,
    TalkRecord, TrackerRecord,
};
use super::writer::{Database, Writer};
use super::{Store, StoreError, lock};
use file::Lock;
use readers::Readers;

/// Conversations that one transaction deletes: live calls wait for it.
const DELETED_AT_ONCE: u32 = 50;

/// How long one wait for room in the file may take when the space of deleted conversations is given back.
const CHECKPOINT_PATIENCE: Duration = Duration::from_secs(2);

/// A store in a file, or in memory for tests and demonstrations.
pub struct SqliteStore {
    writer: Writer<WritingConnection>,
    readers: Readers,
    trackers: RwLock<Arc<Vec<TrackerRecord>>>,
    /// Held while trackers change and are read back, so that the newest list is the one that stays.
    tracker_change: Mutex<()>,
    /// Keeps other processes out for as long as the store lives.
    _lock: Option<Lock>,
}

impl SqliteStore {
    /// Opens the store in a file, which is made with its directory if it does not exist.
    ///
    /// # Errors
    ///
    /// The file cannot be used; the error says why and what to do.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = Lock::take(path)?;
        let connection = file::open_to_write(path)?;
        let readers = Readers::open(path)?;
        Self::new(Arc::new(Mutex::new(connection)), readers, Some(lock))
    }

    /// Returns a store that ends with the process.
    ///
    /// # Errors
    ///
    /// SQLite has no memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = Arc::new(Mutex::new(file::open_in_memory()?));
        Self::new(Arc::clone(&connection), Readers::sharing(connection), None)
    }

    fn new(
        connection: Arc<Mutex<Connection>>,
        readers: Readers,
        lock: Option<Lock>,
    ) -> Result<Self, StoreError> {
        let trackers = readers.read(tracker::all)?;
        Ok(Self {
            writer: Writer::start(WritingConnection(connection))?,
            readers,
            trackers: RwLock::new(Arc::new(trackers)),
            tracker_change: Mutex::new(()),
            _lock: lock,
        })
    }

    /// Runs a change in a transaction of its own, after everything recorded before, and waits for its commit.
    fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.ask(|database| {
            let mut connection = lock(&database.0);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = change(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    fn change_trackers<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _one_at_a_time = lock(&self.tracker_change);
        let result = self.change(change)?;
        let fresh = Arc::new(self.readers.read(tracker::all)?);
        *self.trackers.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(result)
    }

    /// Gives back the space of what was deleted, and with it the last copies of its text.
    fn shrink(&self) {
        self.writer.put(|database| {
            if let Err(error) = shrink(&lock(&database.0)) {
                warn!(error:% = error; "the store could not tidy up");
            }
        });
    }
}

impl Store for SqliteStore {
    fn record(&self, record: Record) {
        self.writer.record(record);
    }

    fn flush(&self) {
        self.writer.flush();
    }

    fn counts(&self) -> StoreCounts {
        self.writer.counts()
    }

    fn open_conversations(&self, now_ms: i64, grace_ms: i64) -> Result<Vec<OpenConversation>, StoreError> {
        self.change(move |transaction| change::take_up_again(transaction, now_ms, grace_ms))
    }

    fn delete_ended_before(&self, before_ms: i64) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let some = self.change(move |transaction| {
                Ok(change::delete_ended_before(transaction, before_ms, DELETED_AT_ONCE)?)
            })?;
            deleted += some;
            if some == 0 {
                break;
            }
        }
        if deleted > 0 {
            self.shrink();
        }
        Ok(deleted)
    }

    fn conversations(&self, query: &ConversationQuery) -> Result<Vec<StoredConversation>, StoreError> {
        self.readers.read(|connection| read::conversations(connection, query))
    }

    fn conversation(&self, id: &str) -> Result<Option<StoredConversation>, StoreError> {
        self.readers.read(|connection| read::conversation(connection, id))
    }

    fn messages(&self, id: &str, with_words: bool) -> Result<Vec<MessageRecord>, StoreError> {
        self.readers.read(|connection| read::messages(connection, id, with_words))
    }

    fn talks(&self, id: &str) -> Result<Vec<TalkRecord>, StoreError> {
        self.readers.read(|connection| read::talks(connection, id))
    }

    fn insights(&self, id: &str) -> Result<Vec<InsightRecord>, StoreError> {
        self.readers.read(|connection| read::insights(connection, id))
    }

    fn tracker_matches(&self, id: &str) -> Result<Vec<TrackerMatchRecord>, StoreError> {
        self.readers.read(|connection| read::tracker_matches(connection, id))
    }

    fn topics(&self, id: &str) -> Result<Vec<TopicRecord>, StoreError> {
        self.readers.read(|connection| read::topics(connection, id))
    }

    fn summary(&self, id: &str) -> Result<Option<SummaryRecord>, StoreError> {
        self.readers.read(|connection| read::summary(connection, id))
    }

    fn set_metadata(&self, id: &str, metadata: &Map<String, Value>) -> Result<bool, StoreError> {
        let (id, metadata) = (id.to_owned(), Value::Object(metadata.clone()).to_string());
        self.change(move |transaction| Ok(change::set_metadata(transaction, &id, &metadata)?))
    }

    fn rename_member(&self, conversation_id: &str, member: &MemberRecord) -> Result<bool, StoreError> {
        let (id, member) = (conversation_id.to_owned(), member.clone());
        self.change(move |transaction| Ok(change::rename_member(transaction, &id, &member)?))
    }

    fn assign_speakers(
        &self,
        conversation_id: &str,
        speakers: Vec<(String, MemberRecord)>,
    ) -> Result<(), StoreError> {
        let id = conversation_id.to_owned();
        self.change(move |transaction| Ok(change::assign_speakers(transaction, &id, &speakers)?))
    }

    fn delete_conversation(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        let existed = self.change(move |transaction| Ok(change::delete_conversation(transaction, &id)?))?;
        if existed {
            self.shrink();
        }
        Ok(existed)
    }

    fn trackers(&self) -> Arc<Vec<TrackerRecord>> {
        Arc::clone(&self.trackers.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn create_trackers(&self, trackers: Vec<TrackerRecord>) -> Result<(), StoreError> {
        self.change_trackers(move |transaction| tracker::create(transaction, &trackers))
    }

    fn update_tracker(&self, tracker: &TrackerRecord) -> Result<bool, StoreError> {
        let tracker = tracker.clone();
        self.change_trackers(move |transaction| tracker::update(transaction, &tracker))
    }

    fn delete_tracker(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.change_trackers(move |transaction| Ok(tracker::delete(transaction, &id)?))
    }

    fn put_job(&self, job: &JobRecord) -> Result<(), StoreError> {
        let job = job.clone();
        self.change(move |transaction| Ok(tracker::put_job(transaction, &job)?))
    }

    fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError> {
        self.readers.read(|connection| tracker::job(connection, id))
    }
}

/// The connection that writes; in memory it is also the one that reads.
struct WritingConnection(Arc<Mutex<Connection>>);

impl Database for WritingConnection {
    fn write(&mut self, records: &[Record]) -> Result<usize, StoreError> {
        Ok(write::all(&mut lock(&self.0), records)?)
    }
}

fn shrink(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(CHECKPOINT_PATIENCE)?;
    // It answers with a row a page, and does no more than is asked for.
    let mut vacuum = connection.prepare("PRAGMA incremental_vacuum(10000)")?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
