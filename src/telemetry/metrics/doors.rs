//! Webhooks, and who was refused at which door, for which reason.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Twilio gives a webhook 15 seconds; ours are answered from within the process.
const WEBHOOK_BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 15.0];

/// Where somebody was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The listener, before a handler was asked.
    Listener,
    /// Twilio's webhooks.
    Webhook,
    /// The media socket.
    Media,
    /// The updates socket.
    Updates,
    /// The page with these figures.
    Metrics,
}

impl Door {
    /// Returns the word for the label.
    fn as_str(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Webhook => "webhook",
            Self::Media => "media",
            Self::Updates => "updates",
            Self::Metrics => "metrics",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    door: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    kind: &'static str,
    status: u16,
}

/// What came in and what did not.
#[derive(Debug)]
pub struct DoorMetrics {
    refusals: Family<Refusal, Counter>,
    webhooks: Family<Answer, Counter>,
    /// How long webhooks took, in seconds.
    pub webhook_duration: Histogram,
}

impl DoorMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            refusals: Family::default(),
            webhooks: Family::default(),
            webhook_duration: Histogram::new(WEBHOOK_BUCKETS),
        };
        for (door, reasons) in [
            (Door::Listener, ["connections_full", "address_limited", "body_timeout"].as_slice()),
            (Door::Webhook, &["signature"]),
            (Door::Media, &["signature", "unproven_full", "stream_token"]),
            (Door::Updates, &["token", "origin", "full"]),
            (Door::Metrics, &["token"]),
        ] {
            metrics.expect_refusals(door, reasons);
        }
        for (kind, status) in [
            ("twiml", 200),
            ("call_status", 204),
            ("stream_status", 204),
            ("conference_status", 204),
            ("dial_done", 200),
        ] {
            let _ = metrics.webhooks.get_or_create(&Answer { kind, status });
        }
        registry.register("refusals", "Who was refused, by door and reason", metrics.refusals.clone());
        registry.register(
            "webhooks",
            "Webhooks of Twilio that were answered, by kind and status",
            metrics.webhooks.clone(),
        );
        registry.register(
            "webhook_duration_seconds",
            "From a webhook's head to its answer",
            metrics.webhook_duration.clone(),
        );
        metrics
    }

    /// Counts a refusal.
    pub fn refused(&self, door: Door, reason: &'static str) {
        self.refusals.get_or_create(&Refusal { door: door.as_str(), reason }).inc();
    }

    /// Shows these reasons with nobody refused.
    fn expect_refusals(&self, door: Door, reasons: &[&'static str]) {
        for reason in reasons {
            let _ = self.refusals.get_or_create(&Refusal { door: door.as_str(), reason });
        }
    }

    /// Counts an answered webhook.
    pub fn answered(&self, kind: &'static str, status: u16, seconds: f64) {
        self.webhooks.get_or_create(&Answer { kind, status }).inc();
        self.webhook_duration.observe(seconds);
    }
}
