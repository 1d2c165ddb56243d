//! The threads that recognise, shared by all legs, and the queue in front of them.
//!
//! Finals go before partials; a leg has one job in flight; a newer partial takes the place of an older one of its
//! leg. Under load, later looks at a phrase leave the last free worker to what may not wait. So partials thin out, finals
//! stay, and no leg can keep another waiting for long.

mod load;
mod queue;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

pub use self::load::PoolLoad;
use self::{load::LoadMeter, queue::Queue};
use super::{
    SAMPLE_RATE,
    recognizer::{Hypothesis, RecognizeError, Recognizer, SegmentAudio},
    segmenter::Segment,
};

/// Share of the workers' time that is taken from which on the last free worker is kept for what may not wait. Below it a
/// final seldom finds all workers busy, and partials come sooner with all of them.
const UNDER_LOAD: f64 = 0.6;

/// A leg that uses the pool, unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LegId(u64);

/// How much a job matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A look at a phrase that is going on. May be replaced by a newer one before it is done.
    Partial,
    /// A phrase as it will be reported. Never dropped once it is accepted.
    Final,
}

/// A segment to be decoded.
pub struct Job {
    /// Whose.
    pub leg: LegId,
    /// The leg's own number for the job; comes back with the result.
    pub key: u64,
    /// Partial or final.
    pub urgency: Urgency,
    /// What to decode.
    pub segment: Segment,
    /// Tokens to begin with, for partials.
    pub draft: Vec<u32>,
    /// Receives the result, on a worker thread.
    pub deliver: Deliver,
}

impl Job {
    /// Returns whether this is a partial of a phrase that has had one: the only work that can be left undone.
    fn is_later_look(&self) -> bool {
        self.urgency == Urgency::Partial && !self.draft.is_empty()
    }
}

/// Takes a result away from a worker thread. It must neither block nor lose the result: an unbounded channel is
/// right, because a leg never has more results outstanding than the pool accepted jobs from it.
pub type Deliver = Arc<dyn Fn(Decoded) + Send + Sync>;

/// What became of a job.
#[derive(Debug)]
pub struct Decoded {
    /// The leg's number for the job.
    pub key: u64,
    /// Partial or final.
    pub urgency: Urgency,
    /// How much audio it was.
    pub audio: Duration,
    /// What was heard.
    pub heard: Result<Hypothesis, RecognizeError>,
    /// From the job's acceptance to its start.
    pub waited: Duration,
    /// From its start to its end.
    pub worked: Duration,
}

/// The leg has ten minutes of audio waiting: it sends much faster than real time, or the machine is far too slow.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("too much speech of this leg is waiting to be recognised")]
pub struct LegOverloaded;

/// The worker threads. Dropping the last clone lets them end after their current job.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
    _stop: Arc<StopOnDrop>,
}

struct Shared {
    inner: Mutex<Inner>,
    work_waits: Condvar,
    workers: usize,
}

struct Inner {
    queue: Queue,
    load: LoadMeter,
    legs: usize,
    next_leg: u64,
    stopping: bool,
}

impl Pool {
    /// Starts `workers` threads (at least one) that run `recognizer`, after measuring how fast it is here.
    pub fn start(recognizer: &dyn Recognizer, workers: usize) -> Result<Self, StartError> {
        let workers = workers.max(1);
        let leg_cost = load::calibrate(recognizer)?;
        let shared = Arc::new(Shared {
            inner: Mutex::new(Inner {
                queue: Queue::default(),
                load: LoadMeter::new(workers, leg_cost, Instant::now()),
                legs: 0,
                next_leg: 0,
                stopping: false,
            }),
            work_waits: Condvar::new(),
            workers,
        });
        let stop = Arc::new(StopOnDrop(shared.clone()));
        for number in 0..workers {
            let recognizer = recognizer.for_worker();
            let shared = shared.clone();
            thread::Builder::new()
                .name(format!("speech-{number}"))
                .spawn(move || shared.work(&*recognizer))
                .map_err(StartError::Thread)?;
        }
        Ok(Self { shared, _stop: stop })
    }

    /// Returns whether `legs` more legs can be served without making the ones there are late.
    pub fn has_capacity_for(&self, legs: usize) -> bool {
        let inner = self.shared.lock();
        let now = Instant::now();
        inner.load.allows(inner.legs, legs, inner.queue.oldest_final_wait(now), now)
    }

    /// Registers a leg. Its jobs that still wait are dropped with the ticket.
    pub fn enter(&self) -> LegTicket {
        let mut inner = self.shared.lock();
        inner.legs += 1;
        inner.next_leg += 1;
        LegTicket { leg: LegId(inner.next_leg), pool: self.clone() }
    }

    /// Queues a job. A partial replaces the partial of the same leg that still waits.
    pub fn submit(&self, job: Job) -> Result<(), LegOverloaded> {
        let mut inner = self.shared.lock();
        inner.queue.push(job, Instant::now())?;
        drop(inner);
        self.shared.work_waits.notify_one();
        Ok(())
    }

    /// Takes a job back, if it has not begun.
    pub fn withdraw(&self, leg: LegId, key: u64) {
        self.shared.lock().queue.withdraw(leg, key);
    }

    /// Returns the seconds of audio in finals of `leg` that wait for a worker.
    pub fn backlog_seconds(&self, leg: LegId) -> f32 {
        self.shared.lock().queue.backlog_seconds(leg)
    }

    /// Returns the present load, for metrics and for people.
    pub fn load(&self) -> PoolLoad {
        let inner = self.shared.lock();
        let now = Instant::now();
        PoolLoad {
            workers: self.shared.workers,
            legs: inner.legs,
            queue_depth: inner.queue.depth(),
            busy_workers: inner.queue.in_flight(),
            oldest_final_wait: inner.queue.oldest_final_wait(now),
            busy_fraction: inner.load.busy_fraction(now),
            finals_done: inner.load.finals_done,
            partials_done: inner.load.partials_done,
            partials_superseded: inner.queue.superseded,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that can panic runs under the lock; if it did, the counters would still be usable.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a worker that asks for work may be busy with a later look for a while. Under load the last
    /// free one stays free: a final that comes then need not wait for a look to end.
    fn has_a_worker_for_later_looks(&self, inner: &Inner) -> bool {
        let is_last_free = inner.queue.in_flight() + 1 == self.workers;
        self.workers == 1 || !is_last_free || inner.load.busy_fraction(Instant::now()) < UNDER_LOAD
    }

    /// A worker's life.
    fn work(&self, recognizer: &dyn Recognizer) {
        let mut inner = self.lock();
        while !inner.stopping {
            let later_looks = self.has_a_worker_for_later_looks(&inner);
            let Some((job, queued_at)) = inner.queue.take(later_looks) else {
                inner = self.work_waits.wait(inner).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(inner);
            let started = Instant::now();
            let heard = decode(recognizer, &job);
            let ended = Instant::now();
            let worked = ended - started;
            let (waited, audio) = (started - queued_at, length(&job.segment));
            (job.deliver)(Decoded { key: job.key, urgency: job.urgency, audio, heard, waited, worked });
            inner = self.lock();
            inner.load.note(&job, worked, ended);
            inner.queue.done(job.leg);
            // The leg's next job was not free to run before.
            self.work_waits.notify_one();
        }
    }
}

fn length(segment: &Segment) -> Duration {
    Duration::from_secs_f64(segment.samples.len() as f64 / f64::from(SAMPLE_RATE))
}

fn decode(recognizer: &dyn Recognizer, job: &Job) -> Result<Hypothesis, RecognizeError> {
    let audio = SegmentAudio {
        samples: &job.segment.samples,
        draft: &job.draft,
        surely_speech: job.segment.surely_speech,
    };
    // A fault in the model's kernels must cost one segment, not the worker.
    catch_unwind(AssertUnwindSafe(|| recognizer.transcribe(&audio))).unwrap_or(Err(RecognizeError::Panicked))
}

/// A leg's place in the pool.
pub struct LegTicket {
    leg: LegId,
    pool: Pool,
}

impl LegTicket {
    /// Returns the leg's id.
    pub fn id(&self) -> LegId {
        self.leg
    }

    /// Returns the pool that the leg is in.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl Drop for LegTicket {
    fn drop(&mut self) {
        let mut inner = self.pool.shared.lock();
        inner.legs -= 1;
        inner.queue.forget(self.leg);
    }
}

struct StopOnDrop(Arc<Shared>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.lock().stopping = true;
        self.0.work_waits.notify_all();
    }
}

/// Why the pool could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The model is loaded but does not run.
    #[error("the recogniser failed its trial run")]
    TrialRun(#[from] RecognizeError),
    /// The system refused a thread.
    #[error("cannot start a worker thread")]
    Thread(#[source] std::io::Error),
}

#[cfg(test)]
mod tests;
