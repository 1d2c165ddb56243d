//! A correct WebSocket client that keeps all it receives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::wait::{wait_for, within};

/// How a connection ended, as this side saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// A close frame with this code came.
    Code(u16),
    /// A close frame without a code came.
    NoCode,
    /// No close frame came.
    Abrupt(String),
}

/// A text message and when it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub at: Instant,
    pub text: String,
}

#[derive(Default)]
struct Seen {
    texts: Vec<Received>,
    binaries: usize,
    pongs: Vec<Vec<u8>>,
    closing: Option<Closing>,
}

/// A WebSocket client connection.
pub struct Socket {
    sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    seen: Arc<Mutex<Seen>>,
    reader: JoinHandle<()>,
    /// The same connection again, for what WebSocket libraries do not offer: resets and half-closes.
    handle: std::net::TcpStream,
}

impl Socket {
    /// Opens a socket. A refused handshake gives its status.
    pub async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        within(&format!("the handshake of {path}"), Self::handshake(address, path, headers)).await
    }

    async fn handshake(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let connection = TcpStream::connect(address).await.expect("connects to the bridge");
        connection.set_nodelay(true).expect("a socket option");
        let connection = connection.into_std().expect("a plain socket");
        let handle = connection.try_clone().expect("a second handle");
        let connection = TcpStream::from_std(connection).expect("a runtime's socket");
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header name");
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a header value"));
        }
        let (stream, answer) = match client_async(request, connection).await {
            Ok(opened) => opened,
            Err(Error::Http(refusal)) => return Err(refusal.status().as_u16()),
            Err(other) => panic!("the handshake of {path} broke: {other}"),
        };
        // Twilio offers neither; a server must not select one (reference 4.1).
        for absent in ["sec-websocket-extensions", "sec-websocket-protocol"] {
            assert!(!answer.headers().contains_key(absent), "{absent} selected without an offer");
        }
        let (sink, stream) = stream.split();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let reader = tokio::spawn(read(stream, seen.clone()));
        Ok(Self { sink, seen, reader, handle })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no reader panicked")
    }

    /// Sends a message; a connection that is closed already is no error here, its [`Closing`] tells.
    pub async fn send(&mut self, message: Message) {
        let _ = within("the bridge to read", self.sink.send(message)).await;
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.send(Message::text(text.into())).await;
    }

    /// Sends one frame as it is, for instance a fragment.
    pub async fn send_frame(&mut self, frame: Frame) {
        self.send(Message::Frame(frame)).await;
    }

    /// Queues a message without flushing, so that several leave in one write.
    pub async fn feed_text(&mut self, text: impl Into<String>) {
        let _ = within("the bridge to read", self.sink.feed(Message::text(text.into()))).await;
    }

    pub async fn flush(&mut self) {
        let _ = within("the bridge to read", self.sink.flush()).await;
    }

    /// Sends a close frame, with or without a code.
    pub async fn send_close(&mut self, code: Option<u16>) {
        let frame = code.map(|code| CloseFrame { code: code.into(), reason: "".into() });
        self.send(Message::Close(frame)).await;
    }

    /// Ends the connection as a dead process does: everything unsent is lost, the peer sees a reset.
    pub async fn reset(self) {
        SockRef::from(&self.handle).set_linger(Some(Duration::ZERO)).expect("a socket option");
        self.reader.abort();
        let _ = self.reader.await;
    }

    /// Ends the connection without a close frame; the peer sees its end.
    pub fn hang_up_without_close_frame(&self) {
        let _ = self.handle.shutdown(std::net::Shutdown::Both);
    }

    /// All texts so far.
    pub fn texts(&self) -> Vec<Received> {
        self.seen().texts.clone()
    }

    /// Number of text and binary messages so far.
    pub fn messages(&self) -> usize {
        let seen = self.seen();
        seen.texts.len() + seen.binaries
    }

    pub fn pongs(&self) -> Vec<Vec<u8>> {
        self.seen().pongs.clone()
    }

    /// How the connection ended, if it has.
    pub fn closing(&self) -> Option<Closing> {
        self.seen().closing.clone()
    }

    /// Waits for the end of the connection.
    pub async fn closed(&self, what: &str) -> Closing {
        wait_for(&format!("the end of {what}"), || self.closing()).await
    }
}

async fn read(mut stream: SplitStream<WebSocketStream<TcpStream>>, seen: Arc<Mutex<Seen>>) {
    loop {
        let message = stream.next().await;
        let mut seen = seen.lock().expect("no other reader");
        match message {
            Some(Ok(Message::Text(text))) => {
                seen.texts.push(Received { at: Instant::now(), text: text.as_str().to_string() });
            }
            Some(Ok(Message::Binary(_))) => seen.binaries += 1,
            Some(Ok(Message::Pong(payload))) => seen.pongs.push(payload.to_vec()),
            Some(Ok(Message::Close(Some(frame)))) => seen.closing = Some(Closing::Code(frame.code.into())),
            Some(Ok(Message::Close(None))) => seen.closing = Some(Closing::NoCode),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                seen.closing.get_or_insert(Closing::Abrupt(error.to_string()));
                return;
            }
            None => {
                seen.closing.get_or_insert(Closing::Abrupt("end of stream".into()));
                return;
            }
        }
    }
}
