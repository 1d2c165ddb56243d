//! New streams for calls that lost theirs.

use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::counted::Counted;

/// From a stream that broke and came back at once to a process that was away for a while.
const GAP_BUCKETS: [f64; 9] = [0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0];

/// How re-attaching fares.
#[derive(Debug)]
pub struct ReattachMetrics {
    /// Calls that seemed to be without a stream, by what came of it.
    pub results: Counted,
    /// For how long a call was without a stream, in seconds; one for each stream that came in its place.
    pub gap: Histogram,
    /// Requests to Twilio's REST API, by what they came to.
    pub requests: Counted,
}

impl ReattachMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            results: Counted::registered(
                registry,
                "reattach_results",
                "Calls that seemed to be without a stream, by what came of it",
                "result",
            ),
            gap: Histogram::new(GAP_BUCKETS),
            requests: Counted::registered(
                registry,
                "twilio_requests",
                "Requests to Twilio's REST API, by result",
                "result",
            ),
        };
        registry.register(
            "reattach_gap_seconds",
            "For how long a call was without a stream that got another",
            metrics.gap.clone(),
        );
        metrics
    }
}
