//! An engine on a free port with scripted ears, and a WebSocket client that nobody of the engine's family wrote.
//! Every message that the client receives is checked against `docs/schemas/server-message.json`.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what helps a test may fail it")]

pub(crate) mod client;
pub(crate) mod process;
pub(crate) mod scripted;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::{App, HttpServer, dev::ServerHandle};
use serde_json::{Value, json};
use symbl_bridge::engine::analysis::Analysis;
use symbl_bridge::engine::applications::Application;
use symbl_bridge::engine::hearing::Hearing;
use symbl_bridge::engine::settings::EngineSettings;
use symbl_bridge::engine::store::{SqliteStore, Store};
use symbl_bridge::engine::{EngineState, http};
use symbl_bridge::ws::socket_handle;

#[allow(unused_imports, reason = "each test binary uses its own part")]
pub(crate) use client::{Client, Said};
pub(crate) use scripted::Scripted;

/// 64 letters and digits each, as the web SDK wants them.
pub(crate) const APP_ID: &str = "6d4f0c6d4f0c6d4f0c6d4f0c6d4f0c6d4f0c6d4f0c6d4f0c6d4f0c6d4f0c6d4f";
pub(crate) const APP_SECRET: &str = "f93b1af93b1af93b1af93b1af93b1af93b1af93b1af93b1af93b1af93b1af93b";

/// No answer of a healthy engine takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let text = std::fs::read_to_string("docs/schemas/server-message.json").unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
});

/// Panics unless the text is a message that the strictest client can read.
pub(crate) fn check_message(text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(SCHEMA.is_valid(&value), "not in docs/schemas/server-message.json: {text}");
    check_integers(&value, text);
    value
}

/// JSON Schema takes 5.0 for an integer; Go does not.
fn check_integers(value: &Value, text: &str) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let is_duration = fields.contains_key("duration");
                let must_be_integer = match name.as_str() {
                    "offset" | "messageIndex" | "sequenceNumber" | "sampleRateHertz" | "timezoneOffset" => {
                        true
                    }
                    "timeOffset" => !is_duration,
                    _ => false,
                };
                assert!(!must_be_integer || field.is_i64() || field.is_u64(), "{name} has a point: {text}");
                check_integers(field, text);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| check_integers(item, text)),
        _ => {}
    }
}

/// Settings for tests: one application, refusals that do not take long.
pub(crate) fn settings() -> EngineSettings {
    let mut settings = EngineSettings {
        applications: vec![Application::new(APP_ID, &APP_SECRET.into())],
        ..EngineSettings::default()
    };
    settings.timers.refusal_delay = Duration::from_millis(50);
    settings
}

/// A running engine.
pub(crate) struct Engine {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) state: EngineState,
    server: ServerHandle,
}

impl Engine {
    /// Starts an engine whose ears are scripted.
    pub(crate) fn start() -> Self {
        Self::start_with(settings(), Scripted::default())
    }

    pub(crate) fn start_with(settings: EngineSettings, hearing: impl Hearing + 'static) -> Self {
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        Self::start_at("127.0.0.1:0", settings, hearing, store)
    }

    /// Starts an engine at an address, with a store of the test's.
    pub(crate) fn start_at(
        address: &str,
        settings: EngineSettings,
        hearing: impl Hearing + 'static,
        store: Arc<dyn Store>,
    ) -> Self {
        let (state, _) =
            EngineState::new(settings, Arc::new(hearing), Analysis::start("tests judge by words"), store);
        let shared = state.clone();
        let server =
            HttpServer::new(move || App::new().configure(|cfg| http::configure(cfg, shared.clone())))
                .on_connect(socket_handle::prepare(std::time::Duration::from_secs(30)))
                .workers(2)
                .disable_signals()
                .shutdown_timeout(1)
                .bind(address)
                .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { address, state, server: handle }
    }

    pub(crate) fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn ws(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// Asks the token endpoint.
    pub(crate) async fn token(&self) -> String {
        let (status, body) = self.ask_token(&credentials()).await;
        assert_eq!(status, 200, "{body}");
        body["accessToken"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn ask_token(&self, body: &Value) -> (u16, Value) {
        let mut response =
            awc::Client::default().post(self.http("/oauth2/token:generate")).send_json(body).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Opens a leg with the token in the query.
    pub(crate) async fn leg(&self, connection_id: &str) -> Client {
        let token = self.token().await;
        Client::connect(&self.ws(&format!("/v1/streaming/{connection_id}?access_token={token}"))).await
    }

    /// Opens a leg and starts it: mu-law, this speaker.
    pub(crate) async fn speaking_leg(&self, connection_id: &str, user_id: &str) -> (Client, String) {
        let mut leg = self.leg(connection_id).await;
        let conversation_id = leg.start(&start_request(user_id)).await;
        (leg, conversation_id)
    }

    /// Opens a subscriber.
    pub(crate) async fn subscriber(&self, connection_id: &str) -> Client {
        let token = self.token().await;
        Client::connect(&self.ws(&format!("/v1/subscribe/{connection_id}?access_token={token}"))).await
    }

    /// Ends the engine, after everybody has left: no connection id, no seat, no held refusal may remain.
    pub(crate) async fn end(self) {
        let mut counts = self.state.counts();
        for _ in 0..500 {
            counts = self.state.counts();
            if counts.connections == 0 && counts.held_refusals == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(counts.connections, 0, "{counts:?}");
        assert_eq!((counts.seats.legs, counts.seats.subscribers), (0, 0));
        self.server.stop(false).await;
    }
}

pub(crate) fn credentials() -> Value {
    json!({ "type": "application", "appId": APP_ID, "appSecret": APP_SECRET })
}

/// The start request of a mu-law leg.
pub(crate) fn start_request(user_id: &str) -> Value {
    json!({
        "type": "start_request",
        "config": { "speechRecognition": { "encoding": "MULAW", "sampleRateHertz": 8000 } },
        "speaker": { "userId": user_id, "name": format!("Name of {user_id}") },
    })
}

/// So many milliseconds of mu-law silence.
pub(crate) fn mulaw(millis: usize) -> Vec<u8> {
    vec![0xff; millis * 8]
}
