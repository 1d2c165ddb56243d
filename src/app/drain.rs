//! The end of the process: no new leg, patience with the live ones, then an end in good order.
//!
//! Readiness goes first, so that load balancers look elsewhere. Live legs go on until `drain.deadline_ms`; those that are
//! left then are ended as if their callers had hung up, so that their last results still come.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::Addr;
use tokio::time::Instant;

use crate::bridge::call::leg::millis;
use crate::bridge::cluster::Cluster;
use crate::bridge::supervisor::{Census, Drain, EndAllLegs, Supervisor, TakeCensus};
use crate::bridge::updates_hub::{CloseDashboards, UpdatesHub};
use crate::engine::EngineState;
use crate::telemetry::events;

/// How often an operator hears who is being waited for.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// How long the last updates may take to reach dashboards by way of other nodes.
const SETTLE_WITHIN: Duration = Duration::from_secs(2);

/// Legs that a line names.
const MOST_NAMED: usize = 20;

/// How often the engine alone looks whether its legs are gone.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whether the process is ending. Cloning it shares it.
#[derive(Debug, Clone, Default)]
pub(super) struct Ending(Arc<AtomicBool>);

impl Ending {
    /// Says that the end has begun.
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether the end has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends every leg of the bridge, then the dashboards; returns how many legs had to be cut off.
pub(super) async fn bridge(
    (supervisor, hub, cluster): (&Addr<Supervisor>, &Addr<UpdatesHub>, &dyn Cluster),
    deadline: Duration,
    stop_within: Duration,
) -> u64 {
    let census = census(supervisor).await;
    events::ServerDraining {
        leg: None,
        legs: census.legs.len() as u64,
        calls: census.calls as u64,
        sockets: census.sockets as u64,
        deadline_ms: millis(deadline),
    }
    .emit();
    wait_for_callers(supervisor, deadline).await;
    let _ = tokio::time::timeout(stop_within, supervisor.send(EndAllLegs)).await;
    let legs_cut = self::census(supervisor).await.legs.len() as u64;
    cluster.settle(SETTLE_WITHIN).get().await;
    let _ = hub.send(CloseDashboards).await;
    legs_cut
}

/// Waits until the last leg has ended by itself, at most until the deadline.
async fn wait_for_callers(supervisor: &Addr<Supervisor>, deadline: Duration) {
    let ends_at = Instant::now() + deadline;
    let mut none_is_left = std::pin::pin!(supervisor.send(Drain));
    loop {
        tokio::select! {
            // An error means that the supervisor is gone, and with it what is waited for.
            _ = &mut none_is_left => return,
            () = tokio::time::sleep_until(ends_at) => return,
            () = tokio::time::sleep(SAY_EVERY) => {
                let census = census(supervisor).await;
                events::DrainWaiting {
                    leg: None,
                    legs: census.legs.len() as u64,
                    which: &names(&census),
                    left_ms: millis(ends_at.saturating_duration_since(Instant::now())),
                }
                .emit();
            }
        }
    }
}

/// Waits until the engine's last leg has ended by itself, at most until the deadline, then ends the rest.
///
/// For an engine of its own: beside a bridge the bridge's legs are all it has, and the bridge has drained them.
pub(super) async fn engine(engine: &EngineState, deadline: Duration, stop_within: Duration) -> u64 {
    let legs = |engine: &EngineState| engine.counts().seats.legs as u64;
    events::ServerDraining {
        leg: None,
        legs: legs(engine),
        calls: 0,
        sockets: legs(engine),
        deadline_ms: millis(deadline),
    }
    .emit();
    engine.refuse_newcomers();
    let ends_at = Instant::now() + deadline;
    let mut say_at = Instant::now() + SAY_EVERY;
    while legs(engine) > 0 && Instant::now() < ends_at {
        if Instant::now() >= say_at {
            say_at += SAY_EVERY;
            let left_ms = millis(ends_at.saturating_duration_since(Instant::now()));
            events::DrainWaiting { leg: None, legs: legs(engine), which: "", left_ms }.emit();
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    engine.drain(stop_within).await;
    legs(engine)
}

async fn census(supervisor: &Addr<Supervisor>) -> Census {
    // An error means that the actor is gone, and with it what is asked about.
    supervisor.send(TakeCensus).await.unwrap_or_default()
}

/// `CA… in ROOM, CA… in ROOM and 3 more`.
fn names(census: &Census) -> String {
    let mut names = String::new();
    for (call_sid, room) in census.legs.iter().take(MOST_NAMED) {
        let comma = if names.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(names, "{comma}{call_sid} in {room}");
    }
    if let Some(more) = census.legs.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        let _ = write!(names, " and {more} more");
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::CallSid;

    #[test]
    fn a_line_names_the_first_twenty_legs() {
        let legs = |count: usize| {
            let leg = |n| (CallSid::parse(&format!("CA{n}")).unwrap(), "talk".to_owned());
            Census { legs: (0..count).map(leg).collect(), ..Census::default() }
        };
        assert_eq!(names(&legs(0)), "");
        assert_eq!(names(&legs(2)), "CA0 in talk, CA1 in talk");
        assert!(names(&legs(20)).ends_with("CA19 in talk"));
        assert!(names(&legs(23)).ends_with("CA19 in talk and 3 more"));
    }
}
