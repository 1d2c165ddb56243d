//! HTTP requests as exact bytes over a plain connection: what is sent is what the test wrote.

use std::fmt::Write as _;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::wait::within;

/// The content type that Twilio sends, suffix included.
pub const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

/// An answer, read until the server closed.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A request in the making. It always asks the server to close, so that the answer ends where the bytes end.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    target: String,
    /// None: the address it is sent to.
    host: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            host: None,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Asks for another name's sake.
    pub fn host(mut self, name: &str) -> Self {
        self.host = Some(name.into());
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.header("Content-Type", content_type).header("Content-Length", &length)
    }

    /// Sends the request and reads the whole answer.
    pub async fn send(self, address: SocketAddr) -> Answer {
        let what = format!("an answer to {} {}", self.method, self.target);
        let bytes = within(&what, self.exchange(address)).await;
        parse_answer(&bytes)
            .unwrap_or_else(|| panic!("{what}: not HTTP: {:?}", String::from_utf8_lossy(&bytes)))
    }

    async fn exchange(&self, address: SocketAddr) -> Vec<u8> {
        let host = self.host.clone().unwrap_or_else(|| address.to_string());
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("a string takes all");
        }
        head.push_str("User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\nConnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(address).await.expect("connects to the bridge");
        // A server that refuses a body early may close before it has read all of it; the answer counts.
        if stream.write_all(head.as_bytes()).await.is_ok() {
            let _ = stream.write_all(&self.body).await;
        }
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut piece).await {
            answer.extend_from_slice(&piece[..length]);
        }
        answer
    }
}

/// Sends `GET target`.
pub async fn get(address: SocketAddr, target: &str) -> Answer {
    Request::new("GET", target).send(address).await
}

/// One URL-encoded form, as Twilio encodes it: `+` as `%2B`, a space as `+`.
pub fn form(pairs: &[(String, String)]) -> String {
    let encoded = pairs.iter().map(|(name, value)| format!("{}={}", form_text(name), form_text(value)));
    encoded.collect::<Vec<_>>().join("&")
}

fn form_text(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => encoded.push(byte.into()),
            b' ' => encoded.push('+'),
            _ => write!(encoded, "%{byte:02X}").expect("a string takes all"),
        }
    }
    encoded
}

/// `X-Twilio-Signature` of a form POST: URL, then each name and value, sorted by name (reference 5.1).
pub fn signature(auth_token: &str, url: &str, pairs: &[(String, String)]) -> String {
    let mut sorted = pairs.to_vec();
    sorted.sort();
    sorted.dedup();
    let mut mac = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("any key length is fine");
    mac.update(url.as_bytes());
    for (name, value) in &sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Reads an answer whose connection has ended.
pub fn parse_answer(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_string(), value.trim().to_string()));
    }
    let mut answer = Answer { status, headers, body: String::new() };
    let body = &bytes[end + 4..];
    let chunked = answer.header("transfer-encoding").is_some_and(|coding| coding.contains("chunked"));
    let body = if chunked { join_chunks(body)? } else { body.to_vec() };
    if let Some(length) = answer.header("content-length") {
        assert_eq!(length.parse(), Ok(body.len()), "the length that the answer states");
    }
    answer.body = String::from_utf8(body).ok()?;
    Some(answer)
}

fn join_chunks(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(end + 2..end + 2 + size)?);
        bytes = bytes.get(end + 4 + size..)?;
    }
}
