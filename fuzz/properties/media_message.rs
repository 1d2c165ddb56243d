//! Messages on the media socket: the fast path says what serde says wherever it answers, payloads are decoded as
//! another decoder decodes them, and nothing that comes out is larger than what went in.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, PAD_INDIFFERENT};
use bytes::BytesMut;
use serde_json::{Value, json};
use symbl_bridge::twilio::media::{Media, StreamMessage, parse, parse_any, scan_media};
use symbl_bridge::twilio::{Track, decode_payload};

use super::input::Input;
use super::twilio_reference::base64 as encode_base64;

/// Base64 without the vector instructions that the bridge uses.
const PLAIN: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, PAD_INDIFFERENT);

/// Checks one text message, or one that is made of parts.
pub fn check(data: &[u8]) {
    match Input::structured(data) {
        Some(parts) => written_as_twilio_writes(parts),
        None => {
            if let Ok(text) = std::str::from_utf8(data) {
                any_text(text);
            }
        }
    }
}

fn any_text(text: &str) {
    let slow = parse_any(text);
    if let Some(fast) = scan_media(text) {
        assert!(matches!(&slow, Ok(StreamMessage::Media(media)) if *media == fast), "{fast:?} or {slow:?}");
    }
    let either = parse(text);
    assert_eq!(format!("{either:?}"), format!("{slow:?}"));
    if let Ok(message) = &slow {
        agrees_with_json(text, message);
    }
    match slow {
        Ok(StreamMessage::Media(media)) => payload(&media.payload),
        Ok(StreamMessage::Start(start)) => {
            assert!(start.custom_parameters.len() <= 99);
            let kept: usize =
                start.custom_parameters.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(kept <= text.len());
            assert!(start.tracks.len() <= text.len());
        }
        _ => {}
    }
}

/// Compares with the same text read as JSON of any shape, where that can be read.
fn agrees_with_json(text: &str, message: &StreamMessage<'_>) {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    assert!(value.is_object(), "an object is what was parsed");
    let event = value["event"].as_str();
    match message {
        StreamMessage::Connected => assert_eq!(event, Some("connected")),
        StreamMessage::Start(_) => assert!(value["start"].is_object()),
        StreamMessage::Media(media) => {
            if let Value::String(payload) = &value["media"]["payload"] {
                assert_eq!(*payload, media.payload);
            }
            if let Value::String(track) = &value["media"]["track"] {
                assert_eq!(Track::from_name(track), media.track);
            }
            if let Some(chunk) = value["media"]["chunk"].as_u64() {
                assert_eq!(Some(chunk), media.chunk);
            }
        }
        StreamMessage::Dtmf { digit, .. } => {
            assert_eq!(format!("{digit:?}"), "Digit(…)");
        }
        StreamMessage::Mark { .. } => assert_eq!(event, Some("mark")),
        StreamMessage::Stop { .. } => assert_eq!(event, Some("stop")),
        StreamMessage::Unknown(name) => {
            if let Some(event) = event {
                assert_eq!(event, name);
            }
        }
    }
}

fn payload(payload: &str) {
    let mut audio = BytesMut::from("kept");
    let count = decode_payload(payload, &mut audio);
    match PLAIN.decode(payload) {
        Ok(expected) => {
            assert_eq!(count, Ok(expected.len()));
            assert_eq!(audio, ["kept".as_bytes(), &expected].concat());
            let written = encode_base64(&expected);
            assert_eq!(written.trim_end_matches('='), payload.trim_end_matches('='), "one spelling a value");
        }
        Err(_) => {
            assert!(count.is_err(), "{payload:?} became {count:?} bytes");
            assert_eq!(audio, "kept");
        }
    }
}

/// Writes a message as Twilio does, and the same one in another order, and expects both to be understood alike.
fn written_as_twilio_writes(mut parts: Input<'_>) {
    let [sequence, chunk, timestamp] = [parts.number(), parts.number(), parts.number()];
    let (track, stream_sid) = (parts.text(), parts.text());
    let payload_text = encode_base64(parts.rest());
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let (track_json, sid_json) = (quoted(&track), quoted(&stream_sid));
    let twilio = format!(
        r#"{{"event":"media","sequenceNumber":"{sequence}","media":{{"track":{track_json},"chunk":"{chunk}","timestamp":"{timestamp}","payload":"{payload_text}"}},"streamSid":{sid_json}}}"#
    );
    let is_plain = !track_json.contains('\\') && !sid_json.contains('\\');
    let expected = Media {
        track: Track::from_name(&track),
        sequence_number: Some(sequence as u64),
        chunk: Some(chunk as u64),
        timestamp_ms: Some(timestamp as u64),
        stream_sid: Some(stream_sid.clone()),
        payload: payload_text.as_str().into(),
    };
    let fast = scan_media(&twilio);
    if is_plain {
        assert_eq!(fast.as_ref(), Some(&expected), "the fast path knows Twilio's spelling");
    }
    let other = json!({
        "streamSid": stream_sid, "sequenceNumber": sequence, "event": "media", "unknown": [null, {"media": 1}],
        "media": {"payload": payload_text, "timestamp": timestamp as f64, "chunk": chunk, "track": track},
    });
    for text in [twilio.as_str(), &other.to_string(), &serde_json::to_string_pretty(&other).unwrap()] {
        let parsed = parse(text);
        assert!(
            matches!(&parsed, Ok(StreamMessage::Media(media)) if *media == expected),
            "{text}: {parsed:?}"
        );
        any_text(text);
    }
}
