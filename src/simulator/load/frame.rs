//! What a leg says: 20 ms of "mu-law" that tell which leg and frame they are, when they were due and when they were sent.
//!
//! Any byte is legal mu-law, and a bridge must pass all of them on. The rest of a frame is a pattern that follows from its
//! leg and number, so that a single wrong byte is noticed.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Bytes of a frame: 20 ms.
pub(super) const FRAME_BYTES: usize = 160;

/// Milliseconds of a frame.
pub(super) const FRAME_MS: u64 = 20;

/// Milliseconds that the time stamp of a stream's first frame shows, as Twilio's do.
const FIRST_TIMESTAMP_MS: u64 = 155;

/// Bytes in front of the pattern: run, leg, number, due, sent.
const STAMP_BYTES: usize = 32;

/// Characters of a payload.
const PAYLOAD_CHARACTERS: usize = FRAME_BYTES.div_ceil(3) * 4;

/// No leg says more: a number beyond it is damage.
const MOST_FRAMES: u64 = 50 * 86_400;

/// All patterns: each is a part of this.
const PATTERNS: [u8; 256 + FRAME_BYTES] = {
    let mut bytes = [0; 256 + FRAME_BYTES];
    let mut index = 0;
    while index < bytes.len() {
        bytes[index] = index as u8;
        index += 1;
    }
    bytes
};

/// Which frame it is, and its times in nanoseconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) leg: u32,
    pub(super) number: u64,
    pub(super) due_ns: u64,
    pub(super) sent_ns: u64,
}

/// Returns the audio of a frame.
pub(super) fn audio(run: u32, stamp: Stamp) -> [u8; FRAME_BYTES] {
    let mut audio = [0; FRAME_BYTES];
    audio[..4].copy_from_slice(&run.to_be_bytes());
    audio[4..8].copy_from_slice(&stamp.leg.to_be_bytes());
    audio[8..16].copy_from_slice(&stamp.number.to_be_bytes());
    audio[16..24].copy_from_slice(&stamp.due_ns.to_be_bytes());
    audio[24..STAMP_BYTES].copy_from_slice(&stamp.sent_ns.to_be_bytes());
    audio[STAMP_BYTES..].copy_from_slice(pattern(stamp.leg, stamp.number));
    audio
}

/// Returns what a frame says of itself; none if it is not whole, damaged, or of another run.
pub(super) fn read(run: u32, audio: &[u8]) -> Option<Stamp> {
    let (stamp, rest) = audio.split_at_checked(STAMP_BYTES)?;
    let word = |from: usize| stamp[from..from + 8].try_into().map(u64::from_be_bytes).ok();
    let ids = word(0)?;
    let (leg, number) = (ids as u32, word(8)?);
    if (ids >> 32) as u32 != run || number > MOST_FRAMES || rest != pattern(leg, number) {
        return None;
    }
    Some(Stamp { leg, number, due_ns: word(16)?, sent_ns: word(24)? })
}

fn pattern(leg: u32, number: u64) -> &'static [u8] {
    let from = usize::from((u64::from(leg) * 13 + number * 7) as u8);
    &PATTERNS[from..from + FRAME_BYTES - STAMP_BYTES]
}

/// Appends a media message as one WebSocket frame of a client.
///
/// Built by hand: a frame costs the generator a fraction of what it costs the bridge.
pub(super) fn append_media(out: &mut Vec<u8>, stream_sid: &str, number: u64, audio: &[u8; FRAME_BYTES]) {
    let head = out.len();
    // Final text frame, masked, length in two bytes, and a key of zeros, which leaves the text as it is.
    out.extend_from_slice(&[0x81, 0xFE, 0, 0, 0, 0, 0, 0]);
    let text = out.len();
    out.extend_from_slice(br#"{"event":"media","sequenceNumber":""#);
    append_number(out, number + 2);
    out.extend_from_slice(br#"","media":{"track":"inbound","chunk":""#);
    append_number(out, number + 1);
    out.extend_from_slice(br#"","timestamp":""#);
    append_number(out, FIRST_TIMESTAMP_MS + FRAME_MS * number);
    out.extend_from_slice(br#"","payload":""#);
    let payload = out.len();
    out.resize(payload + PAYLOAD_CHARACTERS, b'=');
    // It has room for exactly this.
    let _ = BASE64_STANDARD.encode_slice(audio, &mut out[payload..]);
    out.extend_from_slice(br#""},"streamSid":""#);
    out.extend_from_slice(stream_sid.as_bytes());
    out.extend_from_slice(br#""}"#);
    let length = ((out.len() - text) as u16).to_be_bytes();
    out[head + 2..head + 4].copy_from_slice(&length);
}

fn append_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[from..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::wire::{self, StreamIds};

    const STAMP: Stamp = Stamp { leg: 70_000, number: 1234, due_ns: 5_000_000_000, sent_ns: 5_000_001_234 };

    #[test]
    fn a_frame_tells_what_was_written_and_any_damage_shows() {
        let audio = audio(7, STAMP);
        assert_eq!(read(7, &audio), Some(STAMP));
        assert_eq!(read(8, &audio), None, "another run's");
        assert_eq!(read(7, &audio[..159]), None);
        // Times may be anything, so damage to them is not noticed; all else is.
        for place in (0..16).chain(STAMP_BYTES..FRAME_BYTES) {
            let mut damaged = audio;
            damaged[place] ^= 0x40;
            assert_ne!(read(7, &damaged), Some(STAMP), "byte {place}");
        }
    }

    #[test]
    fn the_message_is_the_one_that_other_simulated_phones_send() {
        let ids = StreamIds {
            account_sid: "AC".into(),
            call_sid: "CA".into(),
            stream_sid: "MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3".into(),
        };
        let audio = audio(7, STAMP);
        for number in [0, 8, 97, 99_998] {
            let mut out = vec![1, 2, 3];
            append_media(&mut out, &ids.stream_sid, number, &audio);
            let expected = wire::media(&ids, number + 2, number + 1, 155 + 20 * number, &audio);
            assert_eq!(std::str::from_utf8(&out[11..]).unwrap(), expected);
            assert_eq!(usize::from(u16::from_be_bytes([out[5], out[6]])), expected.len());
        }
    }
}
