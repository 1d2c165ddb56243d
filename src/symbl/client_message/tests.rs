//! Every spelling of every message (`symbl-protocol` 2.4).

use super::*;

/// The exact bytes of the bridge that everybody copied (2.4.1).
const ORIGINAL_BRIDGE: &str = r#"{"type":"start_request","insightTypes":["action_item","question","follow_up"],"config":{"meetingTitle":"My Test Meeting","confidenceThreshold":0.7,"timezoneOffset":480,"languageCode":"en-US","sentiment":true,"trackers":{"enableAllTrackers":true,"interimResults":false},"customVocabularyStrength":[{"text":"Twilio"},{"text":"Mark"}],"redaction":{"identifyContent":true,"redactContent":false,"redactionString":"*****"},"speechRecognition":{"sampleRateHertz":8000,"encoding":"MULAW"}},"speaker":{"userId":"+15550000001","name":"Agent"},"trackers":[]}"#;

fn start(fields: &str) -> StartRequest {
    let separator = if fields.is_empty() { "" } else { "," };
    let text = format!(r#"{{"type":"start_request"{separator}{fields}}}"#);
    match ClientMessage::parse(&text) {
        ClientMessage::Start(request) => *request,
        other => panic!("{text}: {other:?}"),
    }
}

fn speech(encoding: Option<&str>, rate: Option<u32>) -> SpeechWish {
    SpeechWish {
        encoding: encoding.map(str::to_owned),
        sample_rate_hertz: rate.map(RateWish::Hertz),
        interim_results: None,
    }
}

#[test]
fn every_spelling_of_every_type_is_understood() {
    let no_type = || ClientMessage::Invalid(InvalidMessage::NoType);
    let not_json = || ClientMessage::Invalid(InvalidMessage::NotJson);
    let unknown = |kind: &str| ClientMessage::Invalid(InvalidMessage::UnknownType(kind.to_owned()));
    for (text, expected) in [
        (r#"{"type":"stop_request"}"#, ClientMessage::Stop),
        (r#"{"type":"STOP_REQUEST"}"#, ClientMessage::Stop),
        (r#" {"type": "Stop_Request", "x": null}"#, ClientMessage::Stop),
        (r#"{"type":"stop_recognition"}"#, ClientMessage::Stop),
        (r#"{"type":"Stop_Recognition"}"#, ClientMessage::Stop),
        ("{'type': 'stop_request'}", ClientMessage::Stop),
        ("{'type': 'stop_recognition'}", ClientMessage::Stop),
        ("{\"type\": \"stop_request\",}", ClientMessage::Stop),
        ("__PING__", ClientMessage::Ping),
        (" __PING__\n", ClientMessage::Ping),
        (r#""__PING__""#, ClientMessage::Ping),
        (r#"{"type":"start_request"}"#, ClientMessage::Start(Box::default())),
        (r#"{"type":"START_REQUEST"}"#, ClientMessage::Start(Box::default())),
        (r#"{"type":"modify_request"}"#, ClientMessage::Modify(ModifyRequest::default())),
        (r#"{"type":"Modify_Request"}"#, ClientMessage::Modify(ModifyRequest::default())),
        ("", not_json()),
        ("hello", not_json()),
        ("{'type': 'start_request'}", not_json()),
        (r#"{"type":"start_request","disconnectOnStopRequest":}"#, not_json()),
        ("{}", no_type()),
        ("[]", no_type()),
        ("null", no_type()),
        (r#""text""#, no_type()),
        (r#"{"type":null}"#, no_type()),
        (r#"{"type":7}"#, no_type()),
        (r#"{"type":"dance"}"#, unknown("dance")),
        (r#"{"type":""}"#, unknown("")),
    ] {
        assert_eq!(ClientMessage::parse(text), expected, "{text}");
    }
}

#[test]
fn an_empty_start_request_has_the_documented_defaults() {
    let request = start("");
    assert_eq!(request.insight_types, []);
    assert_eq!(request.meeting_title, None);
    assert_eq!(request.confidence_threshold, 0.5);
    assert_eq!(request.language_code, "en-US");
    assert_eq!(request.redaction.replacement, "****");
    assert_eq!(request.speech, SpeechWish::default());
    assert_eq!(request.speaker, None);
    assert_eq!(request.no_connection_timeout, Duration::ZERO);
    assert!(request.disconnect_on_stop);
    assert_eq!(request.disconnect_on_stop_timeout, LONGEST_WAIT);
    assert!(!request.enable_all_trackers && !request.sentiment && !request.detect_entities);
}

#[test]
fn null_and_empty_objects_anywhere_are_the_same_as_nothing() {
    for fields in [
        r#""insightTypes":null,"config":null,"speaker":null,"trackers":null,"customVocabulary":null"#,
        r#""insightTypes":{},"config":{},"speaker":{},"trackers":{},"customVocabulary":{}"#,
        r#""config":{"trackers":{},"redaction":{},"speechRecognition":{},"customVocabularyStrength":null}"#,
        r#""config":{"trackers":null,"redaction":null,"speechRecognition":null,"meetingTitle":null}"#,
        r#""speaker":{"userId":null,"name":""},"trackers":[null,{},{"vocabulary":["x"]}]"#,
        r#""noConnectionTimeout":null,"disconnectOnStopRequest":null,"disconnectOnStopRequestTimeout":null"#,
        r#""config":[],"speaker":"me","trackers":7,"id":1,"mode":"x","sentiments":[],"actions":[{}]"#,
    ] {
        assert_eq!(start(fields), StartRequest::default(), "{fields}");
    }
}

#[test]
fn the_original_bridge_is_read_completely() {
    let ClientMessage::Start(request) = ClientMessage::parse(ORIGINAL_BRIDGE) else {
        panic!("not a start_request");
    };
    let expected = StartRequest {
        insight_types: vec![InsightType::Question, InsightType::ActionItem, InsightType::FollowUp],
        meeting_title: Some("My Test Meeting".to_owned()),
        confidence_threshold: 0.7,
        timezone_offset: 480,
        sentiment: true,
        redaction: Redaction { identify: true, redact: false, replacement: "*****".to_owned() },
        speech: speech(Some("MULAW"), Some(8000)),
        speaker: Some(Speaker { user_id: "+15550000001".to_owned(), name: "Agent".to_owned() }),
        enable_all_trackers: true,
        custom_vocabulary: ["Twilio", "Mark"]
            .map(|text| VocabularyHint { text: text.to_owned(), strength: None })
            .to_vec(),
        ..StartRequest::default()
    };
    assert_eq!(*request, expected);
}

#[test]
fn the_audio_format_is_found_in_both_places_and_the_nested_one_wins() {
    for (config, expected) in [
        (r#"{"encoding":"mulaw","sampleRateHertz":8000}"#, speech(Some("mulaw"), Some(8000))),
        (
            r#"{"speechRecognition":{"encoding":"LINEAR16","sampleRateHertz":44100}}"#,
            speech(Some("LINEAR16"), Some(44_100)),
        ),
        (
            r#"{"encoding":"MULAW","sampleRateHertz":8000,"speechRecognition":{"encoding":"LINEAR16"}}"#,
            speech(Some("LINEAR16"), Some(8000)),
        ),
        (r#"{"sampleRateHertz":"16000","engine":"google"}"#, speech(None, Some(16_000))),
        (r#"{"sampleRateHertz":16000.0}"#, speech(None, Some(16_000))),
        (r#"{"sampleRateHertz":-1}"#, speech(None, Some(0))),
        (
            r#"{"sampleRateHertz":"fast"}"#,
            SpeechWish { sample_rate_hertz: Some(RateWish::NotANumber), ..SpeechWish::default() },
        ),
        (
            r#"{"interimResults":false,"speechRecognition":{}}"#,
            SpeechWish { interim_results: Some(false), ..SpeechWish::default() },
        ),
    ] {
        assert_eq!(start(&format!(r#""config":{config}"#)).speech, expected, "{config}");
    }
}

#[test]
fn numbers_and_flags_are_clamped_and_taken_in_every_type() {
    let seconds = Duration::from_secs;
    for (fields, timeout) in [
        (r#""noConnectionTimeout":300"#, seconds(300)),
        (r#""noConnectionTimeout":true"#, seconds(1800)),
        (r#""noConnectionTimeout":false"#, seconds(0)),
        (r#""noConnectionTimeout":"60""#, seconds(60)),
        (r#""noConnectionTimeout":99999"#, seconds(1800)),
        (r#""noConnectionTimeout":-5"#, seconds(0)),
        (r#""noConnectionTimeout":1e300"#, seconds(1800)),
    ] {
        assert_eq!(start(fields).no_connection_timeout, timeout, "{fields}");
    }
    for (fields, disconnects, timeout) in [
        (r#""disconnectOnStopRequest":false"#, false, 1800),
        (r#""disconnectOnStopRequest":"false""#, false, 1800),
        (r#""disconnectOnStopRequest":false,"disconnectOnStopRequestTimeout":3600"#, false, 1800),
        (r#""disconnectOnStopRequest":false,"disconnectOnStopRequestTimeout":20"#, false, 20),
        (r#""disconnectOnStopRequest":false,"disconnectOnStopRequestTimeout":0"#, true, 0),
        (r#""disconnectOnStopRequest":true,"disconnectOnStopRequestTimeout":20"#, true, 20),
    ] {
        let request = start(fields);
        assert_eq!(request.disconnect_on_stop, disconnects, "{fields}");
        assert_eq!(request.disconnect_on_stop_timeout, seconds(timeout), "{fields}");
    }
    for (value, threshold) in [("0.1", 0.1), ("7", 1.0), ("-1", 0.0), ("\"0.6\"", 0.6), ("null", 0.5)] {
        let request = start(&format!(r#""config":{{"confidenceThreshold":{value}}}"#));
        assert_eq!(request.confidence_threshold, threshold, "{value}");
    }
    for (value, replacement) in
        [("\"\"", "****"), ("\"#\"", "#"), ("\"aaaaaaaaaaaaaaaaaaaa\"", "aaaaaaaaaaaaaaaa")]
    {
        let request = start(&format!(r#""config":{{"redaction":{{"redactionString":{value}}}}}"#));
        assert_eq!(request.redaction.replacement, replacement);
    }
}

#[test]
fn trackers_titles_and_speakers_are_found_wherever_clients_put_them() {
    assert!(start(r#""enableAllTrackers":true"#).enable_all_trackers);
    assert!(start(r#""config":{"trackers":{"enableAllTrackers":true}}"#).enable_all_trackers);
    let both = r#""enableAllTrackers":true,"config":{"trackers":{"enableAllTrackers":false}}"#;
    assert!(!start(both).enable_all_trackers, "config wins");
    assert!(start(r#""config":{"trackers":{"interimResults":true}}"#).interim_trackers);

    let title = |fields| start(fields).meeting_title.unwrap();
    assert_eq!(title(r#""meetingTitle":"top""#), "top");
    assert_eq!(title(r#""meetingTitle":"top","config":{"meetingTitle":"inner"}"#), "inner");

    let trackers =
        start(r#""trackers":[{"name":"Refund","vocabulary":["refund",7]},{"id":"12","name":"x"}]"#);
    assert_eq!(trackers.trackers[0].vocabulary, ["refund", "7"]);
    assert_eq!(trackers.trackers[1].id.as_deref(), Some("12"));

    let user = |fields: &str| start(&format!(r#""speaker":{fields}"#)).speaker.unwrap().user_id;
    assert_eq!(user(r#"{"userId":"a@b.c","email":"other"}"#), "a@b.c");
    assert_eq!(user(r#"{"email":"a@b.c","name":"A"}"#), "a@b.c");
    assert_eq!(user(r#"{"userId":15550100}"#), "15550100");
    assert_eq!(user(r#"{"name":"A"}"#), "");

    let insights = start(r#""insightTypes":["topic","Question","question","nonsense"]"#);
    assert_eq!(insights.insight_types, [InsightType::Question]);
}

#[test]
fn modify_requests_carry_the_format_outside_or_inside_config() {
    for (fields, expected) in [
        (
            r#""speechRecognition":{"encoding":"LINEAR16","sampleRateHertz":48000}"#,
            speech(Some("LINEAR16"), Some(48_000)),
        ),
        (r#""config":{"speechRecognition":{"sampleRateHertz":48000}}"#, speech(None, Some(48_000))),
        (r#""encoding":"MULAW""#, speech(Some("MULAW"), None)),
        (r#""config":{"detectEntities":true}"#, SpeechWish::default()),
    ] {
        let text = format!(r#"{{"type":"modify_request",{fields}}}"#);
        let ClientMessage::Modify(request) = ClientMessage::parse(&text) else {
            panic!("{text}");
        };
        assert_eq!(request.speech, expected, "{text}");
        assert_eq!(request.detect_entities.is_some(), fields.contains("detectEntities"));
    }
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in ".*", kind in "start_request|modify_request|\\PC*", body in "\\PC{0,60}") {
        let _ = ClientMessage::parse(&text);
        let _ = ClientMessage::parse(&format!(r#"{{"type":"{kind}","config":{body}}}"#));
    }
}
