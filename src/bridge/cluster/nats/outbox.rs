//! Updates on their way to the shared stream: in order, until the stream has them. Pure: no NATS, no clock.
//!
//! What could not be sent because NATS was gone is sent when it is back. An update's id is made of what it says, so that the
//! stream takes it once, however often it is sent and by whomever.

use std::collections::VecDeque;

use crate::bridge::call::update::{Told, UpdateKind};

/// Updates that may wait: three of each of 5,000 legs. Beyond it the oldest is forgotten.
const MOST: usize = 16_384;

/// An update and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) id: String,
    pub(super) told: Told,
}

impl Outgoing {
    /// Returns the update with its id; `count` tells a leg's interruptions apart.
    pub(super) fn new(told: Told, count: u32) -> Self {
        let leg = &told.leg;
        let id = match told.kind {
            UpdateKind::ConnectionStarted | UpdateKind::ConnectionExists => format!("{leg}-started"),
            UpdateKind::ConnectionInterrupted => format!("{leg}-interrupted-{count}"),
            UpdateKind::ConnectionResumed => format!("{leg}-resumed-{count}"),
            UpdateKind::ConnectionFailed => format!("{leg}-failed"),
            UpdateKind::ConnectionStopped => format!("{leg}-stopped"),
        };
        Self { id, told }
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Outgoing>,
}

impl Outbox {
    /// Takes an update; returns whether an older one had to be forgotten for it.
    pub(super) fn push(&mut self, outgoing: Outgoing) -> bool {
        let is_full = self.waiting.len() >= MOST;
        if is_full {
            self.waiting.pop_front();
        }
        self.waiting.push_back(outgoing);
        is_full
    }

    /// Returns the next update to send; it stays until [`Outbox::sent`].
    pub(super) fn next(&self) -> Option<&Outgoing> {
        self.waiting.front()
    }

    /// Takes note that the stream has an update.
    pub(super) fn sent(&mut self, id: &str) {
        if self.waiting.front().is_some_and(|next| next.id == id) {
            self.waiting.pop_front();
        }
    }

    /// Forgets what others must not hear any more: news of legs that were reported lost. `is_live` says which legs the
    /// stream knows as up.
    pub(super) fn forget_lost(&mut self, is_live: impl Fn(&str) -> bool) {
        let mut began: Vec<String> = Vec::new();
        self.waiting.retain(|outgoing| {
            let told = &outgoing.told;
            if told.kind == UpdateKind::ConnectionStarted {
                began.push(told.leg.clone());
            }
            is_live(&told.leg) || began.contains(&told.leg)
        });
    }

    /// Forgets all news of one leg.
    pub(super) fn forget_leg(&mut self, leg: &str) {
        self.waiting.retain(|outgoing| outgoing.told.leg != leg);
    }

    /// Returns how many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::bridge::call::update::LegView;
    use crate::symbl::Speaker;

    fn news(leg: &str, kind: UpdateKind) -> Outgoing {
        let view = LegView {
            speaker: Speaker::default(),
            connection_id: "C".to_owned(),
            conversation_id: None,
            call_sid: "CA1".to_owned(),
            room: "r".to_owned(),
        };
        let at = Timestamp::UNIX_EPOCH;
        Outgoing::new(Told { leg: leg.to_owned(), kind, view, at, reason: None, interruption: None }, 3)
    }

    fn ids(outbox: &Outbox) -> Vec<&str> {
        outbox.waiting.iter().map(|outgoing| outgoing.id.as_str()).collect()
    }

    #[test]
    fn news_stay_until_they_are_sent() {
        let mut outbox = Outbox::default();
        outbox.push(news("a", UpdateKind::ConnectionStarted));
        outbox.push(news("a", UpdateKind::ConnectionInterrupted));
        outbox.sent("a-interrupted-3");
        assert_eq!(ids(&outbox), ["a-started", "a-interrupted-3"], "out of turn");
        outbox.sent("a-started");
        assert_eq!(outbox.next().map(|next| next.id.as_str()), Some("a-interrupted-3"));
    }

    #[test]
    fn news_of_legs_that_others_reported_lost_are_forgotten() {
        let mut outbox = Outbox::default();
        for (leg, kind) in [
            ("lost", UpdateKind::ConnectionInterrupted),
            ("known", UpdateKind::ConnectionResumed),
            ("new", UpdateKind::ConnectionStarted),
            ("lost", UpdateKind::ConnectionStopped),
            ("new", UpdateKind::ConnectionStopped),
        ] {
            outbox.push(news(leg, kind));
        }
        outbox.forget_lost(|leg| leg == "known");
        assert_eq!(ids(&outbox), ["known-resumed-3", "new-started", "new-stopped"]);
        outbox.forget_leg("new");
        assert_eq!(outbox.len(), 1);
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        let mut outbox = Outbox::default();
        for number in 0..MOST {
            assert!(!outbox.push(news(&number.to_string(), UpdateKind::ConnectionStarted)));
        }
        assert!(outbox.push(news("last", UpdateKind::ConnectionStarted)));
        assert_eq!((outbox.len(), outbox.next().unwrap().id.as_str()), (MOST, "1-started"));
    }
}
