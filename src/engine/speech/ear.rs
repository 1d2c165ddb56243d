//! What a connection holds for its leg: a listener that is tied to the worker pool.

use super::{
    audio::{AudioFormat, UnsupportedRate},
    listener::{Listener, SpeechEvent, Step, Work},
    pool::{Decoded, Deliver, Job, LegTicket, Pool},
};

/// A leg with more audio than this waiting should not be read from for a while.
const BEHIND_SECONDS: f32 = 20.0;

/// One leg's hearing. Dropping it withdraws what still waits in the pool.
///
/// Bytes go in by [`Ear::hear`]; results arrive at `deliver` on a worker's thread and must be handed to
/// [`Ear::on_decoded`] on the ear's own; transcripts come out of both.
pub struct Ear {
    listener: Listener,
    ticket: LegTicket,
    deliver: Deliver,
}

impl Ear {
    /// Begins to listen to a leg. Ask [`Pool::has_capacity_for`] first: this does not refuse.
    pub fn open(
        pool: &Pool,
        format: AudioFormat,
        partials: bool,
        deliver: Deliver,
    ) -> Result<Self, UnsupportedRate> {
        Ok(Self { listener: Listener::new(format, partials)?, ticket: pool.enter(), deliver })
    }

    /// Takes the leg's next bytes, any number of them.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<SpeechEvent> {
        let step = self.listener.push(bytes);
        self.perform(step)
    }

    /// Ends the leg's audio. More events follow until [`Ear::is_settled`].
    pub fn finish(&mut self) -> Vec<SpeechEvent> {
        let step = self.listener.finish();
        self.perform(step)
    }

    /// Takes a result that `deliver` was given.
    pub fn on_decoded(&mut self, decoded: Decoded) -> Vec<SpeechEvent> {
        self.listener.on_decoded(decoded.key, decoded.heard)
    }

    /// Returns whether every phrase that is over has been reported.
    pub fn is_settled(&self) -> bool {
        self.listener.is_settled()
    }

    /// Returns whether the leg sends much faster than it can be recognised, and its socket should rest.
    pub fn is_behind(&self) -> bool {
        self.ticket.pool().backlog_seconds(self.ticket.id()) > BEHIND_SECONDS
    }

    fn perform(&mut self, step: Step) -> Vec<SpeechEvent> {
        let mut events = step.events;
        for work in step.work {
            match work {
                Work::Withdraw { key } => self.ticket.pool().withdraw(self.ticket.id(), key),
                Work::Decode { key, urgency, segment, draft } => {
                    let (leg, deliver) = (self.ticket.id(), self.deliver.clone());
                    let job = Job { leg, key, urgency, segment, draft, deliver };
                    if let Err(refused) = self.ticket.pool().submit(job) {
                        events.extend(self.listener.on_refused(key, refused));
                    }
                }
            }
        }
        events
    }
}
