//! What waits to be sent on one socket: bounded, and never in the way of another socket.
//!
//! A socket actor of actix-web-actors freezes while its peer does not read: nothing polls it, so its mailbox fills
//! and its timers stand still. So what a socket shall send does not go through its mailbox. It waits here, where
//! any thread can put it and where the bound is kept, and the mailbox carries only [`Flush`], at most one at a
//! time. When the bound is reached, droppable frames go first, oldest first; when that does not help, everything goes and
//! what remains is a close frame.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::{Message, Recipient};
use bytestring::ByteString;

use super::CloseCode;
use super::socket_handle::SocketHandle;

/// Bounds of one outbox.
#[derive(Debug, Clone, Copy)]
pub struct OutboxLimits {
    /// Most frames that wait.
    pub frames: usize,
    /// Most bytes that wait.
    pub bytes: usize,
}

/// A frame that waits.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// A text message.
    Text(ByteString),
    /// A close frame, after the peer had `grace` to close by itself. Always the last.
    Close {
        /// The code.
        code: CloseCode,
        /// A few words for the peer's log.
        why: &'static str,
        /// How long to wait for the peer's own close.
        grace: Duration,
    },
}

/// What a text is worth when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It is superseded soon; losing it costs nothing.
    Droppable,
    /// The peer must see it, or be told that it is too slow.
    Needed,
}

/// How a text got into the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It waits, and so many droppable ones made room for it (or it was itself dropped).
    Kept {
        /// Droppable frames lost.
        dropped: usize,
    },
    /// There was no room: the socket is being closed.
    Overflowed,
    /// The socket is already being closed; nothing is sent any more.
    Closing,
}

/// Tells a socket actor to send what waits in its outbox.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Flush;

/// The queue itself, without lock and wake-up.
#[derive(Debug)]
struct Queue {
    limits: OutboxLimits,
    waiting: VecDeque<(Frame, Worth)>,
    bytes: usize,
    is_closing: bool,
    is_woken: bool,
}

impl Queue {
    fn push(&mut self, text: ByteString, worth: Worth) -> Pushed {
        if self.is_closing {
            return Pushed::Closing;
        }
        self.bytes += text.len();
        self.waiting.push_back((Frame::Text(text), worth));
        let mut dropped = 0;
        while self.waiting.len() > self.limits.frames || self.bytes > self.limits.bytes {
            let droppable = self.waiting.iter().position(|(_, worth)| *worth == Worth::Droppable);
            let Some((Frame::Text(lost), _)) = droppable.and_then(|at| self.waiting.remove(at)) else {
                self.close(CloseCode::Policy, "too slow", Duration::ZERO, true);
                return Pushed::Overflowed;
            };
            self.bytes -= lost.len();
            dropped += 1;
        }
        Pushed::Kept { dropped }
    }

    fn close(&mut self, code: CloseCode, why: &'static str, grace: Duration, forget_waiting: bool) {
        if self.is_closing {
            return;
        }
        if forget_waiting {
            self.waiting.clear();
            self.bytes = 0;
        }
        self.is_closing = true;
        self.waiting.push_back((Frame::Close { code, why, grace }, Worth::Needed));
    }
}

/// A handle to one socket's outbox, for the socket and for everybody who sends to it.
#[derive(Clone)]
pub struct Outbox {
    queue: Arc<Mutex<Queue>>,
    wake: Recipient<Flush>,
    socket: Option<SocketHandle>,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbox")
    }
}

impl Outbox {
    /// Returns an empty outbox whose actor is woken through `wake`.
    pub fn new(limits: OutboxLimits, wake: Recipient<Flush>, socket: Option<SocketHandle>) -> Self {
        let queue = Queue { limits, waiting: VecDeque::new(), bytes: 0, is_closing: false, is_woken: false };
        Self { queue: Arc::new(Mutex::new(queue)), wake, socket }
    }

    /// Puts a text message at the end.
    pub fn text(&self, text: impl Into<ByteString>, worth: Worth) -> Pushed {
        self.change(|queue| queue.push(text.into(), worth))
    }

    /// Puts a close frame at the end; whatever comes after it is not sent.
    pub fn close(&self, code: CloseCode, why: &'static str, grace: Duration) {
        self.change(|queue| queue.close(code, why, grace, false));
    }

    /// Takes everything that waits; only the socket's actor calls this.
    pub fn take(&self) -> Vec<Frame> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.is_woken = false;
        queue.bytes = 0;
        queue.waiting.drain(..).map(|(frame, _)| frame).collect()
    }

    /// Cuts the connection without a word: a peer that does not read cannot be told anything.
    pub fn cut(&self) {
        if let Some(socket) = &self.socket {
            socket.cut();
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let (result, must_wake) = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let result = change(&mut queue);
            (result, !std::mem::replace(&mut queue.is_woken, true))
        };
        // At most one wake-up waits in the mailbox. If even that has no room the actor has other messages, each of
        // which flushes; if the actor is gone, so is its socket.
        if must_wake && self.wake.try_send(Flush).is_err() {
            self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_woken = false;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(frames: usize, bytes: usize) -> Queue {
        Queue {
            limits: OutboxLimits { frames, bytes },
            waiting: VecDeque::new(),
            bytes: 0,
            is_closing: false,
            is_woken: false,
        }
    }

    fn texts(queue: &Queue) -> Vec<&str> {
        queue
            .waiting
            .iter()
            .filter_map(|(frame, _)| match frame {
                Frame::Text(text) => Some(&**text),
                Frame::Close { .. } => None,
            })
            .collect()
    }

    #[test]
    fn droppable_frames_make_room_oldest_first() {
        let mut queue = queue(3, 100);
        for (text, worth) in [("i1", Worth::Droppable), ("f1", Worth::Needed), ("i2", Worth::Droppable)] {
            assert_eq!(queue.push(text.into(), worth), Pushed::Kept { dropped: 0 });
        }
        assert_eq!(queue.push("f2".into(), Worth::Needed), Pushed::Kept { dropped: 1 });
        assert_eq!(texts(&queue), ["f1", "i2", "f2"]);
        assert_eq!(queue.push("f3".into(), Worth::Needed), Pushed::Kept { dropped: 1 });
        assert_eq!(queue.push("i3".into(), Worth::Droppable), Pushed::Kept { dropped: 1 });
        assert_eq!(texts(&queue), ["f1", "f2", "f3"]);
    }

    #[test]
    fn without_room_the_socket_is_closed_and_nothing_else_is_kept() {
        for mut queue in [queue(2, 100), queue(100, 5)] {
            queue.push("aa".into(), Worth::Needed);
            queue.push("bb".into(), Worth::Needed);
            assert_eq!(queue.push("cc".into(), Worth::Needed), Pushed::Overflowed);
            assert_eq!(queue.push("dd".into(), Worth::Needed), Pushed::Closing);
            assert!(texts(&queue).is_empty());
            assert!(matches!(queue.waiting[0].0, Frame::Close { code: CloseCode::Policy, .. }));
            assert_eq!(queue.waiting.len(), 1);
        }
    }

    #[test]
    fn a_close_is_the_last_frame_and_keeps_what_waits_before_it() {
        let mut queue = queue(4, 100);
        queue.push("a".into(), Worth::Needed);
        queue.close(CloseCode::Normal, "done", Duration::ZERO, false);
        assert_eq!(queue.push("b".into(), Worth::Needed), Pushed::Closing);
        queue.close(CloseCode::Error, "again", Duration::ZERO, false);
        assert_eq!(texts(&queue), ["a"]);
        assert_eq!(queue.waiting.len(), 2);
    }
}
