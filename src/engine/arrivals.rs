//! When a leg's audio came, to tell how long its words took.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::hearing::AudioFormat;

/// Moments are kept for every so much audio.
const EVERY_MS: u64 = 100;

/// Moments that are kept: a minute of audio. What took longer is as late as a minute.
const MOST_KEPT: usize = 600;

/// The arrivals of one leg's audio.
#[derive(Debug)]
pub(super) struct Arrivals {
    format: AudioFormat,
    bytes: u64,
    /// The end of what had come, in milliseconds of audio, and when.
    moments: VecDeque<(u64, Instant)>,
    /// When the latest audio came.
    latest: Option<Instant>,
}

impl Arrivals {
    /// Returns arrivals of a leg that has sent nothing.
    pub(super) fn new(format: AudioFormat) -> Self {
        Self { format, bytes: 0, moments: VecDeque::new(), latest: None }
    }

    /// Notes audio that came.
    pub(super) fn came(&mut self, bytes: usize, now: Instant) {
        self.bytes += bytes as u64;
        self.latest = Some(now);
        let end_ms = self.format.duration_ms(self.bytes);
        if self.moments.back().is_some_and(|(latest, _)| end_ms < latest + EVERY_MS) {
            return;
        }
        if self.moments.len() == MOST_KEPT {
            self.moments.pop_front();
        }
        self.moments.push_back((end_ms, now));
    }

    /// Returns how long ago the audio at this position came.
    pub(super) fn age(&self, position_ms: u64, now: Instant) -> Duration {
        let first_after = self.moments.partition_point(|(end_ms, _)| *end_ms < position_ms);
        // What came after the last moment that was kept came with the latest audio.
        let came = self.moments.get(first_after).map(|(_, at)| *at).or(self.latest);
        came.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_is_as_old_as_the_moment_it_came() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut arrivals = Arrivals::new(AudioFormat::MULAW_8000);
        for frame in 1..=100_u64 {
            arrivals.came(160, at(20 * frame));
        }
        let age = |position_ms| arrivals.age(position_ms, at(3000)).as_millis();
        // Known to a tenth of a second.
        assert!((2400..=2500).contains(&age(500)), "{}", age(500));
        assert!((1000..=1100).contains(&age(1950)), "{}", age(1950));
        assert_eq!(age(2000), 1000, "after the last moment that was kept");
    }

    #[test]
    fn memory_is_bounded() {
        let mut arrivals = Arrivals::new(AudioFormat::MULAW_8000);
        for _ in 0..2 * MOST_KEPT {
            arrivals.came(800, Instant::now());
        }
        assert_eq!(arrivals.moments.len(), MOST_KEPT);
    }
}
