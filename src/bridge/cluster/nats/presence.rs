//! Which nodes live: each says so once a second; who was silent for long is lost. Pure: no NATS, no clock.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How often a node says that it lives.
pub(super) const SAY_EVERY: Duration = Duration::from_secs(1);

/// After so long a silence a node is lost: several of its words, or a busy machine, may be late.
const LOST_AFTER: Duration = Duration::from_secs(4);

/// A node that hears nothing for so long was asleep itself, and must listen anew before it judges others.
const ASLEEP_AFTER: Duration = Duration::from_secs(2);

/// Who was heard when.
#[derive(Debug)]
pub(super) struct Presence {
    own: String,
    /// Since when we listen without a break.
    since: Instant,
    looked_at: Instant,
    heard: HashMap<String, Instant>,
}

impl Presence {
    /// Returns what a node knows that begins to listen.
    pub(super) fn new(own: &str, now: Instant) -> Self {
        Self { own: own.to_owned(), since: now, looked_at: now, heard: HashMap::new() }
    }

    /// Takes a node's word that it lives.
    pub(super) fn heard(&mut self, node: &str, now: Instant) {
        self.heard.insert(node.to_owned(), now);
    }

    /// Must be called about once a second.
    pub(super) fn look(&mut self, now: Instant) {
        if now.duration_since(self.looked_at) > ASLEEP_AFTER {
            self.since = now;
        }
        self.looked_at = now;
        let since = self.since;
        self.heard.retain(|_, heard| now.duration_since((*heard).max(since)) <= LOST_AFTER);
    }

    /// Returns whether a node is lost.
    pub(super) fn is_lost(&self, node: &str) -> bool {
        node != self.own
            && !self.heard.contains_key(node)
            && self.looked_at.duration_since(self.since) > LOST_AFTER
    }

    /// Returns how many nodes live, this one included.
    pub(super) fn nodes(&self) -> usize {
        1 + self.heard.keys().filter(|node| **node != self.own).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_for_four_seconds_is_lost_and_who_slept_listens_first() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut presence = Presence::new("own", start);
        assert!(!presence.is_lost("a"), "nobody had time to say a word");
        for second in 1..=6 {
            presence.heard("b", at(second));
            presence.look(at(second));
        }
        assert!(presence.is_lost("a") && !presence.is_lost("b") && !presence.is_lost("own"));
        assert_eq!(presence.nodes(), 2);
        // Nothing for a minute, not even from ourselves.
        presence.look(at(66));
        assert!(!presence.is_lost("a") && !presence.is_lost("b"), "we were asleep");
        for second in 67..=71 {
            presence.look(at(second));
        }
        assert!(presence.is_lost("a") && presence.is_lost("b"));
    }
}
