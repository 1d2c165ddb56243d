//! When a failed connection is tried again, and when it is not any more.

use super::Millis;

/// First pause between attempts; doubled up to the last.
pub(super) const FIRST_PAUSE: Millis = 250;
pub(super) const LAST_PAUSE: Millis = 5_000;

/// A connection that lasted this long was a good one: what fails after it is the first failure of a new run.
pub(super) const STABLE_AFTER: Millis = 10_000;

/// Counts failures in a row. A server that takes a connection only to break it at once is failing all the while.
#[derive(Debug)]
pub(super) struct Retries {
    give_up_after: Millis,
    failing_since: Millis,
    failures: u32,
    /// Spreads the attempts of legs that failed together.
    jitter: u64,
}

impl Retries {
    /// Returns retries of which none has happened. Different seeds pause differently.
    pub(super) fn new(give_up_after: Millis, seed: u64) -> Self {
        Self { give_up_after, failing_since: 0, failures: 0, jitter: seed | 1 }
    }

    /// Begins a new run: nothing has failed yet.
    pub(super) fn begin(&mut self, now: Millis) {
        self.failing_since = now;
        self.failures = 0;
    }

    /// Notes that a connection failed that had served for `lasted`.
    pub(super) fn served(&mut self, now: Millis, lasted: Millis) {
        if lasted >= STABLE_AFTER || self.failures == 0 {
            self.begin(now);
        }
    }

    /// Returns until when attempts make sense.
    pub(super) fn give_up_at(&self) -> Millis {
        self.failing_since + self.give_up_after
    }

    /// Counts a failure; returns the pause before the next attempt: doubled each time, spread over its upper half.
    pub(super) fn pause(&mut self) -> Millis {
        let whole = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LAST_PAUSE);
        self.failures += 1;
        // xorshift64: any spread will do, and the machine stays reproducible.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        whole / 2 + self.jitter % (whole / 2 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_last_and_differ_between_seeds() {
        let pauses = |seed| {
            let mut retries = Retries::new(1000, seed);
            (0..12).map(|_| retries.pause()).collect::<Vec<_>>()
        };
        let one = pauses(7);
        assert!((FIRST_PAUSE / 2..=FIRST_PAUSE).contains(&one[0]), "{one:?}");
        assert!(one.iter().skip(6).all(|pause| (LAST_PAUSE / 2..=LAST_PAUSE).contains(pause)), "{one:?}");
        assert_ne!(one, pauses(8));
    }

    #[test]
    fn only_a_stable_connection_begins_a_new_run() {
        let mut retries = Retries::new(1_000, 7);
        retries.begin(0);
        retries.served(5_000, 4_000);
        assert_eq!(retries.give_up_at(), 6_000, "the first connection was a short one");
        retries.pause();
        retries.served(5_500, 200);
        assert_eq!(retries.give_up_at(), 6_000, "the next was shorter still");
        retries.served(90_000, STABLE_AFTER);
        assert_eq!(retries.give_up_at(), 91_000);
    }
}
