//! Calls, legs and conferences.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::counted::{Counted, Label};
use super::share::Share;

/// The label of a leg's state.
const STATE: &str = "state";

/// How many calls, legs and conferences there are, and what becomes of them.
#[derive(Debug)]
pub struct LegMetrics {
    live: Family<Label, Gauge>,
    /// Media streams that became legs.
    pub started: Counter,
    /// Legs that are over, by reason.
    pub ended: Counted,
    /// Rooms with a live leg.
    pub conferences: Gauge,
    /// Calls that are remembered.
    pub calls: Gauge,
    /// Media sockets, legs or not.
    pub media_sockets: Gauge,
    /// Calls that Twilio asked about; each request counts.
    pub announced: Counter,
    /// Callers who joined without a stream, by reason.
    pub not_streamed: Counted,
}

impl LegMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            live: Family::default(),
            started: Counter::default(),
            ended: Counted::registered(registry, "legs_ended", "Legs that are over, by reason", "reason"),
            conferences: Gauge::default(),
            calls: Gauge::default(),
            media_sockets: Gauge::default(),
            announced: Counter::default(),
            not_streamed: Counted::registered(
                registry,
                "calls_not_streamed",
                "Callers who joined without a stream, by reason",
                "reason",
            ),
        };
        registry.register("legs", "Live legs, by state", metrics.live.clone());
        registry.register("legs_started", "Media streams that became legs", metrics.started.clone());
        registry.register("conferences", "Rooms with a live leg", metrics.conferences.clone());
        registry.register(
            "calls",
            "Calls that are remembered, those that ended lately included",
            metrics.calls.clone(),
        );
        registry.register("media_sockets", "Media sockets, legs or not", metrics.media_sockets.clone());
        registry.register("calls_announced", "Requests for a call's TwiML", metrics.announced.clone());
        metrics
    }

    /// Returns the part of a leg that begins.
    pub fn share(&self) -> Share {
        Share::new(STATE, &self.live)
    }

    /// Shows these states with no leg in them.
    pub fn expect_states(&self, states: &[&'static str]) {
        for state in states {
            let _ = self.live.get_or_create(&[(STATE, *state)]);
        }
    }
}
