//! An engine that is killed in mid-call: what was said before is there after the restart, and the call may go on.
//!
//! Needs the speech model, as `tests/speech.rs` does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "what helps a test may fail it"
)]

mod real_engine;
mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use real_engine::{APP_ID, APP_SECRET, Engine, model_is_there};
use serde_json::{Value, json};
use support::bridge::Settings;
use support::dashboard::Dashboard;
use support::wait::wait_for;
use tokio_tungstenite::tungstenite::Message;

/// The longest wait for a message of a phrase that has been said; a busy machine takes some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client of an engine.
struct Client {
    address: String,
}

impl Client {
    async fn token(&self) -> String {
        let asked = json!({ "type": "application", "appId": APP_ID, "appSecret": APP_SECRET });
        let url = format!("http://{}/oauth2/token:generate", self.address);
        let mut answer = awc::Client::default().post(url).send_json(&asked).await.unwrap();
        answer.json::<Value>().await.unwrap()["accessToken"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{path}", self.address);
        let asked = awc::Client::default().get(url).bearer_auth(self.token().await);
        let mut answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// Speaks the first seconds of the demo's agent in real time; returns the conversation's id and the messages that
    /// came meanwhile. Ends by saying nothing more, with the socket open.
    async fn speak(&self, seconds: usize, socket: &mut Option<Leg>) -> (String, Vec<String>) {
        let url =
            format!("ws://{}/v1/realtime/insights/killed?access_token={}", self.address, self.token().await);
        let (leg, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let leg = socket.insert(leg);
        let start = json!({
            "type": "start_request", "noConnectionTimeout": 300, "insightTypes": ["question"],
            "config": { "speechRecognition": { "encoding": "MULAW", "sampleRateHertz": 8000 } },
            "speaker": { "userId": "+15550100001", "name": "Agent" }
        });
        leg.send(Message::text(start.to_string())).await.unwrap();
        let audio = &include_bytes!("audio/demo/agent.ulaw")[..seconds * 8000];
        let mut frames = audio.chunks(160);
        let mut clock = tokio::time::interval(Duration::from_millis(20));
        let (mut conversation, mut said) = (String::new(), Vec::new());
        let deadline = Instant::now() + PATIENCE;
        loop {
            tokio::select! {
                _ = clock.tick() => match frames.next() {
                    Some(frame) => leg.send(Message::binary(frame.to_vec())).await.unwrap(),
                    None if !said.is_empty() => return (conversation, said),
                    None => assert!(Instant::now() < deadline, "no message of {conversation}"),
                },
                message = leg.next() => {
                    let text = message.unwrap().unwrap().into_text().unwrap();
                    let message: Value = serde_json::from_str(&text).unwrap_or_default();
                    if let Some(id) = message["message"]["data"]["conversationId"].as_str() {
                        conversation = id.to_owned();
                    }
                    let messages = message["messages"].as_array().into_iter().flatten();
                    said.extend(messages.map(|message| message["payload"]["content"].as_str().unwrap().to_owned()));
                }
            }
        }
    }
}

type Leg = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

#[actix_web::test]
async fn what_was_said_survives_a_kill_and_the_call_goes_on() {
    if !model_is_there() {
        return;
    }
    let store = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(store.path());
    let client = Client { address: engine.address.clone() };
    let mut socket = None;
    let (conversation, said) = client.speak(8, &mut socket).await;
    // What is a second old is on the disk.
    tokio::time::sleep(Duration::from_secs(1)).await;
    engine.kill();

    let engine = Engine::start(store.path());
    let client = Client { address: engine.address.clone() };
    let path = format!("/v1/conversations/{conversation}");
    assert_eq!(texts(&client.get(&format!("{path}/messages")).await), said);
    assert_eq!(client.get(&path).await["members"][0]["name"], "Agent");

    let (again, more) = client.speak(8, &mut socket).await;
    assert_eq!(again, conversation, "the leg comes back to its conversation");
    let all = texts(&client.get(&format!("{path}/messages")).await);
    assert_eq!(all[..said.len()], said[..]);
    assert!(all.len() >= said.len() + more.len(), "{all:?}");
}

fn texts(messages: &Value) -> Vec<String> {
    let messages = messages["messages"].as_array().unwrap();
    messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// A bridged caller: the engine dies in the middle of a call and comes back, and the caller notices nothing.
#[actix_web::test]
async fn a_bridged_call_goes_on_in_the_same_conversation_when_its_engine_was_killed() {
    if !model_is_there() {
        return;
    }
    let store = tempfile::tempdir().unwrap();
    let engine = Engine::start(store.path());
    let settings = Settings::with_upstream(&format!("http://{}", engine.address));
    let bridge = settings.set("SYMBL_APP_ID", APP_ID).set("SYMBL_APP_SECRET", APP_SECRET).start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let update = |kind: &'static str| {
        let dashboard = &dashboard;
        wait_for(kind, move || dashboard.updates().into_iter().find(|update| update.value["type"] == kind))
    };

    // The agent's first two turns: the engine is killed between them.
    let voice = store.path().join("agent.ulaw");
    std::fs::write(&voice, &include_bytes!("audio/demo/agent.ulaw")[..24 * 8000]).unwrap();
    let mut call = Command::new(env!("CARGO_BIN_EXE_symbl-bridge"))
        .args(["call", "--url", &format!("http://{}", bridge.address)])
        .arg(&voice)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = update("connection_started").await;
    let conversation = started.text("conversationId").to_owned();
    let messages = format!("/v1/conversations/{conversation}/messages");
    let client = Client { address: engine.address.clone() };
    let deadline = Instant::now() + PATIENCE;
    let before = loop {
        let said = texts(&client.get(&messages).await);
        if !said.is_empty() {
            break said;
        }
        assert!(Instant::now() < deadline, "no message of {conversation}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    let engine = engine.restart(store.path());

    assert_eq!(update("connection_interrupted").await.text("reason"), "connection_lost");
    let resumed = update("connection_resumed").await;
    assert_eq!(resumed.value["lostMs"], 0);
    assert_eq!(resumed.text("conversationId"), conversation, "the engine knows its conversation again");
    assert!(call.wait().unwrap().success(), "the caller was not disturbed");
    assert_eq!(update("connection_stopped").await.text("reason"), "hangup");
    let client = Client { address: engine.address.clone() };
    let after = texts(&client.get(&messages).await);
    assert_eq!(after[..before.len()], before[..]);
    assert!(after.len() > before.len(), "what was said after the restart: {after:?}");
}
