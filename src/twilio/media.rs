//! Messages that Twilio sends on the media socket (twilio-protocol.md, section 4.4).
//!
//! [`parse`] tries the fast path for `media` first and falls back to serde. The parser is tolerant: numbers
//! where strings are listed and the reverse, nulls, unknown fields, unknown events and any order of keys are
//! all taken; what a message cannot do without is a typed error. Nothing here panics on any input.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use super::media_scan::scan_media;
use super::sid::{AccountSid, BadSid, CallSid, StreamSid};

/// Most custom parameters kept of a `start`; TwiML and REST know of 99.
const MOST_PARAMETERS: usize = 99;

/// One message from Twilio.
#[derive(Debug)]
pub enum StreamMessage<'a> {
    /// The socket speaks Media Streams; carries nothing of use.
    Connected,
    /// The stream begins.
    Start(Box<Start>),
    /// A piece of audio.
    Media(Media<'a>),
    /// A key was pressed (bidirectional streams only).
    Dtmf {
        /// The stream.
        stream_sid: Option<Cow<'a, str>>,
        /// The key; never to be logged.
        digit: Digit<'a>,
    },
    /// A mark of ours was reached (bidirectional streams only).
    Mark {
        /// The stream.
        stream_sid: Option<Cow<'a, str>>,
        /// Our name for it.
        name: Option<Cow<'a, str>>,
    },
    /// The stream has ended.
    Stop {
        /// The stream.
        stream_sid: Option<Cow<'a, str>>,
        /// The call, if the message names it.
        call_sid: Option<Cow<'a, str>>,
    },
    /// An event this version does not know; the text is its name.
    Unknown(Cow<'a, str>),
}

/// A pressed key; its Debug form keeps it secret, for card numbers are typed this way.
#[derive(Clone, PartialEq, Eq)]
pub struct Digit<'a>(pub Option<Cow<'a, str>>);

impl fmt::Debug for Digit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digit(…)")
    }
}

/// What `start` says of a stream.
#[derive(Clone, PartialEq, Eq)]
pub struct Start {
    /// The stream; all later messages carry it.
    pub stream_sid: Option<StreamSid>,
    /// The call whose audio this is.
    pub call_sid: Option<CallSid>,
    /// The account the call belongs to.
    pub account_sid: Option<AccountSid>,
    /// The tracks that will come.
    pub tracks: Vec<Track>,
    /// The form of the audio.
    pub media_format: MediaFormat,
    /// Our own `<Parameter>`s, at most 99; they hold secrets and identities, so Debug shows names only.
    pub custom_parameters: BTreeMap<String, String>,
    /// Number of the message, 1 by custom.
    pub sequence_number: Option<u64>,
}

impl Start {
    /// Returns the value of a custom parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.custom_parameters.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("stream_sid", &self.stream_sid)
            .field("call_sid", &self.call_sid)
            .field("account_sid", &self.account_sid)
            .field("tracks", &self.tracks)
            .field("media_format", &self.media_format)
            .field("custom_parameters", &self.custom_parameters.keys())
            .field("sequence_number", &self.sequence_number)
            .finish()
    }
}

/// The form of a stream's audio; each part may be missing on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaFormat {
    /// Codec, `audio/x-mulaw`.
    pub encoding: Option<String>,
    /// Samples a second, 8000.
    pub sample_rate: Option<u64>,
    /// Channels, 1.
    pub channels: Option<u64>,
}

impl MediaFormat {
    /// Tells whether this is 8000 Hz mono mu-law; a part that is missing counts as the usual one.
    pub fn is_mulaw_8k_mono(&self) -> bool {
        self.encoding.as_deref().unwrap_or("audio/x-mulaw").eq_ignore_ascii_case("audio/x-mulaw")
            && self.sample_rate.unwrap_or(8000) == 8000
            && self.channels.unwrap_or(1) == 1
    }
}

/// Whose audio a message carries, seen from the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Track {
    /// What Twilio hears from the caller. Also taken when a message names no track.
    Inbound,
    /// What Twilio plays to the caller.
    Outbound,
    /// A track of a name this version does not know.
    Other,
}

impl Track {
    /// Returns the track of this name; `dtmf` and TwiML write `inbound_track` where `media` has `inbound`.
    pub fn from_name(name: &str) -> Self {
        match name {
            "inbound" | "inbound_track" => Self::Inbound,
            "outbound" | "outbound_track" => Self::Outbound,
            _ => Self::Other,
        }
    }
}

/// One piece of audio, 20 ms by custom. Borrows from the message.
#[derive(Clone, PartialEq, Eq)]
pub struct Media<'a> {
    /// Whose audio it is.
    pub track: Track,
    /// Number of the message in its stream; counts all events.
    pub sequence_number: Option<u64>,
    /// Number of the piece in its track, from 1.
    pub chunk: Option<u64>,
    /// Milliseconds since the stream began; the first is not zero.
    pub timestamp_ms: Option<u64>,
    /// The stream.
    pub stream_sid: Option<Cow<'a, str>>,
    /// The audio in base64, not checked yet: [`super::decode_payload`].
    pub payload: Cow<'a, str>,
}

impl fmt::Debug for Media<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media")
            .field("track", &self.track)
            .field("sequence_number", &self.sequence_number)
            .field("chunk", &self.chunk)
            .field("timestamp_ms", &self.timestamp_ms)
            .field("stream_sid", &self.stream_sid)
            .field("payload_length", &self.payload.len())
            .finish()
    }
}

/// A message cannot be used. The text says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadStreamMessage {
    /// Not JSON, not an object, or an object with a key twice.
    #[error("not a JSON object (column {column})")]
    NotAnObject {
        /// Where the parser gave up, from 1; 0 if it cannot say.
        column: usize,
    },
    /// No `event`, or one that is an object or a list.
    #[error("no event name")]
    NoEvent,
    /// A `start` without its `start` object.
    #[error("a start message without its start object")]
    NoStart,
    /// A `media` without its `media` object.
    #[error("a media message without its media object")]
    NoMedia,
    /// A `media` without a payload of text.
    #[error("a media message without a payload")]
    NoPayload,
    /// An identifier in `start` that cannot be one.
    #[error("a start message with a wrong identifier: {0}")]
    Sid(#[from] BadSid),
}

/// Returns the message in one text frame.
pub fn parse(text: &str) -> Result<StreamMessage<'_>, BadStreamMessage> {
    match scan_media(text) {
        Some(media) => Ok(StreamMessage::Media(media)),
        None => parse_any(text),
    }
}

/// An object of which only the values of interest are kept, each as its JSON text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    event: Raw<'a>,
    #[serde(borrow, default)]
    sequence_number: Raw<'a>,
    #[serde(borrow, default)]
    stream_sid: Raw<'a>,
    #[serde(borrow, default)]
    start: Raw<'a>,
    #[serde(borrow, default)]
    media: Raw<'a>,
    #[serde(borrow, default)]
    dtmf: Raw<'a>,
    #[serde(borrow, default)]
    mark: Raw<'a>,
    #[serde(borrow, default)]
    stop: Raw<'a>,
}

/// The inner object of any event: the union of what they hold.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inner<'a> {
    #[serde(borrow, default)]
    track: Raw<'a>,
    #[serde(borrow, default)]
    chunk: Raw<'a>,
    #[serde(borrow, default)]
    timestamp: Raw<'a>,
    #[serde(borrow, default)]
    payload: Raw<'a>,
    #[serde(borrow, default)]
    stream_sid: Raw<'a>,
    #[serde(borrow, default)]
    call_sid: Raw<'a>,
    #[serde(borrow, default)]
    account_sid: Raw<'a>,
    #[serde(borrow, default)]
    tracks: Raw<'a>,
    #[serde(borrow, default)]
    media_format: Raw<'a>,
    #[serde(borrow, default)]
    custom_parameters: Raw<'a>,
    #[serde(borrow, default)]
    encoding: Raw<'a>,
    #[serde(borrow, default)]
    sample_rate: Raw<'a>,
    #[serde(borrow, default)]
    channels: Raw<'a>,
    #[serde(borrow, default)]
    digit: Raw<'a>,
    #[serde(borrow, default)]
    name: Raw<'a>,
}

/// Returns the message in one text frame, read by serde alone: any order of keys, any spelling.
///
/// What [`parse`] falls back to; wherever the fast path answers, this must say the same.
pub fn parse_any(text: &str) -> Result<StreamMessage<'_>, BadStreamMessage> {
    let envelope: Envelope<'_> = match object(text) {
        Ok(envelope) => envelope,
        Err(fault) => {
            return Err(BadStreamMessage::NotAnObject { column: fault.map_or(0, |at| at.column()) });
        }
    };
    let event = envelope.event.text().ok_or(BadStreamMessage::NoEvent)?;
    let stream_sid = envelope.stream_sid.text();
    match event.as_ref() {
        "connected" => Ok(StreamMessage::Connected),
        "start" => start(&envelope),
        "media" => media(&envelope),
        "dtmf" => {
            let digit = Digit(envelope.dtmf.inner().unwrap_or_default().digit.text());
            Ok(StreamMessage::Dtmf { stream_sid, digit })
        }
        "mark" => {
            let name = envelope.mark.inner().unwrap_or_default().name.text();
            Ok(StreamMessage::Mark { stream_sid, name })
        }
        "stop" => {
            let call_sid = envelope.stop.inner().unwrap_or_default().call_sid.text();
            Ok(StreamMessage::Stop { stream_sid, call_sid })
        }
        _ => Ok(StreamMessage::Unknown(event)),
    }
}

fn start<'a>(envelope: &Envelope<'a>) -> Result<StreamMessage<'a>, BadStreamMessage> {
    let inner = envelope.start.inner().ok_or(BadStreamMessage::NoStart)?;
    // Later messages carry the outer one, so it wins.
    let stream_sid = envelope.stream_sid.text().or_else(|| inner.stream_sid.text());
    let format = inner.media_format.inner().unwrap_or_default();
    let tracks: Vec<Raw<'_>> = inner.tracks.part().unwrap_or_default();
    let parameters: BTreeMap<String, Raw<'_>> = inner.custom_parameters.part().unwrap_or_default();
    Ok(StreamMessage::Start(Box::new(Start {
        stream_sid: stream_sid.map(|raw| StreamSid::parse(&raw)).transpose()?,
        call_sid: inner.call_sid.text().map(|raw| CallSid::parse(&raw)).transpose()?,
        account_sid: inner.account_sid.text().map(|raw| AccountSid::parse(&raw)).transpose()?,
        tracks: tracks.iter().filter_map(Raw::text).map(|name| Track::from_name(&name)).collect(),
        media_format: MediaFormat {
            encoding: format.encoding.text().map(Cow::into_owned),
            sample_rate: whole_number(&format.sample_rate),
            channels: whole_number(&format.channels),
        },
        custom_parameters: parameters
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.text()?.into_owned())))
            .take(MOST_PARAMETERS)
            .collect(),
        sequence_number: envelope.sequence_number.number(),
    })))
}

fn media<'a>(envelope: &Envelope<'a>) -> Result<StreamMessage<'a>, BadStreamMessage> {
    let inner = envelope.media.inner().ok_or(BadStreamMessage::NoMedia)?;
    Ok(StreamMessage::Media(Media {
        track: inner.track.text().map_or(Track::Inbound, |name| Track::from_name(&name)),
        sequence_number: envelope.sequence_number.number(),
        chunk: inner.chunk.number(),
        timestamp_ms: inner.timestamp.number(),
        stream_sid: envelope.stream_sid.text(),
        payload: inner.payload.text().ok_or(BadStreamMessage::NoPayload)?,
    }))
}

/// One value as its JSON text, or nothing.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(transparent)]
struct Raw<'a>(#[serde(borrow)] Option<&'a RawValue>);

impl<'a> Raw<'a> {
    /// Returns the JSON text; `null` is nothing.
    fn json(&self) -> Option<&'a str> {
        self.0.map(RawValue::get).filter(|json| *json != "null")
    }

    /// Returns a string, or the text of a number or truth value; borrowed unless it holds an escape.
    fn text(&self) -> Option<Cow<'a, str>> {
        let json = self.json()?;
        let Some(quoted) = json.strip_prefix('"') else {
            let is_scalar = !json.starts_with(['{', '[']);
            return is_scalar.then_some(Cow::Borrowed(json));
        };
        if json.contains('\\') {
            return serde_json::from_str(json).ok().map(Cow::Owned);
        }
        quoted.strip_suffix('"').map(Cow::Borrowed)
    }

    /// Returns a whole number, written as a number or as a string of digits.
    fn number(&self) -> Option<u64> {
        let text = self.text()?;
        digits(&text).or_else(|| {
            // Some languages have no other numbers and write 20.0 or 2e1.
            let number: f64 = serde_json::from_str(self.json()?).ok()?;
            (0.0..9e15).contains(&number).then_some(number as u64)
        })
    }

    /// Returns an inner object.
    fn inner(&self) -> Option<Inner<'a>> {
        object(self.json()?).ok()
    }

    /// Returns a part of any shape.
    fn part<T: Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_str(self.json()?).ok()
    }
}

/// Parses an object and nothing else: serde would take an array for a struct, field by field.
fn object<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Option<serde_json::Error>> {
    if !json.trim_ascii_start().starts_with('{') {
        return Err(None);
    }
    serde_json::from_str(json).map_err(Some)
}

/// Returns the value of 1 to 20 decimal digits, if it fits.
pub(super) fn digits(text: &str) -> Option<u64> {
    let is_decimal = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_decimal { text.parse().ok() } else { None }
}

/// Returns a number; 0, which no format has, for a value that is there and none.
fn whole_number(raw: &Raw<'_>) -> Option<u64> {
    raw.text().map(|_| raw.number().unwrap_or(0))
}

#[cfg(test)]
#[path = "media_tests.rs"]
mod tests;
