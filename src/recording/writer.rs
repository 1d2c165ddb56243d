//! The one thread that touches files. What it is given it writes in batches, twice a second at most.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::folder::Folder;
use super::queue::{Job, TakeId};
use super::recorder::Shared;
use super::take::Take;

/// Looked at so often when nothing happens, at least.
const LONGEST_NAP: Duration = Duration::from_secs(60);

/// The reason of a recording that the end of the process completes.
const SHUTDOWN: &str = "shutdown";

/// The writer and its recordings.
pub(super) struct Writer {
    shared: Arc<Shared>,
    folder: Folder,
    takes: HashMap<TakeId, Take>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, folder: Folder) -> Self {
        Self { shared, folder, takes: HashMap::new() }
    }

    /// Writes until the queue is closed and everything is complete.
    pub(super) fn run(mut self) {
        // What cannot be is said now, not at the first call; and what was left over is completed.
        let _ = self.folder.ready();
        loop {
            let batch = self.shared.queue.take(self.folder.until_tidy().min(LONGEST_NAP));
            let mut ended = Vec::new();
            for job in batch.jobs {
                self.perform(job, &mut ended);
            }
            for take in self.takes.values_mut() {
                take.flush(&mut self.folder, &self.shared);
            }
            for (take, at, reason) in ended {
                if let Some(take) = self.takes.remove(&take) {
                    take.finish(at, reason, &mut self.folder, &self.shared);
                }
            }
            self.folder.tidy_if_due();
            self.shared.counters.deleted.fetch_add(self.folder.take_deleted(), Ordering::Relaxed);
            self.shared.queue.done(batch.cost);
            if batch.is_last {
                break;
            }
        }
        for (_, take) in self.takes.drain() {
            take.finish(Timestamp::now(), SHUTDOWN, &mut self.folder, &self.shared);
        }
        self.shared.queue.finished();
    }

    fn perform(&mut self, job: Job, ended: &mut Vec<(TakeId, Timestamp, &'static str)>) {
        match job {
            Job::Begin(id, begin) => {
                let (about, started_at, tags) = *begin;
                self.takes.insert(id, Take::new(about, started_at, tags));
            }
            Job::Audio(id, audio) => {
                if let Some(take) = self.takes.get_mut(&id) {
                    take.audio(audio);
                }
            }
            Job::Gap { take, missing, silence, cause } => {
                if let Some(take) = self.takes.get_mut(&take) {
                    take.gap(missing, silence, cause);
                }
            }
            Job::Conversation(id, conversation) => {
                if let Some(take) = self.takes.get_mut(&id) {
                    take.conversation(conversation);
                }
            }
            Job::End { take, at, reason } => ended.push((take, at, reason)),
        }
    }
}
