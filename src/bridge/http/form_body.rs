//! A form from Twilio: read whole and bounded, and its signature checked, before anything is believed.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, web};
use futures_util::StreamExt;

use super::signed;
use crate::bridge::services::Services;
use crate::telemetry::events;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::doors::Door;
use crate::twilio::Form;
use crate::twilio::form::BadForm;
use crate::twilio::signature::{BadSignature, Body};
use crate::ws::client_address::ClientAddress;

/// Twilio's forms have 500 to 900 bytes, some kilobytes with add-ons (`twilio-protocol` 1.4).
const BODY_LIMIT: usize = 64 * 1024;

/// A decoded form.
#[derive(Debug)]
pub struct FormBody(pub Form);

/// Why a request has no form we can use.
#[derive(Debug, thiserror::Error)]
pub enum BadFormBody {
    /// Not from Twilio, or not shown to be.
    #[error("this request is not signed by the Twilio account that this server serves: {0}")]
    Unsigned(#[from] BadSignature),
    /// Another content type.
    #[error("the body must be application/x-www-form-urlencoded, as Twilio posts it")]
    ContentType,
    /// Too long.
    #[error("the body is longer than {BODY_LIMIT} bytes")]
    TooLong,
    /// The connection broke.
    #[error("the body ended early")]
    Broken,
    /// No form, or a form without what is needed.
    #[error(transparent)]
    Form(#[from] BadForm),
    /// A room in the address that cannot be one.
    #[error("`room` in the webhook address: {0}")]
    Room(#[from] crate::bridge::call::room::BadRoom),
    /// The process is ending.
    #[error("the server is shutting down")]
    Ending,
}

impl ResponseError for BadFormBody {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unsigned(_) => StatusCode::FORBIDDEN,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Ending => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken | Self::Form(_) | Self::Room(_) => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .insert_header(ContentType::plaintext())
            .body(format!("{self}\n"))
    }
}

impl BadFormBody {
    /// Returns the stable word for metrics.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Unsigned(_) => "signature",
            Self::ContentType => "content_type",
            Self::TooLong => "too_long",
            Self::Broken => "broken",
            Self::Form(_) => "form",
            Self::Room(_) => "room",
            Self::Ending => "shutting_down",
        }
    }

    /// Counts the refusal; returns itself.
    pub(super) fn counted(self, metrics: &Metrics) -> Self {
        // A missing signature was counted where it was missed.
        if !matches!(self, Self::Unsigned(_)) {
            metrics.doors.refused(Door::Webhook, self.as_str());
        }
        self
    }

    /// Logs the refusal; returns itself.
    pub(super) fn logged(self, path: &str) -> Self {
        events::WebhookRefused { leg: None, path, reason: &self.to_string() }.emit();
        self
    }
}

impl FromRequest for FormBody {
    type Error = BadFormBody;
    type Future = Pin<Box<dyn Future<Output = Result<Self, BadFormBody>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let services = request.app_data::<Data<Services>>().cloned().ok_or(BadFormBody::Ending)?;
            let form = form(&services, &request, payload).await;
            let is_notorious = ClientAddress::of(&request).is_notorious;
            form.map(FormBody)
                .map_err(|error| error.counted(&services.shared.metrics))
                .map_err(|error| if is_notorious { error } else { error.logged(request.path()) })
        })
    }
}

async fn form(services: &Services, request: &HttpRequest, payload: Payload) -> Result<Form, BadFormBody> {
    let body = read(payload).await?;
    if !has_form_type(request) {
        signed::check_webhook(&services.shared, request, Body::Raw(&body))?;
        return Err(BadFormBody::ContentType);
    }
    let form = Form::parse(&body)?;
    signed::check_webhook(&services.shared, request, Body::Form(&form))?;
    Ok(form)
}

/// Only the media type counts; a charset after it does not (`twilio-protocol` 1.1).
fn has_form_type(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else {
        return false;
    };
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn read(mut payload: Payload) -> Result<web::BytesMut, BadFormBody> {
    let mut body = web::BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| BadFormBody::Broken)?;
        if body.len() + piece.len() > BODY_LIMIT {
            return Err(BadFormBody::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
