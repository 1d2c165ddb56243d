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

#[tokio::test]
async fn a_dashboard_that_comes_back_hears_what_it_missed_and_nothing_twice() {
    let server = SymblServer::start().await;
    let bridge = Settings::with_upstream(&server.base_url()).set("BRIDGE__UPDATES__KEEP", "4").start().await;
    let witness = Dashboard::join(&bridge).await;
    let newcomer = Dashboard::rejoin(&bridge, 0).await;
    let first = newcomer.answer().await;
    assert_eq!((&first["type"], &first["reason"]), (&"updates_snapshot".into(), &"first".into()));
    let empty = first["id"].as_u64().expect("an id");
    newcomer.vanish().await;

    let mut calls = Vec::new();
    for from in [AGENT, CUSTOMER] {
        let call = Caller::new(from).call(&bridge, "?room=shared").await;
        witness.wait_for("connection_started", &call.caller.call_sid).await;
        calls.push(call);
    }
    calls[0].hang_up(&bridge).await;
    let stopped = witness.wait_for("connection_stopped", &calls[0].caller.call_sid).await;
    let all = witness.updates();
    assert_eq!(all.iter().map(id).collect::<Vec<_>>(), [empty + 1, empty + 2, empty + 3]);

    // It saw nothing, one, or all of the three.
    for seen in 0..=3 {
        let back = Dashboard::rejoin(&bridge, empty + seen).await;
        let answer = back.answer().await;
        assert_eq!(answer, serde_json::json!({ "type": "updates_resumed", "id": empty + 3 }), "{seen}");
        let missed = usize::try_from(3 - seen).expect("small");
        wait_until("what it missed", || back.updates().len() >= missed).await;
        let heard: Vec<_> = back.updates().into_iter().map(|update| update.value).collect();
        assert_eq!(heard, all[3 - missed..].iter().map(|update| update.value.clone()).collect::<Vec<_>>());
        back.vanish().await;
    }

    // More happens than is kept; then a number that this process never gave.
    calls[1].hang_up(&bridge).await;
    witness.wait_for("connection_stopped", &calls[1].caller.call_sid).await;
    let mut last = Caller::new(STRANGER).call(&bridge, "?room=shared").await;
    let started = witness.wait_for("connection_started", &last.caller.call_sid).await;
    for (seen, reason) in [(empty, "gap"), (empty - 1, "restart"), (id(&started) + 1, "restart")] {
        let back = Dashboard::rejoin(&bridge, seen).await;
        let expected =
            serde_json::json!({ "type": "updates_snapshot", "id": id(&started), "reason": reason });
        assert_eq!(back.answer().await, expected);
        let exists = back.wait_for("connection_exists", &last.caller.call_sid).await;
        assert_eq!(id(&exists), id(&started));
        assert_eq!(back.updates().len(), 1, "one leg is up");
        back.vanish().await;
    }
    let just_in_time = Dashboard::rejoin(&bridge, id(&stopped) - 2).await;
    assert_eq!(just_in_time.answer().await["type"], "updates_resumed");
    let bad = get(bridge.address, "/symbl/updates?after=yesterday").await;
    assert_eq!(bad.status, 400);
    last.hang_up(&bridge).await;
    witness.wait_for("connection_stopped", &last.caller.call_sid).await;
    bridge.finish().await;
}

#[tokio::test]
async fn a_process_that_takes_anothers_place_counts_on_above_it() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Dashboard::join(&bridge).await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    let started = witness.wait_for("connection_started", &call.caller.call_sid).await;
    call.hang_up(&bridge).await;
    witness.wait_for("connection_stopped", &call.caller.call_sid).await;
    bridge.finish().await;

    let next = Bridge::start(&server.base_url()).await;
    let back = Dashboard::rejoin(&next, id(&started)).await;
    let answer = back.answer().await;
    assert_eq!((&answer["type"], &answer["reason"]), (&"updates_snapshot".into(), &"restart".into()));
    assert!(answer["id"].as_u64().expect("an id") > id(&started) + 1, "{answer}");
    next.finish().await;
}
