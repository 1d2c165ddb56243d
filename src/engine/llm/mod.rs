//! An optional second opinion from a language model behind any OpenAI-compatible endpoint. Off unless it is configured.
//!
//! * [`notes`] - what one conversation has for it; texts that have left redaction, and nothing that names a person.
//! * [`prompt`] - what it is asked, and what counts as an answer.
//! * [`client`] - one question over HTTP.
//! * [`stage`] - the queue and the thread behind it.
//!
//! It only ever adds: what was found offline has been sent and stored before it is asked, and whatever goes wrong
//! here - no answer, a late one, nonsense - changes nothing.

pub mod client;
pub mod notes;
pub mod prompt;
pub mod stage;

use std::time::Duration;

use secrecy::SecretString;

/// Where the model is, and what it may see.
#[derive(Debug, Clone)]
pub struct LlmSettings {
    /// For instance `https://llm.example.com/v1`; `/chat/completions` is added.
    pub base_url: String,
    /// The model's name.
    pub model: String,
    /// Sent as bearer token.
    pub api_key: Option<SecretString>,
    /// One question, answer included.
    pub timeout: Duration,
    /// Whether conversations go out that are not redacted.
    pub unredacted: bool,
}
