//! The audio path: Twilio's text frame in, a binary WebSocket message out.
//!
//! `cargo bench --bench audio_path` prints nanoseconds a frame and, before them, allocations a frame.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "parts/pieces/frame_path.rs"]
mod frame_path;

use std::hint::black_box;

use actix::prelude::*;
use criterion::{Criterion, Throughput, criterion_group};
use frame_path::{Path, frames};
use symbl_bridge::bridge::symbl_connection::Audio;
use symbl_bridge::twilio::Continuity;

/// A connection without a socket: what the hop from actor to actor adds.
struct Connection {
    path: Path,
    written: usize,
}

impl Actor for Connection {
    type Context = Context<Self>;
}

impl Handler<Audio> for Connection {
    type Result = ();

    fn handle(&mut self, audio: Audio, _: &mut Self::Context) {
        self.written += self.path.send(&audio);
    }
}

fn bench(c: &mut Criterion) {
    let frames = frames();
    let mut group = c.benchmark_group("audio_path");
    group.throughput(Throughput::Elements(frames.len() as u64));
    group.bench_function("fifty_frames", |bencher| {
        bencher.iter_batched_ref(
            Path::live,
            |path| {
                for frame in &frames {
                    let audio = path.receive(black_box(frame));
                    black_box(path.send(&audio));
                }
            },
            criterion::BatchSize::SmallInput,
        );
    });
    let system = System::new();
    group.bench_function("fifty_frames_from_actor_to_actor", |bencher| {
        let connection = system.block_on(async { Connection { path: Path::live(), written: 0 }.start() });
        bencher.iter_batched_ref(
            Path::live,
            |path| {
                system.block_on(async {
                    for frame in &frames {
                        connection.try_send(path.receive(black_box(frame))).expect("room in the mailbox");
                        // One wake-up a frame, as at real-time pace.
                        tokio::task::yield_now().await;
                    }
                });
            },
            criterion::BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// Allocations, once buffers have their size.
fn count_allocations() {
    let frames = frames();
    let mut path = Path::live();
    let run = |path: &mut Path| {
        path.continuity = Continuity::new();
        for frame in &frames {
            let audio = path.receive(frame);
            path.send(&audio);
        }
    };
    run(&mut path);
    let direct = allocation_counter::measure(|| run(&mut path)).count_total;
    let system = System::new();
    let connection = system.block_on(async { Connection { path: Path::live(), written: 0 }.start() });
    let hop = |path: &mut Path| {
        path.continuity = Continuity::new();
        system.block_on(async {
            for frame in &frames {
                connection.try_send(path.receive(frame)).expect("room in the mailbox");
                tokio::task::yield_now().await;
            }
        });
    };
    hop(&mut path);
    let through_actors = allocation_counter::measure(|| hop(&mut path)).count_total;
    let per_frame = |count: u64| count as f64 / frames.len() as f64;
    println!(
        "allocations a frame: {:.2} on the path alone, {:.2} from actor to actor",
        per_frame(direct),
        per_frame(through_actors)
    );
}

criterion_group!(benches, bench);

fn main() {
    count_allocations();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
