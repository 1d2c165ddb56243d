//! The measure of the audio path: a relay without any framework, to be loaded like a bridge.
//!
//! One thread, one epoll, blocking set-up of legs, and of every guarantee of the bridge none: what it needs a frame is what
//! the kernel needs, and a little scanning. `cargo bench --bench relay` prints how to load it; it serves until it is ended,
//! two hours at most.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use actix_http::ws::hash_key;
use bytes::BytesMut;
use memchr::memmem;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use symbl_bridge::twilio::decode_payload;

const SINK: &str = "127.0.0.1:4999";
const LISTENER: u64 = 0;
const SERVES_FOR: Duration = Duration::from_secs(2 * 60 * 60);
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;

/// A caller's socket with the one to the sink, and which of both an event means.
struct Leg {
    media: TcpStream,
    upstream: TcpStream,
    read: Vec<u8>,
    audio: BytesMut,
    out: Vec<u8>,
    masks: u32,
}

fn main() -> io::Result<()> {
    // `cargo test --benches` only asks whether it can run.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, pid) = (listener.local_addr()?, std::process::id());
    println!("symbl-bridge load --url http://{address} --pid {pid} --legs 500");
    let began = Instant::now();
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut legs: HashMap<u64, Leg> = HashMap::new();
    let mut next = 2;
    let mut events = Vec::with_capacity(256);
    let mut scratch = vec![0; 16 * 1024];
    while began.elapsed() < SERVES_FOR {
        events.clear();
        let patience = rustix::time::Timespec { tv_sec: 60, tv_nsec: 0 };
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&patience))?;
        for event in &events {
            let token = event.data.u64();
            if token == LISTENER {
                let (stream, _) = listener.accept()?;
                if let Some(leg) = answer(stream, &address.to_string())? {
                    let edge = EventFlags::IN | EventFlags::ET;
                    epoll::add(&poll, &leg.media, EventData::new_u64(next), edge)?;
                    epoll::add(&poll, &leg.upstream, EventData::new_u64(next + 1), edge)?;
                    legs.insert(next, leg);
                    next += 2;
                }
                continue;
            }
            let Some(leg) = legs.get_mut(&(token & !1)) else { continue };
            let goes_on = if token & 1 == 0 { leg.hear(&mut scratch) } else { leg.drain(&mut scratch) };
            if !goes_on {
                legs.remove(&(token & !1));
            }
        }
    }
    Ok(())
}

/// Answers a webhook, or takes a media socket.
fn answer(stream: TcpStream, address: &str) -> io::Result<Option<Leg>> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let Some(key) = header("sec-websocket-key") else {
        let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        let body = format!(
            r#"<Response><Start><Stream url="ws://{address}/twilio/media"/></Start><Dial><Conference>r</Conference></Dial></Response>"#
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        reader.get_mut().write_all(answer.as_bytes())?;
        return Ok(None);
    };
    let accept = hash_key(key.as_bytes());
    let upgraded = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        String::from_utf8_lossy(&accept)
    );
    reader.get_mut().write_all(upgraded.as_bytes())?;
    let read = reader.buffer().to_vec();
    let media = reader.into_inner();
    let mut leg =
        Leg { upstream: connect()?, media, read, audio: BytesMut::new(), out: Vec::new(), masks: 1 };
    leg.media.set_nodelay(true)?;
    leg.media.set_nonblocking(true)?;
    leg.send(TEXT, br#"{"type":"start_request"}"#)?;
    leg.upstream.set_nonblocking(true)?;
    Ok(Some(leg))
}

fn connect() -> io::Result<TcpStream> {
    let mut upstream = TcpStream::connect(SINK)?;
    upstream.set_nodelay(true)?;
    let request = format!(
        "GET /v1/realtime/insights/relay HTTP/1.1\r\nHost: {SINK}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    upstream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        upstream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(upstream)
}

impl Leg {
    /// Reads what the caller's socket holds and sends its audio on; returns whether there is more to come.
    fn hear(&mut self, scratch: &mut [u8]) -> bool {
        loop {
            match self.media.read(scratch) {
                Ok(0) => return false,
                Ok(count) => self.read.extend_from_slice(&scratch[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
            if self.frames().is_err() {
                return false;
            }
        }
    }

    fn frames(&mut self) -> io::Result<()> {
        let mut read = std::mem::take(&mut self.read);
        let mut taken = 0;
        while let [first, second, rest @ ..] = &mut read[taken..] {
            let (kind, size) = (*first, usize::from(*second & 0x7f));
            let (size, header) = match (size, &*rest) {
                (126, [high, low, ..]) => (usize::from(u16::from_be_bytes([*high, *low])), 2),
                (126 | 127, _) => break,
                (size, _) => (size, 0),
            };
            let Some(body) = rest.get_mut(header..header + 4 + size) else { break };
            let (mask, payload) = body.split_at_mut(4);
            for (at, byte) in payload.iter_mut().enumerate() {
                *byte ^= mask[at & 3];
            }
            match kind {
                TEXT if payload.starts_with(br#"{"event":"media""#) => {
                    self.audio.clear();
                    if let Some(payload) = text_between(payload, b"\"payload\":\"")
                        && decode_payload(payload, &mut self.audio).is_ok()
                    {
                        let audio = std::mem::take(&mut self.audio);
                        self.send(BINARY, &audio)?;
                        self.audio = audio;
                    }
                }
                TEXT if memmem::find(payload, br#""stop""#).is_some() => {
                    self.send(TEXT, br#"{"type":"stop_request"}"#)?;
                }
                CLOSE => return Err(ErrorKind::ConnectionAborted.into()),
                _ => {}
            }
            taken += 2 + header + 4 + size;
        }
        read.drain(..taken);
        self.read = read;
        Ok(())
    }

    /// Sends a masked frame; a kernel that takes no more ends the leg.
    fn send(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        self.masks = self.masks.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mask = self.masks.to_be_bytes();
        self.out.clear();
        self.out.push(kind);
        match payload.len() {
            size @ 0..126 => self.out.push(0x80 | size as u8),
            size => self.out.extend([0x80 | 126, (size >> 8) as u8, size as u8]),
        }
        self.out.extend(mask);
        self.out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.upstream.write_all(&self.out)
    }

    /// Reads away what the server answers.
    fn drain(&mut self, scratch: &mut [u8]) -> bool {
        loop {
            match self.upstream.read(scratch) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }
}

/// Returns the text that stands between `before` and the next quote.
fn text_between<'a>(text: &'a [u8], before: &[u8]) -> Option<&'a str> {
    let start = memmem::find(text, before)? + before.len();
    let end = start + memchr::memchr(b'"', &text[start..])?;
    std::str::from_utf8(&text[start..end]).ok()
}
