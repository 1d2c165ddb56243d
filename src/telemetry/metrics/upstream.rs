//! Connections to the Symbl-protocol server: how they fare, and how far the server is behind the callers.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::counted::Counted;
use super::tally::Tally;

/// From one frame to the default of `audio.buffer_seconds`.
const LAG_BUCKETS: [f64; 11] = [0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0];

/// From a server next door to the default of `symbl.give_up_after_ms`.
const CONNECT_BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0];

/// How legs fare with the server.
#[derive(Debug)]
pub struct UpstreamMetrics {
    /// Audio messages sent.
    pub messages: Counter,
    /// Their bytes; what was sent again counts again.
    pub bytes: Counter,
    /// Attempts to connect, by result.
    pub attempts: Counted,
    /// From a leg's beginning until the server listened, in seconds.
    pub connect_delay: Histogram,
    /// Sockets that ended, by how.
    pub closes: Counted,
    /// Times that the server stopped listening in mid-call, by reason.
    pub interruptions: Counted,
    /// How long nobody listened, in seconds; one for each interruption that was mended.
    pub interrupted: Histogram,
    /// Attempts that another one follows.
    pub retries: Counter,
    /// Legs for which the server was lost for good.
    pub failures: Counter,
    /// Audio that the server has not acknowledged, in seconds.
    pub lag: Histogram,
    /// The most audio that the server was behind a leg that ended, in seconds.
    pub most_behind: Histogram,
    high_water: Gauge<f64, AtomicU64>,
    /// Audio of legs that ended that the server is not known to have, in milliseconds.
    undelivered: Counter<f64, AtomicU64>,
    /// Final results received.
    pub results: Counter,
    /// Errors that the server reported.
    pub errors: Counter,
    /// Messages that are none of the protocol's.
    pub ignored: Counter,
}

impl UpstreamMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            messages: Counter::default(),
            bytes: Counter::default(),
            attempts: Counted::registered(
                registry,
                "upstream_attempts",
                "Attempts to connect to the Symbl-protocol server, by result",
                "result",
            ),
            connect_delay: Histogram::new(CONNECT_BUCKETS),
            closes: Counted::registered(
                registry,
                "upstream_closes",
                "Sockets to the server that ended, by close code or manner",
                "how",
            ),
            interruptions: Counted::registered(
                registry,
                "upstream_interruptions",
                "Times that the server stopped listening in mid-call, by reason",
                "reason",
            ),
            interrupted: Histogram::new(CONNECT_BUCKETS),
            retries: Counter::default(),
            failures: Counter::default(),
            lag: Histogram::new(LAG_BUCKETS),
            most_behind: Histogram::new(LAG_BUCKETS),
            high_water: Gauge::default(),
            undelivered: Counter::default(),
            results: Counter::default(),
            errors: Counter::default(),
            ignored: Counter::default(),
        };
        metrics.attempts.expect(&["opened", "no_token", "refused", "timed_out", "failed"]);
        metrics.closes.expect(&["1000", "lost", "fault"]);
        metrics.register_audio(registry);
        metrics.register_connections(registry);
        metrics
    }

    fn register_audio(&self, registry: &mut Registry) {
        registry.register("upstream_messages", "Audio messages sent to the server", self.messages.clone());
        registry.register(
            "upstream_bytes",
            "Bytes of audio sent to the server; what was sent again counts again",
            self.bytes.clone(),
        );
        registry.register(
            "upstream_lag_seconds",
            "Audio that the server has not acknowledged, looked at about once a second for each leg",
            self.lag.clone(),
        );
        registry.register(
            "upstream_most_behind_seconds",
            "The most audio that the server was behind the caller, once for each leg that ended",
            self.most_behind.clone(),
        );
        registry.register(
            "upstream_buffer_high_water_seconds",
            "The most audio that any leg has had to keep since the start",
            self.high_water.clone(),
        );
        registry.register(
            "upstream_undelivered_seconds",
            "Audio of ended legs that the server is not known to have",
            self.undelivered.clone(),
        );
    }

    fn register_connections(&self, registry: &mut Registry) {
        registry.register(
            "upstream_connect_delay_seconds",
            "From a leg's beginning until the server listened",
            self.connect_delay.clone(),
        );
        registry.register(
            "upstream_interrupted_seconds",
            "How long nobody listened, once for each interruption that was mended",
            self.interrupted.clone(),
        );
        registry.register("upstream_retries", "Attempts that another follows", self.retries.clone());
        registry.register(
            "upstream_failures",
            "Legs for which the server was lost for good",
            self.failures.clone(),
        );
        registry.register("upstream_results", "Final results received", self.results.clone());
        registry.register("upstream_errors", "Errors that the server reported", self.errors.clone());
        registry.register(
            "upstream_messages_ignored",
            "Messages of the server that are none of the protocol's",
            self.ignored.clone(),
        );
    }

    /// Returns a leg's count of its audio messages.
    pub fn tally(&self) -> Tally {
        Tally::new(&self.messages, &self.bytes)
    }

    /// Notes how much audio a leg keeps, in seconds.
    pub fn note_kept(&self, seconds: f64) {
        let highest = self.high_water.inner();
        // Bits of positive numbers are ordered as the numbers are.
        highest.fetch_max(seconds.max(0.0).to_bits(), Ordering::Relaxed);
    }

    /// Notes what a leg that ended came to, in seconds.
    pub fn leg_ended(&self, most_behind: f64, undelivered: f64) {
        self.most_behind.observe(most_behind);
        self.undelivered.inc_by(undelivered);
        self.note_kept(most_behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_only_rises() {
        let metrics = UpstreamMetrics::registered(&mut Registry::default());
        for seconds in [0.5, 12.25, 3.0, -1.0] {
            metrics.note_kept(seconds);
        }
        assert_eq!(metrics.high_water.get().to_bits(), 12.25_f64.to_bits());
    }
}
