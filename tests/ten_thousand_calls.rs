//! Ten thousand short calls through one process: afterwards it is as it was after the first thousand.

#![allow(clippy::expect_used, reason = "what helps a test may fail it")]

mod support;

use std::collections::HashMap;

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use support::bridge::{Bridge, Settings};
use support::caller::Caller;
use support::dashboard::{Dashboard, Update};
use support::symbl_server::SymblServer;
use support::wait::wait_until;
use support::{AGENT, CUSTOMER, STRANGER};

const CALLS: usize = 10_000;

/// Calls until every pool, buffer and table has the size it needs.
const WARM_UP: usize = 1_000;

/// Calls under way at once.
const AT_ONCE: usize = 40;

/// What memory may grow by from the thousandth call to the ten thousandth. Allocators never give back exactly what they
/// took, and a thread's arena that happens to be used for the first time costs a megabyte or two. A call that left
/// a kilobyte behind would cost nine.
const TOLERATED_KB: u64 = 4 * 1024;

/// A call as short as they come: a tenth of a second, then one of the ways to end.
async fn short_call(bridge: &Bridge, number: usize) {
    let from = [AGENT, CUSTOMER, STRANGER, "anonymous"][number % 4];
    let room = format!("?room=room-{}", number % 97);
    let mut call = Caller::new(from).call(bridge, &room).await;
    call.speak(5).await;
    let caller = call.caller.clone();
    if number % 8 < 2 {
        // A reset takes with it what the bridge has not read yet.
        call.ping(b"read").await;
    }
    let kept = match number % 8 {
        0 => {
            call.socket.hang_up_without_close_frame();
            None
        }
        1 => {
            call.socket.reset().await;
            None
        }
        // It is ended by its status alone.
        2 => Some(call.socket),
        _ => {
            call.stop().await;
            call.socket.send_close(Some(1000)).await;
            Some(call.socket)
        }
    };
    assert_eq!(caller.report(bridge, "completed").await.status, 204);
    if let Some(socket) = kept {
        socket.closed("a media socket whose call is over").await;
    }
}

/// Makes the calls of these numbers, then waits until nothing of them is left.
async fn calls(bridge: &Bridge, numbers: std::ops::Range<usize>) {
    iter(numbers).map(|number| short_call(bridge, number)).buffer_unordered(AT_ONCE).count().await;
    let seen = bridge.events("census").len();
    wait_until("nothing to be left", || {
        bridge.events("census")[seen..]
            .iter()
            .any(|census| census["calls"] == 0 && census["legs"] == 0 && census["sockets"] == 0)
    })
    .await;
}

/// Resident memory in kilobytes.
fn resident_kb(bridge: &Bridge) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", bridge.process().id())).expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line VmRSS");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number of kilobytes")
}

fn descriptors(bridge: &Bridge) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", bridge.process().id())).expect("Linux").count()
}

/// Every leg has had one start and one stop.
fn assert_each_told_once(updates: &[Update]) {
    let mut told: HashMap<&str, Vec<&str>> = HashMap::new();
    for update in updates {
        told.entry(update.text("callSid")).or_default().push(update.text("type"));
    }
    assert_eq!(told.len(), CALLS);
    for (call_sid, kinds) in told {
        assert_eq!(kinds, ["connection_started", "connection_stopped"], "{call_sid}");
    }
}

#[tokio::test]
async fn ten_thousand_short_calls_leave_nothing_behind() {
    let server = SymblServer::start().await;
    let bridge = Settings::with_upstream(&server.base_url())
        .set("BRIDGE__MEDIA__TOKEN_LIFETIME_MS", "5000")
        // The machine may be busy with other tests: this one is not about that.
        .set("BRIDGE__LIMITS__MAX_DELAY_MS", "0")
        .set("BRIDGE__UPDATES__QUEUE", "4096")
        .set("RUST_LOG", "warn,symbl_bridge::server_listening=info,symbl_bridge::census=debug")
        .start()
        .await;
    let dashboard = Dashboard::join(&bridge).await;
    let began = std::time::Instant::now();
    calls(&bridge, 0..WARM_UP).await;
    let (base_kb, base_descriptors) = (resident_kb(&bridge), descriptors(&bridge));
    calls(&bridge, WARM_UP..CALLS).await;
    let (kb, took) = (resident_kb(&bridge), began.elapsed());
    wait_until("descriptors to return to their number", || descriptors(&bridge) <= base_descriptors).await;
    eprintln!(
        "{CALLS} calls in {} s; {base_kb} kB and {base_descriptors} descriptors after {WARM_UP}, {kb} kB after all",
        took.as_secs_f32().round()
    );
    assert!(kb <= base_kb + TOLERATED_KB, "{base_kb} kB after {WARM_UP} calls, {kb} kB after {CALLS}");
    assert_each_told_once(&dashboard.updates());
    bridge.finish().await;
}
