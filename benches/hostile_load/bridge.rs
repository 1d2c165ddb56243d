//! The bridge: from a Twilio frame written to the same audio read at the Symbl-protocol server.
//!
//! Both ends are in this process and on one clock; each frame carries its number, and the server's arrivals give the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::figures::Delays;
use crate::support::bridge::{Bridge, Settings};
use crate::support::caller::{Call, Caller, FRAME_BYTES};
use crate::support::raw_socket::RawSocket;
use crate::support::symbl_server::SymblServer;
use crate::support::{CUSTOMER, STRANGER};

/// Ordinary legs, whose delay counts.
const LEGS: usize = 20;

/// Sockets that never say anything: half of them have opened a media socket, half not even that.
const SILENT: usize = 1_000;

/// Against real time.
const FLOOD: u32 = 100;

const FRAME_EVERY: Duration = Duration::from_millis(20);
/// Media sockets without a `start` are closed after ten seconds: until then all of them are there.
const SETTLE: Duration = Duration::from_secs(1);
const MEASURE: Duration = Duration::from_secs(8);

/// Runs a bridge with ordinary legs, with or without hostile peers, and gives the delays of the ordinary legs' frames.
pub fn measure(disturbed: bool) -> Delays {
    block_on(async {
        let server = SymblServer::start().await;
        let bridge = Arc::new(
            Settings::with_upstream(&server.base_url())
                .set("RUST_LOG", "warn,symbl_bridge::server_listening=info")
                .start()
                .await,
        );
        let over = Arc::new(AtomicBool::new(false));
        // Dashboards have something to hear of, disturbed or not.
        let short_calls = spawn_local(short_calls(bridge.clone(), over.clone()));
        let hostile = disturbed.then(|| hostile_peers(bridge.clone(), over.clone()));
        let legs = join_all((0..LEGS).map(|_| ordinary_leg(&bridge))).await;
        sleep(SETTLE).await;
        let from = Instant::now();
        let legs = join_all(legs.into_iter().map(|leg| leg.speak(MEASURE))).await;
        over.store(true, Ordering::Relaxed);
        let mut delays = Delays::default();
        for leg in legs {
            let heard = server.leg_that_hears(&first_frame(&leg.call)).await;
            heard.hears_exactly(&leg.said, "an ordinary leg").await;
            // A message may carry several frames, when they had to wait for it.
            let arrivals = heard.arrivals();
            for (number, sent) in leg.sent_at.iter().enumerate().filter(|(_, sent)| **sent > from) {
                let end = (number + 1) * FRAME_BYTES;
                let message = arrivals.partition_point(|(bytes, _)| *bytes < end);
                delays.push(arrivals[message].1.duration_since(*sent));
            }
        }
        short_calls.await.expect("short calls end");
        if let Some(hostile) = hostile {
            hostile.join().expect("hostile peers end");
        }
        delays
    })
}

/// Runs on this thread alone.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, future)
}

/// A leg whose frames are numbered.
struct OrdinaryLeg {
    call: Call,
    said: Vec<u8>,
    sent_at: Vec<Instant>,
}

async fn ordinary_leg(bridge: &Bridge) -> OrdinaryLeg {
    let call = Caller::new(CUSTOMER).call(bridge, "?room=ordinary").await;
    let mut leg = OrdinaryLeg { call, said: Vec::new(), sent_at: Vec::new() };
    leg.say_next().await;
    leg
}

/// What no other leg says.
fn first_frame(call: &Call) -> Vec<u8> {
    frame_of(call, 0)
}

fn frame_of(call: &Call, number: u64) -> Vec<u8> {
    let mut frame = call.caller.first_bytes();
    frame[FRAME_BYTES - 8..].copy_from_slice(&number.to_be_bytes());
    frame
}

impl OrdinaryLeg {
    async fn say_next(&mut self) {
        let number = self.sent_at.len() as u64;
        let frame = frame_of(&self.call, number);
        let message = media(&self.call.caller.stream_sid, number, &frame);
        self.said.extend_from_slice(&frame);
        self.sent_at.push(Instant::now());
        self.call.socket.send_text(message).await;
    }

    /// Speaks at the pace of a call.
    async fn speak(mut self, time: Duration) -> Self {
        let mut pace = interval(FRAME_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let until = Instant::now() + time;
        while Instant::now() < until {
            pace.tick().await;
            self.say_next().await;
        }
        self
    }
}

fn media(stream_sid: &str, number: u64, frame: &[u8]) -> String {
    format!(
        r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"inbound","chunk":"{}","timestamp":"{}","payload":"{}"}},"streamSid":"{stream_sid}"}}"#,
        number + 2,
        number + 1,
        155 + 20 * number,
        STANDARD.encode(frame)
    )
}

/// Ten short calls a second.
async fn short_calls(bridge: Arc<Bridge>, over: Arc<AtomicBool>) {
    let mut pace = interval(Duration::from_millis(100));
    while !over.load(Ordering::Relaxed) {
        pace.tick().await;
        let mut call = Caller::new(STRANGER).call(&bridge, "?room=short").await;
        call.stop().await;
        call.socket.send_close(Some(1000)).await;
    }
}

/// Hostile peers, on a thread of their own, until it is over.
fn hostile_peers(bridge: Arc<Bridge>, over: Arc<AtomicBool>) -> JoinHandle<()> {
    let (ready, is_ready) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        block_on(async {
            let _deaf = RawSocket::open_with_small_buffers(bridge.address, "/symbl/updates").await;
            let mut silent = Vec::new();
            for number in 0..SILENT {
                let mut socket = TcpStream::connect(bridge.address).await.expect("connects");
                if number % 2 == 0 {
                    let handshake = "GET /twilio/media HTTP/1.1\r\nHost: bridge\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
                    socket.write_all(handshake.as_bytes()).await.expect("a socket that takes a handshake");
                }
                silent.push(socket);
            }
            let call = Caller::new(STRANGER).call(&bridge, "?room=flood").await;
            ready.send(()).expect("somebody waits");
            flood(call, &over).await;
        });
    });
    is_ready.recv().expect("hostile peers that are ready");
    thread
}

/// Speaks a hundred times as fast as anybody can.
async fn flood(mut call: Call, over: &AtomicBool) {
    let mut pace = interval(FRAME_EVERY / 10);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        pace.tick().await;
        for _ in 0..FLOOD / 10 {
            let message = media(&call.caller.stream_sid, number, &[0x55; FRAME_BYTES]);
            call.socket.feed_text(message).await;
            number += 1;
        }
        call.socket.flush().await;
    }
    println!("  (the flood: {:.0} times real time)", number as f64 / 50.0 / (SETTLE + MEASURE).as_secs_f64());
}
