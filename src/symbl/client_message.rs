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
        let disconnect_on_stop_timeout =
            message.seconds("disconnectOnStopRequestTimeout").unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        Self {
            insight_types: insight_types(message),
            meeting_title: config.text("meetingTitle").or_else(|| message.text("meetingTitle")),
            confidence_threshold: config.number("confidenceThreshold").unwrap_or(0.5).clamp(0.0, 1.0),
            language_code: config.text("languageCode").unwrap_or_else(|| "en-US".to_owned()),
            timezone_offset: config.whole_number("timezoneOffset").unwrap_or(0).clamp(-1440, 1440),
            sentiment: config.flag("sentiment").unwrap_or(false),
            detect_entities: config.flag("detectEntities").unwrap_or(false),
            redaction: Redaction::read(config.object("redaction")),
            speech: SpeechWish::read(config),
            speaker: speaker(message.object("speaker")),
            trackers: message.objects("trackers").filter_map(TrackerWish::read).collect(),
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
            detect_entities: config.flag("detectEntities").or_else(|| message.flag("detectEntities")),
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
            interim_results: nested.flag("interimResults").or_else(|| holder.flag("interimResults")),
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
    let user_id = ["userId", "email", "phone"].iter().find_map(|name| speaker.text(name));
    let name = speaker.text("name");
    (user_id.is_some() || name.is_some())
        .then(|| Speaker { user_id: user_id.unwrap_or_default(), name: name.unwrap_or_default() })
}

fn vocabulary(message: Object<'_>, config: Object<'_>) -> Vec<VocabularyHint> {
    let plain =
        message.texts("customVocabulary").into_iter().map(|text| VocabularyHint { text, strength: None });
    let weighted = config.objects("customVocabularyStrength").filter_map(|hint| {
        Some(VocabularyHint { text: hint.text("text")?, strength: hint.text("strength") })
    });
    plain.chain(weighted).collect()
}

/// Go types this field as a bool.
fn no_connection_timeout(message: Object<'_>) -> Duration {
    match message.value("noConnectionTimeout") {
        Some(Value::Bool(true)) => LONGEST_WAIT,
        _ => message.seconds("noConnectionTimeout").unwrap_or_default().min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests;
