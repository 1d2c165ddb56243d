//! The asynchronous text API: transcripts in, jobs to ask for. What is made of them is read like any conversation.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use utoipa::IntoResponses;

use super::rest::answer::{Refusal, answer_blocking};
use super::rest::request::{self, path_part};
use crate::engine::EngineState;
use crate::engine::import::{Accepted, ImportError, body};
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
    let look_up = move || match state.imports().job(&id, &**state.store())? {
        Some(job) => Ok(JobStatus { id: job.id, status: job.status }),
        None => Err(Refusal::not_found("The jobId is either invalid or does not exist.")),
    };
    answer_blocking(StatusCode::OK, look_up).await
}

async fn take_in(
    payload: web::Payload,
    state: web::Data<EngineState>,
    conversation_id: Option<String>,
) -> HttpResponse {
    let bytes = match request::bytes(payload).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal.response(),
    };
    let now_ms = Timestamp::now().as_millisecond();
    // A megabyte takes a while to read, and the store waits for a disk.
    let submit = move || {
        let transcript = body::read(&bytes, now_ms).map_err(Refusal::bad_request)?;
        let Accepted { conversation_id, job_id } = state.imports().submit(
            transcript,
            conversation_id,
            state.analysis(),
            state.store(),
            state.directory().llm(),
        )?;
        Ok(TextAccepted { conversation_id, job_id })
    };
    answer_blocking(StatusCode::CREATED, submit).await
}

impl From<ImportError> for Refusal {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::TooMany { most } => {
                Self::too_many(format!("There are {most} jobs in progress already; try again later"))
            }
            ImportError::NoConversation => Self::no_conversation(),
            ImportError::GoesOn => {
                Self::conflict("The conversation is still going on; append to it when it is over")
            }
            ImportError::Stopping => Self::unavailable("The server is shutting down."),
            ImportError::Store(error) => error.into(),
        }
    }
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
