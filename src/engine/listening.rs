//! What stands at the boundary of [`super::hearing`]: one pool of recognisers that all legs share.
//!
//! The model may come late: while it is installed and loaded, legs are asked to come again, and what their callers say
//! waits with who sends it. When it will not come, calls join and end as ever, without words. [`Listening::state`] says why.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::arrivals::Arrivals;
use super::hearing::{AudioFormat, Ear, Encoding, Heard, HeardWord, Hearing, HearingRefusal, Sink};
use super::speech::audio;
use super::speech::ear::Ear as SpeechEar;
use super::speech::listener::SpeechEvent;
use super::speech::pool::{Decoded, Deliver, Pool, PoolLoad, Urgency};
use crate::telemetry::metrics::recognition::RecognitionMetrics;

/// A hearing whose pool may come late.
#[derive(Clone, Default)]
pub struct Listening {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    pool: OnceLock<Pool>,
    /// Why there is no pool, for people.
    reason: Mutex<String>,
    has_failed: AtomicBool,
    metrics: RecognitionMetrics,
}

/// Whether legs are heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// They are.
    Ready,
    /// They are not.
    Waiting {
        /// Why, and what to do about it.
        reason: String,
    },
}

impl Listening {
    /// Returns a hearing whose pool is on its way; `reason` says what keeps it.
    pub fn waiting(reason: &str, metrics: RecognitionMetrics) -> Self {
        let reason = Mutex::new(reason.to_owned());
        Self { shared: Arc::new(Shared { reason, metrics, ..Shared::default() }) }
    }

    /// Says why there will be no pool.
    pub fn fail(&self, reason: &str) {
        reason.clone_into(&mut lock(&self.shared.reason));
        self.shared.has_failed.store(true, Ordering::Release);
    }

    fn without_pool(&self) -> HearingRefusal {
        match self.shared.has_failed.load(Ordering::Acquire) {
            true => HearingRefusal::Unavailable,
            false => HearingRefusal::Loading,
        }
    }

    /// Gives the hearing its pool; legs that begin from now on are heard. A second pool is ignored.
    pub fn begin(&self, pool: Pool) {
        let _ = self.shared.pool.set(pool);
    }

    /// Returns how busy the recogniser is; none without one.
    pub fn load(&self) -> Option<PoolLoad> {
        self.shared.pool.get().map(Pool::load)
    }

    /// Returns whether legs are heard.
    pub fn state(&self) -> State {
        match self.shared.pool.get() {
            Some(_) => State::Ready,
            None => State::Waiting { reason: lock(&self.shared.reason).clone() },
        }
    }
}

impl Hearing for Listening {
    fn open(&self, format: AudioFormat, sink: Sink) -> Result<Box<dyn Ear>, HearingRefusal> {
        let pool = self.shared.pool.get().ok_or_else(|| self.without_pool())?;
        let leg = Arc::new(Mutex::new(Leg {
            ear: None,
            sink,
            finishing: false,
            arrivals: Arrivals::new(format),
            shown_until_ms: 0,
            metrics: self.shared.metrics.clone(),
        }));
        let for_results = Arc::clone(&leg);
        let deliver: Deliver = Arc::new(move |decoded| {
            let mut leg = lock(&for_results);
            leg.note_work(&decoded);
            let events = leg.ear.as_mut().map(|ear| ear.on_decoded(decoded)).unwrap_or_default();
            leg.report(events);
        });
        // The format was checked when it was made; an odd one is heard by nobody.
        let ear = SpeechEar::open(pool, speech_format(format), true, deliver);
        lock(&leg).ear = Some(ear.map_err(|_| HearingRefusal::Unavailable)?);
        Ok(Box::new(PooledEar { leg }))
    }

    fn check_capacity(&self) -> Result<(), HearingRefusal> {
        match self.shared.pool.get() {
            Some(pool) if pool.has_capacity_for(1) => Ok(()),
            Some(_) => Err(HearingRefusal::Overloaded),
            None => Err(self.without_pool()),
        }
    }
}

/// One leg's hearing, shared by its socket's thread and the workers that bring results.
struct Leg {
    /// Gone when all is said, and with it the circle through the workers' way back.
    ear: Option<SpeechEar>,
    sink: Sink,
    finishing: bool,
    arrivals: Arrivals,
    /// The end of the latest partial: one that begins later is the first of its phrase.
    shown_until_ms: u64,
    metrics: RecognitionMetrics,
}

impl Leg {
    fn report(&mut self, events: Vec<SpeechEvent>) {
        for event in events {
            self.note_delay(&event);
            if let Some(heard) = heard(event) {
                (self.sink)(heard);
            }
        }
        if self.finishing && self.ear.as_ref().is_some_and(SpeechEar::is_settled) {
            self.ear = None;
            (self.sink)(Heard::Done);
        }
    }
}

impl Leg {
    fn note_work(&self, decoded: &Decoded) {
        let urgency = match decoded.urgency {
            Urgency::Partial => "partial",
            Urgency::Final => "final",
        };
        let (waited, worked) = (decoded.waited.as_secs_f64(), decoded.worked.as_secs_f64());
        self.metrics.decoded(urgency, decoded.audio.as_secs_f64(), waited, worked);
    }

    fn note_delay(&mut self, event: &SpeechEvent) {
        let age = |position_ms| self.arrivals.age(position_ms, Instant::now()).as_secs_f64();
        match event {
            SpeechEvent::Partial(partial) => {
                if partial.start_ms >= self.shown_until_ms {
                    self.metrics.first_partial_delay.observe(age(partial.start_ms));
                }
                self.shown_until_ms = self.shown_until_ms.max(partial.end_ms);
            }
            SpeechEvent::Final(phrase) => self.metrics.final_delay.observe(age(phrase.end_ms)),
            SpeechEvent::Lost { .. } => {}
        }
    }
}

struct PooledEar {
    leg: Arc<Mutex<Leg>>,
}

impl Ear for PooledEar {
    fn hear(&mut self, audio: &[u8]) {
        let mut leg = lock(&self.leg);
        leg.arrivals.came(audio.len(), Instant::now());
        let events = leg.ear.as_mut().map(|ear| ear.hear(audio)).unwrap_or_default();
        leg.report(events);
    }

    fn finish(&mut self) {
        let mut leg = lock(&self.leg);
        leg.finishing = true;
        let events = leg.ear.as_mut().map(SpeechEar::finish).unwrap_or_default();
        leg.report(events);
    }

    fn is_behind(&self) -> bool {
        lock(&self.leg).ear.as_ref().is_some_and(SpeechEar::is_behind)
    }
}

impl Drop for PooledEar {
    fn drop(&mut self) {
        let mut leg = lock(&self.leg);
        if !leg.finishing {
            leg.ear = None;
        }
    }
}

fn heard(event: SpeechEvent) -> Option<Heard> {
    match event {
        SpeechEvent::Partial(partial) => {
            Some(Heard::Partial { text: partial.text, start_ms: partial.start_ms, end_ms: partial.end_ms })
        }
        SpeechEvent::Final(phrase) => Some(Heard::Final {
            transcript: phrase.text,
            punctuated: phrase.punctuated,
            words: phrase
                .words
                .into_iter()
                .map(|word| HeardWord { word: word.word, start_ms: word.start_ms, end_ms: word.end_ms })
                .collect(),
            confidence: f64::from(phrase.confidence),
            start_ms: phrase.start_ms,
            end_ms: phrase.end_ms,
        }),
        SpeechEvent::Lost { start_ms, end_ms } => {
            log::warn!(event = "phrase_lost", start_ms, end_ms; "a phrase could not be recognised");
            None
        }
    }
}

fn speech_format(format: AudioFormat) -> audio::AudioFormat {
    match format.encoding() {
        Encoding::Mulaw => audio::AudioFormat::Mulaw8k,
        Encoding::Linear16 => audio::AudioFormat::Linear16 { sample_rate: format.sample_rate_hertz() },
    }
}

/// A panic of another holder leaves a leg that is over at worst, and whoever comes next can end it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
