//! How every REST route answers: work on a thread that may wait, JSON out, failures as `{"message": ...}`.

use std::fmt::Display;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use log::error;
use serde::Serialize;
use utoipa::IntoResponses;

use crate::engine::EngineState;
use crate::engine::http::message;
use crate::engine::store::view::StoredConversation;
use crate::engine::store::{Store, StoreError};
use crate::symbl::rest::Said;

/// A request that is not answered with what it asked for.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    /// Returns a complaint about the request.
    pub fn bad_request(text: impl Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text: text.to_string() }
    }

    /// Returns that a thing does not exist.
    pub fn not_found(text: impl Display) -> Self {
        Self { status: StatusCode::NOT_FOUND, text: text.to_string() }
    }

    /// Returns that the thing's state stands against it.
    pub fn conflict(text: impl Display) -> Self {
        Self { status: StatusCode::CONFLICT, text: text.to_string() }
    }

    /// Returns that there is too much to do; later may be better.
    pub fn too_many(text: impl Display) -> Self {
        Self { status: StatusCode::TOO_MANY_REQUESTS, text: text.to_string() }
    }

    /// Returns that nothing is done now; later may be better.
    pub fn unavailable(text: impl Display) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, text: text.to_string() }
    }

    /// Returns that there is no such conversation.
    pub fn no_conversation() -> Self {
        Self::not_found("The conversationId is either invalid or does not exist.")
    }

    /// Returns that the body is too large.
    pub fn too_large() -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, text: "The request is larger than 1 MB".to_owned() }
    }

    /// Returns the answer.
    pub fn response(&self) -> HttpResponse {
        let mut response = message(self.status, &self.text);
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let (status, text) = match &error {
            StoreError::NameTaken { name } => {
                (StatusCode::CONFLICT, format!("A tracker with the name \"{name}\" already exists"))
            }
            StoreError::TooManyTrackers { most } => {
                (StatusCode::CONFLICT, format!("At most {most} trackers can be stored"))
            }
            StoreError::Stalled | StoreError::Unreachable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "The store is busy; try again later".to_owned())
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "The store failed".to_owned()),
        };
        // What the operator has to know is nothing the client has to.
        if status.is_server_error() {
            error!(error:% = error; "a request failed on the store");
        }
        Self { status, text }
    }
}

/// Answers 200 with what the work on the store returns.
pub async fn answer<T: Serialize>(
    state: &EngineState,
    work: impl FnOnce(&dyn Store) -> Result<T, Refusal> + Send + 'static,
) -> HttpResponse {
    answer_with(StatusCode::OK, state, work).await
}

/// Answers with what the work on the store returns. It sees everything that was recorded before, and the JSON is
/// written where it works: ten thousand messages take a while.
pub async fn answer_with<T: Serialize>(
    status: StatusCode,
    state: &EngineState,
    work: impl FnOnce(&dyn Store) -> Result<T, Refusal> + Send + 'static,
) -> HttpResponse {
    let store = Arc::clone(state.store());
    let work = move || {
        store.flush();
        work(&*store)
    };
    answer_blocking(status, work).await
}

/// Answers with what some work returns that takes a while or waits.
pub async fn answer_blocking<T: Serialize>(
    status: StatusCode,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> HttpResponse {
    let done = web::block(move || {
        let body = work()?;
        serde_json::to_vec(&body).map_err(|error| {
            error!(error:% = error; "an answer cannot be written as JSON");
            internal()
        })
    });
    match done.await {
        Ok(Ok(body)) => HttpResponse::build(status)
            .content_type("application/json")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(body),
        Ok(Err(refusal)) => refusal.response(),
        Err(error) => {
            error!(error:% = error; "work on a request was not finished");
            internal().response()
        }
    }
}

fn internal() -> Refusal {
    Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, text: "Internal server error".to_owned() }
}

/// Returns a conversation, or that there is none.
pub fn conversation(store: &dyn Store, id: &str) -> Result<StoredConversation, Refusal> {
    store.conversation(id)?.ok_or_else(Refusal::no_conversation)
}

/// Returns seconds between two times, never less than none.
pub fn seconds(from_ms: i64, until_ms: i64) -> f64 {
    until_ms.saturating_sub(from_ms).max(0) as f64 / 1000.0
}

/// Failures of a request that reads.
#[derive(IntoResponses)]
pub enum ReadFailures {
    /// A parameter is wrong.
    #[response(status = 400)]
    BadRequest(Said),
    /// The token is missing, wrong or expired.
    #[response(status = 401)]
    Unauthorised(Said),
    /// There is no such thing.
    #[response(status = 404)]
    NotFound(Said),
    /// The server failed.
    #[response(status = 500)]
    Failed(Said),
    /// The server is busy.
    #[response(status = 503)]
    Busy(Said),
}

/// Failures of a request with a body.
#[derive(IntoResponses)]
pub enum ChangeFailures {
    /// A parameter or the body is wrong.
    #[response(status = 400)]
    BadRequest(Said),
    /// The token is missing, wrong or expired.
    #[response(status = 401)]
    Unauthorised(Said),
    /// There is no such thing.
    #[response(status = 404)]
    NotFound(Said),
    /// The body has more than 1 MB.
    #[response(status = 413)]
    TooLarge(Said),
    /// The server failed.
    #[response(status = 500)]
    Failed(Said),
    /// The server is busy.
    #[response(status = 503)]
    Busy(Said),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::iso;

    #[test]
    fn times_have_milliseconds_and_nothing_is_out_of_range() {
        assert_eq!(iso(1_772_637_605_200), "2026-03-04T15:20:05.200Z");
        assert_eq!(iso(i64::MAX), "1970-01-01T00:00:00.000Z");
        assert_eq!(seconds(0, 1700), 1.7);
        assert_eq!(seconds(i64::MAX, i64::MIN), 0.0);
    }
}
