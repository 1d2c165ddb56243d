//! What nodes keep about calls and conferences, and the rules by which it changes. Pure: no NATS, no clock.
//!
//! Each record is one key of a bucket; it is read, changed by one of these rules and written back only if nobody else wrote
//! meanwhile. So each rule holds for all nodes together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bridge::call::leg::Millis;
use crate::bridge::call::party::Role;
use crate::bridge::call::registry::StreamRefusal;
use crate::bridge::call::room::Room;
use crate::bridge::call::update::LegView;

/// How long a conference keeps its connection after its last leg died with its node: until the call is streamed anew.
const KEPT_AFTER_LOSS: Millis = 60_000;

/// A call that nobody ended for so long is over: Twilio's own limit for a call is 4 h.
const LONGEST_CALL: Millis = 4 * 60 * 60 * 1000;

/// Callers that may wait for each other at once; a value in NATS has at most 1 MB.
const MOST_PAIRED: usize = 4_000;

/// A call: where it goes, which of its stream tokens are used, and its legs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallRecord {
    pub(super) room: String,
    /// The next stream's number; all below it are used.
    pub(super) next_stream: u32,
    pub(super) ended: bool,
    /// Its legs by name; more than one only while an older one is being replaced.
    #[serde(default)]
    pub(super) legs: BTreeMap<String, LegRecord>,
}

/// A leg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LegRecord {
    /// The node that it lives on.
    pub(super) node: String,
    /// As updates describe it.
    pub(super) view: LegView,
    /// Its node ends and hears it no more, though the call goes on: whoever comes first sees to a new stream.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) handed_over: bool,
    /// The node that reports it as lost, or takes it over; from then on it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lost_to: Option<String>,
}

impl LegRecord {
    /// Returns the record of a leg that lives on `node`.
    pub(super) fn new(node: &str, view: LegView) -> Self {
        Self { node: node.to_owned(), view, handed_over: false, lost_to: None }
    }

    /// Returns whether its caller is heard, as far as anybody knows.
    pub(super) fn is_live(&self) -> bool {
        !self.handed_over && self.lost_to.is_none()
    }
}

impl CallRecord {
    /// Returns the record of a call that nobody knew.
    pub(super) fn new(room: &Room) -> Self {
        Self { room: room.to_string(), next_stream: 1, ended: false, legs: BTreeMap::new() }
    }

    /// A redirect may send a call to another room; a repeated request names the same one.
    pub(super) fn move_to(&mut self, room: &Room) {
        if self.legs.is_empty() {
            self.room = room.to_string();
        }
    }

    /// Returns whether the token of this stream is good still.
    pub(super) fn check(&self, stream: u32) -> Result<(), StreamRefusal> {
        if stream < self.next_stream { Err(StreamRefusal::TokenUsed) } else { Ok(()) }
    }

    /// Begins a stream; each number once.
    pub(super) fn begin(&mut self, stream: u32, name: &str, leg: LegRecord) -> Result<(), StreamRefusal> {
        self.check(stream)?;
        self.next_stream = stream.saturating_add(1);
        self.legs.insert(name.to_owned(), leg);
        Ok(())
    }

    /// Takes a leg that lives on `leg.node`, whatever became of the record. Returns false if others were told that it is
    /// lost: then it cannot keep its name.
    pub(super) fn take_back(&mut self, stream: u32, name: &str, leg: LegRecord, was_known: bool) -> bool {
        match self.legs.get(name) {
            Some(known) if known.lost_to.is_none() => true,
            Some(_) => false,
            None if was_known => false,
            None => {
                self.next_stream = self.next_stream.max(stream.saturating_add(1));
                self.legs.insert(name.to_owned(), leg);
                true
            }
        }
    }

    /// Hands a leg over to whoever comes first; nothing if the call is over, or the leg was reported lost.
    pub(super) fn hand_over(&mut self, name: &str) {
        let has_ended = self.ended;
        if let Some(leg) = self.legs.get_mut(name).filter(|leg| leg.lost_to.is_none() && !has_ended) {
            leg.handed_over = true;
        }
    }

    /// Marks a leg as lost. Returns false if it is gone, or if another node that lives reports it.
    pub(super) fn mark_lost(&mut self, name: &str, reporter: &str, is_lost: impl Fn(&str) -> bool) -> bool {
        let Some(leg) = self.legs.get_mut(name) else { return false };
        let is_ours = match &leg.lost_to {
            None => leg.handed_over || is_lost(&leg.node),
            Some(other) => other == reporter || is_lost(other),
        };
        if is_ours {
            leg.lost_to = Some(reporter.to_owned());
        }
        is_ours
    }
}

/// A conference: its connection, and who is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConferenceRecord {
    pub(super) connection_id: String,
    /// The nodes of its legs whose callers are still there, by the legs' names.
    pub(super) legs: BTreeMap<String, String>,
    /// Until when an empty conference keeps its connection, in ms since 1970; 0: it does not.
    #[serde(default)]
    pub(super) kept_until: Millis,
}

impl ConferenceRecord {
    /// Adds a leg; whoever comes first brings the connection.
    pub(super) fn join(
        record: &mut Option<Self>,
        now: Millis,
        name: &str,
        node: &str,
        connection_id: &str,
    ) -> String {
        let conference = match record {
            Some(open) if !open.legs.is_empty() || now < open.kept_until => open,
            _ => record.insert(Self {
                connection_id: connection_id.to_owned(),
                legs: BTreeMap::new(),
                kept_until: 0,
            }),
        };
        conference.legs.insert(name.to_owned(), node.to_owned());
        conference.kept_until = 0;
        conference.connection_id.clone()
    }

    /// Adds a leg that has a connection already, if the conference has the same or none.
    pub(super) fn take_back(
        record: &mut Option<Self>,
        now: Millis,
        name: &str,
        node: &str,
        connection_id: &str,
    ) {
        let is_same = |open: &Self| open.connection_id == connection_id || open.legs.is_empty();
        if record.as_ref().is_none_or(is_same) {
            *record = record.take().filter(|open| open.connection_id == connection_id);
            Self::join(record, now, name, node, connection_id);
        }
    }

    /// Removes a leg; an empty conference is forgotten, unless its last leg was lost with its node: then it waits for it.
    pub(super) fn leave(record: &mut Option<Self>, now: Millis, name: &str, is_lost: bool) {
        let Some(open) = record else { return };
        if open.legs.remove(name).is_some() && open.legs.is_empty() && is_lost {
            open.kept_until = now + KEPT_AFTER_LOSS;
        }
        if open.legs.is_empty() && now >= open.kept_until {
            *record = None;
        }
    }
}

/// All calls that the policy `pair` puts into rooms, in one record, because who waits must be decided in one place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pairs {
    calls: Vec<Paired>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paired {
    call_sid: String,
    room: String,
    is_agent: bool,
    since: Millis,
}

impl Pairs {
    /// Returns the room of a call: that of the one with the other role who has waited longest alone, or else `fresh`.
    /// Asked again about the same call, says the same. `now` in ms since 1970.
    pub(super) fn room_for(&mut self, now: Millis, call_sid: &str, role: Role, fresh: &Room) -> String {
        self.calls.retain(|call| now < call.since + LONGEST_CALL);
        if let Some(known) = self.calls.iter().find(|call| call.call_sid == call_sid) {
            return known.room.clone();
        }
        let is_agent = role == Role::Agent;
        let is_alone =
            |room: &str| !self.calls.iter().any(|call| call.room == room && call.is_agent == is_agent);
        // In the order of their arrival.
        let waiting = self.calls.iter().find(|call| call.is_agent != is_agent && is_alone(&call.room));
        let room = waiting.map_or_else(|| fresh.to_string(), |call| call.room.clone());
        if self.calls.len() < MOST_PAIRED {
            let call_sid = call_sid.to_owned();
            self.calls.push(Paired { call_sid, room: room.clone(), is_agent, since: now });
        }
        room
    }

    /// Takes a call's end.
    pub(super) fn call_ended(&mut self, call_sid: &str) {
        self.calls.retain(|call| call.call_sid != call_sid);
    }
}

/// Work that one node has claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    /// Until when, in ms since 1970.
    until: Millis,
    /// The node that has it.
    #[serde(default)]
    by: String,
}

impl Claim {
    /// Returns whether whoever asks is the first.
    pub(super) fn take(record: &mut Option<Self>, now: Millis, lifetime: Millis, by: &str) -> bool {
        let is_free = record.as_ref().is_none_or(|claim| claim.until <= now);
        if is_free {
            *record = Some(Self { until: now + lifetime, by: by.to_owned() });
        }
        is_free
    }

    /// Gives the claim of `by` up; that of another stays.
    pub(super) fn release(record: &mut Option<Self>, by: &str) {
        *record = record.take().filter(|claim| claim.by != by);
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
