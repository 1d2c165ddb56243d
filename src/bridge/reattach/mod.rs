//! New streams for calls that lost theirs, through Twilio's REST API (`twilio-protocol` 6.9).
//!
//! Twilio does not reconnect a media stream. When this process died, another node did, or a socket broke on the way, the call goes on
//! in its conference and nobody hears it, until a new stream is started on it. `docs/reattach.md` tells the whole story.
//!
//! * [`book`] - which call is in which conference, since when without a stream. Pure.
//! * [`journal`] - the book on disk.
//! * [`plan`] - which calls get a new stream after a start. Pure.
//! * [`attempt`] - one call on its way to a new stream. Pure.
//! * [`pace`] - how often. Pure.
//! * `access` - requests to Twilio: few at once, patient.
//! * [`elsewhere`] - what other nodes know.
//! * [`worker`] - does it all, on the main thread.

mod access;
pub mod attempt;
pub mod book;
pub mod elsewhere;
pub mod journal;
pub mod pace;
pub mod plan;
pub mod worker;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use self::attempt::Outcome;
use self::book::{CallBook, Entry, Note, State, UnixMillis};
use self::journal::Journal;
use self::worker::Worker;
use super::call::leg::{LegExit, Millis};
use super::call::registry::{LegId, LegPlan, Registry, StreamStart};
use super::call::room::Room;
use super::services::tags;
use crate::config::ReattachSettings;
use crate::telemetry::events;
use crate::telemetry::metrics::Metrics;
use crate::twilio::CallSid;

/// Streams that may wait to be looked at; beyond them a lost one is not, until the next start or the next callback about it.
const WAITING: usize = 4096;

/// What the bridge tells re-attaching. Cloning it shares it.
#[derive(Debug, Clone)]
pub struct Reattach {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    book: Arc<Mutex<CallBook>>,
    journal: Option<Journal>,
    /// Calls that a stream was asked for, and since when they have had none, for those that the book does not know.
    awaited: Mutex<HashMap<CallSid, UnixMillis>>,
    losses: mpsc::Sender<Loss>,
    /// Another process still has the journal, and with it the calls.
    predecessor_lives: bool,
    metrics: Metrics,
}

/// A call whose leg died with its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostCall {
    /// The call.
    pub call_sid: CallSid,
    /// Its conference.
    pub room: String,
    /// The conference's connection.
    pub connection_id: String,
}

/// Something that may have cost a call its stream.
#[derive(Debug)]
enum Loss {
    /// Twilio says that a stream ended, or failed.
    Stream { call_sid: CallSid, failed: bool },
    /// A node died.
    Node(Vec<LostCall>),
}

impl Reattach {
    /// Returns what to tell, and what does the work once the listener runs. What an earlier life wrote down is told to `registry`.
    ///
    /// A journal that cannot be used is logged, and nothing is remembered.
    pub fn new(
        settings: ReattachSettings,
        journal: Option<&Path>,
        most_calls: usize,
        registry: &mut Registry,
        metrics: Metrics,
    ) -> (Self, Worker) {
        let mut book = CallBook::new(most_calls);
        let unavailable = |fault: std::io::Error| {
            events::CallsJournalUnavailable { leg: None, reason: &fault.to_string() }.emit();
        };
        if let Some(path) = journal {
            let alive_at = journal::read(path, &mut book).map_err(unavailable).ok().flatten();
            book.life_ended(alive_at.unwrap_or_default(), unix_now());
            tell_registry(&book, registry);
        }
        let book = Arc::new(Mutex::new(book));
        let journal = journal.and_then(|path| Journal::start(path, &book).map_err(unavailable).ok());
        let (losses, waiting) = mpsc::channel(WAITING);
        let predecessor_lives = journal.as_ref().is_some_and(|journal| !journal.was_free());
        if predecessor_lives {
            let reason = "another process has it: calls are looked for only when their streams end";
            events::CallsJournalUnavailable { leg: None, reason }.emit();
        }
        let awaited = Mutex::default();
        let inner = Inner { book, journal, awaited, losses, predecessor_lives, metrics };
        let reattach = Self { inner: Arc::new(inner) };
        let worker = Worker::new(settings, reattach.clone(), waiting);
        (reattach, worker)
    }

    /// Takes a leg that begins.
    pub fn leg_began(&self, start: &StreamStart, plan: &LegPlan) {
        let now = unix_now();
        let entry = Entry {
            room: plan.room.to_string(),
            connection_id: plan.connection_id.clone(),
            stream: start.stream,
            began_at: now,
            state: State::Live,
        };
        let (note, gap) = self.book().began(plan.leg, &start.call_sid, entry);
        self.write(note);
        let awaited = self.awaited().remove(&start.call_sid).map(|since| now.saturating_sub(since));
        if let Some(gap_ms) = gap.or(awaited) {
            let leg = tags(
                start.call_sid.as_str(),
                start.stream_sid.as_str(),
                &plan.connection_id,
                plan.room.as_str(),
            );
            events::LegReattached { leg: Some(&leg.traced(plan.trace)), gap_ms }.emit();
            self.inner.metrics.reattach.gap.observe(gap_ms as f64 / 1000.0);
        }
    }

    /// Takes the news that a leg hears no more.
    pub fn media_ended(&self, leg: LegId) {
        let note = self.book().media_ended(leg, unix_now());
        self.write(note);
    }

    /// Takes the end of a leg. Twilio tells of most streams that died; of a socket that fell silent nobody else does.
    pub fn leg_ended(&self, leg: LegId, exit: LegExit) {
        let mut book = self.book();
        let call_sid = book.call_of(leg).cloned();
        let note = book.leg_ended(leg, exit, unix_now());
        drop(book);
        self.write(note);
        if let Some(call_sid) = call_sid.filter(|_| !is_farewell(exit)) {
            self.stream_ended(&call_sid, true);
        }
    }

    /// Takes the end of a call.
    pub fn call_ended(&self, call_sid: &CallSid) {
        let note = self.book().over(call_sid, unix_now());
        self.write(note);
    }

    /// Takes Twilio's news that a stream of a call ended, or failed.
    pub fn stream_ended(&self, call_sid: &CallSid, failed: bool) {
        self.lost(Loss::Stream { call_sid: call_sid.clone(), failed });
    }

    /// Takes the news that the legs of these calls died with their node.
    pub fn legs_lost(&self, calls: Vec<LostCall>) {
        self.lost(Loss::Node(calls));
    }

    fn lost(&self, loss: Loss) {
        if self.inner.losses.try_send(loss).is_err() {
            self.inner.metrics.reattach.results.add("failed");
        }
    }

    fn write(&self, note: Option<Note>) {
        if let (Some(journal), Some(note)) = (&self.inner.journal, note) {
            journal.write(note);
        }
    }

    fn book(&self) -> MutexGuard<'_, CallBook> {
        self.inner.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn awaited(&self) -> MutexGuard<'_, HashMap<CallSid, UnixMillis>> {
        self.inner.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows every result with nothing counted.
pub fn expect_metrics(metrics: &Metrics) {
    metrics.reattach.results.expect(&Outcome::ALL);
    metrics.reattach.requests.expect(&access::RESULTS);
}

/// Returns whether a leg ended because its call did, or because this process wanted it so.
fn is_farewell(exit: LegExit) -> bool {
    match exit {
        LegExit::Hangup | LegExit::CallCompleted | LegExit::Replaced | LegExit::Shutdown => true,
        LegExit::SocketClosed
        | LegExit::StreamStopped
        | LegExit::MediaSilence
        | LegExit::MediaFault
        | LegExit::UpstreamFailed
        | LegExit::Panicked => false,
    }
}

/// Tells a new registry what an earlier life knew: the earliest first, so that the latest conference in a room counts.
fn tell_registry(book: &CallBook, registry: &mut Registry) {
    const BEGINNING: Millis = 0;
    let mut entries: Vec<_> = book.entries().collect();
    entries.sort_by_key(|(_, entry)| entry.began_at);
    for (call_sid, entry) in entries {
        if let Ok(room) = Room::parse(&entry.room) {
            let is_expected = matches!(entry.state, State::Lost(_));
            registry.recall(BEGINNING, call_sid, entry.stream, &room, &entry.connection_id, is_expected);
        }
    }
}

fn unix_now() -> UnixMillis {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}
