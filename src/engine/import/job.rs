//! One import from beginning to end.

use std::sync::Arc;

use super::transcript::Transcript;
use crate::engine::analysis::Analysis;
use crate::engine::conversation::typed::Typed;
use crate::engine::conversation::watched::WatchList;
use crate::engine::insight::analyst::Analyst;
use crate::engine::llm::notes::Notes;
use crate::engine::llm::stage::Stage;
use crate::engine::store::record::{ConversationRecord, Record};
use crate::engine::store::view::{JobRecord, OpenConversation};
use crate::engine::store::{Store, StoreError};

/// The status of a job whose results are all in the store.
pub const COMPLETED: &str = "completed";
/// The status of a job that came to nothing, or to a part only.
pub const FAILED: &str = "failed";
const IN_PROGRESS: &str = "in_progress";

/// Utterances after which the store has to catch up: a transcript must not take the queue that live calls need.
const UTTERANCES_AT_ONCE: usize = 100;

/// A transcript on its way into the store.
pub struct Job {
    /// As it was accepted.
    pub record: JobRecord,
    /// Where it goes.
    pub into: Destination,
    /// What.
    pub transcript: Transcript,
    /// What judges it.
    pub analysis: Analysis,
    /// Where it stays. Carried by the job, so that the thread keeps no store open when it has nothing to do.
    pub store: Arc<dyn Store>,
    /// The language model that is asked for a second opinion, if there is one.
    pub llm: Option<Stage>,
}

/// Where a transcript goes.
#[derive(Debug)]
pub enum Destination {
    /// Into a conversation of its own.
    New(Box<Typed>),
    /// To the end of one that is in the store.
    Existing(String),
}

/// Why a transcript was not processed to its end.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The engine goes down.
    #[error("the engine goes down")]
    Stopping,
    /// The conversation was deleted meanwhile.
    #[error("the conversation is gone")]
    Gone,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Destination {
    /// Returns the conversation's id.
    pub fn id(&self) -> &str {
        match self {
            Self::New(typed) => typed.id(),
            Self::Existing(id) => id,
        }
    }
}

impl Job {
    /// Judges everything and writes it down.
    ///
    /// # Errors
    ///
    /// The store failed, or the engine is going down.
    pub fn perform(self, is_stopping: &dyn Fn() -> bool) -> Result<(), JobError> {
        let Self { record, into, transcript, analysis, store, llm } = self;
        put_status(&*store, &record, IN_PROGRESS);
        let mut analyst = Analyst::default();
        let (mut typed, mut end_ms) = match into {
            Destination::New(typed) => (*typed, transcript.began_at_ms()),
            Destination::Existing(id) => go_on(&*store, &id, &transcript, &mut analyst)?,
        };
        if let Some(metadata) = &transcript.metadata {
            store.set_metadata(typed.id(), metadata)?;
        }
        let mut notes = Notes::default();
        let mut watch_list = WatchList::default();
        watch_list.wish(transcript.wish.trackers.clone(), transcript.wish.enable_all_trackers);
        let watched = analysis.trackers(&watch_list.current(&store.trackers()));
        for (place, utterance) in transcript.utterances.iter().enumerate() {
            if is_stopping() {
                return Err(JobError::Stopping);
            }
            let said = typed.say(utterance);
            said.records.into_iter().for_each(|record| store.record(record));
            let findings = said.sentences.iter();
            let findings =
                findings.map(|(id, text)| analysis.judge(&mut analyst, id, text, &watched)).collect();
            for record in typed.judged(said.number, findings) {
                if llm.is_some() {
                    notes.note(&record);
                }
                store.record(record);
            }
            if let Some((llm, batch)) = llm.as_ref().and_then(|llm| Some((llm, notes.batch(&typed.wants())?)))
            {
                llm.look_again(batch, drop);
            }
            end_ms = end_ms.max(utterance.end_ms);
            if place % UTTERANCES_AT_ONCE == UTTERANCES_AT_ONCE - 1 {
                store.flush();
            }
        }
        let topics = analyst.topics();
        if !topics.is_empty() {
            store.record(typed.topics(topics));
        }
        store.record(Record::Ended { conversation_id: typed.id().to_owned(), end_ms });
        if let Some(llm) = llm {
            let whole = notes.whole(&typed.wants());
            if let Some(batch) = notes.rest(&typed.wants()) {
                llm.look_again(batch, drop);
            }
            if let Some(whole) = whole {
                llm.summarise(whole);
            }
        }
        Ok(())
    }
}

/// Reads what is there already: the numbering goes on, and topics are made of all of it.
fn go_on(
    store: &dyn Store,
    id: &str,
    transcript: &Transcript,
    analyst: &mut Analyst,
) -> Result<(Typed, i64), JobError> {
    store.flush();
    let before = store.conversation(id)?.ok_or(JobError::Gone)?;
    let messages = store.messages(id, false)?;
    for message in &messages {
        analyst.remember(&message.id, &message.text, message.polarity);
    }
    if let Some(name) = &transcript.wish.meeting_title {
        store.record(Record::Began(ConversationRecord { name: name.clone(), ..before.record.clone() }));
    }
    let end_ms = before.record.end_ms.unwrap_or(before.record.start_ms);
    let open = OpenConversation {
        record: before.record,
        members: before.members,
        next_sequence: messages.iter().map(|message| message.sequence + 1).max().unwrap_or(0),
        last_message_end_ms: messages.iter().map(|message| message.end_ms).max(),
    };
    Ok((Typed::go_on(&open, &transcript.wish, end_ms), end_ms))
}

/// Writes a job's status down; a store that fails here has told so elsewhere.
pub fn put_status(store: &dyn Store, job: &JobRecord, status: &str) {
    if let Err(error) = store.put_job(&JobRecord { status: status.to_owned(), ..job.clone() }) {
        log::warn!(event = "job_status_lost", job = job.id.as_str(), error:%; "a job's status was not written");
    }
}
