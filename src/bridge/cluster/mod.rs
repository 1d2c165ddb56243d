//! What several bridge nodes share: which call goes to which conference, who may begin a stream, what dashboards hear.
//!
//! * [`local`] - one node alone, the default: the node's own registry decides everything, and nothing waits.
//! * [`nats`] - several nodes, over NATS JetStream.
//!
//! The supervisor asks before it decides, and tells what became of its legs. An answer of none means that the cluster has
//! nothing to say, for good or for now; then the registry decides by what it knows itself. So a cluster that cannot be
//! reached never stops a call.

pub mod local;
pub mod nats;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;

use super::call::facts::{CallFacts, LegFacts, Wish};
use super::call::registry::{LegId, LiveLeg, StreamRefusal};
use super::call::room::Room;
use super::call::update::LegNews;
use crate::symbl::Speaker;
use crate::twilio::{CallSid, StreamSid};

/// An answer that needs no waiting, or one that is on its way.
pub enum Answer<T> {
    /// It is here; the caller goes on at once.
    Now(T),
    /// It comes within a bound of the implementation's.
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T: Send + 'static> Answer<T> {
    /// Returns the answer that a future gives.
    pub fn later(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }

    /// Waits for the answer, if it is not here.
    pub async fn get(self) -> T {
        match self {
            Self::Now(answer) => answer,
            Self::Later(future) => future.await,
        }
    }
}

/// A stream that wants to be a leg.
#[derive(Debug, Clone)]
pub struct LegProposal {
    /// The call.
    pub call_sid: CallSid,
    /// The number that its token was issued for.
    pub stream: u32,
    /// The conference, if the cluster does not know the call.
    pub room: Room,
    /// The conference's connection, if it has none.
    pub connection_id: String,
    /// Who speaks.
    pub speaker: Speaker,
}

/// A leg that has begun on this node.
#[derive(Debug, Clone)]
pub struct LegBegan {
    /// As the registry knows it.
    pub leg: LiveLeg,
    /// The number of its stream.
    pub stream: u32,
    /// Its name, if the cluster gave one.
    pub name: Option<String>,
}

/// A call whose leg died with its node, or that a node which ends has handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostCall {
    /// The call, which goes on.
    pub call_sid: CallSid,
    /// Its conference.
    pub room: Room,
    /// The conference's connection.
    pub connection_id: String,
    /// Who calls, as updates name the speaker.
    pub from: String,
}

/// What hears of calls whose legs died with another node.
pub type OnCallsLost = Box<dyn Fn(Vec<LostCall>) + Send + Sync>;

/// How the cluster stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// This node is alone, as it was told to be.
    Alone,
    /// All that should be shared is shared.
    Joined,
    /// This node is alone because it cannot reach what nodes share; it tries again and again.
    CutOff,
}

/// What several nodes share.
pub trait Cluster: Send + Sync {
    /// Returns what the cluster knows of a call that Twilio asks about; it knows the call from now on.
    fn announce(&self, call_sid: &CallSid, wish: Wish) -> Answer<Option<CallFacts>>;

    /// Lets a stream begin; each token once, on whatever node.
    ///
    /// Older legs of the call end, wherever they are. Whoever gets facts owes [`Cluster::leg_began`] or
    /// [`Cluster::give_back`].
    fn begin_leg(&self, leg: LegProposal) -> Answer<Result<Option<LegFacts>, StreamRefusal>>;

    /// Takes back what [`Cluster::begin_leg`] gave.
    fn give_back(&self, call_sid: &CallSid, facts: &LegFacts);

    /// Takes the news that a leg has begun here.
    fn leg_began(&self, leg: LegBegan);

    /// Takes the news that a leg's caller is gone.
    fn media_ended(&self, leg: LegId);

    /// Takes the news that this node hears a leg no more because it ends, and that the call goes on: another node hears of it as
    /// of one whose node died. [`Cluster::leg_ended`] follows all the same.
    fn hand_over(&self, leg: LegId);

    /// Takes the news that this node is about to end: it takes no more calls over from others.
    fn prepare_to_leave(&self);

    /// Takes the news that a leg is over and forgotten.
    fn leg_ended(&self, leg: LegId);

    /// Takes a call's end, which the other nodes hear, too.
    fn call_ended(&self, call_sid: &CallSid);

    /// Takes a stream's end, which the other nodes hear, too.
    fn stream_stopped(&self, stream_sid: &StreamSid);

    /// Tells dashboards, on all nodes.
    fn publish(&self, news: LegNews);

    /// Returns how the cluster stands.
    fn state(&self) -> State;

    /// Returns whether a call has a live leg on any node; none when it cannot be known.
    fn has_live_leg(&self, call_sid: &CallSid) -> Answer<Option<bool>>;

    /// Returns whether this node is the first to claim a piece of work; the claim lasts so long. None when it cannot be known.
    fn claim_once(&self, key: &str, lifetime: Duration) -> Answer<Option<bool>>;

    /// Gives up what this node has claimed, before its time.
    fn release(&self, key: &str);

    /// Says who is to hear of calls whose legs died with another node; the first to ask is. Of one node alone nobody hears.
    ///
    /// One surviving node hears of each such leg; it may die before it has done anything about it.
    fn on_calls_lost(&self, hook: OnCallsLost);

    /// Returns the live legs of other nodes as pages see them, written as JSON, as far as they answer within a short time.
    /// Only those of one connection, with their levels; none: all, without.
    fn legs_elsewhere(&self, connection_id: Option<&str>) -> Answer<Vec<Box<RawValue>>>;

    /// Waits until everything published has reached this node's dashboards, at most so long; for the end of the process.
    fn settle(&self, patience: Duration) -> Answer<()>;
}

/// A panic elsewhere leaves nothing half done in what these locks guard.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
