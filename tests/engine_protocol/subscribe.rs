//! Subscribers: early, late, many, slow.

use std::time::Duration;

use actix_web::rt::net::TcpStream;
use symbl_bridge::engine::counters::Count;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine_support::{Engine, Said, Scripted, mulaw, settings};

#[actix_web::test]
async fn early_and_late_subscribers_see_the_conversation_from_then_on() {
    let engine = Engine::start();
    let mut early = engine.subscriber("call").await;
    assert_eq!(early.next_within(Duration::from_millis(50)).await, None);
    let (mut leg, id) = engine.speaking_leg("call", "+1").await;
    let created = early.expect(&["conversation_created"]).await;
    assert_eq!(created[0]["message"]["data"]["conversationId"], id.as_str());
    leg.audio(mulaw(500)).await;
    let Said::Json(interim) = early.next().await else { panic!() };
    assert_eq!(interim["message"]["isFinal"], false);
    leg.audio(mulaw(2000)).await;
    early.expect(&["recognition_result", "message_response"]).await;
    let mut late = engine.subscriber("call").await;
    late.expect(&["conversation_created"]).await;
    leg.audio(mulaw(1500)).await;
    for subscriber in [&mut early, &mut late] {
        let seen = subscriber.expect(&["recognition_result", "message_response"]).await;
        assert_eq!(seen[1]["sequenceNumber"], 1);
    }
    leg.stop().await;
    for subscriber in [&mut early, &mut late] {
        subscriber.expect(&["conversation_completed", "closed 1000"]).await;
    }
    engine.end().await;
}

#[actix_web::test]
async fn subscribers_may_ping_and_stop_and_all_else_they_say_is_ignored() {
    let engine = Engine::start();
    for stop in [r#"{"type":"stop_request"}"#, "{'type': 'stop_request'}"] {
        let mut subscriber = engine.subscriber("call").await;
        subscriber.text("nonsense").await;
        subscriber.text(r#"{"type":"start_request"}"#).await;
        subscriber.audio(vec![0; 8192]).await;
        subscriber.text("__PING__").await;
        subscriber.expect(&["pong"]).await;
        subscriber.text(stop).await;
        subscriber.expect(&["closed 1000"]).await;
    }
    engine.end().await;
}

/// Opens a subscription on a bare TCP socket with a small window, and reads nothing but the handshake.
async fn deaf_subscriber(engine: &Engine, connection_id: &str) -> TcpStream {
    let token = engine.token().await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(engine.address).await.unwrap();
    let request = format!(
        "GET /v1/subscribe/{connection_id}?access_token={token} HTTP/1.1\r\nHost: engine\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 512];
    let read = stream.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 101"));
    stream
}

#[actix_web::test]
async fn a_subscriber_that_never_reads_costs_only_itself() {
    let mut settings = settings();
    settings.limits.subscriber_outbox.frames = 64;
    settings.limits.leg_outbox.frames = 100_000;
    settings.limits.leg_outbox.bytes = 100_000_000;
    settings.timers.slow_close = Duration::from_millis(200);
    let engine = Engine::start_with(settings, Scripted::default());
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    let mut reader = engine.subscriber("call").await;
    reader.expect(&["conversation_created"]).await;
    let _deaf = deaf_subscriber(&engine, "call").await;
    assert_eq!(engine.state.counts().seats.subscribers, 2);

    let mut sentences = 0;
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while engine.state.counts().seats.subscribers > 1 {
        assert!(std::time::Instant::now() < deadline, "the deaf subscriber is still there");
        // Two sentences in four seconds of audio.
        leg.audio(mulaw(4000)).await;
        for _ in 0..2 {
            reader.expect(&["recognition_result", "message_response"]).await;
            leg.expect(&["recognition_result", "message_response"]).await;
            sentences += 1;
        }
    }
    assert_eq!(engine.state.counters().get(Count::SlowClosed), 1);
    assert!(engine.state.counters().get(Count::InterimDropped) > 0, "interim results went first");
    assert!(sentences > 60, "it was given room for its frames: {sentences}");
    leg.audio(mulaw(4000)).await;
    reader.expect(&["recognition_result", "message_response"]).await;
    leg.stop().await;
    engine.end().await;
}

#[actix_web::test]
async fn many_subscribers_all_hear_everything() {
    let engine = Engine::start();
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    let mut subscribers = Vec::new();
    for _ in 0..100 {
        subscribers.push(engine.subscriber("call").await);
    }
    leg.audio(mulaw(2500)).await;
    leg.stop().await;
    for subscriber in &mut subscribers {
        subscriber
            .expect(&[
                "conversation_created",
                "recognition_result",
                "message_response",
                "conversation_completed",
                "closed 1000",
            ])
            .await;
    }
    drop(subscribers);
    engine.end().await;
}

#[actix_web::test]
async fn a_subscriber_that_wakes_up_too_late_hears_that_it_was_too_slow() {
    let mut settings = settings();
    settings.limits.subscriber_outbox.frames = 64;
    settings.timers.slow_close = Duration::from_secs(30);
    let engine = Engine::start_with(settings, Scripted::default());
    let (mut leg, _) = engine.speaking_leg("call", "+1").await;
    let mut deaf = deaf_subscriber(&engine, "call").await;
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while engine.state.counters().get(Count::SlowClosed) == 0 {
        assert!(std::time::Instant::now() < deadline, "nothing is too much for the deaf subscriber");
        leg.audio(mulaw(4000)).await;
        for _ in 0..2 {
            leg.expect(&["recognition_result", "message_response"]).await;
        }
    }
    let mut everything = Vec::new();
    deaf.read_to_end(&mut everything).await.unwrap();
    // A close frame of ten bytes: 1008 and the reason.
    let close = [&[0x88, 10, 0x03, 0xf0][..], b"too slow"].concat();
    assert!(everything.ends_with(&close), "{:?}", &everything[everything.len() - 20..]);
    drop(deaf);
    leg.stop().await;
    engine.end().await;
}
