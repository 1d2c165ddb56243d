//! The updates hub: relays lifecycle updates to every dashboard. One a process.
//!
//! A dashboard that stops reading fills its mailbox and is cut off from outside, because its own actor, frozen by the
//! peer, could not do it; nobody else waits for it. Each update is written as JSON once, however many read it. Dashboards
//! that come back say which update they saw last and get those that they missed.

use std::collections::BTreeMap;

use actix::prelude::*;
use bytestring::ByteString;
use jiff::Timestamp;
use serde::Serialize;

use super::call::update::{LegNews, UpdateLog};
use super::updates_session::{Deliver, EndSession, UpdatesSession};
use crate::telemetry::events;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::doors::Door;
use crate::ws::CloseCode;
use crate::ws::socket_handle::SocketHandle;

/// News come from the supervisor only: three a leg at most.
const MAILBOX: usize = 4096;

/// News of a leg, for all dashboards.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Publish(pub LegNews);

/// A dashboard joins; it is answered with its number, and the live legs follow, or what it missed.
pub struct Join {
    /// The update it saw last, 0: none yet; none if it does not know of this.
    pub after: Option<u64>,
    /// Its socket's actor.
    pub session: Addr<UpdatesSession>,
    /// Its connection, to end it from outside.
    pub socket: Option<SocketHandle>,
}

impl Message for Join {
    type Result = Result<SessionId, TooManyDashboards>;
}

/// A dashboard's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(u64);

/// No place is left.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too many dashboards")]
pub struct TooManyDashboards;

/// A dashboard has left.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Leave(pub SessionId);

/// The process ends: close every dashboard.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CloseDashboards;

/// The actor.
pub struct UpdatesHub {
    log: UpdateLog,
    sessions: BTreeMap<SessionId, Dashboard>,
    last_session: u64,
    most_sessions: usize,
    metrics: Metrics,
}

struct Dashboard {
    session: Addr<UpdatesSession>,
    socket: Option<SocketHandle>,
}

impl UpdatesHub {
    /// Returns a hub for at most `most_sessions` dashboards, which keeps the last `keep` updates.
    pub fn new(most_sessions: usize, keep: usize, metrics: Metrics) -> Self {
        // In microseconds, because no process publishes a million updates a second all its life; 2^53, beyond which
        // JavaScript's numbers are not exact, is reached in the year 2255.
        let start = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default();
        let log = UpdateLog::new(start, keep);
        Self { log, sessions: BTreeMap::new(), last_session: 0, most_sessions, metrics }
    }

    fn remove(&mut self, id: SessionId, reason: &'static str) -> Option<Dashboard> {
        let dashboard = self.sessions.remove(&id)?;
        self.metrics.updates.dashboards.dec();
        self.metrics.updates.left.add(reason);
        events::DashboardLeft { leg: None, reason, dashboards: self.sessions.len() as u64 }.emit();
        Some(dashboard)
    }
}

impl Actor for UpdatesHub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<Publish> for UpdatesHub {
    type Result = ();

    fn handle(&mut self, Publish(news): Publish, _: &mut Self::Context) {
        let frame = frame(&self.log.publish(news, Timestamp::now()));
        self.metrics.updates.published.inc();
        let mut late = Vec::new();
        for (id, dashboard) in &self.sessions {
            if dashboard.session.try_send(Deliver(vec![frame.clone()])).is_err() {
                late.push(*id);
            }
        }
        for id in late {
            if let Some(socket) = self.remove(id, "slow_consumer").and_then(|dashboard| dashboard.socket) {
                socket.cut();
            }
        }
    }
}

impl Handler<Join> for UpdatesHub {
    type Result = Result<SessionId, TooManyDashboards>;

    fn handle(&mut self, join: Join, _: &mut Self::Context) -> Self::Result {
        if self.sessions.len() >= self.most_sessions {
            self.metrics.doors.refused(Door::Updates, "full");
            return Err(TooManyDashboards);
        }
        self.last_session += 1;
        let id = SessionId(self.last_session);
        let frames: Vec<ByteString> = match join.after {
            None => self.log.snapshot().map(frame).collect(),
            Some(after) => {
                let (answer, updates) = self.log.since(after);
                std::iter::once(frame(&answer)).chain(updates.into_iter().map(frame)).collect()
            }
        };
        // A session that is gone already says so itself.
        let _ = join.session.try_send(Deliver(frames));
        self.metrics.updates.dashboards.inc();
        self.sessions.insert(id, Dashboard { session: join.session, socket: join.socket });
        events::DashboardJoined { leg: None, dashboards: self.sessions.len() as u64 }.emit();
        Ok(id)
    }
}

impl Handler<Leave> for UpdatesHub {
    type Result = ();

    fn handle(&mut self, Leave(id): Leave, _: &mut Self::Context) {
        self.remove(id, "closed");
    }
}

impl Handler<CloseDashboards> for UpdatesHub {
    type Result = ();

    fn handle(&mut self, _: CloseDashboards, _: &mut Self::Context) {
        for dashboard in self.sessions.values() {
            // One that reads nothing is cut off with the process.
            let _ = dashboard.session.try_send(EndSession { code: CloseCode::Away, why: "shutdown" });
        }
    }
}

fn frame(message: &impl Serialize) -> ByteString {
    // Updates and answers have string keys only, so writing them cannot fail.
    serde_json::to_string(message).unwrap_or_default().into()
}
