//! Sends one request to the REST API, once: host, credentials, the answer read and bounded. Patience is its caller's.

use awc::http::header;

use super::{Method, RestFailure, RestRequest};
use crate::twilio::{AccountSid, AuthToken, PublicUrl};

/// The largest answer that is read: a page holds at most 1000 entries.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// A way to ask for one account. Cloning it shares its connections.
#[derive(Clone)]
pub struct RestClient {
    http: awc::Client,
    base: PublicUrl,
    account: AccountSid,
}

impl RestClient {
    /// Returns a way to ask; `base` is Twilio's address, to which alone the credentials go.
    pub fn new(http: awc::Client, base: PublicUrl, account: AccountSid) -> Self {
        Self { http, base, account }
    }

    /// Returns whose account it is.
    pub fn account(&self) -> &AccountSid {
        &self.account
    }

    /// Sends a request; returns the body of the answer.
    ///
    /// # Errors
    ///
    /// Twilio's refusal, or no answer; nothing is tried again.
    pub async fn send(&self, request: &RestRequest, token: &AuthToken) -> Result<Vec<u8>, RestFailure> {
        let url = self.base.page(&request.target);
        let (asked, body) = match request.method {
            Method::Get => (self.http.get(url), String::new()),
            Method::Post => {
                let form = "application/x-www-form-urlencoded";
                (self.http.post(url).insert_header((header::CONTENT_TYPE, form)), request.form.encode())
            }
        };
        let asked = asked
            .basic_auth(self.account.as_str(), token.expose())
            .insert_header((header::ACCEPT, "application/json"));
        let no_answer = |fault: String| RestFailure::NoAnswer(fault);
        let mut answer = asked.send_body(body).await.map_err(|fault| {
            let text = match &fault {
                awc::error::SendRequestError::Connect(cause) => with_causes(cause),
                other => other.to_string(),
            };
            no_answer(format!("cannot reach {}: {text}", self.base.authority()))
        })?;
        let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let body = answer.body().limit(LARGEST_ANSWER).await.map_err(|fault| no_answer(fault.to_string()))?;
        match RestFailure::of(answer.status().as_u16(), retry_after.as_deref(), &body) {
            Some(failure) => Err(failure),
            None => Ok(body.to_vec()),
        }
    }
}

/// Returns an error with what caused it: the outermost words seldom say why.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}
