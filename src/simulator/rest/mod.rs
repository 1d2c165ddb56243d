//! Twilio's REST side of the calls that a simulator makes: a bridge that came back finds them, and starts new streams on them.
//!
//! * [`exchange`] - the calls that are in progress, and what they are told to do.
//! * [`server`] - the API's face: lists, one call, streams, conferences (twilio-protocol.md, section 6).

pub mod exchange;
pub mod server;

pub use exchange::Exchange;
