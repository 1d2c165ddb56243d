//! Sentences of calls, and trackers that watch for them.

use std::sync::Arc;

use symbl_bridge::engine::insight::trackers::{Tracker, TrackerDefinition};

/// As the recogniser writes them.
pub(crate) const SENTENCES: [&str; 6] = [
    "Thank you for calling, how can I help you today?",
    "yeah um my last bill looks wrong i was charged twice for the same month",
    "My number is five five five, zero one four two, and it's Anna Schmidt.",
    "i will send you the refund form by email this afternoon",
    "so honestly i'm not happy with this machine it stopped working after two days",
    "could you call me back on monday after three",
];

/// Returns twenty trackers of four phrases each.
pub(crate) fn trackers() -> Vec<Arc<Tracker>> {
    let phrases = ["I want my money back", "cancel my subscription", "speak to a manager", "charged twice"];
    let definition = |number: usize| TrackerDefinition {
        id: number.to_string(),
        name: format!("tracker {number}"),
        phrases: phrases.iter().map(|phrase| format!("{phrase} {number}")).collect(),
        threshold: None,
        is_strict: false,
    };
    (0..20).map(|number| Arc::new(Tracker::new(&definition(number)))).collect()
}
