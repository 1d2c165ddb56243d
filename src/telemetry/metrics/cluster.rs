//! Several nodes: whether this one is among them.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// How the cluster looks from this node.
#[derive(Debug)]
pub struct ClusterMetrics {
    /// 1: this node shares what nodes share; 0: it is alone.
    pub connected: Gauge,
    /// Nodes that live, this one included.
    pub nodes: Gauge,
    /// Updates that wait for the others to be reached.
    pub updates_waiting: Gauge,
    /// Questions to what nodes share that were not answered in time; this node decided alone.
    pub unanswered: Counter,
}

impl ClusterMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            connected: Gauge::default(),
            nodes: Gauge::default(),
            updates_waiting: Gauge::default(),
            unanswered: Counter::default(),
        };
        metrics.nodes.set(1);
        registry.register(
            "cluster_connected",
            "1 while this node shares calls and updates with others, 0 while it is alone",
            metrics.connected.clone(),
        );
        registry.register("cluster_nodes", "Nodes that live, this one included", metrics.nodes.clone());
        registry.register(
            "cluster_updates_waiting",
            "Updates that could not be given to the other nodes yet",
            metrics.updates_waiting.clone(),
        );
        registry.register(
            "cluster_unanswered",
            "Questions to what nodes share that were not answered in time; this node decided alone",
            metrics.unanswered.clone(),
        );
        metrics
    }
}
