//! Bytes of a leg's encoding to 16 kHz samples, in any chunking.
//!
//! LINEAR16 may come at any rate from 8 to 48 kHz, so the resampler is a general one, exact to the sample.

use super::SAMPLE_RATE;
use crate::audio::mulaw;

/// How a leg's audio is encoded. Always mono.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioFormat {
    /// G.711 mu-law at 8000 Hz, as Twilio sends it.
    Mulaw8k,
    /// Signed 16-bit little-endian samples.
    Linear16 {
        /// Samples a second, 8000 to 48000.
        sample_rate: u32,
    },
}

/// A sample rate outside 8000 to 48000 Hz.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("sample rate {0} is outside 8000 to 48000 Hz")]
pub struct UnsupportedRate(pub u32);

/// Decodes one leg's bytes to 16 kHz samples. State is exact: any chunking of the bytes gives the same samples.
pub struct Decoder {
    format: AudioFormat,
    /// First byte of a 16-bit sample whose second byte has not come yet.
    half_sample: Option<u8>,
    resampler: Resampler,
    decoded: Vec<f32>,
}

impl Decoder {
    /// Returns a decoder of `format`.
    pub fn new(format: AudioFormat) -> Result<Self, UnsupportedRate> {
        let rate = match format {
            AudioFormat::Mulaw8k => 8000,
            AudioFormat::Linear16 { sample_rate } => sample_rate,
        };
        if !(8000..=48_000).contains(&rate) {
            return Err(UnsupportedRate(rate));
        }
        Ok(Self { format, half_sample: None, resampler: Resampler::new(rate), decoded: Vec::new() })
    }

    /// Appends the samples that `bytes` complete to `out`.
    pub fn decode(&mut self, bytes: &[u8], out: &mut Vec<f32>) {
        self.decoded.clear();
        match self.format {
            AudioFormat::Mulaw8k => {
                mulaw::decode_f32_into(bytes, &mut self.decoded);
            }
            AudioFormat::Linear16 { .. } => {
                for &byte in bytes {
                    match self.half_sample.take() {
                        None => self.half_sample = Some(byte),
                        Some(low) => self.decoded.push(f32::from(i16::from_le_bytes([low, byte])) / 32_768.0),
                    }
                }
            }
        }
        self.resampler.process(&self.decoded, out);
    }

    /// Appends the samples that wait for right-hand context. Call once, after the last byte.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let context = vec![0.0; self.resampler.half_width];
        self.resampler.process(&context, out);
    }
}

/// Taps on each side of an output sample, counted at the lower of the two rates.
const HALF_TAPS: u32 = 24;
/// Most phases that are tabulated; a rate that needs more uses the nearest, some 60 dB below the speech.
const MOST_PHASES: u32 = 640;

/// Windowed-sinc resampling to 16 kHz as a stream.
struct Resampler {
    /// Input samples a second, and output samples a second, both divided by their common divisor.
    step: u64,
    phases: u64,
    tabulated: u64,
    half_width: usize,
    /// One filter of `2 * half_width` taps for each tabulated phase.
    taps: Vec<f32>,
    /// Input still needed, beginning `half_width` samples of silence before the first.
    history: Vec<f32>,
    /// Position of the next output in `history`: whole samples, and phases beyond them.
    whole: usize,
    phase: u64,
}

impl Resampler {
    fn new(rate: u32) -> Self {
        let divisor = greatest_common_divisor(rate, SAMPLE_RATE);
        let (step, phases) = (rate / divisor, SAMPLE_RATE / divisor);
        let tabulated = phases.min(MOST_PHASES);
        let cutoff = f64::from(SAMPLE_RATE.min(rate)) / f64::from(rate);
        let half_width = (f64::from(HALF_TAPS) / cutoff).ceil() as usize;
        let mut taps = Vec::with_capacity(tabulated as usize * 2 * half_width);
        for phase in 0..tabulated {
            taps.extend(filter(f64::from(phase) / f64::from(tabulated), cutoff, half_width));
        }
        Self {
            step: u64::from(step),
            phases: u64::from(phases),
            tabulated: u64::from(tabulated),
            half_width,
            taps,
            history: vec![0.0; half_width],
            whole: half_width,
            phase: 0,
        }
    }

    fn process(&mut self, input: &[f32], out: &mut Vec<f32>) {
        self.history.extend_from_slice(input);
        while self.whole + self.half_width < self.history.len() {
            let row = (self.phase * self.tabulated / self.phases) as usize * 2 * self.half_width;
            let taps = &self.taps[row..row + 2 * self.half_width];
            let first = self.whole + 1 - self.half_width;
            let window = &self.history[first..first + 2 * self.half_width];
            out.push(window.iter().zip(taps).map(|(sample, tap)| sample * tap).sum());
            self.phase += self.step;
            self.whole += (self.phase / self.phases) as usize;
            self.phase %= self.phases;
        }
        let used = (self.whole + 1).saturating_sub(self.half_width).min(self.history.len());
        self.history.drain(..used);
        self.whole -= used;
    }
}

/// Taps for an output that lies `fraction` of an input sample after the tap at `half_width - 1`; their sum is 1.
fn filter(fraction: f64, cutoff: f64, half_width: usize) -> Vec<f32> {
    let taps: Vec<f64> = (0..2 * half_width)
        .map(|tap| {
            let distance = tap as f64 - (half_width as f64 - 1.0) - fraction;
            let window = 0.54 + 0.46 * (std::f64::consts::PI * distance / half_width as f64).cos();
            let x = std::f64::consts::PI * distance * cutoff;
            let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
            sinc * window
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.into_iter().map(|tap| (tap / sum) as f32).collect()
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tone_keeps_its_pitch_level_and_length_at_every_rate() {
        for rate in [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 8001] {
            let mut decoder = Decoder::new(AudioFormat::Linear16 { sample_rate: rate }).unwrap();
            let bytes: Vec<u8> = (0..rate)
                .flat_map(|n| {
                    let phase = std::f64::consts::TAU * 1000.0 * f64::from(n) / f64::from(rate);
                    ((phase.sin() * 16_384.0) as i16).to_le_bytes()
                })
                .collect();
            let mut out = Vec::new();
            decoder.decode(&bytes, &mut out);
            decoder.finish(&mut out);
            assert!(out.len().abs_diff(16_000) <= 1, "{rate}: {}", out.len());
            let worst = out[1000..15_000]
                .iter()
                .enumerate()
                .map(|(n, got)| {
                    let want = (std::f64::consts::TAU * 1000.0 * (n + 1000) as f64 / 16_000.0).sin() * 0.5;
                    (f64::from(*got) - want).abs()
                })
                .fold(0.0, f64::max);
            assert!(worst < 0.01, "{rate}: off by {worst}");
        }
    }

    #[test]
    fn rates_beyond_the_range_are_refused() {
        for sample_rate in [0, 7999, 48_001] {
            let refused = Decoder::new(AudioFormat::Linear16 { sample_rate }).err();
            assert_eq!(refused, Some(UnsupportedRate(sample_rate)));
        }
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_samples(
            bytes in proptest::collection::vec(any::<u8>(), 0..4000),
            cuts in proptest::collection::vec(1_usize..700, 1..20),
            rate in prop_oneof![Just(None), Just(Some(8000)), Just(Some(16_000)), Just(Some(44_100))],
        ) {
            let format = rate.map_or(AudioFormat::Mulaw8k, |sample_rate| AudioFormat::Linear16 { sample_rate });
            let mut whole = Vec::new();
            let mut decoder = Decoder::new(format).unwrap();
            decoder.decode(&bytes, &mut whole);
            decoder.finish(&mut whole);
            let mut pieces = Vec::new();
            let mut decoder = Decoder::new(format).unwrap();
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                decoder.decode(piece, &mut pieces);
                rest = after;
            }
            decoder.finish(&mut pieces);
            prop_assert_eq!(whole, pieces);
        }
    }
}
