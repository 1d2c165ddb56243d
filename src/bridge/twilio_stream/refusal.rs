//! Why a media socket is refused: for its peer a close code, for people words, for metrics one word.

use std::time::Duration;

use super::MOST_USELESS;
use crate::bridge::call::registry::StreamRefusal;
use crate::bridge::call::stream_token::BadStreamToken;
use crate::twilio::BadStreamMessage;
use crate::ws::CloseCode;

/// Why a socket is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("no `start` within {} ms", .0.as_millis())]
    NoStart(Duration),
    #[error("more than {MOST_USELESS} messages before `start`")]
    NoStartInTime,
    #[error(transparent)]
    BadStart(BadStreamMessage),
    #[error("`start` without {0}")]
    Incomplete(&'static str),
    #[error("media format {0}; only audio/x-mulaw, 8000 Hz, 1 channel is understood")]
    Format(String),
    #[error(transparent)]
    Token(#[from] BadStreamToken),
    #[error(transparent)]
    Stream(#[from] StreamRefusal),
    #[error("a second `start` with another streamSid")]
    SecondStart,
    #[error("more than {MOST_USELESS} useless messages in a row")]
    Useless,
    #[error("the supervisor is gone")]
    NoSupervisor,
}

impl Refusal {
    /// Returns the stable word for metrics.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::NoStart(_) => "no_start",
            Self::NoStartInTime => "no_start_among_first",
            Self::BadStart(_) => "bad_start",
            Self::Incomplete(_) => "incomplete_start",
            Self::Format(_) => "format",
            Self::Token(_) => "stream_token",
            Self::Stream(refusal) => refusal.as_str(),
            Self::SecondStart => "second_start",
            Self::Useless => "useless_messages",
            Self::NoSupervisor => "no_supervisor",
        }
    }

    pub(super) fn close_code(&self) -> CloseCode {
        match self {
            Self::Format(_) => CloseCode::Unsupported,
            Self::NoSupervisor => CloseCode::Error,
            Self::Stream(StreamRefusal::ShuttingDown) => CloseCode::Away,
            Self::Stream(StreamRefusal::TooManyCalls | StreamRefusal::TooManyLegs) => CloseCode::Again,
            _ => CloseCode::Policy,
        }
    }
}
