//! Delays, and what is printed of them.

use std::time::Duration;

/// A delay below this is as good as none: tokio's timers, which pace both sides, tick in milliseconds.
const FLOOR: Duration = Duration::from_millis(1);

/// Delays of frames.
#[derive(Debug, Default)]
pub struct Delays(Vec<Duration>);

impl Delays {
    pub fn push(&mut self, delay: Duration) {
        self.0.push(delay);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The delay that this part of the frames stays within.
    fn percentile(&mut self, part: f64) -> Duration {
        self.0.sort_unstable();
        let last = self.0.len().checked_sub(1).expect("frames that arrived");
        self.0[(last as f64 * part).round() as usize]
    }
}

pub fn print(name: &str, undisturbed: &mut Delays, disturbed: &mut Delays) {
    println!("{name}: {} frames undisturbed, {} disturbed", undisturbed.0.len(), disturbed.0.len());
    for (what, part) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let (before, after) = (undisturbed.percentile(part), disturbed.percentile(part));
        let ratio = after.max(FLOOR).as_secs_f64() / before.max(FLOOR).as_secs_f64();
        println!(
            "  {what:6} undisturbed {:7.2} ms   disturbed {:7.2} ms   ratio {ratio:.2} (floor {} ms)",
            before.as_secs_f64() * 1000.0,
            after.as_secs_f64() * 1000.0,
            FLOOR.as_millis()
        );
    }
}
