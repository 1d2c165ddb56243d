//! Is somebody talking? A score for every 16 ms of one leg.

use earshot::Detector;

/// Samples of one scored frame at 16 kHz: 16 ms.
pub const FRAME: usize = 256;

/// Scores frames of one leg in order.
pub trait VoiceActivity {
    /// Returns how likely it is, 0..1, that the frame holds a voice.
    fn score(&mut self, frame: &[f32; FRAME]) -> f32;
}

/// RMS that speech is brought to before it is scored: the network misses what is much quieter.
const SPEECH_LEVEL: f32 = 0.05;
/// Most amplification: 24 dB. With more, the hiss of an idle line would be scored as speech.
const MOST_GAIN: f32 = 16.0;
/// RMS that a line's noise may be brought to.
const MOST_NOISE: f32 = 0.002;
/// Growth of the remembered noise in one frame: it doubles in a second, so that speech does not become noise.
const FLOOR_RISE: f32 = 1.011;
/// What is left of the remembered level after one frame; it halves in 3 s.
const LEVEL_DECAY: f32 = 0.9963;

/// Voice activity by the `earshot` network, about 8 KiB a leg, for loud and quiet lines alike.
pub struct Earshot {
    detector: Box<Detector>,
    /// RMS of the loudest recent frames.
    level: f32,
    /// RMS of the quietest recent frames: the line's noise.
    floor: f32,
}

impl Default for Earshot {
    fn default() -> Self {
        Self { detector: Detector::default_boxed(), level: SPEECH_LEVEL / MOST_GAIN, floor: f32::INFINITY }
    }
}

impl VoiceActivity for Earshot {
    fn score(&mut self, frame: &[f32; FRAME]) -> f32 {
        let rms = (frame.iter().map(|sample| sample * sample).sum::<f32>() / FRAME as f32).sqrt();
        self.level = rms.max(self.level * LEVEL_DECAY).max(SPEECH_LEVEL / MOST_GAIN);
        self.floor = rms.min(self.floor * FLOOR_RISE).max(1e-6);
        let gain = (SPEECH_LEVEL / self.level).min(MOST_NOISE / self.floor).max(1.0);
        // The detector asserts the range in debug builds; resampling can overshoot it by a hair.
        self.detector.predict_f32(&frame.map(|sample| (sample * gain).clamp(-1.0, 1.0)))
    }
}
