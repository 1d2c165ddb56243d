//! Counters by a word of a short list, for what happens seldom; each look-up takes a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// One label and its value.
pub(super) type Label = [(&'static str, &'static str); 1];

/// Counts by one word.
#[derive(Debug, Clone)]
pub struct Counted {
    label: &'static str,
    family: Family<Label, Counter>,
}

impl Counted {
    /// Returns counters whose word stands in `label`.
    pub(super) fn registered(registry: &mut Registry, name: &str, help: &str, label: &'static str) -> Self {
        let family = Family::default();
        registry.register(name, help, Family::clone(&family));
        Self { label, family }
    }

    /// Counts one.
    pub fn add(&self, word: &'static str) {
        self.add_many(word, 1);
    }

    /// Counts so many.
    pub fn add_many(&self, word: &'static str, more: u64) {
        self.family.get_or_create(&[(self.label, word)]).inc_by(more);
    }

    /// Copies what somebody else has counted.
    pub fn copy(&self, word: &'static str, count: u64) {
        copy(&self.family.get_or_create(&[(self.label, word)]), count);
    }

    /// Shows these words with nothing counted: a rate over a counter that begins with 1 would not see the first.
    pub fn expect(&self, words: &[&'static str]) {
        for word in words {
            let _ = self.family.get_or_create(&[(self.label, *word)]);
        }
    }
}

/// Seconds by one word.
#[derive(Debug, Clone)]
pub struct CountedSeconds {
    label: &'static str,
    family: Family<Label, Counter<f64, AtomicU64>>,
}

impl CountedSeconds {
    /// Returns sums of seconds whose word stands in `label`.
    pub(super) fn registered(registry: &mut Registry, name: &str, help: &str, label: &'static str) -> Self {
        let family = Family::default();
        registry.register(name, help, Family::clone(&family));
        Self { label, family }
    }

    /// Adds so many seconds.
    pub fn add(&self, word: &'static str, seconds: f64) {
        self.family.get_or_create(&[(self.label, word)]).inc_by(seconds);
    }

    /// Shows these words with no seconds.
    pub fn expect(&self, words: &[&'static str]) {
        for word in words {
            let _ = self.family.get_or_create(&[(self.label, *word)]);
        }
    }
}

/// Makes a counter show what somebody else has counted.
pub(super) fn copy(counter: &Counter, count: u64) {
    counter.inner().store(count, Ordering::Relaxed);
}
