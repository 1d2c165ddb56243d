//! The engine: a self-hosted server of the Symbl protocol that really hears.
//!
//! * [`speech`] - audio in, words out: voice activity, segments, recogniser, worker pool. Never touches a socket.
//! * [`model`] - the recogniser's files: what they are, where they lie, how they get there.

pub mod model;
pub mod speech;
