//! What is missing, late or twice in one track (twilio-protocol.md, sections 4.8 and 7.3, rows 3 to 7).
//!
//! Counts by `chunk`, which runs per track; by `sequenceNumber` where there is no chunk. Cheap enough for
//! every frame: no allocation, a few comparisons.

use super::media::Media;

/// A message at most this many numbers back is late or a duplicate; further back, the count began anew.
const LATE_WINDOW: u64 = 8;

/// More missing messages than this (a minute) are no loss but another count.
const LARGEST_LOSS: u64 = 3000;

/// Steps of the time stamp may be off by this much: twice a frame, and Twilio's own jitter of 2 ms.
const TIME_TOLERANCE_MS: u64 = 60;

/// At most this much silence is put in place of what is missing, so that a wild stamp costs nothing.
const LONGEST_SILENCE_MS: u64 = 1000;

/// Bytes of mu-law in a millisecond.
const BYTES_PER_MS: u64 = 8;

/// What one message means to its track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The next one, on time.
    Continuous,
    /// Usable, but something before it is missing.
    Gap(Gap),
    /// Seen before: drop it.
    Duplicate,
    /// Comes after its successors, and the gap it left has been reported: drop it.
    Late,
    /// The count began anew or leapt too far to be a loss: usable, with nothing to fill in.
    Resynchronised,
}

impl Verdict {
    /// Tells whether the message's audio is to be used.
    pub fn is_usable(self) -> bool {
        !matches!(self, Self::Duplicate | Self::Late)
    }
}

/// Something is missing between two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Messages that did not come; 0 if only the time stamp jumped.
    pub missing: u64,
    /// How far the time stamp is off from where it should be; negative if it went back.
    pub jump_ms: i64,
    /// Silence that keeps the track aligned in time, at most a second.
    pub silence_ms: u32,
}

/// Follows one track of one stream.
#[derive(Debug, Clone, Default)]
pub struct Continuity {
    last: Option<Last>,
}

/// The newest message in order.
#[derive(Debug, Clone, Copy)]
struct Last {
    number: Option<Number>,
    /// Bit n tells whether the message n numbers before the last one has come.
    seen: u64,
    /// Where the next message should begin.
    next_ms: Option<u64>,
}

/// Follows the one count that all messages of a stream share, whatever their track.
#[derive(Debug, Clone, Default)]
pub struct Sequence {
    next: Option<u64>,
}

impl Sequence {
    /// Returns how many messages are missing before the one with this number; 0 when the count began anew.
    pub fn observe(&mut self, number: Option<u64>) -> u64 {
        let expected = std::mem::replace(&mut self.next, number.and_then(|number| number.checked_add(1)));
        match (expected, number) {
            (Some(expected), Some(number)) if number > expected && number - expected <= LARGEST_LOSS => {
                number - expected
            }
            _ => 0,
        }
    }

    /// Takes whatever number comes next: a message came whose number is not known.
    pub fn forget(&mut self) {
        self.next = None;
    }
}

/// A count, of one of two kinds that cannot be compared.
#[derive(Debug, Clone, Copy)]
enum Number {
    Chunk(u64),
    Sequence(u64),
}

impl Continuity {
    /// Returns a follower that takes the first message as it comes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what the next message received on this track means, and remembers it.
    pub fn observe(&mut self, media: &Media<'_>) -> Verdict {
        let number = match (media.chunk, media.sequence_number) {
            (Some(chunk), _) => Some(Number::Chunk(chunk)),
            (None, Some(sequence)) => Some(Number::Sequence(sequence)),
            (None, None) => None,
        };
        let length_ms = decoded_length(&media.payload) / BYTES_PER_MS;
        let next_ms = media.timestamp_ms.map(|begin| begin.saturating_add(length_ms));
        let Some(last) = self.last else {
            self.last = Some(Last { number, seen: 1, next_ms });
            return Verdict::Continuous;
        };
        let step = match (last.number, number) {
            (Some(Number::Chunk(old)), Some(Number::Chunk(new))) => Step::between(old, new, last.seen),
            (Some(Number::Sequence(old)), Some(Number::Sequence(new))) => Step::between(old, new, last.seen),
            _ => Step::Ahead(1),
        };
        match step {
            Step::Duplicate => Verdict::Duplicate,
            Step::Late(back) => {
                self.last = Some(Last { seen: last.seen | 1 << back, ..last });
                Verdict::Late
            }
            Step::Ahead(steps) => {
                let seen = last.seen.checked_shl(u32::try_from(steps).unwrap_or(u32::MAX)).unwrap_or(0) | 1;
                self.last = Some(Last { number, seen, next_ms });
                ahead(steps - 1, length_ms, last.next_ms, media.timestamp_ms)
            }
            Step::Elsewhere => {
                self.last = Some(Last { number, seen: 1, next_ms });
                Verdict::Resynchronised
            }
        }
    }
}

/// How one number follows another.
enum Step {
    Ahead(u64),
    Duplicate,
    Late(u64),
    Elsewhere,
}

impl Step {
    fn between(old: u64, new: u64, seen: u64) -> Self {
        if new > old {
            let steps = new - old;
            return if steps - 1 > LARGEST_LOSS { Self::Elsewhere } else { Self::Ahead(steps) };
        }
        match old - new {
            back if back > LATE_WINDOW => Self::Elsewhere,
            back if seen >> back & 1 == 1 => Self::Duplicate,
            back => Self::Late(back),
        }
    }
}

/// Judges a message that is the newest by number.
fn ahead(missing: u64, length_ms: u64, expected_ms: Option<u64>, timestamp_ms: Option<u64>) -> Verdict {
    let jump_ms = match (expected_ms, timestamp_ms) {
        (Some(expected), Some(actual)) => signed_difference(actual, expected),
        _ => i64::try_from(missing.saturating_mul(length_ms)).unwrap_or(i64::MAX),
    };
    if missing == 0 && jump_ms.unsigned_abs() <= TIME_TOLERANCE_MS {
        return Verdict::Continuous;
    }
    let silence_ms = u64::try_from(jump_ms).unwrap_or(0).min(LONGEST_SILENCE_MS) as u32;
    Verdict::Gap(Gap { missing, jump_ms, silence_ms })
}

fn signed_difference(actual: u64, expected: u64) -> i64 {
    let magnitude = i64::try_from(actual.abs_diff(expected)).unwrap_or(i64::MAX);
    if actual >= expected { magnitude } else { -magnitude }
}

/// Returns how many bytes a base64 text of this length stands for.
fn decoded_length(payload: &str) -> u64 {
    (payload.trim_end_matches('=').len() as u64).saturating_mul(3) / 4
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::twilio::media::Track;

    /// 160 bytes, 20 ms.
    fn frame(sequence_number: Option<u64>, chunk: Option<u64>, timestamp_ms: Option<u64>) -> Media<'static> {
        Media {
            track: Track::Inbound,
            sequence_number,
            chunk,
            timestamp_ms,
            stream_sid: None,
            payload: Cow::Owned(format!("{}/w==", "/".repeat(212))),
        }
    }

    /// The usual message: sequence is chunk + 1, the first stamp 155.
    fn nth(chunk: u64) -> Media<'static> {
        frame(Some(chunk + 1), Some(chunk), Some(155 + 20 * (chunk - 1)))
    }

    fn gap(missing: u64, jump_ms: i64, silence_ms: u32) -> Verdict {
        Verdict::Gap(Gap { missing, jump_ms, silence_ms })
    }

    fn verdicts(messages: impl IntoIterator<Item = Media<'static>>) -> Vec<Verdict> {
        let mut continuity = Continuity::new();
        messages.into_iter().map(|media| continuity.observe(&media)).collect()
    }

    #[test]
    fn a_good_stream_is_continuous_from_its_first_message_on() {
        assert!(verdicts((1..2000).map(nth)).iter().all(|verdict| *verdict == Verdict::Continuous));
        assert_eq!(verdicts([nth(700), nth(701)]), [Verdict::Continuous; 2]);
    }

    #[test]
    fn stamps_off_by_a_little_are_no_news() {
        let jittered = (1..200u64).map(|n| frame(None, Some(n), Some(155 + 20 * n - n * 7 % 5)));
        assert!(verdicts(jittered).iter().all(|verdict| *verdict == Verdict::Continuous));
    }

    #[test]
    fn missing_messages_are_counted_and_their_time_filled_up_to_a_second() {
        assert_eq!(verdicts([nth(1), nth(4)])[1], gap(2, 40, 40));
        assert_eq!(verdicts([nth(1), nth(102)])[1], gap(100, 2000, 1000));
        let unstamped = |n| frame(None, Some(n), None);
        assert_eq!(verdicts([unstamped(1), unstamped(4)])[1], gap(2, 40, 40));
    }

    #[test]
    fn a_late_message_and_a_duplicate_are_dropped_and_do_not_turn_the_clock_back() {
        assert_eq!(
            verdicts([nth(1), nth(3), nth(2), nth(2), nth(3), nth(4)]),
            [
                Verdict::Continuous,
                gap(1, 20, 20),
                Verdict::Late,
                Verdict::Duplicate,
                Verdict::Duplicate,
                Verdict::Continuous
            ]
        );
        assert!(!Verdict::Late.is_usable() && !Verdict::Duplicate.is_usable() && gap(1, 20, 20).is_usable());
    }

    #[test]
    fn a_restart_or_a_huge_leap_resynchronises_once() {
        assert_eq!(verdicts([nth(500), nth(1), nth(2)])[1..], [Verdict::Resynchronised, Verdict::Continuous]);
        assert_eq!(
            verdicts([nth(1), nth(4000), nth(4001)])[1..],
            [Verdict::Resynchronised, Verdict::Continuous]
        );
        let huge = |n| frame(None, Some(n), Some(n));
        assert_eq!(verdicts([huge(u64::MAX), huge(0), huge(u64::MAX)])[1..], [Verdict::Resynchronised; 2]);
    }

    #[test]
    fn a_jump_of_the_stamp_alone_is_a_gap_without_missing_messages() {
        let stamped = |n, at| frame(None, Some(n), Some(at));
        assert_eq!(
            verdicts([stamped(1, 100), stamped(2, 620), stamped(3, 640)])[1..],
            [gap(0, 500, 500), Verdict::Continuous]
        );
        assert_eq!(verdicts([stamped(1, 100), stamped(2, 7_200_120)])[1], gap(0, 7_200_000, 1000));
        assert_eq!(
            verdicts([stamped(1, 5000), stamped(2, 100), stamped(3, 120)])[1..],
            [gap(0, -4920, 0), Verdict::Continuous]
        );
    }

    #[test]
    fn without_chunks_the_sequence_counts_and_without_both_the_stamps_do() {
        let sequence = |n| frame(Some(n), None, Some(20 * n));
        assert_eq!(
            verdicts([sequence(2), sequence(3), sequence(5)])[1..],
            [Verdict::Continuous, gap(1, 20, 20)]
        );
        let stamps = |at| frame(None, None, Some(at));
        assert_eq!(
            verdicts([stamps(0), stamps(20), stamps(140)])[1..],
            [Verdict::Continuous, gap(0, 100, 100)]
        );
        let nothing = || frame(None, None, None);
        assert_eq!(verdicts([nothing(), nothing()]), [Verdict::Continuous; 2]);
    }

    #[test]
    fn other_events_between_frames_are_no_gap_when_chunks_tell_so() {
        assert_eq!(
            verdicts([frame(Some(2), Some(1), None), frame(Some(9), Some(2), None)]),
            [Verdict::Continuous; 2]
        );
    }

    #[test]
    fn frames_of_other_lengths_step_by_their_own_time() {
        let of = |n, at, bytes: usize| Media {
            payload: Cow::Owned("A".repeat(bytes * 4 / 3)),
            ..frame(None, Some(n), Some(at))
        };
        assert_eq!(verdicts([of(1, 0, 8001), of(2, 1000, 240), of(3, 1030, 0)]), [Verdict::Continuous; 3]);
    }

    proptest::proptest! {
        #[test]
        fn no_numbers_panic(numbers: Vec<(Option<u64>, Option<u64>, Option<u64>)>) {
            verdicts(numbers.into_iter().map(|(sequence, chunk, at)| frame(sequence, chunk, at)));
        }

        #[test]
        fn what_is_used_and_missed_adds_up(drops: Vec<bool>) {
            let kept: Vec<u64> = (1..).zip(&drops).filter(|(_, drop)| !**drop).map(|(n, _)| n).collect();
            let missing: u64 = verdicts(kept.iter().map(|n| nth(*n))).iter().map(|verdict| match verdict {
                Verdict::Gap(gap) => gap.missing,
                _ => 0,
            }).sum();
            let span = kept.last().map_or(0, |last| last - kept[0] + 1);
            assert_eq!(missing + kept.len() as u64, span);
        }
    }
}
