//! A scripted server of the Symbl protocol on one port: token endpoint and Streaming API.
//!
//! It follows the reference by default; a [`Script`] makes it late, rude or broken. It never closes a leg's
//! socket of its own accord: a bridge that forgets to close is found out.

mod leg;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::bridge::{APP_ID, APP_SECRET};
use super::wait::wait_for;
pub use leg::{Ended, Leg, message_response, recognition_result};

/// How a token request is answered.
#[derive(Debug, Clone)]
pub enum TokenAnswer {
    /// A fresh token, after a pause.
    Token { after: Duration },
    /// An error status.
    Refuse(u16),
    /// A 200 whose body is not what was promised.
    Nonsense,
    /// The connection is closed without an answer.
    Hangup,
}

/// How a handshake is answered.
#[derive(Debug, Clone)]
pub enum Handshake {
    /// 101, after a pause.
    Accept { after: Duration },
    /// An error status.
    Refuse(u16),
    /// 101, then a close frame with this code at once.
    CloseAtOnce(u16),
    /// 101, then a reset.
    ResetAtOnce,
    /// Nothing at all; the connection stays open.
    Silence,
}

/// Which acknowledgements a `start_request` gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// The trio of reference 2.6.3.
    All,
    /// Some servers send only this one.
    StartedListening,
    /// And some only this one.
    RecognitionStarted,
    /// None until the test gives the cue.
    OnCue,
}

/// What a `stop_request` gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStop {
    /// `conversation_completed`, then `recognition_stopped`: the right order.
    CompletedThenStopped,
    /// The order of the documentation.
    StoppedThenCompleted,
    /// `conversation_completed` only.
    Completed,
    /// `recognition_stopped` only.
    Stopped,
    /// A close frame with 1000 and nothing else.
    Close,
    /// Nothing at all.
    Silence,
}

/// What the server does. Queues serve one request each; when they are empty the server behaves.
#[derive(Debug, Clone)]
pub struct Script {
    pub tokens: VecDeque<TokenAnswer>,
    /// Every token request that the queue does not cover.
    pub token: TokenAnswer,
    pub handshakes: VecDeque<Handshake>,
    /// Every handshake that the queue does not cover.
    pub handshake: Handshake,
    pub acks: Acks,
    pub acks_after: Duration,
    /// Sent right after the acknowledgements, text by text.
    pub then_say: Vec<String>,
    pub on_stop: OnStop,
    pub on_stop_after: Duration,
    /// Sent before the answer to `stop_request`: the last results.
    pub last_words: Vec<String>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            tokens: VecDeque::new(),
            token: TokenAnswer::Token { after: Duration::ZERO },
            handshakes: VecDeque::new(),
            handshake: Handshake::Accept { after: Duration::ZERO },
            acks: Acks::All,
            acks_after: Duration::ZERO,
            then_say: Vec::new(),
            on_stop: OnStop::CompletedThenStopped,
            on_stop_after: Duration::ZERO,
            last_words: Vec::new(),
        }
    }
}

/// A request of the token endpoint.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    pub head: Head,
    pub body: Value,
}

/// Request line and headers.
#[derive(Debug, Clone)]
pub struct Head {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a query parameter, as it was sent.
    pub fn query_parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(given, _)| *given == name).map(|(_, value)| value)
    }
}

#[derive(Default)]
struct Record {
    script: Script,
    token_requests: Vec<TokenRequest>,
    /// Token requests under way now, and the most there ever were.
    tokens_in_flight: usize,
    most_tokens_in_flight: usize,
    issued: Vec<String>,
    handshakes: Vec<Head>,
    legs: Vec<Leg>,
    conversations: HashMap<String, String>,
}

/// The server. It and every connection of it end with the test's runtime.
pub struct SymblServer {
    address: SocketAddr,
    record: Arc<Mutex<Record>>,
    accepting: JoinHandle<()>,
}

impl SymblServer {
    /// A server that behaves.
    pub async fn start() -> Self {
        Self::start_with(Script::default()).await
    }

    pub async fn start_with(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let record = Arc::new(Mutex::new(Record { script, ..Record::default() }));
        let shared = record.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { address, record, accepting }
    }

    /// What the bridge is configured with.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("no connection panicked")
    }

    /// Changes the script from now on.
    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.record().script);
    }

    /// Refuses connections from now on; those that are open stay.
    pub async fn stop_listening(&self) {
        self.accepting.abort();
        wait_for("the port to be closed", || self.accepting.is_finished().then_some(())).await;
    }

    pub fn token_requests(&self) -> Vec<TokenRequest> {
        self.record().token_requests.clone()
    }

    /// The most token requests that were ever under way at once.
    pub fn most_tokens_in_flight(&self) -> usize {
        self.record().most_tokens_in_flight
    }

    /// The tokens handed out.
    pub fn issued_tokens(&self) -> Vec<String> {
        self.record().issued.clone()
    }

    /// Every handshake, refused ones included.
    pub fn handshakes(&self) -> Vec<Head> {
        self.record().handshakes.clone()
    }

    /// Every upgraded connection, in the order of their handshakes.
    pub fn legs(&self) -> Vec<Leg> {
        self.record().legs.clone()
    }

    /// Waits for the connection that hears a caller: the one whose audio begins with these bytes.
    pub async fn leg_that_hears(&self, first_bytes: &[u8]) -> Leg {
        wait_for("a caller's audio at the server", || {
            self.legs().into_iter().find(|leg| leg.audio().starts_with(first_bytes))
        })
        .await
    }

    /// Waits for a connection of the speaker with this user id.
    pub async fn leg_of(&self, user_id: &str) -> Leg {
        wait_for(&format!("a connection of speaker {user_id}"), || {
            self.legs()
                .into_iter()
                .find(|leg| leg.speaker().is_some_and(|speaker| speaker["userId"] == user_id))
        })
        .await
    }
}

async fn serve(mut stream: TcpStream, record: Arc<Mutex<Record>>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    loop {
        let Some(head) = read_head(&mut stream, &mut buffer).await else {
            return;
        };
        if head.header("upgrade").is_some() {
            return upgrade(stream, head, buffer, record).await;
        }
        if !answer_token_request(&mut stream, head, &mut buffer, &record).await {
            return;
        }
    }
}

async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Head> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let rest = buffer.split_off(end + 4);
    let head = String::from_utf8(std::mem::replace(buffer, rest)).ok()?;
    let mut lines = head.trim_end().split("\r\n");
    let mut request_line = lines.next()?.split(' ');
    let method = request_line.next()?.to_string();
    let target = request_line.next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_string(), value.trim().to_string())).collect();
    Some(Head { method, path: path.to_string(), query: query.to_string(), headers })
}

/// Answers a request that is not an upgrade; `false` ends the connection.
async fn answer_token_request(
    stream: &mut TcpStream,
    head: Head,
    buffer: &mut Vec<u8>,
    record: &Arc<Mutex<Record>>,
) -> bool {
    let length = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    let rest = buffer.split_off(length);
    let body = serde_json::from_slice(&std::mem::replace(buffer, rest)).unwrap_or(Value::Null);
    let is_token_endpoint =
        ["/oauth2/token:generate", "/oauth2/token%3Agenerate"].contains(&head.path.as_str());
    if head.method != "POST" || !is_token_endpoint {
        return respond(stream, 404, &json!({ "message": "Not Found" })).await;
    }
    let valid = body["type"] == "application" && body["appId"] == APP_ID && body["appSecret"] == APP_SECRET;
    let answer = {
        let mut record = record.lock().expect("no connection panicked");
        record.token_requests.push(TokenRequest { head, body });
        record.tokens_in_flight += 1;
        record.most_tokens_in_flight = record.most_tokens_in_flight.max(record.tokens_in_flight);
        let scripted = record.script.tokens.pop_front().unwrap_or_else(|| record.script.token.clone());
        if valid { scripted } else { TokenAnswer::Refuse(401) }
    };
    if let TokenAnswer::Token { after } = answer {
        tokio::time::sleep(after).await;
    }
    record.lock().expect("no connection panicked").tokens_in_flight -= 1;
    match answer {
        TokenAnswer::Token { .. } => {
            let token = {
                let mut record = record.lock().expect("no connection panicked");
                let token =
                    format!("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0ZXN0In0.token-{}", record.issued.len() + 1);
                record.issued.push(token.clone());
                token
            };
            respond(stream, 200, &json!({ "accessToken": token, "expiresIn": 86400 })).await
        }
        TokenAnswer::Refuse(status) => {
            let message = "The appId or appSecret is not valid.";
            respond(stream, status, &json!({ "message": message })).await
        }
        TokenAnswer::Nonsense => respond(stream, 200, &json!({ "weather": "fine" })).await,
        TokenAnswer::Hangup => false,
    }
}

async fn respond(stream: &mut TcpStream, status: u16, body: &Value) -> bool {
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.is_ok()
}

async fn upgrade(mut stream: TcpStream, head: Head, buffer: Vec<u8>, record: Arc<Mutex<Record>>) {
    let connection_id = head.path.strip_prefix("/v1/realtime/insights/").map(str::to_string);
    let (handshake, known_token) = {
        let mut record = record.lock().expect("no connection panicked");
        record.handshakes.push(head.clone());
        let scripted = record.script.handshakes.pop_front();
        let handshake = scripted.unwrap_or_else(|| record.script.handshake.clone());
        let token = head.query_parameter("access_token").unwrap_or_default();
        (handshake, record.issued.iter().any(|issued| issued == token))
    };
    let Some(connection_id) = connection_id.filter(|id| !id.is_empty()) else {
        respond(&mut stream, 404, &json!({ "message": "Not Found" })).await;
        return;
    };
    match handshake {
        Handshake::Accept { after } => tokio::time::sleep(after).await,
        Handshake::Refuse(status) => {
            respond(&mut stream, status, &json!({ "message": "scripted" })).await;
            return;
        }
        Handshake::Silence => return std::future::pending().await,
        Handshake::CloseAtOnce(_) | Handshake::ResetAtOnce => {}
    }
    if !known_token {
        let message = "Token validation failed for provided token.";
        respond(&mut stream, 401, &json!({ "message": message })).await;
        return;
    }
    let accept = derive_accept_key(head.header("sec-websocket-key").unwrap_or_default().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    if stream.write_all(answer.as_bytes()).await.is_err() {
        return;
    }
    let (leg, orders, script) = {
        let mut record = record.lock().expect("no connection panicked");
        let next = record.conversations.len() as u64;
        let fresh = (5_174_930_226_618_368 + next).to_string();
        let conversation_id = record.conversations.entry(connection_id.clone()).or_insert(fresh).clone();
        let (leg, orders) = Leg::new(head, connection_id, conversation_id);
        record.legs.push(leg.clone());
        (leg, orders, record.script.clone())
    };
    match handshake {
        Handshake::CloseAtOnce(code) => leg.close(code),
        Handshake::ResetAtOnce => leg.reset(),
        _ => {}
    }
    leg::run(stream, buffer, leg, orders, script).await;
}
