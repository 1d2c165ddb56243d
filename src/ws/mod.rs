//! The one shell over actix-web-actors and awc: frames, fragments, pings, closes, limits.
//!
//! actix-web-actors is deprecated upstream; everything that touches it is here, so that moving on touches one
//! room. The shell answers pings, reassembles fragments, and turns every kind of end into [`Incoming::Ended`].
//! It never parses what the frames carry.
//!
//! * [`server`] - sockets that others open to us, over actix-web-actors.
//! * [`client`] - sockets that we open.
//! * [`direct`] - sockets that others open to us, for actors that take the connection itself: the audio path.
//! * [`pump`] - drives a socket of either kind for its actor.
//! * [`upgrade`] - how a socket leaves HTTP behind.
//! * [`outbox`] - what waits to be sent on a socket of [`server`]: bounded, droppable first.
//! * [`socket_handle`] - cutting a connection whose peer stopped reading.
//! * [`assembler`] - the bounded reassembly that both sides share.
//! * [`client_address`] - who a request comes from.
//! * [`crowd`] - how many are in, with a cap in all and for one address.
//! * [`frame_guard`] - refuses a frame by its header, before anybody waits for its end.

pub mod assembler;
pub mod client;
pub mod client_address;
pub mod crowd;
pub mod direct;
pub mod frame_guard;
pub mod outbox;
pub mod pump;
pub mod server;
pub mod socket_handle;
pub mod upgrade;

use bytes::Bytes;
use bytestring::ByteString;

pub use actix_http::ws::{CloseCode, CloseReason};

/// What a socket brought, after the shell did its part.
#[derive(Debug)]
pub enum Incoming {
    /// A whole text message.
    Text(ByteString),
    /// A whole binary message.
    Binary(Bytes),
    /// The answer to a ping of ours.
    Pong(Bytes),
    /// The last thing a socket brings.
    Ended(End),
}

/// How a socket ended.
#[derive(Debug, thiserror::Error)]
pub enum End {
    /// The peer sent a close frame, or answered ours.
    #[error("closed by the peer with {}", code_of(.0))]
    Closed(Option<CloseReason>),
    /// The stream ended without a close frame.
    #[error("connection lost: {0}")]
    Lost(String),
    /// The peer broke the protocol or a limit; the shell has sent the matching close frame.
    #[error("{0}")]
    Fault(#[from] Fault),
}

/// A breach of the WebSocket protocol or of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A message larger than the socket's limit.
    #[error("message too large")]
    TooLarge,
    /// A message in more pieces than any honest sender makes.
    #[error("message in too many fragments")]
    TooManyFragments,
    /// A text message that is not UTF-8.
    #[error("text is not utf-8")]
    NotUtf8,
    /// Anything else that the protocol forbids.
    #[error("websocket protocol error")]
    Protocol,
}

impl Fault {
    /// Returns the close code that tells the peer.
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::TooLarge | Self::TooManyFragments => CloseCode::Size,
            Self::NotUtf8 => CloseCode::Invalid,
            Self::Protocol => CloseCode::Protocol,
        }
    }
}

impl From<&actix_http::ws::ProtocolError> for Fault {
    fn from(error: &actix_http::ws::ProtocolError) -> Self {
        match error {
            actix_http::ws::ProtocolError::Overflow => Self::TooLarge,
            _ => Self::Protocol,
        }
    }
}

/// Returns a close reason with a description, cut to what a control frame can carry (123 bytes).
pub fn close_reason(code: CloseCode, description: &str) -> CloseReason {
    const LONGEST: usize = 123;
    let mut end = description.len().min(LONGEST);
    while !description.is_char_boundary(end) {
        end -= 1;
    }
    CloseReason { code, description: Some(description[..end].to_owned()) }
}

/// Returns the number of a close reason; 1005 stands for "none given".
pub fn code_of(reason: &Option<CloseReason>) -> u16 {
    reason.as_ref().map_or(1005, |reason| reason.code.into())
}
