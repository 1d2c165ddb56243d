//! The store in a PostgreSQL database, which several engines share: one thread writes, a few read, one watches.
//!
//! * [`session`] - a connection that comes back; [`schema`] - tables and migrations.
//! * [`write`] - what becomes of a record; the queue in front of it is [`super::writer`].
//! * [`read`] - queries; [`readers`] - the threads they run on.
//! * [`tracker`] - stored trackers and jobs; [`change`] - what users of the REST API change, and whose a conversation is.
//! * [`watch`] - who lives, what changed elsewhere, what dead engines left open.

mod change;
mod read;
mod readers;
mod schema;
mod session;
#[cfg(test)]
mod tests;
mod tracker;
mod watch;
mod write;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use log::warn;
use postgres::Transaction;
use secrecy::SecretString;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::record::{InsightRecord, MemberRecord, MessageRecord, Record, TopicRecord, TrackerMatchRecord};
use super::view::{
    ConversationQuery, JobRecord, OpenConversation, StoreCounts, StoredConversation, SummaryRecord,
    TalkRecord, TrackerRecord,
};
use super::writer::{Database, Writer};
use super::{Store, StoreError};
use readers::Readers;
use session::{Access, Session};
use tracker::Trackers;
use watch::Watch;

pub use session::Address;

/// Conversations that one transaction deletes: other engines' writers wait for locks at most that long.
const DELETED_AT_ONCE: i64 = 50;

/// How long an engine that starts waits for a database that starts, too.
const OPENING: Duration = Duration::from_secs(15);

/// Between two attempts meanwhile.
const OPENING_PAUSE: Duration = Duration::from_millis(500);

/// The name of what tokens are signed with.
const TOKEN_KEY: &str = "token_key";

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    // In the order of their end: what waits is written before the engine says good-bye.
    writer: Writer<WritingSession>,
    readers: Readers,
    watch: Watch,
    trackers: Arc<Trackers>,
    node: String,
}

struct WritingSession {
    session: Session,
    node: String,
}

impl Database for WritingSession {
    fn write(&mut self, records: &[Record]) -> Result<usize, StoreError> {
        write::all(&mut self.session, &self.node, records)
    }
}

impl PostgresStore {
    /// Connects, and makes or updates the tables. Waits some seconds for a database that is starting.
    ///
    /// # Errors
    ///
    /// The database cannot be used; the error says why and what to do.
    pub fn open(address: Address) -> Result<Self, StoreError> {
        let address = Arc::new(address);
        let node = Uuid::new_v4().to_string();
        let session = Session::new(Arc::clone(&address));
        let writer = Writer::start(WritingSession { session, node: node.clone() })?;
        writer.ask(move |database| begin(&mut database.session, &database.node))?;
        let trackers = Arc::<Trackers>::default();
        let readers = Readers::start(&address)?;
        trackers.refresh(|| readers.read(tracker::all))?;
        let watch = Watch::start(&address, &node, &trackers)?;
        Ok(Self { writer, readers, watch, trackers, node })
    }

    /// Runs a change in a transaction of its own, after everything recorded before, and waits for its commit.
    fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Access<'_, Transaction<'_>>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.ask(|database| database.session.transaction(change))
    }

    fn change_trackers<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Access<'_, Transaction<'_>>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = self.change(change)?;
        self.trackers.refresh(|| self.readers.read(tracker::all))?;
        Ok(result)
    }
}

/// Makes the tables, and says that this engine lives.
fn begin(session: &mut Session, node: &str) -> Result<(), StoreError> {
    let began = Instant::now();
    loop {
        let begun = schema::migrate(session).and_then(|()| session.read(|access| change::beat(access, node)));
        match begun {
            Err(StoreError::Unreachable(why)) if session.may_come() && began.elapsed() < OPENING => {
                warn!(why; "waiting for PostgreSQL");
                thread::park_timeout(OPENING_PAUSE);
            }
            begun => return begun,
        }
    }
}

impl Store for PostgresStore {
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
        self.watch.keep_house(grace_ms);
        // Nobody is taken for dead at this moment who has not said good-bye.
        self.change(move |access| change::end_abandoned(access, now_ms, grace_ms, false))?;
        Ok(Vec::new())
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn shared_secret(&self) -> Result<Option<SecretString>, StoreError> {
        // 244 random bits; the first engine's stay.
        let made_up = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let secret = self.change(move |access| change::secret(access, TOKEN_KEY, &made_up))?;
        Ok(Some(secret.into()))
    }

    fn take_over(
        &self,
        connection_id: &str,
        now_ms: i64,
        grace_ms: i64,
    ) -> Result<Option<OpenConversation>, StoreError> {
        let (node, connection_id) = (self.node.clone(), connection_id.to_owned());
        self.change(move |access| change::take_over(access, &node, &connection_id, now_ms, grace_ms))
    }

    fn delete_ended_before(&self, before_ms: i64) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let some =
                self.change(move |access| change::delete_ended_before(access, before_ms, DELETED_AT_ONCE))?;
            deleted += some;
            if some == 0 {
                return Ok(deleted);
            }
        }
    }

    fn conversations(&self, query: &ConversationQuery) -> Result<Vec<StoredConversation>, StoreError> {
        let query = query.clone();
        self.readers.read(move |access| read::conversations(access, &query))
    }

    fn conversation(&self, id: &str) -> Result<Option<StoredConversation>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |access| read::conversation(access, &id))
    }

    fn messages(&self, id: &str, with_words: bool) -> Result<Vec<MessageRecord>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |access| read::messages(access, &id, with_words))
    }

    fn talks(&self, id: &str) -> Result<Vec<TalkRecord>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |access| read::talks(access, &id))
    }

    fn insights(&self, id: &str) -> Result<Vec<InsightRecord>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |access| read::insights(access, &id))
    }

    fn tracker_matches(&self, id: &str) -> Result<Vec<TrackerMatchRecord>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |access| read::tracker_matches(access, &id))
    }

    fn topics(&self, id: &str) -> Result<Vec<TopicRecord>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |access| read::topics(access, &id))
    }

    fn summary(&self, id: &str) -> Result<Option<SummaryRecord>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |access| read::summary(access, &id))
    }

    fn set_metadata(&self, id: &str, metadata: &Map<String, Value>) -> Result<bool, StoreError> {
        let (id, metadata) = (id.to_owned(), Value::Object(metadata.clone()).to_string());
        self.change(move |access| change::set_metadata(access, &id, &metadata))
    }

    fn rename_member(&self, conversation_id: &str, member: &MemberRecord) -> Result<bool, StoreError> {
        let (id, member) = (conversation_id.to_owned(), member.clone());
        self.change(move |access| change::rename_member(access, &id, &member))
    }

    fn assign_speakers(
        &self,
        conversation_id: &str,
        speakers: Vec<(String, MemberRecord)>,
    ) -> Result<(), StoreError> {
        let id = conversation_id.to_owned();
        self.change(move |access| change::assign_speakers(access, &id, &speakers))
    }

    fn delete_conversation(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.change(move |access| change::delete_conversation(access, &id))
    }

    fn trackers(&self) -> Arc<Vec<TrackerRecord>> {
        self.trackers.list()
    }

    fn create_trackers(&self, trackers: Vec<TrackerRecord>) -> Result<(), StoreError> {
        self.change_trackers(move |access| tracker::create(access, &trackers))
    }

    fn update_tracker(&self, tracker: &TrackerRecord) -> Result<bool, StoreError> {
        let tracker = tracker.clone();
        self.change_trackers(move |access| tracker::update(access, &tracker))
    }

    fn delete_tracker(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.change_trackers(move |access| tracker::delete(access, &id))
    }

    fn put_job(&self, job: &JobRecord) -> Result<(), StoreError> {
        let (node, job) = (self.node.clone(), job.clone());
        self.change(move |access| tracker::put_job(access, &node, &job))
    }

    fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |access| tracker::job(access, &id))
    }
}
