//! Whole calls, end to end: two conferences at once, many legs at once, audio before the server is ready.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::bridge::{Bridge, Settings};
use support::caller::{Call, Caller};
use support::dashboard::{self, Dashboard, started_and_stopped};
use support::symbl_server::{Acks, Ended, Handshake, Leg, Script, SymblServer, TokenAnswer};
use support::wait::wait_until;
use support::{AGENT, CUSTOMER, STRANGER};

/// Two seconds of speech.
const FRAMES: usize = 100;

#[tokio::test]
async fn two_conferences_at_once_stay_apart_and_every_byte_arrives() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let early = Dashboard::join(&bridge).await;
    let mut calls = Vec::new();
    for (from, room) in [(AGENT, "north"), (STRANGER, "south"), (CUSTOMER, "north"), ("anonymous", "south")] {
        let call = Caller::new(from).call(&bridge, &format!("?room={room}")).await;
        assert_eq!(call.twiml.room(), room);
        assert_eq!(call.twiml.parameter("room"), room);
        calls.push(call);
    }
    // All four speak at once, a few frames each in turn.
    for _ in 0..FRAMES / 5 {
        for call in &mut calls {
            call.speak(5).await;
        }
    }
    let legs = legs_of(&server, &calls).await;
    for (call, leg) in calls.iter().zip(&legs) {
        leg.hears_exactly(&call.sent, &call.caller.from).await;
        early.wait_for("connection_started", &call.caller.call_sid).await;
    }

    let late = Dashboard::join(&bridge).await;
    let names = ["Agent", "Customer", "Customer", "Unknown Caller"];
    for ((call, leg), name) in calls.iter().zip(&legs).zip(names) {
        let existing = late.wait_for("connection_exists", &call.caller.call_sid).await;
        assert_eq!(existing.text("connectionId"), leg.connection_id);
        assert_eq!(existing.text("conversationId"), leg.conversation_id);
        assert_eq!(existing.text("room"), call.twiml.room());
        assert_eq!(existing.value["speaker"]["name"], name);
        assert_eq!(Some(&existing.value["speaker"]), leg.speaker().as_ref(), "the speaker at the server");
        if call.caller.from.starts_with('+') {
            assert_eq!(existing.value["speaker"]["userId"], call.caller.from);
        }
    }
    let [agent, stranger, customer, withheld] = &legs[..] else { panic!("{} legs", legs.len()) };
    assert_eq!(agent.connection_id, customer.connection_id, "one conference, one connectionId");
    assert_eq!(stranger.connection_id, withheld.connection_id, "one conference, one connectionId");
    assert_ne!(agent.connection_id, stranger.connection_id, "two conferences, two connectionIds");
    assert_eq!(server.legs().len(), 4, "one connection a leg");

    for call in &mut calls {
        call.speak(FRAMES).await;
        call.hang_up(&bridge).await;
    }
    for (call, leg) in calls.iter().zip(&legs) {
        assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
        leg.hears_exactly(&call.sent, &call.caller.from).await;
        assert_eq!(leg.audio_before_ack(), 0, "audio that a real server would drop");
        assert_leg_follows_the_protocol(&server, leg);
        late.wait_for("connection_stopped", &call.caller.call_sid).await;
        early.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    let updates = dashboard::finish(bridge, early).await;
    assert_eq!(updates.len(), 8, "four started, four stopped and nothing else");
    let (late_updates, _) = late.closed().await;
    assert_eq!(late_updates.len(), 8, "four exist, four stopped and nothing else: {late_updates:#?}");
    for (call, leg) in calls.iter().zip(&legs) {
        let (started, stopped) = started_and_stopped(&updates, &call.caller.call_sid);
        assert_eq!(started.text("conversationId"), leg.conversation_id);
        assert_eq!(stopped.text("conversationId"), leg.conversation_id);
        assert!(["hangup", "call_completed"].contains(&stopped.text("reason")), "{}", stopped.value);
    }
}

/// Reference 2.1, 2.4.1 and 6.1: where the token is, what comes first, what comes last.
fn assert_leg_follows_the_protocol(server: &SymblServer, leg: &Leg) {
    let Some(token) = leg.head.query_parameter("access_token") else { panic!("no token in the query") };
    assert!(server.issued_tokens().iter().any(|issued| issued == token));
    assert_eq!(leg.head.header("authorization"), Some(format!("Bearer {token}").as_str()));
    assert_eq!(leg.head.header("sec-websocket-protocol"), None);
    let texts = leg.texts();
    let kinds: Vec<&Value> = texts.iter().map(|text| &text["type"]).collect();
    assert_eq!(kinds, [&json!("start_request"), &json!("stop_request")]);
    let speech = &texts[0]["config"]["speechRecognition"];
    assert_eq!(speech["encoding"], "MULAW");
    assert_eq!(speech["sampleRateHertz"], 8000);
    assert!(texts[0]["insightTypes"].is_array(), "{}", texts[0]);
    let sizes = leg.binary_sizes();
    assert!(sizes.iter().all(|size| (1..=8192).contains(size)), "sizes of binary messages: {sizes:?}");
}

#[tokio::test]
async fn two_numbers_are_two_conferences_and_one_number_is_one() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let numbers = ["+14155550100", "+14155550199", "+14155550100"];
    let mut calls = Vec::new();
    for (from, to) in [AGENT, CUSTOMER, STRANGER].into_iter().zip(numbers) {
        let mut call = Caller::new(from).dialling(to).call(&bridge, "").await;
        call.speak(FRAMES).await;
        calls.push(call);
    }
    let legs = legs_of(&server, &calls).await;
    for (call, leg) in calls.iter().zip(&legs) {
        leg.hears_exactly(&call.sent, &call.caller.from).await;
    }
    assert_eq!(legs[0].connection_id, legs[2].connection_id);
    assert_ne!(legs[0].connection_id, legs[1].connection_id);
    assert_eq!(calls[0].twiml.room(), calls[2].twiml.room());
    assert_ne!(calls[0].twiml.room(), calls[1].twiml.room());
    end_all(&bridge, &dashboard, &mut calls).await;
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn a_conference_that_has_ended_gives_its_connection_id_to_nobody() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut ids = Vec::new();
    for from in [CUSTOMER, AGENT] {
        let mut calls = vec![Caller::new(from).call(&bridge, "?room=again").await];
        calls[0].speak(1).await;
        ids.push(legs_of(&server, &calls).await.remove(0).connection_id);
        end_all(&bridge, &dashboard, &mut calls).await;
    }
    assert_ne!(ids[0], ids[1]);
    dashboard::finish(bridge, dashboard).await;
}

/// awc's connector allows a hundred connections unless told otherwise.
#[tokio::test]
async fn more_than_a_hundred_legs_at_once_lose_nothing() {
    const LEGS: usize = 108;
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut calls = Vec::new();
    for number in 0..LEGS {
        let caller = Caller::new(&format!("+1310555{number:04}"));
        calls.push(caller.call(&bridge, &format!("?room=room-{}", number / 2)).await);
    }
    for call in &mut calls {
        call.speak(20).await;
    }
    let legs = legs_of(&server, &calls).await;
    for (call, leg) in calls.iter().zip(&legs) {
        leg.hears_exactly(&call.sent, &call.caller.from).await;
        assert_eq!(leg.ended(), None, "all at once");
    }
    assert_eq!(server.most_tokens_in_flight(), 1, "one token request in flight");
    end_all(&bridge, &dashboard, &mut calls).await;
    for (call, leg) in calls.iter().zip(&legs) {
        leg.hears_exactly(&call.sent, &call.caller.from).await;
    }
    dashboard::finish(bridge, dashboard).await;
}

/// Older bridges lose the first 1.5 s of each call.
#[tokio::test]
async fn audio_sent_before_the_server_is_ready_is_not_lost() {
    let late = Duration::from_millis(1500);
    let mut slow_token = Script::default();
    slow_token.tokens.push_back(TokenAnswer::Token { after: late });
    let mut slow_handshake = Script::default();
    slow_handshake.handshakes.push_back(Handshake::Accept { after: late });
    let slow_start = Script { acks_after: late, ..Script::default() };
    for (what, script) in
        [("a slow token", slow_token), ("a slow handshake", slow_handshake), ("a slow start", slow_start)]
    {
        let server = SymblServer::start_with(script).await;
        let bridge = Bridge::start(&server.base_url()).await;
        let dashboard = Dashboard::join(&bridge).await;
        let mut calls = vec![Caller::new(CUSTOMER).call(&bridge, "").await];
        // Four seconds of speech, far more than one binary message may carry.
        calls[0].speak(200).await;
        let leg = legs_of(&server, &calls).await.remove(0);
        leg.hears_exactly(&calls[0].sent, what).await;
        assert_eq!(leg.audio_before_ack(), 0, "{what}: audio that a real server would drop");
        calls[0].speak(FRAMES).await;
        leg.hears_exactly(&calls[0].sent, what).await;
        let sizes = leg.binary_sizes();
        assert!(sizes.iter().all(|size| *size <= 8192), "{what}: sizes of binary messages: {sizes:?}");
        assert!(sizes.len() < 300, "{what}: what had waited leaves joined, not frame by frame: {sizes:?}");
        end_all(&bridge, &dashboard, &mut calls).await;
        dashboard::finish(bridge, dashboard).await;
    }
}

#[tokio::test]
async fn a_call_that_ends_before_the_server_is_ready_is_still_heard_whole() {
    let server = SymblServer::start_with(Script { acks: Acks::OnCue, ..Script::default() }).await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = Caller::new(CUSTOMER).call(&bridge, "").await;
    call.speak(FRAMES).await;
    call.stop().await;
    let leg = server.leg_of(CUSTOMER).await;
    bridge.wait_for_event("media_ended", |line| line["call_sid"] == call.caller.call_sid.as_str()).await;
    leg.acknowledge();
    leg.hears_exactly(&call.sent, "a short call").await;
    assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
    assert_eq!(leg.audio_before_ack(), 0);
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn a_single_caller_in_receive_mode_is_heard_whole() {
    let server = SymblServer::start().await;
    let bridge = Settings::with_upstream(&server.base_url()).set("MODE", "receive_call").start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut calls = Vec::new();
    for from in [AGENT, CUSTOMER] {
        let mut call = Caller::new(from).call(&bridge, "").await;
        call.speak(FRAMES).await;
        calls.push(call);
    }
    let legs = legs_of(&server, &calls).await;
    for (call, leg) in calls.iter().zip(&legs) {
        leg.hears_exactly(&call.sent, &call.caller.from).await;
        assert_eq!(leg.speaker().expect("a start_request")["userId"], call.caller.from);
    }
    end_all(&bridge, &dashboard, &mut calls).await;
    dashboard::finish(bridge, dashboard).await;
}

/// The connections at the server, in the order of the calls.
async fn legs_of(server: &SymblServer, calls: &[Call]) -> Vec<Leg> {
    let mut legs = Vec::new();
    for call in calls {
        legs.push(server.leg_that_hears(&call.caller.first_bytes()).await);
    }
    legs
}

/// Hangs all of them up and waits until a dashboard has heard of it.
async fn end_all(bridge: &Bridge, dashboard: &Dashboard, calls: &mut [Call]) {
    for call in calls.iter_mut() {
        call.hang_up(bridge).await;
    }
    wait_until("every connection_stopped", || {
        let updates = dashboard.updates();
        calls
            .iter()
            .all(|call| updates.iter().any(|each| each.is("connection_stopped", &call.caller.call_sid)))
    })
    .await;
}
