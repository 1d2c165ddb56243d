//! The second opinion: a scripted endpoint that sees what leaves, and an engine that loses nothing by it.

#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

mod engine_support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use engine_support::{Engine, PATIENCE, Said, Scripted, mulaw, settings, start_request};
use serde_json::{Value, json};
use symbl_bridge::config::{Settings, Sources};
use symbl_bridge::engine::counters::Count;
use symbl_bridge::engine::llm::LlmSettings;
use symbl_bridge::engine::settings::EngineSettings;
use symbl_bridge::engine::store::record::InsightRecord;

const KEY: &str = "sk-not-to-be-seen";

/// What the endpoint does.
#[derive(Debug, Clone)]
enum Manner {
    Answers,
    Fails,
    Raves,
    KeepsSilent,
}

/// A language model that finds a follow-up in the first line of everything: in a complaint, where rules find none.
#[derive(Clone)]
struct Model {
    manner: Manner,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Model {
    /// Starts it; returns it with its base address.
    fn start(manner: Manner) -> (Self, String) {
        let model = Self { manner, asked: Arc::default() };
        let shared = model.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(shared.clone()))
                .route("/v1/chat/completions", web::post().to(Self::complete))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        (model, format!("http://{address}/v1/"))
    }

    async fn complete(request: HttpRequest, body: web::Json<Value>, model: web::Data<Self>) -> HttpResponse {
        let authorization = request.headers().get("authorization").unwrap().to_str().unwrap().to_owned();
        model.asked.lock().unwrap().push((authorization, body.clone()));
        let wants_summary = body["messages"][0]["content"].as_str().unwrap().contains("summarise");
        let content = if wants_summary {
            r#"{"summary":"A bill was discussed."}"#
        } else {
            r#"{"insights":[{"line":"1","type":"follow_up","confidence":0.9,"assignee":"speaker"},
                {"line":"99","type":"question","confidence":1}]}"#
        };
        match model.manner {
            Manner::Answers => HttpResponse::Ok()
                .json(json!({ "choices": [{ "message": { "role": "assistant", "content": content } }] })),
            Manner::Fails => HttpResponse::InternalServerError().body("no"),
            Manner::Raves => HttpResponse::Ok()
                .json(json!({ "choices": [{ "message": { "content": "Sure! Here are your insights:" } }] })),
            Manner::KeepsSilent => {
                tokio::time::sleep(Duration::from_secs(30)).await;
                HttpResponse::Ok().finish()
            }
        }
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

fn asking(base_url: &str, unredacted: bool) -> EngineSettings {
    let llm = LlmSettings {
        base_url: base_url.to_owned(),
        model: "scripted".to_owned(),
        api_key: Some(KEY.into()),
        timeout: Duration::from_millis(500),
        unredacted,
    };
    EngineSettings { llm: Some(llm), ..settings() }
}

fn wishes(is_redacted: bool) -> Value {
    let mut request = start_request("ann");
    request["insightTypes"] = json!(["action_item", "follow_up", "question"]);
    request["config"]["redaction"] = json!({ "redactContent": is_redacted });
    request
}

fn has_follow_up(value: &Value) -> bool {
    value["insights"].as_array().is_some_and(|all| all.iter().any(|insight| insight["type"] == "follow_up"))
}

async fn eventually(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it never came to pass");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Speaks so many seconds on a leg and ends it; returns the conversation's id and everything that was said.
async fn call(engine: &Engine, is_redacted: bool, seconds: usize) -> (String, Vec<Value>) {
    let mut leg = engine.leg("room").await;
    let id = leg.start(&wishes(is_redacted)).await;
    for _ in 0..seconds {
        leg.audio(mulaw(1000)).await;
    }
    let mut said = Vec::new();
    // Until the offline results are there, and for a while more.
    while let Some(Said::Json(value)) = leg.next_within(Duration::from_millis(1500)).await {
        said.push(value);
    }
    said.extend(leg.stop().await);
    (id, said)
}

#[actix_web::test]
async fn nobody_is_asked_unless_it_is_configured() {
    assert!(EngineSettings::default().llm.is_none());
    assert!(Settings::load(&Sources::default()).unwrap().llm.is_none());
    let set = |pairs: &[(&str, &str)]| {
        let environment = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Settings::load(&Sources { file: None, environment })
    };
    let llm = set(&[
        ("BRIDGE__LLM__BASE_URL", "https://llm.example.com/v1/"),
        ("BRIDGE__LLM__MODEL", "small"),
        ("BRIDGE__LLM__API_KEY", KEY),
    ]);
    let llm = llm.unwrap();
    assert!(!format!("{llm:?}").contains(KEY));
    let llm = llm.llm.unwrap();
    assert_eq!((llm.base_url.as_str(), llm.timeout.as_millis()), ("https://llm.example.com/v1", 5000));
    assert!(!llm.unredacted);
    for (pairs, said) in [
        (vec![("BRIDGE__LLM__BASE_URL", "https://llm.example.com/v1")], "llm.model"),
        (vec![("BRIDGE__LLM__BASE_URL", "https://user:secret@llm.example.com")], "llm.base_url"),
        (vec![("BRIDGE__LLM__BASE_URL", "ftp://llm.example.com")], "llm.base_url"),
    ] {
        assert!(set(&pairs).unwrap_err().to_string().contains(said), "{pairs:?}");
    }
    assert!(!format!("{:?}", asking("http://127.0.0.1:1", false)).contains(KEY));
}

#[actix_web::test]
async fn more_is_found_after_the_offline_results_and_a_summary_is_kept() {
    let (model, base_url) = Model::start(Manner::Answers);
    let engine = Engine::start_with(asking(&base_url, false), Scripted::default());
    // A sentence every two seconds on average; ten are asked about at once.
    let (id, said) = call(&engine, true, 21).await;
    let place_of = |wanted: &dyn Fn(&Value) -> bool| said.iter().position(wanted);
    let insight = place_of(&has_follow_up).unwrap();
    let found = &said[insight]["insights"][0];
    assert_eq!((&found["type"], &found["confidence"]), (&json!("follow_up"), &json!(0.9)));
    let reference = &found["messageReference"]["id"];
    let message = place_of(&|value| {
        value["messages"].as_array().is_some_and(|all| all.iter().any(|message| message["id"] == *reference))
    });
    assert!(message.unwrap() < insight);
    assert_eq!(found["assignee"]["userId"], "ann");

    let store = engine.state.store();
    eventually(|| {
        store.flush();
        store.summary(&id).unwrap().is_some()
    })
    .await;
    let summary = store.summary(&id).unwrap().unwrap();
    assert_eq!(summary.text, "A bill was discussed.");
    assert_eq!(summary.message_ids.len(), store.messages(&id, false).unwrap().len());
    let insights = store.insights(&id).unwrap();
    let is_kept = |insight: &InsightRecord| insight.kind == "follow_up" && *reference == insight.message_id;
    assert!(insights.iter().any(is_kept));
    for (authorization, body) in model.asked() {
        assert_eq!(authorization, format!("Bearer {KEY}"));
        assert_eq!(body["response_format"]["type"], "json_object");
        let text = body.to_string();
        assert!(!text.contains("Name of ann") && !text.contains("\\\"ann\\\""), "{text}");
    }
    engine.end().await;
}

#[actix_web::test]
async fn only_what_has_left_redaction_goes_out() {
    let (model, base_url) = Model::start(Manner::Answers);
    let engine = Engine::start_with(asking(&base_url, false), Scripted::default());
    let token = engine.token().await;
    let import = async |is_redacted: bool| {
        let body = json!({
            "messages": [
                { "payload": { "content": "My number is 212 555 0100, please call." }, "from": { "name": "Ann" } },
                { "payload": { "content": "Let me look into that." }, "from": { "name": "Ben" } },
            ],
            "redaction": { "redactContent": is_redacted, "redactionString": "~~~" },
        });
        let request = awc::Client::default().post(engine.http("/v1/process/text"));
        let request = request.insert_header(("Authorization", format!("Bearer {token}")));
        let accepted: Value = request.send_json(&body).await.unwrap().json().await.unwrap();
        accepted["conversationId"].as_str().unwrap().to_owned()
    };
    let open = import(false).await;
    let hidden = import(true).await;
    let store = engine.state.store();
    eventually(|| {
        store.flush();
        store.summary(&hidden).unwrap().is_some() && !store.insights(&hidden).unwrap().is_empty()
    })
    .await;
    let asked = model.asked();
    assert_eq!(asked.len(), 2, "one for insights, one for a summary");
    for (_, body) in asked {
        let text = body.to_string();
        assert!(text.contains("~~~") && !text.contains("0100"), "{text}");
    }
    assert!(store.summary(&open).unwrap().is_none());
    assert_eq!(store.messages(&open, false).unwrap().len(), 2);
    engine.end().await;

    let (model, base_url) = Model::start(Manner::Answers);
    let engine = Engine::start_with(asking(&base_url, true), Scripted::default());
    call(&engine, false, 9).await;
    eventually(|| model.asked().len() == 2).await;
    engine.end().await;
}

#[actix_web::test]
async fn an_endpoint_that_does_not_answer_changes_nothing() {
    for manner in [Manner::Fails, Manner::Raves, Manner::KeepsSilent] {
        let (model, base_url) = Model::start(manner.clone());
        let engine = Engine::start_with(asking(&base_url, false), Scripted::default());
        let (id, said) = call(&engine, true, 21).await;
        assert!(!said.iter().any(has_follow_up), "{manner:?}");
        let store = engine.state.store();
        eventually(|| engine.state.counters().get(Count::LlmFailed) >= 2).await;
        store.flush();
        assert!(store.messages(&id, false).unwrap().len() >= 10);
        assert!(store.insights(&id).unwrap().iter().all(|insight| insight.kind != "follow_up"));
        assert!(store.summary(&id).unwrap().is_none());
        assert!(!model.asked().is_empty());
        engine.end().await;
    }
}
