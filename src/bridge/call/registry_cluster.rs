//! Calls that other nodes know, too: what they are asked, and what becomes of their answers.

use super::{Announcement, Call, LegId, LegPlan, Registry, StreamRefusal, StreamStart};
use crate::bridge::call::facts::{CallFacts, LegFacts, Wish};
use crate::bridge::call::leg::Millis;
use crate::bridge::call::party::{Party, party_of};
use crate::bridge::call::room::Room;
use crate::config::RoomPolicy;
use crate::twilio::CallSid;

impl Registry {
    /// Returns where a call wants to go that nobody knows.
    pub fn wish_of(&self, call: &Announcement, unique: impl FnOnce() -> String) -> Wish {
        match (&call.room, self.policy) {
            (Some(room), _) => Wish::Named(room.clone()),
            (None, RoomPolicy::Number) => Wish::OfNumber(Room::of_number(&call.to)),
            (None, RoomPolicy::Pair) => {
                let role = party_of(&call.from, &call.call_sid, &self.known).role;
                Wish::Pair { role, fresh: Room::of_pair(&unique()) }
            }
        }
    }

    /// Takes what other nodes know of a call that is about to be announced; there is no room for more than the limit.
    pub fn learn(&mut self, now: Millis, call: &Announcement, facts: &CallFacts) {
        if self.calls.len() >= self.limits.calls && !self.calls.contains_key(&call.call_sid) {
            return;
        }
        let by_policy = call.room.is_none();
        let in_room = Announcement { room: Some(facts.room.clone()), ..call.clone() };
        let fresh = Call { by_policy, ..self.fresh_call(now, &in_room, String::new) };
        let known = self.calls.entry(call.call_sid.clone()).or_insert(fresh);
        known.next_stream = known.next_stream.max(facts.next_stream);
        if known.legs == 0 {
            known.room = facts.room.clone();
        }
    }

    /// Makes sure that a stream's call is known before anybody else is asked about it, so that news of it are not lost
    /// meanwhile; returns its room, who calls, and the connection that the room has here, if it has one.
    ///
    /// # Errors
    ///
    /// There is no room for the leg, or its token was used here.
    pub fn expect_leg(
        &mut self,
        now: Millis,
        start: &StreamStart,
        unique: impl FnOnce() -> String,
    ) -> Result<(Room, Party, Option<String>), StreamRefusal> {
        self.check_room_for(&start.call_sid)?;
        let fresh = self.fresh_call(now, &start.parameters, unique);
        let call = self.calls.entry(start.call_sid.clone()).or_insert(fresh);
        call.heard_of_at = now;
        if start.stream < call.next_stream {
            return Err(StreamRefusal::TokenUsed);
        }
        let (room, party) = (call.room.clone(), call.party.clone());
        let connection_id = self.open_connection_of(&room);
        let connection_id = connection_id.or_else(|| self.recalled.peek(&room));
        Ok((room, party, connection_id))
    }

    /// Takes a stream that begins and that the cluster lets in; returns the plan of its leg.
    ///
    /// # Errors
    ///
    /// What changed while the cluster was asked.
    pub fn begin_leg_as(
        &mut self,
        now: Millis,
        start: &StreamStart,
        facts: &LegFacts,
    ) -> Result<LegPlan, StreamRefusal> {
        if let Some(call) = self.calls.get_mut(&start.call_sid) {
            if call.legs == 0 {
                call.room = facts.room.clone();
            }
            call.ended |= facts.has_ended;
        }
        let mut plan = self.begin_leg(now, start, || facts.connection_id.clone())?;
        // Whatever this node's other legs use: the cluster knows all of them.
        plan.connection_id.clone_from(&facts.connection_id);
        if let Some(leg) = self.legs.get_mut(&plan.leg) {
            leg.connection_id.clone_from(&facts.connection_id);
        }
        Ok(plan)
    }

    /// Returns a call's legs whose streams are older than `stream`, which has begun on another node.
    pub fn legs_before(&self, call_sid: &CallSid, stream: u32) -> Vec<LegId> {
        let older = self.legs.iter().filter(|(_, leg)| leg.call_sid == *call_sid && leg.stream < stream);
        older.map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{call, counter, registry, start};
    use super::*;

    const CALLER: &str = "+13105550177";

    fn facts(room: &str, connection_id: &str) -> LegFacts {
        let (name, connection_id) = ("leg".to_owned(), connection_id.to_owned());
        LegFacts { name, room: Room::parse(room).unwrap(), connection_id, has_ended: false }
    }

    #[test]
    fn what_other_nodes_know_of_a_call_goes_into_its_plan() {
        let mut registry = registry(RoomPolicy::Pair);
        let announced = call("CA1", CALLER);
        assert!(matches!(registry.wish_of(&announced, counter()), Wish::Pair { .. }));
        let known = CallFacts { room: Room::parse("pair-far").unwrap(), next_stream: 3 };
        registry.learn(0, &announced, &known);
        let plan = registry.announce(0, &announced, counter());
        assert_eq!((plan.room.as_str(), plan.stream), ("pair-far", Ok(3)));
    }

    #[test]
    fn a_leg_takes_the_connection_that_the_cluster_gives_whatever_legs_here_have() {
        let mut registry = registry(RoomPolicy::Number);
        let alone = registry.begin_leg(0, &start("CA1", CALLER, 1), counter()).unwrap();
        let expected = registry.expect_leg(1, &start("CA2", CALLER, 1), counter()).unwrap();
        assert_eq!(expected.2.as_deref(), Some(alone.connection_id.as_str()), "what this node would say");
        let plan =
            registry.begin_leg_as(1, &start("CA2", CALLER, 1), &facts("number-14155550100", "C")).unwrap();
        assert_eq!((plan.connection_id.as_str(), plan.room), ("C", alone.room));
        assert_eq!(registry.live_leg(plan.leg).unwrap().view.connection_id, "C");
    }

    #[test]
    fn news_that_come_while_the_cluster_is_asked_are_not_lost() {
        let mut registry = registry(RoomPolicy::Number);
        let begins = start("CA1", CALLER, 1);
        registry.expect_leg(0, &begins, counter()).unwrap();
        assert!(registry.call_ended(0, &begins.call_sid).is_empty());
        registry.begin_leg_as(1, &begins, &facts("talk", "C")).unwrap();
        assert!(registry.has_ended(&begins.call_sid));
        let again = registry.expect_leg(2, &begins, counter());
        assert_eq!(again.unwrap_err(), StreamRefusal::TokenUsed);
    }

    #[test]
    fn a_stream_elsewhere_takes_the_place_of_older_ones_only() {
        let mut registry = registry(RoomPolicy::Number);
        let leg = registry.begin_leg(0, &start("CA1", CALLER, 2), counter()).unwrap().leg;
        let call_sid = CallSid::parse("CA1").unwrap();
        assert!(registry.legs_before(&call_sid, 2).is_empty());
        assert_eq!(registry.legs_before(&call_sid, 3), [leg]);
    }
}
