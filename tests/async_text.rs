//! The asynchronous text API over HTTP: transcripts in, jobs polled, the record read.

#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

mod engine_support;

use std::time::{Duration, Instant};

use awc::http::Method;
use engine_support::{Engine, Scripted, settings};
use serde_json::{Value, json};
use symbl_bridge::engine::store::view::TrackerRecord;

/// Asks the engine; returns status, `Retry-After` and body.
async fn ask(
    engine: &Engine,
    method: Method,
    path: &str,
    token: &str,
    body: &str,
) -> (u16, Option<String>, Value) {
    // By default a client waits five seconds, which a debug build on a busy machine may need for 12,000 messages.
    let client = awc::Client::builder().timeout(engine_support::PATIENCE).finish();
    let request = client.request(method, engine.http(path));
    let request = request.insert_header(("Authorization", format!("Bearer {token}")));
    let mut response = request.content_type("application/json").send_body(body.to_owned()).await.unwrap();
    let retry = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    (status, retry, response.json().await.unwrap_or(Value::Null))
}

/// Waits until a job has ended; returns its last status.
async fn ended(engine: &Engine, token: &str, job: &Value) -> String {
    let path = format!("/v1/job/{}", job["jobId"].as_str().unwrap());
    let deadline = Instant::now() + engine_support::PATIENCE;
    while Instant::now() < deadline {
        let (status, _, body) = ask(engine, Method::GET, &path, token, "").await;
        assert_eq!((status, &body["id"]), (200, &job["jobId"]));
        match body["status"].as_str().unwrap() {
            "scheduled" | "in_progress" => tokio::time::sleep(Duration::from_millis(10)).await,
            other => return other.to_owned(),
        }
    }
    panic!("the job does not end")
}

fn transcript() -> Value {
    let said = |name: &str, user_id: &str, text: &str| json!({ "payload": { "content": text, "contentType": "text/plain" }, "from": { "name": name, "userId": user_id } });
    json!({
        "name": "Imported call",
        "messages": [
            said("Ann", "ann@example.com", "My number is 212 555 0100 by the way."),
            said("Ann", "ann@example.com", "Where is my refund?"),
            said("Ben", "ben@example.com", "I will send it tomorrow."),
            { "payload": { "content": "Thanks." },
              "duration": { "startTime": "2026-03-04T15:20:00Z", "endTime": "2026-03-04T15:20:02Z" } },
        ],
        "detectEntities": true,
        "enableAllTrackers": true,
        "trackers": [{ "name": "Thanks", "vocabulary": ["thanks"] }],
        "metadata": { "case": "4711" },
        "redaction": { "redactContent": true, "redactionString": "~~~" },
    })
}

fn refund_tracker() -> TrackerRecord {
    TrackerRecord {
        id: "4527907378937856".to_owned(),
        name: "Refund".to_owned(),
        vocabulary: vec!["refund".to_owned()],
        ..TrackerRecord::default()
    }
}

#[actix_web::test]
async fn a_transcript_becomes_a_conversation_like_any_other() {
    let engine = Engine::start();
    let token = engine.token().await;
    let store = engine.state.store();
    store.create_trackers(vec![refund_tracker()]).unwrap();
    let (status, _, accepted) =
        ask(&engine, Method::POST, "/v1/process/text", &token, &transcript().to_string()).await;
    assert_eq!(status, 201, "{accepted}");
    assert_eq!(ended(&engine, &token, &accepted).await, "completed");

    let id = accepted["conversationId"].as_str().unwrap();
    let conversation = store.conversation(id).unwrap().unwrap();
    assert_eq!(conversation.record.name, "Imported call");
    assert_eq!(conversation.metadata["case"], "4711");
    assert!(conversation.record.end_ms.is_some_and(|end_ms| end_ms >= conversation.record.start_ms));
    let names: Vec<_> = conversation.members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["Ann", "Ben"]);

    let mut messages = store.messages(id, true).unwrap();
    messages.sort_by_key(|message| message.sequence);
    let texts: Vec<_> = messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(
        [texts[1], texts[2], texts[3]],
        ["Where is my refund?", "I will send it tomorrow.", "Thanks."]
    );
    assert!(texts.len() == 4 && texts[0].contains("~~~") && !texts[0].contains("0100"), "{texts:?}");
    assert_eq!(messages[0].entities[0].text, "~~~");
    // 150 words a minute, one behind the other.
    assert_eq!(messages[2].start_ms - messages[0].start_ms, 13 * 400);
    assert_eq!((messages[3].end_ms - messages[3].start_ms, &messages[3].member_id), (2000, &None));
    let insights = store.insights(id).unwrap();
    let of_kind = |kind: &str| insights.iter().find(|insight| insight.kind == kind).unwrap();
    assert_eq!(of_kind("question").message_id, messages[1].id);
    assert_eq!(of_kind("action_item").assignee_id.as_ref(), Some(&conversation.members[1].id));
    let trackers: Vec<_> =
        store.tracker_matches(id).unwrap().into_iter().map(|found| found.tracker_name).collect();
    assert_eq!(trackers, ["Refund", "Thanks"]);
    engine.end().await;
}

#[actix_web::test]
async fn what_is_appended_goes_on_where_the_conversation_ended() {
    let engine = Engine::start();
    let token = engine.token().await;
    let (_, _, first) =
        ask(&engine, Method::POST, "/v1/process/text", &token, &transcript().to_string()).await;
    let id = first["conversationId"].as_str().unwrap();
    // Not waited for: appended transcripts are processed in the order they came.
    let mut jobs = vec![first.clone()];
    for number in 0..3 {
        let body = json!({ "messages": [
            { "payload": { "content": format!("Addition {number}.") }, "from": { "userId": "ben@example.com", "name": "Ben" } },
        ] });
        let path = format!("//v1//process/text/{id}");
        let (status, _, accepted) = ask(&engine, Method::PUT, &path, &token, &body.to_string()).await;
        assert_eq!((status, &accepted["conversationId"]), (201, &first["conversationId"]), "{accepted}");
        jobs.push(accepted);
    }
    for job in &jobs {
        assert_eq!(ended(&engine, &token, job).await, "completed");
    }
    let store = engine.state.store();
    let mut messages = store.messages(id, false).unwrap();
    messages.sort_by_key(|message| message.sequence);
    let sequence: Vec<_> = messages.iter().map(|message| message.sequence).collect();
    assert_eq!(sequence, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(messages[6].text, "Addition 2.");
    let conversation = store.conversation(id).unwrap().unwrap();
    assert_eq!(conversation.members.len(), 2, "Ben is the same as before");
    assert_eq!(conversation.record.name, "Imported call");
    assert!(conversation.record.end_ms.unwrap() >= messages[6].end_ms);
    engine.end().await;
}

#[actix_web::test]
async fn a_live_call_is_appended_to_when_it_is_over() {
    let engine = Engine::start();
    let token = engine.token().await;
    let (mut leg, id) = engine.speaking_leg("room", "ann").await;
    engine.state.store().flush();
    let path = format!("/v1/process/text/{id}");
    let body = r#"{"messages":[{"payload":{"content":"A note."}}]}"#;
    assert_eq!(ask(&engine, Method::PUT, &path, &token, body).await.0, 409);
    leg.audio(engine_support::mulaw(3000)).await;
    leg.stop().await;
    let deadline = Instant::now() + engine_support::PATIENCE;
    let accepted = loop {
        let (status, _, accepted) = ask(&engine, Method::PUT, &path, &token, body).await;
        if status == 201 || Instant::now() > deadline {
            break accepted;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(ended(&engine, &token, &accepted).await, "completed");
    let messages = engine.state.store().messages(&id, false).unwrap();
    assert!(messages.iter().any(|message| message.text == "A note." && message.sequence >= 1));
    engine.end().await;
}

#[actix_web::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let engine = Engine::start();
    let token = engine.token().await;
    let large = format!(r#"{{"messages":[{{"payload":{{"content":"{}"}}}}]}}"#, "x ".repeat(600_000));
    let good = r#"{"messages":[{"payload":{"content":"x"}}]}"#;
    for (method, path, token, body, status, said) in [
        (Method::POST, "/v1/process/text", "wrong", good, 401, "Token validation failed"),
        (Method::GET, "/v1/job/x", "wrong", "", 401, "Token validation failed"),
        (Method::POST, "/v1/process/text", &token, "", 400, "must be valid JSON"),
        (Method::POST, "/v1/process/text", &token, "{}", 400, "\"messages\" is required"),
        (Method::POST, "/v1/process/text", &token, &large, 413, "1 MB"),
        (Method::PUT, "/v1/process/text/1234567890123456", &token, good, 404, "conversationId"),
        (Method::GET, "/v1/job/x", &token, "", 404, "jobId"),
        (Method::GET, "/v1/process/text", &token, "", 405, "Method Not Allowed"),
    ] {
        let (found, _, answer) = ask(&engine, method, path, token, body).await;
        assert_eq!(found, status, "{path}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(said), "{answer}");
    }
    assert_eq!(engine.state.store().counts().written, 0);
    engine.end().await;
}

#[actix_web::test]
async fn more_jobs_than_allowed_are_told_to_come_again() {
    let mut settings = settings();
    settings.limits.imports = 2;
    let engine = Engine::start_with(settings, Scripted::default());
    let token = engine.token().await;
    let message = json!({ "payload": { "content": "A sentence of five words." } });
    let body = json!({ "messages": vec![message; 12_000] }).to_string();
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        match ask(&engine, Method::POST, "/v1/process/text", &token, &body).await {
            (201, _, job) => accepted.push(job),
            (status, retry, said) => refused.push((status, retry.unwrap(), said)),
        }
    }
    assert!(!refused.is_empty());
    for (status, retry, said) in &refused {
        assert_eq!((*status, retry.as_str()), (429, "5"), "{said}");
    }
    // Going down: the rest is told to have failed, not left in the dark.
    engine.state.drain(Duration::from_secs(5)).await;
    let last = accepted.last().unwrap();
    assert_eq!(ended(&engine, &token, last).await, "failed");
    engine.end().await;
}
