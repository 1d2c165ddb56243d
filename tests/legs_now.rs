//! `GET /symbl/legs`: what a page is told of live legs, against what the caller really sent.

mod support;

use std::net::SocketAddr;

use serde_json::{Value, json};
use support::bridge::{Bridge, Settings};
use support::caller::Caller;
use support::dashboard::Dashboard;
use support::http::{Request, get};
use support::symbl_server::{Handshake, SymblServer};
use support::wait::wait_until_asked;
use support::{AGENT, CUSTOMER};

async fn legs(address: SocketAddr, target: &str) -> Value {
    let answer = get(address, target).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{target}");
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

/// The peak of 100 ms of mu-law in dB of full scale, by G.711's formula.
fn level(audio: &[u8]) -> i64 {
    let magnitude = |byte: u8| {
        let bits = i32::from(!byte);
        (((bits & 0x0F) * 8 + 132) << ((bits >> 4) & 7)) - 132
    };
    let peak = audio.iter().map(|byte| magnitude(*byte)).max().unwrap_or(0);
    (20.0 * (f64::from(peak) / 32_124.0).log10()).max(-96.0).round() as i64
}

#[tokio::test]
async fn a_page_sees_levels_lag_and_state_of_each_leg_of_a_call() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut agent = Caller::new(AGENT).call(&bridge, "?room=shared").await;
    let mut customer = Caller::new(CUSTOMER).call(&bridge, "?room=shared").await;
    let mut elsewhere = Caller::new("+13105550177").call(&bridge, "?room=other").await;
    let connection_id = {
        let update = dashboard.wait_for("connection_started", &agent.caller.call_sid).await;
        update.text("connectionId").to_owned()
    };
    for call in [&customer, &elsewhere] {
        dashboard.wait_for("connection_started", &call.caller.call_sid).await;
    }
    // 12.06 s: more than a page is told of, and a tenth that is not whole.
    agent.speak(603).await;
    agent.ping(b"all").await;
    let target = format!("/symbl/legs/{connection_id}");
    wait_until_asked("all audio to arrive and be acknowledged", async || {
        let agent = &legs(bridge.address, &target).await["legs"][0];
        agent["streamedMs"] == 12_060 && agent["lagMs"] == 0
    })
    .await;
    let now = legs(bridge.address, &target).await;
    assert_eq!(now["connectionId"], connection_id.as_str());
    let seen = now["legs"].as_array().expect("legs");
    assert_eq!(seen.len(), 2, "the call's own, oldest first: {now}");
    let expected: Vec<i64> = agent.sent.chunks_exact(800).skip(20).map(level).collect();
    assert_eq!(seen[0]["levels"], json!(expected));
    assert_eq!((&seen[0]["levelsEndMs"], &seen[0]["state"]), (&json!(12_000), &json!("live")));
    assert_eq!((&seen[0]["role"], &seen[1]["role"]), (&json!("agent"), &json!("customer")));
    assert_eq!(seen[0]["speaker"]["userId"], AGENT);
    assert_eq!(seen[0]["callSid"], agent.caller.call_sid.as_str());
    assert_eq!((&seen[1]["streamedMs"], &seen[1]["levels"]), (&json!(0), &json!([])));

    let all = legs(bridge.address, "/symbl/legs").await;
    let all = all["legs"].as_array().expect("legs");
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|leg| leg.get("levels").is_none() && leg["state"] == "live"), "{all:?}");

    for call in [&mut agent, &mut customer, &mut elsewhere] {
        call.hang_up(&bridge).await;
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    assert_eq!(get(bridge.address, &target).await.status, 404);
    assert_eq!(legs(bridge.address, "/symbl/legs").await["legs"], json!([]));
    bridge.finish().await;
}

#[tokio::test]
async fn a_page_sees_a_leg_wait_for_its_server_and_how_much_waits() {
    let server = SymblServer::start().await;
    server.script(|script| script.handshake = Handshake::Refuse(503));
    let bridge = Bridge::start(&server.base_url()).await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(100).await;
    wait_until_asked("the leg to wait", async || {
        let leg = &legs(bridge.address, "/symbl/legs").await["legs"][0];
        leg["lagMs"] == 2_000 && leg["state"] == "waiting"
    })
    .await;
    server.script(|script| script.handshake = Handshake::Accept { after: std::time::Duration::ZERO });
    wait_until_asked("the leg to be heard", async || {
        let leg = &legs(bridge.address, "/symbl/legs").await["legs"][0];
        leg["lagMs"] == 0 && leg["state"] == "live"
    })
    .await;
    call.hang_up(&bridge).await;
    bridge.finish().await;
}

#[tokio::test]
async fn strangers_see_no_leg() {
    let settings = Settings::with_upstream("http://127.0.0.1:9").public("bridge.example.com");
    let bridge = settings.set("BRIDGE__UPDATES__TOKEN", "a-token-of-our-own").start().await;
    for target in ["/symbl/legs", "/symbl/legs/some-connection"] {
        assert_eq!(get(bridge.address, target).await.status, 401, "{target}");
    }
    let bearer = Request::new("GET", "/symbl/legs").header("Authorization", "Bearer a-token-of-our-own");
    assert_eq!(bearer.send(bridge.address).await.status, 200);
    bridge.finish().await;
}
