//! A crash loses seconds, not calls: streams that died are started again through Twilio's REST API.
//!
//! The bridge is a process that is killed; Twilio's REST side, its callers and the Symbl-protocol server are the test's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "what helps a test may fail it"
)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::bridge::{AUTH_TOKEN, Bridge, Settings};
use support::caller::{ACCOUNT_SID, Call, Caller};
use support::dashboard::Dashboard;
use support::socket::Closing;
use support::symbl_server::{Leg, SymblServer};
use support::twilio_rest::{Failure, Heard, StartedStream, TwilioRest};
use support::twiml::Twiml;
use support::wait::{wait_for, wait_until};
use support::{AGENT, CUSTOMER, STRANGER, TWILIO_NUMBER};

const DOMAIN: &str = "bridge.example.com";
const WATCH_TOKEN: &str = "a-token-for-watchers";
/// Shorter than in life: nothing is on its way when these bridges start.
const SETTLE_MS: &str = "300";

fn settings(server: &SymblServer, rest: &TwilioRest, journal: &str) -> Settings {
    Settings::with_upstream(&server.base_url())
        .public(DOMAIN)
        .set("TWILIO_ACCOUNT_SID", ACCOUNT_SID)
        .set("BRIDGE__TWILIO__API_URL", &rest.base_url())
        .set("BRIDGE__UPDATES__TOKEN", WATCH_TOKEN)
        .set("BRIDGE__REATTACH__SETTLE_MS", SETTLE_MS)
        .set("BRIDGE__REATTACH__JOURNAL", journal)
}

async fn rest() -> TwilioRest {
    TwilioRest::start(ACCOUNT_SID, AUTH_TOKEN).await
}

/// Calls, and is heard.
async fn heard_call(bridge: &Bridge, server: &SymblServer, from: &str, query: &str) -> (Call, Leg) {
    let mut call = Caller::new(from).call(bridge, query).await;
    call.speak(10).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    (call, leg)
}

/// Waits until the bridge has asked for a stream of this call.
async fn asked_for(rest: &TwilioRest, call_sid: &str) -> StartedStream {
    wait_for("a stream that the bridge asked for", || {
        rest.streams().into_iter().rfind(|stream| stream.call_sid == call_sid && !stream.is_stopped)
    })
    .await
}

/// Does what Twilio does with such a request: opens the media socket, and says what the caller says.
async fn open(bridge: &Bridge, caller: &Caller, stream: &StartedStream) -> Call {
    let twiml = Twiml::of_rest(stream.parameters.clone());
    let mut call = Call::connect(bridge, caller.clone().streaming_anew(), twiml).await;
    call.start().await;
    call.speak(10).await;
    call
}

/// The connection of the stream that has just begun to speak; both streams of a caller begin with the same bytes.
async fn newest_leg(server: &SymblServer, call: &Call, old: usize) -> Leg {
    wait_for("the audio of the new stream", || {
        server.legs().into_iter().skip(old).find(|leg| leg.audio().starts_with(&call.caller.first_bytes()))
    })
    .await
}

fn requests<'a>(heard: &'a [Heard], method: &str, path: &str) -> Vec<&'a Heard> {
    heard.iter().filter(|heard| heard.method == method && heard.path.contains(path)).collect()
}

#[tokio::test]
async fn calls_of_a_killed_bridge_get_new_streams_in_their_conferences_and_lose_seconds() {
    let (server, rest, state) = (SymblServer::start().await, rest().await, tempfile::tempdir().unwrap());
    let journal = state.path().join("calls.journal");
    let settings = || settings(&server, &rest, journal.to_str().unwrap());
    let mut bridge = settings().start().await;
    assert_eq!(bridge.events("calls_looked_for").len(), 0, "not before the bridge listens");
    let port = bridge.address.port().to_string();
    let mut calls = Vec::new();
    for (from, query) in [(AGENT, "?room=talk"), (CUSTOMER, "?room=talk"), (STRANGER, "?room=other")] {
        let (call, leg) = heard_call(&bridge, &server, from, query).await;
        rest.add_live_call(&call.caller.call_sid, from, TWILIO_NUMBER);
        calls.push((call, leg));
    }
    // These two end while nobody listens: one is gone, of the other the list does not know yet.
    let (gone, _) = heard_call(&bridge, &server, STRANGER, "?room=other").await;
    let (ended, _) = heard_call(&bridge, &server, STRANGER, "?room=other").await;
    rest.add_live_call(&ended.caller.call_sid, STRANGER, TWILIO_NUMBER);
    // And this one has said good-bye before.
    let (mut before, _) = heard_call(&bridge, &server, STRANGER, "?room=other").await;
    before.hang_up(&bridge).await;
    bridge.wait_for_event("leg_ended", |line| line["call_sid"] == before.caller.call_sid.as_str()).await;
    wait_until("all notes to be written", || {
        let text = std::fs::read_to_string(&journal).unwrap();
        text.matches("\"began\"").count() == 6 && text.contains("\"over\"")
    })
    .await;

    bridge.process().signal("KILL");
    bridge.gone().await;
    let killed_at = Instant::now();
    let old_legs = server.legs().len();
    rest.end_call(&ended.caller.call_sid, true);
    let busy = &calls[0].0.caller.call_sid;
    rest.fail_of("POST", &format!("/Calls/{busy}/Streams.json"), Failure::new(429, 20429).retry_after(1));
    let bridge = settings().set("BRIDGE__HTTP__PORT", &port).start().await;
    let path = format!("/symbl/updates?token={WATCH_TOKEN}");
    let dashboard = Dashboard::join_at(bridge.address, &path).await;

    let mut lost = Vec::new();
    let mut again = Vec::new();
    for (call, leg) in &calls {
        let caller = &call.caller;
        let stream = asked_for(&rest, &caller.call_sid).await;
        assert_eq!(stream.url, format!("wss://{DOMAIN}/twilio/media"));
        assert_eq!(stream.status_callback, format!("https://{DOMAIN}/twilio/stream-events"));
        assert_eq!(stream.track, "inbound_track");
        assert_ne!(stream.name, call.twiml.stream["name"], "the old name may still be taken");
        let same = |name: &str| stream.parameters[name] == call.twiml.parameters[name];
        assert!(["from", "to", "room"].into_iter().all(same), "{:?}", stream.parameters);
        let mut new = open(&bridge, caller, &stream).await;
        lost.push((caller.call_sid.clone(), killed_at.elapsed().as_millis()));
        let new_leg = newest_leg(&server, &new, old_legs).await;
        new_leg.hears_exactly(&new.sent, "the new stream").await;
        assert_eq!(new_leg.connection_id, leg.connection_id, "the conference keeps its connection");
        let started = dashboard.wait_for("connection_started", &caller.call_sid).await;
        assert_eq!(started.text("connectionId"), leg.connection_id);
        assert_eq!(started.text("room"), call.twiml.parameters["room"]);
        // The token of the dead life's TwiML opens nothing any more, nor does the new one twice.
        for twiml in [call.twiml.clone(), Twiml::of_rest(stream.parameters.clone())] {
            let mut replay = Call::connect(&bridge, caller.clone(), twiml).await;
            replay.start().await;
            assert_eq!(replay.closed().await, Closing::Code(1008), "a token works once");
        }
        new.speak(1).await;
        again.push((new, new_leg));
    }
    let tells = |call: &Call| calls[0].0.caller.call_sid == call.caller.call_sid;
    assert!(again.iter().any(|(call, _)| tells(call)));
    assert_eq!(again[0].1.connection_id, again[1].1.connection_id);
    assert_ne!(again[0].1.connection_id, again[2].1.connection_id);

    // Exactly one stream each, and none for calls that are over.
    let heard = rest.heard();
    assert_eq!(rest.streams().len(), calls.len(), "{:?}", rest.streams());
    assert_eq!(requests(&heard, "GET", &gone.caller.call_sid).len(), 1, "looked for, and left alone");
    assert_eq!(requests(&heard, "POST", &ended.caller.call_sid).len(), 1, "Twilio said that it is over");
    assert_eq!(requests(&heard, "", &before.caller.call_sid).len(), 0, "it had said good-bye");
    let orders = requests(&heard, "POST", &format!("/Calls/{busy}/Streams.json"));
    assert_eq!(orders.len(), 2);
    assert!(orders[1].at - orders[0].at >= Duration::from_secs(1), "Retry-After is waited for");
    for (call_sid, lost_ms) in lost {
        let line =
            bridge.wait_for_event("leg_reattached", |line| line["call_sid"] == call_sid.as_str()).await;
        let gap_ms = line["gap_ms"].as_u64().unwrap();
        eprintln!("{call_sid}: {lost_ms} ms of audio lost from the kill on; the bridge says {gap_ms} ms");
        // The dead life's last sign of life is up to a second old.
        assert!(u128::from(gap_ms) < lost_ms + 2500 && gap_ms > 0, "{gap_ms} against {lost_ms}");
    }
    for (mut call, _) in again {
        call.hang_up(&bridge).await;
    }
    dashboard.vanish().await;
    bridge.finish().await;
    let shown = std::fs::read_to_string(&journal).unwrap();
    assert!(!shown.contains("5550100") && !shown.contains(STRANGER), "{shown}");
}

#[tokio::test]
async fn on_a_fresh_disk_twilio_tells_who_is_in_which_conference() {
    let (server, rest) = (SymblServer::start().await, rest().await);
    let (agent, customer, alone) = (Caller::new(AGENT), Caller::new(CUSTOMER), Caller::new(STRANGER));
    for (caller, from) in [(&agent, AGENT), (&customer, CUSTOMER), (&alone, STRANGER)] {
        rest.add_live_call(&caller.call_sid, from, TWILIO_NUMBER);
    }
    rest.add_conference("somebody else's /conference", &[]);
    rest.add_conference("talk", &[&agent.call_sid, &customer.call_sid]);
    // One call has as many streams as it may have, of the other nobody knows at first whether Twilio heard us.
    rest.add_stream(&agent.call_sid, &format!("leg-{}-1", agent.call_sid), 1);
    rest.fail_of("POST", &format!("/Calls/{}/Streams.json", customer.call_sid), Failure::new(503, 20500));
    rest.fail_of("GET", "/Calls.json", Failure::new(503, 20500));
    let bridge = settings(&server, &rest, "none").start().await;
    let mut connections = Vec::new();
    for caller in [&agent, &customer] {
        let stream = wait_for("a new stream", || {
            rest.streams().into_iter().find(|stream| {
                stream.call_sid == caller.call_sid && !stream.parameters.is_empty() && !stream.is_stopped
            })
        })
        .await;
        assert_eq!((&*stream.parameters["from"], &*stream.parameters["room"]), (&*caller.from, "talk"));
        let call = open(&bridge, caller, &stream).await;
        connections.push((newest_leg(&server, &call, 0).await.connection_id, call));
    }
    assert_eq!(connections[0].0, connections[1].0);
    assert!(rest.streams()[0].is_stopped, "the old stream made room");
    let heard = rest.heard();
    assert_eq!(requests(&heard, "POST", &customer.call_sid).len(), 2, "after another look");
    assert!(!requests(&heard, "GET", &format!("/Calls/{}.json", customer.call_sid)).is_empty());
    assert!(requests(&heard, "POST", &alone.call_sid).is_empty(), "it may still be hearing the announcement");
    for line in ["leg_reattached", "stream_requested"] {
        assert!(bridge.events(line).len() >= 2, "{line}");
    }
    bridge.finish().await;
}

#[tokio::test]
async fn a_stream_that_breaks_in_mid_call_is_started_again_and_one_that_ends_is_not() {
    let (server, rest) = (SymblServer::start().await, rest().await);
    let bridge = settings(&server, &rest, "none").start().await;
    bridge.wait_for_event("calls_looked_for", |_| true).await;
    let asked_before = rest.heard().len();
    let (call, leg) = heard_call(&bridge, &server, AGENT, "?room=talk").await;
    rest.add_live_call(&call.caller.call_sid, AGENT, TWILIO_NUMBER);
    let (mut over, _) = heard_call(&bridge, &server, CUSTOMER, "?room=other").await;
    over.hang_up(&bridge).await;
    report(&bridge, &over.caller, "stream-stopped", None).await;

    let caller = call.caller.clone();
    call.socket.reset().await;
    report(&bridge, &caller, "stream-error", Some("31921 the socket was closed")).await;
    let stream = asked_for(&rest, &caller.call_sid).await;
    let mut new = open(&bridge, &caller, &stream).await;
    let new_leg = newest_leg(&server, &new, 2).await;
    assert_eq!(new_leg.connection_id, leg.connection_id);
    new_leg.hears_exactly(&new.sent, "the new stream").await;

    // Twilio tells of the old stream late, and twice: the call has one again.
    for _ in 0..2 {
        report(&bridge, &caller, "stream-stopped", None).await;
    }
    let result = r#"symbl_bridge_reattach_results_total{result="reattached"} 1"#;
    let metrics = support::http::Request::new("GET", "/metrics").header("Authorization", &bearer());
    wait_until("the result to be counted", || bridge.events("leg_reattached").len() == 1).await;
    support::wait::wait_until_asked("the call to be settled", async || {
        metrics.clone().send(bridge.address).await.body.contains(result)
    })
    .await;
    new.hang_up(&bridge).await;
    let heard = rest.heard();
    let about = |caller: &Caller| requests(&heard[asked_before..], "", &caller.call_sid).len();
    assert_eq!(about(&over.caller), 0, "who hung up is not asked after");
    assert_eq!(rest.streams().len(), 1, "{:?}", rest.streams());
    bridge.finish().await;
}

#[tokio::test]
async fn refused_credentials_stop_it_with_one_alarm_and_without_credentials_nobody_asks() {
    let (server, rest, state) = (SymblServer::start().await, rest().await, tempfile::tempdir().unwrap());
    let journal = state.path().join("calls.journal");
    write_journal(&journal);
    let wrong = settings(&server, &rest, journal.to_str().unwrap())
        .set("TWILIO_AUTH_TOKEN", "ffffffffffffffffffffffffffffffff");
    let bridge = wrong.start().await;
    bridge.wait_for_event("reattach_stopped", |line| line["level"] == "error").await;
    let caller = Caller::new(AGENT);
    report(&bridge, &caller, "stream-error", Some("31902 connection refused")).await;
    let call = Caller::new(CUSTOMER).call(&bridge, "?room=talk").await;
    bridge.wait_for_event("leg_connected", |line| line["call_sid"] == call.caller.call_sid.as_str()).await;
    bridge.finish().await;
    assert_eq!(rest.heard().len(), 1, "{:?}", rest.heard());

    for key in ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"] {
        let off = settings(&server, &rest, journal.to_str().unwrap())
            .without(key)
            .set("BRIDGE__TWILIO__CHECK_SIGNATURES", "false");
        let bridge = off.start().await;
        report(&bridge, &caller, "stream-error", Some("31902 connection refused")).await;
        let call = Caller::new(CUSTOMER).call(&bridge, "?room=talk").await;
        bridge
            .wait_for_event("leg_connected", |line| line["call_sid"] == call.caller.call_sid.as_str())
            .await;
        assert!(bridge.events("calls_looked_for").is_empty());
        bridge.finish().await;
    }
    assert_eq!(rest.heard().len(), 1, "nobody asked");
}

/// Reports a stream's fate as Twilio does (reference 3.4).
async fn report(bridge: &Bridge, caller: &Caller, event: &str, error: Option<&str>) {
    let mut pairs = vec![
        ("AccountSid".to_string(), ACCOUNT_SID.to_string()),
        ("CallSid".into(), caller.call_sid.clone()),
        ("StreamSid".into(), caller.stream_sid.clone()),
        ("StreamName".into(), format!("leg-{}-1", caller.call_sid)),
        ("StreamEvent".into(), event.into()),
        ("Timestamp".into(), "2026-03-03T10:15:42.000000000Z".into()),
    ];
    pairs.extend(error.map(|error| ("StreamError".to_string(), error.to_string())));
    assert_eq!(bridge.post("/twilio/stream-events", &pairs).await.status, 204);
}

fn bearer() -> String {
    format!("Bearer {WATCH_TOKEN}")
}

/// What an earlier life may have left: a call that is looked for.
fn write_journal(path: &Path) {
    let at = jiff::Timestamp::now().as_millisecond();
    let note = serde_json::json!({
        "note": "began", "call": "CA1", "room": "talk", "connection": "C", "stream": 1, "at": at
    });
    std::fs::write(path, format!("{note}\n")).unwrap();
}

/// The product's own simulator has a REST side, too: what people try on their machine works as at Twilio.
#[tokio::test]
async fn a_simulated_call_goes_on_when_its_bridge_is_killed_and_started_again() {
    let (server, state) = (SymblServer::start().await, tempfile::tempdir().unwrap());
    let journal = state.path().join("calls.journal");
    let rest_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = || {
        Settings::with_upstream(&server.base_url())
            .public(DOMAIN)
            .set("TWILIO_ACCOUNT_SID", ACCOUNT_SID)
            .set("BRIDGE__TWILIO__API_URL", &format!("http://127.0.0.1:{rest_port}"))
            .set("BRIDGE__REATTACH__SETTLE_MS", SETTLE_MS)
            .set("BRIDGE__REATTACH__JOURNAL", journal.to_str().unwrap())
    };
    let mut bridge = settings().start().await;
    let (url, rest_port) = (format!("http://{}", bridge.address), rest_port.to_string());
    let public_url = format!("https://{DOMAIN}");
    let arguments = ["call", "--url", &url, "--public-url", &public_url, "--auth-token", AUTH_TOKEN];
    let more = ["--account-sid", ACCOUNT_SID, "--rest-port", &rest_port, "--duration", "60"];
    let caller = settings().command(&[&arguments[..], &more].concat()).spawn();
    let first = wait_for("the caller at the server", || {
        server.legs().into_iter().find(|leg| leg.audio().len() > 1600)
    })
    .await;
    let said = std::fs::read_to_string(&journal).unwrap();
    assert!(said.contains("\"began\""), "{said}");
    bridge.process().signal("KILL");
    bridge.gone().await;
    let port = bridge.address.port().to_string();
    let bridge = settings().set("BRIDGE__HTTP__PORT", &port).start().await;
    let line = bridge.wait_for_event("leg_reattached", |_| true).await;
    let second = wait_for("the caller's new stream at the server", || {
        server.legs().into_iter().skip(1).find(|leg| leg.audio().len() > 1600)
    })
    .await;
    assert_eq!(second.connection_id, first.connection_id);
    eprintln!("the simulated call was without a stream for {} ms", line["gap_ms"]);
    // Who hangs up is done with it.
    caller.signal("INT");
    bridge.wait_for_event("leg_ended", |line| line["reason"] == "hangup").await;
    let report = caller.finished().await;
    assert!(report.stdout.contains("0 of 1 calls went well"), "its first stream broke: {}", report.stdout);
    bridge.finish().await;
}
