//! How often: pauses after trouble, and how soon a call that loses its stream again and again gets another. Pure.

use std::collections::HashMap;
use std::time::Duration;

use crate::bridge::call::leg::Millis;
use crate::twilio::CallSid;

/// The first pause after trouble (`twilio-protocol` 6.8).
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause that nobody asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The longest pause that Twilio may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// Streams that one call gets within [`Pace::WITHIN`]; a socket that always breaks must not cost more.
const MOST_STREAMS: u32 = 5;

/// Pauses that double, spread over their upper half.
#[derive(Debug, Default)]
pub struct Pauses {
    times: u32,
}

impl Pauses {
    /// Returns the next pause; `asked` is what Twilio asked for, which is waited for in full. `random` is from 0 to 1.
    pub fn next(&mut self, asked: Option<Duration>, random: f64) -> Duration {
        let whole = FIRST_PAUSE.saturating_mul(1 << self.times.min(16)).min(LONGEST_PAUSE);
        self.times += 1;
        let spread = whole.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0);
        match asked {
            // All that were refused together would come together again.
            Some(asked) => asked.min(LONGEST_ASKED) + FIRST_PAUSE.mul_f64(random.clamp(0.0, 1.0)),
            None => spread,
        }
    }
}

/// How often calls have got a stream.
#[derive(Debug, Default)]
pub struct Pace {
    calls: HashMap<CallSid, (u32, Millis)>,
}

impl Pace {
    /// What is longer ago counts for nothing.
    const WITHIN: Millis = 10 * 60 * 1000;

    /// Returns how long to wait before a call gets a stream, not at all the first time, then ever longer, beginning with four times
    /// `first`; none when it has had enough. Callers bound the number of calls.
    pub fn next(&mut self, call: &CallSid, first: Duration, now: Millis) -> Option<Duration> {
        self.calls.retain(|_, (_, at)| now < *at + Self::WITHIN);
        let (times, at) = self.calls.entry(call.clone()).or_insert((0, now));
        if *times >= MOST_STREAMS {
            return None;
        }
        let pause = if *times == 0 { Duration::ZERO } else { first.saturating_mul(1 << (2 * *times)) };
        *times += 1;
        *at = now;
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_are_spread() {
        let mut pauses = Pauses::default();
        let whole: Vec<u128> = (0..8).map(|_| pauses.next(None, 1.0).as_millis()).collect();
        assert_eq!(whole, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(Pauses::default().next(None, 0.0), Duration::from_millis(250));
        for _ in 0..100 {
            assert!(pauses.next(None, 0.3) <= LONGEST_PAUSE);
        }
    }

    #[test]
    fn what_twilio_asks_for_is_waited_for_in_full() {
        let asked = Some(Duration::from_secs(7));
        assert!(Pauses::default().next(asked, 0.0) >= Duration::from_secs(7));
        assert!(Pauses::default().next(asked, 1.0) <= Duration::from_secs(8));
        assert!(Pauses::default().next(Some(Duration::from_secs(1 << 40)), 0.0) <= LONGEST_ASKED);
    }

    #[test]
    fn a_call_that_loses_every_stream_gets_ever_fewer() {
        let (mut pace, first) = (Pace::default(), Duration::from_secs(2));
        let call = CallSid::parse("CA1").unwrap();
        let pauses: Vec<_> = (0..6).map(|n| pace.next(&call, first, n)).collect();
        let seconds = [0, 8, 32, 128, 512].map(|seconds| Some(Duration::from_secs(seconds)));
        assert_eq!((&pauses[..5], pauses[5]), (&seconds[..], None));
        let other = CallSid::parse("CA2").unwrap();
        assert_eq!(pace.next(&other, first, 9), Some(Duration::ZERO));
        assert_eq!(pace.next(&call, first, 5 + Pace::WITHIN), Some(Duration::ZERO), "long ago");
    }
}
