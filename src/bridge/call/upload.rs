//! A leg's audio on its way to the server: kept from the first frame until it is sent, bounded.

use bytes::{Buf, BytesMut};

/// Mu-law at 8000 Hz: eight bytes a millisecond.
pub const BYTES_PER_MS: usize = 8;

/// A backlog's memory is given back once it is sent; below this it is kept for the next frames.
const KEEP_CAPACITY: usize = 4 * 1024;

/// Audio that waits, oldest first.
///
/// When full, the oldest audio makes room and is counted: a caller is never held up, and what is lost is known.
#[derive(Debug)]
pub struct Upload {
    waiting: BytesMut,
    limit: usize,
    heard: u64,
    sent: u64,
    dropped: u64,
}

impl Upload {
    /// Returns an empty upload that holds at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { waiting: BytesMut::new(), limit, heard: 0, sent: 0, dropped: 0 }
    }

    /// Takes audio; returns how many bytes, the oldest, had to be dropped for it.
    pub fn push(&mut self, audio: &[u8]) -> usize {
        self.heard += audio.len() as u64;
        let kept = &audio[audio.len().saturating_sub(self.limit)..];
        let overflow = (self.waiting.len() + kept.len()).saturating_sub(self.limit);
        self.waiting.advance(overflow);
        self.waiting.extend_from_slice(kept);
        let dropped = overflow + (audio.len() - kept.len());
        self.dropped += dropped as u64;
        dropped
    }

    /// Returns the oldest audio, at most `most` bytes of it, without taking it.
    pub fn next(&self, most: usize) -> &[u8] {
        &self.waiting[..self.waiting.len().min(most)]
    }

    /// Takes the oldest `count` bytes off: they are with the socket now.
    pub fn mark_sent(&mut self, count: usize) {
        self.waiting.advance(count);
        self.sent += count as u64;
        if self.waiting.is_empty() && self.waiting.capacity() > KEEP_CAPACITY {
            self.waiting = BytesMut::new();
        }
    }

    /// Returns whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns how many bytes wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Returns how many bytes were ever taken.
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Returns how many bytes went to the socket.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns how many bytes were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_leaves_in_the_order_it_came() {
        let mut upload = Upload::new(100);
        upload.push(b"abc");
        upload.push(b"def");
        assert_eq!(upload.next(4), b"abcd");
        upload.mark_sent(4);
        upload.push(b"ghi");
        assert_eq!(upload.next(100), b"efghi");
        upload.mark_sent(5);
        assert!(upload.is_empty());
        assert_eq!((upload.heard(), upload.sent(), upload.dropped()), (9, 9, 0));
    }

    #[test]
    fn a_full_upload_drops_the_oldest_and_says_how_much() {
        let mut upload = Upload::new(4);
        assert_eq!(upload.push(b"abc"), 0);
        assert_eq!(upload.push(b"def"), 2);
        assert_eq!(upload.next(9), b"cdef");
        assert_eq!(upload.push(b"0123456789"), 10);
        assert_eq!(upload.next(9), b"6789");
        assert_eq!((upload.heard(), upload.waiting() as u64 + upload.dropped()), (16, 16));
    }
}
