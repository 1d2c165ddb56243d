//! The media sockets as the supervisor sees them: which leg each is, and when it has to be gone.
//!
//! A socket's own actor ends it in every ordinary case, also while its peer takes no bytes. This is for what nobody has
//! thought of: each socket that is on its way out has a deadline here; one that is still there when it has passed is cut from
//! outside, and the actor's end tells the rest.

use std::collections::HashMap;
use std::time::Duration;

use actix::Addr;

use super::call::leg::{Millis, millis};
use super::call::registry::LegId;
use super::twilio_stream::TwilioStream;
use crate::ws::socket_handle::SocketHandle;

/// How long a socket may take for what it has to do by itself: a second for what a callback overtook, two to linger
/// for the peer's close frame, and some for a busy machine.
const GRACE: Duration = Duration::from_secs(5);

/// A media socket.
#[derive(Debug)]
struct MediaSocket {
    handle: Option<SocketHandle>,
    leg: Option<LegId>,
    /// When it has to be gone; none while it is a leg's and may live.
    deadline: Option<Millis>,
}

/// All media sockets of the process.
#[derive(Debug, Default)]
pub struct MediaSockets {
    sockets: HashMap<Addr<TwilioStream>, MediaSocket>,
    of_leg: HashMap<LegId, Addr<TwilioStream>>,
}

impl MediaSockets {
    /// Takes a socket that has opened and must be a leg's within `start_timeout`.
    pub fn opened(
        &mut self,
        now: Millis,
        stream: Addr<TwilioStream>,
        handle: Option<SocketHandle>,
        start_timeout: Duration,
    ) {
        let deadline = Some(now + millis(start_timeout + GRACE));
        self.sockets.insert(stream, MediaSocket { handle, leg: None, deadline });
    }

    /// Takes note that a socket is a leg's.
    pub fn began(&mut self, stream: Addr<TwilioStream>, leg: LegId) {
        if let Some(socket) = self.sockets.get_mut(&stream) {
            socket.leg = Some(leg);
            socket.deadline = None;
        }
        self.of_leg.insert(leg, stream);
    }

    /// Gives a leg's socket the time it needs to end, and not more.
    pub fn must_end(&mut self, now: Millis, leg: LegId) {
        let socket = self.of_leg.get(&leg).and_then(|stream| self.sockets.get_mut(stream));
        if let Some(socket) = socket {
            socket.deadline.get_or_insert(now + millis(GRACE));
        }
    }

    /// Forgets a leg; its socket has to go, if it has not already.
    pub fn leg_ended(&mut self, now: Millis, leg: LegId) -> Option<Addr<TwilioStream>> {
        self.must_end(now, leg);
        self.of_leg.remove(&leg)
    }

    /// Returns the socket of a live leg.
    pub fn of_leg(&self, leg: LegId) -> Option<&Addr<TwilioStream>> {
        self.of_leg.get(&leg)
    }

    /// Returns the legs that live.
    pub fn legs(&self) -> impl Iterator<Item = LegId> + '_ {
        self.of_leg.keys().copied()
    }

    /// Returns the sockets, whether legs or not.
    pub fn all(&self) -> impl Iterator<Item = &Addr<TwilioStream>> {
        self.sockets.keys()
    }

    /// Returns how many legs live.
    pub fn live_legs(&self) -> usize {
        self.of_leg.len()
    }

    /// Returns how many sockets are open, as far as is known.
    pub fn open(&self) -> usize {
        self.sockets.len()
    }

    /// Forgets the sockets that are gone and cuts those that should be; returns the legs of the latter, if they were any's.
    pub fn sweep(&mut self, now: Millis) -> Vec<Option<LegId>> {
        self.sockets.retain(|stream, _| stream.connected());
        let mut cut = Vec::new();
        for socket in self.sockets.values_mut() {
            if socket.deadline.is_some_and(|deadline| deadline <= now)
                && let Some(handle) = socket.handle.take()
            {
                handle.cut();
                cut.push(socket.leg);
            }
        }
        cut
    }
}
