//! The asynchronous text API: transcripts in, jobs to ask for. What is made of them is read like any conversation.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use log::error;
use percent_encoding::percent_decode_str;
use utoipa::IntoResponses;

use super::message;
use crate::engine::EngineState;
use crate::engine::import::{Accepted, ImportError, body};
use crate::engine::store::StoreError;
use crate::symbl::process_text::{JobStatus, TextAccepted, TextToProcess};
use crate::symbl::rest::Said;

/// Processes a transcript as a conversation of its own.
///
/// It gets the same insights as a live call. Poll the job, then read the conversation.
#[utoipa::path(post, path = "/v1/process/text", tag = "Async text", operation_id = "processText",
    request_body = TextToProcess,
    responses((status = 201, body = TextAccepted, description = "It is taken in"), Failures))]
pub async fn post(payload: web::Payload, state: web::Data<EngineState>) -> HttpResponse {
    take_in(payload, state, None).await
}

/// Adds a transcript to the end of a conversation that is over.
///
/// Several for one conversation are processed in the order they came.
#[utoipa::path(put, path = "/v1/process/text/{conversationId}", tag = "Async text", operation_id = "appendText",
    params(("conversationId" = String, Path)), request_body = TextToProcess,
    responses((status = 201, body = TextAccepted, description = "It is taken in"), Failures))]
pub async fn put(request: HttpRequest, payload: web::Payload, state: web::Data<EngineState>) -> HttpResponse {
    let id = path_part(&request, "conversationId");
    take_in(payload, state, Some(id)).await
}

/// Returns how far a job is.
#[utoipa::path(get, path = "/v1/job/{jobId}", tag = "Async text", operation_id = "getJob",
    params(("jobId" = String, Path)),
    responses((status = 200, body = JobStatus, description = "The job"), Failures))]
pub async fn job(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = path_part(&request, "jobId");
    let found = web::block(move || state.imports().job(&id, &**state.store())).await;
    match found {
        Ok(Ok(Some(job))) => HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(JobStatus { id: job.id, status: job.status }),
        Ok(Ok(None)) => message(StatusCode::NOT_FOUND, "The jobId is either invalid or does not exist."),
        Ok(Err(error)) => store_failure(&error),
        Err(error) => unfinished(&error),
    }
}

async fn take_in(
    payload: web::Payload,
    state: web::Data<EngineState>,
    conversation_id: Option<String>,
) -> HttpResponse {
    let bytes = match payload.to_bytes_limited(super::BODY_LIMIT).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return message(StatusCode::BAD_REQUEST, "The request body could not be read"),
        Err(_) => return message(StatusCode::PAYLOAD_TOO_LARGE, "The request is larger than 1 MB"),
    };
    let now_ms = Timestamp::now().as_millisecond();
    // A megabyte takes a while to read, and the store waits for a disk.
    let done = web::block(move || {
        let transcript = body::read(&bytes, now_ms).map_err(Refusal::Body)?;
        let imports = state.imports();
        let taken = imports.submit(
            transcript,
            conversation_id,
            state.analysis(),
            state.store(),
            state.directory().llm(),
        );
        taken.map_err(Refusal::Import)
    });
    match done.await {
        Ok(Ok(Accepted { conversation_id, job_id })) => {
            HttpResponse::Created().json(TextAccepted { conversation_id, job_id })
        }
        Ok(Err(refusal)) => refusal.response(),
        Err(error) => unfinished(&error),
    }
}

enum Refusal {
    Body(String),
    Import(ImportError),
}

impl Refusal {
    fn response(&self) -> HttpResponse {
        match self {
            Self::Body(complaint) => message(StatusCode::BAD_REQUEST, complaint),
            Self::Import(ImportError::TooMany { most }) => later(
                StatusCode::TOO_MANY_REQUESTS,
                &format!("There are {most} jobs in progress already; try again later"),
            ),
            Self::Import(ImportError::NoConversation) => {
                message(StatusCode::NOT_FOUND, "The conversationId is either invalid or does not exist.")
            }
            Self::Import(ImportError::GoesOn) => message(
                StatusCode::CONFLICT,
                "The conversation is still going on; append to it when it is over",
            ),
            Self::Import(ImportError::Stopping) => {
                later(StatusCode::SERVICE_UNAVAILABLE, "The server is shutting down.")
            }
            Self::Import(ImportError::Store(error)) => store_failure(error),
        }
    }
}

fn store_failure(failure: &StoreError) -> HttpResponse {
    // What the operator has to know is nothing the client has to.
    error!(error:% = failure; "a request failed on the store");
    match failure {
        StoreError::Stalled => later(StatusCode::SERVICE_UNAVAILABLE, "The store is busy; try again later"),
        _ => message(StatusCode::INTERNAL_SERVER_ERROR, "The store failed"),
    }
}

fn unfinished(error: &actix_web::error::BlockingError) -> HttpResponse {
    error!(error:%; "work on a transcript was not finished");
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
}

fn later(status: StatusCode, text: &str) -> HttpResponse {
    let mut response = message(status, text);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
    response
}

fn path_part(request: &HttpRequest, name: &str) -> String {
    percent_decode_str(request.match_info().get(name).unwrap_or_default()).decode_utf8_lossy().into_owned()
}

/// Failures of this API.
#[derive(IntoResponses)]
pub enum Failures {
    /// The body or a parameter is wrong.
    #[response(status = 400)]
    BadRequest(Said),
    /// The token is missing, wrong or expired.
    #[response(status = 401)]
    Unauthorised(Said),
    /// There is no such thing.
    #[response(status = 404)]
    NotFound(Said),
    /// The conversation is still going on.
    #[response(status = 409)]
    GoesOn(Said),
    /// The body has more than 1 MB.
    #[response(status = 413)]
    TooLarge(Said),
    /// Too many jobs are in progress; `Retry-After` says when to try again.
    #[response(status = 429)]
    TooMany(Said),
    /// The server failed.
    #[response(status = 500)]
    Failed(Said),
    /// The server is busy or shutting down.
    #[response(status = 503)]
    Busy(Said),
}
