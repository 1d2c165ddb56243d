//! Connection id to conversation, and every limit on the number of sockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::Addr;
use tokio::sync::Notify;

use super::analysis::Analysis;
use super::conversation::Conversation;
use super::conversation::Interrupted;
use super::conversation::actor::{Drain, GoOn, SocketGone};
use super::conversation::ids::SocketId;
use super::counters::Counters;
use super::llm::stage::Stage;
use super::settings::{Limits, Timers};
use super::store::Store;

/// All connection ids in use.
pub struct Directory {
    limits: Limits,
    timers: Timers,
    counters: Arc<Counters>,
    analysis: Analysis,
    store: Arc<dyn Store>,
    llm: Option<Stage>,
    rooms: Mutex<Rooms>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Rooms {
    by_id: HashMap<Arc<str>, Entry>,
    total: Seats,
    is_draining: bool,
}

#[derive(Debug)]
struct Entry {
    conversation: Addr<Conversation>,
    seats: Seats,
}

/// How many sockets there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seats {
    /// Streaming sockets.
    pub legs: usize,
    /// Subscribers.
    pub subscribers: usize,
}

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It speaks.
    Leg,
    /// It listens.
    Subscriber,
}

/// Why a socket may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSeat {
    /// Too many sockets, here or in all.
    #[error("Too many concurrent connections.")]
    Full,
    /// The engine is going down.
    #[error("The server is shutting down.")]
    Draining,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory").field("rooms", &self.lock().by_id.len()).finish_non_exhaustive()
    }
}

impl Seats {
    fn of(&mut self, role: Role) -> &mut usize {
        match role {
            Role::Leg => &mut self.legs,
            Role::Subscriber => &mut self.subscribers,
        }
    }
}

impl Directory {
    /// Returns an empty directory.
    pub fn new(
        limits: Limits,
        timers: Timers,
        counters: Arc<Counters>,
        analysis: Analysis,
        store: Arc<dyn Store>,
        llm: Option<Stage>,
    ) -> Arc<Self> {
        let (rooms, changed) = (Mutex::default(), Notify::new());
        Arc::new(Self { limits, timers, counters, analysis, store, llm, rooms, changed })
    }

    /// Returns the language model that is asked for a second opinion, if there is one.
    pub fn llm(&self) -> Option<&Stage> {
        self.llm.as_ref()
    }

    /// Goes on with conversations that a restart interrupted; their legs may come back to them.
    ///
    /// Must be called on a thread that runs an actix system: the conversations live there.
    pub fn resume(self: &Arc<Self>, interrupted: Vec<Interrupted>) {
        let mut rooms = self.lock();
        for before in interrupted {
            let id: Arc<str> = before.conversation.record.connection_id.as_str().into();
            rooms.by_id.entry(id.clone()).or_insert_with(|| Entry {
                conversation: Conversation::start(id, self.clone(), self.timers.clone(), Some(before)),
                seats: Seats::default(),
            });
        }
    }

    /// Goes on with a conversation that began on another engine.
    ///
    /// Must be called on a thread that runs an actix system: the conversation lives there.
    pub fn go_on(self: &Arc<Self>, before: Interrupted) {
        let id: Arc<str> = before.conversation.record.connection_id.as_str().into();
        let mut rooms = self.lock();
        if let Some(entry) = rooms.by_id.get(&id).filter(|entry| entry.conversation.connected()) {
            // Subscribers wait in it, or legs that have not started.
            #[expect(clippy::disallowed_methods, reason = "once for a leg that comes in")]
            entry.conversation.do_send(GoOn(before));
        } else if !rooms.is_draining && rooms.by_id.len() < self.limits.conversations {
            let conversation =
                Conversation::start(id.clone(), self.clone(), self.timers.clone(), Some(before));
            rooms.by_id.insert(id, Entry { conversation, seats: Seats::default() });
        }
    }

    /// Returns whether legs have come in with a connection id.
    pub fn has_legs(&self, connection_id: &str) -> bool {
        let rooms = self.lock();
        rooms
            .by_id
            .get(connection_id)
            .is_some_and(|entry| entry.seats.legs > 0 && entry.conversation.connected())
    }

    /// Returns what judges sentences.
    pub fn analysis(&self) -> &Analysis {
        &self.analysis
    }

    /// Returns where conversations stay.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Takes a seat in the conversation of a connection id, which begins to exist if it does not.
    ///
    /// Must be called on a thread that runs an actix system: a new conversation lives there.
    pub fn enter(self: &Arc<Self>, connection_id: &str, role: Role) -> Result<Seat, NoSeat> {
        let (most, most_per_room) = match role {
            Role::Leg => (self.limits.legs, self.limits.legs_per_conversation),
            Role::Subscriber => (self.limits.subscribers, self.limits.subscribers_per_conversation),
        };
        let mut rooms = self.lock();
        if rooms.is_draining {
            return Err(NoSeat::Draining);
        }
        if *rooms.total.of(role) >= most {
            return Err(NoSeat::Full);
        }
        // A conversation that panicked has closed its mailbox: the id is free.
        if rooms.by_id.get(connection_id).is_some_and(|entry| !entry.conversation.connected()) {
            rooms.by_id.remove(connection_id);
        }
        if rooms.by_id.len() >= self.limits.conversations && !rooms.by_id.contains_key(connection_id) {
            return Err(NoSeat::Full);
        }
        let id: Arc<str> = match rooms.by_id.get_key_value(connection_id) {
            Some((id, _)) => id.clone(),
            None => connection_id.into(),
        };
        let entry = rooms.by_id.entry(id.clone()).or_insert_with(|| Entry {
            conversation: Conversation::start(id.clone(), self.clone(), self.timers.clone(), None),
            seats: Seats::default(),
        });
        if *entry.seats.of(role) >= most_per_room {
            return Err(NoSeat::Full);
        }
        *entry.seats.of(role) += 1;
        let conversation = entry.conversation.clone();
        *rooms.total.of(role) += 1;
        Ok(Seat { directory: self.clone(), connection_id: id, role, socket: SocketId::next(), conversation })
    }

    /// Frees a connection id whose conversation has nothing left to remember; false when somebody is on the way in.
    pub fn retire(&self, connection_id: &str) -> bool {
        let mut rooms = self.lock();
        let is_free = rooms.by_id.get(connection_id).is_none_or(|entry| entry.seats == Seats::default());
        if is_free {
            rooms.by_id.remove(connection_id);
            drop(rooms);
            self.changed.notify_waiters();
        }
        is_free
    }

    /// Returns where conversations count what happens in them.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Refuses newcomers from now on.
    pub fn refuse_newcomers(&self) {
        self.lock().is_draining = true;
    }

    /// Refuses newcomers, and tells all conversations to end.
    pub fn drain(&self) {
        let mut rooms = self.lock();
        rooms.is_draining = true;
        for entry in rooms.by_id.values() {
            #[expect(clippy::disallowed_methods, reason = "once in a life, and a conversation never stalls")]
            entry.conversation.do_send(Drain);
        }
    }

    /// Returns whether [`Directory::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.lock().is_draining
    }

    /// Waits until no connection id is in use.
    pub async fn emptied(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registers before looking, so that no change is missed in between.
            changed.as_mut().enable();
            if self.lock().by_id.is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// Returns the number of connection ids in use and of sockets.
    pub fn counts(&self) -> (usize, Seats) {
        let rooms = self.lock();
        (rooms.by_id.len(), rooms.total)
    }

    fn lock(&self) -> MutexGuard<'_, Rooms> {
        // Nothing in a critical section panics; if it ever did, counts would still be better than none.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket's place in a conversation. Dropping it, for whatever reason, is what tells the conversation.
#[derive(Debug)]
pub struct Seat {
    directory: Arc<Directory>,
    connection_id: Arc<str>,
    role: Role,
    socket: SocketId,
    conversation: Addr<Conversation>,
}

impl Seat {
    /// Returns whether the conversation has died; a socket without one must not linger.
    pub fn is_orphaned(&self) -> bool {
        !self.conversation.connected()
    }

    /// Returns the socket's id.
    pub fn socket(&self) -> SocketId {
        self.socket
    }

    /// Returns the conversation's address.
    pub fn conversation(&self) -> &Addr<Conversation> {
        &self.conversation
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut rooms = self.directory.lock();
        *rooms.total.of(self.role) -= 1;
        if let Some(entry) = rooms.by_id.get_mut(&self.connection_id)
            && entry.conversation == self.conversation
        {
            *entry.seats.of(self.role) -= 1;
            if !entry.conversation.connected() && entry.seats == Seats::default() {
                rooms.by_id.remove(&self.connection_id);
                self.directory.changed.notify_waiters();
            }
        }
        drop(rooms);
        #[expect(
            clippy::disallowed_methods,
            reason = "a socket that is gone must never be missed; one message a socket, and a conversation never stalls"
        )]
        self.conversation.do_send(SocketGone { id: self.socket });
    }
}
