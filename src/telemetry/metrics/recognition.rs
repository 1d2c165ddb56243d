//! How long callers' words take to become text.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::counted::Label;

/// From words that are there at once to a machine that is far too slow.
const DELAY_BUCKETS: [f64; 11] = [0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0];

/// From a fast machine to one that cannot keep up with one speaker.
const FACTOR_BUCKETS: [f64; 9] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0];

type Delays = Family<Label, Histogram, fn() -> Histogram>;

/// The recogniser's pace. Cloning it shares it.
#[derive(Debug, Clone)]
pub struct RecognitionMetrics {
    /// From a phrase's beginning to its first partial, in seconds.
    pub first_partial_delay: Histogram,
    /// From a phrase's end to its final, in seconds.
    pub final_delay: Histogram,
    waited: Delays,
    /// Work for each second of audio decoded.
    factor: Histogram,
    audio: Counter<f64, AtomicU64>,
    work: Counter<f64, AtomicU64>,
}

impl Default for RecognitionMetrics {
    /// Returns metrics that nobody reads, for a hearing outside an application.
    fn default() -> Self {
        Self::registered(&mut Registry::default())
    }
}

impl RecognitionMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            first_partial_delay: Histogram::new(DELAY_BUCKETS),
            final_delay: Histogram::new(DELAY_BUCKETS),
            waited: Family::new_with_constructor(|| Histogram::new(DELAY_BUCKETS)),
            factor: Histogram::new(FACTOR_BUCKETS),
            audio: Counter::default(),
            work: Counter::default(),
        };
        for urgency in ["partial", "final"] {
            let _ = metrics.waited.get_or_create(&[("urgency", urgency)]);
        }
        registry.register(
            "recogniser_first_partial_delay_seconds",
            "From the beginning of a phrase to its first words on their way to clients",
            metrics.first_partial_delay.clone(),
        );
        registry.register(
            "recogniser_final_delay_seconds",
            "From the end of a phrase to its final words on their way to clients",
            metrics.final_delay.clone(),
        );
        registry.register(
            "recogniser_wait_seconds",
            "How long pieces of audio waited for a worker, by urgency",
            metrics.waited.clone(),
        );
        registry.register(
            "recogniser_real_time_factor",
            "Seconds of work for each second of audio, once for each piece decoded",
            metrics.factor.clone(),
        );
        registry.register("recogniser_audio_seconds", "Audio decoded", metrics.audio.clone());
        registry.register("recogniser_work_seconds", "Workers' time spent on it", metrics.work.clone());
        metrics
    }

    /// Notes a piece of audio that was decoded; all in seconds.
    pub fn decoded(&self, urgency: &'static str, audio: f64, waited: f64, worked: f64) {
        self.waited.get_or_create(&[("urgency", urgency)]).observe(waited);
        self.audio.inc_by(audio);
        self.work.inc_by(worked);
        if audio > 0.0 {
            self.factor.observe(worked / audio);
        }
    }
}
