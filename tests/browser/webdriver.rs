//! The few WebDriver commands (W3C) that these tests need, as JSON over HTTP to chromedriver.
//!
//! No crate does this: what there is would build the tested program with other features than it ships with (`serde_json` with
//! `preserve_order`, `tokio` with threads), brings licences that `deny.toml` has not, or costs CI minutes.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::http::parse_answer;

/// One command, the browser's start included, on a machine that does much else.
pub(crate) const COMMAND_PATIENCE: Duration = Duration::from_secs(90);

/// Keys that are no characters, as WebDriver names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Enter,
    Escape,
    Tab,
}

impl Key {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Enter => "\u{e007}",
            Self::Escape => "\u{e00c}",
            Self::Tab => "\u{e004}",
        }
    }
}

/// A line of the browser's console.
#[derive(Debug, Clone)]
pub(crate) struct ConsoleLine {
    pub(crate) level: String,
    pub(crate) message: String,
}

/// A browser's window.
#[derive(Debug)]
pub(crate) struct Session {
    address: SocketAddr,
    id: String,
}

impl Session {
    /// Starts a browser.
    pub(crate) async fn start(address: SocketAddr, capabilities: Value) -> Self {
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let started = ask(address, "POST", "/session", Some(&wanted)).await;
        let started = started.unwrap_or_else(|error| panic!("chromium does not start: {error}"));
        let id = started["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {started}"));
        Self { address, id: id.to_owned() }
    }

    /// Loads an address.
    pub(crate) async fn goto(&self, url: &str) {
        self.must("url", json!({ "url": url })).await;
    }

    pub(crate) async fn reload(&self) {
        self.must("refresh", json!({})).await;
    }

    /// Runs a function body and gives what it returns.
    pub(crate) async fn run(&self, body: &str) -> Value {
        self.must("execute/sync", json!({ "script": body, "args": [] })).await
    }

    /// Runs a function body and gives what it hands to its last argument.
    pub(crate) async fn run_until_done(&self, body: &str) -> Value {
        self.must("execute/async", json!({ "script": body, "args": [] })).await
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.must("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// Clicks an element as a person does: it has to be visible and nothing may lie on it.
    pub(crate) async fn click(&self, selector: &str) -> Result<(), String> {
        let found = json!({ "using": "css selector", "value": selector });
        let element = self.command("element", found).await?;
        let id = element.as_object().and_then(|element| element.values().next()?.as_str());
        let id = id.ok_or_else(|| format!("no element: {element}"))?;
        self.command(&format!("element/{id}/click"), json!({})).await.map(drop)
    }

    /// Presses and releases each key of the text, wherever the focus is.
    pub(crate) async fn keys(&self, text: &str) {
        let presses = text.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
        });
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": presses.collect::<Vec<_>>() });
        self.must("actions", json!({ "actions": [keyboard] })).await;
    }

    /// What is seen, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let picture = self.ask("GET", "screenshot", None).await;
        let picture = picture.unwrap_or_else(|error| panic!("screenshot: {error}"));
        STANDARD.decode(picture.as_str().expect("base64")).expect("base64")
    }

    /// What the console has said since this was last asked.
    pub(crate) async fn console(&self) -> Vec<ConsoleLine> {
        let lines = self.must("se/log", json!({ "type": "browser" })).await;
        let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let lines = lines.as_array().expect("lines").iter();
        lines.map(|line| ConsoleLine { level: text(line, "level"), message: text(line, "message") }).collect()
    }

    /// Posts a command that must succeed.
    async fn must(&self, command: &str, parameters: Value) -> Value {
        let done = self.command(command, parameters.clone()).await;
        done.unwrap_or_else(|error| {
            let parameters: String = parameters.to_string().chars().take(400).collect();
            panic!("{command} {parameters}: {error}")
        })
    }

    async fn command(&self, command: &str, parameters: Value) -> Result<Value, String> {
        self.ask("POST", command, Some(&parameters)).await
    }

    async fn ask(&self, method: &str, command: &str, parameters: Option<&Value>) -> Result<Value, String> {
        ask(self.address, method, &format!("/session/{}/{command}", self.id), parameters).await
    }
}

/// Sends a command on a connection of its own; gives the value of the answer, or what the browser has against it.
async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    parameters: Option<&Value>,
) -> Result<Value, String> {
    let body = parameters.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         \r\n{body}",
        body.len()
    );
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        // Its server leaves the connection open whatever it is asked for.
        while !is_whole(&answer) && stream.read_buf(&mut answer).await? > 0 {}
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(COMMAND_PATIENCE, exchange).await;
    let answer = answer.map_err(|_| format!("no answer within {COMMAND_PATIENCE:?}"))?;
    let answer = answer.map_err(|error| error.to_string())?;
    let answer = parse_answer(&answer).ok_or("no HTTP")?;
    let mut value: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
    let value = value["value"].take();
    if answer.status == 200 { Ok(value) } else { Err(format!("{}: {}", value["error"], value["message"])) }
}

/// Whether an answer has the length that it states.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.is_some_and(|length: usize| answer.len() >= end + 4 + length)
}
