//! Messages from a Symbl client: start, modify, stop, keep-alive (`symbl-protocol` 2.4).
//!
//! The reading is tolerant on purpose. Five SDKs and every sample spell these messages differently, and a server
//! that insists on one spelling is a server they cannot use: numbers may be text, objects may be `null` or `{}`,
//! stop may be a Python dict. What is out of range is clamped; what is unknown is ignored. Only what cannot be
//! understood at all is [`ClientMessage::Invalid`].

use std::time::Duration;

use serde_json::Value;

use super::Speaker;
use super::loose::{self, Object};

/// The longest that a conversation or a stopped socket is kept (2.4.1).
const LONGEST_WAIT: Duration = Duration::from_secs(1800);
/// `redactionString` has 1 to 16 characters.
const LONGEST_REDACTION: usize = 16;

/// One text message of a client.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// Begin or resume processing.
    Start(Box<StartRequest>),
    /// Change the audio format in mid-stream.
    Modify(ModifyRequest),
    /// End or pause processing.
    Stop,
    /// `__PING__`; the answer is [`PONG`].
    Ping,
    /// Nothing that this protocol knows.
    Invalid(InvalidMessage),
}

/// The bare text that keeps a socket alive.
pub const PING: &str = "__PING__";
/// The bare text that answers [`PING`].
pub const PONG: &str = "__PONG__";

/// Why a text is no client message. The words are the ones that 5.2 lists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// Not JSON.
    #[error("Invalid JSON payload.")]
    NotJson,
    /// JSON without a `type`.
    #[error("'type' must be provided in the payload.")]
    NoType,
    /// A `type` that no server message handler knows.
    #[error("Unsupported 'type' detected: {0}")]
    UnknownType(String),
}

/// `start_request` (2.4.1), defaults filled in and ranges clamped.
#[derive(Debug, Clone, PartialEq)]
pub struct StartRequest {
    /// Insights to deliver; none when empty.
    pub insight_types: Vec<InsightType>,
    /// The conversation's name, if the client gave one.
    pub meeting_title: Option<String>,
    /// Insights below it are not sent; 0 to 1.
    pub confidence_threshold: f64,
    /// BCP-47 tag.
    pub language_code: String,
    /// Minutes from UTC on the client's side.
    pub timezone_offset: i64,
    /// Adds sentiment to messages and topics.
    pub sentiment: bool,
    /// Adds entities to messages, and `entity_response`.
    pub detect_entities: bool,
    /// What to do with personal data.
    pub redaction: Redaction,
    /// The audio format as the client wrote it.
    pub speech: SpeechWish,
    /// Who speaks on this leg.
    pub speaker: Option<Speaker>,
    /// Trackers of this leg.
    pub trackers: Vec<TrackerWish>,
    /// Match every stored tracker.
    pub enable_all_trackers: bool,
    /// Send tracker matches on interim words as well.
    pub interim_trackers: bool,
    /// Phrase hints.
    pub custom_vocabulary: Vec<VocabularyHint>,
    /// How long the conversation outlives the loss of its last socket.
    pub no_connection_timeout: Duration,
    /// False: the socket stays open after stop and may start again.
    pub disconnect_on_stop: bool,
    /// How long a stopped socket may stay open.
    pub disconnect_on_stop_timeout: Duration,
}

/// An insight that a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InsightType {
    /// `question`
    Question,
    /// `action_item`
    ActionItem,
    /// `follow_up`
    FollowUp,
}

/// `config.redaction`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// Report personal data as entities.
    pub identify: bool,
    /// Replace personal data.
    pub redact: bool,
    /// What to put in its place.
    pub replacement: String,
}

/// An audio format as a client wrote it: nothing checked, because only the server knows what it can hear.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpeechWish {
    /// For instance `LINEAR16`, in any case.
    pub encoding: Option<String>,
    /// Samples a second.
    pub sample_rate_hertz: Option<RateWish>,
    /// Whether interim results are wanted; absent means yes.
    pub interim_results: Option<bool>,
}

/// A sample rate as a client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateWish {
    /// A whole number of samples a second.
    Hertz(u32),
    /// Something that is not a number.
    NotANumber,
}

/// A tracker of one leg: phrases of its own, or a reference to a stored one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrackerWish {
    /// Id of a stored tracker.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The phrases to find.
    pub vocabulary: Vec<String>,
}

/// A phrase the recogniser should expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VocabularyHint {
    /// The phrase.
    pub text: String,
    /// For instance `high`.
    pub strength: Option<String>,
}

/// `modify_request` (2.4.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModifyRequest {
    /// The audio format from the next frame on.
    pub speech: SpeechWish,
    /// Switches entity detection.
    pub detect_entities: Option<bool>,
}

impl ClientMessage {
    /// Reads one text message.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.trim_matches('"') == PING {
            return Self::Ping;
        }
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            // Python's SDK sends the repr of a dict, which is not JSON.
            let lower = text.to_ascii_lowercase();
            let stops = ["stop_request", "stop_recognition"];
            return if stops.iter().any(|name| lower.contains(name)) {
                Self::Stop
            } else {
                Self::Invalid(InvalidMessage::NotJson)
            };
        };
        let Some(kind) = value.get("type").and_then(Value::as_str) else {
            return Self::Invalid(InvalidMessage::NoType);
        };
        let message = Object::of(Some(&value));
        match kind.trim().to_ascii_lowercase().as_str() {
            "start_request" => Self::Start(Box::new(StartRequest::read(message))),
            "modify_request" => Self::Modify(ModifyRequest::read(message)),
            "stop_request" | "stop_recognition" => Self::Stop,
            _ => Self::Invalid(InvalidMessage::UnknownType(loose::shorten(kind, 64))),
        }
    }
}

impl StartRequest {
    fn read(message: Object<'_>) -> Self {
        let config = message.object("config");
        let config_trackers = config.object("trackers");
        let disconnect_on_stop_timeout = message
            .seconds("disconnectOnStopRequestTimeout")
            .unwrap_or(LONGEST_WAIT)
            .min(LONGEST_WAIT);
        Self {
            insight_types: insight_types(message),
            meeting_title: config
                .text("meetingTitle")
                .or_else(|| message.text("meetingTitle")),
            confidence_threshold: config
                .number("confidenceThreshold")
                .unwrap_or(0.5)
                .clamp(0.0, 1.0),
            language_code: config.text("languageCode").unwrap_or_else(|| "en-US".to_owned()),
            timezone_offset: config
                .whole_number("timezoneOffset")
                .unwrap_or(0)
                .clamp(-1440, 1440),
            sentiment: config.flag("sentiment").unwrap_or(false),
            detect_entities: config.flag("detectEntities").unwrap_or(false),
            redaction: Redaction::read(config.object("redaction")),
            speech: SpeechWish::read(config),
            speaker: speaker(message.object("speaker")),
            trackers: message
                .objects("trackers")
                .filter_map(TrackerWish::read)
                .collect(),
            enable_all_trackers: config_trackers
                .flag("enableAllTrackers")
                .or_else(|| message.flag("enableAllTrackers"))
                .unwrap_or(false),
            interim_trackers: config_trackers.flag("interimResults").unwrap_or(false),
            custom_vocabulary: vocabulary(message, config),
            no_connection_timeout: no_connection_timeout(message),
            // No time to stay is the same as being told to go.
            disconnect_on_stop: message.flag("disconnectOnStopRequest").unwrap_or(true)
                || disconnect_on_stop_timeout.is_zero(),
            disconnect_on_stop_timeout,
        }
    }
}

impl Default for StartRequest {
    fn default() -> Self {
        Self::read(Object::of(None))
    }
}

impl ModifyRequest {
    fn read(message: Object<'_>) -> Self {
        let config = message.object("config");
        let outer = SpeechWish::read(message);
        let inner = SpeechWish::read(config);
        Self {
            speech: SpeechWish {
                encoding: outer.encoding.or(inner.encoding),
                sample_rate_hertz: outer.sample_rate_hertz.or(inner.sample_rate_hertz),
                interim_results: outer.interim_results.or(inner.interim_results),
            },
            detect_entities: config
                .flag("detectEntities")
                .or_else(|| message.flag("detectEntities")),
        }
    }
}

impl SpeechWish {
    /// Reads `speechRecognition` inside `holder`, and the flat placement in `holder` itself, which yields to it.
    fn read(holder: Object<'_>) -> Self {
        let nested = holder.object("speechRecognition");
        let rate = |place: Object<'_>| place.value("sampleRateHertz").map(RateWish::read);
        Self {
            encoding: nested.text("encoding").or_else(|| holder.text("encoding")),
            sample_rate_hertz: rate(nested).or_else(|| rate(holder)),
            interim_results: nested
                .flag("interimResults")
                .or_else(|| holder.flag("interimResults")),
        }
    }
}

impl RateWish {
    fn read(value: &Value) -> Self {
        match loose::number(value) {
            // Saturates: no server hears at either end of the range.
            Some(rate) => Self::Hertz(rate as u32),
            None => Self::NotANumber,
        }
    }
}

impl Redaction {
    fn read(redaction: Object<'_>) -> Self {
        Self {
            identify: redaction.flag("identifyContent").unwrap_or(false),
            redact: redaction.flag("redactContent").unwrap_or(false),
            replacement: redaction
                .text("redactionString")
                .map(|text| text.chars().take(LONGEST_REDACTION).collect())
                .unwrap_or_else(|| "****".to_owned()),
        }
    }
}

impl TrackerWish {
    /// Returns nothing for a tracker that names neither itself nor a stored one.
    fn read(tracker: Object<'_>) -> Option<Self> {
        let wish = Self {
            id: tracker.text("id"),
            name: tracker.text("name"),
            vocabulary: tracker.texts("vocabulary"),
        };
        (wish.id.is_some() || wish.name.is_some()).then_some(wish)
    }
}

fn insight_types(message: Object<'_>) -> Vec<InsightType> {
    let mut types: Vec<_> = message
        .texts("insightTypes")
        .iter()
        .filter_map(|name| match name.trim().to_ascii_lowercase().as_str() {
            "question" => Some(InsightType::Question),
            "action_item" => Some(InsightType::ActionItem),
            "follow_up" => Some(InsightType::FollowUp),
            _ => None,
        })
        .collect();
    types.sort_unstable();
    types.dedup();
    types
}

fn speaker(speaker: Object<'_>) -> Option<Speaker> {
    let user_id = ["userId", "email", "phone"]
        .iter()
        .find_map(|name| speaker.text(name));
    let name = speaker.text("name");
    (user_id.is_some() || name.is_some()).then(|| Speaker {
        user_id: user_id.unwrap_or_default(),
        name: name.unwrap_or_default(),
    })
}

fn vocabulary(message: Object<'_>, config: Object<'_>) -> Vec<VocabularyHint> {
    let plain = message
        .texts("customVocabulary")
        .into_iter()
        .map(|text| VocabularyHint { text, strength: None });
    let weighted = config.objects("customVocabularyStrength").filter_map(|hint| {
        Some(VocabularyHint {
            text: hint.text("text")?,
            strength: hint.text("strength"),
        })
    });
    plain.chain(weighted).collect()
}

/// Go types this field as a bool.
fn no_connection_timeout(message: Object<'_>) -> Duration {
    match message.value("noConnectionTimeout") {
        Some(Value::Bool(true)) => LONGEST_WAIT,
        _ => message
            .seconds("noConnectionTimeout")
            .unwrap_or_default()
            .min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
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
            (
                r#"{"type":"start_request"}"#,
                ClientMessage::Start(Box::default()),
            ),
            (
                r#"{"type":"START_REQUEST"}"#,
                ClientMessage::Start(Box::default()),
            ),
            (
                r#"{"type":"modify_request"}"#,
                ClientMessage::Modify(ModifyRequest::default()),
            ),
            (
                r#"{"type":"Modify_Request"}"#,
                ClientMessage::Modify(ModifyRequest::default()),
            ),
            ("", not_json()),
            ("hello", not_json()),
            ("{'type': 'start_request'}", not_json()),
            (
                r#"{"type":"start_request","disconnectOnStopRequest":}"#,
                not_json(),
            ),
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
            insight_types: vec![
                InsightType::Question,
                InsightType::ActionItem,
                InsightType::FollowUp,
            ],
            meeting_title: Some("My Test Meeting".to_owned()),
            confidence_threshold: 0.7,
            timezone_offset: 480,
            sentiment: true,
            redaction: Redaction {
                identify: true,
                redact: false,
                replacement: "*****".to_owned(),
            },
            speech: speech(Some("MULAW"), Some(8000)),
            speaker: Some(Speaker {
                user_id: "+15550000001".to_owned(),
                name: "Agent".to_owned(),
            }),
            enable_all_trackers: true,
            custom_vocabulary: ["Twilio", "Mark"]
                .map(|text| VocabularyHint {
                    text: text.to_owned(),
                    strength: None,
                })
                .to_vec(),
            ..StartRequest::default()
        };
        assert_eq!(*request, expected);
    }

    #[test]
    fn the_audio_format_is_found_in_both_places_and_the_nested_one_wins() {
        for (config, expected) in [
            (
                r#"{"encoding":"mulaw","sampleRateHertz":8000}"#,
                speech(Some("mulaw"), Some(8000)),
            ),
            (
                r#"{"speechRecognition":{"encoding":"LINEAR16","sampleRateHertz":44100}}"#,
                speech(Some("LINEAR16"), Some(44_100)),
            ),
            (
                r#"{"encoding":"MULAW","sampleRateHertz":8000,"speechRecognition":{"encoding":"LINEAR16"}}"#,
                speech(Some("LINEAR16"), Some(8000)),
            ),
            (
                r#"{"sampleRateHertz":"16000","engine":"google"}"#,
                speech(None, Some(16_000)),
            ),
            (r#"{"sampleRateHertz":16000.0}"#, speech(None, Some(16_000))),
            (r#"{"sampleRateHertz":-1}"#, speech(None, Some(0))),
            (
                r#"{"sampleRateHertz":"fast"}"#,
                SpeechWish {
                    sample_rate_hertz: Some(RateWish::NotANumber),
                    ..SpeechWish::default()
                },
            ),
            (
                r#"{"interimResults":false,"speechRecognition":{}}"#,
                SpeechWish {
                    interim_results: Some(false),
                    ..SpeechWish::default()
                },
            ),
        ] {
            assert_eq!(
                start(&format!(r#""config":{config}"#)).speech,
                expected,
                "{config}"
            );
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
            (
                r#""disconnectOnStopRequest":false,"disconnectOnStopRequestTimeout":3600"#,
                false,
                1800,
            ),
            (
                r#""disconnectOnStopRequest":false,"disconnectOnStopRequestTimeout":20"#,
                false,
                20,
            ),
            (
                r#""disconnectOnStopRequest":false,"disconnectOnStopRequestTimeout":0"#,
                true,
                0,
            ),
            (
                r#""disconnectOnStopRequest":true,"disconnectOnStopRequestTimeout":20"#,
                true,
                20,
            ),
        ] {
            let request = start(fields);
            assert_eq!(request.disconnect_on_stop, disconnects, "{fields}");
            assert_eq!(request.disconnect_on_stop_timeout, seconds(timeout), "{fields}");
        }
        for (value, threshold) in [
            ("0.1", 0.1),
            ("7", 1.0),
            ("-1", 0.0),
            ("\"0.6\"", 0.6),
            ("null", 0.5),
        ] {
            let request = start(&format!(r#""config":{{"confidenceThreshold":{value}}}"#));
            assert_eq!(request.confidence_threshold, threshold, "{value}");
        }
        for (value, replacement) in [
            ("\"\"", "****"),
            ("\"#\"", "#"),
            ("\"aaaaaaaaaaaaaaaaaaaa\"", "aaaaaaaaaaaaaaaa"),
        ] {
            let request = start(&format!(
                r#""config":{{"redaction":{{"redactionString":{value}}}}}"#
            ));
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
        assert_eq!(
            title(r#""meetingTitle":"top","config":{"meetingTitle":"inner"}"#),
            "inner"
        );

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
            (
                r#""config":{"speechRecognition":{"sampleRateHertz":48000}}"#,
                speech(None, Some(48_000)),
            ),
            (r#""encoding":"MULAW""#, speech(Some("MULAW"), None)),
            (r#""config":{"detectEntities":true}"#, SpeechWish::default()),
        ] {
            let text = format!(r#"{{"type":"modify_request",{fields}}}"#);
            let ClientMessage::Modify(request) = ClientMessage::parse(&text) else {
                panic!("{text}");
            };
            assert_eq!(request.speech, expected, "{text}");
            assert_eq!(
                request.detect_entities.is_some(),
                fields.contains("detectEntities")
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in ".*", kind in "start_request|modify_request|\\PC*", body in "\\PC{0,60}") {
            let _ = ClientMessage::parse(&text);
            let _ = ClientMessage::parse(&format!(r#"{{"type":"{kind}","config":{body}}}"#));
        }
    }
}
