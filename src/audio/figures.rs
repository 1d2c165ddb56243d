//! What can be said of a recording without listening to it: how loud, how silent, how often clipped.

use super::mulaw;

/// Quieter than anything a telephone line carries; stands for no sound at all.
pub const SILENCE_DBFS: f64 = -96.0;

/// A stretch whose mean is below this is silence: speech is far above it, the noise of a line below.
const SILENT_BELOW_DBFS: f64 = -50.0;

/// 20 ms: what is judged to be silent or not.
const STRETCH: usize = 160;

/// The largest magnitude that mu-law has; what was louder was clipped to it.
const LOUDEST: i32 = 32_124;

/// Figures of one recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Samples; 8 are a millisecond.
    pub samples: u64,
    /// The loudest sample, in decibels below full scale.
    pub peak_dbfs: f64,
    /// The mean over all samples (root of the mean square), in decibels below full scale.
    pub mean_dbfs: f64,
    /// How much of the time is silence, 0 to 1.
    pub silent_share: f64,
    /// How many of the samples are as loud as the line can carry, 0 to 1.
    pub clipped_share: f64,
}

impl Figures {
    /// Returns the figures of mu-law audio at 8000 Hz.
    pub fn of_mulaw(audio: &[u8]) -> Self {
        let (mut peak, mut clipped, mut squares, mut silent) = (0, 0u64, 0.0, 0usize);
        for stretch in audio.chunks(STRETCH) {
            let mut sum = 0.0;
            for byte in stretch {
                let magnitude = i32::from(mulaw::decode(*byte)).abs();
                peak = peak.max(magnitude);
                clipped += u64::from(magnitude >= LOUDEST);
                sum += f64::from(magnitude).powi(2);
            }
            if mean(sum, stretch.len()) < SILENT_BELOW_DBFS {
                silent += stretch.len();
            }
            squares += sum;
        }
        let share = |part: f64| if audio.is_empty() { 0.0 } else { part / audio.len() as f64 };
        Self {
            samples: audio.len() as u64,
            peak_dbfs: decibels(f64::from(peak)),
            mean_dbfs: mean(squares, audio.len()),
            silent_share: share(silent as f64),
            clipped_share: share(clipped as f64),
        }
    }

    /// Returns how long the recording is, in milliseconds.
    pub fn length_ms(&self) -> u64 {
        self.samples / 8
    }
}

fn mean(squares: f64, samples: usize) -> f64 {
    if samples == 0 { SILENCE_DBFS } else { decibels((squares / samples as f64).sqrt()) }
}

/// Returns a magnitude in decibels below full scale.
fn decibels(magnitude: f64) -> f64 {
    (20.0 * (magnitude / 32_768.0).log10()).max(SILENCE_DBFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(amplitude: f64, samples: usize) -> Vec<u8> {
        let sample = |n: usize| amplitude * (n as f64 * std::f64::consts::TAU / 8.0).sin();
        (0..samples).map(|n| mulaw::encode(sample(n) as i16)).collect()
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 0.3
    }

    #[test]
    fn nothing_and_silence_are_as_quiet_as_can_be() {
        let none = Figures::of_mulaw(&[]);
        assert_eq!((none.length_ms(), none.peak_dbfs, none.silent_share), (0, SILENCE_DBFS, 0.0));
        let silence = Figures::of_mulaw(&[mulaw::SILENCE; 8000]);
        assert_eq!((silence.length_ms(), silence.mean_dbfs, silence.silent_share), (1000, SILENCE_DBFS, 1.0));
    }

    #[test]
    fn a_tone_has_its_level_and_half_of_it_is_half_silent() {
        let mut audio = tone(16_384.0, 8000);
        let figures = Figures::of_mulaw(&audio);
        assert!(near(figures.peak_dbfs, -6.0) && near(figures.mean_dbfs, -9.0), "{figures:?}");
        assert_eq!((figures.silent_share, figures.clipped_share), (0.0, 0.0));
        audio.extend([mulaw::SILENCE; 8000]);
        let figures = Figures::of_mulaw(&audio);
        assert!(near(figures.mean_dbfs, -12.0) && near(figures.silent_share, 0.5), "{figures:?}");
    }

    #[test]
    fn the_noise_of_a_line_is_silence_and_quiet_speech_is_not() {
        assert_eq!(Figures::of_mulaw(&tone(60.0, 800)).silent_share, 1.0);
        assert_eq!(Figures::of_mulaw(&tone(600.0, 800)).silent_share, 0.0);
    }

    #[test]
    fn what_is_louder_than_the_line_carries_is_clipped() {
        // Two of the eight samples of a period are at the top.
        let audio: Vec<u8> = tone(32_767.0, 8000);
        assert!(near(Figures::of_mulaw(&audio).clipped_share, 0.25), "{:?}", Figures::of_mulaw(&audio));
        assert_eq!(Figures::of_mulaw(&[0x80, 0x00]).clipped_share, 1.0);
    }
}
