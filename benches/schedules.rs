//! A million seeded schedules of legs and calls and more, on every core: how many a minute, and what they reached.
//!
//! `cargo bench --bench schedules [-- COUNT [FIRST]]`. A schedule that fails is named by its number, which `tests/schedules.rs`
//! repeats.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "../tests/schedule_simulator/mod.rs"]
mod schedule_simulator;

use std::process::ExitCode;
use std::time::Instant;

use schedule_simulator::coverage::{Coverage, WANTED};
use schedule_simulator::run;

/// As many as the design asks for in a minute.
const SCHEDULES: u64 = 1_000_000;

/// Runs each `of`-th schedule, beginning at its own; returns what was reached and what failed.
fn share(first: u64, count: u64, own: u64, of: u64) -> (Coverage, Vec<(u64, String)>) {
    let mut coverage = Coverage::default();
    let mut failed = Vec::new();
    for seed in (first + own..first + count).step_by(of as usize) {
        if let Err(fault) = run(seed, &mut coverage) {
            failed.push((seed, fault));
        }
    }
    (coverage, failed)
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(SCHEDULES);
    let first = numbers.next().unwrap_or(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let begun = Instant::now();
    let shares: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> =
            (0..threads).map(|own| scope.spawn(move || share(first, count, own, threads))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    let mut coverage = Coverage::default();
    shares.iter().for_each(|(reached, _)| coverage.add(reached));
    println!("{:>12}  schedules in {seconds:.1} s on {threads} threads", count);
    println!("{:>12.0}  schedules a minute", count as f64 / seconds * 60.0);
    for (what, times) in coverage.counts() {
        println!("{times:>12}  {what}");
    }
    let failed: Vec<_> = shares.iter().flat_map(|(_, failed)| failed).collect();
    for (seed, fault) in failed.iter().take(10) {
        println!("schedule {seed} FAILED: {fault}");
    }
    let missing = coverage.missing();
    if !missing.is_empty() {
        println!("never seen: {missing:?} of {} things", WANTED.len());
    }
    if failed.is_empty() && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
