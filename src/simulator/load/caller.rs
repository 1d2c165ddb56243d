//! One leg: the webhook, the TwiML's media socket, `start` and the first frame; and in the end `stop`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frame::{self, Stamp};
use super::http::Head;
use super::since;
use super::websocket::{self, CLOSE, TEXT};
use crate::simulator::address::Address;
use crate::simulator::chance;
use crate::simulator::twiml_reader::{self, StreamNoun, Verb};
use crate::simulator::wire::{self, StreamIds};
use crate::twilio::{Form, Signer};

/// Twilio's patience for a webhook and for a handshake.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

const VOICE_PATH: &str = "/twilio/twiml";
const STATUS_PATH: &str = "/twilio/statuschange";

/// The bridge, and what all its callers have in common.
pub(super) struct Line {
    /// Where it is connected to.
    pub(super) socket: SocketAddr,
    pub(super) address: Address,
    pub(super) signer: Option<Signer>,
    pub(super) account_sid: String,
    pub(super) to: String,
    pub(super) legs_a_room: usize,
    /// Tells this step's frames and rooms from those of others.
    pub(super) run: u32,
    pub(super) began: Instant,
}

/// A leg that stands.
pub(super) struct Standing {
    pub(super) leg: u32,
    pub(super) stream: Arc<TcpStream>,
    pub(super) ids: StreamIds,
    /// When `start` was written, in nanoseconds since the run began.
    pub(super) started_ns: u64,
    /// How long the webhook took.
    pub(super) webhook_ns: u64,
}

/// Why there is no leg.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetUpFault {
    #[error("no connection: {0}")]
    Unreachable(io::ErrorKind),
    #[error("the webhook was answered with {0}")]
    Webhook(u16),
    #[error("the TwiML has no stream: the bridge takes no further leg")]
    NoStream,
    #[error("the TwiML cannot be read: {0}")]
    Twiml(String),
    #[error("the media socket's handshake was answered with {0}")]
    Handshake(u16),
    #[error("the {0} was not answered")]
    Unanswered(&'static str),
}

impl From<io::Error> for SetUpFault {
    fn from(fault: io::Error) -> Self {
        Self::Unreachable(fault.kind())
    }
}

impl Line {
    /// Calls, as somebody whose telephone does nothing but what the TwiML says.
    pub(super) async fn set_up(&self, leg: u32) -> Result<Standing, SetUpFault> {
        let ids = StreamIds {
            account_sid: self.account_sid.clone(),
            call_sid: chance::sid("CA"),
            stream_sid: chance::sid("MZ"),
        };
        let room = format!("load-{:08x}-{}", self.run, leg as usize / self.legs_a_room);
        let begin = Instant::now();
        let page = self.address.public(&format!("{VOICE_PATH}?room={room}"));
        let (status, body) = self.post(&page, &self.form(&ids, leg, "ringing"), "webhook").await?;
        let webhook_ns = since(begin);
        if status != 200 {
            return Err(SetUpFault::Webhook(status));
        }
        let document = twiml_reader::read(&body).map_err(|fault| SetUpFault::Twiml(fault.to_string()))?;
        let noun = document.verbs.into_iter().find_map(|verb| match verb {
            Verb::Start(noun) | Verb::Connect(noun) => Some(noun),
            _ => None,
        });
        let noun = noun.ok_or(SetUpFault::NoStream)?;
        let opened = timeout(ANSWER_LIMIT, self.open(&noun));
        let mut stream = opened.await.map_err(|_| SetUpFault::Unanswered("media socket's handshake"))??;
        let started_ns = since(self.began);
        let first = Stamp { leg, number: 0, due_ns: started_ns, sent_ns: started_ns };
        let mut greeting = Vec::new();
        websocket::append(&mut greeting, TEXT, wire::CONNECTED.as_bytes(), true);
        let start = wire::start(&ids, &["inbound"], &noun.parameters);
        websocket::append(&mut greeting, TEXT, start.as_bytes(), true);
        frame::append_media(&mut greeting, &ids.stream_sid, 0, &frame::audio(self.run, first));
        stream.write_all(&greeting).await?;
        Ok(Standing { leg, stream: Arc::new(stream), ids, started_ns, webhook_ns })
    }

    /// Says that the caller hung up, as the number's status callback does; returns the answer's status.
    pub(super) async fn hang_up(&self, ids: &StreamIds, leg: u32) -> Result<u16, SetUpFault> {
        let page = self.address.public(STATUS_PATH);
        Ok(self.post(&page, &self.form(ids, leg, "completed"), "status callback").await?.0)
    }

    fn form(&self, ids: &StreamIds, leg: u32, status: &str) -> Form {
        // Numbers of nobody's: 555-01xx is too few for a load, so these are of no area at all.
        let from = format!("+1999{:07}", leg % 10_000_000);
        Form::from_pairs([
            ("AccountSid", ids.account_sid.as_str()),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", ids.call_sid.as_str()),
            ("CallStatus", status),
            ("Direction", "inbound"),
            ("From", from.as_str()),
            ("To", self.to.as_str()),
        ])
    }

    async fn post(&self, page: &str, form: &Form, what: &'static str) -> Result<(u16, String), SetUpFault> {
        let body = form.encode();
        let target = self.address.target(page).map_err(|fault| SetUpFault::Twiml(fault.to_string()))?;
        let signature = self.signer.as_ref().map(|signer| signer.sign_form(page, form));
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: {}\r\n{}\r\n{body}",
            path_of(&target.url),
            target.host,
            body.len(),
            signature_header(signature),
        );
        let exchange = async {
            let mut stream = TcpStream::connect(self.socket).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut buffer = Vec::new();
            let head = Head::read(&mut stream, &mut buffer).await;
            let head = head.ok_or(SetUpFault::Unanswered(what))?;
            let body = head.body(&mut stream, &mut buffer).await.unwrap_or_default();
            let status = head.status().ok_or(SetUpFault::Unanswered(what))?;
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        };
        timeout(ANSWER_LIMIT, exchange).await.unwrap_or(Err(SetUpFault::Unanswered(what)))
    }

    async fn open(&self, noun: &StreamNoun) -> Result<TcpStream, SetUpFault> {
        let target = self.address.target(&noun.url).map_err(|fault| SetUpFault::Twiml(fault.to_string()))?;
        let signature = self.signer.as_ref().map(|signer| signer.sign_url(&noun.url));
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Twilio.TmeWs/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
            path_of(&target.url),
            target.host,
            signature_header(signature),
        );
        let mut stream = TcpStream::connect(self.socket).await?;
        stream.set_nodelay(true)?;
        stream.write_all(request.as_bytes()).await?;
        let head = Head::read(&mut stream, &mut Vec::new()).await;
        match head.and_then(|head| head.status()) {
            Some(101) => Ok(stream),
            Some(status) => Err(SetUpFault::Handshake(status)),
            None => Err(SetUpFault::Unanswered("media socket's handshake")),
        }
    }
}

fn signature_header(signature: Option<String>) -> String {
    signature.map_or_else(String::new, |signature| format!("X-Twilio-Signature: {signature}\r\n"))
}

/// Returns what follows the host: path and query.
fn path_of(url: &str) -> &str {
    let behind_scheme = url.find("://").map_or(0, |at| at + 3);
    url[behind_scheme..].find('/').map_or("/", |slash| &url[behind_scheme + slash..])
}

/// Reads until the bridge closes the socket; what it says does not matter, since on a `<Start>` it may say nothing.
pub(super) async fn drain(stream: &TcpStream) {
    let mut scratch = [0; 512];
    loop {
        if stream.readable().await.is_err() {
            return;
        }
        match stream.try_read(&mut scratch) {
            Ok(0) => return,
            Err(fault) if fault.kind() != io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

/// Writes what a leg still has to say, then `stop` and a close frame.
pub(super) async fn take_leave(
    stream: &TcpStream,
    ids: &StreamIds,
    sequence_number: u64,
    mut unsent: Vec<u8>,
) {
    websocket::append(&mut unsent, TEXT, wire::stop(ids, sequence_number).as_bytes(), true);
    websocket::append(&mut unsent, CLOSE, &1000_u16.to_be_bytes(), true);
    let mut left = unsent.as_slice();
    while !left.is_empty() {
        if stream.writable().await.is_err() {
            return;
        }
        match stream.try_write(left) {
            Ok(written) => left = &left[written..],
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_what_follows_the_host() {
        for (url, path) in [
            ("http://127.0.0.1:3000/twilio/twiml?room=a", "/twilio/twiml?room=a"),
            ("ws://127.0.0.1:3000/twilio/media", "/twilio/media"),
            ("ws://127.0.0.1", "/"),
        ] {
            assert_eq!(path_of(url), path);
        }
    }
}
