//! Twilio's REST API as far as it is used (`twilio-protocol` 6). Only [`client`] touches a socket.
//!
//! * [`request`] - what can be asked for: method, target, form.
//! * [`answer`] - what comes back: the account, its numbers, its calls, its conferences.
//! * [`failure`] - what comes back instead, and whether the same request may succeed later.
//! * [`client`] - sends one request, once.

pub mod answer;
pub mod client;
pub mod failure;
pub mod request;

pub use answer::{Account, BadAnswer, Call, Conference, IncomingNumber, Page, Participant};
pub use client::RestClient;
pub use failure::RestFailure;
pub use request::{Method, NewStream, NumberChange, RestRequest};

/// Where the API is when no edge or region is wanted.
pub const DEFAULT_BASE: &str = "https://api.twilio.com";
