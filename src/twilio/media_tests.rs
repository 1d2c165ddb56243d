//! Both ways to read a message, fed the same texts.

use proptest::prelude::*;

use super::{
    BadStreamMessage, Media, MediaFormat, Start, StreamMessage, Track, parse, parse_any, scan_media,
};

const STREAM: &str = "MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3";

fn twilio_media(sequence: &str, track: &str, chunk: &str, timestamp: &str, payload: &str) -> String {
    format!(
        "{{\"event\":\"media\",\"sequenceNumber\":\"{sequence}\",\"media\":{{\"track\":\"{track}\",\"chunk\":\"{chunk}\",\
         \"timestamp\":\"{timestamp}\",\"payload\":\"{payload}\"}},\"streamSid\":\"{STREAM}\"}}"
    )
}

fn media_of(text: &str) -> Media<'_> {
    match parse(text) {
        Ok(StreamMessage::Media(media)) => media,
        other => panic!("{text} gave {other:?}"),
    }
}

fn start_of(text: &str) -> Start {
    match parse(text) {
        Ok(StreamMessage::Start(start)) => *start,
        other => panic!("{text} gave {other:?}"),
    }
}

/// Wherever the scan gives an answer, serde must give the same one.
fn assert_paths_agree(text: &str) {
    if let Some(scanned) = scan_media(text) {
        match parse_any(text) {
            Ok(StreamMessage::Media(parsed)) => assert_eq!(scanned, parsed, "{text}"),
            other => panic!("the scan takes {text:?}, serde says {other:?}"),
        }
    }
}

fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for index in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(index);
        for mut tail in permutations(&rest) {
            tail.insert(0, first.clone());
            all.push(tail);
        }
    }
    all
}

#[test]
fn twilios_own_media_is_scanned_without_allocating() {
    let payload = format!("{}/w==", "/".repeat(212));
    let text = twilio_media("2", "inbound", "1", "155", &payload);
    assert_eq!(text.len(), 374, "the length computed in section 4.6");
    let used = allocation_counter::measure(|| {
        let media = scan_media(&text).unwrap();
        assert_eq!((media.track, media.sequence_number, media.chunk), (Track::Inbound, Some(2), Some(1)));
        assert_eq!((media.timestamp_ms, media.stream_sid.as_deref()), (Some(155), Some(STREAM)));
        assert_eq!(media.payload, payload);
    });
    assert_eq!(used.count_total, 0);
    assert_paths_agree(&text);
}

#[test]
fn every_order_of_keys_gives_the_same_media() {
    let outer = [r#""event":"media""#, r#""sequenceNumber":"7""#, "MEDIA", r#""streamSid":"MZ1""#];
    let inner = [r#""track":"outbound""#, r#""chunk":"6""#, r#""timestamp":"255""#, r#""payload":"AAAA""#];
    let mut scanned = 0;
    for outer in permutations(&outer) {
        for inner in permutations(&inner) {
            let media = format!("\"media\":{{{}}}", inner.join(","));
            for text in [
                format!("{{{}}}", outer.join(",")).replace("MEDIA", &media),
                format!(" {{ {} }} ", outer.join(" , ")).replace("MEDIA", &media.replace(':', " : ")),
            ] {
                let expected = Media {
                    track: Track::Outbound,
                    sequence_number: Some(7),
                    chunk: Some(6),
                    timestamp_ms: Some(255),
                    stream_sid: Some("MZ1".into()),
                    payload: "AAAA".into(),
                };
                assert_eq!(media_of(&text), expected, "{text}");
                assert_paths_agree(&text);
                scanned += u32::from(scan_media(&text).is_some());
            }
        }
    }
    assert_eq!(scanned, 1, "only Twilio's own order takes the fast path");
}

#[test]
fn media_is_read_tolerantly() {
    type Case = (&'static str, Option<u64>, Option<u64>, Option<u64>, &'static str);
    let cases: [Case; 8] = [
        (
            r#"{"event":"media","sequenceNumber":2,"media":{"chunk":1,"timestamp":155,"payload":"AA"},"streamSid":"MZ1"}"#,
            Some(2),
            Some(1),
            Some(155),
            "AA",
        ),
        (
            r#"{"event":"media","sequenceNumber":2.0,"media":{"chunk":1e1,"timestamp":"x","payload":"AA"}}"#,
            Some(2),
            Some(10),
            None,
            "AA",
        ),
        (
            r#"{"event":"media","sequenceNumber":null,"media":{"track":null,"payload":"AA","new":{"a":[1]}},"extra":[]}"#,
            None,
            None,
            None,
            "AA",
        ),
        (r#"{"event":"media","media":{"payload":"A\/A"}}"#, None, None, None, "A/A"),
        (r#"{"event":"media","media":{"payload":1234}}"#, None, None, None, "1234"),
        (
            r#"{"event":"media","sequenceNumber":"-1","media":{"chunk":"+1","timestamp":" 1","payload":""}}"#,
            None,
            None,
            None,
            "",
        ),
        (
            r#"{"event":"media","sequenceNumber":"99999999999999999999","media":{"chunk":"18446744073709551615","timestamp":"007","payload":"A"}}"#,
            None,
            Some(u64::MAX),
            Some(7),
            "A",
        ),
        (
            r#"{"event":"media","sequenceNumber":-3,"media":{"chunk":[1],"timestamp":{},"payload":"A"}}"#,
            None,
            None,
            None,
            "A",
        ),
    ];
    for (text, sequence_number, chunk, timestamp_ms, payload) in cases {
        let media = media_of(text);
        assert_eq!(
            (media.track, media.sequence_number, media.chunk, media.timestamp_ms, media.payload.as_ref()),
            (Track::Inbound, sequence_number, chunk, timestamp_ms, payload),
            "{text}"
        );
        assert_paths_agree(text);
    }
}

#[test]
fn published_start_is_read() {
    let start = start_of(
        r#"{"event":"start","sequenceNumber":"1","start":{"accountSid":"ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1","streamSid":"MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3","callSid":"CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"from":"+12125550123","room":"room-7","token":"v1.1772533020.Zm9v"}},"streamSid":"MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}"#,
    );
    assert_eq!(start.stream_sid.as_ref().unwrap().as_str(), STREAM);
    assert_eq!(start.call_sid.as_ref().unwrap().as_str(), "CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2");
    assert_eq!(start.account_sid.as_ref().unwrap().as_str(), "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
    assert_eq!((start.tracks.as_slice(), start.sequence_number), (&[Track::Inbound][..], Some(1)));
    assert_eq!(start.parameter("from"), Some("+12125550123"));
    assert_eq!(start.parameter("room"), Some("room-7"));
    assert!(start.media_format.is_mulaw_8k_mono());
    let shown = format!("{start:?}");
    assert!(shown.contains("token") && !shown.contains("Zm9v") && !shown.contains("2125550123"), "{shown}");
}

#[test]
fn start_is_read_tolerantly() {
    let bare = start_of(r#"{"start":{},"event":"start"}"#);
    assert_eq!((bare.stream_sid, bare.call_sid, bare.account_sid), (None, None, None));
    assert!(bare.tracks.is_empty() && bare.custom_parameters.is_empty());
    assert!(bare.media_format.is_mulaw_8k_mono(), "what is not said is the usual");

    let odd = start_of(
        r#"{"event":"start","sequenceNumber":1,"start":{"streamSid":"MZ9","callSid":"CA1","tracks":["outbound",null,"x"],"mediaFormat":{"sampleRate":"16000","channels":"2"},"customParameters":{"n":5,"yes":true,"no":null,"deep":{"a":1},"esc":"a\n\u00e9"}}}"#,
    );
    assert_eq!(odd.stream_sid.unwrap().as_str(), "MZ9");
    assert_eq!(odd.tracks, [Track::Outbound, Track::Other]);
    let format = MediaFormat { encoding: None, sample_rate: Some(16_000), channels: Some(2) };
    assert!(!format.is_mulaw_8k_mono());
    assert_eq!(odd.media_format, format);
    let parameters: Vec<_> = odd.custom_parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(parameters, [("esc", "a\né"), ("n", "5"), ("yes", "true")]);

    let null =
        start_of(r#"{"event":"start","start":{"customParameters":null,"tracks":null,"mediaFormat":[]}}"#);
    assert!(null.custom_parameters.is_empty());
}

#[test]
fn custom_parameters_are_bounded() {
    let many: Vec<String> = (0..500).map(|n| format!("\"p{n}\":\"v\"")).collect();
    let text = format!(r#"{{"event":"start","start":{{"customParameters":{{{}}}}}}}"#, many.join(","));
    assert_eq!(start_of(&text).custom_parameters.len(), 99);
}

#[test]
fn other_events_are_read() {
    assert!(matches!(
        parse(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#),
        Ok(StreamMessage::Connected)
    ));
    match parse(
        r#"{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"}}"#,
    ) {
        Ok(StreamMessage::Dtmf { stream_sid, digit }) => {
            assert_eq!((stream_sid.as_deref(), digit.0.as_deref()), (Some("MZ1"), Some("1")));
            assert_eq!(format!("{digit:?}"), "Digit(…)");
        }
        other => panic!("{other:?}"),
    }
    match parse(r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"m1"}}"#) {
        Ok(StreamMessage::Mark { name, .. }) => assert_eq!(name.as_deref(), Some("m1")),
        other => panic!("{other:?}"),
    }
    for (text, call) in [
        (
            r#"{"event":"stop","sequenceNumber":"9","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#,
            Some("CA1"),
        ),
        (r#"{"event":"stop","streamSid":"MZ1"}"#, None),
        (r#"{"event":"stop","streamSid":"MZ1","stop":null}"#, None),
    ] {
        match parse(text) {
            Ok(StreamMessage::Stop { stream_sid, call_sid }) => {
                assert_eq!((stream_sid.as_deref(), call_sid.as_deref()), (Some("MZ1"), call));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(parse(r#"{"event":"mystery"}"#), Ok(StreamMessage::Unknown(name)) if name == "mystery"));
}

#[test]
fn what_a_message_cannot_do_without_is_a_typed_error() {
    let deep = format!("{}{}", r#"{"event":"media","media":"#, "[".repeat(60_000));
    for text in [
        "",
        "null",
        "[]",
        "7",
        "\"media\"",
        "{",
        "{\"event\":\"media\"",
        "{}x",
        "[\"media\"]",
        &deep,
        r#"{"event":"media","event":"start"}"#,
        "{\"event\":\"a\u{1}\"}",
    ] {
        assert!(matches!(parse(text), Err(BadStreamMessage::NotAnObject { .. })), "{:.40}", text);
    }
    let long = "x".repeat(65);
    let long_sid = format!(r#"{{"event":"start","start":{{"callSid":"{long}"}}}}"#);
    let cases = [
        ("{}", "NoEvent"),
        (r#"{"event":null}"#, "NoEvent"),
        (r#"{"event":{}}"#, "NoEvent"),
        (r#"{"event":"start","streamSid":"MZ1"}"#, "NoStart"),
        (r#"{"event":"start","start":"x"}"#, "NoStart"),
        (r#"{"event":"media","streamSid":"MZ1"}"#, "NoMedia"),
        (r#"{"event":"media","media":null}"#, "NoMedia"),
        (r#"{"event":"media","media":["inbound"]}"#, "NoMedia"),
        (r#"{"event":"media","media":{"track":"inbound"}}"#, "NoPayload"),
        (r#"{"event":"media","media":{"payload":{}}}"#, "NoPayload"),
        (r#"{"event":"media","media":{"payload":"\ud800"}}"#, "NoPayload"),
        (r#"{"event":"start","start":{"callSid":"a b"}}"#, "Sid"),
        (&long_sid, "Sid"),
    ];
    for (text, expected) in cases {
        let fault = parse(text).unwrap_err();
        assert!(format!("{fault:?}").starts_with(expected), "{text} gave {fault:?}");
    }
}

#[test]
fn debug_never_shows_audio() {
    let text = twilio_media("2", "inbound", "1", "155", "c2VjcmV0");
    let shown = format!("{:?}", parse(&text));
    assert!(shown.contains("payload_length: 8") && !shown.contains("c2VjcmV0"), "{shown}");
}

proptest! {
    #[test]
    fn the_paths_agree_on_messages_like_twilios(
        sequence in "[0-9]{0,21}|[a+ -]{1,3}",
        track in "inbound|outbound|inbound_track|[a-z]{0,3}|\\\\u0069nbound",
        chunk in "[0-9]{1,21}",
        timestamp in "[0-9]{0,21}",
        payload in "[A-Za-z0-9+/=]{0,400}|\\PC{0,20}|[\\x00-\\x7f]{0,20}",
    ) {
        let text = twilio_media(&sequence, &track, &chunk, &timestamp, &payload);
        assert_paths_agree(&text);
        let _ = parse(&text);
    }

    #[test]
    fn mutated_messages_neither_panic_nor_part_the_paths(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..4),
    ) {
        let mut bytes = twilio_media("2", "inbound", "1", "155", "/6mgqf8pICn/qaCp").into_bytes();
        for (place, byte, kind) in edits {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        assert_paths_agree(&text);
        let _ = parse(&text);
    }

    #[test]
    fn any_text_is_safe(text: String) {
        assert_paths_agree(&text);
        let _ = parse(&text);
    }
}
