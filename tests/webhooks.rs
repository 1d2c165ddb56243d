//! Twilio's webhooks: what each is answered, whatever it holds and whatever the server behind the bridge does.

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use support::bridge::{Bridge, Settings};
use support::caller::{ACCOUNT_SID, Call, Caller};
use support::dashboard::{self, Dashboard};
use support::http::{FORM, Request, get};
use support::symbl_server::{Ended, Handshake, Script, SymblServer, TokenAnswer};
use support::twiml::{self, Twiml};
use support::wait::wait_until;
use support::witness::Witness;
use support::{AGENT, CUSTOMER, STRANGER};

/// Every path that takes a form.
const FORM_PATHS: [&str; 5] = [
    "/twilio/twiml",
    "/twilio/statuschange",
    "/twilio/stream-events",
    "/twilio/conference",
    "/twilio/dial-done",
];

/// A server that is never reached.
const NOWHERE: &str = "http://127.0.0.1:9";

async fn bridge_alone() -> Bridge {
    Bridge::start(NOWHERE).await
}

#[tokio::test]
async fn a_caller_is_streamed_and_joined_in_a_conference() {
    let bridge = bridge_alone().await;
    let twiml = Caller::new(CUSTOMER).twiml(&bridge, "?room=room-7").await;
    assert_eq!(twiml.verb, "Start", "`Connect` would never reach the conference");
    assert_eq!(twiml.stream["track"], "inbound_track");
    assert_eq!(twiml.stream["url"], format!("ws://{}/twilio/media", bridge.address));
    assert_eq!(twiml.parameter("from"), CUSTOMER);
    assert_eq!(twiml.parameter("room"), "room-7");
    assert!(twiml.parameter("token").len() >= 16, "a token that nobody guesses");
    let (conference, room) = twiml.conference.as_ref().expect("a conference");
    assert_eq!(room, "room-7");
    for (name, value) in [("startConferenceOnEnter", "true"), ("beep", "false"), ("waitUrl", "")] {
        assert_eq!(conference.get(name).map(String::as_str), Some(value), "{name}");
    }
    let end_on_exit = &conference["endConferenceOnExit"];
    assert!(["true", "false"].contains(&end_on_exit.as_str()), "endConferenceOnExit is {end_on_exit}");
    bridge.finish().await;
}

#[tokio::test]
async fn a_single_caller_is_only_streamed_in_receive_mode() {
    let bridge = Settings::with_upstream(NOWHERE).set("MODE", "receive_call").start().await;
    let twiml = Caller::new(CUSTOMER).twiml(&bridge, "").await;
    assert_eq!(twiml.verb, "Connect");
    assert_eq!((&twiml.dial, &twiml.conference), (&None, &None));
    assert_eq!(twiml.stream["url"], format!("ws://{}/twilio/media", bridge.address));
    // Any other track is a 31941 here.
    assert!(twiml.stream.get("track").is_none_or(|track| track == "inbound_track"));
    assert_eq!(twiml.parameter("from"), CUSTOMER, "older bridges forget it and crash");
    twiml.parameter("token");
    bridge.finish().await;
}

#[tokio::test]
async fn a_public_bridge_gives_twilio_public_addresses_only() {
    for domain in ["bridge.example.com", "https://bridge.example.com/"] {
        let settings =
            Settings::with_upstream(NOWHERE).public("bridge.example.com").set("WEBHOOK_DOMAIN", domain);
        let bridge = settings.start().await;
        let answer = Caller::new(CUSTOMER).ask(&bridge, "?room=room-7").await;
        let twiml = Twiml::of(&answer);
        assert_eq!(twiml.stream["url"], "wss://bridge.example.com/twilio/media");
        let (conference, _) = twiml.conference.as_ref().expect("a conference");
        let dial = twiml.dial.as_ref().expect("a dial");
        for (attributes, name, path) in [
            (&twiml.stream, "statusCallback", "stream-events"),
            (conference, "statusCallback", "conference"),
            (dial, "action", "dial-done"),
        ] {
            let expected = format!("https://bridge.example.com/twilio/{path}");
            assert_eq!(attributes.get(name), Some(&expected), "{name} in {}", answer.body);
        }
        assert!(!answer.body.contains("127.0.0.1"), "{}", answer.body);
        bridge.finish().await;
    }
}

#[tokio::test]
async fn callers_of_one_number_meet_unless_the_url_names_a_room() {
    let bridge = bridge_alone().await;
    let first = Caller::new(AGENT).twiml(&bridge, "").await;
    let second = Caller::new(CUSTOMER).twiml(&bridge, "").await;
    let elsewhere = Caller::new(STRANGER).dialling("+14155550199").twiml(&bridge, "").await;
    let named = Caller::new(STRANGER).twiml(&bridge, "?room=north").await;
    let empty = Caller::new(STRANGER).twiml(&bridge, "?room=").await;
    assert_eq!(first.room(), second.room());
    assert_eq!(first.room(), empty.room(), "an empty name is no name");
    assert_eq!(named.room(), "north");
    let rooms = BTreeSet::from([first.room(), elsewhere.room(), named.room()]);
    assert_eq!(rooms.len(), 3, "{rooms:?}");
    bridge.finish().await;
}

#[tokio::test]
async fn an_agent_joins_the_customer_who_has_waited_longest() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__CONFERENCE__POLICY", "pair");
    let bridge = settings.start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let gone = Caller::new("+13105550001");
    let gone_room = gone.twiml(&bridge, "").await.room().to_string();
    let mut calls = Vec::new();
    for from in ["+13105550002", "+13105550003"] {
        let mut call = Caller::new(from).call(&bridge, "").await;
        call.speak(2).await;
        calls.push(call);
    }
    assert_eq!(gone.report(&bridge, "completed").await.status, 204);
    for expected in 0..2 {
        let agent = Caller::new(AGENT);
        let asked = agent.twiml(&bridge, "").await;
        let again = agent.twiml(&bridge, "").await;
        assert_eq!(asked.room(), calls[expected].twiml.room(), "agent {expected}");
        assert_eq!(again.room(), asked.room(), "the same call, asked again, has not moved on");
        let mut call = Call::connect(&bridge, agent, again).await;
        call.start().await;
        call.speak(2).await;
        calls.push(call);
    }
    let named = Caller::new(CUSTOMER).twiml(&bridge, "?room=north").await;
    assert_eq!(named.room(), "north", "a name in the URL wins");
    let rooms: BTreeSet<&str> =
        calls.iter().map(|call| call.twiml.room()).chain([gone_room.as_str()]).collect();
    assert_eq!(rooms.len(), 3, "every customer has a room of their own: {rooms:?}");
    let mut connections = Vec::new();
    for call in &calls {
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, &call.caller.from).await;
        connections.push(leg.connection_id);
    }
    assert_eq!((&connections[0], &connections[1]), (&connections[2], &connections[3]));
    assert_ne!(connections[0], connections[1]);
    for call in &mut calls {
        call.hang_up(&bridge).await;
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    dashboard::finish(bridge, dashboard).await;
}

/// The room travels through the URL, XML twice and back in `start`. A name that could not is refused by name when
/// an operator tries it, not bent into another one.
#[tokio::test]
async fn a_room_name_is_taken_as_it_is_or_refused() {
    let bridge = bridge_alone().await;
    let longest = "r".repeat(64);
    for (query, room) in [
        ("?room=room-7", "room-7"),
        ("?tenant=a&room=room-7&x=y", "room-7"),
        ("?room=support%20desk", "support desk"),
        ("?room=support+desk", "support desk"),
        ("?room=A.b_c-9", "A.b_c-9"),
        ("?room=a", "a"),
        ("?room=A", "A"),
        (&format!("?room={longest}"), &longest),
    ] {
        let first = Caller::new(AGENT).twiml(&bridge, query).await;
        let second = Caller::new(CUSTOMER).twiml(&bridge, query).await;
        for twiml in [first, second] {
            assert_eq!((twiml.room(), twiml.parameter("room")), (room, room), "{query}");
        }
    }
    for query in [
        "?room=%3Croom%20%26%20%22x%22%20%27y%27%3E",
        "?room=%00%01%1f",
        "?room=%ff%fe",
        "?room=..%2F..%2Fetc",
        "?room=a%0Ab",
        &format!("?room={longest}r"),
    ] {
        let answer = Caller::new(AGENT).ask(&bridge, query).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        assert!(answer.body.contains("room"), "{query}: {}", answer.body);
    }
    wait_until("a log line about each", || bridge.events("webhook_refused").len() == 6).await;
    bridge.finish().await;
}

#[tokio::test]
async fn callers_and_names_with_xml_specials_arrive_unchanged() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    for from in [
        r#"sip:a&b<c>"d'@pbx.example.com;transport=tls"#,
        "sip:zoë@pbx.example.com",
        "client:alice & bob",
        "<Response><Hangup/></Response>",
        "]]>&amp;&#0;",
    ] {
        let caller = Caller::new(from).with("CallerName", r#"Zoë & Söhne <"+" 'Co'> = 100%"#);
        let mut call = caller.call(&bridge, "").await;
        assert_eq!(call.twiml.parameter("from"), from);
        call.speak(1).await;
        server.leg_that_hears(&call.caller.first_bytes()).await.hears_exactly(&call.sent, from).await;
        call.hang_up(&bridge).await;
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    // What XML 1.0 forbids cannot be passed on, but must not spoil the document either.
    for from in ["a\u{1}b\u{b}c\u{1f}", "\u{0}", "\u{fffe}x", "line\r\nline\tline"] {
        Caller::new(from).twiml(&bridge, "").await;
    }
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn the_same_call_asked_again_is_the_same_call() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let caller = Caller::new(AGENT);
    let mut documents = Vec::new();
    for _ in 0..3 {
        let mut twiml = caller.twiml(&bridge, "?room=again").await;
        let token = twiml.parameters.remove("token").expect("a token");
        documents.push((twiml, token));
    }
    assert_eq!(documents[0].0, documents[1].0, "equivalent documents");
    assert_eq!(documents[0].0, documents[2].0, "equivalent documents");
    // Twilio follows the last one it got.
    let (mut twiml, token) = documents.remove(2);
    twiml.parameters.insert("token".into(), token);
    let mut call = Call::connect(&bridge, caller, twiml).await;
    call.start().await;
    call.speak(3).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    leg.hears_exactly(&call.sent, "the caller").await;
    // And a retry that arrives late changes nothing.
    assert_eq!(call.caller.twiml(&bridge, "?room=again").await.room(), "again");
    call.speak(3).await;
    leg.hears_exactly(&call.sent, "the caller").await;
    call.hang_up(&bridge).await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    assert_eq!(dashboard::finish(bridge, dashboard).await.len(), 2);
}

#[tokio::test]
async fn webhooks_are_answered_at_once_whatever_the_server_does() {
    let nobody = Bridge::start(NOWHERE).await;
    let silent = SymblServer::start_with(Script { handshake: Handshake::Silence, ..Script::default() }).await;
    let refusing =
        SymblServer::start_with(Script { token: TokenAnswer::Refuse(503), ..Script::default() }).await;
    let bridges =
        [nobody, Bridge::start(&silent.base_url()).await, Bridge::start(&refusing.base_url()).await];
    for bridge in bridges {
        for from in [AGENT, CUSTOMER, STRANGER] {
            let asked = Instant::now();
            let caller = Caller::new(from);
            let twiml = caller.twiml(&bridge, "").await;
            let mut call = Call::connect(&bridge, caller, twiml).await;
            call.start().await;
            call.speak(1).await;
            assert_eq!(call.caller.report(&bridge, "completed").await.status, 204);
            // Far less than one attempt to connect; far more than a busy machine needs.
            assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
        }
        bridge.process().signal("KILL");
    }
}

#[tokio::test]
async fn a_hundred_webhooks_at_once_are_all_answered() {
    let bridge = bridge_alone().await;
    let callers: Vec<Caller> = (0..100).map(|number| Caller::new(&format!("+1310555{number:04}"))).collect();
    let documents = join_all(callers.iter().map(|caller| caller.twiml(&bridge, "?room=crowd"))).await;
    let tokens: BTreeSet<&str> = documents.iter().map(|twiml| twiml.parameter("token")).collect();
    assert_eq!(tokens.len(), callers.len(), "a token of its own for each");
    bridge.finish().await;
}

#[tokio::test]
async fn wrong_methods_types_and_sizes_are_refused_by_name() {
    let bridge = bridge_alone().await;
    // What each of them needs, in one form.
    let body = "CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&From=%2B12125550123&CallStatus=ringing\
                &StreamSid=MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3&StreamEvent=stream-started\
                &ConferenceSid=CFe5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5&StatusCallbackEvent=participant-join\
                &FriendlyName=room-7";
    for path in FORM_PATHS {
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let answer = Request::new(method, path).send(bridge.address).await;
            assert_eq!(answer.status, 405, "{method} {path}");
        }
        for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x", "form", ""]
        {
            let answer = Request::new("POST", path).body(content_type, body).send(bridge.address).await;
            assert_eq!(answer.status, 415, "{content_type:?} {path}");
        }
        for content_type in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded;charset=utf-8",
            "application/x-www-form-urlencoded; charset=ISO-8859-1; x=y",
        ] {
            let answer = Request::new("POST", path).body(content_type, body).send(bridge.address).await;
            assert!([200, 204].contains(&answer.status), "{content_type:?} {path}: {}", answer.status);
        }
        let large = format!("{body}&AddOns={}", "x".repeat(70 * 1024));
        let answer = Request::new("POST", path).body(FORM, large).send(bridge.address).await;
        assert_eq!(answer.status, 413, "70 kB to {path}");
        let several_kilobytes = format!("{body}&AddOns={}", "x".repeat(40 * 1024));
        let answer = Request::new("POST", path).body(FORM, several_kilobytes).send(bridge.address).await;
        assert!([200, 204].contains(&answer.status), "40 kB to {path}: {}", answer.status);
    }
    bridge.finish().await;
}

#[tokio::test]
async fn forms_as_odd_as_they_come_are_understood() {
    let bridge = bridge_alone().await;
    let sid = "CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b";
    let many: String = (0..500).map(|number| format!("&Extra{number}={number}")).collect();
    for (number, rest) in [
        "&From=%2B12125550123&To=%2B14155550100".to_string(),
        // A plus that was not encoded is a space (reference 5.8, T15).
        "&From=+12125550123&To=%2B14155550100".into(),
        "&From=%2B12125550123".into(),
        "".into(),
        "&From=&To=&CallStatus=".into(),
        "&From=%ff%fe&To=%zz&Odd=%".into(),
        "&From=%2B1&From=%2B2&To=%2B14155550100".into(),
        "&&&=&=x&From".into(),
        format!("&From=%2B12125550123{many}"),
    ]
    .iter()
    .enumerate()
    {
        let request = Request::new("POST", "/twilio/twiml").body(FORM, format!("{sid}{number}{rest}"));
        Twiml::of(&request.send(bridge.address).await);
    }
    // Without a call there is nobody to instruct.
    for body in ["", "From=%2B12125550123", "CallSid=", &format!("CallSid={}", "C".repeat(5000))] {
        let answer = Request::new("POST", "/twilio/twiml").body(FORM, body).send(bridge.address).await;
        assert_eq!(answer.status, 400, "{body:.40}");
    }
    bridge.finish().await;
}

/// Reference 3.4, 3.5 and 2.7: known or not, in any order.
#[tokio::test]
async fn stream_conference_and_dial_callbacks_are_answered_and_harm_nobody() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let mut call = Caller::new(AGENT).call(&bridge, "?room=callbacks").await;
    call.speak(2).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    let stranger = Caller::new(CUSTOMER);
    for caller in [&call.caller, &stranger] {
        for event in ["stream-started", "stream-error", "something-new", ""] {
            assert_eq!(stream_event(&bridge, caller, event).await, 204, "{event}");
        }
        for event in [
            "conference-start",
            "participant-join",
            "participant-mute",
            "participant-unmute",
            "participant-hold",
            "participant-modify",
            "participant-speech-start",
            "something-new",
            "",
        ] {
            assert_eq!(conference_event(&bridge, caller, event).await, 204, "{event}");
        }
    }
    assert_eq!(stream_event(&bridge, &stranger, "stream-stopped").await, 204);
    assert_eq!(conference_event(&bridge, &stranger, "participant-leave").await, 204);
    call.speak(2).await;
    leg.hears_exactly(&call.sent, "a caller after callbacks").await;
    // The stream's end, told twice and then seen.
    for _ in 0..2 {
        assert_eq!(stream_event(&bridge, &call.caller, "stream-stopped").await, 204);
    }
    call.stop().await;
    assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
    let mut dial_done = call.caller.form("in-progress");
    dial_done.push(("DialCallStatus".into(), "completed".into()));
    for caller_form in [dial_done, stranger.form("completed")] {
        let answer = bridge.post("/twilio/dial-done", &caller_form).await;
        assert_eq!(twiml::verbs(&answer), ["Hangup"]);
    }
    for event in ["participant-leave", "conference-end"] {
        assert_eq!(conference_event(&bridge, &call.caller, event).await, 204, "{event}");
    }
    assert_eq!(call.caller.report(&bridge, "completed").await.status, 204);
    witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    assert_eq!(witness.ends_whole(bridge).await.len(), 4);
}

async fn stream_event(bridge: &Bridge, caller: &Caller, event: &str) -> u16 {
    let mut pairs = vec![
        ("AccountSid".to_string(), ACCOUNT_SID.to_string()),
        ("CallSid".into(), caller.call_sid.clone()),
        ("StreamSid".into(), caller.stream_sid.clone()),
        ("StreamName".into(), caller.stream_sid.clone()),
        ("StreamEvent".into(), event.into()),
        ("Timestamp".into(), "2026-03-03T10:15:00.602648368Z".into()),
    ];
    if event == "stream-error" {
        pairs.push(("StreamError".into(), "31924: <protocol> error".into()));
        pairs.push(("StreamErrorCode".into(), "31924".into()));
    }
    bridge.post("/twilio/stream-events", &pairs).await.status
}

async fn conference_event(bridge: &Bridge, caller: &Caller, event: &str) -> u16 {
    let pairs = [
        ("ConferenceSid", "CFe5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5"),
        ("FriendlyName", "callbacks"),
        ("AccountSid", ACCOUNT_SID),
        ("SequenceNumber", "1"),
        ("Timestamp", "Tue, 03 Mar 2026 10:15:00 +0000"),
        ("StatusCallbackEvent", event),
        ("CallSid", &caller.call_sid),
        ("Muted", "false"),
        ("Hold", "false"),
        ("EndConferenceOnExit", "true"),
    ];
    let pairs: Vec<(String, String)> = pairs.map(|(name, value)| (name.into(), value.into())).to_vec();
    bridge.post("/twilio/conference", &pairs).await.status
}

#[tokio::test]
async fn health_and_unknown_paths_are_answered() {
    let bridge = bridge_alone().await;
    assert_eq!(get(bridge.address, "/healthz").await.status, 200);
    assert_eq!(get(bridge.address, "/nothing/here").await.status, 404);
    bridge.finish().await;
}
