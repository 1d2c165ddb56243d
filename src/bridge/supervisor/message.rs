//! What the supervisor is told and asked.

use std::time::Duration;

use actix::prelude::*;

use crate::bridge::call::leg::{Interruption, LegExit, Millis};
use crate::bridge::call::registry::{
    Announcement, CallPlan, LegId, LegPlan, LiveLeg, StreamRefusal, StreamStart,
};
use crate::bridge::leg_guard::LegGuard;
use crate::bridge::leg_meter::Reading;
use crate::bridge::twilio_stream::TwilioStream;
use crate::telemetry::LegTags;
use crate::twilio::{CallSid, StreamSid};
use crate::ws::socket_handle::SocketHandle;

/// Twilio asks what to do with a call.
pub struct AnnounceCall(pub Announcement);

impl Message for AnnounceCall {
    type Result = CallPlan;
}

/// A media socket has opened and proved nothing yet.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SocketOpened {
    /// The socket's actor.
    pub stream: Addr<TwilioStream>,
    /// Its connection, to end it from outside.
    pub socket: Option<SocketHandle>,
    /// When it must have sent `start`.
    pub start_timeout: Duration,
}

/// A media stream begins, its token checked.
pub struct StartLeg {
    /// The stream.
    pub start: StreamStart,
    /// Its socket.
    pub stream: Addr<TwilioStream>,
}

impl Message for StartLeg {
    type Result = Result<(LegPlan, LegGuard), StreamRefusal>;
}

/// The server listens to a leg.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LegConnected {
    /// The leg.
    pub leg: LegId,
    /// The server's id of the conversation.
    pub conversation_id: String,
}

/// The server does not listen to a leg any more; this is being mended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LegInterrupted {
    /// The leg.
    pub leg: LegId,
    /// Why.
    pub why: Interruption,
}

/// The server listens to a leg again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LegResumed {
    /// The leg.
    pub leg: LegId,
    /// The server's id of the conversation.
    pub conversation_id: String,
    /// For how long nobody listened, in milliseconds.
    pub interrupted_ms: Millis,
    /// Audio lost meanwhile, in milliseconds.
    pub lost_ms: Millis,
}

/// A leg's caller is gone; last results may follow.
#[derive(Message)]
#[rtype(result = "()")]
pub struct MediaEnded {
    /// The leg.
    pub leg: LegId,
    /// Why.
    pub exit: LegExit,
}

/// A leg is over.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LegEnded {
    /// The leg.
    pub leg: LegId,
    /// Why.
    pub exit: LegExit,
}

/// A call is over, whatever became of its streams.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CallEnded(pub CallSid);

/// A media stream is over, says Twilio.
#[derive(Message)]
#[rtype(result = "()")]
pub struct StreamStopped(pub StreamSid);

/// What other nodes say; it is about calls and streams that may or may not be here.
#[derive(Message, Debug, Clone, PartialEq, Eq)]
#[rtype(result = "()")]
pub enum Elsewhere {
    /// A call is over.
    CallEnded(CallSid),
    /// A media stream is over.
    StreamStopped(StreamSid),
    /// A stream of a call has begun there; it takes the place of the older ones.
    LegBegan {
        /// The call.
        call_sid: CallSid,
        /// The stream's number.
        stream: u32,
    },
}

/// Asks for what log lines about a call carry.
pub struct TagsOfCall(pub CallSid);

impl Message for TagsOfCall {
    type Result = LegTags;
}

/// Asks how live legs stand.
pub struct ReadMeters {
    /// Only those of this connection, with their levels; none: all, without.
    pub connection_id: Option<String>,
}

impl Message for ReadMeters {
    type Result = Vec<LegNow>;
}

/// How a live leg stands.
#[derive(Debug, Clone)]
pub struct LegNow {
    /// The leg.
    pub leg: LiveLeg,
    /// What its meter shows.
    pub reading: Reading,
}

/// The process is to end: take no new legs; answered when none is left.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain;

/// The process ends: end every leg; answered when none is left.
#[derive(Message)]
#[rtype(result = "()")]
pub struct EndAllLegs;

/// Asks who is there.
#[derive(Message)]
#[rtype(result = "Census")]
pub struct TakeCensus;

/// Who is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, MessageResponse)]
pub struct Census {
    /// Calls that are remembered, those that ended lately included.
    pub calls: usize,
    /// Call and room (as the log shows it) of each live leg, oldest first.
    pub legs: Vec<(CallSid, String)>,
    /// Media sockets, legs or not.
    pub sockets: usize,
}
