//! Speech recognition: audio of one leg in, partial and final transcripts out.
//!
//! In the order that audio travels:
//!
//! * [`audio`] - bytes of a leg's encoding to 16 kHz samples.
//! * [`voice_activity`] - a score for every 16 ms: is somebody talking?
//! * [`segmenter`] - scores and samples to segments: where a phrase begins, pauses and ends. Pure.
//! * [`listener`] - one leg's hearing: bytes in, jobs out; results in, transcripts out. Pure.
//! * [`pool`] - the worker threads that all legs share, their queue and their load.
//! * [`recognizer`] - the trait of a recogniser; [`moonshine`] is the one implementation.
//! * [`transcript`] - text of a hypothesis to words, times and stable prefixes. Pure.
//! * [`ear`] - a listener tied to the pool: what a connection holds for its leg.
//! * [`recording`] - a whole recording heard as a live call is, for tools and tests.
//! * [`accuracy`] - word error rate with numbers and punctuation normalised, for tests and tools.
//!
//! Nothing here awaits, and nothing here logs what was said.

pub mod accuracy;
pub mod audio;
pub mod ear;
pub mod listener;
pub mod moonshine;
pub mod pool;
pub mod recognizer;
pub mod recording;
pub mod segmenter;
pub mod transcript;
pub mod voice_activity;

/// Samples a second that every stage behind [`audio`] works with.
pub const SAMPLE_RATE: u32 = 16_000;

/// Converts a sample index at [`SAMPLE_RATE`] to milliseconds since the first sample.
pub fn samples_to_ms(samples: u64) -> u64 {
    samples * 1000 / u64::from(SAMPLE_RATE)
}
