//! What makes sure that a leg ends: whoever holds it owes the supervisor the leg's end.
//!
//! The supervisor makes one with each plan. It travels with the answer to the media socket and from there into the leg's
//! connection. Wherever it is dropped - an answer that nobody waits for any more, a panic, the end of the thread - the
//! supervisor hears of it, and the leg is removed.

use std::sync::Arc;

use actix::Addr;

use super::call::leg::LegExit;
use super::call::registry::LegId;
use super::leg_meter::LegMeter;
use super::supervisor::{LegEnded, Supervisor};
use super::tell;

/// Owes the supervisor the end of one leg.
#[derive(Debug)]
pub struct LegGuard {
    leg: LegId,
    supervisor: Addr<Supervisor>,
    meter: Arc<LegMeter>,
    /// The leg has a connection.
    begun: bool,
    told: bool,
}

impl LegGuard {
    /// Returns the guard of a leg that has just got its plan.
    pub fn new(leg: LegId, supervisor: Addr<Supervisor>, meter: Arc<LegMeter>) -> Self {
        Self { leg, supervisor, meter, begun: false, told: false }
    }

    /// Returns the leg's number.
    pub fn leg(&self) -> LegId {
        self.leg
    }

    /// Returns the owner of the leg.
    pub fn supervisor(&self) -> &Addr<Supervisor> {
        &self.supervisor
    }

    /// Returns what whoever holds the leg keeps up to date.
    pub fn meter(&self) -> &Arc<LegMeter> {
        &self.meter
    }

    /// Takes note that the leg's connection has started: from now on only a panic drops the guard unused.
    pub fn begun(&mut self) {
        self.begun = true;
    }

    /// Tells the supervisor that the leg is over; once.
    pub fn end(&mut self, exit: LegExit) {
        if !std::mem::replace(&mut self.told, true) {
            tell(&self.supervisor, LegEnded { leg: self.leg, exit });
        }
    }
}

impl Drop for LegGuard {
    fn drop(&mut self) {
        self.end(if self.begun { LegExit::Panicked } else { LegExit::SocketClosed });
    }
}
