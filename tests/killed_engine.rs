//! An engine that is killed in mid-call: what was said before is there after the restart, and the call may go on.
//!
//! Needs the speech model, as `tests/speech.rs` does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "what helps a test may fail it"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use symbl_bridge::engine::model::{BASE, ModelStatus, ModelStore};
use tokio_tungstenite::tungstenite::Message;

/// The longest wait for a message of a phrase that has been said; a busy machine takes some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

struct Engine {
    process: Child,
    address: String,
}

impl Engine {
    /// Starts `symbl-bridge engine` on a store and waits until it hears.
    fn start(store: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbl-bridge"));
        command
            .arg("engine")
            .env("BRIDGE__HTTP__PORT", "0")
            .env("LOG_FORMAT", "json")
            .env("RUST_LOG", "info");
        command.env("BRIDGE__STORE__DIR", store).env("BRIDGE__MODEL__MEANING", "false");
        command.env("SYMBL_APP_ID", "app").env("SYMBL_APP_SECRET", "secret").env_remove("SYMBL_API_BASE_URL");
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut lines = BufReader::new(process.stderr.take().expect("piped")).lines();
        let mut address = None;
        for line in lines.by_ref().map_while(Result::ok) {
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            match line["event"].as_str() {
                Some("server_listening") => address = line["address"].as_str().map(str::to_owned),
                Some("hearing_ready") => break,
                Some("hearing_unavailable") => panic!("{line}"),
                _ => {}
            }
        }
        // The pipe is read to its end, or the engine would wait for room in it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address: address.expect("a listening line before the model is loaded") }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    async fn token(&self) -> String {
        let asked = json!({ "type": "application", "appId": "app", "appSecret": "secret" });
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

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

type Leg = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Says that a test cannot run; fails it where it has to.
fn model_is_there() -> bool {
    let is_there = matches!(ModelStore::default().status(&BASE), ModelStatus::Present { .. });
    let required = std::env::var_os("SYMBL_BRIDGE_REQUIRE_MODEL").is_some_and(|value| value == "1");
    let remedy = "needs the speech model: run `symbl-bridge model install`";
    assert!(is_there || !required, "{remedy}");
    if !is_there {
        eprintln!("NOT RUN: {remedy}");
    }
    is_there
}

#[actix_web::test]
async fn what_was_said_survives_a_kill_and_the_call_goes_on() {
    if !model_is_there() {
        return;
    }
    let store = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(store.path());
    let mut socket = None;
    let (conversation, said) = engine.speak(8, &mut socket).await;
    // What is a second old is on the disk.
    tokio::time::sleep(Duration::from_secs(1)).await;
    engine.kill();

    let engine = Engine::start(store.path());
    let texts = |messages: &Value| -> Vec<String> {
        let messages = messages["messages"].as_array().unwrap();
        messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    };
    let path = format!("/v1/conversations/{conversation}");
    assert_eq!(texts(&engine.get(&format!("{path}/messages")).await), said);
    assert_eq!(engine.get(&path).await["members"][0]["name"], "Agent");

    let (again, more) = engine.speak(8, &mut socket).await;
    assert_eq!(again, conversation, "the leg comes back to its conversation");
    let all = texts(&engine.get(&format!("{path}/messages")).await);
    assert_eq!(all[..said.len()], said[..]);
    assert!(all.len() >= said.len() + more.len(), "{all:?}");
}
