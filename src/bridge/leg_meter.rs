//! What a page shows of a leg while it lasts: how loud the caller is, how far behind the server is.
//!
//! One thread writes, any thread reads, nobody waits. A reader may see a level that has just been replaced by the one
//! 12.8 s later; it asks for the last 10 s, so that would take a writer that runs 2.8 s ahead while it reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::call::leg::{Leg, Stage};
use super::call::upload::BYTES_PER_MS;
use crate::audio::mulaw;

/// The length of audio that one level stands for.
pub const LEVEL_MS: u64 = 100;

/// Levels that a reader gets at most: 10 s.
pub const LEVELS: usize = 100;

/// Places for levels; more than a reader gets.
const PLACES: usize = 128;

const BYTES_PER_LEVEL: u64 = LEVEL_MS * BYTES_PER_MS as u64;

/// What is below this is silence, in dB of full scale.
const FLOOR: f64 = -96.0;

/// The shared part.
#[derive(Debug)]
pub struct LegMeter {
    /// Audio that the caller's stream has carried, in bytes.
    streamed: AtomicU64,
    /// Audio that the server has not acknowledged, in bytes.
    behind: AtomicU64,
    stage: AtomicU8,
    /// The peak of each 100 ms, as a mu-law magnitude.
    peaks: [AtomicU8; PLACES],
}

/// What a meter shows at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Where the leg is.
    pub stage: Stage,
    /// Audio that the caller's stream has carried, in ms.
    pub streamed_ms: u64,
    /// Audio that the server has not acknowledged, in ms.
    pub lag_ms: u64,
    /// Peaks of the last whole 100 ms each, oldest first, in dB of full scale, -96 to 0.
    pub levels: Vec<i8>,
    /// The position of the end of the last of them.
    pub levels_end_ms: u64,
}

impl Default for LegMeter {
    fn default() -> Self {
        Self {
            streamed: AtomicU64::new(0),
            behind: AtomicU64::new(0),
            stage: AtomicU8::new(Stage::Connecting as u8),
            peaks: [const { AtomicU8::new(0) }; PLACES],
        }
    }
}

impl LegMeter {
    /// Reads the meter; `levels` may be left out.
    pub fn read(&self, with_levels: bool) -> Reading {
        // Pairs with the store in `LevelWriter::hear`: what it counts is in its place.
        let streamed = self.streamed.load(Ordering::Acquire);
        let whole = streamed / BYTES_PER_LEVEL;
        let first = if with_levels { whole.saturating_sub(LEVELS as u64) } else { whole };
        let levels = (first..whole).map(|number| decibels(self.peaks[place(number)].load(Ordering::Relaxed)));
        Reading {
            stage: Stage::from_number(self.stage.load(Ordering::Relaxed)),
            streamed_ms: streamed / BYTES_PER_MS as u64,
            lag_ms: self.behind.load(Ordering::Relaxed) / BYTES_PER_MS as u64,
            levels: levels.collect(),
            levels_end_ms: whole * LEVEL_MS,
        }
    }
}

/// The writer's part; a leg has one.
#[derive(Debug)]
pub struct LevelWriter {
    meter: Arc<LegMeter>,
    streamed: u64,
    peak: u8,
}

impl LevelWriter {
    /// Returns the writer of a meter that has none.
    pub fn new(meter: Arc<LegMeter>) -> Self {
        Self { meter, streamed: 0, peak: 0 }
    }

    /// Notes a caller's audio.
    pub fn hear(&mut self, mut audio: &[u8]) {
        while !audio.is_empty() {
            let room = BYTES_PER_LEVEL - self.streamed % BYTES_PER_LEVEL;
            let (now, later) = audio.split_at(audio.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            // Without its sign an inverted mu-law byte grows with the sample's magnitude.
            let peak = now.iter().map(|byte| !byte & 0x7F).max().unwrap_or_default();
            self.peak = self.peak.max(peak);
            self.streamed += now.len() as u64;
            if self.streamed.is_multiple_of(BYTES_PER_LEVEL) {
                let number = self.streamed / BYTES_PER_LEVEL - 1;
                self.meter.peaks[place(number)].store(std::mem::take(&mut self.peak), Ordering::Relaxed);
            }
            audio = later;
        }
        self.meter.streamed.store(self.streamed, Ordering::Release);
    }

    /// Notes how the leg stands.
    pub fn note(&self, leg: &Leg) {
        self.meter.behind.store(leg.upload().behind(), Ordering::Relaxed);
        self.meter.stage.store(leg.stage() as u8, Ordering::Relaxed);
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number % PLACES as u64).unwrap_or_default()
}

fn decibels(magnitude: u8) -> i8 {
    let sample = f64::from(mulaw::decode(!(magnitude & 0x7F))) / f64::from(mulaw::decode(0x80));
    // 0 is silence, whose logarithm is minus infinity.
    (20.0 * sample.abs().log10()).max(FLOOR).round() as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(amplitude: i16, bytes: usize) -> Vec<u8> {
        (0..bytes).map(|n| mulaw::encode(if n % 8 < 4 { amplitude } else { -amplitude })).collect()
    }

    #[test]
    fn levels_are_peaks_of_each_tenth_of_a_second_however_the_audio_is_cut() {
        let mut audio = tone(32_124, 800);
        audio.extend(tone(3_212, 800));
        audio.extend([mulaw::SILENCE; 800]);
        audio.extend(tone(32_124, 799));
        for cut in [1, 160, 799, 3_199] {
            let meter = Arc::new(LegMeter::default());
            let mut writer = LevelWriter::new(Arc::clone(&meter));
            audio.chunks(cut).for_each(|piece| writer.hear(piece));
            let reading = meter.read(true);
            assert_eq!(
                (reading.levels.as_slice(), reading.levels_end_ms),
                ([0, -20, -96].as_slice(), 300),
                "{cut}"
            );
            assert_eq!(reading.streamed_ms, 399);
            writer.hear(&[0x80]);
            assert_eq!(meter.read(true).levels, [0, -20, -96, 0], "the fourth tenth is whole");
        }
    }

    #[test]
    fn a_reader_gets_the_last_ten_seconds() {
        let meter = Arc::new(LegMeter::default());
        let mut writer = LevelWriter::new(Arc::clone(&meter));
        for second in 0..30 {
            writer.hear(&tone(if second < 25 { 0 } else { 32_124 }, 8_000));
        }
        let reading = meter.read(true);
        assert_eq!(reading.levels, [[-96; 50], [0; 50]].concat());
        assert_eq!((reading.levels_end_ms, reading.streamed_ms), (30_000, 30_000));
        assert!(meter.read(false).levels.is_empty());
    }

    #[test]
    fn stages_survive_the_number_that_carries_them() {
        for stage in Stage::ALL {
            assert_eq!(Stage::from_number(stage as u8), stage);
        }
    }
}
