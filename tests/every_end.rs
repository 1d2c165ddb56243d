//! Every way in which a leg can end: each ends it once, says why, and leaves nothing behind.
//!
//! An actor's panic, which no peer can cause, is in `src/app/panic_tests.rs`; a peer that takes no bytes is in
//! `frozen_sockets.rs`.

#![allow(clippy::expect_used, reason = "what helps a test may fail it")]

mod support;

use support::bridge::{Bridge, Settings};
use support::caller::{ACCOUNT_SID, Call, Caller};
use support::dashboard::{Dashboard, started_and_stopped};
use support::socket::Closing;
use support::symbl_server::{Handshake, Leg, SymblServer};
use support::wait::wait_until;
use support::{AGENT, CUSTOMER};
use tokio_tungstenite::tungstenite::Message;

/// How a leg is made to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Stop,
    CloseFrame,
    EndOfStream,
    Reset,
    Silence,
    Status(&'static str),
    StreamStopped,
    NewerStream,
    UselessMessages,
    BrokenFrame,
    /// The server's codes for a token that has expired, for a broken protocol, for a fault that will not pass.
    ServerCloses(u16),
    ServerRefuses(u16),
}

/// Each with the reason that dashboards and the log hear.
const CAUSES: [(Cause, &str); 17] = [
    (Cause::Stop, "hangup"),
    (Cause::CloseFrame, "socket_closed"),
    (Cause::EndOfStream, "socket_closed"),
    (Cause::Reset, "socket_closed"),
    (Cause::Silence, "media_silence"),
    (Cause::Status("completed"), "call_completed"),
    (Cause::Status("busy"), "call_completed"),
    (Cause::Status("no-answer"), "call_completed"),
    (Cause::Status("failed"), "call_completed"),
    (Cause::Status("canceled"), "call_completed"),
    (Cause::StreamStopped, "stream_stopped"),
    (Cause::NewerStream, "replaced"),
    (Cause::UselessMessages, "media_fault"),
    (Cause::BrokenFrame, "media_fault"),
    (Cause::ServerCloses(1008), "upstream_failed"),
    (Cause::ServerCloses(1002), "upstream_failed"),
    (Cause::ServerRefuses(403), "upstream_failed"),
];

/// A call that the server hears, unless it refuses.
async fn heard(bridge: &Bridge, server: &SymblServer, cause: Cause) -> (Call, Option<Leg>) {
    if let Cause::ServerRefuses(status) = cause {
        server.script(|script| script.handshakes.push_back(Handshake::Refuse(status)));
    }
    let mut call = Caller::new(AGENT).call(bridge, "").await;
    call.speak(5).await;
    if matches!(cause, Cause::ServerRefuses(_)) {
        return (call, None);
    }
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    (call, Some(leg))
}

/// Makes the leg end; gives what has to be kept until it has ended.
async fn bring_about(cause: Cause, bridge: &Bridge, mut call: Call, leg: Option<&Leg>) -> Option<Call> {
    match cause {
        Cause::Stop => call.stop().await,
        Cause::CloseFrame => call.socket.send_close(None).await,
        Cause::EndOfStream => call.socket.hang_up_without_close_frame(),
        Cause::Reset => {
            call.socket.reset().await;
            return None;
        }
        Cause::Silence | Cause::ServerRefuses(_) => {}
        Cause::Status(status) => assert_eq!(call.caller.report(bridge, status).await.status, 204),
        Cause::StreamStopped => {
            let pairs = [
                ("AccountSid", ACCOUNT_SID),
                ("CallSid", &call.caller.call_sid),
                ("StreamSid", &call.caller.stream_sid),
                ("StreamEvent", "stream-stopped"),
            ];
            let pairs = pairs.map(|(name, value)| (name.to_string(), value.to_string()));
            assert_eq!(bridge.post("/twilio/stream-events", &pairs).await.status, 204);
        }
        Cause::NewerStream => {
            let caller = call.caller.clone().streaming_anew();
            let twiml = caller.twiml(bridge, "").await;
            let mut newer = Call::connect(bridge, caller, twiml).await;
            newer.start().await;
            assert_eq!(call.closed().await, Closing::Code(1000));
            return Some(newer);
        }
        Cause::UselessMessages => {
            for _ in 0..60 {
                call.socket.send_text("{}").await;
            }
        }
        Cause::BrokenFrame => call.socket.send(Message::Binary(vec![0; 70_000].into())).await,
        Cause::ServerCloses(code) => leg.expect("a leg that is heard").close(code),
    }
    Some(call)
}

#[tokio::test]
async fn every_end_happens_once_says_why_and_leaves_nothing() {
    let server = SymblServer::start().await;
    let bridge = Settings::with_upstream(&server.base_url())
        .set("BRIDGE__MEDIA__SILENCE_TIMEOUT_MS", "1500")
        .set("BRIDGE__MEDIA__TOKEN_LIFETIME_MS", "1000")
        .set("BRIDGE__DRAIN__DEADLINE_MS", "0")
        .set("RUST_LOG", "info,symbl_bridge::census=debug")
        .start()
        .await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut expected = Vec::new();
    for (cause, reason) in CAUSES {
        let (call, leg) = heard(&bridge, &server, cause).await;
        let call_sid = call.caller.call_sid.clone();
        let kept = bring_about(cause, &bridge, call, leg.as_ref()).await;
        let stopped = dashboard.wait_for("connection_stopped", &call_sid).await;
        assert_eq!(stopped.text("reason"), reason, "{cause:?}");
        if cause == Cause::NewerStream {
            let mut newer = kept.expect("the newer stream");
            newer.hang_up(&bridge).await;
            let ends = || {
                bridge.events("leg_ended").into_iter().filter(|line| line["call_sid"] == call_sid.as_str())
            };
            wait_until("both streams of the call to end", || ends().count() == 2).await;
        } else {
            expected.push((cause, call_sid, reason));
        }
    }
    let after_all = bridge.events("census").len();
    wait_until("nothing to be left", || {
        let censuses = bridge.events("census");
        censuses[after_all..]
            .iter()
            .any(|census| census["calls"] == 0 && census["legs"] == 0 && census["sockets"] == 0)
    })
    .await;

    // The last way: the end of the process.
    let mut call = Caller::new(CUSTOMER).call(&bridge, "").await;
    call.speak(5).await;
    dashboard.wait_for("connection_started", &call.caller.call_sid).await;
    bridge.process().signal("TERM");
    assert_eq!(call.closed().await, Closing::Code(1001));
    let (updates, _) = dashboard.closed().await;
    let (_, stopped) = started_and_stopped(&updates, &call.caller.call_sid);
    assert_eq!(stopped.text("reason"), "shutdown");
    for (cause, call_sid, reason) in &expected {
        let (_, stopped) = started_and_stopped(&updates, call_sid);
        assert_eq!(stopped.text("reason"), *reason, "{cause:?}");
    }
    let finished = bridge.finish_signalled().await;
    let lines = finished.stderr.lines().filter(|line| line.contains(r#""event":"leg_ended""#));
    assert_eq!(
        lines.count(),
        CAUSES.len() + 2,
        "a line for each leg, the newer stream's and the last call's too"
    );
}

/// Twilio's callback may overtake the stream itself, and the stream may then stay open: what was said is still heard.
#[tokio::test]
async fn a_leg_that_begins_after_its_calls_end_ends_by_itself() {
    let server = SymblServer::start().await;
    let bridge = Settings::with_upstream(&server.base_url()).start().await;
    let caller = Caller::new(AGENT);
    let twiml = caller.twiml(&bridge, "").await;
    assert_eq!(caller.report(&bridge, "completed").await.status, 204);
    let mut call = Call::connect(&bridge, caller, twiml).await;
    call.start().await;
    call.speak(5).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    assert_eq!(call.closed().await, Closing::Code(1000));
    leg.end().await;
    leg.hears_exactly(&call.sent, "a leg that came late").await;
    bridge.wait_for_event("leg_ended", |line| line["reason"] == "call_completed").await;
    bridge.finish().await;
}

/// A token that came too late lets nobody in, and what was known of its call goes with it.
#[tokio::test]
async fn a_stream_token_that_has_expired_becomes_no_leg() {
    let server = SymblServer::start().await;
    let bridge = Settings::with_upstream(&server.base_url())
        .set("BRIDGE__MEDIA__TOKEN_LIFETIME_MS", "1000")
        .set("RUST_LOG", "info,symbl_bridge::census=debug")
        .start()
        .await;
    let caller = Caller::new(AGENT);
    let twiml = caller.twiml(&bridge, "").await;
    assert_eq!(caller.report(&bridge, "completed").await.status, 204);
    // Expired and swept: the token outlives nothing that is known of its call.
    wait_until("the call to be forgotten", || {
        bridge.events("census").last().is_some_and(|census| census["calls"] == 0)
    })
    .await;
    let mut late = Call::connect(&bridge, caller, twiml).await;
    late.start().await;
    assert_eq!(late.closed().await, Closing::Code(1008));
    let line = bridge.wait_for_event("media_socket_refused", |_| true).await;
    assert_eq!(line["reason"], "stream token has expired");
    wait_until("no socket to be left", || {
        bridge.events("census").last().is_some_and(|census| census["sockets"] == 0 && census["calls"] == 0)
    })
    .await;
    assert!(bridge.events("leg_started").is_empty() && server.handshakes().is_empty());
    bridge.finish().await;
}
