//! The updates hub: relays lifecycle updates to every dashboard. One a process.
//!
//! A dashboard that stops reading fills its mailbox and is cut off from outside, because its own actor, frozen by the
//! peer, could not do it; nobody else waits for it. Each update is written as JSON once, however many read it. Dashboards
//! that come back say which update they saw last and get those that they missed.

use std::collections::BTreeMap;
use std::time::Duration;

use actix::prelude::*;
use bytestring::ByteString;
use jiff::Timestamp;
use serde::Serialize;

use super::call::update::{LegNews, Told, Update, UpdateLog};
use super::updates_session::{Deliver, EndSession, UpdatesSession};
use crate::telemetry::events;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::doors::Door;
use crate::ws::CloseCode;
use crate::ws::socket_handle::SocketHandle;

/// News come from the supervisor only: three a leg at most.
const MAILBOX: usize = 4096;

/// How far another node may be ahead with updates.
const MOST_AHEAD: u64 = 4096;

/// How long a dashboard that saw newer updates elsewhere waits for them to come here.
const CATCH_UP: Duration = Duration::from_millis(300);

/// News of a leg, for all dashboards.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Publish(pub LegNews);

/// The cluster's next update, for all dashboards.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Append {
    /// Its number, the same on every node.
    pub id: u64,
    /// What it says.
    pub told: Told,
}

/// What was known of updates is void, because the cluster was joined or lost: every dashboard begins anew with this.
#[derive(Message)]
#[rtype(result = "()")]
pub struct BeginAnew {
    /// What is known from now on.
    pub log: UpdateLog,
    /// Whether other nodes have the same, and some may know newer updates already.
    pub is_shared: bool,
}

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
    /// Whether other nodes have the same log.
    is_shared: bool,
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
        Self {
            log: UpdateLog::new(first_id(), keep),
            is_shared: false,
            sessions: BTreeMap::new(),
            last_session: 0,
            most_sessions,
            metrics,
        }
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
        let update = self.log.publish(news, Timestamp::now());
        self.relay(&update);
    }
}

impl Handler<Append> for UpdatesHub {
    type Result = ();

    fn handle(&mut self, Append { id, told }: Append, _: &mut Self::Context) {
        let update = self.log.append(id, told);
        self.relay(&update);
    }
}

impl Handler<BeginAnew> for UpdatesHub {
    type Result = ();

    fn handle(&mut self, BeginAnew { log, is_shared }: BeginAnew, _: &mut Self::Context) {
        self.log = log;
        self.is_shared = is_shared;
        let sessions: Vec<SessionId> = self.sessions.keys().copied().collect();
        for id in sessions {
            let Some(Dashboard { session, socket }) = self.remove(id, "begins_anew") else { continue };
            let end = EndSession { code: CloseCode::Restart, why: "begin anew" };
            if let (Err(_), Some(socket)) = (session.try_send(end), socket) {
                socket.cut();
            }
        }
    }
}

impl UpdatesHub {
    fn relay(&mut self, update: &Update) {
        let frame = frame(update);
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
    type Result = ActorResponse<Self, Result<SessionId, TooManyDashboards>>;

    fn handle(&mut self, join: Join, _: &mut Self::Context) -> Self::Result {
        let last = self.log.last_id();
        if self.is_shared && join.after.is_some_and(|after| (last + 1..=last + MOST_AHEAD).contains(&after)) {
            // It comes from a node that was quicker; what it saw will be here in a moment.
            let catching_up = tokio::time::sleep(CATCH_UP).into_actor(self);
            return ActorResponse::r#async(catching_up.map(|(), hub, _| hub.join(join)));
        }
        ActorResponse::reply(self.join(join))
    }
}

impl UpdatesHub {
    fn join(&mut self, join: Join) -> Result<SessionId, TooManyDashboards> {
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

/// Returns the number that a process's updates begin with.
pub(super) fn first_id() -> u64 {
    // In microseconds, because no process publishes a million updates a second all its life; 2^53, beyond which
    // JavaScript's numbers are not exact, is reached in the year 2255.
    u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default()
}

fn frame(message: &impl Serialize) -> ByteString {
    // Updates and answers have string keys only, so writing them cannot fail.
    serde_json::to_string(message).unwrap_or_default().into()
}
