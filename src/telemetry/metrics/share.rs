//! One thing's part in a gauge by state: moved with its state, given back however it ends.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::counted::Label;

/// The part of one thing; dropped, it counts no longer.
#[derive(Debug)]
pub struct Share {
    label: &'static str,
    states: Family<Label, Gauge>,
    now: Option<(&'static str, Gauge)>,
}

impl Share {
    /// Returns the share of a thing that has no state yet.
    pub(super) fn new(label: &'static str, states: &Family<Label, Gauge>) -> Self {
        Self { label, states: states.clone(), now: None }
    }

    /// Counts the thing under this state, and under no other.
    pub fn show(&mut self, state: &'static str) {
        if self.now.as_ref().is_some_and(|(now, _)| *now == state) {
            return;
        }
        let gauge = self.states.get_or_create_owned(&[(self.label, state)]);
        gauge.inc();
        self.give_back();
        self.now = Some((state, gauge));
    }

    fn give_back(&mut self) {
        if let Some((_, gauge)) = self.now.take() {
            gauge.dec();
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_counts_once_and_only_while_it_is_there() {
        let states = Family::default();
        let mut share = Share::new("state", &states);
        let count = |state| states.get_or_create(&[("state", state)]).get();
        share.show("connecting");
        share.show("live");
        share.show("live");
        assert_eq!((count("connecting"), count("live")), (0, 1));
        drop(share);
        assert_eq!((count("connecting"), count("live")), (0, 0));
    }
}
