//! What happened, counted since the start; the caller turns it into metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// A leg's socket opened.
    LegOpened,
    /// A subscriber's socket opened.
    SubscriberOpened,
    /// A conversation began.
    ConversationBegan,
    /// A final result was sent out.
    FinalResult,
    /// A handshake without a valid token.
    RefusedToken,
    /// A handshake beyond a limit on sockets.
    RefusedFull,
    /// A leg beyond the recogniser's capacity.
    RefusedCapacity,
    /// A handshake while the engine goes down.
    RefusedDraining,
    /// Wrong credentials at the token endpoint.
    RefusedCredentials,
    /// An interim result that a slow receiver had no room for.
    InterimDropped,
    /// A receiver that was closed for slowness.
    SlowClosed,
    /// A sentence that was sent without insights, because too many were waiting to be judged.
    SentenceUnjudged,
    /// A question that the language model answered.
    LlmAnswered,
    /// A question to the language model for which there was no room.
    LlmDropped,
    /// A question that the language model did not answer, or not as asked.
    LlmFailed,
}

impl Count {
    /// All counts, in the order of the enum.
    pub const ALL: [Self; 15] = [
        Self::LegOpened,
        Self::SubscriberOpened,
        Self::ConversationBegan,
        Self::FinalResult,
        Self::RefusedToken,
        Self::RefusedFull,
        Self::RefusedCapacity,
        Self::RefusedDraining,
        Self::RefusedCredentials,
        Self::InterimDropped,
        Self::SlowClosed,
        Self::SentenceUnjudged,
        Self::LlmAnswered,
        Self::LlmDropped,
        Self::LlmFailed,
    ];
}

/// All counts of one engine.
#[derive(Debug, Default)]
pub struct Counters([AtomicU64; Count::ALL.len()]);

impl Counters {
    /// Counts one more.
    pub fn add(&self, count: Count) {
        self.add_many(count, 1);
    }

    /// Counts so many more.
    pub fn add_many(&self, count: Count, more: u64) {
        self.0[count as usize].fetch_add(more, Ordering::Relaxed);
    }

    /// Returns how many there were.
    pub fn get(&self, count: Count) -> u64 {
        self.0[count as usize].load(Ordering::Relaxed)
    }
}
