//! Sends requests to Twilio with the patience of somebody whose caller is still talking (`twilio-protocol` 6.8).
//!
//! At most ten are under way. Twilio's "too many" holds all of them back; refused credentials end them all.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};

use super::pace::Pauses;
use crate::telemetry::events;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::seldom::Seldom;
use crate::twilio::rest::{BadAnswer, Method, Page, RestClient, RestFailure, RestRequest};
use crate::twilio::{AccountSid, AuthToken};

/// Requests under way.
const MOST_AT_ONCE: usize = 10;

/// Most pages of a list that are read: 100,000 entries.
const MOST_PAGES: usize = 100;

/// Between two log lines about trouble.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// What requests come to, as metrics call it.
pub(super) const RESULTS: [&str; 7] =
    ["ok", "not_found", "refused", "too_many", "server_error", "no_answer", "unauthorised"];

/// A way to ask that all re-attaching shares.
pub(super) struct TwilioAccess {
    client: RestClient,
    tokens: Vec<AuthToken>,
    places: Semaphore,
    /// Twilio does not want to be asked before.
    held_until: Cell<Option<Instant>>,
    unauthorised: Cell<Option<(u16, Option<u32>)>>,
    told: Seldom,
    metrics: Metrics,
}

impl TwilioAccess {
    pub(super) fn new(client: RestClient, tokens: Vec<AuthToken>, metrics: Metrics) -> Self {
        Self {
            client,
            tokens,
            places: Semaphore::new(MOST_AT_ONCE),
            held_until: Cell::new(None),
            unauthorised: Cell::new(None),
            told: Seldom::every(LOG_PAUSE),
            metrics,
        }
    }

    pub(super) fn account(&self) -> &AccountSid {
        self.client.account()
    }

    /// Returns whether Twilio has refused the credentials: nothing is asked any more.
    pub(super) fn is_unauthorised(&self) -> bool {
        self.unauthorised.get().is_some()
    }

    /// Sends a request, and again as long as that may help and `patience` lasts: always after "too many", which did nothing; after
    /// other trouble only what may be repeated.
    pub(super) async fn send(
        &self,
        request: &RestRequest,
        patience: Duration,
    ) -> Result<Vec<u8>, RestFailure> {
        let began = Instant::now();
        let mut pauses = Pauses::default();
        loop {
            let outcome = self.send_once(request).await;
            let Err(failure) = &outcome else { return outcome };
            let asked = match failure {
                RestFailure::TooMany { retry_after, .. } => *retry_after,
                RestFailure::Server { .. } | RestFailure::NoAnswer(_) if request.method == Method::Get => {
                    None
                }
                _ => return outcome,
            };
            let pause = pauses.next(asked, random());
            if began.elapsed() + pause > patience {
                return outcome;
            }
            if self.told.count().is_some() {
                let in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                events::TwilioRestDelayed { leg: None, reason: &failure.to_string(), in_ms }.emit();
            }
            if matches!(failure, RestFailure::TooMany { .. }) {
                let until = Instant::now() + pause;
                self.held_until.set(Some(self.held_until.get().map_or(until, |held| held.max(until))));
            } else {
                sleep(pause).await;
            }
        }
    }

    /// Reads a list to its end, page by page.
    pub(super) async fn list<T>(
        &self,
        first: RestRequest,
        read: impl Fn(&[u8]) -> Result<Page<T>, BadAnswer>,
        patience: Duration,
    ) -> Result<Vec<T>, RestFailure> {
        let mut entries = Vec::new();
        let mut next = Some(first);
        for _ in 0..MOST_PAGES {
            let Some(request) = next.take() else { break };
            let body = self.send(&request, patience).await?;
            let page = read(&body).map_err(|fault| RestFailure::NoAnswer(fault.to_string()))?;
            entries.extend(page.entries);
            next = page.next.as_deref().and_then(RestRequest::next_page);
        }
        Ok(entries)
    }

    async fn send_once(&self, request: &RestRequest) -> Result<Vec<u8>, RestFailure> {
        let no_place = |_| RestFailure::NoAnswer("the process ends".to_owned());
        let place = self.places.acquire().await.map_err(no_place)?;
        while let Some(held_until) = self.held_until.get().filter(|until| *until > Instant::now()) {
            sleep_until(held_until).await;
        }
        if let Some((status, code)) = self.unauthorised.get() {
            return Err(RestFailure::Unauthorised { status, code });
        }
        let outcome = self.with_the_right_token(request).await;
        drop(place);
        self.metrics.reattach.requests.add(word(&outcome));
        if let Err(failure @ RestFailure::Unauthorised { status, code }) = &outcome
            && self.unauthorised.replace(Some((*status, *code))).is_none()
        {
            events::ReattachStopped { leg: None, reason: &failure.to_string() }.emit();
        }
        outcome
    }

    /// While tokens are being changed the one that works is found.
    async fn with_the_right_token(&self, request: &RestRequest) -> Result<Vec<u8>, RestFailure> {
        let mut outcome = Err(RestFailure::NoAnswer("no auth token is configured".to_owned()));
        for token in &self.tokens {
            outcome = self.client.send(request, token).await;
            if !matches!(outcome, Err(RestFailure::Unauthorised { .. })) {
                break;
            }
        }
        outcome
    }
}

fn word(outcome: &Result<Vec<u8>, RestFailure>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(RestFailure::NotFound { .. }) => "not_found",
        Err(RestFailure::Refused { .. }) => "refused",
        Err(RestFailure::TooMany { .. }) => "too_many",
        Err(RestFailure::Server { .. }) => "server_error",
        Err(RestFailure::NoAnswer(_)) => "no_answer",
        Err(RestFailure::Unauthorised { .. }) => "unauthorised",
    }
}

/// Returns a number from 0 to 1; without randomness the middle, which is no worse for one process.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX))
}
