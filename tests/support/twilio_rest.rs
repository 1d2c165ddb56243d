//! Twilio's REST API as a scripted server: one account, its numbers, its calls, and failures to order.
//!
//! It records every request it hears, and knows nothing of the bridge's client (reference 6).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// Numbers on a page of a list, few so that pages are followed.
const PAGE: usize = 2;

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Heard {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub authorization: String,
    pub form: Vec<(String, String)>,
}

/// An answer to order, in the place of the right one.
#[derive(Debug, Clone)]
pub struct Failure {
    pub status: u16,
    pub code: u32,
    pub retry_after: Option<u64>,
}

impl Failure {
    pub fn new(status: u16, code: u32) -> Self {
        Self { status, code, retry_after: None }
    }

    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

struct Record {
    account: Value,
    numbers: Vec<Value>,
    calls: Vec<Value>,
    /// Each serves one request; then the server behaves.
    failures: VecDeque<Failure>,
    /// What the `Date` header is off by, in seconds.
    clock_error: i64,
    is_silent: bool,
    heard: Vec<Heard>,
}

/// The server; it ends with this value.
pub struct TwilioRest {
    address: SocketAddr,
    account_sid: String,
    record: Arc<Mutex<Record>>,
    accepting: JoinHandle<()>,
}

impl Drop for TwilioRest {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl TwilioRest {
    /// Starts a server with one active account and no number.
    pub async fn start(account_sid: &str, auth_token: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let record = Arc::new(Mutex::new(Record {
            account: json!({ "sid": account_sid, "status": "active", "type": "Full", "friendly_name": "ours" }),
            numbers: Vec::new(),
            calls: Vec::new(),
            failures: VecDeque::new(),
            clock_error: 0,
            is_silent: false,
            heard: Vec::new(),
        }));
        let expected = format!("Basic {}", STANDARD.encode(format!("{account_sid}:{auth_token}")));
        let (shared, sid) = (record.clone(), account_sid.to_string());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone(), expected.clone(), sid.clone()));
            }
        });
        Self { address, account_sid: account_sid.to_string(), record, accepting }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("no connection panicked")
    }

    /// Gives the account a number with Twilio's defaults and these fields.
    pub fn add_number(&self, phone_number: &str, fields: Value) {
        let mut number = json!({
            "sid": format!("PN{:032x}", self.record().numbers.len() + 1),
            "account_sid": self.account_sid,
            "phone_number": phone_number,
            "friendly_name": phone_number,
            "capabilities": { "voice": true, "sms": true, "mms": true, "fax": false },
            "voice_url": "https://demo.twilio.com/welcome/voice/",
            "voice_method": "POST",
            "voice_application_sid": null,
            "trunk_sid": null,
            "status_callback": "",
            "status_callback_method": "POST",
        });
        for (name, value) in fields.as_object().expect("fields") {
            number[name] = value.clone();
        }
        self.record().numbers.push(number);
    }

    /// Adds a call to those that are listed.
    pub fn add_call(&self, call: Value) {
        self.record().calls.push(call);
    }

    /// Returns a number as it is now.
    pub fn number(&self, phone_number: &str) -> Value {
        let record = self.record();
        let found = record.numbers.iter().find(|number| number["phone_number"] == phone_number);
        found.cloned().expect("a number of the account")
    }

    /// Changes a field of the account.
    pub fn set_account(&self, name: &str, value: &str) {
        self.record().account[name] = value.into();
    }

    /// Answers the next request so.
    pub fn fail(&self, failure: Failure) {
        self.record().failures.push_back(failure);
    }

    /// Answers nothing from now on.
    pub fn fall_silent(&self) {
        self.record().is_silent = true;
    }

    /// Lets the clock of the server be wrong by so many seconds.
    pub fn set_clock_error(&self, seconds: i64) {
        self.record().clock_error = seconds;
    }

    /// Every request so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.record().heard.clone()
    }

    /// The requests so far that changed something.
    pub fn changes(&self) -> Vec<Heard> {
        self.heard().into_iter().filter(|heard| heard.method == "POST").collect()
    }
}

async fn serve(mut stream: TcpStream, record: Arc<Mutex<Record>>, expected: String, account_sid: String) {
    let mut buffer = Vec::new();
    while let Some(heard) = read_request(&mut stream, &mut buffer).await {
        let (status, body, retry_after, clock_error, is_silent) = {
            let mut record = record.lock().expect("no connection panicked");
            record.heard.push(heard.clone());
            let failure = record.failures.pop_front();
            let retry_after = failure.as_ref().and_then(|failure| failure.retry_after);
            let (status, body) = match failure {
                Some(failure) => (failure.status, error(failure.status, failure.code)),
                None => answer(&mut record, &heard, &expected, &account_sid),
            };
            (status, body.to_string(), retry_after, record.clock_error, record.is_silent)
        };
        if is_silent {
            return std::future::pending().await;
        }
        let date = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(clock_error))
            .strftime("%a, %d %b %Y %H:%M:%S GMT");
        let retry_after =
            retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
        let text = format!(
            "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\nDate: {date}\r\n{retry_after}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn error(status: u16, code: u32) -> Value {
    json!({ "code": code, "message": "scripted", "more_info": "https://www.twilio.com/docs/errors", "status": status })
}

/// Does what Twilio does.
fn answer(record: &mut Record, heard: &Heard, expected: &str, account_sid: &str) -> (u16, Value) {
    if heard.authorization != expected {
        return (401, error(401, 20003));
    }
    let root = format!("/2010-04-01/Accounts/{account_sid}");
    let Some(rest) = heard.path.strip_prefix(&root) else { return (404, error(404, 20404)) };
    match (heard.method.as_str(), rest) {
        ("GET", ".json") => (200, record.account.clone()),
        ("GET", "/IncomingPhoneNumbers.json") => {
            // Twilio's filter takes any part of a number.
            let part = parameter(&heard.query, "PhoneNumber").unwrap_or_default().to_string();
            let wanted =
                |number: &&Value| number["phone_number"].as_str().unwrap_or_default().contains(&part);
            let found = record.numbers.iter().filter(wanted).cloned().collect();
            (200, page("incoming_phone_numbers", found, heard, PAGE))
        }
        ("GET", "/Calls.json") => {
            let matches = |call: &&Value| {
                [("To", "to"), ("From", "from"), ("Status", "status")].iter().all(|(name, field)| {
                    parameter(&heard.query, name).is_none_or(|wanted| call[field] == wanted)
                })
            };
            let found = record.calls.iter().filter(matches).cloned().collect();
            (200, page("calls", found, heard, PAGE))
        }
        ("GET", path) if path.starts_with("/Calls/") => {
            let sid = path.trim_start_matches("/Calls/").trim_end_matches(".json");
            let found = record.calls.iter().find(|call| call["sid"] == sid);
            found.map_or_else(|| (404, error(404, 20404)), |call| (200, call.clone()))
        }
        ("POST", path) if path.starts_with("/IncomingPhoneNumbers/") => {
            let sid = path.trim_start_matches("/IncomingPhoneNumbers/").trim_end_matches(".json");
            let Some(number) = record.numbers.iter_mut().find(|number| number["sid"] == sid) else {
                return (404, error(404, 20404));
            };
            for (name, value) in &heard.form {
                let field = match name.as_str() {
                    "VoiceUrl" => "voice_url",
                    "VoiceMethod" => "voice_method",
                    "StatusCallback" => "status_callback",
                    "StatusCallbackMethod" => "status_callback_method",
                    "VoiceApplicationSid" => "voice_application_sid",
                    "TrunkSid" => "trunk_sid",
                    _ => return (400, error(400, 20001)),
                };
                number[field] = value.as_str().into();
            }
            (200, number.clone())
        }
        _ => (404, error(404, 20404)),
    }
}

fn page(name: &str, entries: Vec<Value>, heard: &Heard, size: usize) -> Value {
    let number: usize = parameter(&heard.query, "Page").and_then(|page| page.parse().ok()).unwrap_or(0);
    let shown: Vec<Value> = entries.iter().skip(number * size).take(size).cloned().collect();
    let next = (entries.len() > (number + 1) * size).then(|| format!("{}?Page={}", heard.path, number + 1));
    json!({ name: shown, "next_page_uri": next, "page": number, "page_size": size })
}

fn parameter<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Heard> {
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
    let header = |name: &str| {
        let mut pairs = head.split("\r\n").filter_map(|line| line.split_once(':'));
        pairs.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_string())
    };
    let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let rest = buffer.split_off(length);
    let body = std::mem::replace(buffer, rest);
    let mut request_line = head.split("\r\n").next()?.split(' ');
    let method = request_line.next()?.to_string();
    let url = Url::parse(&format!("http://twilio{}", request_line.next()?)).ok()?;
    let owned = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        (name.into_owned(), value.into_owned())
    };
    Some(Heard {
        method,
        path: url.path().to_string(),
        query: url.query_pairs().map(owned).collect(),
        authorization: header("authorization").unwrap_or_default(),
        form: url::form_urlencoded::parse(&body).map(owned).collect(),
    })
}
