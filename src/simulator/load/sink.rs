//! The far end: a server of the Symbl protocol that takes note of every frame and hears nothing in them.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_http::ws::hash_key;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_local};

use super::http::Head;
use super::received::Received;
use super::since;
use super::websocket::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
use crate::symbl::server_message::{ConversationCompleted, ConversationRef, ServerMessage};

/// Where legs connect.
const LEG_PATHS: [&str; 2] = ["/v1/realtime/insights/", "/v1/streaming/"];

/// A token that never runs out within a run: a JWT by its form, as servers of the protocol give.
const TOKEN: &str = r#"{"accessToken":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJsb2FkIn0.load","expiresIn":86400}"#;

/// Enough for the largest message of a bridge.
const READ_BYTES: usize = 16 * 1024;

/// After a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// The listening sink; it ends when dropped.
pub(super) struct Sink {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// What it hears.
    pub(super) ears: Rc<Ears>,
    accepting: JoinHandle<()>,
}

/// What all connections write to.
pub(super) struct Ears {
    began: Instant,
    pub(super) received: RefCell<Received>,
    /// Connections of legs that are open.
    pub(super) open: Cell<usize>,
    /// Requests for a token.
    pub(super) tokens: Cell<u64>,
    /// Connections of legs so far.
    pub(super) handshakes: Cell<u64>,
    /// Legs that took their leave.
    pub(super) completed: Cell<u64>,
}

impl Sink {
    /// Listens.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub(super) async fn listen(address: SocketAddr, began: Instant) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let ears = Rc::new(Ears {
            began,
            received: RefCell::new(Received::new(0, 0)),
            open: Cell::default(),
            tokens: Cell::default(),
            handshakes: Cell::default(),
            completed: Cell::default(),
        });
        let shared = Rc::clone(&ears);
        let accepting = spawn_local(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        spawn_local(serve(stream, Rc::clone(&shared)));
                    }
                    // Out of descriptors, or the peer is gone already: others may follow.
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                }
            }
        });
        Ok(Self { address, ears, accepting })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, ears: Rc<Ears>) {
    // Acknowledgements must not wait for one another.
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(READ_BYTES / 8);
    while let Some(head) = Head::read(&mut stream, &mut buffer).await {
        let Some((_, target)) = head.request() else { return };
        let path = target.split('?').next().unwrap_or_default();
        let answer = if let Some(connection_id) =
            LEG_PATHS.iter().find_map(|prefix| path.strip_prefix(prefix)).filter(|id| !id.is_empty())
            && let Some(key) = head.header("sec-websocket-key")
        {
            let accept = hash_key(key.as_bytes());
            let accept = std::str::from_utf8(&accept).unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            let conversation_id = connection_id.to_owned();
            if stream.write_all(answer.as_bytes()).await.is_ok() {
                ears.open.update(|open| open + 1);
                ears.handshakes.update(|count| count + 1);
                Connection { ears: &ears, conversation_id, rest: Vec::new(), out: Vec::new() }
                    .hear(stream, buffer)
                    .await;
                ears.open.update(|open| open - 1);
            }
            return;
        } else if path.starts_with("/oauth2/token") {
            ears.tokens.update(|count| count + 1);
            ("200 OK", TOKEN)
        } else {
            ("404 Not Found", r#"{"message":"Not Found"}"#)
        };
        if head.body(&mut stream, &mut buffer).await.is_none() {
            return;
        }
        let (status, body) = answer;
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One leg's connection.
struct Connection<'a> {
    ears: &'a Ears,
    conversation_id: String,
    /// Less than a frame of audio.
    rest: Vec<u8>,
    out: Vec<u8>,
}

impl Connection<'_> {
    /// Reads until the bridge ends the connection.
    async fn hear(mut self, mut stream: TcpStream, mut buffer: Vec<u8>) {
        let mut kind = BINARY;
        loop {
            let now_ns = since(self.ears.began);
            let mut taken = 0;
            let mut is_over = false;
            loop {
                let Ok(frame) = websocket::parse(&mut buffer[taken..]) else { return };
                let Some(frame) = frame else { break };
                taken += frame.size;
                if matches!(frame.opcode, TEXT | BINARY) {
                    kind = frame.opcode;
                }
                match frame.opcode {
                    BINARY => self.audio(frame.payload, now_ns),
                    CONTINUATION if kind == BINARY => self.audio(frame.payload, now_ns),
                    TEXT => self.text(frame.payload),
                    PING => websocket::append(&mut self.out, PONG, frame.payload, false),
                    CLOSE => {
                        websocket::append(&mut self.out, CLOSE, frame.payload, false);
                        is_over = true;
                    }
                    _ => {}
                }
            }
            buffer.drain(..taken);
            if !self.out.is_empty() {
                if stream.write_all(&self.out).await.is_err() {
                    return;
                }
                self.out.clear();
            }
            if is_over {
                return;
            }
            buffer.reserve(READ_BYTES);
            match stream.read_buf(&mut buffer).await {
                Ok(1..) => {}
                _ => return,
            }
        }
    }

    fn audio(&mut self, audio: &[u8], now_ns: u64) {
        self.ears.received.borrow_mut().hear(&mut self.rest, audio, now_ns);
    }

    fn text(&mut self, text: &[u8]) {
        let says = |what: &str| memchr::memmem::find(text, what.as_bytes()).is_some();
        let conversation = ConversationRef { conversation_id: self.conversation_id.clone() };
        let answers = if says(r#""start_request""#) {
            vec![
                ServerMessage::StartedListening,
                ServerMessage::ConversationCreated(conversation.clone()),
                ServerMessage::RecognitionStarted(conversation),
            ]
        } else if says(r#""stop_request""#) {
            self.ears.completed.update(|count| count + 1);
            let completed = ConversationCompleted {
                conversation_id: self.conversation_id.clone(),
                summary_url: String::new(),
                data: Some(conversation),
            };
            vec![ServerMessage::ConversationCompleted(completed), ServerMessage::RecognitionStopped]
        } else {
            Vec::new()
        };
        for answer in answers {
            websocket::append(&mut self.out, TEXT, answer.to_json().as_bytes(), false);
        }
    }
}
