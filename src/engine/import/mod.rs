//! Transcripts that were typed or come from elsewhere: judged and kept like live calls, on a thread of their own.
//!
//! * [`body`] - reads a request's body.
//! * [`transcript`] - what is to be imported, with a time for everything.
//! * [`job`] - one import from beginning to end.
//!
//! One thread works on one transcript after the other: those of one conversation keep their order, and live calls are
//! hardly slower for it.

pub mod body;
pub mod job;
pub mod transcript;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::analysis::Analysis;
use super::conversation::typed::Typed;
use super::llm::stage::Stage;
use super::store::view::JobRecord;
use super::store::{Store, StoreError};
use job::{Destination, Job};
use transcript::Transcript;

/// Takes transcripts in. Dropped, it lets its thread end.
#[derive(Debug)]
pub struct Imports {
    jobs: SyncSender<Job>,
    shared: Arc<Shared>,
    most: usize,
}

#[derive(Debug, Default)]
struct Shared {
    /// Jobs that are waiting or being worked on; with the conversation.
    unfinished: Mutex<HashMap<String, String>>,
    is_stopping: AtomicBool,
}

/// A job that has been taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The conversation's id.
    pub conversation_id: String,
    /// The job's id.
    pub job_id: String,
}

/// Why a transcript is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Too many jobs.
    #[error("{most} transcripts are being processed already")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
    /// There is no such conversation.
    #[error("no such conversation")]
    NoConversation,
    /// It is still going on.
    #[error("the conversation is still going on")]
    GoesOn,
    /// The engine goes down, or there is no thread.
    #[error("no transcripts are taken in now")]
    Stopping,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Imports {
    /// Starts the thread; it works on `most` jobs at most, waiting ones included.
    pub fn start(most: usize) -> Self {
        let (jobs, queue) = sync_channel(most);
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        let started = std::thread::Builder::new().name("import".to_owned()).spawn(move || own.work(&queue));
        if let Err(error) = started {
            log::error!(error:% = error; "no thread for transcripts; none are taken in");
            shared.is_stopping.store(true, Ordering::Relaxed);
        }
        Self { jobs, shared, most }
    }

    /// Takes a transcript in, as a new conversation or at the end of one that is over. Waits for the store.
    ///
    /// # Errors
    ///
    /// There is no room, no such conversation, or no store.
    pub fn submit(
        &self,
        transcript: Transcript,
        conversation_id: Option<String>,
        analysis: &Analysis,
        store: &Arc<dyn Store>,
        llm: Option<&Stage>,
    ) -> Result<Accepted, ImportError> {
        if self.shared.is_stopping() {
            return Err(ImportError::Stopping);
        }
        let job_id = Uuid::new_v4().to_string();
        self.reserve(&job_id)?;
        let accepted = self.hand_over(job_id.clone(), transcript, conversation_id, analysis, store, llm);
        if accepted.is_err() {
            self.shared.lock().remove(&job_id);
        }
        accepted
    }

    fn hand_over(
        &self,
        job_id: String,
        transcript: Transcript,
        conversation_id: Option<String>,
        analysis: &Analysis,
        store: &Arc<dyn Store>,
        llm: Option<&Stage>,
    ) -> Result<Accepted, ImportError> {
        let into = match conversation_id {
            Some(id) => {
                let before = store.conversation(&id)?.ok_or(ImportError::NoConversation)?;
                if before.record.end_ms.is_none() && !before.record.connection_id.is_empty() {
                    return Err(ImportError::GoesOn);
                }
                Destination::Existing(id)
            }
            None => {
                let mut typed = Typed::begin(&transcript.wish, transcript.began_at_ms());
                if let Some(began) = typed.changed_record() {
                    store.record(began);
                }
                Destination::New(Box::new(typed))
            }
        };
        let conversation_id = into.id().to_owned();
        self.shared.lock().insert(job_id.clone(), conversation_id.clone());
        let record = |status: &str| JobRecord {
            id: job_id.clone(),
            conversation_id: conversation_id.clone(),
            status: status.to_owned(),
        };
        store.put_job(&record("scheduled"))?;
        let job = Job {
            record: record("scheduled"),
            into,
            transcript,
            analysis: analysis.clone(),
            store: Arc::clone(store),
            llm: llm.cloned(),
        };
        // There is room for every job that was reserved; without a thread nobody takes it.
        self.jobs.try_send(job).map_err(|_| ImportError::Stopping)?;
        Ok(Accepted { conversation_id, job_id })
    }

    fn reserve(&self, job_id: &str) -> Result<(), ImportError> {
        let mut unfinished = self.shared.lock();
        if unfinished.len() >= self.most {
            return Err(ImportError::TooMany { most: self.most });
        }
        unfinished.insert(job_id.to_owned(), String::new());
        Ok(())
    }

    /// Returns a job. One that a restart interrupted has failed. Waits for the store.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn job(&self, id: &str, store: &dyn Store) -> Result<Option<JobRecord>, StoreError> {
        // Looked up first: a job that ends in between has its last status in the store by then.
        let is_unfinished = self.shared.lock().contains_key(id);
        let mut job = store.job(id)?;
        // In a shared store it may be another engine's, which the store looks after.
        let is_interrupted = !is_unfinished && !store.is_shared();
        if let Some(job) = job.as_mut().filter(|job| is_interrupted && job.status != job::COMPLETED) {
            job::FAILED.clone_into(&mut job.status);
        }
        Ok(job)
    }

    /// Lets the transcript that is being worked on fail, and takes no more in.
    pub fn stop(&self) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Returns how many jobs are waiting or being worked on.
    pub fn unfinished(&self) -> usize {
        self.shared.lock().len()
    }
}

impl Shared {
    fn work(&self, queue: &Receiver<Job>) {
        for job in queue {
            let record = job.record.clone();
            let store = Arc::clone(&job.store);
            let is_done = catch_unwind(AssertUnwindSafe(|| job.perform(&|| self.is_stopping())));
            let status = match is_done {
                Ok(Ok(())) => job::COMPLETED,
                Ok(Err(why)) => {
                    log::warn!(event = "import_failed", job = record.id.as_str(), why:%; "a transcript was not processed");
                    job::FAILED
                }
                Err(_) => {
                    log::error!(event = "import_panicked", job = record.id.as_str(); "a transcript could not be processed");
                    job::FAILED
                }
            };
            job::put_status(&*store, &record, status);
            self.lock().remove(&record.id);
        }
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::SqliteStore;
    use crate::engine::store::record::{ConversationRecord, Record};

    #[test]
    fn a_job_that_a_restart_interrupted_has_failed() {
        let store = SqliteStore::in_memory().unwrap();
        store.record(Record::Began(ConversationRecord {
            id: "1".to_owned(),
            connection_id: String::new(),
            name: String::new(),
            start_ms: 0,
            end_ms: None,
            no_connection_timeout_ms: 0,
        }));
        let imports = Imports::start(1);
        for (status, expected) in
            [("scheduled", "failed"), ("in_progress", "failed"), ("completed", "completed")]
        {
            let job = JobRecord {
                id: status.to_owned(),
                conversation_id: "1".to_owned(),
                status: status.to_owned(),
            };
            store.put_job(&job).unwrap();
            assert_eq!(imports.job(status, &store).unwrap().unwrap().status, expected);
        }
        assert!(imports.job("unknown", &store).unwrap().is_none());
    }
}
