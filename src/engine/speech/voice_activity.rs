//! Is somebody talking? A score for every 16 ms of one leg.

use earshot::Detector;

/// Samples of one scored frame at 16 kHz: 16 ms.
pub const FRAME: usize = 256;

/// Scores frames of one leg in order.
pub trait VoiceActivity {
    /// Returns how likely it is, 0..1, that the frame holds a voice.
    fn score(&mut self, frame: &[f32; FRAME]) -> f32;
}

/// Voice activity by the `earshot` network, about 8 KiB a leg.
pub struct Earshot {
    detector: Box<Detector>,
}

impl Default for Earshot {
    fn default() -> Self {
        Self {
            detector: Detector::default_boxed(),
        }
    }
}

impl VoiceActivity for Earshot {
    fn score(&mut self, frame: &[f32; FRAME]) -> f32 {
        // The detector asserts the range in debug builds; resampling can overshoot it by a hair.
        self.detector
            .predict_f32(&frame.map(|sample| sample.clamp(-1.0, 1.0)))
    }
}
