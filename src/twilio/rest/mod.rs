//! Twilio's REST API as far as it is used: messages to and from bytes (`twilio-protocol` 6). Never touches a socket.
//!
//! * [`request`] - what can be asked for: method, target, form.
//! * [`answer`] - what comes back: the account, its numbers, its calls.
//! * [`failure`] - what comes back instead, and whether the same request may succeed later.

pub mod answer;
pub mod failure;
pub mod request;

pub use answer::{Account, BadAnswer, Call, IncomingNumber, Page};
pub use failure::RestFailure;
pub use request::{Method, NumberChange, RestRequest};

/// Where the API is when no edge or region is wanted.
pub const DEFAULT_BASE: &str = "https://api.twilio.com";
