//! Sends requests to Twilio's REST API: host, credentials, patience (`twilio-protocol` 6.1, 6.8).

use std::time::Duration;

use awc::http::header;

use crate::twilio::rest::{Method, RestFailure, RestRequest};
use crate::twilio::{AccountSid, AuthToken, PublicUrl};

/// The largest answer that is read: a page holds at most 1000 entries.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Twilio's pause that is still waited for; after a longer one people should come back themselves.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// The pause when Twilio names none.
const PAUSE: Duration = Duration::from_millis(500);

/// Most pages of a list that are read.
const MOST_PAGES: usize = 20;

/// A way to ask for one account.
pub(super) struct TwilioRest {
    http: awc::Client,
    base: PublicUrl,
    account: AccountSid,
    tokens: Vec<AuthToken>,
}

impl TwilioRest {
    /// Returns a way to ask; `base` is Twilio's address, to which alone the credentials go.
    pub(super) fn new(
        http: awc::Client,
        base: PublicUrl,
        account: AccountSid,
        tokens: Vec<AuthToken>,
    ) -> Self {
        Self { http, base, account, tokens }
    }

    /// Returns whose account it is.
    pub(super) fn account(&self) -> &AccountSid {
        &self.account
    }

    /// Sends a request; returns the body of the answer. While tokens are being changed the one that works is found.
    ///
    /// # Errors
    ///
    /// As the API says; what may pass was tried a second time, unless it changes something.
    pub(super) async fn send(&self, request: &RestRequest) -> Result<Vec<u8>, RestFailure> {
        let mut outcome = Err(RestFailure::NoAnswer("no auth token is configured".to_owned()));
        for token in &self.tokens {
            outcome = self.send_patiently(request, token).await;
            if !matches!(outcome, Err(RestFailure::Unauthorised { .. })) {
                break;
            }
        }
        outcome
    }

    /// Reads a list to its end, page by page; `read` takes a body and returns its entries and the next page.
    pub(super) async fn list<T>(
        &self,
        first: RestRequest,
        read: impl Fn(&[u8]) -> Result<crate::twilio::rest::Page<T>, crate::twilio::rest::BadAnswer>,
    ) -> Result<Vec<T>, RestFailure> {
        let mut entries = Vec::new();
        let mut next = Some(first);
        for _ in 0..MOST_PAGES {
            let Some(request) = next.take() else { break };
            let body = self.send(&request).await?;
            let page = read(&body).map_err(|fault| RestFailure::NoAnswer(fault.to_string()))?;
            entries.extend(page.entries);
            next = page.next.as_deref().and_then(RestRequest::next_page);
        }
        Ok(entries)
    }

    async fn send_patiently(&self, request: &RestRequest, token: &AuthToken) -> Result<Vec<u8>, RestFailure> {
        let outcome = self.attempt(request, token).await;
        let pause = match &outcome {
            Err(RestFailure::TooMany { retry_after, .. }) => retry_after.unwrap_or(PAUSE),
            Err(RestFailure::Server { .. }) => PAUSE,
            _ => return outcome,
        };
        if request.method == Method::Post || pause > LONGEST_PAUSE {
            return outcome;
        }
        tokio::time::sleep(pause).await;
        self.attempt(request, token).await
    }

    async fn attempt(&self, request: &RestRequest, token: &AuthToken) -> Result<Vec<u8>, RestFailure> {
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
                awc::error::SendRequestError::Connect(cause) => super::model::with_causes(cause),
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
