//! A WebSocket client that writes any bytes, right or wrong, and reads only when told to.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use socket2::{Domain, SockRef, Socket as PlainSocket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, join, sink};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

use super::socket::Closing;
use super::wait::within;

/// The handshake of reference 7.1, byte for byte but for path and host.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// How a peer that reads little presents itself: small segments and a small window keep what the kernel may
/// queue on its behalf to some ten kilobytes.
const SMALL_SEGMENT: u32 = 536;
const SMALL_WINDOW: usize = 4096;

/// An upgraded connection without a WebSocket library behind it.
pub struct RawSocket {
    stream: TcpStream,
}

impl RawSocket {
    pub async fn open(address: SocketAddr, path: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("connects to the bridge");
        stream.set_nodelay(true).expect("a socket option");
        within("the handshake", Self::handshake(stream, address, path)).await
    }

    /// Opens a connection for which the kernels on both sides buffer as little as they can.
    pub async fn open_with_small_buffers(address: SocketAddr, path: &str) -> Self {
        let stream = with_small_buffers(address);
        within("the handshake", Self::handshake(stream, address, path)).await
    }

    async fn handshake(mut stream: TcpStream, address: SocketAddr, path: &str) -> Self {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: Twilio.TmeWs/1.0\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("the bridge reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer to the handshake"));
        }
        let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        assert!(
            head.contains(&format!("sec-websocket-accept: {}\r\n", ACCEPT.to_ascii_lowercase())),
            "{head}"
        );
        Self { stream }
    }

    /// Writes bytes; a connection that is closed already is no error here.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _ = within("the bridge to read", self.stream.write_all(bytes)).await;
    }

    /// Pings without ever reading the pongs, far beyond what any buffer between could hold of them.
    pub async fn jam(&mut self) {
        let pings = frame(&[0x70; 125], OpCode::Control(Control::Ping), true).repeat(1000);
        for _ in 0..100 {
            within("the bridge to read", self.stream.write_all(&pings)).await.expect("a peer that is there");
        }
    }

    /// Waits until the connection is broken; reads nothing from it.
    pub async fn broken(&mut self) {
        within("the end of a jammed connection", async {
            // A write fails once the peer has reset the connection, or has shut it and answers no more.
            while self.stream.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// Ends the connection with a reset, in the middle of whatever was written.
    pub fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("a socket option");
    }

    /// Reads what the peer has sent up to its close frame, or to its end without one; gives the texts and the end.
    pub async fn read_to_end(self) -> (Vec<String>, Closing) {
        let mut frames =
            WebSocketStream::from_raw_socket(join(self.stream, sink()), Role::Client, None).await;
        let mut texts = Vec::new();
        let closing = within("the end of a raw connection", async {
            loop {
                match frames.next().await {
                    Some(Ok(Message::Text(text))) => texts.push(text.as_str().to_string()),
                    Some(Ok(Message::Close(Some(frame)))) => return Closing::Code(frame.code.into()),
                    Some(Ok(Message::Close(None))) => return Closing::NoCode,
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Closing::Abrupt(error.to_string()),
                    None => return Closing::Abrupt("end of stream".into()),
                }
            }
        })
        .await;
        (texts, closing)
    }
}

/// Connects so that the kernels on both sides buffer as little as they can.
pub fn with_small_buffers(address: SocketAddr) -> TcpStream {
    let socket = PlainSocket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(SMALL_WINDOW).expect("a socket option");
    socket.set_tcp_mss(SMALL_SEGMENT).expect("a socket option");
    socket.connect(&address.into()).expect("connects to the bridge");
    socket.set_nonblocking(true).expect("a socket option");
    TcpStream::from_std(socket.into()).expect("a runtime's socket")
}

/// A masked client frame as bytes.
pub fn frame(payload: &[u8], opcode: OpCode, is_final: bool) -> Vec<u8> {
    let mask = Some([0x37, 0xfa, 0x21, 0x3d]);
    let header = FrameHeader { is_final, opcode, mask, ..FrameHeader::default() };
    let frame = Frame::from_payload(header, Bytes::copy_from_slice(payload));
    let mut bytes = Vec::new();
    frame.format(&mut bytes).expect("a vector takes all");
    bytes
}
