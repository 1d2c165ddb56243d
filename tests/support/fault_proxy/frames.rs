//! A byte stream cut where its meaning ends: heads of HTTP messages, then WebSocket frames, all as they came.

use tokio::io::AsyncReadExt as _;
use tokio::net::tcp::ReadHalf;

/// A whole frame, its header and mask included.
#[derive(Debug)]
pub(super) struct WholeFrame {
    pub bytes: Vec<u8>,
    opcode: u8,
    payload_at: usize,
    mask: Option<[u8; 4]>,
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const PONG: u8 = 10;

impl WholeFrame {
    /// Returns the first frame of `buffer`, if all of it is there.
    fn first_of(buffer: &[u8]) -> Option<Self> {
        let (&first, &second) = (buffer.first()?, buffer.get(1)?);
        let (length, mut at) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?)), 4),
            127 => (u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?), 10),
            short => (u64::from(short), 2),
        };
        let mask: Option<[u8; 4]> =
            if second & 0x80 == 0 { None } else { Some(buffer.get(at..at + 4)?.try_into().ok()?) };
        at += mask.map_or(0, |_| 4);
        let bytes = buffer.get(..at + usize::try_from(length).ok()?)?.to_vec();
        Some(Self { bytes, opcode: first & 0x0f, payload_at: at, mask })
    }

    /// The payload without its mask.
    fn payload(&self) -> Vec<u8> {
        let masked = self.bytes[self.payload_at..].iter();
        let mask = self.mask.unwrap_or_default();
        masked.zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
    }

    /// Returns whether this is a text message with these words in it.
    pub(super) fn says(&self, words: &str) -> bool {
        self.opcode == TEXT && String::from_utf8_lossy(&self.payload()).contains(words)
    }

    /// Returns the size of a binary message.
    pub(super) fn audio(&self) -> usize {
        if self.opcode == BINARY { self.bytes.len() - self.payload_at } else { 0 }
    }

    /// Returns a pong's payload.
    pub(super) fn pong(&self) -> Option<Vec<u8>> {
        (self.opcode == PONG).then(|| self.payload())
    }
}

/// Returns a close frame; a client's are masked.
pub(super) fn close_frame(code: u16, of_a_client: bool) -> Vec<u8> {
    let [high, low] = code.to_be_bytes();
    if !of_a_client {
        return vec![0x88, 2, high, low];
    }
    let mask = [0x5a, 0x0f, 0xc3, 0x71];
    vec![0x88, 0x82, mask[0], mask[1], mask[2], mask[3], high ^ mask[0], low ^ mask[1]]
}

/// What one side sends, read on as the wanted kind of piece.
pub(super) struct Incoming<'a> {
    pub half: ReadHalf<'a>,
    buffer: Vec<u8>,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(half: ReadHalf<'a>) -> Self {
        Self { half, buffer: Vec::new() }
    }

    /// The next head of an HTTP message with its empty line; nothing at the end. Safe to cancel.
    pub(super) async fn head(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = self.buffer.split_off(at + 4);
                return Some(std::mem::replace(&mut self.buffer, rest));
            }
            self.more().await?;
        }
    }

    /// So many bytes of a body; nothing at the end.
    pub(super) async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        let rest = self.buffer.split_off(length);
        Some(std::mem::replace(&mut self.buffer, rest))
    }

    /// The next whole frame; nothing at the end. Safe to cancel.
    pub(super) async fn frame(&mut self) -> Option<WholeFrame> {
        loop {
            if let Some(frame) = WholeFrame::first_of(&self.buffer) {
                self.buffer.drain(..frame.bytes.len());
                return Some(frame);
            }
            self.more().await?;
        }
    }

    /// Reads and forgets everything, to the end.
    pub(super) async fn swallow(&mut self) {
        while self.more().await.is_some() {
            self.buffer.clear();
        }
    }

    async fn more(&mut self) -> Option<()> {
        match self.half.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }
}

/// The value of a header in a head, whatever the case of its name.
pub(super) fn header(head: &[u8], name: &str) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let mut pairs = head.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_string())
}
