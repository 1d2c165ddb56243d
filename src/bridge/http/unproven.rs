//! Media sockets that have not proved themselves with `start`: few at once, and not all of one address.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::config::MediaSettings;
use crate::telemetry::events;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::doors::Door;
use crate::telemetry::seldom::Seldom;
use crate::ws::client_address::ClientAddress;
use crate::ws::crowd::{Crowd, Full, Place};

/// Between two log lines about sockets refused here.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// The rule, and who waits for his `start`.
#[derive(Debug, Clone)]
pub struct Unproven {
    crowd: Arc<Crowd>,
    refused: Arc<Seldom>,
    metrics: Metrics,
}

/// There are too many already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many media sockets are open without `start` ({0}); try again")]
pub struct TooManyUnproven(Full);

impl ResponseError for TooManyUnproven {
    fn status_code(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, "1")).body(format!("{self}\n"))
    }
}

impl Unproven {
    /// Returns the rule of these settings.
    pub fn new(settings: &MediaSettings, metrics: Metrics) -> Self {
        let crowd = Crowd::new(settings.max_unproven, settings.max_unproven_per_address);
        Self { crowd, refused: Arc::new(Seldom::every(LOG_PAUSE)), metrics }
    }

    /// Takes a place for a handshake; the socket gives it back when it has proved itself, or ends.
    ///
    /// # Errors
    ///
    /// There is none; told in the log once in a while.
    pub fn admit(&self, request: &HttpRequest) -> Result<Place, TooManyUnproven> {
        self.crowd.enter(ClientAddress::of(request).counted()).map_err(|full| {
            let refusal = TooManyUnproven(full);
            self.metrics.doors.refused(Door::Media, "unproven_full");
            if self.refused.count().is_some() {
                let code = refusal.status_code().as_u16();
                events::MediaSocketRefused { leg: None, reason: &refusal.to_string(), code }.emit();
            }
            refusal
        })
    }
}
