//! Refuses a frame by its header.
//!
//! actix-http's codec looks at a frame's size only when all of it has come, and keeps what comes until then: a peer that
//! promises a gigabyte would be given one. This reads the headers as the bytes pass and ends the stream at the
//! first frame that promises more than the limit.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};

/// Whether a guarded stream ended because of its peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Breach(Rc<Cell<bool>>);

impl Breach {
    pub(super) fn happened(&self) -> bool {
        self.0.get()
    }
}

/// Returns the stream, bounded, and the mark it leaves when a frame was too large.
pub(super) fn guard(
    payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    limit: usize,
) -> (impl Stream<Item = Result<Bytes, PayloadError>> + Unpin, Breach) {
    let breach = Breach::default();
    let guarded = Guarded { payload, frames: Frames::new(limit as u64), breach: breach.clone() };
    (guarded, breach)
}

struct Guarded<S> {
    payload: S,
    frames: Frames,
    breach: Breach,
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for Guarded<S> {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.breach.happened() {
            return Poll::Ready(None);
        }
        let next = self.payload.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next
            && !self.frames.pass(bytes)
        {
            self.breach.0.set(true);
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        match next {
            // A connection that broke ends the stream as one that was closed does. Told of an error, actix-web-actors would
            // forget the frames that it has not handed over yet: the last that a caller said.
            Poll::Ready(Some(Err(_))) => Poll::Ready(None),
            next => next,
        }
    }
}

/// Follows frames through a stream of bytes, cut anywhere.
#[derive(Debug)]
pub struct Frames {
    limit: u64,
    /// What still belongs to the frame whose header has passed.
    remaining: u64,
    /// The header that is passing; none is longer than 14 bytes.
    header: [u8; 14],
    held: usize,
}

impl Frames {
    /// Returns a guard that no frame has passed yet; none of more than `limit` bytes will.
    pub fn new(limit: u64) -> Self {
        Self { limit, remaining: 0, header: [0; 14], held: 0 }
    }

    /// Lets bytes pass; returns false at a frame over the limit.
    pub fn pass(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.remaining > 0 {
                let skipped = bytes.len().min(usize::try_from(self.remaining).unwrap_or(usize::MAX));
                self.remaining -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.header[self.held] = bytes[0];
            self.held += 1;
            bytes = &bytes[1..];
            if let Some(length) = self.length() {
                if length > self.limit {
                    return false;
                }
                self.remaining = length;
                self.held = 0;
            }
        }
        true
    }

    /// Returns the payload's length once the header is whole (RFC 6455, section 5.2).
    fn length(&self) -> Option<u64> {
        let header = &self.header[..self.held];
        let [_, second, rest @ ..] = header else { return None };
        let size_bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
        if rest.len() < size_bytes + mask_bytes {
            return None;
        }
        if size_bytes == 0 {
            return Some(u64::from(second & 0x7f));
        }
        Some(rest[..size_bytes].iter().fold(0, |length, byte| (length << 8) | u64::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, stream};

    use super::*;

    /// A masked frame of `length` bytes.
    fn frame(length: usize) -> Vec<u8> {
        let mut frame = vec![0x81];
        match length {
            0..126 => frame.push(0x80 | length as u8),
            126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.extend(vec![0; length]);
        frame
    }

    #[test]
    fn frames_within_the_limit_pass_however_they_are_cut() {
        let bytes: Vec<u8> = [0, 1, 125, 126, 400, 65_535, 65_536].into_iter().flat_map(frame).collect();
        for cut in [1, 2, 3, 7, 1000, bytes.len()] {
            let mut frames = Frames::new(65_536);
            assert!(bytes.chunks(cut).all(|piece| frames.pass(piece)), "pieces of {cut}");
        }
    }

    #[test]
    fn what_came_before_a_connection_broke_is_handed_over_without_an_error() {
        let broken = stream::iter([
            Ok(Bytes::from(frame(10))),
            Ok(Bytes::from(frame(400))),
            Err(PayloadError::Incomplete(None)),
        ]);
        let (guarded, breach) = guard(broken, 1000);
        let passed: Vec<_> = guarded.collect::<Vec<_>>().now_or_never().unwrap_or_default();
        assert!(passed.len() == 2 && passed.iter().all(Result::is_ok), "{passed:?}");
        assert!(!breach.happened());
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_at_its_header() {
        assert!(!Frames::new(100).pass(&frame(101)[..10]));
        assert!(!Frames::new(65_536).pass(&[0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]));
        assert!(!Frames::new(65_536).pass(&[0x81, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]));
    }
}
