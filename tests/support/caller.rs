//! Twilio's side of a call: the voice webhook, the media socket that its TwiML asks for, status callbacks.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::TWILIO_NUMBER;
use super::bridge::Bridge;
use super::http::Answer;
use super::socket::{Closing, Socket};
use super::twiml::Twiml;
use super::wait::wait_until;

/// The account of every call.
pub const ACCOUNT_SID: &str = "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
/// 20 ms of mu-law at 8000 Hz.
pub const FRAME_BYTES: usize = 160;
/// As captured: the first timestamp is not zero (reference 4.6).
const FIRST_TIMESTAMP: usize = 155;

static CALLS: AtomicU64 = AtomicU64::new(1);

/// A small generator with a good spread (SplitMix64): the same audio in every run, other audio for every call.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next_u64().to_le_bytes()[7]).collect()
    }
}

/// Someone who calls our number.
#[derive(Debug, Clone)]
pub struct Caller {
    pub call_sid: String,
    pub stream_sid: String,
    pub from: String,
    pub to: String,
    /// Parameters beyond those that every call has, for instance `CallerName`.
    pub extra: Vec<(String, String)>,
    seed: u64,
}

impl Caller {
    /// A new call from this number, which may be empty, withheld or no number at all.
    pub fn new(from: &str) -> Self {
        let seed = CALLS.fetch_add(1, Ordering::Relaxed);
        let mut random = Random::new(seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let mut sid = |prefix: &str| format!("{prefix}{:016x}{:016x}", random.next_u64(), random.next_u64());
        Self {
            call_sid: sid("CA"),
            stream_sid: sid("MZ"),
            from: from.into(),
            to: TWILIO_NUMBER.into(),
            extra: Vec::new(),
            seed,
        }
    }

    /// The same caller, dialling another of our numbers.
    pub fn dialling(mut self, to: &str) -> Self {
        self.to = to.into();
        self
    }

    /// The same call with another stream.
    pub fn streaming_anew(mut self) -> Self {
        self.stream_sid = self.stream_sid.chars().rev().filter(char::is_ascii_hexdigit).collect();
        self.stream_sid.insert_str(0, "MZ");
        self
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.extra.push((name.into(), value.into()));
        self
    }

    /// The form that Twilio posts about this call (reference 1.2), empty values included.
    pub fn form(&self, status: &str) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("AccountSid".to_string(), ACCOUNT_SID.to_string()),
            ("ApiVersion".into(), "2010-04-01".into()),
            ("CallSid".into(), self.call_sid.clone()),
            ("CallStatus".into(), status.into()),
            ("Called".into(), self.to.clone()),
            ("CalledCity".into(), String::new()),
            ("CalledCountry".into(), "US".into()),
            ("Caller".into(), self.from.clone()),
            ("CallerCity".into(), "NEW YORK".into()),
            ("Direction".into(), "inbound".into()),
            ("From".into(), self.from.clone()),
            ("FromZip".into(), "10001".into()),
            ("To".into(), self.to.clone()),
            ("ToZip".into(), String::new()),
        ];
        pairs.extend(self.extra.clone());
        pairs
    }

    /// Asks the voice webhook what to do.
    pub async fn ask(&self, bridge: &Bridge, query: &str) -> Answer {
        bridge.post(&format!("/twilio/twiml{query}"), &self.form("ringing")).await
    }

    /// Asks the voice webhook what to do and reads the answer.
    pub async fn twiml(&self, bridge: &Bridge, query: &str) -> Twiml {
        Twiml::of(&self.ask(bridge, query).await)
    }

    /// Reports a call status to the number's callback.
    pub async fn report(&self, bridge: &Bridge, status: &str) -> Answer {
        let mut pairs = self.form(status);
        pairs.push(("CallDuration".into(), "42".into()));
        pairs.push(("Timestamp".into(), "Tue, 03 Mar 2026 10:15:42 +0000".into()));
        bridge.post("/twilio/statuschange", &pairs).await
    }

    /// Calls: webhook, media socket, `connected` and `start`.
    pub async fn call(self, bridge: &Bridge, query: &str) -> Call {
        let twiml = self.twiml(bridge, query).await;
        let mut call = Call::connect(bridge, self, twiml).await;
        call.start().await;
        call
    }

    /// The same, with the media socket opened at this address, where a proxy stands before the bridge.
    pub async fn call_through(self, proxy: SocketAddr, bridge: &Bridge, query: &str) -> Call {
        let twiml = self.twiml(bridge, query).await;
        let socket = open_media_at(proxy, bridge).await;
        let mut call = Call::on(socket, self, twiml);
        call.start().await;
        call
    }

    /// The first bytes that this caller says, which no other caller says.
    pub fn first_bytes(&self) -> Vec<u8> {
        Random::new(self.seed).bytes(FRAME_BYTES)
    }
}

/// A call whose media socket is open.
pub struct Call {
    pub caller: Caller,
    pub twiml: Twiml,
    pub socket: Socket,
    /// Everything said so far, decoded.
    pub sent: Vec<u8>,
    voice: Random,
    sequence: u64,
    chunk: usize,
}

impl Call {
    /// Opens the media socket that the TwiML names.
    pub async fn connect(bridge: &Bridge, caller: Caller, twiml: Twiml) -> Self {
        Self::on(open_media(bridge).await, caller, twiml)
    }

    fn on(socket: Socket, caller: Caller, twiml: Twiml) -> Self {
        let voice = Random::new(caller.seed);
        Self { caller, twiml, socket, sent: Vec::new(), voice, sequence: 0, chunk: 0 }
    }

    /// The `start` message of this call, for tests that change it before it is sent.
    pub fn start_message(&self) -> Value {
        json!({
            "event": "start",
            "sequenceNumber": "1",
            "start": {
                "accountSid": ACCOUNT_SID,
                "streamSid": self.caller.stream_sid,
                "callSid": self.caller.call_sid,
                "tracks": ["inbound"],
                "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
                "customParameters": self.twiml.parameters
            },
            "streamSid": self.caller.stream_sid
        })
    }

    /// Sends `connected` and `start` in one write, as Twilio does.
    pub async fn start(&mut self) {
        let start = self.start_message();
        self.start_with(start).await;
    }

    /// Sends `connected` and this `start` in one write.
    pub async fn start_with(&mut self, start: Value) {
        self.sequence = 1;
        self.socket.feed_text(CONNECTED).await;
        self.socket.feed_text(start.to_string()).await;
        self.socket.flush().await;
    }

    /// The next `media` message, whose audio counts as sent.
    pub fn next_media(&mut self) -> Value {
        let frame = self.voice.bytes(FRAME_BYTES);
        self.media(&frame)
    }

    /// The next `media` message with this frame.
    fn media(&mut self, frame: &[u8]) -> Value {
        self.sent.extend_from_slice(frame);
        self.sequence += 1;
        self.chunk += 1;
        json!({
            "event": "media",
            "sequenceNumber": self.sequence.to_string(),
            "media": {
                "track": "inbound",
                "chunk": self.chunk.to_string(),
                "timestamp": (FIRST_TIMESTAMP + (self.chunk - 1) * 20).to_string(),
                "payload": STANDARD.encode(frame)
            },
            "streamSid": self.caller.stream_sid
        })
    }

    /// A `media` message of this stream with audio of nobody's, which does not count as sent.
    pub fn foreign_media(&mut self) -> Value {
        self.sequence += 1;
        json!({
            "event": "media",
            "sequenceNumber": self.sequence.to_string(),
            "media": {
                "track": "inbound",
                "chunk": "1",
                "timestamp": "155",
                "payload": STANDARD.encode([0x55; FRAME_BYTES])
            },
            "streamSid": self.caller.stream_sid
        })
    }

    /// Says so many frames of 20 ms, as fast as they can be sent.
    pub async fn speak(&mut self, frames: usize) {
        for _ in 0..frames {
            let media = self.next_media();
            self.socket.feed_text(media.to_string()).await;
        }
        self.socket.flush().await;
    }

    /// Says this mu-law audio, in frames of 20 ms, as fast as they can be sent.
    pub async fn play(&mut self, audio: &[u8]) {
        for frame in audio.chunks(FRAME_BYTES) {
            let media = self.media(frame);
            self.socket.feed_text(media.to_string()).await;
        }
        self.socket.flush().await;
    }

    /// Sends `stop`.
    pub async fn stop(&mut self) {
        self.sequence += 1;
        let stop = json!({
            "event": "stop",
            "sequenceNumber": self.sequence.to_string(),
            "streamSid": self.caller.stream_sid,
            "stop": { "accountSid": ACCOUNT_SID, "callSid": self.caller.call_sid }
        });
        self.socket.send_text(stop.to_string()).await;
    }

    /// Hangs up as most calls end: `stop`, a close frame, `completed`.
    pub async fn hang_up(&mut self, bridge: &Bridge) {
        self.stop().await;
        self.socket.send_close(Some(1000)).await;
        assert_eq!(self.closed().await, Closing::Code(1000), "the close frame's echo");
        assert_eq!(self.caller.report(bridge, "completed").await.status, 204);
    }

    /// Loses so many frames on the way: their numbers are used up, their audio is never sent.
    pub fn lose(&mut self, frames: usize) {
        self.sequence += frames as u64;
        self.chunk += frames;
    }

    /// Waits for the end of the media socket. The bridge must have said nothing: on a `<Start>` stream any message
    /// to Twilio is an error (31924).
    pub async fn closed(&mut self) -> Closing {
        let closing = self.socket.closed("a media socket").await;
        assert_eq!(self.socket.messages(), 0, "messages to Twilio on a listen-only stream");
        closing
    }

    /// Pings the bridge and waits for the pong: all that was sent before has been read by then.
    pub async fn ping(&mut self, payload: &[u8]) {
        self.socket.send(tokio_tungstenite::tungstenite::Message::Ping(payload.to_vec().into())).await;
        let (socket, what) = (&self.socket, "a pong from the bridge");
        wait_until(what, || socket.pongs().iter().any(|pong| pong == payload)).await;
    }
}

/// The first message of every media socket.
pub const CONNECTED: &str = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;

/// Opens a media socket with the headers of reference 4.1.
pub async fn open_media(bridge: &Bridge) -> Socket {
    open_media_at(bridge.address, bridge).await
}

async fn open_media_at(address: SocketAddr, bridge: &Bridge) -> Socket {
    let path = "/twilio/media";
    let signature = bridge.handshake_signature(path);
    let mut headers = vec![("User-Agent", "Twilio.TmeWs/1.0")];
    if let Some(signature) = &signature {
        headers.push(("X-Twilio-Signature", signature));
    }
    let opened = Socket::open(address, path, &headers).await;
    opened.unwrap_or_else(|status| panic!("the media socket was refused with {status}"))
}
