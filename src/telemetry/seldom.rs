//! A line for many: what happens a thousand times a second is told once in a while, with its count.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Says when the next line is due.
#[derive(Debug)]
pub struct Seldom {
    pause: Duration,
    latest: Mutex<Latest>,
}

#[derive(Debug)]
struct Latest {
    line: Option<Instant>,
    since: u64,
}

impl Seldom {
    /// Lets a line through at most every `pause`.
    pub const fn every(pause: Duration) -> Self {
        Self { pause, latest: Mutex::new(Latest { line: None, since: 0 }) }
    }

    /// Counts one; when a line is due, returns how many there were since the last, this one included.
    pub fn count(&self) -> Option<u64> {
        self.count_at(Instant::now())
    }

    fn count_at(&self, now: Instant) -> Option<u64> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.since += 1;
        if latest.line.is_some_and(|line| now.saturating_duration_since(line) < self.pause) {
            return None;
        }
        latest.line = Some(now);
        Some(std::mem::take(&mut latest.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_at_once_and_the_next_line_counts_what_was_not() {
        let seldom = Seldom::every(Duration::from_secs(10));
        let start = Instant::now();
        let at = |seconds| seldom.count_at(start + Duration::from_secs(seconds));
        assert_eq!([at(0), at(1), at(9), at(10), at(11)], [Some(1), None, None, Some(3), None]);
    }
}
