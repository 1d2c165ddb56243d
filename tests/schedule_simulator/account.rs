//! The caller's audio as it must arrive. Every sample says its own number, so that what the server has can be compared
//! with what was said, whatever way it came.

use super::{Outcome, ensure};

/// Bytes of a sample: its number, little-endian.
pub const SAMPLE: usize = 2;

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    /// Dropped and reported before any socket had it.
    NeverSent,
    /// Dropped and reported because a lost connection had it.
    LostOnItsWay,
}

/// What was said, what the server has, and by another reckoning than the leg's what the leg must still keep.
///
/// Positions count samples from the leg's first, without those that were dropped before any socket had them.
#[derive(Debug)]
pub struct Account {
    /// Samples that are kept at most.
    limit: usize,
    fates: Vec<Fate>,
    accepted: Vec<bool>,
    /// By position.
    stream: Vec<u16>,
    acknowledged: usize,
    start: usize,
    sent: usize,
    furthest: usize,
    dropped: usize,
    dropped_before_loss: usize,
    /// All samples below it are accepted or dropped.
    settled: usize,
}

impl Account {
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit / SAMPLE,
            fates: Vec::new(),
            accepted: Vec::new(),
            stream: Vec::new(),
            acknowledged: 0,
            start: 0,
            sent: 0,
            furthest: 0,
            dropped: 0,
            dropped_before_loss: 0,
            settled: 0,
        }
    }

    /// Returns the bytes of the next samples of the caller.
    pub fn say(&self, count: usize) -> Vec<u8> {
        (self.fates.len()..self.fates.len() + count)
            .flat_map(|number| (number as u16).to_le_bytes())
            .collect()
    }

    /// Notes that they were said; returns how many bytes had to be dropped.
    pub fn said(&mut self, count: usize) -> u64 {
        let first = self.fates.len();
        for number in first..first + count {
            self.fates.push(Fate::Kept);
            self.accepted.push(false);
            self.stream.push(number as u16);
        }
        let overflow = (self.stream.len() - self.start).saturating_sub(self.limit);
        let on_its_way = overflow.min(self.sent - self.start);
        self.start += on_its_way;
        let dropped = overflow - on_its_way;
        for number in self.stream.drain(self.sent..self.sent + dropped) {
            self.fates[usize::from(number)] = Fate::NeverSent;
        }
        self.dropped += dropped;
        (dropped * SAMPLE) as u64
    }

    /// Notes what the leg hands to its socket; returns the samples.
    pub fn send(&mut self, audio: &[u8]) -> Outcome<Vec<u16>> {
        ensure(!audio.is_empty() && audio.len().is_multiple_of(SAMPLE), || format!("{} bytes", audio.len()))?;
        let samples: Vec<u16> =
            audio.chunks_exact(SAMPLE).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let due = self.stream.get(self.sent..self.sent + samples.len());
        ensure(due == Some(&samples), || format!("sent {samples:?} where {due:?} is due"))?;
        self.sent += samples.len();
        self.furthest = self.furthest.max(self.sent);
        Ok(samples)
    }

    /// Notes what the server accepts behind `last` of the same connection: in order, and a hole only where that much was
    /// reported as dropped.
    pub fn accept(&mut self, last: &mut Option<u16>, samples: &[u16]) -> Outcome<()> {
        for &number in samples {
            ensure(last.is_none_or(|last| last < number), || format!("{number} behind {last:?}"))?;
            let from = last.map_or(self.settled, |last| usize::from(last) + 1);
            let hole = (from..usize::from(number)).find(|hole| !self.is_settled(*hole));
            ensure(hole.is_none(), || format!("{hole:?} is missing before {number}, and nobody said so"))?;
            ensure(self.fates[usize::from(number)] != Fate::NeverSent, || format!("{number} was dropped"))?;
            self.accepted[usize::from(number)] = true;
            *last = Some(number);
        }
        while self.settled < self.fates.len() && self.is_settled(self.settled) {
            self.settled += 1;
        }
        Ok(())
    }

    fn is_settled(&self, number: usize) -> bool {
        self.accepted[number] || self.fates[number] != Fate::Kept
    }

    /// Notes an answer to a ping that the leg takes into account; returns whether it is news.
    pub fn acknowledge(&mut self, bytes: u64) -> bool {
        let position = bytes as usize / SAMPLE;
        if position <= self.acknowledged || position > self.sent {
            return false;
        }
        self.acknowledged = position;
        self.start = self.start.max(position);
        true
    }

    /// Notes that the connection is lost; returns how many bytes are dropped by that.
    pub fn lose_connection(&mut self) -> u64 {
        self.dropped_before_loss = self.dropped;
        let lost = self.start - self.acknowledged;
        for &number in &self.stream[self.acknowledged..self.start] {
            self.fates[usize::from(number)] = Fate::LostOnItsWay;
        }
        self.dropped += lost;
        self.acknowledged = self.start;
        self.sent = self.start;
        (lost * SAMPLE) as u64
    }

    /// Returns how many bytes wait for a socket.
    pub fn waiting(&self) -> usize {
        (self.stream.len() - self.sent) * SAMPLE
    }

    /// Returns the bytes that the server is not known to have.
    pub fn behind(&self) -> u64 {
        ((self.stream.len() - self.acknowledged) * SAMPLE) as u64
    }

    /// Returns the bytes up to which the present connection has the audio.
    pub fn sent(&self) -> u64 {
        (self.sent * SAMPLE) as u64
    }

    pub fn dropped(&self) -> u64 {
        (self.dropped * SAMPLE) as u64
    }

    /// Returns the bytes that had been dropped when the last connection was lost.
    pub fn dropped_before_loss(&self) -> u64 {
        (self.dropped_before_loss * SAMPLE) as u64
    }

    /// Compares with the leg's own account.
    pub fn agrees(&self, upload: &symbl_bridge::bridge::call::upload::Upload) -> Outcome<()> {
        let kept = (self.stream.len() - self.start) * SAMPLE;
        let own = [
            self.waiting() as u64,
            kept as u64,
            self.behind(),
            self.sent(),
            self.dropped(),
            (self.fates.len() * SAMPLE) as u64,
            (self.furthest * SAMPLE) as u64,
        ];
        let its = [
            upload.waiting() as u64,
            upload.kept() as u64,
            upload.behind(),
            upload.sent(),
            upload.dropped(),
            upload.heard(),
            upload.furthest_sent(),
        ];
        ensure(own == its, || {
            format!("waiting, kept, behind, sent, dropped, heard, furthest: {its:?} is not {own:?}")
        })?;
        ensure(kept <= self.limit * SAMPLE, || format!("{kept} bytes are kept"))
    }

    /// Checks the end of a leg: what the server does not have was reported as dropped or as not delivered.
    pub fn close(&self) -> Outcome<()> {
        let missing = (0..self.fates.len()).filter(|number| !self.is_settled(*number)).count();
        let undelivered = self.stream.len() - self.acknowledged;
        ensure(missing <= undelivered, || {
            format!("{missing} samples are missing, {undelivered} were reported")
        })
    }
}
