//! The recorder of a process, and what a leg holds of it.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;

use super::BYTES_PER_MS;
use super::folder::{Folder, Limits};
use super::queue::{Job, MOST_WAITING, Queue, TakeId};
use super::sidecar::{About, GapCause};
use super::writer::Writer;
use crate::telemetry::seldom::Seldom;
use crate::telemetry::{LegTags, events};

/// At most one line in this time about audio that could not be recorded.
const COMPLAINT_PAUSE: Duration = Duration::from_secs(10);

/// Silence in place of missing audio may be ahead of the clock by so much, for streams that come faster than real time; wild
/// time stamps cannot fill a disk.
const SILENCE_AHEAD_MS: u64 = 60_000;

/// The recorder of a process. Cloning it gives another handle.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Shared>);

/// What legs and the writer share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) counters: Counters,
    next: AtomicU64,
    complaints: Seldom,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) written: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) kept: AtomicU64,
    pub(super) deleted: AtomicU64,
}

/// What became of recordings so far in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordingCounts {
    /// Bytes of audio written.
    pub written_bytes: u64,
    /// Bytes of audio that the disk did not take in time.
    pub lost_bytes: u64,
    /// Bytes that wait for the disk now.
    pub waiting_bytes: u64,
    /// Recordings that are complete.
    pub kept: u64,
    /// Recordings deleted because their time was over or the room needed.
    pub deleted: u64,
}

impl Shared {
    pub(super) fn new(most_waiting: usize) -> Self {
        Self {
            queue: Queue::new(most_waiting),
            counters: Counters::default(),
            next: AtomicU64::new(0),
            complaints: Seldom::every(COMPLAINT_PAUSE),
        }
    }

    /// Counts audio that is not in a recording, and says so once in a while.
    pub(super) fn lose(&self, tags: &LegTags, bytes: u64, reason: &str) {
        self.counters.lost.fetch_add(bytes, Ordering::Relaxed);
        if let Some(times) = self.complaints.count() {
            events::RecordingIncomplete { leg: Some(tags), reason, times }.emit();
        }
    }
}

impl Recorder {
    /// Starts the writer's thread. A directory that cannot be used is an event, and is tried again.
    ///
    /// # Errors
    ///
    /// There is no thread to be had.
    pub fn start(dir: PathBuf, limits: Limits) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(MOST_WAITING));
        let writer = Writer::new(Arc::clone(&shared), Folder::new(dir, limits));
        thread::Builder::new().name("recorder".to_owned()).spawn(move || writer.run())?;
        Ok(Self(shared))
    }

    /// Begins the recording of a leg.
    pub fn record(&self, about: About, tags: &LegTags) -> LegRecording {
        let take = TakeId(self.0.next.fetch_add(1, Ordering::Relaxed));
        let begin = Job::Begin(take, Box::new((about, Timestamp::now(), tags.clone())));
        // Refused only at the end of the process, when nothing is written any more.
        let _ = self.0.queue.put(begin);
        LegRecording {
            recorder: self.clone(),
            take,
            tags: tags.clone(),
            began: Instant::now(),
            refused: Cell::new(0),
            silence: Cell::new(0),
            media_ended: Cell::new(None),
            conversation: RefCell::default(),
            ended: Cell::new(false),
        }
    }

    /// Returns what became of recordings so far.
    pub fn counts(&self) -> RecordingCounts {
        let Counters { written, lost, kept, deleted } = &self.0.counters;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RecordingCounts {
            written_bytes: count(written),
            lost_bytes: count(lost),
            waiting_bytes: self.0.queue.waiting_bytes() as u64,
            kept: count(kept),
            deleted: count(deleted),
        }
    }

    /// Completes every recording; blocks, and returns whether all were complete in time. The next start completes what
    /// was not.
    pub fn close(&self, within: Duration) -> bool {
        self.0.queue.close();
        self.0.queue.wait_until_finished(within)
    }
}

/// The recording of one leg. Dropped, it is over, whatever became of the leg.
#[derive(Debug)]
pub struct LegRecording {
    recorder: Recorder,
    take: TakeId,
    tags: LegTags,
    began: Instant,
    /// Bytes since the last job that was taken.
    refused: Cell<u64>,
    /// Bytes of silence so far in place of what did not come.
    silence: Cell<u64>,
    media_ended: Cell<Option<Timestamp>>,
    conversation: RefCell<String>,
    ended: Cell<bool>,
}

impl LegRecording {
    /// Keeps what the leg carried; only counts a reference.
    pub fn audio(&self, audio: &Bytes) {
        if !self.make_up() || !self.put(Job::Audio(self.take, audio.clone())) {
            self.refuse(audio.len() as u64);
        }
    }

    /// Keeps the place of audio that did not come.
    pub fn gap(&self, missing_ms: u64, cause: GapCause) {
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let most = elapsed_ms.saturating_add(SILENCE_AHEAD_MS).saturating_mul(BYTES_PER_MS);
        let missing = missing_ms.saturating_mul(BYTES_PER_MS);
        let silence = missing.min(most.saturating_sub(self.silence.get()));
        self.silence.set(self.silence.get() + silence);
        let gap = Job::Gap { take: self.take, missing, silence, cause };
        if !self.make_up() || !self.put(gap) {
            self.refuse(silence);
        }
    }

    /// Takes note of the server's conversation.
    pub fn conversation(&self, id: &str) {
        if *self.conversation.borrow() != id && !id.is_empty() {
            id.clone_into(&mut self.conversation.borrow_mut());
            self.put(Job::Conversation(self.take, id.to_owned()));
        }
    }

    /// Takes note of the moment at which the caller's audio ended; last results may follow.
    pub fn media_ended(&self) {
        self.media_ended.set(Some(Timestamp::now()));
    }

    /// Completes the recording.
    pub fn ended(&self, reason: &'static str) {
        if !self.ended.replace(true) {
            self.make_up();
            let at = self.media_ended.get().unwrap_or_else(Timestamp::now);
            self.put(Job::End { take: self.take, at, reason });
        }
    }

    fn put(&self, job: Job) -> bool {
        self.recorder.0.queue.put(job)
    }

    /// Puts the length of what was refused into the queue before anything that follows it.
    fn make_up(&self) -> bool {
        let refused = self.refused.get();
        let gap = Job::Gap { take: self.take, missing: refused, silence: refused, cause: GapCause::Recorder };
        let is_made_up = refused == 0 || self.put(gap);
        if is_made_up {
            self.refused.set(0);
        }
        is_made_up
    }

    fn refuse(&self, bytes: u64) {
        self.refused.set(self.refused.get() + bytes);
        self.recorder.0.lose(&self.tags, bytes, "the disk does not keep up");
    }
}

impl Drop for LegRecording {
    fn drop(&mut self) {
        self.ended(if thread::panicking() { "panicked" } else { "socket_closed" });
    }
}

#[cfg(test)]
mod tests {
    use super::super::sidecar::tests::about;
    use super::*;

    fn recorder(most_waiting: usize) -> (Recorder, LegRecording) {
        let recorder = Recorder(Arc::new(Shared::new(most_waiting)));
        let leg = recorder.record(about("CA1"), &LegTags::default());
        (recorder, leg)
    }

    /// What waits, without its beginning.
    fn taken(recorder: &Recorder) -> Vec<Job> {
        let batch = recorder.0.queue.take(Duration::ZERO);
        recorder.0.queue.done(batch.cost);
        batch.jobs.into_iter().filter(|job| !matches!(job, Job::Begin(..))).collect()
    }

    #[test]
    fn audio_that_finds_no_room_leaves_a_hole_of_its_length() {
        let (recorder, leg) = recorder(2_000);
        let piece = Bytes::from(vec![1; 1_500]);
        leg.audio(&piece);
        leg.audio(&piece);
        leg.audio(&piece);
        let mut jobs = taken(&recorder);
        leg.audio(&piece);
        jobs.extend(taken(&recorder));
        let [Job::Audio(..), holes @ .., Job::Audio(..)] = &jobs[..] else { panic!("{jobs:?}") };
        let length = |job: &Job| match job {
            Job::Gap { missing, silence, cause: GapCause::Recorder, .. } if missing == silence => *silence,
            other => panic!("{other:?}"),
        };
        assert_eq!(holes.iter().map(length).sum::<u64>(), 3_000, "in one gap or in two that touch");
        assert_eq!(recorder.counts().lost_bytes, 3_000);
    }

    #[test]
    fn an_end_is_told_once_with_what_was_refused_before_it() {
        let (recorder, leg) = recorder(1_000);
        leg.audio(&Bytes::from(vec![1; 2_000]));
        leg.ended("hangup");
        drop(leg);
        let jobs = taken(&recorder);
        assert!(
            matches!(jobs[..], [Job::Gap { silence: 2_000, .. }, Job::End { reason: "hangup", .. }]),
            "{jobs:?}"
        );
    }

    #[test]
    fn a_recording_that_nobody_ended_ends_with_its_leg() {
        let (recorder, leg) = recorder(1_000);
        drop(leg);
        assert!(matches!(taken(&recorder)[..], [Job::End { reason: "socket_closed", .. }]));
    }

    #[test]
    fn wild_time_stamps_do_not_fill_a_disk() {
        let (recorder, leg) = recorder(100_000);
        for _ in 0..10 {
            leg.gap(7_200_000, GapCause::TimeJump);
        }
        let silence: u64 = taken(&recorder)
            .iter()
            .map(|job| if let Job::Gap { silence, .. } = job { *silence } else { 0 })
            .sum();
        let most_ms = SILENCE_AHEAD_MS + 10_000;
        assert!(silence >= SILENCE_AHEAD_MS * BYTES_PER_MS && silence < most_ms * BYTES_PER_MS, "{silence}");
    }
}
