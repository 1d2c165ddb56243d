//! The updates hub: relays lifecycle updates to every dashboard. One a process.
//!
//! A dashboard that stops reading fills its mailbox and is cut off from outside, because its own actor, frozen by the
//! peer, could not do it; nobody else waits for it. Each update is written as JSON once, however many read it.

use std::collections::BTreeMap;

use actix::prelude::*;
use bytestring::ByteString;
use jiff::Timestamp;

use super::call::update::{LegNews, Update, UpdateLog};
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

/// A dashboard joins; it is answered with its number, and the live legs follow.
pub struct Join {
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
    /// Returns a hub for at most `most_sessions` dashboards.
    pub fn new(most_sessions: usize, metrics: Metrics) -> Self {
        Self { log: UpdateLog::default(), sessions: BTreeMap::new(), last_session: 0, most_sessions, metrics }
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
        let snapshot: Vec<ByteString> = self.log.snapshot().map(frame).collect();
        // A session that is gone already says so itself.
        let _ = join.session.try_send(Deliver(snapshot));
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

fn frame(update: &Update) -> ByteString {
    // An update has string keys only, so writing it cannot fail.
    serde_json::to_string(update).unwrap_or_default().into()
}
