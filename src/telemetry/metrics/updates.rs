//! Dashboards, and what they are sent.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::counted::Counted;

/// Who watches.
#[derive(Debug)]
pub struct UpdateMetrics {
    /// Dashboards connected.
    pub dashboards: Gauge,
    /// Dashboards that left, by reason.
    pub left: Counted,
    /// Updates published, however many read them.
    pub published: Counter,
}

impl UpdateMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            dashboards: Gauge::default(),
            left: Counted::registered(
                registry,
                "dashboards_left",
                "Dashboards that left, by reason",
                "reason",
            ),
            published: Counter::default(),
        };
        metrics.left.expect(&["begins_anew", "closed", "slow_consumer"]);
        registry.register("dashboards", "Dashboards connected", metrics.dashboards.clone());
        registry.register(
            "updates_published",
            "Updates published, however many dashboards read them",
            metrics.published.clone(),
        );
        metrics
    }
}
