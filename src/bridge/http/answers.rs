//! Counts Twilio's webhooks by what they were answered, and measures how long that took.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::bridge::services::Services;

/// The middleware of a webhook's route.
///
/// # Errors
///
/// Those of what it wraps.
pub async fn count<B: MessageBody>(
    services: Data<Services>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let began = Instant::now();
    let kind = kind(request.match_pattern().as_deref());
    let answered = next.call(request).await;
    let status = match &answered {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    services.shared.metrics.doors.answered(kind, status.as_u16(), began.elapsed().as_secs_f64());
    answered
}

/// Returns the stable word for a route.
fn kind(pattern: Option<&str>) -> &'static str {
    match pattern {
        Some("/twilio/twiml") => "twiml",
        Some("/twilio/statuschange") => "call_status",
        Some("/twilio/stream-events") => "stream_status",
        Some("/twilio/conference") => "conference_status",
        Some("/twilio/dial-done") => "dial_done",
        _ => "other",
    }
}
