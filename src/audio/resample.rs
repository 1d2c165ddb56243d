//! Any sample rate to any other, as a stream or of a whole recording.
//!
//! A Kaiser-windowed sinc is sampled finely once; each output sample is the sum of the inputs around its
//! place in time, each weighted by the table, interpolated between two entries. Going down in rate the sinc
//! is widened, so that it is at once the filter against aliasing. Places in time are kept as whole numbers:
//! a stream of any length does not drift.

use super::sample_to_f32;

/// Zero crossings of the sinc on either side: a transition of 16 % of the band at 80 dB.
const CROSSINGS: usize = 32;

/// Table entries between two zero crossings; with interpolation the error is below 16-bit resolution.
const ENTRIES: usize = 256;

/// Where the filter has fallen to one half, as a part of the narrower band.
const CUTOFF: f64 = 0.92;

/// Shape of the Kaiser window: side lobes at about -80 dB.
const KAISER_BETA: f64 = 8.0;

/// Rates outside of this range are not audio that anybody sends.
const RATES: std::ops::RangeInclusive<u32> = 1000..=768_000;

/// A sample rate is outside of what can be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} Hz is not a usable sample rate (1000 to 768000)")]
pub struct UnsupportedRate(pub u32);

/// Converts a stream of mono samples from one rate to another.
#[derive(Debug, Clone)]
pub struct Resampler {
    kernel: Vec<f32>,
    from: u32,
    to: u32,
    /// Table entries for a distance of one input sample.
    entries_per_sample: f32,
    /// Input samples that the filter reaches to either side of a place in time.
    reach: usize,
    /// Samples still needed, oldest first; `recent[0]` is `reach - 1` samples before the current place.
    recent: Vec<f32>,
    /// Distance of the current place behind its input sample, in parts of `to`.
    fraction: u32,
}

impl Resampler {
    /// Returns a resampler whose past is silence; equal rates pass samples through unchanged.
    pub fn new(from: u32, to: u32) -> Result<Self, UnsupportedRate> {
        for rate in [from, to] {
            if !RATES.contains(&rate) {
                return Err(UnsupportedRate(rate));
            }
        }
        let narrowing = (f64::from(to) / f64::from(from)).min(1.0);
        let reach = if from == to { 1 } else { (CROSSINGS as f64 / narrowing).ceil() as usize + 1 };
        Ok(Self {
            kernel: kernel(narrowing),
            from,
            to,
            entries_per_sample: (narrowing * ENTRIES as f64) as f32,
            reach,
            recent: vec![0.0; reach - 1],
            fraction: 0,
        })
    }

    /// Appends to `output` every sample that `input` completes.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        if self.from == self.to {
            output.extend_from_slice(input);
            return;
        }
        self.recent.extend_from_slice(input);
        self.advance(output);
    }

    /// Appends to `output` every sample that the 16-bit `input` completes.
    pub fn push_i16(&mut self, input: &[i16], output: &mut Vec<f32>) {
        if self.from == self.to {
            output.extend(input.iter().map(|sample| sample_to_f32(*sample)));
            return;
        }
        self.recent.extend(input.iter().map(|sample| sample_to_f32(*sample)));
        self.advance(output);
    }

    /// Appends the samples that the filter still holds back, and forgets the past.
    pub fn finish(&mut self, output: &mut Vec<f32>) {
        if self.from != self.to {
            self.recent.extend(std::iter::repeat_n(0.0, self.reach));
            self.advance(output);
        }
        self.recent.clear();
        self.recent.resize(self.reach - 1, 0.0);
        self.fraction = 0;
    }

    fn advance(&mut self, output: &mut Vec<f32>) {
        let mut start = 0;
        while start + 2 * self.reach <= self.recent.len() {
            let window = &self.recent[start..start + 2 * self.reach];
            output.push(self.sample_at(window));
            let ahead = u64::from(self.fraction) + u64::from(self.from);
            start += (ahead / u64::from(self.to)) as usize;
            self.fraction = (ahead % u64::from(self.to)) as u32;
        }
        // Never past the end: a window is at least twice 32 steps long.
        self.recent.drain(..start);
    }

    /// Returns the sample at the current place, which lies behind `window[reach - 1]` by the fraction.
    fn sample_at(&self, window: &[f32]) -> f32 {
        let behind = self.fraction as f32 / self.to as f32;
        let (left, right) = window.split_at(self.reach);
        let mut sum = 0.0;
        for (index, sample) in left.iter().rev().enumerate() {
            sum += sample * self.weight(index as f32 + behind);
        }
        for (index, sample) in right.iter().enumerate() {
            sum += sample * self.weight(index as f32 + 1.0 - behind);
        }
        sum
    }

    fn weight(&self, distance: f32) -> f32 {
        let place = distance * self.entries_per_sample;
        let index = place as usize;
        let between = place - index as f32;
        match self.kernel.get(index..index + 2) {
            Some(pair) => pair[0] + (pair[1] - pair[0]) * between,
            None => 0.0,
        }
    }
}

/// Returns `input` converted from one rate to the other, as long in time as before.
pub fn resample(input: &[f32], from: u32, to: u32) -> Result<Vec<f32>, UnsupportedRate> {
    let mut resampler = Resampler::new(from, to)?;
    let length = (input.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
    let mut output = Vec::with_capacity(length + 1);
    resampler.push(input, &mut output);
    resampler.finish(&mut output);
    output.truncate(length);
    Ok(output)
}

/// Returns one side of the windowed sinc, scaled so that a steady level keeps its height.
fn kernel(narrowing: f64) -> Vec<f32> {
    let end = (CROSSINGS * ENTRIES) as f64;
    (0..=CROSSINGS * ENTRIES)
        .map(|entry| {
            let place = entry as f64;
            let turn = std::f64::consts::PI * CUTOFF * place / ENTRIES as f64;
            let sinc = if entry == 0 { 1.0 } else { turn.sin() / turn };
            let window =
                bessel_i0(KAISER_BETA * (1.0 - (place / end).powi(2)).sqrt()) / bessel_i0(KAISER_BETA);
            (CUTOFF * narrowing * sinc * window) as f32
        })
        .collect()
}

/// Returns the modified Bessel function of order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..64 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
pub(crate) mod testing {
    //! Sines, and how much of one is in a signal.

    use std::f64::consts::TAU;

    /// Returns `count` samples of a sine of full scale.
    pub(crate) fn sine(hertz: f64, rate: u32, count: usize) -> Vec<f32> {
        (0..count).map(|n| (TAU * hertz * n as f64 / f64::from(rate)).sin() as f32).collect()
    }

    /// Returns the amplitude of one frequency in `samples`, seen through a Hann window.
    pub(crate) fn level_at(hertz: f64, rate: u32, samples: &[f32]) -> f64 {
        let (mut re, mut im, mut gain) = (0.0, 0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let window = 0.5 - 0.5 * (TAU * n as f64 / samples.len() as f64).cos();
            let turn = TAU * hertz * n as f64 / f64::from(rate);
            re += window * f64::from(*sample) * turn.cos();
            im += window * f64::from(*sample) * turn.sin();
            gain += window;
        }
        2.0 * re.hypot(im) / gain
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{level_at, sine};
    use super::*;

    const RATES_SEEN: [u32; 8] = [8000, 11_025, 12_345, 16_000, 22_050, 24_000, 44_100, 48_000];

    #[test]
    fn tones_of_the_telephone_band_keep_their_level_at_every_rate() {
        for from in RATES_SEEN {
            for to in [8000, 16_000] {
                for hertz in [200.0, 1000.0, 3300.0] {
                    let output = resample(&sine(hertz, from, from as usize), from, to).unwrap();
                    let settled = &output[to as usize / 10..to as usize * 9 / 10];
                    let level = level_at(hertz, to, settled);
                    assert!((level - 1.0).abs() < 0.01, "{hertz} Hz from {from} to {to} came out at {level}");
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_gone_and_leaves_no_alias() {
        for from in [16_000, 22_050, 44_100, 48_000] {
            for hertz in [4100.0, 5000.0, 7000.0] {
                let output = resample(&sine(hertz, from, from as usize), from, 8000).unwrap();
                let loudest = output[800..7200].iter().fold(0f32, |top, sample| top.max(sample.abs()));
                assert!(loudest < 0.002, "{hertz} Hz from {from} leaves {loudest}");
            }
        }
    }

    #[test]
    fn going_up_adds_no_mirror() {
        for from in [8000, 11_025] {
            let output = resample(&sine(3000.0, from, from as usize), from, 16_000).unwrap();
            let mirror = level_at(f64::from(from) - 3000.0, 16_000, &output[1600..14_400]);
            assert!(mirror < 0.001, "from {from}: mirror of {mirror}");
        }
    }

    #[test]
    fn a_stream_in_pieces_equals_the_whole_and_is_not_late() {
        for from in RATES_SEEN {
            let input = sine(700.0, from, 5000);
            let whole = resample(&input, from, 16_000).unwrap();
            for step in [1, 7, 160, 1000] {
                let (mut resampler, mut output) = (Resampler::new(from, 16_000).unwrap(), Vec::new());
                for chunk in input.chunks(step) {
                    resampler.push(chunk, &mut output);
                }
                resampler.finish(&mut output);
                output.truncate(whole.len());
                assert_eq!(output, whole, "from {from} in steps of {step}");
            }
            let expected = sine(700.0, 16_000, whole.len());
            for n in 200..whole.len() - 200 {
                assert!((whole[n] - expected[n]).abs() < 0.01, "from {from}, sample {n}");
            }
        }
    }

    #[test]
    fn length_in_time_is_kept() {
        assert_eq!(resample(&[0.0; 44_100], 44_100, 8000).unwrap().len(), 8000);
        assert_eq!(resample(&[0.0; 11_025], 11_025, 8000).unwrap().len(), 8000);
        assert_eq!(resample(&[0.0; 1], 48_000, 8000).unwrap().len(), 1);
        assert_eq!(resample(&[], 48_000, 8000).unwrap().len(), 0);
    }

    #[test]
    fn equal_rates_pass_through() {
        let input = sine(3999.0, 16_000, 321);
        assert_eq!(resample(&input, 16_000, 16_000).unwrap(), input);
        let mut output = Vec::new();
        Resampler::new(16_000, 16_000).unwrap().push_i16(&[16_384, -32_768], &mut output);
        assert_eq!(output, [0.5, -1.0]);
    }

    #[test]
    fn absurd_rates_are_refused() {
        assert_eq!(Resampler::new(0, 8000).unwrap_err(), UnsupportedRate(0));
        assert_eq!(Resampler::new(8000, 999_999).unwrap_err(), UnsupportedRate(999_999));
    }
}
