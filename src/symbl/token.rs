//! The token client: one request in flight, cached, renewed early (`symbl-protocol` 1.1).
//!
//! One [`TokenClient`] serves all worker threads; each caller lends its own thread's HTTP client. The cache's lock
//! is held during a request, so whoever comes meanwhile waits for that one answer, be it a token or a failure.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::endpoint::Endpoint;

/// A token is renewed this long before it expires, or after four fifths of a shorter life.
const RENEW_BEFORE_EXPIRY: Duration = Duration::from_secs(300);

/// An answer of the token endpoint is a few hundred bytes; more than this is not one.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Gets and keeps the access token of one application.
pub struct TokenClient {
    endpoint: Endpoint,
    app_id: String,
    app_secret: SecretString,
    cache: Mutex<Cache>,
    account: Account,
}

/// What the token endpoint has said so far.
#[derive(Default)]
struct Account {
    counts: [AtomicU64; Outcome::ALL.len()],
    last_failure: StdMutex<Option<TokenError>>,
}

/// What became of a request for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There was a token.
    Granted,
    /// [`TokenError::Refused`].
    Refused,
    /// [`TokenError::Unavailable`].
    Unavailable,
    /// [`TokenError::Unreachable`].
    Unreachable,
    /// [`TokenError::BadAnswer`].
    BadAnswer,
}

impl Outcome {
    /// All outcomes, in the order of the enum.
    pub const ALL: [Self; 5] =
        [Self::Granted, Self::Refused, Self::Unavailable, Self::Unreachable, Self::BadAnswer];

    /// Returns the stable word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Unreachable => "unreachable",
            Self::BadAnswer => "bad_answer",
        }
    }
}

impl Account {
    fn note<T>(&self, answer: &Result<T, TokenError>) {
        let outcome = match answer {
            Ok(_) => Outcome::Granted,
            Err(TokenError::Refused { .. }) => Outcome::Refused,
            Err(TokenError::Unavailable { .. }) => Outcome::Unavailable,
            Err(TokenError::Unreachable { .. }) => Outcome::Unreachable,
            Err(TokenError::BadAnswer { .. }) => Outcome::BadAnswer,
        };
        self.counts[outcome as usize].fetch_add(1, Ordering::Relaxed);
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = answer.as_ref().err().cloned();
    }
}

#[derive(Default)]
struct Cache {
    token: Option<Cached>,
    last_failure: Option<(Instant, TokenError)>,
}

struct Cached {
    token: AccessToken,
    renew_at: Instant,
}

/// A bearer token; its text cannot be printed.
#[derive(Debug, Clone)]
pub struct AccessToken {
    text: SecretString,
    expires_at: Instant,
}

impl AccessToken {
    /// Returns the text, for a header or a query; never for a log.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Returns for how many seconds it is still good.
    pub fn seconds_left(&self) -> u64 {
        self.expires_at.saturating_duration_since(Instant::now()).as_secs()
    }
}

/// Why there is no token.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// The server knows the credentials and says no; asking again would not help.
    #[error("the token endpoint answered {status}: check SYMBL_APP_ID and SYMBL_APP_SECRET")]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// The server is overloaded or broken for now.
    #[error("the token endpoint answered {status}")]
    Unavailable {
        /// HTTP status.
        status: u16,
    },
    /// No answer.
    #[error("could not reach the token endpoint: {reason}")]
    Unreachable {
        /// The HTTP client's words; they hold no secret.
        reason: String,
    },
    /// An answer that holds no token.
    #[error("the token endpoint's answer holds no token: {reason}")]
    BadAnswer {
        /// What is wrong with it.
        reason: String,
    },
}

impl TokenError {
    /// Returns whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenRequest<'a> {
    r#type: &'static str,
    app_id: &'a str,
    app_secret: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenAnswer {
    access_token: SecretString,
    /// Seconds.
    expires_in: u64,
}

impl TokenClient {
    /// Returns a client without a token yet.
    pub fn new(endpoint: Endpoint, app_id: String, app_secret: SecretString) -> Self {
        Self { endpoint, app_id, app_secret, cache: Mutex::default(), account: Account::default() }
    }

    /// Returns how many requests have come out so.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.account.counts[outcome as usize].load(Ordering::Relaxed)
    }

    /// Returns why the latest request brought no token; none if it did, or if there was none yet.
    pub fn last_failure(&self) -> Option<TokenError> {
        self.account.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the cached token, or asks for one.
    pub async fn token(&self, http: &awc::Client) -> Result<AccessToken, TokenError> {
        self.token_other_than(None, http).await
    }

    /// Returns a token that is not `refused`: the one that somebody else got meanwhile, or a new one.
    pub async fn renew(&self, refused: &AccessToken, http: &awc::Client) -> Result<AccessToken, TokenError> {
        self.token_other_than(Some(refused), http).await
    }

    async fn token_other_than(
        &self,
        refused: Option<&AccessToken>,
        http: &awc::Client,
    ) -> Result<AccessToken, TokenError> {
        let asked_at = Instant::now();
        let mut cache = self.cache.lock().await;
        if let Some((failed_at, error)) = &cache.last_failure
            && *failed_at >= asked_at
        {
            return Err(error.clone());
        }
        if let Some(refused) = refused
            && cache.token.as_ref().is_some_and(|cached| cached.token.expose() == refused.expose())
        {
            cache.token = None;
        }
        let now = Instant::now();
        if let Some(cached) = cache.token.as_ref().filter(|cached| now < cached.renew_at) {
            return Ok(cached.token.clone());
        }
        let answer = self.request(http).await;
        self.account.note(&answer);
        match answer {
            Ok(answer) => {
                let life = Duration::from_secs(answer.expires_in);
                let token = AccessToken { text: answer.access_token, expires_at: now + life };
                let renew_at = now + (life - RENEW_BEFORE_EXPIRY.min(life / 5));
                cache.token = Some(Cached { token: token.clone(), renew_at });
                Ok(token)
            }
            Err(error) => {
                cache.last_failure = Some((Instant::now(), error.clone()));
                // Early renewal failed, but the old token still has time: the next caller tries again.
                let still_good = cache.token.as_ref().filter(|cached| now < cached.token.expires_at);
                still_good.map(|cached| cached.token.clone()).ok_or(error)
            }
        }
    }

    async fn request(&self, http: &awc::Client) -> Result<TokenAnswer, TokenError> {
        let request = TokenRequest {
            r#type: "application",
            app_id: &self.app_id,
            app_secret: self.app_secret.expose_secret(),
        };
        let unreachable = |reason: String| TokenError::Unreachable { reason };
        let mut answer = http
            .post(self.endpoint.token())
            .send_json(&request)
            .await
            .map_err(|e| unreachable(e.to_string()))?;
        let status = answer.status();
        if !status.is_success() {
            let status = status.as_u16();
            return Err(match status {
                400 | 401 | 403 | 404 => TokenError::Refused { status },
                _ => TokenError::Unavailable { status },
            });
        }
        let body = answer.body().limit(ANSWER_LIMIT).await.map_err(|e| unreachable(e.to_string()))?;
        let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|e| TokenError::BadAnswer {
            reason: format!("line {} column {}", e.line(), e.column()),
        })?;
        if !is_token(answer.access_token.expose_secret()) {
            return Err(TokenError::BadAnswer { reason: "it has characters no header may carry".to_owned() });
        }
        Ok(answer)
    }
}

/// A bearer token goes into a header, so it is visible ASCII.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix_web::{App, HttpResponse, HttpServer, web};
    use serde_json::json;

    use super::*;

    /// A token endpoint on loopback that answers from `script`, by the number of the request.
    fn serve(script: fn(usize) -> HttpResponse) -> (TokenClient, Arc<AtomicUsize>) {
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = requests.clone();
        let server = HttpServer::new(move || {
            let counter = counter.clone();
            App::new().route(
                "/oauth2/token:generate",
                web::post().to(move || {
                    let number = counter.fetch_add(1, Ordering::SeqCst);
                    async move { script(number) }
                }),
            )
        })
        .workers(1)
        .bind("127.0.0.1:0")
        .unwrap();
        let endpoint = Endpoint::parse(&format!("http://{}", server.addrs()[0])).unwrap();
        actix_web::rt::spawn(server.run());
        (TokenClient::new(endpoint, "app".to_owned(), "secret".into()), requests)
    }

    fn token(value: &str, expires_in: u64) -> HttpResponse {
        HttpResponse::Ok().json(json!({ "accessToken": value, "expiresIn": expires_in }))
    }

    #[actix_web::test]
    async fn legs_that_ask_at_once_share_one_request() {
        let (client, requests) = serve(|_| token("one", 86_400));
        let http = awc::Client::default();
        let asked = futures_util::future::join_all((0..20).map(|_| client.token(&http))).await;
        assert!(asked.into_iter().all(|answer| answer.unwrap().expose() == "one"));
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }

    #[actix_web::test]
    async fn legs_that_ask_at_once_share_one_failure() {
        let (client, requests) = serve(|_| HttpResponse::ServiceUnavailable().finish());
        let http = awc::Client::default();
        let asked = futures_util::future::join_all((0..20).map(|_| client.token(&http))).await;
        for answer in asked {
            let error = answer.unwrap_err();
            assert_eq!(error, TokenError::Unavailable { status: 503 });
            assert!(error.is_retryable());
        }
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }

    #[actix_web::test]
    async fn a_refused_token_is_renewed_once_for_all_who_hold_it() {
        let (client, requests) = serve(|n| token(&format!("token{n}"), 86_400));
        let http = awc::Client::default();
        let first = client.token(&http).await.unwrap();
        assert_eq!(client.renew(&first, &http).await.unwrap().expose(), "token1");
        assert_eq!(client.renew(&first, &http).await.unwrap().expose(), "token1");
        assert_eq!(requests.load(Ordering::SeqCst), 2);
    }

    #[actix_web::test]
    async fn a_token_is_renewed_before_it_expires_and_kept_while_renewal_fails() {
        let (client, requests) = serve(|n| match n {
            0 => token("old", 1),
            1 => HttpResponse::BadGateway().finish(),
            _ => token("new", 86_400),
        });
        let http = awc::Client::default();
        assert_eq!(client.token(&http).await.unwrap().expose(), "old");
        tokio::time::sleep(Duration::from_millis(850)).await;
        assert_eq!(client.token(&http).await.unwrap().expose(), "old", "the second answer was a failure");
        assert_eq!(client.last_failure(), Some(TokenError::Unavailable { status: 502 }));
        assert_eq!(client.token(&http).await.unwrap().expose(), "new");
        assert_eq!(client.last_failure(), None);
        let counts = Outcome::ALL.map(|outcome| client.count(outcome));
        assert_eq!(counts, [2, 0, 1, 0, 0]);
        assert_eq!(requests.load(Ordering::SeqCst), 3);
    }

    #[actix_web::test]
    async fn wrong_credentials_and_wrong_answers_are_told_apart() {
        let (client, _) = serve(|n| match n {
            0 => HttpResponse::Unauthorized().finish(),
            1 => HttpResponse::Ok().body("hello"),
            _ => token("with space", 10),
        });
        let http = awc::Client::default();
        let refused = client.token(&http).await.unwrap_err();
        assert!(!refused.is_retryable());
        assert!(refused.to_string().contains("SYMBL_APP_SECRET"));
        for _ in 0..2 {
            assert!(matches!(client.token(&http).await.unwrap_err(), TokenError::BadAnswer { .. }));
        }
    }
}
