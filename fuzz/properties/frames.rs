//! WebSocket frames on their way in: however the bytes are cut, the same frames come out, none over the limit gets as far
//! as the codec, and fragments become the message that was cut.

use actix_http::ws::{Codec, Frame, Item};
use bytes::{Bytes, BytesMut};
use symbl_bridge::ws::assembler::Assembler;
use symbl_bridge::ws::frame_guard::Frames;
use symbl_bridge::ws::{CloseCode, Fault, Incoming, close_reason};
use tokio_util::codec::Decoder;

use super::input::Input;

/// Largest message of this socket; small, so that the fuzzer gets over it.
const LIMIT: usize = 300;

/// Checks a stream of bytes, or of frames that are well formed.
pub fn check(data: &[u8]) {
    match Input::structured(data) {
        Some(parts) => fragments(parts),
        None => {
            let mut input = Input::new(data);
            let cut = usize::from(input.byte()).max(1);
            stream(input.rest(), cut);
        }
    }
    let reason = close_reason(CloseCode::Policy, &String::from_utf8_lossy(data));
    assert!(reason.description.is_some_and(|text| text.len() <= 123), "a control frame has 125 bytes");
}

/// What a codec made of a stream: frames, then whether it gave up.
type Outcome = (Vec<String>, bool);

fn stream(bytes: &[u8], cut: usize) {
    let promised = promised_lengths(bytes);
    let is_large = promised.iter().any(|length| *length > LIMIT as u64);
    let mut guard = Frames::new(LIMIT as u64);
    assert_eq!(guard.pass(bytes), !is_large, "in one piece: {promised:?}");
    let mut guard = Frames::new(LIMIT as u64);
    assert_eq!(
        bytes.chunks(cut).all(|piece| guard.pass(piece)),
        !is_large,
        "in pieces of {cut}: {promised:?}"
    );
    if is_large {
        return;
    }
    let whole = decoded(bytes, bytes.len().max(1));
    assert_eq!(decoded(bytes, cut), whole, "in pieces of {cut}");
    assert_eq!(decoded(bytes, 1), whole, "byte by byte");
}

/// Reads headers by RFC 6455, section 5.2, for as long as they are whole.
fn promised_lengths(bytes: &[u8]) -> Vec<u64> {
    let mut lengths = Vec::new();
    let mut rest = bytes;
    while let [_, second, after @ ..] = rest {
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        let (length, header) = match second & 0x7f {
            126 if after.len() >= 2 => (u64::from(u16::from_be_bytes([after[0], after[1]])), 2),
            127 if after.len() >= 8 => (u64::from_be_bytes(after[..8].try_into().unwrap()), 8),
            126 | 127 => break,
            short => (u64::from(short), 0),
        };
        if after.len() < header + mask {
            break;
        }
        lengths.push(length);
        let Some(next) =
            usize::try_from(length).ok().and_then(|length| after.get(header + mask..)?.get(length..))
        else {
            break;
        };
        rest = next;
    }
    lengths
}

/// Feeds the server's codec piece by piece, as its socket does.
fn decoded(bytes: &[u8], cut: usize) -> Outcome {
    let mut codec = Codec::new().max_size(LIMIT);
    let mut assembler = Assembler::new(LIMIT);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in bytes.chunks(cut) {
        buffer.extend_from_slice(piece);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(frame)) => {
                    if let Frame::Continuation(item) = frame {
                        match assembler.push(item) {
                            Ok(message) => frames.push(format!("{message:?}")),
                            Err(fault) => return (frames, fault != Fault::TooLarge),
                        }
                    } else {
                        frames.push(format!("{frame:?}"));
                    }
                }
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
        assert!(buffer.len() <= LIMIT + 14 + cut, "{} bytes wait for the end of a frame", buffer.len());
    }
    (frames, false)
}

/// Cuts messages into fragments and expects them back; mixes up the order now and then and expects a refusal.
fn fragments(mut parts: Input<'_>) {
    let mut assembler = Assembler::new(LIMIT);
    let mut open: Option<(bool, Vec<u8>)> = None;
    for _ in 0..10_000 {
        if parts.is_empty() {
            break;
        }
        let kind = parts.byte() % 4;
        let piece = parts.part();
        let item = match kind {
            0 => Item::FirstText(Bytes::copy_from_slice(piece)),
            1 => Item::FirstBinary(Bytes::copy_from_slice(piece)),
            2 => Item::Continue(Bytes::copy_from_slice(piece)),
            _ => Item::Last(Bytes::copy_from_slice(piece)),
        };
        let result = assembler.push(item);
        if open.is_some() == (kind < 2) {
            assert_eq!(result.unwrap_err(), Fault::Protocol);
            return;
        }
        let (is_text, mut message) = open.take().unwrap_or((kind == 0, Vec::new()));
        message.extend_from_slice(piece);
        if message.len() > LIMIT {
            assert_eq!(result.unwrap_err(), Fault::TooLarge);
            return;
        }
        if kind != 3 {
            assert!(matches!(result, Ok(None)));
            open = Some((is_text, message));
            continue;
        }
        match (result, is_text) {
            (Ok(Some(Incoming::Text(text))), true) => assert_eq!(*text.as_bytes(), message),
            (Err(Fault::NotUtf8), true) => assert!(std::str::from_utf8(&message).is_err()),
            (Ok(Some(Incoming::Binary(data))), false) => assert_eq!(data, message),
            (other, _) => panic!("{other:?} of {message:?}"),
        }
    }
}
