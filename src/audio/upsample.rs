//! Telephone audio at twice its rate: 8000 to 16,000 Hz as a stream.
//!
//! Every input sample becomes two: itself, late by [`DELAY`] input samples, and the point half-way to its
//! successor, which a windowed sinc computes from the 24 samples on either side. Nothing is rounded.

use super::{mulaw, sample_to_f32};

/// Taps of the half-sample filter: 24 on either side of the point between two samples.
const TAPS: usize = 48;

/// Input samples by which the output is late (3 ms at 8000 Hz).
pub const DELAY: usize = TAPS / 2;

/// Doubles the rate of a stream; keeps 47 samples of history between pushes.
#[derive(Debug, Clone)]
pub struct Upsampler {
    filter: [f32; TAPS],
    /// The last 47 samples, oldest first, and behind them those of the current push.
    recent: Vec<f32>,
}

impl Upsampler {
    /// Returns an upsampler whose past is silence.
    pub fn new() -> Self {
        Self { filter: half_sample_filter(), recent: vec![0.0; TAPS - 1] }
    }

    /// Appends two samples to `output` for each one of `input`.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        self.recent.extend_from_slice(input);
        self.advance(output);
    }

    /// Appends two samples to `output` for each 16-bit one of `input`.
    pub fn push_i16(&mut self, input: &[i16], output: &mut Vec<f32>) {
        self.recent.extend(input.iter().map(|sample| sample_to_f32(*sample)));
        self.advance(output);
    }

    /// Appends two samples to `output` for each mu-law byte of `input`.
    pub fn push_mulaw(&mut self, input: &[u8], output: &mut Vec<f32>) {
        mulaw::decode_f32_into(input, &mut self.recent);
        self.advance(output);
    }

    /// Appends the samples that the delay still holds back, and forgets the past.
    pub fn finish(&mut self, output: &mut Vec<f32>) {
        self.push(&[0.0; DELAY], output);
        self.recent.fill(0.0);
    }

    fn advance(&mut self, output: &mut Vec<f32>) {
        output.reserve((self.recent.len() + 1 - TAPS) * 2);
        for window in self.recent.windows(TAPS) {
            output.push(window[DELAY - 1]);
            output.push(window.iter().zip(&self.filter).map(|(sample, tap)| sample * tap).sum());
        }
        let old = self.recent.len() + 1 - TAPS;
        self.recent.drain(..old);
    }
}

impl Default for Upsampler {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the Hamming-windowed sinc for the point half-way between the two middle taps, with gain one.
fn half_sample_filter() -> [f32; TAPS] {
    let mut taps = [0f64; TAPS];
    for (index, tap) in taps.iter_mut().enumerate() {
        let distance = std::f64::consts::PI * (index as f64 - (DELAY as f64 - 0.5));
        let turn = 2.0 * std::f64::consts::PI * index as f64 / (TAPS - 1) as f64;
        *tap = distance.sin() / distance * (0.54 - 0.46 * turn.cos());
    }
    let gain: f64 = taps.iter().sum();
    taps.map(|tap| (tap / gain) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::resample::testing::{level_at, sine};

    fn doubled(input: &[f32], step: usize) -> Vec<f32> {
        let (mut upsampler, mut output) = (Upsampler::new(), Vec::new());
        for chunk in input.chunks(step) {
            upsampler.push(chunk, &mut output);
        }
        upsampler.finish(&mut output);
        output
    }

    #[test]
    fn every_second_sample_is_the_input_itself() {
        let input = sine(440.0, 8000, 400);
        let output = doubled(&input, 400);
        let even: Vec<f32> = output.iter().copied().skip(2 * DELAY).step_by(2).collect();
        assert_eq!(output.len(), 2 * (input.len() + DELAY));
        assert_eq!(even, input);
    }

    #[test]
    fn pieces_give_the_same_as_the_whole() {
        let input = sine(1234.0, 8000, 333);
        let whole = doubled(&input, 333);
        for step in [1, 7, 47, 48, 160] {
            assert_eq!(doubled(&input, step), whole, "step {step}");
        }
    }

    #[test]
    fn tones_of_the_telephone_band_keep_their_level_and_have_no_mirror() {
        for hertz in [300.0, 1000.0, 2000.0, 3000.0, 3400.0] {
            let output = doubled(&sine(hertz, 8000, 4000), 160);
            let settled = &output[1000..7000];
            let level = level_at(hertz, 16_000, settled);
            let mirror = level_at(8000.0 - hertz, 16_000, settled);
            assert!((level - 1.0).abs() < 0.03, "{hertz} Hz came out at {level}");
            assert!(mirror < 0.03, "{hertz} Hz has a mirror of {mirror}");
        }
    }

    #[test]
    fn all_kinds_of_input_agree() {
        let bytes: Vec<u8> = (0..=255).collect();
        let samples: Vec<i16> = bytes.iter().map(|byte| mulaw::decode(*byte)).collect();
        let (mut from_bytes, mut from_samples) = (Vec::new(), Vec::new());
        Upsampler::new().push_mulaw(&bytes, &mut from_bytes);
        Upsampler::new().push_i16(&samples, &mut from_samples);
        assert_eq!(from_bytes, from_samples);
    }

    #[test]
    fn finish_forgets_the_past() {
        let (mut upsampler, mut output) = (Upsampler::new(), Vec::new());
        upsampler.push(&[1.0; 100], &mut output);
        upsampler.finish(&mut output);
        output.clear();
        upsampler.push(&[0.0; 100], &mut output);
        assert!(output.iter().all(|sample| *sample == 0.0));
    }
}
