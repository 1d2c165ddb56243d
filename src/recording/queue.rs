//! What waits for the writer: pieces of audio, beginnings and ends, bounded by bytes.
//!
//! Legs put, the writer takes all there is at once. Nobody who puts ever waits for more than the lock, which is held for a
//! push or a swap. Audio beyond the bound is refused; beginnings and ends are not: a leg has one of each.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;

use super::sidecar::{About, GapCause};
use crate::telemetry::LegTags;

/// What may wait: four seconds of a thousand legs, an hour of one.
pub const MOST_WAITING: usize = 32 * 1024 * 1024;

/// What a job costs besides its audio.
const JOB_BYTES: usize = mem::size_of::<Job>();

/// How long the first job of a batch waits for company: one write a leg and batch, and the most that a crash costs.
const GATHERING: Duration = Duration::from_millis(500);

/// A recording in the making; never used twice in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TakeId(pub u64);

/// Something to do for one recording.
#[derive(Debug)]
pub enum Job {
    /// A leg begins.
    Begin(TakeId, Box<(About, Timestamp, LegTags)>),
    /// What the leg carried.
    Audio(TakeId, Bytes),
    /// What it did not: bytes missing, and of silence in their place.
    Gap {
        /// The recording.
        take: TakeId,
        /// Audio that is missing.
        missing: u64,
        /// Silence in its place.
        silence: u64,
        /// Why.
        cause: GapCause,
    },
    /// The server named the conversation.
    Conversation(TakeId, String),
    /// The leg is over.
    End {
        /// The recording.
        take: TakeId,
        /// When its audio ended.
        at: Timestamp,
        /// Why the leg ended.
        reason: &'static str,
    },
}

impl Job {
    fn cost(&self) -> usize {
        JOB_BYTES
            + match self {
                Self::Audio(_, audio) => audio.len(),
                _ => 0,
            }
    }

    /// Returns whether it may be refused.
    fn is_refusable(&self) -> bool {
        matches!(self, Self::Audio(..) | Self::Gap { .. })
    }
}

/// What the writer takes at once.
#[derive(Debug, Default)]
pub struct Batch {
    /// In the order in which they were put.
    pub jobs: VecDeque<Job>,
    /// To be given back with [`Queue::done`].
    pub cost: usize,
    /// Nothing will follow.
    pub is_last: bool,
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    most: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// Of the jobs here, and of those that the writer is at.
    cost: usize,
    /// Of those that the writer is at.
    taken: usize,
    is_closed: bool,
    is_finished: bool,
}

impl Queue {
    /// Returns an empty queue that takes jobs of so many bytes.
    pub fn new(most: usize) -> Self {
        Self { waiting: Mutex::default(), wake: Condvar::new(), most }
    }

    /// Puts a job in, or refuses it: the writer is behind, or gone.
    #[must_use]
    pub fn put(&self, job: Job) -> bool {
        let cost = job.cost();
        let mut waiting = self.lock();
        if waiting.is_closed || (job.is_refusable() && waiting.cost + cost > self.most) {
            return false;
        }
        waiting.cost += cost;
        waiting.jobs.push_back(job);
        // The writer is woken by the first job, and by the one that makes the batch worth its while.
        let here = waiting.cost - waiting.taken;
        let is_news = waiting.jobs.len() == 1 || (here >= self.most / 4 && here - cost < self.most / 4);
        drop(waiting);
        if is_news {
            self.wake.notify_all();
        }
        true
    }

    /// Returns what waits, once there is something or `patience` is over.
    pub fn take(&self, patience: Duration) -> Batch {
        let mut waiting = self.lock();
        let until = Instant::now() + patience;
        while waiting.jobs.is_empty() && !waiting.is_closed {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                break;
            };
            waiting = self.wait(waiting, left);
        }
        if !waiting.jobs.is_empty() {
            let gathered = Instant::now() + GATHERING;
            while !waiting.is_closed && waiting.cost - waiting.taken < self.most / 4 {
                let Some(left) =
                    gathered.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
                else {
                    break;
                };
                waiting = self.wait(waiting, left);
            }
        }
        waiting.taken = waiting.cost;
        Batch { jobs: mem::take(&mut waiting.jobs), cost: waiting.cost, is_last: waiting.is_closed }
    }

    /// Says that the writer has done a batch: there is room again.
    pub fn done(&self, batch_cost: usize) {
        let mut waiting = self.lock();
        waiting.cost -= batch_cost;
        waiting.taken = 0;
    }

    /// Returns how many bytes wait.
    pub fn waiting_bytes(&self) -> usize {
        self.lock().cost
    }

    /// Takes nothing more.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_all();
    }

    /// Says that the writer has done everything there was.
    pub fn finished(&self) {
        self.lock().is_finished = true;
        self.wake.notify_all();
    }

    /// Waits until the writer has done everything there was; returns whether it has.
    pub fn wait_until_finished(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut waiting = self.lock();
        while !waiting.is_finished {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return false;
            };
            waiting = self.wait(waiting, left);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, waiting: MutexGuard<'a, Waiting>, left: Duration) -> MutexGuard<'a, Waiting> {
        self.wake.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(bytes: usize) -> Job {
        Job::Audio(TakeId(1), Bytes::from(vec![1; bytes]))
    }

    fn end() -> Job {
        Job::End { take: TakeId(1), at: Timestamp::UNIX_EPOCH, reason: "hangup" }
    }

    #[test]
    fn audio_beyond_the_bound_is_refused_until_the_writer_is_done_with_a_batch_and_an_end_never() {
        let queue = Queue::new(10_000);
        assert!(queue.put(audio(5_000)));
        assert!(!queue.put(audio(5_000)), "with what a job costs it is too much");
        assert!(queue.put(end()));
        let batch = queue.take(Duration::ZERO);
        assert_eq!(batch.jobs.len(), 2);
        assert!(!queue.put(audio(5_000)), "the writer still holds the first");
        queue.done(batch.cost);
        assert_eq!(queue.waiting_bytes(), 0);
        assert!(queue.put(audio(5_000)));
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_takes_nothing() {
        let queue = Queue::new(10_000);
        assert!(queue.put(audio(10)));
        queue.close();
        assert!(!queue.put(end()));
        let batch = queue.take(Duration::from_secs(60));
        assert!(batch.is_last && batch.jobs.len() == 1);
        assert!(!queue.wait_until_finished(Duration::ZERO));
        queue.finished();
        assert!(queue.wait_until_finished(Duration::ZERO));
    }
}
