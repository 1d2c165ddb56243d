//! `/symbl/updates`: every dashboard hears of every leg, and none can harm another.

mod support;

use std::collections::BTreeSet;

use support::bridge::{Bridge, Settings};
use support::caller::Caller;
use support::dashboard::{self, Dashboard, Update, id};
use support::http::get;
use support::raw_socket::RawSocket;
use support::socket::{Closing, Socket};
use support::symbl_server::SymblServer;
use support::wait::wait_until;
use support::witness::Witness;
use support::{AGENT, CUSTOMER, STRANGER};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn all_dashboards_hear_the_same_in_the_same_order() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let mut dashboards = Vec::new();
    for path in ["/symbl/updates", "//symbl/updates", "/symbl/updates", "//symbl/updates"] {
        dashboards.push(Dashboard::join_at(bridge.address, path).await);
    }
    let mut calls = Vec::new();
    for from in [AGENT, CUSTOMER, STRANGER] {
        let mut call = Caller::new(from).call(&bridge, "?room=shared").await;
        call.speak(2).await;
        dashboards[0].wait_for("connection_started", &call.caller.call_sid).await;
        calls.push(call);
    }
    for call in &mut calls {
        call.hang_up(&bridge).await;
        dashboards[0].wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    let first = dashboards.remove(0);
    let expected = dashboard::finish(bridge, first).await;
    assert_eq!(expected.len(), 6);
    for dashboard in dashboards {
        let (updates, closing) = dashboard.closed().await;
        assert_eq!(closing, Closing::Code(1001));
        let values =
            |updates: &[Update]| updates.iter().map(|update| update.value.clone()).collect::<Vec<_>>();
        assert_eq!(values(&updates), values(&expected));
    }
}

#[tokio::test]
async fn a_late_dashboard_gets_every_live_leg_and_no_other() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let early = Dashboard::join(&bridge).await;
    let mut calls = Vec::new();
    for number in 0..6 {
        let call = Caller::new(&format!("+1310555{number:04}")).call(&bridge, "?room=many").await;
        early.wait_for("connection_started", &call.caller.call_sid).await;
        calls.push(call);
    }
    for call in &mut calls[..3] {
        call.hang_up(&bridge).await;
        early.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    let late = Dashboard::join(&bridge).await;
    for call in &calls[3..] {
        let existing = late.wait_for("connection_exists", &call.caller.call_sid).await;
        let started = early.wait_for("connection_started", &call.caller.call_sid).await;
        for key in ["callSid", "room", "speaker", "connectionId", "conversationId"] {
            assert_eq!(existing.value[key], started.value[key], "{key}");
        }
    }
    for call in &mut calls[3..] {
        call.hang_up(&bridge).await;
        late.wait_for("connection_stopped", &call.caller.call_sid).await;
        early.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    dashboard::finish(bridge, early).await;
    let (updates, _) = late.closed().await;
    let kinds: Vec<&str> = updates.iter().map(|update| update.text("type")).collect();
    assert_eq!(kinds, [["connection_exists"; 3], ["connection_stopped"; 3]].concat());
    let existing: BTreeSet<&str> = updates[..3].iter().map(|update| update.text("callSid")).collect();
    assert_eq!(existing, calls[3..].iter().map(|call| call.caller.call_sid.as_str()).collect());
    let stopped: Vec<u64> = updates[3..].iter().map(id).collect();
    assert!(stopped.is_sorted_by(|earlier, later| earlier < later), "{stopped:?}");
}

/// The raw peer upgrades and then never reads. What the kernels may hold on its behalf is kept small; a room with
/// a long name makes each update large.
#[tokio::test]
async fn a_dashboard_that_never_reads_is_cut_off_and_harms_nobody() {
    const CALLS: usize = 400;
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__UPDATES__QUEUE", "32");
    let bridge = settings.start().await;
    let witness = Witness::start(&bridge, &server).await;
    let deaf = RawSocket::open_with_small_buffers(bridge.address, "/symbl/updates").await;
    let room = "x".repeat(60);
    for number in 0..CALLS {
        let mut call = Caller::new(AGENT).call(&bridge, &format!("?room={room}")).await;
        call.stop().await;
        if number % 20 == 0 {
            witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
        }
    }
    wait_until("every update at the dashboard that reads", || {
        let updates = witness.dashboard().updates();
        updates.iter().filter(|update| update.value["type"] == "connection_stopped").count() == CALLS
    })
    .await;
    let line = bridge.wait_for_event("dashboard_left", |line| line["reason"] == "slow_consumer").await;
    assert_eq!(line["dashboards"], 1, "the one that reads: {line}");
    let (texts, _) = deaf.read_to_end().await;
    assert!(texts.len() < 2 * CALLS, "the deaf dashboard got everything: it was not cut off");
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn whatever_a_dashboard_sends_harms_nobody() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let mut noisy = Dashboard::join(&bridge).await;
    for message in [
        Message::text("hello"),
        Message::text("{}"),
        Message::binary(vec![0; 1000]),
        Message::Pong(vec![1, 2, 3].into()),
        Message::Ping(b"are you there".to_vec().into()),
    ] {
        noisy.socket().send(message).await;
    }
    let socket = noisy.socket();
    wait_until("a pong", || socket.pongs() == [b"are you there".to_vec()]).await;
    socket.send_text("x".repeat(2_000_000)).await;
    noisy.closed().await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    witness.dashboard().wait_for("connection_started", &call.caller.call_sid).await;
    call.hang_up(&bridge).await;
    witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn a_dashboard_leaves_with_the_code_that_it_gave() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let mut dashboard = Dashboard::join(&bridge).await;
    dashboard.socket().send_close(Some(1000)).await;
    let (updates, closing) = dashboard.closed().await;
    assert_eq!((updates.len(), closing), (0, Closing::Code(1000)));
    bridge.wait_for_event("dashboard_left", |line| line["dashboards"] == 0).await;
    assert!(
        (400..500).contains(&get(bridge.address, "/symbl/updates").await.status),
        "a GET without upgrade"
    );
    assert_eq!(Socket::open(bridge.address, "/symbl/nothing", &[]).await.err(), Some(404));
    bridge.finish().await;
}
