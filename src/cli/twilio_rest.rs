//! Asks Twilio's REST API on behalf of somebody who waits: a short patience (`twilio-protocol` 6.1, 6.8).

use std::time::Duration;

use crate::twilio::rest::{Method, RestClient, RestFailure, RestRequest};
use crate::twilio::{AccountSid, AuthToken, PublicUrl};

/// Twilio's pause that is still waited for; after a longer one people should come back themselves.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// The pause when Twilio names none.
const PAUSE: Duration = Duration::from_millis(500);

/// Most pages of a list that are read.
const MOST_PAGES: usize = 20;

/// A way to ask for one account.
pub(super) struct TwilioRest {
    client: RestClient,
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
        Self { client: RestClient::new(http, base, account), tokens }
    }

    /// Returns whose account it is.
    pub(super) fn account(&self) -> &AccountSid {
        self.client.account()
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
        let outcome = self.client.send(request, token).await;
        let pause = match &outcome {
            Err(RestFailure::TooMany { retry_after, .. }) => retry_after.unwrap_or(PAUSE),
            Err(RestFailure::Server { .. }) => PAUSE,
            _ => return outcome,
        };
        if request.method == Method::Post || pause > LONGEST_PAUSE {
            return outcome;
        }
        tokio::time::sleep(pause).await;
        self.client.send(request, token).await
    }
}
