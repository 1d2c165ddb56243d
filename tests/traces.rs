//! W3C trace context at the wire: what a proxy before us says about a call is in its log lines and goes on to the server.
#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

mod support;

use serde_json::Value;
use support::AGENT;
use support::bridge::{Bridge, Settings};
use support::caller::{Call, Caller, FRAME_BYTES};
use support::dashboard::Dashboard;
use support::http::{FORM, Request, form};
use support::socket::Socket;
use support::symbl_server::{Head, SymblServer};
use support::twiml::Twiml;
use support::wait::wait_until;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "00f067aa0ba902b7";

fn traceparent(trace: &str) -> String {
    format!("00-{trace}-{SPAN}-01")
}

/// Asks the voice webhook, with these `traceparent` headers.
async fn ask(bridge: &Bridge, caller: &Caller, headers: &[&str]) -> Twiml {
    let mut request = Request::new("POST", "/twilio/twiml").body(FORM, form(&caller.form("ringing")));
    for value in headers {
        request = request.header("traceparent", value);
    }
    Twiml::of(&request.send(bridge.address).await)
}

/// Opens the media socket with a `traceparent` and streams.
async fn stream(bridge: &Bridge, caller: Caller, twiml: Twiml, header: Option<&str>) -> Call {
    let mut call = Call::connect(bridge, caller, twiml).await;
    if let Some(header) = header {
        let opened = Socket::open(bridge.address, "/twilio/media", &[("traceparent", header)]).await;
        call.socket = opened.unwrap();
    }
    call.start().await;
    call.speak(5).await;
    call
}

/// Returns trace, span and flags of a handshake's `traceparent`.
fn sent(head: &Head) -> Option<(String, String, String)> {
    let fields: Vec<&str> = head.header("traceparent")?.split('-').collect();
    let [version, trace, span, flags] = fields[..] else { panic!("{fields:?}") };
    assert_eq!(version, "00");
    Some((trace.to_owned(), span.to_owned(), flags.to_owned()))
}

/// Returns the log lines about a call.
fn lines_of(bridge: &Bridge, call_sid: &str) -> Vec<Value> {
    let log = bridge.process().log();
    log.into_iter().filter(|line| line["call_sid"] == call_sid).collect()
}

#[tokio::test]
async fn a_calls_trace_is_in_all_its_lines_and_goes_on_to_the_server_with_a_span_for_each_attempt() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let caller = Caller::new(AGENT);
    let twiml = ask(&bridge, &caller, &[&traceparent(TRACE)]).await;
    // What the webhook said goes before what the handshake says.
    let other = traceparent(OTHER_TRACE);
    let mut call = stream(&bridge, caller, twiml, Some(&other)).await;
    let leg = server.leg_that_hears(&call.sent[..FRAME_BYTES]).await;
    dashboard.wait_for("connection_started", &call.caller.call_sid).await;
    leg.reset();
    dashboard.wait_for("connection_resumed", &call.caller.call_sid).await;
    call.hang_up(&bridge).await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    bridge.wait_for_event("call_status", |_| true).await;

    let handshakes: Vec<_> = server.handshakes().iter().map(|head| sent(head).unwrap()).collect();
    assert_eq!(handshakes.len(), 2);
    for (trace, span, flags) in &handshakes {
        assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "01"));
        assert!(span != SPAN && span.len() == 16 && span != "0000000000000000", "{span}");
    }
    assert_ne!(handshakes[0].1, handshakes[1].1, "each attempt is a span of its own");
    let lines = lines_of(&bridge, &call.caller.call_sid);
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    for event in
        ["call_announced", "leg_started", "leg_connected", "leg_interrupted", "leg_resumed", "leg_ended"]
    {
        assert!(events.contains(&event), "no line {event} in {events:?}");
    }
    for line in &lines {
        assert_eq!(line["trace_id"], TRACE, "{line}");
    }
    bridge.finish().await;
}

#[tokio::test]
async fn the_media_handshakes_trace_counts_when_the_webhook_named_none() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let caller = Caller::new(AGENT);
    let twiml = ask(&bridge, &caller, &[]).await;
    let mut call = stream(&bridge, caller, twiml, Some(&traceparent(OTHER_TRACE))).await;
    server.leg_that_hears(&call.sent[..FRAME_BYTES]).await;
    call.hang_up(&bridge).await;
    let ended = bridge.wait_for_event("leg_ended", |_| true).await;
    assert_eq!(ended["trace_id"], OTHER_TRACE);
    assert_eq!(sent(&server.handshakes()[0]).unwrap().0, OTHER_TRACE);
    let announced = &bridge.events("call_announced")[0];
    assert_eq!(announced.get("trace_id"), None, "nobody had named it yet: {announced}");
    bridge.finish().await;
}

#[tokio::test]
async fn what_is_no_trace_context_counts_as_none() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let (good, upper) = (traceparent(TRACE), traceparent(&TRACE.to_uppercase()));
    let zero = traceparent(&"0".repeat(32));
    let cases: [&[&str]; 6] =
        [&[], &[&good, &good], &[&upper], &[&zero], &["00-1-2-3"], &[r#"00"},"level":"error"#]];
    for headers in cases {
        let caller = Caller::new(AGENT);
        let twiml = ask(&bridge, &caller, headers).await;
        let mut call = stream(&bridge, caller, twiml, None).await;
        server.leg_that_hears(&call.sent[..FRAME_BYTES]).await;
        call.hang_up(&bridge).await;
        let call_sid = call.caller.call_sid.clone();
        bridge.wait_for_event("leg_ended", |line| line["call_sid"] == call_sid.as_str()).await;
        for line in lines_of(&bridge, &call_sid) {
            assert_eq!(line.get("trace_id"), None, "{headers:?}: {line}");
        }
    }
    assert_eq!(server.handshakes().len(), cases.len());
    assert!(server.handshakes().iter().all(|head| sent(head).is_none()), "nothing is made up");
    bridge.finish().await;
}

#[tokio::test]
async fn the_engines_lines_about_a_leg_join_the_bridges() {
    let settings = Settings::with_upstream("")
        .set("BRIDGE__MODEL__NAME", "no-model")
        .set("RUST_LOG", "info,symbl_bridge::engine=debug");
    let bridge = settings.start().await;
    let caller = Caller::new(AGENT);
    let twiml = ask(&bridge, &caller, &[&traceparent(TRACE)]).await;
    let mut call = stream(&bridge, caller, twiml, None).await;
    let is_of_the_leg = |line: &Value| line["message"] == "leg opened" && line["trace_id"] == TRACE;
    bridge.wait_for_event("log", is_of_the_leg).await;
    bridge.wait_for_event("leg_connected", |line| line["trace_id"] == TRACE).await;
    call.hang_up(&bridge).await;
    wait_until("the leg's end", || !bridge.events("leg_ended").is_empty()).await;
    bridge.finish().await;
}
