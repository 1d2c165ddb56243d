//! How much work is taken, and what becomes of callers beyond it.

use std::time::Duration;

use super::reader::Reader;

/// How much work is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Calls known at once.
    pub max_calls: usize,
    /// Legs at once.
    pub max_legs: usize,
    /// Beyond this delay of a worker thread no new leg is taken; none: whatever the delay.
    pub max_delay: Option<Duration>,
    /// What a caller hears who would not be analysed.
    pub when_full: WhenFull,
}

/// What a caller hears who would not be analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The conference, without a stream.
    Join,
    /// The busy tone.
    Refuse,
}

/// Returns the settings.
pub(super) fn read(read: &mut Reader) -> LimitSettings {
    LimitSettings {
        max_calls: read.number("limits.max_calls", 1..=1_000_000) as usize,
        max_legs: read.number("limits.max_legs", 1..=100_000) as usize,
        max_delay: Some(read.millis("limits.max_delay_ms", 0..=60_000)).filter(|delay| !delay.is_zero()),
        when_full: read.choice("limits.when_full", &[("join", WhenFull::Join), ("refuse", WhenFull::Refuse)]),
    }
}
