//! Messages from a Symbl server: acknowledgements, results, insights, errors.
//!
//! Two envelopes are on the wire (`symbl-protocol` 2.6): **A** wraps, `{"type":"message","message":{"type":…}}`,
//! **B** is flat. [`ServerMessage::to_json`] writes each message in the envelope that clients expect;
//! [`ServerMessage::parse`] reads both envelopes for every type, because servers disagree.
//!
//! Field types are as strict as the Go SDK needs them: `seconds` and `nanos` are strings, offsets are integers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One message of a server, whichever envelope it came in.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerMessage {
    /// Audio is accepted from now on (2.6.1).
    StartedListening,
    /// The conversation exists (2.6.2).
    ConversationCreated(ConversationRef),
    /// Recognition runs; the one message without which older clients never start (2.6.3).
    RecognitionStarted(ConversationRef),
    /// Interim or final words of this leg's speaker (2.6.4).
    RecognitionResult(Box<RecognitionResult>),
    /// Finished sentences of any speaker (2.6.5).
    MessageResponse(MessageResponse),
    /// Questions, action items, follow-ups (2.6.6).
    InsightResponse(InsightResponse),
    /// Topics (2.6.7).
    TopicResponse(TopicResponse),
    /// Tracker matches (2.6.8).
    TrackerResponse(TrackerResponse),
    /// Entities (2.6.9).
    EntityResponse(EntityResponse),
    /// The audio format changed in mid-stream (2.6.10).
    SessionModified(SpeechRecognitionFormat),
    /// The leg's conversation is complete; what follows is the close (2.6.11).
    ConversationCompleted(ConversationCompleted),
    /// Recognition ended (2.6.12).
    RecognitionStopped,
    /// Something the client did cannot be served (2.6.13).
    Error(ErrorMessage),
    /// A type this version does not know; clients ignore it.
    Unknown(String),
}

/// A text frame that is not a Symbl message.
#[derive(Debug, thiserror::Error)]
pub enum BadServerMessage {
    /// Not JSON at all.
    #[error("not json")]
    NotJson(#[source] serde_json::Error),
    /// JSON without a `type`.
    #[error("no `type`")]
    NoType,
    /// A known type whose fields have the wrong shape.
    #[error("malformed {kind}")]
    Malformed {
        /// The message's `type`.
        kind: String,
        /// What serde found.
        #[source]
        source: serde_json::Error,
    },
}

/// `data` of the acknowledgements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationRef {
    /// The server's id of the conversation, always a string.
    pub conversation_id: String,
}

/// Words of one speaker, still moving (`is_final` false) or settled.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecognitionResult {
    /// False: may still change.
    pub is_final: bool,
    /// The recogniser's own output.
    pub payload: RecognitionPayload,
    /// Text to show.
    pub punctuated: Punctuated,
    /// The speaker; present even when empty, because clients read `user.name` unguarded.
    pub user: User,
    /// Milliseconds since the leg's audio began. On the wire it stands beside `message` and inside it.
    pub time_offset: u64,
}

/// `payload` of a recognition result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RecognitionPayload {
    /// The one reading clients know.
    pub raw: RawRecognition,
}

/// `payload.raw`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RawRecognition {
    /// Readings, best first; clients read the first.
    pub alternatives: Vec<Alternative>,
}

/// One reading of the audio.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Alternative {
    /// Words with times; empty in interim results.
    pub words: Vec<RecognizedWord>,
    /// Unpunctuated text.
    pub transcript: String,
    /// 0 to 1; 0 in interim results.
    pub confidence: f64,
}

/// A word and where it lies in the leg's audio.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecognizedWord {
    /// The word.
    pub word: String,
    /// Start, relative to the leg's audio.
    pub start_time: WordTime,
    /// End, relative to the leg's audio.
    pub end_time: WordTime,
}

/// A time in the leg's audio; both parts are decimal strings on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WordTime {
    /// Whole seconds.
    pub seconds: String,
    /// Nanoseconds within the second.
    pub nanos: String,
}

impl WordTime {
    /// Returns the wire form of a time in milliseconds.
    pub fn from_millis(millis: u64) -> Self {
        Self { seconds: (millis / 1000).to_string(), nanos: (millis % 1000 * 1_000_000).to_string() }
    }
}

/// Text to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Punctuated {
    /// Cased and punctuated text.
    pub transcript: String,
}

/// A member of the conversation, as results name it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    /// The leg's `speaker.userId`.
    pub user_id: String,
    /// The leg's `speaker.name`.
    pub name: String,
    /// The member's own id, a UUID.
    pub id: String,
}

/// Finished sentences.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageResponse {
    /// The sentences.
    pub messages: Vec<Message>,
    /// Per conversation and type, from 0.
    pub sequence_number: u64,
    /// Whether sentiment is on.
    pub sentiment: bool,
}

/// One sentence with an id that all later messages and REST refer to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Message {
    /// Opaque id.
    pub id: String,
    /// Where it came from: always `realtime-api`.
    pub channel: Channel,
    /// Who said it.
    pub from: User,
    /// What was said.
    pub payload: Content,
    /// Words and the original text.
    pub metadata: MessageMetadata,
    /// Always false: nothing dismisses messages.
    pub dismissed: bool,
    /// When it was said.
    pub duration: MessageDuration,
    /// Entities found in it.
    pub entities: Vec<MessageEntity>,
    /// Only with `config.sentiment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
}

/// `channel` of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The channel's name.
    pub id: String,
}

impl Default for Channel {
    fn default() -> Self {
        Self { id: "realtime-api".to_owned() }
    }
}

/// Text with its media type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Content {
    /// The text, redacted when asked for.
    pub content: String,
    /// Always `text/plain`.
    pub content_type: String,
}

impl Content {
    /// Returns plain text content.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { content: text.into(), content_type: "text/plain".to_owned() }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::plain("")
    }
}

/// `metadata` of a message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageMetadata {
    /// As hosted servers send it.
    pub disable_punctuation: bool,
    /// Minutes, from the start request.
    pub timezone_offset: i64,
    /// The text before corrections (redacted when asked for).
    pub original_content: String,
    /// A JSON array of `{word,startTime,endTime}` with ISO times, **in a string**.
    pub words: String,
    /// The message's own id.
    pub original_message_id: String,
}

/// When a message was said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageDuration {
    /// ISO 8601 start.
    pub start_time: String,
    /// ISO 8601 end.
    pub end_time: String,
    /// Seconds from the conversation's start.
    pub time_offset: f64,
    /// Seconds.
    pub duration: f64,
}

/// An entity inside a message: the union of the two shapes clients know.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageEntity {
    /// For instance `PHONE_NUMBER`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Finer type.
    pub sub_type: String,
    /// `Managed` or `Custom`.
    pub category: String,
    /// The text found.
    pub text: String,
    /// The same text.
    pub detected_value: String,
    /// Character offset in the message.
    pub offset: i64,
    /// The same text once more.
    pub value: EntityValue,
}

/// `value` of an entity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntityValue {
    /// The text found.
    pub value: String,
}

/// Polarity with its band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentiment {
    /// The score.
    pub polarity: Polarity,
    /// `negative` below -0.3, `positive` above 0.3, else `neutral`.
    pub suggested: String,
}

/// A score from -1 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Polarity {
    /// The score.
    pub score: f64,
}

/// Questions, action items, follow-ups.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InsightResponse {
    /// The insights.
    pub insights: Vec<Insight>,
    /// Per conversation and type, from 0.
    pub sequence_number: u64,
}

/// One insight.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Insight {
    /// Opaque id.
    pub id: String,
    /// `question`, `action_item` or `follow_up`.
    #[serde(rename = "type")]
    pub kind: String,
    /// At or above the client's `confidenceThreshold`.
    pub confidence: f64,
    /// The text, for older clients.
    pub text: String,
    /// The text, for newer clients.
    pub payload: Content,
    /// The message it was found in.
    pub message_reference: IdRef,
    /// Who said it; `{}` when unknown.
    pub from: Value,
    /// Who shall do it; `{}` when unknown.
    pub assignee: Value,
    /// When it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_by: Option<DueBy>,
    /// Scores, as strings.
    pub hints: Vec<Hint>,
    /// People and dates in the text.
    pub tags: Vec<Value>,
    /// Null or entities.
    pub entities: Option<Vec<MessageEntity>>,
    /// Always false.
    pub dismissed: bool,
}

/// A reference by id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IdRef {
    /// The id.
    pub id: String,
}

/// `dueBy` of an insight on the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueBy {
    /// ISO 8601.
    pub value: String,
}

/// A named score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The score's name.
    pub key: String,
    /// The score, as text.
    pub value: String,
}

/// Topics.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TopicResponse {
    /// The topics.
    pub topics: Vec<Topic>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Topic {
    /// Opaque id, stable while the topic lives.
    pub id: String,
    /// Always `topic`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One phrase, despite the plural.
    pub phrases: String,
    /// 0 to 1.
    pub score: f64,
    /// The words it stands on.
    pub root_words: Vec<RootWord>,
    /// The messages that hold it.
    pub message_references: Vec<TopicMessageRef>,
    /// Index of the newest of those messages.
    pub message_index: u64,
    /// Only with `config.sentiment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
}

/// A root word of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootWord {
    /// The word.
    pub text: String,
}

/// A topic's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicMessageRef {
    /// The message's id.
    pub id: String,
    /// Always `text instance`.
    pub relation: String,
}

/// Tracker matches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrackerResponse {
    /// False: found in words that may still change.
    pub is_final: bool,
    /// The trackers that matched.
    pub trackers: Vec<TrackerMatches>,
    /// Per conversation and type, from 0.
    pub sequence_number: u64,
}

/// A tracker with its matches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TrackerMatches {
    /// Opaque id.
    pub id: String,
    /// The tracker's name.
    pub name: String,
    /// Where it matched.
    pub matches: Vec<TrackerMatch>,
}

/// One vocabulary entry's matches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrackerMatch {
    /// Always `vocabulary`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The vocabulary entry.
    pub value: String,
    /// Messages.
    pub message_refs: Vec<MatchRef>,
    /// Insights.
    pub insight_refs: Vec<MatchRef>,
}

/// A place where a tracker matched.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MatchRef {
    /// Id of the message or insight.
    pub id: String,
    /// For insights: their type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Text of the message or insight.
    pub text: String,
    /// Character offset of the match; -1: similar, not literal.
    pub offset: i64,
}

/// Entities.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntityResponse {
    /// The entities.
    pub entities: Vec<Entity>,
    /// Per conversation and type, from 0.
    pub sequence_number: u64,
}

/// One kind of entity with its finds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entity {
    /// For instance `PII`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For instance `PHONE_NUMBER`.
    pub sub_type: String,
    /// `Managed` or `Custom`.
    pub category: String,
    /// What was found.
    pub matches: Vec<EntityMatch>,
}

/// One find of an entity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntityMatch {
    /// The text found.
    pub detected_value: String,
    /// Where.
    pub message_refs: Vec<EntityMessageRef>,
}

/// A message that holds an entity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntityMessageRef {
    /// The message's id.
    pub id: String,
    /// ISO 8601 start.
    pub start_time: String,
    /// ISO 8601 end.
    pub end_time: String,
    /// The message's text.
    pub text: String,
    /// Character offset.
    pub offset: i64,
}

/// `speechRecognition`: the audio format of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SpeechRecognitionFormat {
    /// For instance `MULAW`.
    pub encoding: String,
    /// Samples a second.
    pub sample_rate_hertz: u32,
}

/// The end of a leg's conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConversationCompleted {
    /// Where the JS clients look for the id.
    pub conversation_id: String,
    /// A page about the conversation, or empty.
    pub summary_url: String,
    /// Where the Go SDK looks for the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<ConversationRef>,
}

/// A complaint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorMessage {
    /// What exactly is wrong.
    #[serde(deserialize_with = "any_text")]
    pub details: String,
    /// What could not be done.
    #[serde(deserialize_with = "any_text")]
    pub message: String,
}

/// Servers put numbers, objects and null where text belongs; an error must never be lost to that.
fn any_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

/// Which envelope an error is written in (2.6.13): JS clients hear only A, Go and the web SDK only B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorEnvelope {
    /// `{"type":"message","message":{"type":"error",…}}`.
    Wrapped,
    /// `{"type":"error",…}`.
    Flat,
}

impl ServerMessage {
    /// Reads a text frame, accepting either envelope for every type.
    pub fn parse(text: &str) -> Result<Self, BadServerMessage> {
        let outer: Value = serde_json::from_str(text).map_err(BadServerMessage::NotJson)?;
        match kind_of(&outer).ok_or(BadServerMessage::NoType)? {
            "message" => {
                let inner = outer.get("message").ok_or(BadServerMessage::NoType)?;
                let mut message = Self::from_value(kind_of(inner).ok_or(BadServerMessage::NoType)?, inner)?;
                if let Self::RecognitionResult(result) = &mut message
                    && let Some(offset) = outer.get("timeOffset").and_then(Value::as_u64)
                {
                    result.time_offset = offset;
                }
                Ok(message)
            }
            kind => Self::from_value(kind, &outer),
        }
    }

    fn from_value(kind: &str, value: &Value) -> Result<Self, BadServerMessage> {
        fn read<T: serde::de::DeserializeOwned>(kind: &str, value: &Value) -> Result<T, BadServerMessage> {
            T::deserialize(value)
                .map_err(|source| BadServerMessage::Malformed { kind: kind.to_owned(), source })
        }
        let data = value.get("data").unwrap_or(&Value::Null);
        Ok(match kind {
            "started_listening" => Self::StartedListening,
            "conversation_created" => Self::ConversationCreated(read(kind, data)?),
            "recognition_started" => Self::RecognitionStarted(read(kind, data)?),
            "recognition_result" => Self::RecognitionResult(Box::new(read(kind, value)?)),
            "message_response" => Self::MessageResponse(read(kind, value)?),
            "insight_response" => Self::InsightResponse(read(kind, value)?),
            "topic_response" => Self::TopicResponse(read(kind, value)?),
            "tracker_response" => Self::TrackerResponse(read(kind, value)?),
            "entity_response" => Self::EntityResponse(read(kind, value)?),
            "session_modified" => {
                Self::SessionModified(read(kind, data.get("speechRecognition").unwrap_or(&Value::Null))?)
            }
            "conversation_completed" => Self::ConversationCompleted(read(kind, value)?),
            "recognition_stopped" => Self::RecognitionStopped,
            "error" => Self::Error(read(kind, value)?),
            other => Self::Unknown(other.to_owned()),
        })
    }

    /// Returns the message as one text frame, in the envelope that clients expect.
    ///
    /// An error is written flat; [`ErrorMessage::to_json`] chooses.
    pub fn to_json(&self) -> String {
        match self {
            Self::StartedListening => wrapped("started_listening", Value::Null),
            Self::ConversationCreated(data) => wrapped("conversation_created", field("data", data)),
            Self::RecognitionStarted(data) => wrapped("recognition_started", field("data", data)),
            Self::RecognitionResult(result) => {
                let mut envelope = envelope("recognition_result", as_value(result));
                envelope["timeOffset"] = result.time_offset.into();
                envelope.to_string()
            }
            Self::MessageResponse(body) => flat("message_response", as_value(body)),
            Self::InsightResponse(body) => flat("insight_response", as_value(body)),
            Self::TopicResponse(body) => flat("topic_response", as_value(body)),
            Self::TrackerResponse(body) => flat("tracker_response", as_value(body)),
            Self::EntityResponse(body) => flat("entity_response", as_value(body)),
            Self::SessionModified(format) => {
                wrapped("session_modified", field("data", &field("speechRecognition", format)))
            }
            Self::ConversationCompleted(body) => wrapped("conversation_completed", as_value(body)),
            Self::RecognitionStopped => wrapped("recognition_stopped", Value::Null),
            Self::Error(error) => error.to_json(ErrorEnvelope::Flat),
            Self::Unknown(kind) => flat(kind, Value::Null),
        }
    }

    /// Returns the conversation's id where the message carries one.
    pub fn conversation_id(&self) -> Option<&str> {
        match self {
            Self::ConversationCreated(data) | Self::RecognitionStarted(data) => Some(&data.conversation_id),
            Self::ConversationCompleted(completed) => Some(&completed.conversation_id),
            _ => None,
        }
    }
}

impl ErrorMessage {
    /// Returns the error as one text frame.
    pub fn to_json(&self, envelope: ErrorEnvelope) -> String {
        match envelope {
            ErrorEnvelope::Wrapped => wrapped("error", as_value(self)),
            ErrorEnvelope::Flat => flat("error", as_value(self)),
        }
    }
}

fn kind_of(value: &Value) -> Option<&str> {
    value.get("type").and_then(Value::as_str)
}

/// Our own types have string keys and finite numbers only, so writing them cannot fail.
fn as_value<T: Serialize>(body: &T) -> Value {
    serde_json::to_value(body).unwrap_or(Value::Null)
}

fn field<T: Serialize>(name: &str, body: &T) -> Value {
    Value::Object([(name.to_owned(), as_value(body))].into_iter().collect())
}

fn envelope(kind: &str, body: Value) -> Value {
    Value::Object(
        [("type".to_owned(), "message".into()), ("message".to_owned(), typed(kind, body))]
            .into_iter()
            .collect(),
    )
}

fn wrapped(kind: &str, body: Value) -> String {
    envelope(kind, body).to_string()
}

fn flat(kind: &str, body: Value) -> String {
    typed(kind, body).to_string()
}

/// `body` with `type` added; a body without fields adds nothing but the type.
fn typed(kind: &str, body: Value) -> Value {
    let mut fields = match body {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    fields.insert("type".to_owned(), kind.into());
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_acknowledgement_is_read_in_both_envelopes() {
        let id = ConversationRef { conversation_id: "5174930226618368".to_owned() };
        for (flat_json, expected) in [
            (r#"{"type":"started_listening"}"#, ServerMessage::StartedListening),
            (
                r#"{"type":"conversation_created","data":{"conversationId":"5174930226618368"}}"#,
                ServerMessage::ConversationCreated(id.clone()),
            ),
            (
                r#"{"type":"recognition_started","data":{"conversationId":"5174930226618368"}}"#,
                ServerMessage::RecognitionStarted(id),
            ),
            (r#"{"type":"recognition_stopped"}"#, ServerMessage::RecognitionStopped),
            (
                r#"{"type":"error","details":"no rate","message":"Invalid start_request."}"#,
                ServerMessage::Error(ErrorMessage {
                    details: "no rate".to_owned(),
                    message: "Invalid start_request.".to_owned(),
                }),
            ),
            (r#"{"type":"transcript_response"}"#, ServerMessage::Unknown("transcript_response".to_owned())),
        ] {
            let wrapped_json = format!(r#"{{"type":"message","message":{flat_json}}}"#);
            assert_eq!(ServerMessage::parse(flat_json).unwrap(), expected);
            assert_eq!(ServerMessage::parse(&wrapped_json).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let result = RecognitionResult {
            is_final: true,
            payload: RecognitionPayload {
                raw: RawRecognition {
                    alternatives: vec![Alternative {
                        words: vec![RecognizedWord {
                            word: "my".to_owned(),
                            start_time: WordTime::from_millis(5200),
                            end_time: WordTime::from_millis(5400),
                        }],
                        transcript: "my".to_owned(),
                        confidence: 0.94,
                    }],
                },
            },
            punctuated: Punctuated { transcript: "My.".to_owned() },
            user: User { name: "Agent".to_owned(), ..User::default() },
            time_offset: 6900,
        };
        for message in [
            ServerMessage::StartedListening,
            ServerMessage::RecognitionResult(Box::new(result)),
            ServerMessage::MessageResponse(MessageResponse {
                messages: vec![Message::default()],
                ..Default::default()
            }),
            ServerMessage::InsightResponse(InsightResponse {
                insights: vec![Insight::default()],
                sequence_number: 3,
            }),
            ServerMessage::TopicResponse(TopicResponse { topics: vec![Topic::default()] }),
            ServerMessage::TrackerResponse(TrackerResponse::default()),
            ServerMessage::EntityResponse(EntityResponse::default()),
            ServerMessage::SessionModified(SpeechRecognitionFormat {
                encoding: "LINEAR16".to_owned(),
                sample_rate_hertz: 48_000,
            }),
            ServerMessage::ConversationCompleted(ConversationCompleted {
                conversation_id: "1".to_owned(),
                summary_url: String::new(),
                data: Some(ConversationRef { conversation_id: "1".to_owned() }),
            }),
            ServerMessage::Error(ErrorMessage { details: "d".to_owned(), message: "m".to_owned() }),
        ] {
            assert_eq!(ServerMessage::parse(&message.to_json()).unwrap(), message, "{}", message.to_json());
        }
    }

    #[test]
    fn word_times_are_strings_and_time_offset_stands_in_both_places() {
        let json = ServerMessage::RecognitionResult(Box::new(RecognitionResult {
            payload: RecognitionPayload {
                raw: RawRecognition {
                    alternatives: vec![Alternative {
                        words: vec![RecognizedWord {
                            end_time: WordTime::from_millis(1250),
                            ..Default::default()
                        }],
                        ..Default::default()
                    }],
                },
            },
            time_offset: 1300,
            ..Default::default()
        }))
        .to_json();
        let value: Value = serde_json::from_str(&json).unwrap();
        let end = &value["message"]["payload"]["raw"]["alternatives"][0]["words"][0]["endTime"];
        assert_eq!(end["seconds"], "1");
        assert_eq!(end["nanos"], "250000000");
        assert_eq!(value["timeOffset"], 1300);
        assert_eq!(value["message"]["timeOffset"], 1300);
        assert!(value["message"]["user"].is_object());
    }

    #[test]
    fn what_is_not_a_message_is_named_and_never_panics() {
        for (text, expected) in [
            ("__PONG__", "not json"),
            ("{}", "no `type`"),
            ("[]", "no `type`"),
            (r#"{"type":7}"#, "no `type`"),
            (r#"{"type":"message"}"#, "no `type`"),
            (
                r#"{"type":"message","message":{"type":"recognition_started"}}"#,
                "malformed recognition_started",
            ),
        ] {
            assert_eq!(ServerMessage::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn an_error_with_odd_field_types_is_still_an_error() {
        let message =
            ServerMessage::parse(r#"{"type":"error","details":{"code":7},"message":null}"#).unwrap();
        let expected = ErrorMessage { details: r#"{"code":7}"#.to_owned(), message: String::new() };
        assert_eq!(message, ServerMessage::Error(expected));
    }
}
