//! Stopping, dropping, coming back, going down.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::engine_support::{Client, Engine, Said, Scripted, mulaw, settings, start_request};

#[actix_web::test]
async fn the_engine_closes_with_1000_when_the_client_does_not() {
    let mut settings = settings();
    settings.timers.close_grace = Duration::from_millis(300);
    let engine = Engine::start_with(settings, Scripted::default());
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    leg.text(r#"{"type":"stop_request"}"#).await;
    leg.expect(&["conversation_completed", "recognition_stopped"]).await;
    let began = Instant::now();
    leg.expect(&["closed 1000"]).await;
    assert!(began.elapsed() >= Duration::from_millis(250));
    engine.end().await;
}

#[actix_web::test]
async fn a_stop_before_any_start_completes_at_once() {
    let engine = Engine::start();
    let mut leg = engine.leg("call").await;
    leg.text(r#"{"type":"stop_request"}"#).await;
    leg.expect(&["conversation_completed", "closed 1000"]).await;
    engine.end().await;
}

#[actix_web::test]
async fn a_recogniser_that_hangs_delays_the_end_by_its_bound_only() {
    let mut settings = settings();
    settings.timers.flush = Duration::from_millis(300);
    let hearing = Scripted { finish_delay: Duration::from_secs(20), ..Scripted::default() };
    let engine = Engine::start_with(settings, hearing);
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    leg.audio(mulaw(700)).await;
    let began = Instant::now();
    assert!(leg.stop().await.is_empty());
    assert!(began.elapsed() < Duration::from_secs(3));
    engine.end().await;
}

#[actix_web::test]
async fn a_close_right_behind_stop_still_gives_the_last_words_to_the_others() {
    let hearing = Scripted { finish_delay: Duration::from_millis(200), ..Scripted::default() };
    let engine = Engine::start_with(settings(), hearing);
    let (mut other, _) = engine.speaking_leg("call", "+2").await;
    let mut subscriber = engine.subscriber("call").await;
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    leg.audio(mulaw(1000)).await;
    leg.text(r#"{"type":"stop_request"}"#).await;
    leg.close().await;
    // Dropping a socket with unread input resets it, and a reset may overtake what was sent before.
    while leg.next().await != Said::Lost {}
    other.expect(&["message_response"]).await;
    subscriber.expect(&["conversation_created", "recognition_result", "message_response"]).await;
    other.stop().await;
    subscriber.expect(&["conversation_completed", "closed 1000"]).await;
    engine.end().await;
}

#[actix_web::test]
async fn a_dropped_leg_that_returns_in_time_finds_its_conversation() {
    let engine = Engine::start();
    let mut request = start_request("+1");
    request["noConnectionTimeout"] = json!(60);
    let mut leg = engine.leg("call").await;
    let first = leg.start(&request).await;
    let mut subscriber = engine.subscriber("call").await;
    subscriber.expect(&["conversation_created"]).await;
    drop(leg);
    let mut late = engine.subscriber("call").await;
    late.expect(&["conversation_created"]).await;
    let mut leg = engine.leg("call").await;
    assert_eq!(leg.start(&request).await, first);
    leg.stop().await;
    subscriber.expect(&["conversation_completed", "closed 1000"]).await;
    late.expect(&["conversation_completed", "closed 1000"]).await;
    let mut leg = engine.leg("call").await;
    assert_ne!(leg.start(&request).await, first, "a finished conversation is not continued");
    leg.stop().await;
    engine.end().await;
}

#[actix_web::test]
async fn a_dropped_leg_that_does_not_return_ends_its_conversation() {
    let engine = Engine::start();
    for (timeout, least_ms) in [(0, 0), (1, 900)] {
        let mut request = start_request("+1");
        request["noConnectionTimeout"] = json!(timeout);
        let mut leg = engine.leg("call").await;
        leg.start(&request).await;
        let mut subscriber = engine.subscriber("call").await;
        subscriber.expect(&["conversation_created"]).await;
        let began = Instant::now();
        drop(leg);
        subscriber.expect(&["conversation_completed", "closed 1000"]).await;
        assert!(began.elapsed() >= Duration::from_millis(least_ms));
    }
    engine.end().await;
}

#[actix_web::test]
async fn a_leg_that_only_pauses_starts_again_in_its_conversation() {
    let engine = Engine::start();
    let mut request = start_request("+1");
    request["disconnectOnStopRequest"] = json!(false);
    request["disconnectOnStopRequestTimeout"] = json!(1);
    let mut leg = engine.leg("call").await;
    let first = leg.start(&request).await;
    leg.audio(mulaw(2500)).await;
    leg.expect(&["recognition_result", "message_response"]).await;
    for _ in 0..2 {
        leg.text(r#"{"type":"stop_request"}"#).await;
        leg.expect(&["conversation_completed", "recognition_stopped"]).await;
    }
    leg.audio(mulaw(5000)).await;
    assert_eq!(leg.start(&request).await, first);
    leg.audio(mulaw(2500)).await;
    let heard = leg.expect(&["recognition_result", "message_response"]).await;
    assert_eq!(heard[0]["timeOffset"], 5000, "the pause's audio does not count");
    assert_eq!(heard[1]["sequenceNumber"], 1);
    leg.text(r#"{"type":"stop_request"}"#).await;
    leg.expect(&["conversation_completed", "recognition_stopped", "closed 1000"]).await;
    engine.end().await;
}

#[actix_web::test]
async fn an_idle_leg_is_stopped_and_a_socket_that_never_starts_is_closed() {
    let mut settings = settings();
    settings.timers.idle = Duration::from_millis(400);
    let engine = Engine::start_with(settings, Scripted::default());
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    let mut lazy = engine.leg("other").await;
    let mut waiting = engine.subscriber("third").await;
    leg.expect(&["conversation_completed", "recognition_stopped"]).await;
    lazy.expect(&["closed 1000"]).await;
    waiting.expect(&["closed 1000"]).await;
    leg.close().await;
    engine.end().await;
}

#[actix_web::test]
async fn a_peer_that_does_not_answer_pings_is_dropped() {
    let mut settings = settings();
    settings.timers.ping_interval = Duration::from_millis(100);
    let engine = Engine::start_with(settings, Scripted::default());
    let (mut alive, _) = engine.speaking_leg("call", "+1").await;
    // A client that is not polled answers nothing.
    let (_silent, _) = engine.speaking_leg("call", "+2").await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while engine.state.counts().seats.legs > 1 {
        assert!(Instant::now() < deadline, "the silent leg is still there");
        alive.next_within(Duration::from_millis(50)).await;
    }
    alive.stop().await;
    engine.end().await;
}

#[actix_web::test]
async fn a_socket_does_not_outlive_its_token() {
    // No configured lifetime is short enough for a test, so the mint is used directly.
    let mut settings = settings();
    settings.signing_key = Some("shared by two engines".into());
    let engine = Engine::start_with(settings, Scripted::default());
    let mint =
        symbl_bridge::engine::token::TokenMint::new(Some(b"shared by two engines"), Duration::from_secs(2));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let token = mint.issue(crate::engine_support::APP_ID, now);
    let mut leg = Client::connect(&engine.ws(&format!("/v1/streaming/c?access_token={token}"))).await;
    leg.start(&start_request("+1")).await;
    leg.expect(&["closed 1008"]).await;
    assert_eq!(
        Client::connect_with(&engine.ws(&format!("/v1/streaming/c?access_token={token}")), &[]).await.err(),
        Some(401)
    );
    engine.end().await;
}

#[actix_web::test]
async fn an_engine_that_refuses_newcomers_lets_its_legs_go_on() {
    let engine = Engine::start();
    let token = engine.token().await;
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    engine.state.refuse_newcomers();
    let refused =
        Client::connect_with(&engine.ws(&format!("/v1/streaming/c?access_token={token}")), &[]).await.err();
    assert_eq!(refused, Some(503));
    leg.audio(mulaw(4000)).await;
    leg.expect(&["recognition_result", "message_response"]).await;
    leg.stop().await;
    engine.end().await;
}

#[actix_web::test]
async fn a_drain_tells_everybody_and_lets_nobody_in() {
    let hearing = Scripted { finish_delay: Duration::from_millis(300), ..Scripted::default() };
    let engine = Engine::start_with(settings(), hearing);
    let token = engine.token().await;
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    let mut open = engine.leg("open").await;
    let mut subscriber = engine.subscriber("call").await;
    let mut waiting = engine.subscriber("nobody").await;
    leg.audio(mulaw(1000)).await;
    subscriber.expect(&["conversation_created"]).await;
    let Said::Json(_) = leg.next().await else { panic!() };
    let state = engine.state.clone();
    let drained = actix_web::rt::spawn(async move { state.drain(Duration::from_secs(5)).await });
    leg.expect(&[
        "recognition_result",
        "message_response",
        "conversation_completed",
        "recognition_stopped",
        "closed 1001",
    ])
    .await;
    subscriber
        .expect(&["recognition_result", "message_response", "conversation_completed", "closed 1001"])
        .await;
    open.expect(&["closed 1001"]).await;
    waiting.expect(&["closed 1001"]).await;
    let refused =
        Client::connect_with(&engine.ws(&format!("/v1/streaming/c?access_token={token}")), &[]).await.err();
    assert_eq!(refused, Some(503));
    for mut client in [leg, open, subscriber, waiting] {
        while client.next().await != Said::Lost {}
    }
    assert!(drained.await.unwrap(), "all left in time");
    engine.end().await;
}
