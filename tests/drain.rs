//! The end of the process: who may go on, who may not come, and what an operator sees meanwhile.

mod support;

use serde_json::Value;
use support::bridge::Settings;
use support::caller::Caller;
use support::dashboard::{Dashboard, started_and_stopped};
use support::http::get;
use support::socket::Closing;
use support::symbl_server::SymblServer;
use support::twiml::verbs;
use support::{AGENT, CUSTOMER};

/// Longer than any of these tests.
const AN_HOUR_MS: &str = "3600000";

#[tokio::test]
async fn during_a_drain_readiness_is_off_and_new_callers_join_unheard() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__DRAIN__DEADLINE_MS", AN_HOUR_MS);
    let bridge = settings.start().await;
    assert_eq!(get(bridge.address, "/readyz").await.status, 200);
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = Caller::new(AGENT).call(&bridge, "?room=talk").await;
    call.speak(5).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    bridge.process().signal("TERM");
    let draining = bridge.wait_for_event("server_draining", |_| true).await;
    assert_eq!(
        (&draining["legs"], &draining["calls"], &draining["sockets"]),
        (&1.into(), &1.into(), &1.into())
    );

    let readiness = get(bridge.address, "/readyz").await;
    assert_eq!(readiness.status, 503);
    let body: Value = serde_json::from_str(&readiness.body).expect("JSON");
    assert_eq!(body["reasons"][0], "the server is shutting down", "{body}");
    assert_eq!(get(bridge.address, "/healthz").await.status, 200, "it is alive");
    let late = Caller::new(CUSTOMER);
    assert_eq!(verbs(&late.ask(&bridge, "?room=talk").await), ["Dial"], "a conference and no stream");
    let line =
        bridge.wait_for_event("call_not_streamed", |line| line["call_sid"] == late.call_sid.as_str()).await;
    assert_eq!(line["reason"], "the server is shutting down");

    // Every few seconds an operator hears who is being waited for.
    let waiting = bridge.wait_for_event("drain_waiting", |_| true).await;
    assert_eq!(waiting["legs"], 1);
    assert_eq!(waiting["which"], format!("{} in talk", call.caller.call_sid));
    assert!(waiting["left_ms"].as_u64().is_some_and(|left| left > 3_500_000), "{waiting}");

    // The live call is heard to its end, which is its own.
    call.speak(5).await;
    leg.hears_exactly(&call.sent, "the live call").await;
    call.stop().await;
    call.socket.send_close(Some(1000)).await;
    assert_eq!(call.closed().await, Closing::Code(1000));
    let (updates, closing) = dashboard.closed().await;
    assert_eq!(closing, Closing::Code(1001));
    assert_eq!(started_and_stopped(&updates, &call.caller.call_sid).1.text("reason"), "hangup");
    let finished = bridge.finish_signalled().await;
    assert!(finished.stdout.contains("live calls may go on for 3600 s"), "{}", finished.stdout);
    let stopped = finished.stderr.lines().last().expect("a last line");
    assert!(stopped.contains("server_stopped") && stopped.contains(r#""legs_cut":0"#), "{stopped}");
}

/// An operator who may not let anybody talk unheard means the drain, too.
#[tokio::test]
async fn during_a_drain_a_bridge_that_refuses_callers_refuses_them() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url())
        .set("BRIDGE__DRAIN__DEADLINE_MS", AN_HOUR_MS)
        .set("BRIDGE__LIMITS__WHEN_FULL", "refuse");
    let bridge = settings.start().await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(1).await;
    server.leg_that_hears(&call.caller.first_bytes()).await;
    bridge.process().signal("TERM");
    bridge.wait_for_event("server_draining", |_| true).await;
    assert_eq!(verbs(&Caller::new(CUSTOMER).ask(&bridge, "").await), ["Reject"]);
    bridge.process().signal("TERM");
    bridge.finish_signalled().await;
}
