//! A full house: who comes too late for a stream still joins the conference, or hears the busy tone, as configured.

mod support;

use support::bridge::Settings;
use support::caller::{Call, Caller};
use support::dashboard::{self, Dashboard};
use support::socket::Closing;
use support::symbl_server::{Handshake, Script, SymblServer};
use support::twiml::verbs;
use support::wait::wait_until;
use support::{AGENT, CUSTOMER, STRANGER};

#[tokio::test]
async fn a_caller_beyond_the_legs_joins_without_a_stream_until_one_is_free() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__LIMITS__MAX_LEGS", "2");
    let bridge = settings.start().await;
    let dashboard = Dashboard::join(&bridge).await;
    // A third is told to stream while there is room, and comes when there is none.
    let late = Caller::new(STRANGER);
    let late_twiml = late.twiml(&bridge, "").await;
    let mut calls = Vec::new();
    for from in [AGENT, CUSTOMER] {
        let mut call = Caller::new(from).call(&bridge, "").await;
        call.speak(5).await;
        dashboard.wait_for("connection_started", &call.caller.call_sid).await;
        calls.push(call);
    }
    let mut late = Call::connect(&bridge, late, late_twiml).await;
    late.start().await;
    assert_eq!(late.closed().await, Closing::Code(1013), "a leg beyond the limit");
    bridge.wait_for_event("media_socket_refused", |line| line["code"] == 1013).await;

    let unheard = Caller::new(STRANGER);
    assert_eq!(verbs(&unheard.ask(&bridge, "").await), ["Dial"], "a conference and no stream");
    let line = bridge
        .wait_for_event("call_not_streamed", |line| line["call_sid"] == unheard.call_sid.as_str())
        .await;
    assert_eq!(line["reason"], "limits.max_legs is reached");

    // A call that is heard already takes nobody's place when it streams anew.
    let again = calls[0].caller.clone().streaming_anew();
    let twiml = again.twiml(&bridge, "").await;
    let mut newer = Call::connect(&bridge, again, twiml).await;
    newer.start().await;
    assert_eq!(calls[0].closed().await, Closing::Code(1000), "the older stream of the call");
    newer.speak(5).await;

    // One hangs up, and there is room.
    let mut first = calls.pop().expect("two calls");
    first.hang_up(&bridge).await;
    wait_until("the hung up leg and the replaced one to end", || bridge.events("leg_ended").len() == 2).await;
    let mut next = Caller::new(STRANGER).call(&bridge, "").await;
    next.speak(5).await;
    dashboard.wait_for("connection_started", &next.caller.call_sid).await;
    for mut call in [newer, next] {
        call.hang_up(&bridge).await;
    }
    wait_until("four legs to end", || bridge.events("leg_ended").len() == 4).await;
    bridge.finish().await;
}

#[tokio::test]
async fn a_full_bridge_refuses_callers_if_it_is_told_to() {
    let server = SymblServer::start().await;
    for mode in ["conference", "receive_call"] {
        let settings = Settings::with_upstream(&server.base_url())
            .set("MODE", mode)
            .set("BRIDGE__LIMITS__MAX_LEGS", "1")
            .set("BRIDGE__LIMITS__WHEN_FULL", "refuse");
        let bridge = settings.start().await;
        let dashboard = Dashboard::join(&bridge).await;
        let mut call = Caller::new(AGENT).call(&bridge, "").await;
        call.speak(1).await;
        dashboard.wait_for("connection_started", &call.caller.call_sid).await;
        let answer = Caller::new(CUSTOMER).ask(&bridge, "").await;
        assert_eq!(verbs(&answer), ["Reject"], "{mode}");
        assert!(answer.body.contains(r#"reason="busy""#), "{}", answer.body);
        call.hang_up(&bridge).await;
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
        dashboard::finish(bridge, dashboard).await;
    }
}

/// Without capacity an engine refuses legs with 503, before their upgrade. That passes.
#[tokio::test]
async fn a_server_without_capacity_costs_a_leg_nothing_but_time() {
    let mut script = Script::default();
    script.handshakes.extend([Handshake::Refuse(503), Handshake::Refuse(429)]);
    let server = SymblServer::start_with(script).await;
    let bridge = Settings::with_upstream(&server.base_url()).start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(50).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    call.hang_up(&bridge).await;
    leg.end().await;
    leg.hears_exactly(&call.sent, "a leg that was refused twice").await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    assert_eq!(server.handshakes().len(), 3);
    dashboard::finish(bridge, dashboard).await;
}
