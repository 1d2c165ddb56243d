//! What hostile peers cost everybody else: the delay of ordinary legs without and with them.
//!
//! `cargo bench --bench hostile_load` runs the bridge as a process and the engine in a thread, each twice undisturbed and
//! twice disturbed, and prints the 50th and 99th percentile of the delay and their ratios. It takes two minutes.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]
#![allow(unreachable_pub, missing_docs, reason = "a benchmark")]

mod bridge;
mod engine;
#[path = "../../tests/engine_support/mod.rs"]
mod engine_support;
mod figures;
#[path = "../../tests/support/mod.rs"]
mod support;

use figures::Delays;

const ROUNDS: usize = 2;

/// Measures with (true) or without hostile peers.
type Measure = fn(bool) -> Delays;

fn main() {
    // `cargo bench` hands over `--bench`, `cargo test --benches` does not; a name filters, as with other benchmarks.
    if !std::env::args().any(|argument| argument == "--bench") {
        return println!("not run: this is a benchmark");
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let parts: [(&str, Measure); 2] = [("bridge", bridge::measure), ("engine", engine::measure)];
    for (name, measure) in parts {
        if !name.contains(&wanted) {
            continue;
        }
        let (mut undisturbed, mut disturbed) = (Delays::default(), Delays::default());
        for _ in 0..ROUNDS {
            undisturbed.extend(measure(false));
            disturbed.extend(measure(true));
        }
        figures::print(name, &mut undisturbed, &mut disturbed);
    }
}
