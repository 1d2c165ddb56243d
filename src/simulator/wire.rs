//! Media Streams messages in exactly Twilio's spelling and order of keys (twilio-protocol.md, section 4.4).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// First message of a socket.
pub(super) const CONNECTED: &str = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;

/// Who and what a stream is.
#[derive(Debug, Clone)]
pub(super) struct StreamIds {
    pub(super) account_sid: String,
    pub(super) call_sid: String,
    pub(super) stream_sid: String,
}

/// Returns the `start` message.
pub(super) fn start(ids: &StreamIds, tracks: &[&str], parameters: &[(String, String)]) -> String {
    format!(
        "{{\"event\":\"start\",\"sequenceNumber\":\"1\",\"start\":{{\"accountSid\":{account},\"streamSid\":{stream},\
         \"callSid\":{call},\"tracks\":{tracks},\"mediaFormat\":{{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,\
         \"channels\":1}},\"customParameters\":{parameters}}},\"streamSid\":{stream}}}",
        account = json(&ids.account_sid),
        stream = json(&ids.stream_sid),
        call = json(&ids.call_sid),
        tracks = json(&tracks),
        parameters = json(&Parameters(parameters)),
    )
}

/// Returns a `media` message of the inbound track.
pub(super) fn media(
    ids: &StreamIds,
    sequence_number: u64,
    chunk: u64,
    timestamp_ms: u64,
    audio: &[u8],
) -> String {
    let payload = BASE64_STANDARD.encode(audio);
    let stream = &ids.stream_sid;
    format!(
        "{{\"event\":\"media\",\"sequenceNumber\":\"{sequence_number}\",\"media\":{{\"track\":\"inbound\",\
         \"chunk\":\"{chunk}\",\"timestamp\":\"{timestamp_ms}\",\"payload\":\"{payload}\"}},\"streamSid\":\"{stream}\"}}"
    )
}

/// Returns the echo of a mark.
pub(super) fn mark(ids: &StreamIds, sequence_number: u64, name: &str) -> String {
    format!(
        "{{\"event\":\"mark\",\"sequenceNumber\":\"{sequence_number}\",\"streamSid\":{},\"mark\":{{\"name\":{}}}}}",
        json(&ids.stream_sid),
        json(&name)
    )
}

/// Returns the `stop` message.
pub(super) fn stop(ids: &StreamIds, sequence_number: u64) -> String {
    format!(
        "{{\"event\":\"stop\",\"sequenceNumber\":\"{sequence_number}\",\"streamSid\":{},\"stop\":{{\"accountSid\":{},\
         \"callSid\":{}}}}}",
        json(&ids.stream_sid),
        json(&ids.account_sid),
        json(&ids.call_sid)
    )
}

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    // Texts and lists of texts always have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

/// Parameters as an object, in the order of the TwiML.
struct Parameters<'a>(&'a [(String, String)]);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::media::scan_media;

    fn ids() -> StreamIds {
        StreamIds {
            account_sid: "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1".into(),
            call_sid: "CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2".into(),
            stream_sid: "MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3".into(),
        }
    }

    #[test]
    fn messages_are_the_published_ones_byte_for_byte() {
        let parameters = [("from", "+12125550123"), ("room", "room-7"), ("token", "v1.1772533020.Zm9v")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            start(&ids(), &["inbound"], &parameters),
            r#"{"event":"start","sequenceNumber":"1","start":{"accountSid":"ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1","streamSid":"MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3","callSid":"CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"from":"+12125550123","room":"room-7","token":"v1.1772533020.Zm9v"}},"streamSid":"MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}"#
        );
        assert_eq!(
            stop(&ids(), 2985),
            r#"{"event":"stop","sequenceNumber":"2985","streamSid":"MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3","stop":{"accountSid":"ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1","callSid":"CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"}}"#
        );
        assert_eq!(
            mark(&ids(), 4, "m1"),
            r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3","mark":{"name":"m1"}}"#
        );
        let text = media(&ids(), 2, 1, 155, &[0xFF; 160]);
        assert_eq!(text.len(), 374);
        assert!(scan_media(&text).is_some(), "the bridge's fast path must take it");
    }
}
