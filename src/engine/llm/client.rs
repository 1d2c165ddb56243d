//! One question over HTTP, in the form of the OpenAI chat completions.

use std::time::Duration;

use awc::http::header;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::LlmSettings;
use super::prompt::Prompt;

/// Bytes of an answer; what is asked for needs a tenth of it.
const LARGEST_ANSWER: usize = 256 * 1024;

/// Asks one endpoint. Never leaves its thread.
pub struct Client {
    http: awc::Client,
    url: String,
    model: String,
    api_key: Option<SecretString>,
    timeout: Duration,
}

/// Why there is no answer. Says nothing of what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// It took too long.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// There is nobody, or they hung up.
    #[error("the endpoint cannot be reached: {0}")]
    Unreachable(String),
    /// It said no.
    #[error("the endpoint answered with status {0}")]
    Status(u16),
    /// It said something else.
    #[error("the endpoint's answer is not what was asked for")]
    Nonsense,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Reply,
}

#[derive(Deserialize)]
struct Reply {
    content: String,
}

impl Client {
    /// Returns a client for the calling thread.
    pub fn new(settings: &LlmSettings) -> Self {
        let connector = awc::Connector::new().timeout(settings.timeout);
        // A redirect could take the key and the text elsewhere.
        let http = awc::Client::builder().connector(connector).disable_redirects().finish();
        Self {
            http,
            url: format!("{}/chat/completions", settings.base_url.trim_end_matches('/')),
            model: settings.model.clone(),
            api_key: settings.api_key.clone(),
            timeout: settings.timeout,
        }
    }

    /// Returns the text that answers a question.
    ///
    /// # Errors
    ///
    /// Whatever the endpoint does that is not an answer in time.
    pub async fn ask(&self, prompt: &Prompt) -> Result<String, LlmError> {
        tokio::time::timeout(self.timeout, self.ask_at_leisure(prompt))
            .await
            .unwrap_or(Err(LlmError::Late(self.timeout)))
    }

    async fn ask_at_leisure(&self, prompt: &Prompt) -> Result<String, LlmError> {
        let mut request = self.http.post(&self.url).timeout(self.timeout);
        if let Some(key) = &self.api_key {
            request =
                request.insert_header((header::AUTHORIZATION, format!("Bearer {}", key.expose_secret())));
        }
        let body = json!({
            "model": self.model,
            "temperature": 0,
            "response_format": { "type": "json_object" },
            "messages": [
                { "role": "system", "content": prompt.instructions },
                { "role": "user", "content": prompt.transcript },
            ],
        });
        let sent = request.send_json(&body).await;
        let mut response = sent.map_err(|error| LlmError::Unreachable(error.to_string()))?;
        if !response.status().is_success() {
            return Err(LlmError::Status(response.status().as_u16()));
        }
        let bytes = response.body().limit(LARGEST_ANSWER).await;
        let bytes = bytes.map_err(|error| LlmError::Unreachable(error.to_string()))?;
        let completion: Completion = serde_json::from_slice(&bytes).map_err(|_| LlmError::Nonsense)?;
        let first = completion.choices.into_iter().next().ok_or(LlmError::Nonsense)?;
        Ok(first.message.content)
    }
}
