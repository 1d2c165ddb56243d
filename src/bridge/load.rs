//! How late the process is: what admission looks at before it takes one more leg.
//!
//! A leg costs wake-ups of the thread it lives on, so a process that has too many is one whose threads come late to
//! everything. That is measured where it hurts, with a timer on every thread, and covers whatever takes the time:
//! legs, webhooks, a neighbour on the machine. One late wake-up means nothing (a burst, the scheduler); a thread is behind
//! when it has not been in time once for a whole second. This is the rule by which CoDel tells a standing queue from a
//! passing one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How often a thread looks at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks of which the best counts: a second.
const LOOKS: u32 = 10;

/// Knows how late the threads of the process are. Cloning it shares it.
#[derive(Debug, Clone)]
pub struct LoadMeter {
    began: Instant,
    threads: Arc<Mutex<Vec<Weak<Thread>>>>,
}

/// One thread's last words on the matter.
#[derive(Debug, Default)]
struct Thread {
    /// The least delay of the last second, in microseconds.
    least_us: AtomicU64,
    /// When that was written, in microseconds since the meter began.
    written_us: AtomicU64,
}

impl Default for LoadMeter {
    fn default() -> Self {
        Self { began: Instant::now(), threads: Arc::default() }
    }
}

impl LoadMeter {
    /// Watches the calling thread, which must run an actix system, for as long as that runs.
    pub fn watch_this_thread(&self) {
        let thread = Arc::new(Thread::default());
        thread.written_us.store(self.now_us(), Ordering::Relaxed);
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&thread));
        let meter = self.clone();
        actix::spawn(async move {
            loop {
                let mut least = Duration::MAX;
                for _ in 0..LOOKS {
                    let due = Instant::now() + LOOK_EVERY;
                    tokio::time::sleep_until(due.into()).await;
                    least = least.min(due.elapsed());
                }
                thread.least_us.store(micros(least), Ordering::Relaxed);
                thread.written_us.store(meter.now_us(), Ordering::Relaxed);
            }
        });
    }

    /// Returns the delay that the latest thread has not got rid of for a second.
    pub fn delay(&self) -> Duration {
        let now_us = self.now_us();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| thread.strong_count() > 0);
        let delays = threads.iter().filter_map(Weak::upgrade).map(|thread| thread.delay_us(now_us));
        Duration::from_micros(delays.max().unwrap_or(0))
    }

    fn now_us(&self) -> u64 {
        micros(self.began.elapsed())
    }
}

impl Thread {
    /// A thread that has not written for longer than two seconds stands still: that, too, is a delay.
    fn delay_us(&self, now_us: u64) -> u64 {
        let silent_us = now_us.saturating_sub(self.written_us.load(Ordering::Relaxed));
        let overdue_us = silent_us.saturating_sub(2 * micros(LOOK_EVERY * LOOKS));
        self.least_us.load(Ordering::Relaxed).max(overdue_us)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_as_late_as_its_best_look_or_as_long_as_it_is_silent() {
        let thread = Thread::default();
        thread.least_us.store(700, Ordering::Relaxed);
        thread.written_us.store(1_000_000, Ordering::Relaxed);
        assert_eq!(thread.delay_us(1_500_000), 700);
        assert_eq!(thread.delay_us(3_000_000), 700, "the next second may just be over");
        assert_eq!(thread.delay_us(5_000_000), 2_000_000);
    }

    #[actix::test]
    async fn threads_that_are_gone_are_not_late() {
        let meter = LoadMeter::default();
        assert_eq!(meter.delay(), Duration::ZERO);
        meter.threads.lock().unwrap().push(Arc::downgrade(&Arc::new(Thread::default())));
        let frozen = Arc::new(Thread::default());
        frozen.least_us.store(9, Ordering::Relaxed);
        meter.threads.lock().unwrap().push(Arc::downgrade(&frozen));
        assert_eq!(meter.delay(), Duration::from_micros(9));
        drop(frozen);
        assert_eq!(meter.delay(), Duration::ZERO);
        assert!(meter.threads.lock().unwrap().is_empty());
    }
}
