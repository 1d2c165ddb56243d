//! Calls whose stream died: what a new one needs, and what an earlier life knew.

use std::collections::HashMap;

use super::{Announcement, CallPlan, Registry};
use crate::bridge::call::leg::Millis;
use crate::bridge::call::room::Room;
use crate::config::RoomPolicy;
use crate::twilio::CallSid;

/// How long a conference keeps its connection while its callers' new streams are on their way.
const RECALLED_FOR: Millis = 60_000;

/// Why a call gets no new stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReattached {
    /// It has one.
    Live,
    /// It is over.
    Over,
    /// Twilio has just been told what to do with it, and may still be at it.
    Announced,
    /// There is no place, or the process ends.
    NoPlace,
}

impl NotReattached {
    /// Returns the reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "it has a stream",
            Self::Over => "it is over",
            Self::Announced => "its own stream is still expected",
            Self::NoPlace => "there is no place for it here",
        }
    }
}

/// What an earlier life of this server knew, or this one before a stream died.
#[derive(Debug, Default)]
pub(super) struct Recalled {
    conferences: HashMap<Room, (String, Millis)>,
    /// The latest stream that each call had.
    streams: HashMap<CallSid, u32>,
}

impl Recalled {
    /// Returns the connection that a conference had, if its callers are expected back.
    pub(super) fn connection_of(&mut self, room: &Room) -> Option<String> {
        self.conferences.remove(room).map(|(connection_id, _)| connection_id)
    }

    /// The same for one who only asks; the conference's callers are expected still.
    pub(super) fn peek(&self, room: &Room) -> Option<String> {
        self.conferences.get(room).map(|(connection_id, _)| connection_id.clone())
    }

    /// Returns the number of a call's next stream.
    pub(super) fn next_stream(&self, call_sid: &CallSid) -> u32 {
        self.streams.get(call_sid).map_or(1, |latest| latest.saturating_add(1))
    }

    pub(super) fn forget_old(&mut self, now: Millis) {
        self.conferences.retain(|_, (_, until)| now < *until);
    }
}

impl Registry {
    /// Recalls a call of an earlier life: its tokens do not work again, and its conference keeps its connection for a while if
    /// `is_expected` back. Of several calls in one room the last told counts.
    pub fn recall(
        &mut self,
        now: Millis,
        call_sid: &CallSid,
        stream: u32,
        room: &Room,
        connection_id: &str,
        is_expected: bool,
    ) {
        self.recalled.streams.insert(call_sid.clone(), stream);
        if is_expected {
            let kept = (connection_id.to_owned(), now + RECALLED_FOR);
            self.recalled.conferences.insert(room.clone(), kept);
        }
    }

    /// Plans a new stream for a call that goes on without one, in the conference that `call.room` names.
    ///
    /// The stream's number is at least `at_least`. A call that was announced in this life and had no stream yet is left alone unless
    /// `even_if_announced`.
    ///
    /// # Errors
    ///
    /// It needs none, or cannot have one.
    pub fn reattach(
        &mut self,
        now: Millis,
        call: &Announcement,
        connection_id: Option<&str>,
        at_least: u32,
        even_if_announced: bool,
        unique: impl FnOnce() -> String,
    ) -> Result<CallPlan, NotReattached> {
        if self.legs.values().any(|leg| leg.call_sid == call.call_sid && !leg.media_ended) {
            return Err(NotReattached::Live);
        }
        if self.has_ended(&call.call_sid) {
            return Err(NotReattached::Over);
        }
        let is_known = self.calls.get(&call.call_sid).is_some_and(|known| known.next_stream == 1);
        if is_known && !even_if_announced {
            return Err(NotReattached::Announced);
        }
        let by_policy = self.policy == RoomPolicy::Pair && call.room.as_ref().is_some_and(Room::is_of_pair);
        let mut plan = self.announce(now, call, unique);
        let Some(known) = self.calls.get_mut(&call.call_sid) else { return Err(NotReattached::NoPlace) };
        known.by_policy |= by_policy;
        let stream = plan.stream.map_err(|_| NotReattached::NoPlace)?;
        plan.stream = Ok(stream.max(at_least));
        if let Some(connection_id) = connection_id {
            let kept = (connection_id.to_owned(), now);
            let (_, until) = self.recalled.conferences.entry(plan.room.clone()).or_insert(kept);
            *until = now + RECALLED_FOR;
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{call, counter, registry, start};
    use super::*;
    use crate::bridge::call::leg::LegExit;
    use crate::bridge::call::registry::StreamRefusal;

    const CALLER: &str = "+13105550177";

    fn sid(text: &str) -> CallSid {
        CallSid::parse(text).unwrap()
    }

    fn in_room(text: &str, room: &str) -> Announcement {
        Announcement { room: Some(Room::parse(room).unwrap()), ..call(text, CALLER) }
    }

    #[test]
    fn after_a_restart_a_call_comes_back_into_its_conference_and_its_old_token_does_not_work() {
        let (mut registry, unique) = (registry(RoomPolicy::Number), counter());
        let talk = Room::parse("talk").unwrap();
        registry.recall(0, &sid("CA1"), 1, &talk, "old", true);
        registry.recall(0, &sid("CA2"), 1, &talk, "old", true);
        let old = registry.begin_leg(1, &start("CA1", CALLER, 1), &unique);
        assert_eq!(old, Err(StreamRefusal::TokenUsed));
        let plan = |registry: &mut Registry, call| {
            registry.reattach(5, &in_room(call, "talk"), Some("old"), 1_700_000_000, true, counter())
        };
        let first = plan(&mut registry, "CA1").unwrap();
        assert_eq!((first.room.as_str(), first.stream), ("talk", Ok(1_700_000_000)));
        for call in ["CA1", "CA2"] {
            let stream = plan(&mut registry, call).unwrap().stream.unwrap();
            let leg = registry.begin_leg(6, &start(call, CALLER, stream), &unique).unwrap();
            assert_eq!((leg.room.as_str(), leg.connection_id.as_str()), ("talk", "old"));
            assert_eq!(plan(&mut registry, call), Err(NotReattached::Live));
            let replay = registry.begin_leg(7, &start(call, CALLER, stream), &unique);
            assert_eq!(replay, Err(StreamRefusal::TokenUsed));
        }
    }

    #[test]
    fn a_conference_that_nobody_comes_back_to_begins_anew_after_a_while() {
        let (mut registry, unique) = (registry(RoomPolicy::Number), counter());
        registry.recall(0, &sid("CA1"), 1, &Room::of_number("+14155550100"), "old", true);
        registry.forget_old_calls(RECALLED_FOR);
        let leg = registry.begin_leg(RECALLED_FOR, &start("CA2", CALLER, 1), &unique).unwrap();
        assert_ne!(leg.connection_id, "old");
    }

    #[test]
    fn calls_that_are_over_live_or_still_expected_are_left_alone() {
        let (mut registry, unique) = (registry(RoomPolicy::Number), counter());
        registry.announce(0, &call("CA1", CALLER), &unique);
        let ask = |registry: &mut Registry, even| {
            registry.reattach(5, &in_room("CA1", "talk"), None, 1, even, counter()).map(|plan| plan.stream)
        };
        assert_eq!(ask(&mut registry, false), Err(NotReattached::Announced));
        assert_eq!(ask(&mut registry, true), Ok(Ok(1)), "its stream failed, says Twilio");
        let leg = registry.begin_leg(6, &start("CA1", CALLER, 1), &unique).unwrap();
        assert_eq!(ask(&mut registry, true), Err(NotReattached::Live));
        registry.media_ended(leg.leg);
        assert_eq!(ask(&mut registry, false), Ok(Ok(2)), "only its last results are awaited");
        registry.leg_ended(7, leg.leg, LegExit::SocketClosed);
        registry.call_ended(8, &sid("CA1"));
        assert_eq!(ask(&mut registry, true), Err(NotReattached::Over));
    }

    #[test]
    fn a_customer_of_a_pair_who_came_back_is_found_by_an_agent() {
        let (mut registry, unique) = (registry(RoomPolicy::Pair), counter());
        let room = Room::of_pair("x");
        registry.reattach(0, &in_room("CA1", room.as_str()), None, 9, false, &unique).unwrap();
        let agent = registry.announce(1, &call("CA2", super::super::tests::AGENT), &unique);
        assert_eq!(agent.room, room);
    }

    #[test]
    fn a_full_house_takes_no_further_call() {
        let (mut registry, unique) = (registry(RoomPolicy::Number), counter());
        for number in 0..5 {
            registry.announce(0, &call(&format!("CA{number}"), CALLER), &unique);
        }
        let more = registry.reattach(1, &in_room("CA9", "talk"), None, 1, true, &unique);
        assert_eq!(more, Err(NotReattached::NoPlace));
    }
}
