//! Twilio's REST API as a scripted server: one account, its numbers, its calls with their streams, its conferences, and failures to order.
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
    pub at: std::time::Instant,
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

/// A stream that the bridge has started on a call.
#[derive(Debug, Clone)]
pub struct StartedStream {
    pub call_sid: String,
    pub name: String,
    pub url: String,
    pub track: String,
    pub status_callback: String,
    pub parameters: std::collections::BTreeMap<String, String>,
    pub is_stopped: bool,
}

struct Record {
    account: Value,
    numbers: Vec<Value>,
    calls: Vec<Value>,
    /// Name of a conference and who is in it.
    conferences: Vec<(String, Vec<String>)>,
    /// Streams that were started, oldest first.
    streams: Vec<StartedStream>,
    /// Streams of this many tracks are all that a call may have.
    most_streams: usize,
    /// Each serves one request; then the server behaves.
    failures: VecDeque<Failure>,
    /// The same for requests whose method and path contain this.
    failures_of: Vec<(&'static str, String, Failure)>,
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
            conferences: Vec::new(),
            streams: Vec::new(),
            most_streams: 4,
            failures: VecDeque::new(),
            failures_of: Vec::new(),
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

    /// Adds a call that goes on, as a list names it.
    pub fn add_live_call(&self, call_sid: &str, from: &str, to: &str) {
        self.add_call(json!({
            "sid": call_sid, "from": from, "to": to, "status": "in-progress", "direction": "inbound",
            "start_time": "Tue, 03 Mar 2026 10:15:00 +0000", "end_time": null,
        }));
    }

    /// Lets a call end, or never have been there, where the list may not know it yet.
    pub fn end_call(&self, call_sid: &str, is_still_listed: bool) {
        let mut record = self.record();
        if is_still_listed {
            let call = record.calls.iter_mut().find(|call| call["sid"] == call_sid).expect("a call");
            call["is_over"] = true.into();
        } else {
            record.calls.retain(|call| call["sid"] != call_sid);
        }
    }

    /// Puts calls into a conference.
    pub fn add_conference(&self, name: &str, call_sids: &[&str]) {
        self.record()
            .conferences
            .push((name.to_string(), call_sids.iter().map(ToString::to_string).collect()));
    }

    /// Lets a call have so many streams at once, whose names are these already.
    pub fn add_stream(&self, call_sid: &str, name: &str, most: usize) {
        let mut record = self.record();
        record.most_streams = most;
        record.streams.push(StartedStream {
            call_sid: call_sid.to_string(),
            name: name.to_string(),
            url: String::new(),
            track: String::new(),
            status_callback: String::new(),
            parameters: std::collections::BTreeMap::new(),
            is_stopped: false,
        });
    }

    /// The streams so far.
    pub fn streams(&self) -> Vec<StartedStream> {
        self.record().streams.clone()
    }

    /// Answers the next request of this method, whose path contains this, so.
    pub fn fail_of(&self, method: &'static str, path: &str, failure: Failure) {
        self.record().failures_of.push((method, path.to_string(), failure));
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
            let of_this = |(method, path, _): &(&str, String, Failure)| {
                *method == heard.method && heard.path.contains(path)
            };
            let position = record.failures_of.iter().position(of_this);
            let failure = position.map(|position| record.failures_of.remove(position).2);
            let failure = failure.or_else(|| record.failures.pop_front());
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
        ("GET", "/Conferences.json") => {
            let conferences = (1..).zip(&record.conferences).map(|(number, (name, _))| {
                json!({ "sid": format!("CF{number:032x}"), "friendly_name": name, "status": "in-progress" })
            });
            let found = conferences.collect();
            (200, page("conferences", found, heard, PAGE))
        }
        ("GET", path) if path.starts_with("/Conferences/CF") && path.ends_with("/Participants.json") => {
            let number = path.trim_start_matches("/Conferences/CF").trim_end_matches("/Participants.json");
            let number = usize::from_str_radix(number, 16).unwrap_or_default();
            let Some((_, inside)) = record.conferences.get(number.wrapping_sub(1)) else {
                return (404, error(404, 20404));
            };
            let found =
                inside.iter().map(|call| json!({ "call_sid": call, "status": "connected" })).collect();
            (200, page("participants", found, heard, PAGE))
        }
        ("POST", path) if path.starts_with("/Calls/") && path.ends_with("/Streams.json") => {
            let sid = path.trim_start_matches("/Calls/").trim_end_matches("/Streams.json");
            start_stream(record, sid, heard)
        }
        ("POST", path) if path.starts_with("/Calls/") && path.contains("/Streams/") => {
            let found = path.trim_start_matches("/Calls/").trim_end_matches(".json").split_once("/Streams/");
            let (sid, name) = found.expect("the guard's");
            let is_it = |stream: &&mut StartedStream| {
                stream.call_sid == sid && stream.name == name && !stream.is_stopped
            };
            match record.streams.iter_mut().find(is_it) {
                Some(stream) if parameter(&heard.form, "Status") == Some("stopped") => {
                    stream.is_stopped = true;
                    (200, json!({ "name": name, "status": "stopped" }))
                }
                _ => (404, error(404, 20404)),
            }
        }
        ("GET", path) if path.starts_with("/Calls/") => {
            let sid = path.trim_start_matches("/Calls/").trim_end_matches(".json");
            let found = record.calls.iter().find(|call| call["sid"] == sid && call["is_over"] != true);
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

/// Starts a stream, as strictly as Twilio.
fn start_stream(record: &mut Record, call_sid: &str, heard: &Heard) -> (u16, Value) {
    let Some(call) = record.calls.iter().find(|call| call["sid"] == call_sid) else {
        return (404, error(404, 20404));
    };
    if call["status"] != "in-progress" || call["is_over"] == true {
        return (400, error(400, 21220));
    }
    let of_call = |stream: &&StartedStream| stream.call_sid == call_sid && !stream.is_stopped;
    let field = |name: &str| parameter(&heard.form, name).unwrap_or_default().to_string();
    let name = field("Name");
    let names_of_call = record.streams.iter().filter(|stream| stream.call_sid == call_sid);
    let is_taken = names_of_call.clone().any(|stream| stream.name == name);
    let is_full = record.streams.iter().filter(of_call).count() >= record.most_streams;
    if is_taken || is_full || !field("Url").starts_with("wss://") {
        return (400, error(400, if is_full { 31_005 } else { 21_200 }));
    }
    let mut parameters = std::collections::BTreeMap::new();
    for number in 1..=99 {
        let of =
            |part: &str| parameter(&heard.form, &format!("Parameter{number}.{part}")).map(str::to_string);
        if let Some((name, value)) = of("Name").zip(of("Value")) {
            parameters.insert(name, value);
        }
    }
    record.streams.push(StartedStream {
        call_sid: call_sid.to_string(),
        name: name.clone(),
        url: field("Url"),
        track: field("Track"),
        status_callback: field("StatusCallback"),
        parameters,
        is_stopped: false,
    });
    let sid = format!("MZ{:032x}", record.streams.len());
    (201, json!({ "sid": sid, "call_sid": call_sid, "name": name, "status": "in-progress" }))
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
        at: std::time::Instant::now(),
        form: url::form_urlencoded::parse(&body).map(owned).collect(),
    })
}
