//! The fast path for `media`: 50 messages a second and caller, 4,000 instructions cheaper than serde
//! (hot-path.md). It knows Twilio's own spelling and nothing else; any doubt is left to serde.

use std::borrow::Cow;

use super::media::{Media, Track, digits};

/// Returns the message if it is a `media` in exactly Twilio's spelling, without allocating.
pub fn scan_media(text: &str) -> Option<Media<'_>> {
    let rest = text.strip_prefix(r#"{"event":"media","sequenceNumber":""#)?;
    let (sequence_number, rest) = quoted(rest)?;
    let rest = rest.strip_prefix(r#","media":{"track":""#)?;
    let (track, rest) = quoted(rest)?;
    let rest = rest.strip_prefix(r#","chunk":""#)?;
    let (chunk, rest) = quoted(rest)?;
    let rest = rest.strip_prefix(r#","timestamp":""#)?;
    let (timestamp, rest) = quoted(rest)?;
    let rest = rest.strip_prefix(r#","payload":""#)?;
    let (payload, rest) = quoted(rest)?;
    let rest = rest.strip_prefix(r#"},"streamSid":""#)?;
    let (stream_sid, rest) = quoted(rest)?;
    if rest != "}" {
        return None;
    }
    Some(Media {
        track: Track::from_name(track),
        sequence_number: Some(digits(sequence_number)?),
        chunk: Some(digits(chunk)?),
        timestamp_ms: Some(digits(timestamp)?),
        stream_sid: Some(Cow::Borrowed(stream_sid)),
        payload: Cow::Borrowed(payload),
    })
}

/// Splits behind the closing quote of a string that needs no unescaping and breaks no rule of JSON.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let end = memchr::memchr2(b'"', b'\\', text.as_bytes())?;
    let (inside, rest) = text.split_at_checked(end)?;
    let rest = rest.strip_prefix('"')?;
    // No early exit, so that it compiles to vector instructions.
    let has_control = inside.bytes().fold(false, |found, byte| found | (byte < 0x20));
    if has_control { None } else { Some((inside, rest)) }
}
