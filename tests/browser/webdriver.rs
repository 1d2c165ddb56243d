//! The browser as these tests drive it: WebDriver (W3C) by fantoccini, and two commands that only chromedriver has.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

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
    client: Client,
}

impl Session {
    /// Starts a browser.
    pub(crate) async fn start(address: SocketAddr, capabilities: Capabilities) -> Self {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let url = format!("http://{address}");
        let started =
            tokio::time::timeout(COMMAND_PATIENCE, builder.capabilities(capabilities).connect(&url));
        let started = started.await.expect("chromium starts in time");
        Self { client: started.unwrap_or_else(|error| panic!("chromium does not start: {error}")) }
    }

    /// Loads an address.
    pub(crate) async fn goto(&self, url: &str) {
        must(url, self.client.goto(url)).await;
    }

    pub(crate) async fn reload(&self) {
        must("reload", self.client.refresh()).await;
    }

    /// Runs a function body and gives what it returns.
    pub(crate) async fn run(&self, body: &str) -> Value {
        must(body, self.client.execute(body, Vec::new())).await
    }

    /// Runs a function body and gives what it hands to its last argument.
    pub(crate) async fn run_until_done(&self, body: &str) -> Value {
        must(body, self.client.execute_async(body, Vec::new())).await
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let extension =
            Extension { path: "goog/cdp/execute", body: json!({ "cmd": command, "params": parameters }) };
        must(command, self.client.issue_cmd(extension)).await
    }

    /// Clicks an element as a person does: it has to be visible and nothing may lie on it.
    pub(crate) async fn click(&self, selector: &str) -> Result<(), String> {
        let click = async { self.client.find(Locator::Css(selector)).await?.click().await };
        in_time(click).await.map_err(|error| error.to_string())
    }

    /// Presses and releases each key of the text, wherever the focus is.
    pub(crate) async fn keys(&self, text: &str) {
        let presses = text.chars().flat_map(|value| [KeyAction::Down { value }, KeyAction::Up { value }]);
        let keyboard = presses.fold(KeyActions::new("keyboard".to_owned()), KeyActions::then);
        must("keys", self.client.perform_actions(keyboard)).await;
    }

    /// What is seen, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        must("screenshot", self.client.screenshot()).await
    }

    /// What the console has said since this was last asked.
    pub(crate) async fn console(&self) -> Vec<ConsoleLine> {
        let extension = Extension { path: "se/log", body: json!({ "type": "browser" }) };
        let lines = must("console", self.client.issue_cmd(extension)).await;
        let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let lines = lines.as_array().expect("lines").iter();
        lines.map(|line| ConsoleLine { level: text(line, "level"), message: text(line, "message") }).collect()
    }
}

/// A command that the standard does not have.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

/// Does what must succeed.
async fn must<T>(what: &str, command: impl Future<Output = Result<T, CmdError>>) -> T {
    in_time(command).await.unwrap_or_else(|error| {
        let what: String = what.chars().take(400).collect();
        panic!("{what}: {error}")
    })
}

async fn in_time<T>(command: impl Future<Output = Result<T, CmdError>>) -> Result<T, Failure> {
    match tokio::time::timeout(COMMAND_PATIENCE, command).await {
        Ok(done) => done.map_err(Failure::Refused),
        Err(_) => Err(Failure::Late),
    }
}

/// Why a command came to nothing.
enum Failure {
    Refused(CmdError),
    Late,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Late => write!(f, "no answer within {COMMAND_PATIENCE:?}"),
        }
    }
}
