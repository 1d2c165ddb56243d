//! Messages from a Symbl server: acknowledgements, results, insights, errors.
//!
//! Two envelopes are on the wire (`symbl-protocol` 2.6): **A** wraps, `{"type":"message","message":{"type":…}}`,
//! **B** is flat. [`ServerMessage::to_json`] writes each message in the envelope that clients expect;
//! [`ServerMessage::parse`] reads both envelopes for every type, because servers disagree.
//!
//! Field types are as strict as the Go SDK needs them: `seconds` and `nanos` are strings, offsets are integers.

mod insight;
mod message;
mod recognition;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use insight::*;
pub use message::*;
pub use recognition::*;

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
mod tests;
