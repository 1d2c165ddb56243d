//! Legs: start, audio, results, several on one connection id.

use std::time::Duration;

use serde_json::{Value, json};
use symbl_bridge::engine::hearing::HearingRefusal;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

use crate::engine_support::{Engine, Said, Scripted, mulaw, settings, start_request};

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["message"]["punctuated"]["transcript"].as_str()).collect()
}

#[actix_web::test]
async fn a_leg_is_heard_from_start_to_stop() {
    let engine = Engine::start();
    let (mut leg, conversation_id) = engine.speaking_leg("call", "+15550100002").await;
    leg.audio(mulaw(1000)).await;
    let Said::Json(interim) = leg.next().await else {
        panic!("no interim result");
    };
    assert_eq!(interim["message"]["isFinal"], false);
    assert_eq!(interim["message"]["punctuated"]["transcript"], "My");
    leg.audio(mulaw(1500)).await;
    let heard = leg.expect(&["recognition_result", "message_response"]).await;
    let [result, response] = &heard[..] else { panic!() };
    assert_eq!(result["message"]["punctuated"]["transcript"], "My last bill looks wrong.");
    assert_eq!(result["timeOffset"], 2500);
    assert_eq!(result["message"]["user"]["userId"], "+15550100002");
    let message = &response["messages"][0];
    assert_eq!(message["payload"]["content"], "My last bill looks wrong.");
    assert_eq!(message["from"], result["message"]["user"]);
    assert_eq!(response["sequenceNumber"], 0);
    leg.audio(mulaw(500)).await;
    let rest = leg.stop().await;
    assert_eq!(texts(&rest), ["Please"]);
    assert_eq!(rest[1]["sequenceNumber"], 1);
    assert_eq!(conversation_id.len(), 16);
    engine.end().await;
}

#[actix_web::test]
async fn audio_before_start_is_dropped_without_complaint() {
    let engine = Engine::start();
    let mut leg = engine.leg("call").await;
    leg.audio(mulaw(60_000 / 8)).await;
    assert_eq!(leg.next_within(Duration::from_millis(100)).await, None);
    leg.start(&start_request("+1")).await;
    leg.audio(mulaw(2500)).await;
    let heard = leg.expect(&["recognition_result", "message_response"]).await;
    assert_eq!(heard[0]["timeOffset"], 2500);
    leg.stop().await;
    engine.end().await;
}

#[actix_web::test]
async fn two_starts_on_one_socket_get_two_answers_and_one_conversation() {
    let engine = Engine::start();
    let (mut leg, first) = engine.speaking_leg("call", "+1").await;
    leg.audio(mulaw(1250)).await;
    assert_eq!(leg.start(&start_request("+1")).await, first);
    leg.audio(mulaw(1250)).await;
    let heard = leg.expect(&["recognition_result", "message_response"]).await;
    assert_eq!(heard[0]["timeOffset"], 2500, "the ear went on listening");
    leg.stop().await;
    engine.end().await;
}

#[actix_web::test]
async fn two_legs_on_one_id_are_one_conversation_and_each_hears_what_concerns_it() {
    let engine = Engine::start();
    let mut subscriber = engine.subscriber("call").await;
    let (mut agent, first) = engine.speaking_leg("call", "+1").await;
    let (mut customer, second) = engine.speaking_leg("call", "+2").await;
    assert_eq!(first, second);
    agent.audio(mulaw(2500)).await;
    let heard = agent.expect(&["recognition_result", "message_response"]).await;
    assert_eq!(customer.expect(&["message_response"]).await[0], heard[1]);
    customer.audio(mulaw(2500)).await;
    let replied = customer.expect(&["recognition_result", "message_response"]).await;
    assert_eq!(agent.expect(&["message_response"]).await[0], replied[1]);
    assert_eq!(replied[1]["sequenceNumber"], 1);

    let seen = subscriber
        .expect(&[
            "conversation_created",
            "recognition_result",
            "message_response",
            "recognition_result",
            "message_response",
        ])
        .await;
    assert_eq!(seen[1..], [heard, replied].concat());

    agent.stop().await;
    customer.audio(mulaw(1500)).await;
    let still = customer.expect(&["recognition_result", "message_response"]).await;
    assert_eq!(texts(&still), ["Please check it."], "one leg stops, the other goes on");
    customer.stop().await;
    subscriber
        .expect(&["recognition_result", "message_response", "conversation_completed", "closed 1000"])
        .await;
    engine.end().await;
}

#[actix_web::test]
async fn every_spelling_of_a_request_works_on_the_wire() {
    let engine = Engine::start();
    for stop in [
        "{'type': 'stop_request'}",
        r#"{"type":"STOP_REQUEST"}"#,
        r#"{"type":"stop_recognition"}"#,
        r#"{"type":"stop_request"}"#,
    ] {
        let mut leg = engine.leg("call").await;
        let lenient = json!({"type":"Start_Request","noConnectionTimeout":true,"speaker":null,"trackers":{},"config":{}});
        leg.start(&lenient).await;
        leg.text("__PING__").await;
        leg.expect(&["pong"]).await;
        leg.text(stop).await;
        leg.expect(&["conversation_completed", "recognition_stopped"]).await;
        leg.close().await;
    }
    engine.end().await;
}

#[actix_web::test]
async fn a_message_in_continuation_frames_is_one_message() {
    let engine = Engine::start();
    let mut leg = engine.leg("call").await;
    let mut request = start_request("+1");
    request["customVocabulary"] = json!(vec!["Contoso"; 5000]);
    leg.fragments(Data::Text, request.to_string().as_bytes(), 16_384).await;
    leg.expect(&["started_listening", "conversation_created", "recognition_started"]).await;
    leg.fragments(Data::Binary, &mulaw(2500), 4096).await;
    leg.expect(&["recognition_result", "message_response"]).await;
    leg.stop().await;
    engine.end().await;
}

#[actix_web::test]
async fn audio_in_any_chunking_gives_the_same_words() {
    let engine = Engine::start();
    for (encoding, rate, sample_bytes) in
        [("MULAW", 8000, 1), ("LINEAR16", 16_000, 2), ("LINEAR16", 44_100, 2)]
    {
        let mut results = Vec::new();
        // One byte a message is slow to send; a telephone's rate is enough to show it.
        let smallest = if rate == 8000 { 1 } else { 333 };
        for chunk in [smallest, 8191, 65_536] {
            let mut leg = engine.leg("call").await;
            let mut request = start_request("+1");
            request["config"]["speechRecognition"] =
                json!({"encoding": encoding, "sampleRateHertz": rate, "interimResults": false});
            leg.start(&request).await;
            for piece in vec![0; rate * sample_bytes * 21 / 5].chunks(chunk) {
                leg.audio(piece.to_vec()).await;
            }
            let heard = leg.stop().await;
            let finals: Vec<_> = heard
                .iter()
                .filter(|m| m["type"] == "message")
                .map(|m| (m["timeOffset"].clone(), m["message"]["punctuated"].clone()))
                .collect();
            assert_eq!(
                texts(&heard),
                ["My last bill looks wrong.", "Please check it."],
                "{encoding} {rate} {chunk}"
            );
            results.push(finals);
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }
    engine.end().await;
}

#[actix_web::test]
async fn a_format_may_change_in_mid_stream_and_time_goes_on() {
    let engine = Engine::start();
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    leg.audio(mulaw(2500)).await;
    leg.expect(&["recognition_result", "message_response"]).await;
    leg.json(
        &json!({"type":"modify_request","speechRecognition":{"encoding":"LINEAR16","sampleRateHertz":48000}}),
    )
    .await;
    let modified = leg.expect(&["session_modified"]).await;
    assert_eq!(
        modified[0]["message"]["data"]["speechRecognition"],
        json!({"encoding":"LINEAR16","sampleRateHertz":48000})
    );
    leg.audio(vec![0; 60_001]).await;
    for _ in 0..4 {
        leg.audio(vec![0; 44_999]).await;
    }
    leg.audio(vec![0; 3]).await;
    let heard = leg.expect(&["recognition_result", "message_response"]).await;
    assert_eq!(heard[0]["timeOffset"], 5000);
    leg.stop().await;
    engine.end().await;
}

#[actix_web::test]
async fn mistakes_that_can_be_mended_leave_the_leg_alive() {
    let engine = Engine::start();
    let mut leg = engine.leg("call").await;
    for (text, message) in [
        ("nonsense", "Invalid JSON payload."),
        ("{}", "'type' must be provided in the payload."),
        (r#"{"type":"dance"}"#, "Unsupported 'type' detected: dance"),
        (r#"{"type":"modify_request"}"#, "No active request to modify."),
    ] {
        leg.text(text).await;
        let errors = leg.expect(&["error"]).await;
        assert_eq!(errors[0]["type"], "error", "envelope B only");
        assert_eq!(errors[0]["message"], message);
        assert_eq!(errors[0]["details"], "No additional details available.");
    }
    leg.start(&start_request("+1")).await;
    leg.stop().await;
    engine.end().await;
}

#[actix_web::test]
async fn mistakes_that_cannot_be_mended_are_told_in_both_envelopes_before_the_close() {
    let engine = Engine::start();
    for (speech, details) in [
        (json!({"encoding":"OPUS","sampleRateHertz":48000}), "encoding 'OPUS' is not supported."),
        (json!({"encoding":"FLAC"}), "encoding 'FLAC' is not supported."),
        (json!({"encoding":"MULAW","sampleRateHertz":44100}), "encoding 'MULAW' is not supported."),
        (json!({"encoding":"LINEAR16","sampleRateHertz":96000}), "encoding 'LINEAR16' is not supported."),
        (json!({"encoding":"MULAW","sampleRateHertz":"fast"}), "sampleRateHertz must be a valid number."),
    ] {
        let mut leg = engine.leg("call").await;
        leg.json(&json!({"type":"start_request","config":{"speechRecognition":speech}})).await;
        leg.audio(mulaw(500)).await;
        let errors = leg.expect(&["error", "error", "closed 1008"]).await;
        assert_eq!(errors[0]["message"]["details"], errors[1]["details"]);
        assert_eq!(errors[0]["message"]["message"], "Invalid start_request.");
        let told = errors[1]["details"].as_str().unwrap();
        assert!(told.starts_with(details), "{told}");
    }
    engine.end().await;
}

#[actix_web::test]
async fn audio_of_64_kib_is_heard_and_more_ends_the_leg_with_1009() {
    let engine = Engine::start();
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    leg.audio(vec![0; 65_536]).await;
    leg.expect(&["recognition_result", "message_response"]).await;
    leg.audio(vec![0; 65_537]).await;
    loop {
        match leg.next_settled().await {
            Said::Json(_) => {}
            said => break assert_eq!(said, Said::Closed(1009)),
        }
    }
    let (mut leg, _) = engine.speaking_leg("other", "+1").await;
    leg.audio(vec![0; 2_000_000]).await;
    leg.expect(&["closed 1009"]).await;
    engine.end().await;
}

#[actix_web::test]
async fn without_a_recogniser_calls_join_and_end_all_the_same() {
    let hearing = Scripted { refusal: Some(HearingRefusal::Unavailable), ..Scripted::default() };
    let engine = Engine::start_with(settings(), hearing);
    let mut subscriber = engine.subscriber("call").await;
    let mut leg = engine.leg("call").await;
    leg.json(&start_request("+1")).await;
    let mut kinds = Vec::new();
    for _ in 0..4 {
        kinds.push(leg.next().await.kind());
    }
    kinds.sort();
    assert_eq!(kinds, ["conversation_created", "error", "recognition_started", "started_listening"]);
    leg.audio(mulaw(5000)).await;
    leg.start(&start_request("+1")).await;
    assert!(leg.stop().await.is_empty());
    subscriber.expect(&["conversation_created", "conversation_completed", "closed 1000"]).await;
    engine.end().await;
}

#[actix_web::test]
async fn a_recogniser_that_fills_up_after_the_handshake_is_a_fatal_error() {
    let hearing = Scripted { refusal: Some(HearingRefusal::Overloaded), ..Scripted::default() };
    let engine = Engine::start_with(settings(), hearing);
    let mut leg = engine.leg("call").await;
    leg.json(&start_request("+1")).await;
    let errors = leg.expect(&["error", "error", "closed 1011"]).await;
    assert_eq!(errors[1]["message"], "Speech recognition is unavailable.");
    engine.end().await;
}

#[actix_web::test]
async fn a_recogniser_that_is_behind_slows_the_sender_to_real_time_and_loses_nothing() {
    let hearing = Scripted { is_behind: true, ..Scripted::default() };
    let engine = Engine::start_with(settings(), hearing);
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    let began = std::time::Instant::now();
    for _ in 0..6 {
        leg.audio(mulaw(250)).await;
    }
    let heard = leg.stop().await;
    assert_eq!(texts(&heard), ["My last bill"]);
    assert!(began.elapsed() >= Duration::from_millis(1400), "{:?}", began.elapsed());
    engine.end().await;
}
