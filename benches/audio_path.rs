//! The audio path: Twilio's text frame in, a binary WebSocket message out.
//!
//! `cargo bench --bench audio_path` prints nanoseconds a frame and, before them, allocations a frame.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::time::Duration;

use actix::prelude::*;
use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group};
use symbl_bridge::bridge::call::leg::{Leg, LegEvent, LegLimits, Outgoing};
use symbl_bridge::bridge::symbl_connection::Audio;
use symbl_bridge::twilio::media::scan_media;
use symbl_bridge::twilio::{Continuity, decode_payload};
use symbl_bridge::ws::pump::{FrameWriter, Side};

/// The media messages of a second, numbered as Twilio numbers them.
fn frames() -> Vec<String> {
    let payload = format!("{}w==", "/".repeat(213));
    (1..=50)
        .map(|chunk| {
            format!(
                r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{}","payload":"{payload}"}},"streamSid":"MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}}"#,
                chunk + 1,
                135 + 20 * chunk,
            )
        })
        .collect()
}

/// What one leg owns on this path.
struct Path {
    continuity: Continuity,
    decoded: BytesMut,
    leg: Leg,
    socket: BytesMut,
    /// Milliseconds; a frame comes every 20.
    now: u64,
}

impl Path {
    fn live() -> Self {
        let limits = LegLimits {
            buffer: 240_000,
            give_up_after: Duration::from_secs(30),
            acknowledge_within: Duration::from_secs(5),
            stop_within: Duration::from_secs(10),
        };
        let mut leg = Leg::new(limits, 1);
        for event in [LegEvent::Begin, LegEvent::Opened] {
            leg.on_event(0, event);
        }
        assert_eq!(leg.next_frame(0), Some(Outgoing::StartRequest));
        leg.on_event(0, LegEvent::Acknowledged);
        let path = Self {
            continuity: Continuity::new(),
            decoded: BytesMut::new(),
            leg,
            socket: BytesMut::new(),
            now: 0,
        };
        Self { decoded: BytesMut::with_capacity(4096), socket: BytesMut::with_capacity(4096), ..path }
    }

    /// As `TwilioStream` does it, up to the message for the connection.
    fn receive(&mut self, text: &str) -> Audio {
        let media = scan_media(text).expect("Twilio's own form");
        assert!(self.continuity.observe(&media).is_usable());
        decode_payload(&media.payload, &mut self.decoded).expect("base64");
        let audio = self.decoded.split().freeze();
        self.decoded.reserve(audio.len());
        Audio(audio)
    }

    /// As `SymblConnection` and its pump do it; the kernel takes the frame at once, and the server answers pings.
    fn send(&mut self, Audio(audio): &Audio) -> usize {
        self.leg.hear(audio);
        self.now += 20;
        if let Some(position) = self.leg.next_ping(self.now) {
            FrameWriter::new(&mut self.socket, &mut false, Side::Client)
                .ping(position.to_string().as_bytes());
            self.leg.on_event(self.now, LegEvent::Received(position));
        }
        let mut written = 0;
        if let Some(Outgoing::Audio(audio)) = self.leg.next_frame(self.now) {
            FrameWriter::new(&mut self.socket, &mut false, Side::Client).binary(audio);
            let count = audio.len();
            self.leg.mark_sent(count);
            written = self.socket.len();
        }
        self.socket.clear();
        written
    }
}

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
