//! Which calls and legs there are, which conference each is in, and what dashboards hear of it.
//!
//! Calls are keyed by `CallSid`, legs by a number of our own; never by phone number, which two callers may share or
//! withhold. A leg is removed in one place, [`Registry::leg_ended`], however it ended; that is where exactly one
//! `connection_stopped` comes from, with a `connection_started` before it if none was sent yet.

#[path = "registry_cluster.rs"]
mod cluster;
#[path = "registry_reattach.rs"]
mod reattach;

use std::collections::{BTreeMap, HashMap, HashSet};

pub use reattach::NotReattached;

use super::leg::{Interruption, LegExit, Millis};
use super::party::{Party, Role, party_of};
use super::room::Room;
use super::update::{LegNews, LegView};
use crate::config::{PartyList, RoomPolicy};
use crate::telemetry::trace::TraceContext;
use crate::twilio::{CallSid, Caller, StreamSid};

/// How long a call lives of which nothing more is heard: Twilio's own limit for a call (`timeLimit`, 4 h).
const SILENT_CALL_LIFETIME: Millis = 4 * 60 * 60 * 1000;

/// A leg's number; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegId(pub u64);

/// A call that Twilio asks about.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// The call.
    pub call_sid: CallSid,
    /// Who calls.
    pub from: Caller,
    /// The number dialled.
    pub to: String,
    /// The room that the webhook URL names.
    pub room: Option<Room>,
    /// The trace that the request belongs to.
    pub trace: Option<TraceContext>,
}

/// What to do with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPlan {
    /// The conference to join.
    pub room: Room,
    /// Who calls.
    pub party: Party,
    /// The number of the stream to start, or why the caller is not streamed.
    pub stream: Result<u32, NotStreamed>,
}

/// Why a caller joins the conference without a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotStreamed {
    /// Too many calls are known.
    #[error("limits.max_calls is reached")]
    TooManyCalls,
    /// Too many legs live.
    #[error("limits.max_legs is reached")]
    TooManyLegs,
    /// The process is behind with the legs it has.
    #[error("limits.max_delay_ms is exceeded")]
    Overloaded,
    /// The process is ending.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl NotStreamed {
    /// All reasons, in the order of the enum.
    pub const ALL: [Self; 4] = [Self::TooManyCalls, Self::TooManyLegs, Self::Overloaded, Self::ShuttingDown];

    /// Returns the stable word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooManyCalls => "too_many_calls",
            Self::TooManyLegs => "too_many_legs",
            Self::Overloaded => "overloaded",
            Self::ShuttingDown => "shutting_down",
        }
    }
}

/// Bounds of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryLimits {
    /// Calls known at once.
    pub calls: usize,
    /// Legs at once.
    pub legs: usize,
    /// How long a call that ended is remembered: as long as its stream tokens live, so that none works twice.
    pub ended_call_lifetime: Millis,
}

/// A media stream that begins, its token checked.
#[derive(Debug, Clone)]
pub struct StreamStart {
    /// The call.
    pub call_sid: CallSid,
    /// The stream.
    pub stream_sid: StreamSid,
    /// The number that the token was issued for.
    pub stream: u32,
    /// Caller and room as the stream's parameters repeat them, for a call that this process was not asked about.
    pub parameters: Announcement,
}

/// What a new leg needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegPlan {
    /// Its number.
    pub leg: LegId,
    /// Who speaks.
    pub party: Party,
    /// The conference.
    pub room: Room,
    /// Shared by the conference's legs.
    pub connection_id: String,
    /// Legs of the same call that it takes the place of.
    pub replaces: Vec<LegId>,
    /// The call's trace.
    pub trace: Option<TraceContext>,
}

/// Why a stream does not become a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamRefusal {
    /// The token opened a stream before.
    #[error("stream token was used before")]
    TokenUsed,
    /// Too many calls.
    #[error("too many calls")]
    TooManyCalls,
    /// Too many legs.
    #[error("too many legs")]
    TooManyLegs,
    /// The process is ending.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl StreamRefusal {
    /// Returns the stable word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TokenUsed => "token_used",
            Self::TooManyCalls => "too_many_calls",
            Self::TooManyLegs => "too_many_legs",
            Self::ShuttingDown => "shutting_down",
        }
    }
}

#[derive(Debug)]
struct Call {
    room: Room,
    /// Whether the policy chose the room; rooms named by a URL are nobody else's business.
    by_policy: bool,
    party: Party,
    /// Of the first request about it that named one.
    trace: Option<TraceContext>,
    announced_at: Millis,
    heard_of_at: Millis,
    ended: bool,
    /// The next stream's number; all below it are used.
    next_stream: u32,
    legs: usize,
}

#[derive(Debug)]
struct LegRecord {
    call_sid: CallSid,
    stream_sid: StreamSid,
    /// The number of its stream.
    stream: u32,
    room: Room,
    party: Party,
    connection_id: String,
    conversation_id: Option<String>,
    started: bool,
    /// The caller is gone; only last results are awaited. No new leg joins such a conference.
    media_ended: bool,
}

/// A live leg, for snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLeg {
    /// Its number.
    pub leg: LegId,
    /// The call.
    pub call_sid: CallSid,
    /// The stream.
    pub stream_sid: StreamSid,
    /// What dashboards know of it.
    pub view: LegView,
    /// What the caller is.
    pub role: Role,
}

/// All calls and legs of this process.
#[derive(Debug)]
pub struct Registry {
    policy: RoomPolicy,
    known: PartyList,
    limits: RegistryLimits,
    calls: HashMap<CallSid, Call>,
    legs: BTreeMap<LegId, LegRecord>,
    last_leg: u64,
    recalled: reattach::Recalled,
}

impl Registry {
    /// Returns an empty registry.
    pub fn new(policy: RoomPolicy, known: PartyList, limits: RegistryLimits) -> Self {
        let recalled = reattach::Recalled::default();
        Self { policy, known, limits, calls: HashMap::new(), legs: BTreeMap::new(), last_leg: 0, recalled }
    }

    /// Takes a call that Twilio asks about; asked again about the same call, plans the same.
    ///
    /// `unique` makes the names of new rooms.
    pub fn announce(
        &mut self,
        now: Millis,
        call: &Announcement,
        unique: impl FnOnce() -> String,
    ) -> CallPlan {
        let fresh = self.fresh_call(now, call, unique);
        if self.calls.len() >= self.limits.calls && !self.calls.contains_key(&call.call_sid) {
            let stream = Err(NotStreamed::TooManyCalls);
            return CallPlan { room: fresh.room, party: fresh.party, stream };
        }
        let has_a_place = self.has_a_place_for(&call.call_sid);
        let known = self.calls.entry(call.call_sid.clone()).or_insert(fresh);
        known.heard_of_at = now;
        known.trace = known.trace.or(call.trace);
        // A redirect may send a call to another room; a repeated request names the same one.
        if let Some(room) = &call.room
            && known.legs == 0
        {
            known.room = room.clone();
        }
        let stream = if has_a_place { Ok(known.next_stream) } else { Err(NotStreamed::TooManyLegs) };
        CallPlan { room: known.room.clone(), party: known.party.clone(), stream }
    }

    fn check_room_for(&self, call_sid: &CallSid) -> Result<(), StreamRefusal> {
        // A call that nobody announced, with a token of ours: an earlier life of this server was asked about it.
        if self.calls.len() >= self.limits.calls && !self.calls.contains_key(call_sid) {
            return Err(StreamRefusal::TooManyCalls);
        }
        if !self.has_a_place_for(call_sid) {
            return Err(StreamRefusal::TooManyLegs);
        }
        Ok(())
    }

    fn fresh_call(&self, now: Millis, call: &Announcement, unique: impl FnOnce() -> String) -> Call {
        let party = party_of(&call.from, &call.call_sid, &self.known);
        let room = call.room.clone().unwrap_or_else(|| self.room_for(&party, &call.to, unique));
        Call {
            room,
            by_policy: call.room.is_none(),
            party,
            trace: call.trace,
            announced_at: now,
            heard_of_at: now,
            ended: false,
            next_stream: self.recalled.next_stream(&call.call_sid),
            legs: 0,
        }
    }

    fn room_for(&self, party: &Party, to: &str, unique: impl FnOnce() -> String) -> Room {
        if self.policy == RoomPolicy::Number {
            return Room::of_number(to);
        }
        let waiting_for = match party.role {
            Role::Agent => Role::Customer,
            Role::Customer => Role::Agent,
        };
        self.longest_alone(waiting_for).unwrap_or_else(|| Room::of_pair(&unique()))
    }

    /// Returns the room of the one with this role who has waited longest without the other.
    fn longest_alone(&self, role: Role) -> Option<Room> {
        let present = || self.calls.values().filter(|call| call.by_policy && !call.ended);
        let is_alone = |room: &Room| !present().any(|call| call.room == *room && call.party.role != role);
        let mut waiting: Vec<&Call> = present().filter(|call| call.party.role == role).collect();
        waiting.sort_by_key(|call| call.announced_at);
        waiting.iter().map(|call| &call.room).find(|room| is_alone(room)).cloned()
    }

    /// Takes a stream that begins; returns the plan of its leg.
    pub fn begin_leg(
        &mut self,
        now: Millis,
        start: &StreamStart,
        unique: impl Fn() -> String,
    ) -> Result<LegPlan, StreamRefusal> {
        self.check_room_for(&start.call_sid)?;
        let fresh = self.fresh_call(now, &start.parameters, &unique);
        let call = self.calls.entry(start.call_sid.clone()).or_insert(fresh);
        if start.stream < call.next_stream {
            return Err(StreamRefusal::TokenUsed);
        }
        call.next_stream = start.stream.saturating_add(1);
        call.heard_of_at = now;
        call.legs += 1;
        call.trace = call.trace.or(start.parameters.trace);
        let (room, party, trace) = (call.room.clone(), call.party.clone(), call.trace);

        let replaces: Vec<LegId> = self.legs_of(&start.call_sid).collect();
        let connection_id = self.open_connection_of(&room);
        let connection_id = connection_id.or_else(|| self.recalled.connection_of(&room));
        let connection_id = connection_id.unwrap_or_else(unique);
        self.last_leg += 1;
        let leg = LegId(self.last_leg);
        let record = LegRecord {
            call_sid: start.call_sid.clone(),
            stream_sid: start.stream_sid.clone(),
            stream: start.stream,
            room: room.clone(),
            party: party.clone(),
            connection_id: connection_id.clone(),
            conversation_id: None,
            started: false,
            media_ended: false,
        };
        self.legs.insert(leg, record);
        Ok(LegPlan { leg, party, room, connection_id, replaces, trace })
    }

    /// Returns the connection of the room's legs whose callers are there.
    fn open_connection_of(&self, room: &Room) -> Option<String> {
        let together = self.legs.values().find(|leg| leg.room == *room && !leg.media_ended);
        together.map(|leg| leg.connection_id.clone())
    }

    /// A call that has a leg already will only put another in its place.
    fn has_a_place_for(&self, call_sid: &CallSid) -> bool {
        self.legs.len() < self.limits.legs || self.calls.get(call_sid).is_some_and(|call| call.legs > 0)
    }

    fn legs_of<'a>(&'a self, call_sid: &'a CallSid) -> impl Iterator<Item = LegId> + 'a {
        self.legs.iter().filter(move |(_, leg)| leg.call_sid == *call_sid).map(|(id, _)| *id)
    }

    /// Takes the news that the server listens to a leg, or calls its conversation by another name.
    pub fn leg_connected(&mut self, id: LegId, conversation_id: String) -> Option<LegNews> {
        let leg = self.legs.get_mut(&id)?;
        leg.conversation_id = Some(conversation_id);
        let is_first = !std::mem::replace(&mut leg.started, true);
        is_first.then(|| LegNews::Started(id, view(leg)))
    }

    /// Takes the news that the server does not listen to a leg any more, for now.
    pub fn leg_interrupted(&mut self, id: LegId, why: Interruption) -> Option<LegNews> {
        let leg = self.legs.get(&id).filter(|leg| leg.started)?;
        Some(LegNews::Interrupted(id, view(leg), why))
    }

    /// Takes the news that the server listens to a leg again.
    pub fn leg_resumed(
        &mut self,
        id: LegId,
        conversation_id: String,
        interrupted_ms: Millis,
        lost_ms: Millis,
    ) -> Option<LegNews> {
        let leg = self.legs.get_mut(&id).filter(|leg| leg.started)?;
        leg.conversation_id = Some(conversation_id);
        Some(LegNews::Resumed { leg: id, view: view(leg), interrupted_ms, lost_ms })
    }

    /// Takes the news that a leg's caller is gone.
    pub fn media_ended(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.media_ended = true;
        }
    }

    /// Removes a leg: the only place that does. Returns what dashboards must hear; nothing for an unknown leg.
    pub fn leg_ended(&mut self, now: Millis, id: LegId, exit: LegExit) -> Vec<LegNews> {
        let Some(leg) = self.legs.remove(&id) else {
            return Vec::new();
        };
        if let Some(call) = self.calls.get_mut(&leg.call_sid) {
            call.legs -= 1;
            call.heard_of_at = now;
        }
        let mut news = Vec::with_capacity(3);
        if !leg.started {
            news.push(LegNews::Started(id, view(&leg)));
        }
        if exit == LegExit::UpstreamFailed {
            news.push(LegNews::Failed(id, view(&leg)));
        }
        news.push(LegNews::Stopped(id, view(&leg), exit));
        news
    }

    /// Takes a call's end; returns the legs to stop. Calls nobody knows are fine.
    pub fn call_ended(&mut self, now: Millis, call_sid: &CallSid) -> Vec<LegId> {
        if let Some(call) = self.calls.get_mut(call_sid) {
            call.ended = true;
            call.heard_of_at = now;
        }
        self.legs_of(call_sid).collect()
    }

    /// Returns whether a known call is over.
    pub fn has_ended(&self, call_sid: &CallSid) -> bool {
        self.calls.get(call_sid).is_some_and(|call| call.ended)
    }

    /// Forgets calls that are over or that nothing more was heard of.
    pub fn forget_old_calls(&mut self, now: Millis) {
        self.recalled.forget_old(now);
        self.calls.retain(|_, call| {
            let is_over = call.ended || call.next_stream > 1;
            let lifetime = if is_over { self.limits.ended_call_lifetime } else { SILENT_CALL_LIFETIME };
            call.legs > 0 || now < call.heard_of_at + lifetime
        });
    }

    /// Returns the leg of a stream.
    pub fn leg_of_stream(&self, stream_sid: &StreamSid) -> Option<LegId> {
        self.legs.iter().find(|(_, leg)| leg.stream_sid == *stream_sid).map(|(id, _)| *id)
    }

    /// Returns the room of a known call.
    pub fn room_of(&self, call_sid: &CallSid) -> Option<&Room> {
        self.calls.get(call_sid).map(|call| &call.room)
    }

    /// Returns the trace of a known call.
    pub fn trace_of(&self, call_sid: &CallSid) -> Option<TraceContext> {
        self.calls.get(call_sid).and_then(|call| call.trace)
    }

    /// Returns a live leg.
    pub fn live_leg(&self, id: LegId) -> Option<LiveLeg> {
        self.legs.get(&id).map(|leg| live(id, leg))
    }

    /// Returns all live legs, oldest first.
    pub fn live_legs(&self) -> Vec<LiveLeg> {
        self.legs.iter().map(|(id, leg)| live(*id, leg)).collect()
    }

    /// Returns how many conferences have a live leg; goes through all legs.
    pub fn conferences(&self) -> usize {
        self.legs.values().map(|leg| &leg.room).collect::<HashSet<_>>().len()
    }

    /// Returns how many legs live.
    pub fn legs(&self) -> usize {
        self.legs.len()
    }

    /// Returns how many calls are remembered.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }
}

fn view(leg: &LegRecord) -> LegView {
    LegView {
        speaker: leg.party.speaker.clone(),
        connection_id: leg.connection_id.clone(),
        conversation_id: leg.conversation_id.clone(),
        call_sid: leg.call_sid.to_string(),
        room: leg.room.to_string(),
    }
}

fn live(id: LegId, leg: &LegRecord) -> LiveLeg {
    LiveLeg {
        leg: id,
        call_sid: leg.call_sid.clone(),
        stream_sid: leg.stream_sid.clone(),
        view: view(leg),
        role: leg.party.role,
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
