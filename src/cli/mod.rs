//! One file a subcommand.

pub mod bench_speech;
pub mod eval;
pub mod model;
mod speech_model;
