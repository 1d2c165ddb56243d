//! The engine: a self-hosted server of the Symbl protocol. Never imports the bridge; they meet on the wire.
//!
//! * [`http`] - the protocol's paths: tokens, Streaming, Subscribe. Sockets and statuses, no decisions about calls.
//! * [`conversation`] - one live conversation: who is in it, who hears what, when it ends.
//! * [`directory`] - connection id to conversation, with every limit on their number.
//! * [`hearing`] - the boundary to speech recognition.
//! * [`listening`] - what stands at that boundary: a pool of recognisers that all legs share.
//! * `arrivals` - when audio came, to tell how long its words took.
//! * [`speech`] - audio in, words out: voice activity, segments, recogniser, worker pool. Never touches a socket.
//! * [`analysis`] - the thread that judges sentences.
//! * [`insight`] - what was meant: one file a capability. Plain functions over sentences.
//! * [`llm`] - an optional second opinion from a language model elsewhere.
//! * [`meaning`] - sentences as vectors.
//! * [`store`] - the record that stays.
//! * `taking_over` - conversations that come from another engine with their legs.
//! * [`import`] - transcripts that were typed or come from elsewhere, judged like live calls.
//! * [`housekeeping`] - forgets conversations whose time is over.
//! * [`model`] - the recogniser's files: what they are, where they lie, how they get there.
//! * [`number_words`] - words for numbers below a hundred.
//! * [`applications`], [`token`] - who may come in.
//! * [`counters`] - what happened, for metrics.
//! * [`settings`] - every number that can be set.

pub mod analysis;
pub mod applications;
mod arrivals;
pub mod conversation;
pub mod counters;
pub mod directory;
pub mod hearing;
pub mod housekeeping;
pub mod http;
pub mod import;
pub mod insight;
pub mod listening;
pub mod llm;
pub mod meaning;
pub mod model;
pub mod number_words;
pub mod settings;
pub mod speech;
mod state;
pub mod store;
mod taking_over;
pub mod token;

pub use state::{Counts, EngineState};

/// Returns a time as the protocol writes it: `2026-03-04T15:20:05.200Z`.
fn iso(unix_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}
