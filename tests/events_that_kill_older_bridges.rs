//! Events that kill or silence older bridges: here each costs at most the call that it is about.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::bridge::{Bridge, Settings};
use support::caller::{CONNECTED, Call, Caller, open_media};
use support::dashboard::{self, Dashboard, started_and_stopped};
use support::http::{FORM, Request};
use support::raw_socket::{self, RawSocket};
use support::socket::Closing;
use support::symbl_server::{Acks, Ended, Handshake, Script, SymblServer, TokenAnswer};
use support::wait::wait_until;
use support::witness::Witness;
use support::{AGENT, CUSTOMER, STRANGER};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// Every status that Twilio knows (reference 3.1).
const STATUSES: [&str; 9] =
    ["queued", "initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "failed", "canceled"];

#[tokio::test]
async fn completed_with_no_dashboard_ends_that_leg_alone() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let mut ending = Caller::new(AGENT).call(&bridge, "").await;
    let mut going_on = Caller::new(CUSTOMER).call(&bridge, "").await;
    ending.speak(10).await;
    going_on.speak(10).await;
    let ended_leg = server.leg_that_hears(&ending.caller.first_bytes()).await;
    ended_leg.hears_exactly(&ending.sent, "the agent").await;
    assert_eq!(ending.caller.report(&bridge, "completed").await.status, 204);
    assert_eq!(ended_leg.end().await, Ended::CloseFrame(Some(1000)));
    assert_eq!(ended_leg.texts_of("stop_request").len(), 1);
    assert_eq!(ending.closed().await, Closing::Code(1000));

    going_on.speak(10).await;
    going_on.hang_up(&bridge).await;
    let leg = server.leg_that_hears(&going_on.caller.first_bytes()).await;
    assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
    leg.hears_exactly(&going_on.sent, "the customer").await;
    bridge.finish().await;
}

#[tokio::test]
async fn a_dashboard_that_is_gone_before_the_end_harms_nobody() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    for leave in ["reset", "without a close frame", "with a close frame"] {
        let started = ("connection_started", call.caller.call_sid.as_str());
        witness.dashboard().wait_for(started.0, started.1).await;
        let started = &call.caller.call_sid;
        witness.dashboard().wait_for("connection_started", started).await;
        let mut dashboard = Dashboard::join(&bridge).await;
        dashboard.wait_for("connection_exists", &call.caller.call_sid).await;
        match leave {
            "reset" => dashboard.vanish().await,
            "with a close frame" => dashboard.socket().send_close(None).await,
            _ => dashboard.socket().hang_up_without_close_frame(),
        }
    }
    wait_until("the bridge to notice", || bridge.events("dashboard_left").len() == 3).await;
    call.hang_up(&bridge).await;
    witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    witness.ends_whole(bridge).await;
}

/// Reference 1.3: every form of `From`, known or not.
#[tokio::test]
async fn callers_of_every_kind_are_legs_like_any_other() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    for (from, name) in [
        (AGENT, "Agent"),
        (STRANGER, "Customer"),
        ("anonymous", "Unknown Caller"),
        ("Restricted", "Unknown Caller"),
        ("+266696687", "Unknown Caller"),
        ("+1266696687", "Unknown Caller"),
        ("", "Unknown Caller"),
        ("sip:alice@pbx.example.com;transport=tls", "Customer"),
        ("client:alice", "Customer"),
        ("0049 89 <&\"'>", "Customer"),
    ] {
        let mut call = Caller::new(from).call(&bridge, "?room=kinds").await;
        call.speak(3).await;
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, from).await;
        let started = witness.dashboard().wait_for("connection_started", &call.caller.call_sid).await;
        assert_eq!(started.value["speaker"]["name"], name, "the name of {from:?}");
        assert_eq!(Some(&started.value["speaker"]), leg.speaker().as_ref(), "the speaker at the server");
        call.hang_up(&bridge).await;
        witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn a_call_status_in_any_order_and_number_ends_a_leg_once() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    for statuses in [
        &["completed", "completed"][..],
        &["completed", "in-progress", "ringing", "completed"],
        &["ringing", "in-progress", "initiated", "queued", "completed"],
        &["failed", "completed"],
        &["busy"],
        &["no-answer"],
        &["canceled"],
        &["in-progress", "<what>", "", "completed"],
    ] {
        let mut call = Caller::new(AGENT).call(&bridge, "").await;
        call.speak(2).await;
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        for status in statuses {
            assert_eq!(call.caller.report(&bridge, status).await.status, 204, "{status} of {statuses:?}");
        }
        assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)), "{statuses:?}");
        assert_eq!(call.closed().await, Closing::Code(1000), "{statuses:?}");
        let stopped = witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
        assert_eq!(stopped.text("reason"), "call_completed", "{statuses:?}");
        assert_eq!(call.caller.report(&bridge, "completed").await.status, 204, "once more, after the end");
    }
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn a_status_that_is_not_terminal_ends_nothing() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(2).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    for status in ["queued", "initiated", "ringing", "in-progress", "something-new", ""] {
        assert_eq!(call.caller.report(&bridge, status).await.status, 204, "{status:?}");
        call.speak(2).await;
        leg.hears_exactly(&call.sent, status).await;
    }
    call.hang_up(&bridge).await;
    witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn a_status_of_a_call_that_nobody_knows_is_answered_and_forgotten() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    for status in STATUSES {
        // The same number as the witness's: a bridge that finds calls by number would end the wrong one.
        for from in [CUSTOMER, STRANGER, "anonymous", ""] {
            let answer = Caller::new(from).report(&bridge, status).await;
            assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{status} of {from:?}");
        }
    }
    for body in
        ["CallStatus=completed", "CallSid=CA1&CallSid=CA2", "", "&&==&%zz=%ff&CallSid=%00", "From=%2B1"]
    {
        let answer = Request::new("POST", "/twilio/statuschange").body(FORM, body).send(bridge.address).await;
        // Without a call there is nothing to know: that is no request of Twilio's.
        assert!([204, 400].contains(&answer.status), "{body:?}: {}", answer.status);
    }
    let updates = witness.ends_whole(bridge).await;
    assert_eq!(updates.len(), 2, "nothing but the witness: {updates:#?}");
}

#[tokio::test]
async fn two_calls_from_one_number_are_two_legs() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    for from in [CUSTOMER, "anonymous"] {
        let mut first = Caller::new(from).call(&bridge, "").await;
        let mut second = Caller::new(from).call(&bridge, "").await;
        first.speak(5).await;
        second.speak(5).await;
        let first_leg = server.leg_that_hears(&first.caller.first_bytes()).await;
        let second_leg = server.leg_that_hears(&second.caller.first_bytes()).await;
        assert_eq!(first.caller.report(&bridge, "completed").await.status, 204);
        assert_eq!(first.closed().await, Closing::Code(1000));
        assert_eq!(first_leg.end().await, Ended::CloseFrame(Some(1000)));
        first_leg.hears_exactly(&first.sent, from).await;
        second.speak(5).await;
        second_leg.hears_exactly(&second.sent, from).await;
        second.hang_up(&bridge).await;
        for call in [&first, &second] {
            witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
        }
    }
    witness.ends_whole(bridge).await;
}

/// Texts that are no message, or half of one (reference 4.4 and 7.3, rows 24 to 32).
fn not_messages() -> Vec<String> {
    let texts = [
        "not JSON",
        "",
        "{",
        "[]",
        "null",
        "7",
        "\"media\"",
        "{}",
        r#"{"event":null}"#,
        r#"{"event":{"media":1}}"#,
        r#"{"event":"something-new","payload":"x"}"#,
        r#"{"event":"media"}"#,
        r#"{"event":"media","media":null}"#,
        r#"{"event":"media","media":{}}"#,
        r#"{"event":"media","media":{"payload":null}}"#,
        r#"{"event":"media","media":{"payload":""}}"#,
        r#"{"event":"media","media":{"payload":7}}"#,
        r#"{"event":"media","media":{"payload":"?not base64?"}}"#,
        r#"{"event":"media","media":{"payload":"QQ=\u0000"}}"#,
        r#"{"event":"dtmf"}"#,
        r#"{"event":"dtmf","dtmf":{"track":"inbound_track","digit":"1"}}"#,
        r#"{"event":"mark","mark":{"name":"m1"}}"#,
        r#"{"event":"mark"}"#,
        CONNECTED,
    ];
    let deep = "[".repeat(20_000);
    texts.iter().map(ToString::to_string).chain([deep]).collect()
}

#[tokio::test]
async fn text_that_is_no_message_and_media_without_media_are_passed_over() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(1).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    for text in not_messages() {
        call.socket.send_text(text.clone()).await;
        call.speak(1).await;
        leg.hears_exactly(&call.sent, &format!("a caller after {:.60}", text)).await;
    }
    call.hang_up(&bridge).await;
    witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn text_that_is_not_json_before_start_is_passed_over() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let caller = Caller::new(AGENT);
    let twiml = caller.twiml(&bridge, "").await;
    let mut call = Call::connect(&bridge, caller, twiml).await;
    call.socket.send_text("not JSON").await;
    call.start().await;
    call.speak(3).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    leg.hears_exactly(&call.sent, "the caller").await;
    call.hang_up(&bridge).await;
    witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    witness.ends_whole(bridge).await;
}

/// A change to a right `start` message.
type Change = fn(&mut Value);

#[tokio::test]
async fn a_start_without_what_it_must_carry_is_refused_and_becomes_no_leg() {
    let changes: [(&str, Change); 8] = [
        ("no customParameters", |start| {
            drop(start["start"].as_object_mut().unwrap().remove("customParameters"))
        }),
        ("empty customParameters", |start| start["start"]["customParameters"] = json!({})),
        ("customParameters null", |start| start["start"]["customParameters"] = Value::Null),
        ("customParameters a text", |start| start["start"]["customParameters"] = json!("token")),
        ("token a number", |start| start["start"]["customParameters"]["token"] = json!(7)),
        ("no start object", |start| drop(start.as_object_mut().unwrap().remove("start"))),
        ("start null", |start| start["start"] = Value::Null),
        ("start a text", |start| start["start"] = json!("start")),
    ];
    let server = SymblServer::start().await;
    // A `start` that is no message at all may also just leave the socket without one.
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__MEDIA__START_TIMEOUT_MS", "1000");
    let bridge = settings.start().await;
    let witness = Witness::start(&bridge, &server).await;
    for (what, change) in changes {
        let caller = Caller::new(AGENT);
        let twiml = caller.twiml(&bridge, "").await;
        let mut call = Call::connect(&bridge, caller, twiml).await;
        let mut start = call.start_message();
        change(&mut start);
        let refused = bridge.events("media_socket_refused").len();
        call.start_with(start).await;
        assert_eq!(call.closed().await, Closing::Code(1008), "{what}");
        wait_until(&format!("a log line about {what}"), || {
            let lines = bridge.events("media_socket_refused");
            lines.len() == refused + 1
                && lines.iter().all(|line| line["reason"].as_str().is_some_and(|reason| !reason.is_empty()))
        })
        .await;
        assert_eq!(call.caller.report(&bridge, "completed").await.status, 204);
    }
    assert_eq!(server.handshakes().len(), 1, "only the witness reached the server");
    let updates = witness.ends_whole(bridge).await;
    assert_eq!(updates.len(), 2, "nothing but the witness: {updates:#?}");
}

#[tokio::test]
async fn starts_that_overlap_share_one_token_request_and_nothing_else() {
    let mut script = Script::default();
    script.tokens.push_back(TokenAnswer::Token { after: Duration::from_millis(300) });
    let server = SymblServer::start_with(script).await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    // All webhooks, then all sockets, then all starts, then all audio: nothing of one call waits for another.
    let mut calls = Vec::new();
    for number in 0..20 {
        let caller = Caller::new(&format!("+1310555{number:04}"));
        let twiml = caller.twiml(&bridge, &format!("?room=overlap-{}", number % 5)).await;
        calls.push(Call::connect(&bridge, caller, twiml).await);
    }
    for call in &mut calls {
        call.start().await;
    }
    for call in &mut calls {
        call.speak(20).await;
    }
    let mut connections = Vec::new();
    for call in &calls {
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, &call.caller.from).await;
        assert_eq!(leg.speaker().expect("a start_request")["userId"], call.caller.from);
        connections.push(leg.connection_id);
    }
    assert_eq!(server.token_requests().len(), 1);
    for (number, connection) in connections.iter().enumerate() {
        assert_eq!(connection, &connections[number % 5], "calls of one room share a connectionId");
    }
    connections.sort();
    connections.dedup();
    assert_eq!(connections.len(), 5, "rooms do not share a connectionId");
    for call in &mut calls {
        call.hang_up(&bridge).await;
    }
    for call in &calls {
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    dashboard::finish(bridge, dashboard).await;
}

/// A way in which the server fails one call.
type Outage = fn(&mut Script);

/// Failures that last. Where the token must be at fault, a 401 first makes the bridge ask for another one.
const LASTING: [(&str, Outage); 11] = [
    ("the token endpoint answers 401", |script| {
        script.handshakes.push_back(Handshake::Refuse(401));
        script.token = TokenAnswer::Refuse(401);
    }),
    ("the token endpoint answers 503", |script| {
        script.handshakes.push_back(Handshake::Refuse(401));
        script.token = TokenAnswer::Refuse(503);
    }),
    ("the token endpoint answers nonsense", |script| {
        script.handshakes.push_back(Handshake::Refuse(401));
        script.token = TokenAnswer::Nonsense;
    }),
    ("the token endpoint hangs up", |script| {
        script.handshakes.push_back(Handshake::Refuse(401));
        script.token = TokenAnswer::Hangup;
    }),
    ("handshakes are answered 401", |script| script.handshake = Handshake::Refuse(401)),
    ("handshakes are answered 403", |script| script.handshake = Handshake::Refuse(403)),
    ("handshakes are answered 503", |script| script.handshake = Handshake::Refuse(503)),
    ("handshakes are not answered", |script| script.handshake = Handshake::Silence),
    ("connections are closed at once", |script| script.handshake = Handshake::CloseAtOnce(1011)),
    ("connections are reset at once", |script| script.handshake = Handshake::ResetAtOnce),
    ("starts are not acknowledged", |script| script.acks = Acks::OnCue),
];

/// Short limits, so that a failure for good is seen in seconds.
fn impatient(server: &SymblServer) -> Settings {
    Settings::with_upstream(&server.base_url())
        .set("BRIDGE__SYMBL__CONNECT_TIMEOUT_MS", "500")
        .set("BRIDGE__SYMBL__GIVE_UP_AFTER_MS", "1500")
        .set("BRIDGE__SYMBL__STOP_TIMEOUT_MS", "500")
}

#[tokio::test]
async fn a_server_that_fails_for_good_costs_only_the_call_that_it_fails() {
    let server = SymblServer::start().await;
    let bridge = impatient(&server).start().await;
    let witness = Witness::start(&bridge, &server).await;
    for (what, outage) in LASTING {
        server.script(|script| *script = Script::default());
        server.script(outage);
        fails_with_1011(&bridge, &witness, what).await;
    }
    server.script(|script| *script = Script::default());
    server.stop_listening().await;
    fails_with_1011(&bridge, &witness, "the server is unreachable").await;
    witness.ends_whole(bridge).await;
}

/// A call during an outage: the webhook answers, the media socket ends with 1011, dashboards hear of both ends.
async fn fails_with_1011(bridge: &Bridge, witness: &Witness, what: &str) {
    let mut call = Caller::new(AGENT).call(bridge, "?room=outage").await;
    call.speak(10).await;
    assert_eq!(call.closed().await, Closing::Code(1011), "{what}");
    let stopped = witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    assert_eq!(stopped.text("reason"), "upstream_failed", "{what}");
    let updates = witness.dashboard().updates();
    let (started, _) = started_and_stopped(&updates, &call.caller.call_sid);
    assert_eq!(started.value.get("conversationId"), None, "{what}: {}", started.value);
    let line = bridge
        .wait_for_event("upstream_failed", |line| line["call_sid"] == call.caller.call_sid.as_str())
        .await;
    assert!(line["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{what}: {line}");
    assert_eq!(call.caller.report(bridge, "completed").await.status, 204, "{what}");
}

/// Failures that pass; the call during them loses nothing.
const PASSING: [(&str, Outage); 7] = [
    ("503 twice from the token endpoint", |script| {
        script.handshakes.push_back(Handshake::Refuse(401));
        script.tokens.extend([TokenAnswer::Refuse(503), TokenAnswer::Refuse(503)]);
    }),
    ("no answer from the token endpoint once", |script| {
        script.handshakes.push_back(Handshake::Refuse(401));
        script.tokens.push_back(TokenAnswer::Hangup);
    }),
    ("401 to a handshake once", |script| script.handshakes.push_back(Handshake::Refuse(401))),
    ("503 to handshakes twice", |script| {
        script.handshakes.extend([Handshake::Refuse(503), Handshake::Refuse(503)]);
    }),
    ("429 to a handshake once", |script| script.handshakes.push_back(Handshake::Refuse(429))),
    ("silence to a handshake once", |script| script.handshakes.push_back(Handshake::Silence)),
    ("a reset instead of an answer once", |script| script.handshakes.push_back(Handshake::ResetAtOnce)),
];

#[tokio::test]
async fn a_server_that_fails_for_a_while_costs_no_audio() {
    let server = SymblServer::start().await;
    let settings =
        Settings::with_upstream(&server.base_url()).set("BRIDGE__SYMBL__CONNECT_TIMEOUT_MS", "500");
    let bridge = settings.start().await;
    let witness = Witness::start(&bridge, &server).await;
    for (what, outage) in PASSING {
        server.script(|script| *script = Script::default());
        server.script(outage);
        let mut call = Caller::new(AGENT).call(&bridge, "?room=outage").await;
        call.speak(50).await;
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, what).await;
        assert_eq!(leg.audio_before_ack(), 0, "{what}");
        call.speak(10).await;
        call.hang_up(&bridge).await;
        assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)), "{what}");
        leg.hears_exactly(&call.sent, what).await;
        witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn a_first_token_request_that_fails_does_not_spoil_the_next_call() {
    let script = Script { token: TokenAnswer::Refuse(401), ..Script::default() };
    let server = SymblServer::start_with(script).await;
    let bridge = impatient(&server).start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut failing = Caller::new(AGENT).call(&bridge, "").await;
    failing.speak(5).await;
    assert_eq!(failing.closed().await, Closing::Code(1011));
    dashboard.wait_for("connection_stopped", &failing.caller.call_sid).await;
    server.script(|script| script.token = TokenAnswer::Token { after: Duration::ZERO });
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(5).await;
    server.leg_that_hears(&call.caller.first_bytes()).await.hears_exactly(&call.sent, "the next call").await;
    call.hang_up(&bridge).await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    dashboard::finish(bridge, dashboard).await;
}

/// How a media socket may end without `stop` (reference 4.2: treat every code alike).
#[tokio::test]
async fn a_media_socket_that_ends_without_stop_ends_its_leg_once() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    for how in ["close 1000", "close without a code", "close 1001", "end of stream", "reset"] {
        let mut call = Caller::new(AGENT).call(&bridge, "").await;
        call.speak(5).await;
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, how).await;
        let (call_sid, sent) = (call.caller.call_sid.clone(), call.sent.clone());
        match how {
            "close 1000" => call.socket.send_close(Some(1000)).await,
            "close without a code" => call.socket.send_close(None).await,
            "close 1001" => call.socket.send_close(Some(1001)).await,
            "end of stream" => call.socket.hang_up_without_close_frame(),
            _ => call.socket.reset().await,
        }
        let stopped = witness.dashboard().wait_for("connection_stopped", &call_sid).await;
        assert_eq!(stopped.text("reason"), "socket_closed", "{how}");
        assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)), "{how}");
        leg.hears_exactly(&sent, how).await;
        assert_eq!(leg.texts_of("stop_request").len(), 1, "{how}");
    }
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_frame_harms_nobody() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let refused = raw_socket::frame(CONNECTED.as_bytes(), OpCode::Data(Data::Text), true);
    for cut in [1, 2, 5, 6, refused.len() / 2, refused.len() - 1] {
        let mut socket = RawSocket::open(bridge.address, "/twilio/media").await;
        socket.write(&refused[..cut]).await;
        socket.reset();
    }
    let updates = witness.ends_whole(bridge).await;
    assert_eq!(updates.len(), 2, "nothing but the witness: {updates:#?}");
}

#[tokio::test]
async fn what_comes_after_stop_is_not_heard() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(5).await;
    let said_before = call.sent.clone();
    let late =
        [call.next_media().to_string(), call.start_message().to_string(), call.next_media().to_string()];
    call.stop().await;
    for text in late {
        call.socket.send(Message::text(text)).await;
    }
    call.stop().await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
    leg.hears_exactly(&said_before, "what was said before stop").await;
    assert_eq!(call.closed().await, Closing::Code(1000));
    let stopped = witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    assert_eq!(stopped.text("reason"), "hangup");
    witness.ends_whole(bridge).await;
}

/// The callback of a call may overtake its stream (reference 7.3, row 38).
#[tokio::test]
async fn completed_before_start_leaves_no_leg_behind() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let caller = Caller::new(AGENT);
    let twiml = caller.twiml(&bridge, "").await;
    assert_eq!(caller.report(&bridge, "completed").await.status, 204);
    let mut call = Call::connect(&bridge, caller, twiml).await;
    call.start().await;
    call.speak(2).await;
    call.stop().await;
    // Whether it was accepted or refused: the socket ends, and `ends_whole` finds no leg left behind.
    let closing = call.closed().await;
    assert!([Closing::Code(1000), Closing::Code(1008)].contains(&closing), "{closing:?}");
    wait_until("every leg but the witness to have stopped", || {
        let updates = witness.dashboard().updates();
        let count = |kind: &str| updates.iter().filter(|update| update.value["type"] == kind).count();
        count("connection_started") == count("connection_stopped") + 1
    })
    .await;
    witness.ends_whole(bridge).await;
}

/// Twenty calls that never open a stream, and sockets that never say anything, are no legs.
#[tokio::test]
async fn calls_that_never_stream_are_forgotten() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    for _ in 0..20 {
        let caller = Caller::new(STRANGER);
        caller.twiml(&bridge, "?room=witness").await;
        assert_eq!(caller.report(&bridge, "canceled").await.status, 204);
    }
    let socket = open_media(&bridge).await;
    socket.reset().await;
    let updates = witness.ends_whole(bridge).await;
    assert_eq!(updates.len(), 2, "nothing but the witness: {updates:#?}");
}
