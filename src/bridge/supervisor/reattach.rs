//! New streams for calls that lost theirs: what the supervisor says to them.

use actix::prelude::*;

use super::{Supervisor, unique_id};
use crate::bridge::call::registry::{Announcement, CallPlan, NotReattached};
use crate::bridge::cluster::State;

/// Asks whether a call wants a new stream, and for the plan of it.
pub struct PlanReattach {
    /// The call, with its room.
    pub call: Announcement,
    /// The connection that its conference had, if that is known.
    pub connection_id: Option<String>,
    /// The stream's number is not below this.
    pub at_least: u32,
    /// Whether a call that was announced in this life, and has had no stream yet, counts as one that lost it.
    pub even_if_announced: bool,
}

impl Message for PlanReattach {
    type Result = Result<CallPlan, NotReattached>;
}

impl Handler<PlanReattach> for Supervisor {
    type Result = MessageResult<PlanReattach>;

    fn handle(&mut self, ask: PlanReattach, _: &mut Self::Context) -> Self::Result {
        // A stream that is asked for while this node drains comes to another one; this one has promised to ask.
        let comes_elsewhere = self.draining && self.cluster.state() == State::Joined;
        if self.closed_to_newcomers().is_some() && !comes_elsewhere {
            return MessageResult(Err(NotReattached::NoPlace));
        }
        let now = self.now();
        let connection_id = ask.connection_id.as_deref();
        let (at_least, even_if_announced) = (ask.at_least, ask.even_if_announced);
        let plan =
            self.registry.reattach(now, &ask.call, connection_id, at_least, even_if_announced, unique_id);
        MessageResult(plan)
    }
}
