//! The bridge as a client of the Symbl protocol: tokens, acknowledgements, results, errors, the end.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::bridge::{APP_ID, APP_SECRET, Bridge, Settings};
use support::caller::{Call, Caller};
use support::dashboard::{self, Dashboard, started_and_stopped};
use support::socket::Closing;
use support::symbl_server::{
    Acks, Ended, Leg, OnStop, Script, SymblServer, message_response, recognition_result,
};
use support::wait::wait_until;
use support::witness::Witness;
use support::{AGENT, CUSTOMER};

/// A call that is heard.
async fn heard_call(bridge: &Bridge, server: &SymblServer) -> (Call, Leg) {
    let mut call = Caller::new(AGENT).call(bridge, "").await;
    call.speak(5).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    leg.hears_exactly(&call.sent, "the caller").await;
    (call, leg)
}

#[tokio::test]
async fn one_token_serves_many_calls() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    for _ in 0..3 {
        let (mut call, _) = heard_call(&bridge, &server).await;
        call.hang_up(&bridge).await;
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    let requests = server.token_requests();
    let [request] = &requests[..] else { panic!("{} token requests", requests.len()) };
    let expected = json!({ "type": "application", "appId": APP_ID, "appSecret": APP_SECRET });
    assert_eq!(request.body, expected);
    let content_type = request.head.header("content-type").expect("a content type");
    assert!(content_type.starts_with("application/json"), "{content_type}");
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn a_base_url_with_a_slash_at_its_end_is_the_same_base_url() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&format!("{}/", server.base_url())).await;
    let dashboard = Dashboard::join(&bridge).await;
    let (mut call, leg) = heard_call(&bridge, &server).await;
    assert_eq!(leg.head.path, format!("/v1/realtime/insights/{}", leg.connection_id));
    call.hang_up(&bridge).await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn either_acknowledgement_alone_is_enough() {
    for acks in [Acks::StartedListening, Acks::RecognitionStarted] {
        let server = SymblServer::start_with(Script { acks, ..Script::default() }).await;
        let bridge = Bridge::start(&server.base_url()).await;
        let dashboard = Dashboard::join(&bridge).await;
        let (mut call, leg) = heard_call(&bridge, &server).await;
        let started = dashboard.wait_for("connection_started", &call.caller.call_sid).await;
        assert_eq!(started.text("conversationId"), leg.conversation_id, "{acks:?}");
        call.hang_up(&bridge).await;
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
        dashboard::finish(bridge, dashboard).await;
    }
}

/// Reference 6.1: repeated on the same socket after five seconds.
#[tokio::test]
async fn a_start_request_without_an_answer_is_repeated_on_the_same_socket() {
    let server = SymblServer::start_with(Script { acks: Acks::OnCue, ..Script::default() }).await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = Caller::new(CUSTOMER).call(&bridge, "").await;
    call.speak(50).await;
    let leg = server.leg_of(CUSTOMER).await;
    wait_until("a second start_request", || leg.texts_of("start_request").len() == 2).await;
    assert_eq!(leg.texts_of("start_request")[0], leg.texts_of("start_request")[1]);
    assert_eq!(server.legs().len(), 1);
    leg.acknowledge();
    leg.hears_exactly(&call.sent, "the caller").await;
    assert_eq!(leg.audio_before_ack(), 0);
    call.hang_up(&bridge).await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    dashboard::finish(bridge, dashboard).await;
}

/// Every order in which servers end a leg, and one that never does.
#[tokio::test]
async fn every_way_to_answer_a_stop_ends_the_leg_with_1000() {
    for on_stop in [
        OnStop::CompletedThenStopped,
        OnStop::StoppedThenCompleted,
        OnStop::Completed,
        OnStop::Stopped,
        OnStop::Close,
        OnStop::Silence,
    ] {
        let server = SymblServer::start_with(Script { on_stop, ..Script::default() }).await;
        let settings =
            Settings::with_upstream(&server.base_url()).set("BRIDGE__SYMBL__STOP_TIMEOUT_MS", "800");
        let bridge = settings.start().await;
        let dashboard = Dashboard::join(&bridge).await;
        let (mut call, leg) = heard_call(&bridge, &server).await;
        call.hang_up(&bridge).await;
        assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)), "{on_stop:?}");
        assert_eq!(leg.texts_of("stop_request").len(), 1, "{on_stop:?}");
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
        dashboard::finish(bridge, dashboard).await;
    }
}

#[tokio::test]
async fn the_last_results_are_awaited_before_the_leg_ends() {
    let script = Script {
        on_stop_after: Duration::from_millis(1200),
        last_words: vec![
            recognition_result("goodbye then", &json!({ "userId": AGENT, "name": "Agent" })).to_string(),
        ],
        ..Script::default()
    };
    let server = SymblServer::start_with(script).await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__LOG__TRANSCRIPTS", "true");
    let bridge = settings.start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let (mut call, leg) = heard_call(&bridge, &server).await;
    call.hang_up(&bridge).await;
    assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
    let stopped = dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    let answered_at = leg.stop_answered_at().expect("a stop_request");
    let (_, closed_at) = leg.ended().expect("just seen");
    assert!(closed_at > answered_at, "closed before the last results");
    assert!(stopped.at > answered_at, "connection_stopped before the last results");
    bridge.wait_for_event("transcript", |line| line["text"] == "goodbye then").await;
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn unknown_and_malformed_messages_of_the_server_are_passed_over() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let (mut call, leg) = heard_call(&bridge, &server).await;
    let speaker = json!({ "userId": AGENT, "name": "Agent" });
    let large = message_response(&"word ".repeat(100_000), &speaker).to_string();
    for text in [
        "not JSON",
        "",
        "[]",
        "null",
        "__PONG__",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"something_new","data":{"deep":[1,2,3]}}"#,
        r#"{"type":"message"}"#,
        r#"{"type":"message","message":null}"#,
        r#"{"type":"message","message":{"type":"something_new"}}"#,
        r#"{"type":"message","message":{"type":"recognition_result"}}"#,
        r#"{"type":"message","message":{"type":"recognition_result","user":null,"punctuated":null}}"#,
        r#"{"type":"message_response"}"#,
        r#"{"type":"message_response","messages":[{}]}"#,
        r#"{"type":"topic_response","topics":[]}"#,
        r#"{"type":"message","message":{"type":"recognition_started"}}"#,
        r#"{"type":"message","message":{"type":"session_modified","data":{}}}"#,
        &large,
    ] {
        leg.say(text);
        leg.ping(text.get(..20).unwrap_or(text).as_bytes()).await;
        call.speak(2).await;
        leg.hears_exactly(&call.sent, &format!("a caller after {text:.60}")).await;
    }
    leg.say_binary(&[0, 1, 2, 255]);
    leg.ping(b"after binary").await;
    call.speak(2).await;
    leg.hears_exactly(&call.sent, "a caller after binary").await;
    call.hang_up(&bridge).await;
    assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
    witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    witness.ends_whole(bridge).await;
}

/// Reference 2.6.13: the flat envelope is what servers use for an error that one can go on from.
fn error(envelope: &str) -> String {
    let flat = json!({ "type": "error", "details": "scripted details", "message": "scripted complaint" });
    let wrapped = json!({ "type": "message", "message": flat });
    if envelope == "flat" { flat.to_string() } else { wrapped.to_string() }
}

#[tokio::test]
async fn an_error_while_listening_is_logged_and_the_leg_goes_on() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    for envelope in ["flat", "wrapped"] {
        let (mut call, leg) = heard_call(&bridge, &server).await;
        leg.say(error(envelope));
        let line = bridge
            .wait_for_event("upstream_error", |line| line["call_sid"] == call.caller.call_sid.as_str())
            .await;
        assert_eq!(
            (&line["error"], &line["details"]),
            (&json!("scripted complaint"), &json!("scripted details"))
        );
        call.speak(5).await;
        leg.hears_exactly(&call.sent, envelope).await;
        call.hang_up(&bridge).await;
        assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)), "{envelope}");
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn a_start_that_the_server_refuses_with_an_error_fails_that_call_alone() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__SYMBL__GIVE_UP_AFTER_MS", "2000");
    let bridge = settings.start().await;
    let witness = Witness::start(&bridge, &server).await;
    server.script(|script| script.acks = Acks::OnCue);
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(5).await;
    let leg = server.leg_of(AGENT).await;
    // In this order from a server that follows the reference.
    leg.say(error("wrapped"));
    leg.say(error("flat"));
    leg.close(1008);
    assert_eq!(call.closed().await, Closing::Code(1011));
    let stopped = witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    assert_eq!(stopped.text("reason"), "upstream_failed");
    assert_eq!(leg.audio().len(), 0, "audio without an acknowledgement");
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn a_server_that_breaks_off_in_mid_call_is_connected_to_again_and_gets_what_it_missed() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    for how in ["reset", "1011", "1001", "1000"] {
        let (mut call, leg) = heard_call(&bridge, &server).await;
        let first_part = call.sent.clone();
        match how.parse() {
            Ok(code) => leg.close(code),
            Err(_) => leg.reset(),
        }
        let dashboard = witness.dashboard();
        let interrupted = dashboard.wait_for("connection_interrupted", &call.caller.call_sid).await;
        let reason = if how == "reset" { "connection_lost" } else { "closed_by_server" };
        assert_eq!(interrupted.text("reason"), reason, "{how}");
        call.speak(20).await;
        let resumed = dashboard.wait_for("connection_resumed", &call.caller.call_sid).await;
        assert_eq!(resumed.value["lostMs"], 0, "{how}");
        let again = server.legs().pop().expect("a second connection");
        assert_eq!(again.connection_id, leg.connection_id, "{how}: the conversation goes on");
        // No ping was answered in so short a time: all is sent again.
        again.hears_exactly(&call.sent, how).await;
        assert!(call.sent.starts_with(&first_part));
        call.hang_up(&bridge).await;
        let stopped = dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
        assert_eq!(stopped.text("reason"), "hangup", "{how}");
        started_and_stopped(&dashboard.updates(), &call.caller.call_sid);
    }
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn a_server_that_stays_away_fails_that_call_alone() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__SYMBL__GIVE_UP_AFTER_MS", "1500");
    let bridge = settings.start().await;
    let witness = Witness::start(&bridge, &server).await;
    let (mut call, leg) = heard_call(&bridge, &server).await;
    server.script(|script| script.acks = Acks::OnCue);
    leg.close(1008);
    assert_eq!(call.closed().await, Closing::Code(1011), "a complaint right after the start is final");
    let stopped = witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    assert_eq!(stopped.text("reason"), "upstream_failed");
    assert_eq!(stopped.text("conversationId"), leg.conversation_id, "it was connected before");
    let updates = witness.dashboard().updates();
    let kinds: Vec<String> = updates
        .iter()
        .filter(|update| update.text("callSid") == call.caller.call_sid)
        .map(|update| update.text("type").to_owned())
        .collect();
    assert_eq!(kinds, ["connection_started", "connection_failed", "connection_stopped"]);
    witness.ends_whole(bridge).await;
}

/// What a user of the older sample edits in code is in the template: its parts reach the server.
#[tokio::test]
async fn the_start_request_carries_the_template_and_the_speaker() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let (mut call, leg) = heard_call(&bridge, &server).await;
    let start = leg.gets("start_request").await;
    assert_eq!(start["speaker"], json!({ "userId": AGENT, "name": "Agent" }));
    for (pointer, is_right) in [
        ("/insightTypes", Value::is_array as fn(&Value) -> bool),
        ("/trackers", Value::is_array),
        ("/customVocabulary", Value::is_array),
        ("/config/meetingTitle", Value::is_string),
        ("/config/confidenceThreshold", Value::is_number),
        ("/config/languageCode", Value::is_string),
        ("/config/sentiment", Value::is_boolean),
        ("/config/redaction/identifyContent", Value::is_boolean),
        ("/config/trackers/enableAllTrackers", Value::is_boolean),
    ] {
        assert!(start.pointer(pointer).is_some_and(is_right), "{pointer} in {start}");
    }
    call.hang_up(&bridge).await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    dashboard::finish(bridge, dashboard).await;
}
