//! What others count or know; whoever answers `/metrics` copies it here first.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use super::counted::{Counted, copy};

type Ratio = Gauge<f64, AtomicU64>;

/// Copies; each setter replaces what was there.
#[derive(Debug)]
pub struct SampledMetrics {
    /// How late the latest worker thread is, in seconds.
    pub event_loop_delay: Ratio,
    /// Requests for an access token, by result.
    pub token_requests: Counted,
    /// The engine's sockets and conversations.
    pub engine: EngineFigures,
    /// The recogniser's threads.
    pub recogniser: RecogniserFigures,
    /// The store's records.
    pub store: StoreFigures,
    /// Questions to the language model, by result.
    pub llm_calls: Counted,
}

/// What goes on in the engine.
#[derive(Debug)]
pub struct EngineFigures {
    /// Streaming sockets.
    pub legs: Gauge,
    /// Subscribers.
    pub subscribers: Gauge,
    /// Connection ids in use.
    pub conversations: Gauge,
    /// What happened since the start, by kind.
    pub events: Counted,
    /// Who was refused since the start, by reason.
    pub refusals: Counted,
}

/// What goes on in the recogniser.
#[derive(Debug)]
pub struct RecogniserFigures {
    /// Pieces of audio that wait.
    pub queue_length: Gauge,
    /// Threads.
    pub workers: Gauge,
    /// Threads that work.
    pub busy_workers: Gauge,
    /// Share of the threads' time that was work lately, 0 to 1.
    pub busy: Ratio,
    /// How long the oldest final has been waiting, in seconds.
    pub oldest_final_wait: Ratio,
    /// Legs that are heard.
    pub legs: Gauge,
    /// Pieces of audio decoded, or replaced by newer ones, by kind.
    pub jobs: Counted,
}

/// What became of records.
#[derive(Debug)]
pub struct StoreFigures {
    /// Records that wait.
    pub waiting: Gauge,
    /// Records since the start, by what became of them.
    pub records: Counted,
    failures: Counter,
}

impl StoreFigures {
    /// Copies the number of writes that failed.
    pub fn copy_failures(&self, failures: u64) {
        copy(&self.failures, failures);
    }
}

impl SampledMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let token_requests = Counted::registered(
            registry,
            "token_requests",
            "Requests for an access token of the Symbl-protocol server, by result",
            "result",
        );
        let llm_calls = Counted::registered(
            registry,
            "llm_calls",
            "Questions to the language model, by result",
            "result",
        );
        Self {
            event_loop_delay: added(
                registry,
                "event_loop_delay_seconds",
                "How late the latest of the bridge's threads is, its best of the last second",
            ),
            token_requests,
            engine: engine(registry),
            recogniser: recogniser(registry),
            store: store(registry),
            llm_calls,
        }
    }
}

fn engine(registry: &mut Registry) -> EngineFigures {
    EngineFigures {
        legs: added(registry, "engine_legs", "Streaming sockets of the engine"),
        subscribers: added(registry, "engine_subscribers", "Subscribers of the engine"),
        conversations: added(registry, "engine_conversations", "Conversations that the engine has open"),
        events: Counted::registered(
            registry,
            "engine_events",
            "What happened in the engine, by kind",
            "kind",
        ),
        refusals: Counted::registered(
            registry,
            "engine_refusals",
            "Who was refused by the engine, by reason",
            "reason",
        ),
    }
}

fn recogniser(registry: &mut Registry) -> RecogniserFigures {
    let figures = RecogniserFigures {
        queue_length: added(registry, "recogniser_queue_length", "Pieces of audio that wait for a worker"),
        workers: added(registry, "recogniser_workers", "Threads that recognise; 0 without a model"),
        busy_workers: added(registry, "recogniser_busy_workers", "Threads that are at work"),
        busy: added(
            registry,
            "recogniser_busy_ratio",
            "Share of the threads' time that was work, over about ten seconds",
        ),
        oldest_final_wait: added(
            registry,
            "recogniser_oldest_final_wait_seconds",
            "How long the oldest phrase that is over has been waiting for a worker",
        ),
        legs: added(registry, "recogniser_legs", "Legs that are listened to"),
        jobs: Counted::registered(
            registry,
            "recogniser_jobs",
            "Pieces of audio, by what became of them",
            "kind",
        ),
    };
    figures.jobs.expect(&["final", "partial", "superseded"]);
    figures
}

fn store(registry: &mut Registry) -> StoreFigures {
    let figures = StoreFigures {
        waiting: added(registry, "store_records_waiting", "Records that wait to be written"),
        records: Counted::registered(registry, "store_records", "Records, by what became of them", "result"),
        failures: added(registry, "store_failures", "Writes to the store that failed"),
    };
    figures.records.expect(&["written", "lost"]);
    figures
}

fn added<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}
