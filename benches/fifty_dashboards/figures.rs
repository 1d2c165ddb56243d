//! Delays between what this process saw and what other processes wrote down, and what is printed of them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// This process's two clocks, held against each other once.
pub struct Clock {
    instant: Instant,
    since_epoch: Duration,
}

impl Clock {
    pub fn start() -> Self {
        let instant = Instant::now();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("later than 1970");
        Self { instant, since_epoch }
    }

    /// Milliseconds since 1970.
    pub fn millis(&self, at: Instant) -> f64 {
        (self.since_epoch + at.duration_since(self.instant)).as_secs_f64() * 1000.0
    }
}

/// Returns the milliseconds since 1970 of a time as RFC 3339.
pub fn millis_of(at: &str) -> f64 {
    let at: jiff::Timestamp = at.parse().expect("RFC 3339");
    at.as_nanosecond() as f64 / 1e6
}

/// Delays in milliseconds.
#[derive(Debug, Default)]
pub struct Delays(Vec<f64>);

impl Delays {
    pub fn push(&mut self, millis: f64) {
        self.0.push(millis);
    }

    /// Prints some percentiles; returns the 95th.
    pub fn print(&mut self, name: &str) -> Duration {
        self.0.sort_by(f64::total_cmp);
        let last = self.0.len().checked_sub(1).expect("something came");
        let percentile = |part: f64| self.0[(last as f64 * part).round() as usize].max(0.0);
        println!(
            "{name:20} {:6} times   p50 {:7.2} ms   p95 {:7.2} ms   p99 {:7.2} ms   most {:7.2} ms",
            self.0.len(),
            percentile(0.5),
            percentile(0.95),
            percentile(0.99),
            percentile(1.0),
        );
        Duration::from_secs_f64(percentile(0.95) / 1000.0)
    }
}
