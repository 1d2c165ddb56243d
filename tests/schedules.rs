//! Thousands of seeded schedules of legs and calls; `benches/schedules.rs` runs millions of the same kind.
#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

mod schedule_simulator;

use schedule_simulator::coverage::Coverage;
use schedule_simulator::run;

/// What a debug build does in a few seconds.
const SCHEDULES: u64 = 30_000;

/// A schedule that fails is repeated alone by its number: put it here.
const FIRST: u64 = 0;

#[test]
fn every_schedule_keeps_the_invariants_and_together_they_reach_everything() {
    let mut coverage = Coverage::default();
    for seed in FIRST..FIRST + SCHEDULES {
        if let Err(fault) = run(seed, &mut coverage) {
            panic!("schedule {seed}: {fault}");
        }
    }
    assert_eq!(coverage.missing(), Vec::<&str>::new(), "never seen in {SCHEDULES} schedules");
    assert_eq!(coverage.unexpected(), Vec::<&str>::new(), "missing in the list of what is to be seen");
}
