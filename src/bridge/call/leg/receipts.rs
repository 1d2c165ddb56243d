//! When the server is asked how much audio it has, and when its silence means that it is gone.
//!
//! A WebSocket ping carries the position that the audio has reached. The pong, which repeats it, comes from behind that
//! audio: the server has read it all. A connection that swallows audio without a word (a frozen process, a middlebox that
//! forgot it) shows itself by the answer that never comes.

use super::Millis;

/// A ping follows the audio at most this often.
pub(super) const PING_EVERY: Millis = 1_000;

/// The questions on one connection. At rest one is under way, at most one a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipts {
    asked_at: Millis,
    asked: u64,
    /// Since when an answer is owed, or audio stuck.
    owed_since: Option<Millis>,
}

impl Receipts {
    /// Returns receipts of a connection that begins at position `sent`.
    pub(super) fn new(now: Millis, sent: u64) -> Self {
        Self { asked_at: now, asked: sent, owed_since: None }
    }

    /// Returns the position to ask about now, if it is time; `is_last`: nothing more will be sent.
    pub(super) fn ask(&mut self, now: Millis, sent: u64, is_last: bool) -> Option<u64> {
        let is_due = sent > self.asked && (is_last || now >= self.asked_at + PING_EVERY);
        is_due.then(|| {
            (self.asked_at, self.asked) = (now, sent);
            self.owed_since.get_or_insert(now);
            sent
        })
    }

    /// Takes an answer that was news: the server lives, and owes less.
    pub(super) fn answered(&mut self, now: Millis, position: u64) {
        self.owed_since = (position < self.asked).then_some(now);
    }

    /// Notes, now and then, whether there is audio that the server does not have.
    ///
    /// A socket that takes nothing more takes no ping either: then nobody is ever asked, and nobody owes an answer.
    pub(super) fn check(&mut self, now: Millis, is_behind: bool) {
        self.owed_since = is_behind.then(|| self.owed_since.unwrap_or(now));
    }

    /// Returns whether an answer has been owed, or audio stuck, for as long as `limit`.
    pub(super) fn is_overdue(&self, now: Millis, limit: Millis) -> bool {
        self.owed_since.is_some_and(|since| now >= since + limit)
    }
}
