//! The calls that are in progress, and what they are told to do. Calls live on one thread, the server on another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::simulator::twiml_reader::StreamNoun;

/// Tracks that may be streamed of one call (twilio-protocol.md, section 4.9).
const MOST_STREAMS: usize = 4;

/// Orders that may wait for a call; further ones are "too many".
const ORDERS: usize = 16;

/// All calls in progress; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Exchange(Arc<Mutex<BTreeMap<String, LiveCall>>>);

#[derive(Debug)]
struct LiveCall {
    from: String,
    to: String,
    room: Option<String>,
    /// Names of its streams that ever were, and which of them runs.
    streams: BTreeMap<String, bool>,
    orders: mpsc::Sender<Order>,
}

/// What a call is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::simulator) enum Order {
    /// Start this stream.
    Start(StreamNoun),
    /// Stop the stream of this name.
    Stop(String),
}

/// A call in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) call_sid: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) room: Option<String>,
}

/// Why an order is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// There is no such call, or no such stream.
    Unknown,
    /// The name is taken, or the call has as many streams as it may have.
    Refused,
    /// Too many orders wait.
    TooMany,
}

impl Exchange {
    fn calls(&self) -> MutexGuard<'_, BTreeMap<String, LiveCall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a call that begins; returns where its orders come from.
    pub(in crate::simulator) fn begin(&self, call_sid: &str, from: &str, to: &str) -> mpsc::Receiver<Order> {
        let (orders, told) = mpsc::channel(ORDERS);
        let (from, to) = (from.to_owned(), to.to_owned());
        let call = LiveCall { from, to, room: None, streams: BTreeMap::new(), orders };
        self.calls().insert(call_sid.to_owned(), call);
        told
    }

    /// Takes note of a conference that a call joins, or leaves.
    pub(in crate::simulator) fn set_room(&self, call_sid: &str, room: Option<&str>) {
        if let Some(call) = self.calls().get_mut(call_sid) {
            call.room = room.map(str::to_owned);
        }
    }

    /// Takes note of a stream that runs, or does not any more.
    pub(in crate::simulator) fn set_stream(&self, call_sid: &str, name: &str, runs: bool) {
        if let Some(call) = self.calls().get_mut(call_sid) {
            call.streams.insert(name.to_owned(), runs);
        }
    }

    /// Takes the end of a call.
    pub(in crate::simulator) fn end(&self, call_sid: &str) {
        self.calls().remove(call_sid);
    }

    /// Returns the calls in progress.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let calls = self.calls();
        let seen = calls.iter().map(|(call_sid, call)| Seen {
            call_sid: call_sid.clone(),
            from: call.from.clone(),
            to: call.to.clone(),
            room: call.room.clone(),
        });
        seen.collect()
    }

    /// Starts a stream.
    pub(super) fn start(&self, call_sid: &str, stream: StreamNoun) -> Result<(), NotTaken> {
        let mut calls = self.calls();
        let call = calls.get_mut(call_sid).ok_or(NotTaken::Unknown)?;
        let running = call.streams.values().filter(|runs| **runs).count();
        if call.streams.contains_key(&stream.name) || running >= MOST_STREAMS {
            return Err(NotTaken::Refused);
        }
        let name = stream.name.clone();
        call.orders.try_send(Order::Start(stream)).map_err(|_| NotTaken::TooMany)?;
        call.streams.insert(name, true);
        Ok(())
    }

    /// Stops a stream.
    pub(super) fn stop(&self, call_sid: &str, name: &str) -> Result<(), NotTaken> {
        let calls = self.calls();
        let call = calls.get(call_sid).ok_or(NotTaken::Unknown)?;
        if call.streams.get(name) != Some(&true) {
            return Err(NotTaken::Unknown);
        }
        call.orders.try_send(Order::Stop(name.to_owned())).map_err(|_| NotTaken::TooMany)
    }
}

/// Returns the sid of a room's conference.
pub(super) fn conference_sid(room: &str) -> String {
    let digest = Sha256::digest(room.as_bytes());
    let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("CF{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str) -> StreamNoun {
        StreamNoun { name: name.to_owned(), ..StreamNoun::default() }
    }

    #[test]
    fn a_name_is_used_once_and_a_call_has_four_streams() {
        let exchange = Exchange::default();
        let mut told = exchange.begin("CA1", "+12125550123", "+14155550100");
        exchange.set_stream("CA1", "of TwiML", true);
        for name in ["a", "b", "c"] {
            assert_eq!(exchange.start("CA1", stream(name)), Ok(()));
            assert_eq!(told.try_recv().unwrap(), Order::Start(stream(name)));
        }
        assert_eq!(exchange.start("CA1", stream("d")), Err(NotTaken::Refused));
        assert_eq!(exchange.stop("CA1", "of TwiML"), Ok(()));
        exchange.set_stream("CA1", "of TwiML", false);
        assert_eq!(exchange.stop("CA1", "of TwiML"), Err(NotTaken::Unknown), "it is stopped");
        assert_eq!(exchange.start("CA1", stream("of TwiML")), Err(NotTaken::Refused), "its name is taken");
        assert_eq!(exchange.start("CA1", stream("d")), Ok(()));
        exchange.end("CA1");
        assert_eq!(exchange.start("CA1", stream("e")), Err(NotTaken::Unknown));
    }
}
