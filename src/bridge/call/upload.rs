//! A leg's audio on its way to the server: kept from the first frame until the server has it, bounded.
//!
//! Positions count the caller's bytes from the leg's first; bytes that were dropped before any socket had them are not
//! counted, for the server they never were. What is kept lies between two positions:
//!
//! ```text
//!   0 ···· acknowledged ···· start ─────────── sent ─────────── end
//!               kept no longer │ on its way: the │ waits for
//!               (when full)    │ socket has it   │ the socket
//! ```
//!
//! [`Upload::push`] moves `end`, [`Upload::mark_sent`] moves `sent`, [`Upload::acknowledge`] moves `acknowledged` and
//! `start`. When a connection is lost, [`Upload::rewind`] moves `sent` back to `start`: the next connection gets all that
//! this one may not have delivered.

use bytes::{Buf, BytesMut};

/// Mu-law at 8000 Hz: eight bytes a millisecond.
pub const BYTES_PER_MS: usize = 8;

/// A backlog's memory is given back once the server has it; below this it is kept for the next frames.
const KEEP_CAPACITY: usize = 32 * 1024;

/// Audio that the server is not known to have, oldest first.
///
/// When full, the oldest makes room: a caller is never held up. What no socket has had is counted as dropped at once;
/// what one had only if that connection is lost before the server said that it has it.
#[derive(Debug)]
pub struct Upload {
    kept: BytesMut,
    limit: usize,
    acknowledged: u64,
    start: u64,
    sent: u64,
    heard: u64,
    furthest_sent: u64,
    dropped: u64,
    most_behind: u64,
}

impl Upload {
    /// Returns an empty upload that keeps at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            kept: BytesMut::new(),
            limit,
            acknowledged: 0,
            start: 0,
            sent: 0,
            heard: 0,
            furthest_sent: 0,
            dropped: 0,
            most_behind: 0,
        }
    }

    /// Takes audio; returns how many bytes, the oldest that waited, had to be dropped for it.
    pub fn push(&mut self, audio: &[u8]) -> u64 {
        self.heard += audio.len() as u64;
        let tail = &audio[audio.len().saturating_sub(self.limit)..];
        let overflow = (self.kept.len() + tail.len()).saturating_sub(self.limit);
        let on_its_way = (overflow as u64).min(self.sent - self.start);
        self.start += on_its_way;
        self.kept.advance(overflow);
        self.kept.extend_from_slice(tail);
        let dropped = overflow as u64 - on_its_way + (audio.len() - tail.len()) as u64;
        self.dropped += dropped;
        self.most_behind = self.most_behind.max(self.behind());
        dropped
    }

    /// Returns the oldest audio that waits, at most `most` bytes of it, without taking it.
    pub fn next(&self, most: usize) -> &[u8] {
        let waiting = &self.kept[self.kept.len() - self.waiting()..];
        &waiting[..waiting.len().min(most)]
    }

    /// Notes that the socket took the oldest `count` bytes that waited.
    pub fn mark_sent(&mut self, count: usize) {
        debug_assert!(count <= self.waiting(), "more than waited");
        self.sent += count as u64;
        self.furthest_sent = self.furthest_sent.max(self.sent);
    }

    /// Takes the server's word that it has all before `position`; returns whether that is news.
    ///
    /// A position beyond what was sent is no word of an honest server, and changes nothing.
    pub fn acknowledge(&mut self, position: u64) -> bool {
        if position <= self.acknowledged || position > self.sent {
            return false;
        }
        self.acknowledged = position;
        let done = position.saturating_sub(self.start);
        self.start += done;
        // At most `sent - start`, which is kept.
        self.kept.advance(usize::try_from(done).unwrap_or(usize::MAX));
        if self.kept.is_empty() && self.kept.capacity() > KEEP_CAPACITY {
            self.kept = BytesMut::new();
        }
        true
    }

    /// Makes all that the server is not known to have wait again, for another connection.
    ///
    /// Returns how many bytes are dropped by that: the lost connection had them, and they are kept no longer.
    pub fn rewind(&mut self) -> u64 {
        let lost = self.start - self.acknowledged;
        self.dropped += lost;
        self.acknowledged = self.start;
        self.sent = self.start;
        lost
    }

    /// Returns whether nothing waits for a socket.
    pub fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Returns how many bytes wait for a socket.
    pub fn waiting(&self) -> usize {
        self.kept.len() - usize::try_from(self.sent - self.start).unwrap_or(usize::MAX)
    }

    /// Returns how many bytes are kept, at most the limit.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Returns how many bytes the server is not known to have.
    pub fn behind(&self) -> u64 {
        self.start + self.kept.len() as u64 - self.acknowledged
    }

    /// Returns the largest number of bytes that the server was ever not known to have.
    pub fn most_behind(&self) -> u64 {
        self.most_behind
    }

    /// Returns the position up to which the present connection has the audio.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns how many bytes were ever taken.
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Returns how many bytes some connection had; those sent again count once.
    pub fn furthest_sent(&self) -> u64 {
        self.furthest_sent
    }

    /// Returns how many bytes were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `count` bytes; returns them.
    fn send(upload: &mut Upload, count: usize) -> Vec<u8> {
        let sent = upload.next(count).to_vec();
        upload.mark_sent(sent.len());
        sent
    }

    #[test]
    fn audio_leaves_in_the_order_it_came() {
        let mut upload = Upload::new(100);
        upload.push(b"abc");
        upload.push(b"def");
        assert_eq!(send(&mut upload, 4), b"abcd");
        upload.push(b"ghi");
        assert_eq!(send(&mut upload, 100), b"efghi");
        assert!(upload.is_empty());
        assert_eq!((upload.heard(), upload.sent(), upload.dropped(), upload.behind()), (9, 9, 0, 9));
    }

    #[test]
    fn a_lost_connection_has_what_was_not_acknowledged_sent_again() {
        let mut upload = Upload::new(100);
        upload.push(b"abcdef");
        send(&mut upload, 4);
        assert!(upload.acknowledge(2));
        assert!(!upload.acknowledge(2), "told before");
        assert!(!upload.acknowledge(5), "never sent");
        assert_eq!(upload.rewind(), 0);
        upload.push(b"gh");
        assert_eq!(send(&mut upload, 100), b"cdefgh");
        assert!(upload.acknowledge(8));
        assert_eq!((upload.behind(), upload.kept(), upload.furthest_sent()), (0, 0, 8));
        assert_eq!((upload.rewind(), upload.dropped(), upload.most_behind()), (0, 0, 6));
    }

    #[test]
    fn a_full_upload_drops_the_oldest_that_waits_and_says_how_much() {
        let mut upload = Upload::new(4);
        assert_eq!(upload.push(b"abc"), 0);
        assert_eq!(upload.push(b"def"), 2);
        assert_eq!(upload.next(9), b"cdef");
        assert_eq!(upload.push(b"0123456789"), 10);
        assert_eq!(upload.next(9), b"6789");
        assert_eq!((upload.heard(), upload.waiting() as u64 + upload.dropped()), (16, 16));
    }

    #[test]
    fn what_a_socket_had_is_lost_only_with_its_connection() {
        for is_acknowledged in [true, false] {
            let mut upload = Upload::new(4);
            upload.push(b"abcd");
            send(&mut upload, 3);
            assert_eq!(upload.push(b"ef"), 0, "a and b are on their way");
            assert_eq!(upload.push(b"ghij"), 3, "d, e and f never left");
            assert_eq!(upload.next(9), b"ghij");
            send(&mut upload, 1);
            assert!(upload.acknowledge(4));
            send(&mut upload, 3);
            // abc g hij: seven bytes in all.
            if is_acknowledged {
                assert!(upload.acknowledge(7));
            }
            upload.push(b"kl");
            let lost = upload.rewind();
            assert_eq!((lost, upload.dropped()), if is_acknowledged { (0, 3) } else { (1, 4) });
        }
    }
}
