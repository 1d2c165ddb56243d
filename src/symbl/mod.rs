//! The Symbl protocol's messages in both directions, and what a client of it needs. No actors, no sockets.
//!
//! * [`server_message`] - what a server sends: acknowledgements, results, insights, errors, in the two envelopes.
//! * [`client_message`] - what a client sends, in every spelling seen in the wild.
//! * [`process_text`] - bodies of the asynchronous text API.
//! * [`start_template`] - the `start_request` a bridge sends, from a file that operators edit.
//! * [`rest`] - the bodies of the REST API.
//! * [`endpoint`] - where a server lives: token, streaming and subscribe addresses from one base URL.
//! * [`token`] - the token client: one request in flight, cached, renewed early.

pub mod client_message;
pub mod endpoint;
mod loose;
pub mod process_text;
pub mod rest;
pub mod server_message;
pub mod start_template;
pub mod token;

/// Who speaks on a leg, as `start_request.speaker` and the updates name them.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Speaker {
    /// Any string that tells speakers apart: a phone number, an e-mail address.
    #[serde(default)]
    pub user_id: String,
    /// The name to show.
    #[serde(default)]
    pub name: String,
}
