//! Media sockets before their `start`: how many may wait, and which tokens let nobody in.

// A test that cannot go on has nothing better to do than to panic with a reason.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use support::bridge::{Bridge, Settings};
use support::caller::{Call, Caller};
use support::socket::{Closing, Socket};
use support::symbl_server::SymblServer;
use support::wait::wait_until;
use support::{AGENT, CUSTOMER, STRANGER};

async fn open_as(bridge: &Bridge, client: &str) -> Result<Socket, u16> {
    Socket::open(bridge.address, "/twilio/media", &[("X-Forwarded-For", client)]).await
}

/// Says `start` on a socket of its own with this token, or none; gives the reason in the log.
async fn refused_with(bridge: &Bridge, caller: &Caller, token: Option<&str>) -> String {
    let mut call = Call::connect(bridge, caller.clone(), caller.twiml(bridge, "").await).await;
    let mut start = call.start_message();
    match token {
        Some(token) => start["start"]["customParameters"]["token"] = json!(token),
        None => drop(start["start"]["customParameters"].as_object_mut().unwrap().remove("token")),
    }
    let before = bridge.events("media_socket_refused").len();
    call.start_with(start).await;
    assert_eq!(call.closed().await, Closing::Code(1008));
    wait_until("a log line", || bridge.events("media_socket_refused").len() > before).await;
    let line = bridge.events("media_socket_refused").pop().expect("just counted");
    assert_eq!(line["code"], 1008);
    if let Some(token) = token {
        assert!(!line.to_string().contains(token), "a token in the log: {line}");
    }
    line["reason"].as_str().expect("a reason").to_owned()
}

#[tokio::test]
async fn missing_foreign_and_forged_stream_tokens_let_nobody_in() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let foreign = Caller::new(STRANGER).twiml(&bridge, "").await.parameter("token").to_owned();
    let caller = Caller::new(CUSTOMER);
    assert_eq!(refused_with(&bridge, &caller, None).await, "no stream token");
    for token in [foreign.as_str(), "v1.1.99999999999.AAAA", "nonsense"] {
        let reason = refused_with(&bridge, &caller, Some(token)).await;
        assert_eq!(reason, "stream token is not valid for this call", "{token}");
    }
    // None of this spoilt the right one.
    let mut call = caller.call(&bridge, "").await;
    call.speak(3).await;
    server.leg_that_hears(&call.caller.first_bytes()).await.hears_exactly(&call.sent, "the call").await;
    call.hang_up(&bridge).await;
    bridge.finish().await;
}

#[tokio::test]
async fn an_expired_stream_token_lets_nobody_in() {
    let server = SymblServer::start().await;
    let settings =
        Settings::with_upstream(&server.base_url()).set("BRIDGE__MEDIA__TOKEN_LIFETIME_MS", "1000");
    let bridge = settings.start().await;
    let caller = Caller::new(CUSTOMER);
    let twiml = caller.twiml(&bridge, "").await;
    let expiry: u64 = twiml.parameter("token").split('.').nth(2).unwrap().parse().unwrap();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(expiry <= now() + 1, "the setting decides");
    wait_until("the token's end", || now() > expiry).await;
    let reason = refused_with(&bridge, &caller, Some(twiml.parameter("token"))).await;
    assert_eq!(reason, "stream token has expired");
    bridge.finish().await;
}

#[tokio::test]
async fn a_replayed_stream_token_lets_nobody_in_and_its_leg_goes_on() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let mut call = Caller::new(CUSTOMER).call(&bridge, "").await;
    call.speak(3).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    for _ in 0..3 {
        let mut thief = Call::connect(&bridge, call.caller.clone(), call.twiml.clone()).await;
        // A thief has a stream of his own; the sid is not what gives him away.
        thief.caller.stream_sid = Caller::new(STRANGER).stream_sid;
        thief.start().await;
        assert_eq!(thief.closed().await, Closing::Code(1008));
    }
    wait_until("three log lines", || bridge.events("media_socket_refused").len() == 3).await;
    call.speak(3).await;
    leg.hears_exactly(&call.sent, "the first socket").await;
    call.hang_up(&bridge).await;
    bridge.finish().await;
}

#[tokio::test]
async fn sockets_of_one_address_that_say_nothing_leave_room_for_calls() {
    let server = SymblServer::start().await;
    let bridge = Settings::with_upstream(&server.base_url())
        .set("BRIDGE__HTTP__TRUSTED_PROXIES", "127.0.0.1")
        .set("BRIDGE__MEDIA__MAX_UNPROVEN", "6")
        .set("BRIDGE__MEDIA__MAX_UNPROVEN_PER_ADDRESS", "4")
        .set("BRIDGE__MEDIA__START_TIMEOUT_MS", "60000")
        .start()
        .await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(open_as(&bridge, "192.0.2.1").await.expect("a place"));
    }
    for _ in 0..3 {
        assert_eq!(open_as(&bridge, "192.0.2.1").await.err(), Some(503));
    }
    let line = bridge.wait_for_event("media_socket_refused", |line| line["code"] == 503).await;
    assert!(line["reason"].as_str().is_some_and(|reason| reason.contains("from one address")), "{line}");
    assert_eq!(bridge.events("media_socket_refused").len(), 1, "one line for all");
    // Calls come and stay: who has said `start` needs no place any more.
    let mut calls = Vec::new();
    for _ in 0..4 {
        let mut call = Caller::new(AGENT).call(&bridge, "").await;
        call.speak(3).await;
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, "a call during the flood").await;
        calls.push(call);
    }
    // Many addresses together reach the cap in all.
    silent.push(open_as(&bridge, "192.0.2.2").await.expect("a place"));
    silent.push(open_as(&bridge, "192.0.2.3").await.expect("the last place"));
    assert_eq!(open_as(&bridge, "192.0.2.4").await.err(), Some(503));
    // A place is free again when its socket ends.
    silent.pop().expect("a socket").reset().await;
    let again = async {
        while open_as(&bridge, "192.0.2.5").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    support::wait::within("a free place", again).await;
    for mut call in calls {
        call.hang_up(&bridge).await;
    }
    drop(silent);
    bridge.finish().await;
}
