//! What every request passes before its handler: who it comes from, how often that address has been refused, how long
//! its body may take.
//!
//! Work is never limited, refusals are. A contact centre posts hundreds of signed webhooks a second from a few
//! addresses, and those addresses are every Twilio customer's: somebody else's account, pointed at us, must not use up
//! what ours needs. So an address without allowance still gets a request checked that claims Twilio's signature, and
//! only loses its log lines and the word why.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::RETRY_AFTER;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse};
use serde_json::json;

use super::body_deadline;
use super::clients::Clients;
use super::connection::Connection;
use super::rates::Rates;
use crate::config::HttpSettings;
use crate::telemetry::events;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::doors::Door;
use crate::telemetry::seldom::Seldom;

/// Between two log lines about addresses that are limited.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// The rules, and what is remembered of addresses. One a process.
#[derive(Debug)]
pub struct FrontDoor {
    clients: Clients,
    refusals: Rates,
    tokens: Rates,
    body_timeout: Duration,
    limited: Seldom,
    metrics: Metrics,
}

/// What a path is for, as far as limits are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Twilio's webhooks and its media socket.
    Twilio,
    /// Access tokens of the engine.
    Token,
    /// Another socket's handshake, and what else a token opens that somebody might guess.
    Socket,
    /// Anything else.
    Other,
}

impl FrontDoor {
    /// Returns the rules of these settings.
    pub fn new(settings: &HttpSettings, metrics: Metrics) -> Self {
        Self {
            clients: Clients::new(&settings.trusted_proxies, settings.limit_loopback),
            refusals: Rates::per_minute(settings.refusals_per_minute),
            tokens: Rates::per_minute(settings.tokens_per_minute),
            body_timeout: settings.body_timeout,
            limited: Seldom::every(LOG_PAUSE),
            metrics,
        }
    }

    /// Counts somebody who was refused before a handler was asked.
    pub fn refused(&self, reason: &'static str) {
        self.metrics.doors.refused(Door::Listener, reason);
    }

    /// Returns whose connection it is.
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Returns how long an address must wait before anything is done for it.
    fn wait(&self, purpose: Purpose, address: IpAddr, now: Instant) -> Option<Duration> {
        if purpose == Purpose::Other {
            return None;
        }
        self.refusals.wait(address, now).or_else(|| {
            let wait = (purpose == Purpose::Token).then(|| self.tokens.wait(address, now))?;
            if wait.is_none() && self.tokens.charge(address, now) {
                self.tell(address, "access tokens");
            }
            wait
        })
    }

    /// Notes an answer; too many refusals cost an address its allowance.
    fn note(&self, purpose: Purpose, status: StatusCode, address: IpAddr, now: Instant) {
        // 429 is said because of what others use. What is elsewhere refused needs tokens that nobody guesses, and a
        // client whose token has expired must be able to ask for another.
        let is_refusal =
            purpose != Purpose::Other && status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS;
        if is_refusal && self.refusals.charge(address, now) {
            self.tell(address, "refused requests");
        }
    }

    fn tell(&self, address: IpAddr, of: &str) {
        if let Some(times) = self.limited.count() {
            let address = address.to_string();
            events::AddressLimited { leg: None, address: &address, of, times }.emit();
        }
    }
}

/// The middleware.
///
/// # Errors
///
/// Those of what it wraps.
pub async fn pass<B: MessageBody>(
    door: Data<FrontDoor>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let connection = request.request().conn_data::<Rc<Connection>>().cloned();
    let Some(connection) = connection else {
        return answer(&door, request, next).await;
    };
    connection.request_began();
    let response = answer(&door, request, next).await;
    match &response {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => connection.became_socket(),
        _ => connection.request_ended(),
    }
    response
}

async fn answer<B: MessageBody>(
    door: &FrontDoor,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let mut client = door.clients.client_of(&request);
    // As routes see it: decoded, or an encoded letter would lead around the limits.
    let purpose = Purpose::of(request.match_info().as_str());
    let wait = client.counted().and_then(|address| door.wait(purpose, address, Instant::now()));
    if let Some(wait) = wait
        && !(purpose == Purpose::Twilio && request.headers().contains_key("x-twilio-signature"))
    {
        door.refused("address_limited");
        return Ok(request.into_response(too_many(purpose, wait)).map_into_right_body());
    }
    client.is_notorious = wait.is_some();
    request.extensions_mut().insert(client);
    let late = match *request.method() {
        Method::GET => body_deadline::Late::default(),
        _ => body_deadline::bound(&mut request, door.body_timeout),
    };
    let response = next.call(request).await?;
    if let Some(address) = client.counted() {
        door.note(purpose, response.status(), address, Instant::now());
    }
    if late.is_late() {
        door.refused("body_timeout");
        return Ok(response.into_response(too_slow()).map_into_right_body());
    }
    match wait.filter(|_| response.status().is_client_error()) {
        Some(wait) => Ok(response.into_response(too_many(purpose, wait)).map_into_right_body()),
        None => Ok(response.map_into_left_body()),
    }
}

fn too_many(purpose: Purpose, wait: Duration) -> HttpResponse {
    let mut response = HttpResponse::TooManyRequests();
    response.insert_header((RETRY_AFTER, wait.as_secs().saturating_add(1)));
    match purpose {
        Purpose::Token | Purpose::Socket => response.json(json!({ "message": "Too many requests" })),
        Purpose::Twilio | Purpose::Other => response.body("too many refused requests from this address\n"),
    }
}

fn too_slow() -> HttpResponse {
    HttpResponse::RequestTimeout()
        .force_close()
        .body("the body took too long; http.body_timeout_ms bounds it\n")
}

impl Purpose {
    /// Returns what a decoded path is for. Slashes may be doubled.
    fn of(path: &str) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        match (segments.next(), segments.next()) {
            (Some("twilio"), _) => Self::Twilio,
            (Some("oauth2"), _) => Self::Token,
            (Some("v1"), Some("realtime" | "streaming" | "subscribe"))
            | (Some("session"), Some("subscribe"))
            | (Some("subscribe"), _)
            | (Some("symbl"), _)
            // The dashboard's page takes the access token, too.
            | (None, _) => Self::Socket,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_by_their_purpose_however_they_are_written() {
        for (path, purpose) in [
            ("/twilio/twiml", Purpose::Twilio),
            ("/twilio/media/", Purpose::Twilio),
            ("//oauth2//token:generate", Purpose::Token),
            ("/oauth2/token%3Agenerate", Purpose::Token),
            ("/v1/realtime/insights/a", Purpose::Socket),
            ("//v1/streaming/a", Purpose::Socket),
            ("/session/subscribe/a", Purpose::Socket),
            ("/subscribe/a", Purpose::Socket),
            ("//symbl/updates", Purpose::Socket),
            ("/symbl/session", Purpose::Socket),
            ("/", Purpose::Socket),
            ("/v1/conversations/1/messages", Purpose::Other),
            ("/healthz", Purpose::Other),
        ] {
            assert_eq!(Purpose::of(path), purpose, "{path}");
        }
    }
}
