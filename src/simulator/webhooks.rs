//! Twilio's HTTP requests to the bridge (twilio-protocol.md, sections 1.1, 1.6 and 7.1).

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::http::header;
use awc::error::SendRequestError;
use awc::{Client, Connector};
use uuid::Uuid;

use super::address::Address;
use super::report::Exchange;
use crate::twilio::{Form, Signer};

/// Twilio waits this long for an answer, retries included.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// Largest body taken; larger than any TwiML may be, so that the reader can say so.
const LARGEST_BODY: usize = 256 * 1024;

/// What one call needs to post requests, and the record of them. Clones share the record.
#[derive(Clone)]
pub(super) struct Webhooks {
    client: Client,
    address: Rc<Address>,
    signer: Option<Rc<Signer>>,
    record: Rc<RefCell<Record>>,
}

/// Everything noted during a call.
#[derive(Default)]
pub(super) struct Record {
    pub(super) exchanges: Vec<Exchange>,
    pub(super) problems: Vec<String>,
}

/// An answer with a body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: String,
}

/// Returns a client fit for many calls at once: no bound on its connections, Twilio's patience.
pub fn client() -> Client {
    // Without a provider awc's TLS panics; an error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().connector(Connector::new().limit(0)).timeout(ANSWER_LIMIT).no_default_headers().finish()
}

impl Webhooks {
    /// Returns a way to post, with an empty record.
    pub(super) fn new(client: Client, address: Rc<Address>, signer: Option<Rc<Signer>>) -> Self {
        Self { client, address, signer, record: Rc::default() }
    }

    /// Returns the client, for sockets.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the addresses.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the signature of an address without fields, if signatures are made.
    pub(super) fn sign_url(&self, url: &str) -> Option<String> {
        self.signer.as_ref().map(|signer| signer.sign_url(url))
    }

    /// Notes something that Twilio would complain of.
    pub(super) fn problem(&self, text: impl Into<String>) {
        self.record.borrow_mut().problems.push(text.into());
    }

    /// Takes the record.
    pub(super) fn take_record(&self) -> Record {
        self.record.take()
    }

    /// Posts a request whose answer is TwiML, and returns it if there is one.
    pub(super) async fn ask(&self, what: &str, url: &str, form: &Form) -> Option<Answer> {
        let begin = Instant::now();
        let answer = self.exchange(url, form).await;
        let outcome = answer.as_ref().map(|answer| answer.status).map_err(Clone::clone);
        self.note(what, url, outcome, begin);
        match answer {
            Ok(answer) => Some(answer),
            Err(cause) => {
                self.problem(format!("{what}: no answer: {cause} (11200)"));
                None
            }
        }
    }

    /// Posts a callback, whose answer matters only if it is an error.
    pub(super) async fn tell(&self, what: &str, url: &str, form: &Form) {
        let begin = Instant::now();
        let outcome = self.exchange(url, form).await.map(|answer| answer.status);
        match &outcome {
            Ok(200..=299) => {}
            Ok(status) => self.problem(format!("{what}: the callback was answered with {status} (15003)")),
            Err(cause) => self.problem(format!("{what}: the callback was not answered: {cause} (15003)")),
        }
        self.note(what, url, outcome, begin);
    }

    fn note(&self, what: &str, url: &str, outcome: Result<u16, String>, begin: Instant) {
        let path = url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned());
        let millis = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.record.borrow_mut().exchanges.push(Exchange { what: what.to_owned(), path, outcome, millis });
    }

    async fn exchange(&self, url: &str, form: &Form) -> Result<Answer, String> {
        let token = Uuid::new_v4().to_string();
        let attempts = async {
            match self.attempt(url, form, &token).await {
                // One retry, of a connection that failed and of nothing else, with the same token.
                Err(SendError::Connect(_)) => self.attempt(url, form, &token).await,
                other => other,
            }
        };
        match tokio::time::timeout(ANSWER_LIMIT, attempts).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(SendError::Connect(cause) | SendError::Other(cause))) => Err(cause),
            Err(_) => Err(format!("nothing within {} s", ANSWER_LIMIT.as_secs())),
        }
    }

    async fn attempt(&self, url: &str, form: &Form, token: &str) -> Result<Answer, SendError> {
        let target = self.address.target(url).map_err(|fault| SendError::Other(fault.to_string()))?;
        let mut request = self
            .client
            .post(&target.url)
            .insert_header((header::HOST, target.host))
            .insert_header((header::USER_AGENT, "TwilioProxy/1.1"))
            .insert_header((header::ACCEPT, "*/*"))
            .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8"))
            .insert_header(("X-Home-Region", "us1"))
            .insert_header(("I-Twilio-Idempotency-Token", token));
        if let Some(signer) = &self.signer {
            request = request.insert_header(("X-Twilio-Signature", signer.sign_form(url, form)));
        }
        let mut response = request.send_body(form.encode()).await.map_err(SendError::from)?;
        let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body =
            response.body().limit(LARGEST_BODY).await.map_err(|fault| SendError::Other(fault.to_string()))?;
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status: response.status().as_u16(), content_type, body })
    }
}

/// Why there is no answer, and whether Twilio would try again.
enum SendError {
    Connect(String),
    Other(String),
}

impl From<SendRequestError> for SendError {
    fn from(fault: SendRequestError) -> Self {
        match fault {
            SendRequestError::Connect(cause) => Self::Connect(cause.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}
