//! Which call is in which conference, and since when it is without a stream: what a restart has to know. Pure.
//!
//! Every change that a restart must know of comes back as a [`Note`], which the journal writes down; read in order, notes
//! make the same book again. There is no caller in it and nothing that was said.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::bridge::call::leg::LegExit;
use crate::bridge::call::registry::LegId;
use crate::twilio::CallSid;

/// Milliseconds since 1970: notes outlive the process.
pub type UnixMillis = u64;

/// No call lasts longer; what is older has ended unheard of.
const LONGEST_CALL: UnixMillis = 24 * 60 * 60 * 1000;

/// Calls that are over are remembered so long, so that a late callback about one asks Twilio nothing, and no token works twice after a
/// restart: longer than the longest `media.token_lifetime_ms` that makes sense.
const OVER_KEPT: UnixMillis = 10 * 60 * 1000;

/// A call that had a stream of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The conference it is in.
    pub room: String,
    /// What dashboards of that conference subscribe to.
    pub connection_id: String,
    /// The number of its latest stream.
    pub stream: u32,
    /// When that stream began.
    pub began_at: UnixMillis,
    /// How it stands.
    pub state: State,
}

/// How a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has a stream.
    Live,
    /// Its stream died at this time, and nobody said that the call is over.
    Lost(UnixMillis),
    /// It is over, or its stream was ended in good order.
    Over(UnixMillis),
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// A stream became a leg.
    Began {
        /// The call.
        call: CallSid,
        /// Its conference.
        room: String,
        /// The conference's connection.
        connection: String,
        /// The stream's number.
        stream: u32,
        /// When.
        at: UnixMillis,
    },
    /// The stream is no more.
    Lost {
        /// The call.
        call: CallSid,
        /// When.
        at: UnixMillis,
    },
    /// The call is over, or its stream was ended in good order.
    Over {
        /// The call.
        call: CallSid,
        /// When.
        at: UnixMillis,
    },
}

/// The book.
#[derive(Debug)]
pub struct CallBook {
    entries: HashMap<CallSid, Entry>,
    /// Which call a leg belongs to, and which leg is a call's latest; until that leg ends.
    legs: HashMap<LegId, CallSid>,
    latest: HashMap<CallSid, LegId>,
    /// Calls of the book that lost their stream here and were seen with another one on another node.
    elsewhere: HashSet<CallSid>,
    /// Calls that are remembered; what comes beyond them is not.
    most: usize,
}

impl CallBook {
    /// Returns an empty book for at most so many calls.
    pub fn new(most: usize) -> Self {
        let (entries, legs, latest) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { entries, legs, latest, elsewhere: HashSet::new(), most }
    }

    /// Takes a leg that begins; returns what to write down and, if its call was without a stream, for how long.
    pub fn began(&mut self, leg: LegId, call: &CallSid, entry: Entry) -> (Option<Note>, Option<UnixMillis>) {
        let now = entry.began_at;
        let before = self.entries.get(call).map(|known| known.state);
        if before.is_none() && self.entries.len() >= self.most {
            self.forget_old(now);
            if self.entries.len() >= self.most {
                return (None, None);
            }
        }
        let was_elsewhere = self.elsewhere.remove(call);
        let gap = match before {
            Some(State::Lost(at)) if !was_elsewhere => Some(now.saturating_sub(at)),
            _ => None,
        };
        let note = Note::Began {
            call: call.clone(),
            room: entry.room.clone(),
            connection: entry.connection_id.clone(),
            stream: entry.stream,
            at: now,
        };
        if let Some(older) = self.latest.insert(call.clone(), leg) {
            self.legs.remove(&older);
        }
        self.legs.insert(leg, call.clone());
        self.entries.insert(call.clone(), entry);
        (Some(note), gap)
    }

    /// Takes the news that a leg hears no more; a leg that another has replaced counts for nothing.
    pub fn media_ended(&mut self, leg: LegId, now: UnixMillis) -> Option<Note> {
        let call = self.legs.get(&leg)?;
        let entry = self.entries.get_mut(call).filter(|entry| entry.state == State::Live)?;
        entry.state = State::Lost(now);
        Some(Note::Lost { call: call.clone(), at: now })
    }

    /// Takes the news that a call has a stream on another node: since when it has none, if it comes back, is not known here.
    pub fn seen_elsewhere(&mut self, call: &CallSid) {
        if self.entries.get(call).is_some_and(|entry| matches!(entry.state, State::Lost(_))) {
            self.elsewhere.insert(call.clone());
        }
    }

    /// Takes the end of a leg.
    pub fn leg_ended(&mut self, leg: LegId, exit: LegExit, now: UnixMillis) -> Option<Note> {
        let lost = self.media_ended(leg, now);
        let call = self.legs.remove(&leg)?;
        self.latest.remove(&call);
        if matches!(exit, LegExit::Hangup | LegExit::CallCompleted) { self.over(&call, now) } else { lost }
    }

    /// Takes the news that a call is over; nothing for a call that nobody knows.
    pub fn over(&mut self, call: &CallSid, now: UnixMillis) -> Option<Note> {
        let entry = self.entries.get_mut(call).filter(|entry| !matches!(entry.state, State::Over(_)))?;
        entry.state = State::Over(now);
        Some(Note::Over { call: call.clone(), at: now })
    }

    /// Takes a note of an earlier life.
    pub fn replay(&mut self, note: Note) {
        match note {
            Note::Began { call, room, connection, stream, at } => {
                if self.entries.len() < self.most || self.entries.contains_key(&call) {
                    let state = State::Live;
                    let entry = Entry { room, connection_id: connection, stream, began_at: at, state };
                    self.entries.insert(call, entry);
                }
            }
            Note::Lost { call, at } => {
                if let Some(entry) = self.entries.get_mut(&call) {
                    entry.state = State::Lost(at);
                }
            }
            Note::Over { call, at } => {
                self.over(&call, at);
            }
        }
    }

    /// Ends the earlier life, which was alive until `alive_at`: whatever was live then has lost its stream.
    pub fn life_ended(&mut self, alive_at: UnixMillis, now: UnixMillis) {
        for entry in self.entries.values_mut().filter(|entry| entry.state == State::Live) {
            entry.state = State::Lost(alive_at.max(entry.began_at).min(now));
        }
        self.forget_old(now);
    }

    /// Forgets calls that are over for a while, and those that must be over.
    pub fn forget_old(&mut self, now: UnixMillis) {
        self.entries.retain(|_, entry| match entry.state {
            State::Over(at) => now < at + OVER_KEPT,
            State::Live => true,
            State::Lost(_) => now < entry.began_at + LONGEST_CALL,
        });
        let entries = &self.entries;
        self.elsewhere.retain(|call| entries.contains_key(call));
    }

    /// Returns whose leg it is, if it is a call's latest.
    pub fn call_of(&self, leg: LegId) -> Option<&CallSid> {
        self.legs.get(&leg)
    }

    /// Returns what is known of a call.
    pub fn entry(&self, call: &CallSid) -> Option<&Entry> {
        self.entries.get(call)
    }

    /// Returns all calls.
    pub fn entries(&self) -> impl Iterator<Item = (&CallSid, &Entry)> {
        self.entries.iter()
    }

    /// Returns the notes that make this book again.
    pub fn notes(&self) -> Vec<Note> {
        let mut notes = Vec::with_capacity(self.entries.len());
        for (call, entry) in &self.entries {
            notes.push(Note::Began {
                call: call.clone(),
                room: entry.room.clone(),
                connection: entry.connection_id.clone(),
                stream: entry.stream,
                at: entry.began_at,
            });
            match entry.state {
                State::Live => {}
                State::Lost(at) => notes.push(Note::Lost { call: call.clone(), at }),
                State::Over(at) => notes.push(Note::Over { call: call.clone(), at }),
            }
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid(text: &str) -> CallSid {
        CallSid::parse(text).unwrap()
    }

    fn entry(stream: u32, at: UnixMillis) -> Entry {
        Entry {
            room: "talk".to_owned(),
            connection_id: "C".to_owned(),
            stream,
            began_at: at,
            state: State::Live,
        }
    }

    #[test]
    fn a_call_that_gets_a_stream_again_says_how_long_it_had_none() {
        let mut book = CallBook::new(9);
        assert_eq!(book.began(LegId(1), &sid("CA1"), entry(1, 1000)).1, None);
        assert!(book.media_ended(LegId(1), 5000).is_some());
        assert_eq!(book.began(LegId(2), &sid("CA1"), entry(7, 8500)).1, Some(3500));
        // The older leg's last results come late, and are no news about the call.
        assert_eq!(book.leg_ended(LegId(1), LegExit::SocketClosed, 9000), None);
        assert_eq!(book.entry(&sid("CA1")).unwrap().state, State::Live);
        assert_eq!(book.began(LegId(3), &sid("CA1"), entry(8, 9500)).1, None, "one in the place of another");
        assert_eq!(book.leg_ended(LegId(2), LegExit::Replaced, 9600), None);
        assert_eq!(book.entry(&sid("CA1")).unwrap().state, State::Live);
    }

    #[test]
    fn a_call_that_comes_back_from_another_node_was_not_without_a_stream_all_the_time() {
        let mut book = CallBook::new(9);
        book.began(LegId(1), &sid("CA1"), entry(1, 1000));
        book.media_ended(LegId(1), 5000);
        book.seen_elsewhere(&sid("CA1"));
        assert_eq!(book.began(LegId(2), &sid("CA1"), entry(7, 90_000)).1, None);
        book.seen_elsewhere(&sid("CA1"));
        book.media_ended(LegId(2), 91_000);
        assert_eq!(book.began(LegId(3), &sid("CA1"), entry(8, 92_000)).1, Some(1000), "it was here");
    }

    #[test]
    fn only_a_call_that_said_goodbye_is_over() {
        for (exit, state) in [
            (LegExit::Hangup, State::Over(20)),
            (LegExit::CallCompleted, State::Over(20)),
            (LegExit::SocketClosed, State::Lost(10)),
            (LegExit::UpstreamFailed, State::Lost(10)),
            (LegExit::Shutdown, State::Lost(10)),
            (LegExit::MediaSilence, State::Lost(10)),
        ] {
            let mut book = CallBook::new(9);
            book.began(LegId(1), &sid("CA1"), entry(1, 1));
            book.media_ended(LegId(1), 10);
            book.leg_ended(LegId(1), exit, 20);
            assert_eq!(book.entry(&sid("CA1")).unwrap().state, state, "{exit:?}");
            assert_eq!(book.over(&sid("CA1"), 30).is_some(), state == State::Lost(10), "{exit:?}");
        }
        assert_eq!(CallBook::new(9).over(&sid("CA9"), 1), None);
    }

    #[test]
    fn notes_make_the_same_book_again_and_a_dead_life_lost_every_stream() {
        let mut book = CallBook::new(9);
        let mut notes = Vec::new();
        for (number, call) in [(1, "CA1"), (2, "CA2"), (3, "CA3")] {
            notes.extend(book.began(LegId(number), &sid(call), entry(1, number)).0);
        }
        notes.extend(book.media_ended(LegId(2), 40));
        notes.extend(book.leg_ended(LegId(3), LegExit::Hangup, 50));
        for notes in [notes, book.notes()] {
            let mut again = CallBook::new(9);
            for note in notes {
                let line = serde_json::to_string(&note).unwrap();
                again.replay(serde_json::from_str(&line).unwrap());
            }
            assert_eq!(again.entries, book.entries);
            again.life_ended(60, 100);
            let states = ["CA1", "CA2", "CA3"].map(|call| again.entry(&sid(call)).unwrap().state);
            assert_eq!(states, [State::Lost(60), State::Lost(40), State::Over(50)]);
        }
    }

    #[test]
    fn the_book_is_bounded_and_forgets() {
        let mut book = CallBook::new(2);
        book.began(LegId(1), &sid("CA1"), entry(1, 1));
        book.began(LegId(2), &sid("CA2"), entry(1, 1));
        assert_eq!(book.began(LegId(3), &sid("CA3"), entry(1, 2)), (None, None), "full");
        book.leg_ended(LegId(1), LegExit::Hangup, 10);
        assert!(book.began(LegId(4), &sid("CA4"), entry(1, 11 + OVER_KEPT)).0.is_some(), "room again");
        book.leg_ended(LegId(2), LegExit::SocketClosed, 20);
        book.forget_old(LONGEST_CALL + 2);
        assert!(book.entry(&sid("CA2")).is_none() && book.entry(&sid("CA4")).is_some());
    }
}
