//! The engine: a self-hosted server of the Symbl protocol. Never imports the bridge; they meet on the wire.
//!
//! * [`http`] - the protocol's paths: tokens, Streaming, Subscribe. Sockets and statuses, no decisions about calls.
//! * [`conversation`] - one live conversation: who is in it, who hears what, when it ends.
//! * [`directory`] - connection id to conversation, with every limit on their number.
//! * [`hearing`] - the boundary to speech recognition.
//! * [`applications`], [`token`] - who may come in.
//! * [`counters`] - what happened, for metrics.
//! * [`settings`] - every number that can be set.

pub mod applications;
pub mod conversation;
pub mod counters;
pub mod directory;
pub mod hearing;
pub mod http;
pub mod settings;
mod state;
pub mod token;

pub use state::{Counts, EngineState};
