//! What a room tells its actor to do.

use std::sync::Arc;
use std::time::Duration;

use super::ids::SocketId;
pub use super::pending::TaskNumber;
use crate::engine::analysis::Ask;
use crate::engine::store::record::Record;
use crate::symbl::client_message::TrackerWish;
use crate::symbl::server_message::ServerMessage;
use crate::ws::CloseCode;

/// Numbers the ears of one leg: a leg gets a new one with each start and each change of format.
pub type EarNumber = u32;

/// Something for the actor to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a message.
    Send {
        /// Who gets it.
        to: Audience,
        /// What.
        message: Box<ServerMessage>,
    },
    /// Close sockets, after they had time to close by themselves.
    Close {
        /// Whose.
        to: Audience,
        /// With what.
        code: CloseCode,
        /// The reason in words.
        why: &'static str,
        /// Whether the peer may close first.
        has_grace: bool,
    },
    /// Ask a leg to finish listening, because the engine wants to end it.
    EndLeg(SocketId, AfterStop),
    /// Call [`Room::flush_expired`] when the recogniser has had its time.
    AwaitFlush(SocketId, EarNumber),
    /// Call [`Room::return_expired`] after this time.
    AwaitReturn(Returning, Duration),
    /// Have sentences judged, and call [`Room::judged`](super::room::Room::judged) with the answer; with
    /// `Answer::Nothing` when nobody can judge them.
    Judge(TaskNumber, Ask),
    /// Look for trackers in words that may still change, if there is time, and call
    /// [`Room::seen_early`](super::room::Room::seen_early).
    LookEarly(String),
    /// Take in what was judged before a restart.
    Remember(Ask),
    /// Watch with these trackers from now on.
    Watch {
        /// What legs brought along, or referred to.
        wishes: Vec<TrackerWish>,
        /// Every stored tracker as well.
        all: bool,
    },
    /// Write something down.
    Record(Record),
    /// A conversation began.
    Began(String),
    /// A conversation is over.
    Finalised(String),
}

/// Who gets a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// One socket.
    One(SocketId),
    /// A leg, and every subscriber.
    LegAndSubscribers(SocketId),
    /// Every leg and every subscriber.
    Everyone,
    /// Every subscriber.
    Subscribers,
    /// Those who were there when there was something to send: some of them are being let go by the same effects.
    These(Arc<[SocketId]>),
}

/// Identifies one wait for legs to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returning(pub(super) u64);

/// What happens to a leg's socket after its stop was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterStop {
    /// It stays open.
    Pause,
    /// It is closed with 1000, unless the client does that first.
    Close,
    /// It is closed with 1001 because the engine goes down.
    GoAway,
}

/// Returns the effect of sending a message.
pub(super) fn send(to: Audience, message: ServerMessage) -> Effect {
    Effect::Send { to, message: Box::new(message) }
}
