//! One node alone: its registry decides everything, and updates go straight to its dashboards.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use actix::Addr;
use serde_json::value::RawValue;

use super::{Answer, Cluster, LegBegan, LegProposal, OnCallsLost, State, locked};
use crate::bridge::call::facts::{CallFacts, LegFacts, Wish};
use crate::bridge::call::registry::{LegId, StreamRefusal};
use crate::bridge::call::update::LegNews;
use crate::bridge::tell;
use crate::bridge::updates_hub::{Publish, UpdatesHub};
use crate::twilio::{CallSid, StreamSid};

/// The implementation.
#[derive(Debug)]
pub struct LocalCluster {
    hub: Addr<UpdatesHub>,
    /// The calls that have a leg here.
    live: Mutex<HashMap<LegId, CallSid>>,
    claims: Mutex<HashMap<String, Instant>>,
}

impl LocalCluster {
    /// Returns the cluster of one node, whose dashboards `hub` serves.
    pub fn new(hub: Addr<UpdatesHub>) -> Self {
        Self { hub, live: Mutex::default(), claims: Mutex::default() }
    }
}

impl Cluster for LocalCluster {
    fn announce(&self, _: &CallSid, _: Wish) -> Answer<Option<CallFacts>> {
        Answer::Now(None)
    }

    fn begin_leg(&self, _: LegProposal) -> Answer<Result<Option<LegFacts>, StreamRefusal>> {
        Answer::Now(Ok(None))
    }

    fn give_back(&self, _: &CallSid, _: &LegFacts) {}

    fn leg_began(&self, began: LegBegan) {
        locked(&self.live).insert(began.leg.leg, began.leg.call_sid);
    }

    fn media_ended(&self, _: LegId) {}

    fn hand_over(&self, leg: LegId) {
        // There is nobody to take it.
        self.media_ended(leg);
    }

    fn prepare_to_leave(&self) {}

    fn leg_ended(&self, leg: LegId) {
        locked(&self.live).remove(&leg);
    }

    fn call_ended(&self, _: &CallSid) {}

    fn stream_stopped(&self, _: &StreamSid) {}

    fn publish(&self, news: LegNews) {
        tell(&self.hub, Publish(news));
    }

    fn state(&self) -> State {
        State::Alone
    }

    fn has_live_leg(&self, call_sid: &CallSid) -> Answer<Option<bool>> {
        Answer::Now(Some(locked(&self.live).values().any(|call| call == call_sid)))
    }

    fn claim_once(&self, key: &str, lifetime: Duration) -> Answer<Option<bool>> {
        Answer::Now(Some(claim(&mut locked(&self.claims), key, Instant::now(), lifetime)))
    }

    fn release(&self, key: &str) {
        locked(&self.claims).remove(key);
    }

    fn on_calls_lost(&self, _: OnCallsLost) {}

    fn legs_elsewhere(&self, _: Option<&str>) -> Answer<Vec<Box<RawValue>>> {
        Answer::Now(Vec::new())
    }

    fn settle(&self, _: Duration) -> Answer<()> {
        Answer::Now(())
    }
}

/// Claims that are over are forgotten with each new one, so the map holds what was claimed lately.
fn claim(claims: &mut HashMap<String, Instant>, key: &str, now: Instant, lifetime: Duration) -> bool {
    claims.retain(|_, until| *until > now);
    let is_first = !claims.contains_key(key);
    if is_first {
        claims.insert(key.to_owned(), now + lifetime);
    }
    is_first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_claimed_once_until_its_time_is_over() {
        let (mut claims, now) = (HashMap::new(), Instant::now());
        let minute = Duration::from_secs(60);
        assert!(claim(&mut claims, "CA1", now, minute));
        assert!(!claim(&mut claims, "CA1", now + minute / 2, minute));
        assert!(claim(&mut claims, "CA2", now, minute));
        assert!(claim(&mut claims, "CA1", now + minute, minute));
        assert_eq!(claims.len(), 1, "what is over is forgotten");
    }
}
