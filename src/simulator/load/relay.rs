//! The least that a program in the bridge's place can do: what a bridge is compared with, on the same machine and in the same minutes.
//!
//! One thread, one task a leg, one read and one write a frame; no actor, no check, no limit, no acknowledgement, no metric.
//! Only for load runs: it believes everybody, and a leg that fails is simply gone.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};

use actix_http::ws::hash_key;
use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

use super::http::Head;
use super::websocket::{self, BINARY, CLOSE, TEXT};
use crate::twilio::payload::decode_payload;

const START_REQUEST: &[u8] =
    br#"{"type":"start_request","config":{"speechRecognition":{"encoding":"MULAW","sampleRateHertz":8000}}}"#;
const STOP_REQUEST: &[u8] = br#"{"type":"stop_request"}"#;

/// Where every media socket is said to be; a load run connects to the relay itself.
const MEDIA_PATH: &str = "/twilio/media";

/// Enough for what waits of one leg.
const BUFFER_BYTES: usize = 4096;

/// Listens on a free port, tells it, and relays media sockets of `domain` to the sink until the process ends.
///
/// # Errors
///
/// When it cannot listen.
pub async fn relay(sink: SocketAddr, domain: &str, tell: impl FnOnce(SocketAddr)) -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    tell(listener.local_addr()?);
    let twiml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Start><Stream url=\"wss://{domain}{MEDIA_PATH}\"/></Start></Response>"
    );
    loop {
        let (stream, _) = listener.accept().await?;
        let twiml = twiml.clone();
        spawn_local(async move {
            // A leg that fails is gone, and the load run counts it.
            let _ = serve(stream, sink, &twiml).await;
        });
    }
}

async fn serve(mut stream: TcpStream, sink: SocketAddr, twiml: &str) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    let head = Head::read(&mut stream, &mut buffer).await?;
    if let Some(key) = head.header("sec-websocket-key") {
        let accept = hash_key(key.as_bytes());
        let accept = std::str::from_utf8(&accept).ok()?;
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.ok()?;
        return leg(stream, buffer, sink).await;
    }
    head.body(&mut stream, &mut buffer).await?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{twiml}",
        twiml.len()
    );
    stream.write_all(answer.as_bytes()).await.ok()
}

/// Relays one caller's audio.
async fn leg(mut stream: TcpStream, mut buffer: Vec<u8>, sink: SocketAddr) -> Option<()> {
    let mut upstream = connect(sink).await?;
    let (mut out, mut audio) = (Vec::with_capacity(BUFFER_BYTES), BytesMut::with_capacity(512));
    websocket::append(&mut out, TEXT, START_REQUEST, true);
    loop {
        let (mut taken, mut is_over) = (0, false);
        while let Some(frame) = websocket::parse(&mut buffer[taken..]).ok()? {
            taken += frame.size;
            match frame.opcode {
                TEXT if frame.payload.starts_with(br#"{"event":"media""#) => {
                    let payload = payload_of(frame.payload)?;
                    audio.clear();
                    decode_payload(payload, &mut audio).ok()?;
                    websocket::append(&mut out, BINARY, &audio, true);
                }
                TEXT if frame.payload.starts_with(br#"{"event":"stop""#) => {
                    websocket::append(&mut out, TEXT, STOP_REQUEST, true);
                }
                CLOSE => is_over = true,
                _ => {}
            }
        }
        buffer.drain(..taken);
        if !out.is_empty() {
            upstream.write_all(&out).await.ok()?;
            out.clear();
        }
        if is_over {
            websocket::append(&mut out, CLOSE, &[], true);
            upstream.write_all(&out).await.ok()?;
            out.clear();
            websocket::append(&mut out, CLOSE, &[], false);
            stream.write_all(&out).await.ok()?;
            // The last answers, which nobody reads, must not become a reset.
            while upstream.read_buf(&mut buffer).await.ok()? > 0 {
                buffer.clear();
            }
            return Some(());
        }
        buffer.reserve(BUFFER_BYTES / 4);
        if stream.read_buf(&mut buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn payload_of(media: &[u8]) -> Option<&str> {
    const NAME: &[u8] = br#""payload":""#;
    let from = memchr::memmem::find(media, NAME)? + NAME.len();
    let length = memchr::memchr(b'"', &media[from..])?;
    std::str::from_utf8(&media[from..from + length]).ok()
}

/// Opens a leg at the sink.
async fn connect(sink: SocketAddr) -> Option<TcpStream> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut upstream = TcpStream::connect(sink).await.ok()?;
    upstream.set_nodelay(true).ok()?;
    let request = format!(
        "GET /v1/realtime/insights/relay-{number} HTTP/1.1\r\nHost: {sink}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    upstream.write_all(request.as_bytes()).await.ok()?;
    let head = Head::read(&mut upstream, &mut Vec::new()).await?;
    (head.status() == Some(101)).then_some(upstream)
}
