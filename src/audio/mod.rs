//! Mu-law, resampling, WAV. Pure: bytes and samples in, bytes and samples out; only the two kinds of WAV open files.
//!
//! * [`figures`] - how loud, how silent, how often clipped.
//! * [`mulaw`] - G.711 mu-law, what a telephone line carries: one byte a sample, 8000 Hz.
//! * [`mulaw_wav`] - mu-law WAV files written piece by piece, readable whenever the writing stops.
//! * [`resample`] - any rate to any other, as a stream or of a whole recording.
//! * [`wav`] - audio files of any usual shape, read to mono; WAV files written.

pub mod figures;
pub mod mulaw;
pub mod mulaw_wav;
pub mod resample;
pub mod wav;

pub use resample::{Resampler, UnsupportedRate};
pub use wav::{AudioFileError, load_mulaw_8k};

/// Samples a second on a telephone line.
pub const TELEPHONE_RATE: u32 = 8000;

/// What one step of a 16-bit sample is worth when full scale is 1.0.
const I16_STEP: f32 = 1.0 / 32768.0;

/// Returns a 16-bit sample as a fraction of full scale, -1.0 to just below 1.0.
pub fn sample_to_f32(sample: i16) -> f32 {
    f32::from(sample) * I16_STEP
}

/// Returns a fraction of full scale as a 16-bit sample, clipped; what is not a number becomes silence.
pub fn sample_to_i16(sample: f32) -> i16 {
    // `as` saturates and maps NaN to zero, which is just what is wanted.
    (sample * 32768.0).round() as i16
}
