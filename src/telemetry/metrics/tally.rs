//! Counts pieces and their bytes on the audio path, where each one is an addition to a number of its own.

use prometheus_client::metrics::counter::Counter;

/// Pieces after which the sums are passed on: a second of a call.
const PASS_ON_AFTER: u64 = 50;

/// One leg's count of pieces and bytes. What was not passed on is when it is dropped, so nothing is lost to a panic.
#[derive(Debug)]
pub struct Tally {
    pieces: u64,
    bytes: u64,
    all_pieces: Counter,
    all_bytes: Counter,
}

impl Tally {
    /// Returns a tally that passes on to these.
    pub(super) fn new(all_pieces: &Counter, all_bytes: &Counter) -> Self {
        Self { pieces: 0, bytes: 0, all_pieces: all_pieces.clone(), all_bytes: all_bytes.clone() }
    }

    /// Counts a piece of so many bytes.
    pub fn add(&mut self, bytes: usize) {
        self.pieces += 1;
        self.bytes += bytes as u64;
        if self.pieces >= PASS_ON_AFTER {
            self.pass_on();
        }
    }

    fn pass_on(&mut self) {
        self.all_pieces.inc_by(std::mem::take(&mut self.pieces));
        self.all_bytes.inc_by(std::mem::take(&mut self.bytes));
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.pass_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_passed_on_once_a_second_and_at_the_end() {
        let (pieces, bytes) = (Counter::default(), Counter::default());
        let mut tally = Tally::new(&pieces, &bytes);
        for _ in 0..PASS_ON_AFTER - 1 {
            tally.add(160);
        }
        assert_eq!((pieces.get(), bytes.get()), (0, 0));
        tally.add(160);
        assert_eq!((pieces.get(), bytes.get()), (50, 8000));
        tally.add(80);
        drop(tally);
        assert_eq!((pieces.get(), bytes.get()), (51, 8080));
    }
}
