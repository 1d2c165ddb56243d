//! What is being judged, in the order in which it was said. Pure.
//!
//! Answers may come in any order or not at all; what leaves, leaves in order.

use std::collections::VecDeque;

use super::live::Voice;
use super::saying::Sentence;
use super::transcript::Anchor;
use crate::engine::analysis::Answer;

/// Numbers the tasks of one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskNumber(u64);

/// What was handed over to be judged.
#[derive(Debug)]
pub(super) enum Handed {
    Sentences(Vec<Draft>),
    Topics,
}

/// A sentence on its way to become a message.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) id: String,
    pub(super) sentence: Sentence,
    pub(super) anchor: Anchor,
    pub(super) voice: Voice,
    pub(super) timezone_offset: i64,
}

#[derive(Debug, Default)]
pub(super) struct Pending {
    queue: VecDeque<Slot>,
    next: u64,
}

#[derive(Debug)]
struct Slot {
    number: TaskNumber,
    handed: Handed,
    answer: Option<Answer>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn push(&mut self, handed: Handed) -> TaskNumber {
        let number = TaskNumber(self.next);
        self.next += 1;
        self.queue.push_back(Slot { number, handed, answer: None });
        number
    }

    /// An answer came; one that nobody waits for any more is dropped.
    pub(super) fn answered(&mut self, number: TaskNumber, answer: Answer) {
        if let Some(slot) = self.queue.iter_mut().find(|slot| slot.number == number) {
            slot.answer = Some(answer);
        }
    }

    /// Returns the oldest, if it has its answer.
    pub(super) fn next_answered(&mut self) -> Option<(Handed, Answer)> {
        let slot = self.queue.pop_front_if(|slot| slot.answer.is_some())?;
        Some((slot.handed, slot.answer.unwrap_or(Answer::Nothing)))
    }

    /// Waits no longer: whatever has no answer goes without.
    pub(super) fn give_up(&mut self) {
        for slot in &mut self.queue {
            slot.answer.get_or_insert(Answer::Nothing);
        }
    }
}
