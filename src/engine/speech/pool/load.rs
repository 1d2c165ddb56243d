//! How busy the workers are, and whether another leg fits.

use std::time::{Duration, Instant};

use super::{
    super::{
        SAMPLE_RATE,
        recognizer::{RecognizeError, Recognizer, SegmentAudio},
    },
    Job, Urgency,
};

/// The pool's state at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolLoad {
    /// Worker threads.
    pub workers: usize,
    /// Legs that are registered.
    pub legs: usize,
    /// Jobs that wait.
    pub queue_depth: usize,
    /// Workers that are decoding.
    pub busy_workers: usize,
    /// How long the oldest final has been waiting.
    pub oldest_final_wait: Duration,
    /// Share of the workers' time that was work, over about the last ten seconds, 0..1.
    pub busy_fraction: f64,
    /// Finals decoded since the start, pauses that were no endings included.
    pub finals_done: u64,
    /// Partials decoded since the start.
    pub partials_done: u64,
    /// Partials replaced by newer ones before their turn, since the start.
    pub partials_superseded: u64,
}

/// Seconds over which the busy fraction is averaged.
const MEMORY: f64 = 10.0;
/// Share of the workers' time that finals and first looks may fill: beyond it they wait for each other too long.
const FILL: f64 = 0.75;
/// Two parties make a call: however slow the machine, one whole call is heard, late rather than by half.
const ALWAYS_HEARD: usize = 2;
/// A final that waited this long shows that the machine is slower than measured.
const LATE: Duration = Duration::from_secs(1);

/// Keeps account of the workers' time.
pub(super) struct LoadMeter {
    workers: f64,
    leg_cost: f64,
    /// Work of the past, in seconds, older work counting less.
    recent_work: f64,
    /// The part of it that may not be left undone: all but later looks at a phrase.
    recent_duty: f64,
    counted_at: Instant,
    pub(super) finals_done: u64,
    pub(super) partials_done: u64,
}

impl LoadMeter {
    /// `leg_cost` is the share of one worker that a leg of a usual call takes.
    pub(super) fn new(workers: usize, leg_cost: f64, now: Instant) -> Self {
        Self {
            workers: workers as f64,
            leg_cost,
            recent_work: 0.0,
            recent_duty: 0.0,
            counted_at: now,
            finals_done: 0,
            partials_done: 0,
        }
    }

    pub(super) fn note(&mut self, job: &Job, worked: Duration, now: Instant) {
        let (fading, worked) = (self.fading(now), worked.as_secs_f64());
        self.recent_work = self.recent_work * fading + worked;
        self.recent_duty = self.recent_duty * fading + if job.is_later_look() { 0.0 } else { worked };
        self.counted_at = now;
        match job.urgency {
            Urgency::Final => self.finals_done += 1,
            Urgency::Partial => self.partials_done += 1,
        }
    }

    pub(super) fn busy_fraction(&self, now: Instant) -> f64 {
        (self.recent_work * self.fading(now) / (MEMORY * self.workers)).min(1.0)
    }

    /// Returns whether `more` legs fit beside `legs`, each taken to need what it usually does, or what it does at
    /// present if that is more. Later looks do not count: there are as many as there is time for.
    pub(super) fn allows(&self, legs: usize, more: usize, oldest_final_wait: Duration, now: Instant) -> bool {
        if legs + more <= ALWAYS_HEARD {
            return true;
        }
        let present_cost = self.recent_duty * self.fading(now) / MEMORY / legs as f64;
        let cost = self.leg_cost.max(present_cost);
        oldest_final_wait < LATE && (legs + more) as f64 * cost <= self.workers * FILL
    }

    fn fading(&self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.counted_at).as_secs_f64();
        (-age / MEMORY).exp()
    }
}

/// A leg of a usual call is taken to need, every second, this many times what the trial run takes, for its finals and
/// first looks: a phrase every five seconds, half the time silence. An estimate; the measured load corrects it upwards only.
const TRIAL_RUNS_A_SECOND: f64 = 0.45;

/// Runs `recognizer` over four seconds of faint noise and returns the share of one worker that a leg will take.
pub(super) fn calibrate(recognizer: &dyn Recognizer) -> Result<f64, RecognizeError> {
    let mut seed = 1_u32;
    let samples: Vec<f32> = (0..4 * SAMPLE_RATE)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as f32 / 65_536.0 * 0.002 - 0.001
        })
        .collect();
    let trial = SegmentAudio { samples: &samples, draft: &[], surely_speech: false };
    // The first run pays for memory and caches that later ones find ready, and any run may be disturbed.
    let mut fastest = f64::INFINITY;
    for _ in 0..4 {
        let started = Instant::now();
        recognizer.transcribe(&trial)?;
        fastest = fastest.min(started.elapsed().as_secs_f64());
    }
    Ok(fastest * TRIAL_RUNS_A_SECOND)
}
