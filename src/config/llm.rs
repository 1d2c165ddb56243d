//! The optional language model.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::reader::Reader;

/// The language model that is asked for a second opinion.
#[derive(Debug, Clone)]
pub struct LlmSettings {
    /// The base of an OpenAI-compatible endpoint.
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

/// Returns the settings; none without a base URL.
pub(super) fn read(read: &mut Reader) -> Option<LlmSettings> {
    // Every key is read, so that a mistake shows before the stage is switched on.
    let base_url = read.parsed("llm.base_url", base_url);
    let model = read.text("llm.model");
    let api_key = read.secret("llm.api_key");
    let timeout = read.millis("llm.timeout_ms", 100..=60_000);
    let unredacted = read.flag("llm.unredacted");
    let base_url = base_url?;
    if model.is_none() {
        read.problem("llm.model", "is missing, but llm.base_url is set", "name a model of the endpoint");
    }
    Some(LlmSettings { base_url, model: model?, api_key, timeout, unredacted })
}

fn base_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https")
        || !is_plain
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err("must be an http or https address without user, query and fragment".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}
