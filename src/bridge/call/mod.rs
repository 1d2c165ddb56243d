//! Decisions about calls. Pure: no clock, no socket, no actor; every schedule of events can be tested.
//!
//! * [`leg`] - one caller's connection: when to connect, start, send, stop, give up.
//! * [`upload`] - the leg's audio on its way out, bounded.

pub mod leg;
pub mod upload;
