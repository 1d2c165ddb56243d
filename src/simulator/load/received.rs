//! What came out at the far end, frame by frame: missing, twice, out of order, damaged, late.

use std::ops::Range;

use super::frame::{self, FRAME_BYTES, Stamp};
use super::histogram::Histogram;

/// Everything that the sink heard in one step.
#[derive(Debug)]
pub(super) struct Received {
    run: u32,
    legs: Vec<Heard>,
    /// Frames due within are measured; nanoseconds since the run began.
    window: Range<u64>,
    /// From when a frame was due to when it was read; what a generator that comes late would hide otherwise.
    pub(super) since_due: Histogram,
    /// From when it was written to when it was read.
    pub(super) since_sent: Histogram,
    pub(super) duplicates: u64,
    pub(super) out_of_order: u64,
    pub(super) damaged: u64,
}

/// What was heard of one leg.
#[derive(Debug, Clone, Default)]
struct Heard {
    /// A bit for each frame's number.
    seen: Vec<u64>,
    distinct: u64,
    highest: u64,
    first_ns: Option<u64>,
}

impl Received {
    /// Returns a record of nothing yet; `run` tells its frames from those of others.
    pub(super) fn new(run: u32, legs: usize) -> Self {
        Self {
            run,
            legs: vec![Heard::default(); legs],
            window: 0..0,
            since_due: Histogram::default(),
            since_sent: Histogram::default(),
            duplicates: 0,
            out_of_order: 0,
            damaged: 0,
        }
    }

    /// Measures frames that are due within `window`.
    pub(super) fn measure(&mut self, window: Range<u64>) {
        self.window = window;
    }

    /// Takes audio; `rest` holds what is left of the last piece of this connection, less than a frame.
    pub(super) fn hear(&mut self, rest: &mut Vec<u8>, mut audio: &[u8], now_ns: u64) {
        if !rest.is_empty() {
            let missing = (FRAME_BYTES - rest.len()).min(audio.len());
            rest.extend_from_slice(&audio[..missing]);
            audio = &audio[missing..];
            if rest.len() < FRAME_BYTES {
                return;
            }
            self.frame(rest, now_ns);
            rest.clear();
        }
        let (frames, left) = audio.as_chunks::<FRAME_BYTES>();
        for frame in frames {
            self.frame(frame, now_ns);
        }
        rest.extend_from_slice(left);
    }

    fn frame(&mut self, audio: &[u8], now_ns: u64) {
        let known = frame::read(self.run, audio).filter(|stamp| (stamp.leg as usize) < self.legs.len());
        let Some(Stamp { leg, number, due_ns, sent_ns }) = known else {
            self.damaged += 1;
            return;
        };
        let heard = &mut self.legs[leg as usize];
        let (word, bit) = ((number / 64) as usize, 1_u64 << (number % 64));
        if heard.seen.len() <= word {
            heard.seen.resize(word + 1, 0);
        }
        if heard.seen[word] & bit != 0 {
            self.duplicates += 1;
            return;
        }
        heard.seen[word] |= bit;
        heard.distinct += 1;
        heard.first_ns.get_or_insert(now_ns);
        if number < heard.highest {
            self.out_of_order += 1;
        }
        heard.highest = heard.highest.max(number);
        if self.window.contains(&due_ns) {
            self.since_due.record(now_ns.saturating_sub(due_ns));
            self.since_sent.record(now_ns.saturating_sub(sent_ns));
        }
    }

    /// Returns how many different frames of a leg came.
    pub(super) fn distinct(&self, leg: usize) -> u64 {
        self.legs.get(leg).map_or(0, |heard| heard.distinct)
    }

    /// Returns how many different frames came.
    pub(super) fn all(&self) -> u64 {
        self.legs.iter().map(|heard| heard.distinct).sum()
    }

    /// Returns when the first frame of a leg came, in nanoseconds since the run began.
    pub(super) fn first_ns(&self, leg: usize) -> Option<u64> {
        self.legs.get(leg).and_then(|heard| heard.first_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(leg: u32, number: u64) -> [u8; FRAME_BYTES] {
        frame::audio(7, Stamp { leg, number, due_ns: 1000 * number, sent_ns: 1000 * number + 100 })
    }

    #[test]
    fn frames_are_found_however_they_are_joined_and_split() {
        let said: Vec<u8> = (0..10).flat_map(|number| frame(1, number)).collect();
        for piece in [1, 7, 159, 160, 161, 500, 1600] {
            let (mut received, mut rest) = (Received::new(7, 2), Vec::new());
            for part in said.chunks(piece) {
                received.hear(&mut rest, part, 9);
            }
            assert_eq!((received.distinct(1), received.damaged, rest.len()), (10, 0, 0), "pieces of {piece}");
            assert_eq!(
                (received.distinct(0), received.first_ns(0), received.first_ns(1)),
                (0, None, Some(9))
            );
        }
    }

    #[test]
    fn what_is_twice_late_damaged_or_unknown_is_counted_apart() {
        let (mut received, mut rest) = (Received::new(7, 1), Vec::new());
        received.measure(1000..4000);
        let mut damaged = frame(0, 5);
        damaged[100] ^= 1;
        for audio in [frame(0, 0), frame(0, 2), frame(0, 2), frame(0, 1), frame(1, 0), damaged, frame(0, 9)] {
            received.hear(&mut rest, &audio, 5000);
        }
        let Received { duplicates, out_of_order, damaged, .. } = received;
        assert_eq!((received.all(), duplicates, out_of_order, damaged), (4, 1, 1, 2));
        // Frames 2 and 1 were due within the window.
        assert_eq!((received.since_due.len(), received.since_due.largest()), (2, 4000));
        assert_eq!(received.since_sent.largest(), 3900);
    }
}
