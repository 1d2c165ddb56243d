//! The Management API for trackers, both generations (`symbl-protocol` 4.2).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use serde_json::Value;

use super::answer::{ChangeFailures, ReadFailures, Refusal, answer, answer_with};
use super::request::{self, Parameters, path_part};
use super::tracker_input;
use crate::engine::EngineState;
use crate::engine::conversation::ids;
use crate::engine::iso;
use crate::engine::store::Store;
use crate::engine::store::view::TrackerRecord;
use crate::symbl::rest::Said;
use crate::symbl::rest::tracker::{
    NewTracker, NewTrackerOrTrackers, Tracker, TrackerAnswer, TrackerChange, TrackerDeleted,
    TrackerOrTrackersAnswer, TrackersAnswer,
};

/// Stores a tracker.
#[utoipa::path(post, path = "/v1/manage/tracker", tag = "Management", operation_id = "createTracker",
    request_body = NewTracker,
    responses((status = 201, body = TrackerAnswer, description = "The tracker"),
        (status = 409, body = Said, description = "The name is taken, or there are too many"),
        ChangeFailures))]
pub async fn create(payload: web::Payload, state: web::Data<EngineState>) -> HttpResponse {
    let tracker = request::body(payload).await.and_then(|body| tracker_input::new_tracker(&body));
    match tracker {
        Ok(tracker) => answer_with(StatusCode::CREATED, &state, move |store| one(store, tracker)).await,
        Err(refusal) => refusal.response(),
    }
}

/// Stores several trackers, all or none.
#[utoipa::path(post, path = "/v1/manage/trackers/bulk", tag = "Management", operation_id = "createTrackersInBulk",
    request_body = Vec<NewTracker>,
    responses((status = 201, body = TrackersAnswer, description = "The trackers"),
        (status = 409, body = Said, description = "The name is taken, or there are too many"),
        ChangeFailures))]
pub async fn create_several(payload: web::Payload, state: web::Data<EngineState>) -> HttpResponse {
    let trackers = request::body(payload).await.and_then(|body| new_trackers(&body));
    match trackers {
        Ok(trackers) => answer_with(StatusCode::CREATED, &state, move |store| several(store, trackers)).await,
        Err(refusal) => refusal.response(),
    }
}

/// Stores a tracker, or several, all or none.
#[utoipa::path(post, path = "/v1/manage/trackers", tag = "Management", operation_id = "createTrackers",
    request_body = NewTrackerOrTrackers,
    responses((status = 201, body = TrackerOrTrackersAnswer, description = "The tracker or trackers"),
        (status = 409, body = Said, description = "The name is taken, or there are too many"),
        ChangeFailures))]
pub async fn create_one_or_several(payload: web::Payload, state: web::Data<EngineState>) -> HttpResponse {
    let body = match request::body(payload).await {
        Ok(body) => body,
        Err(refusal) => return refusal.response(),
    };
    if body.is_array() {
        let trackers = match new_trackers(&body) {
            Ok(trackers) => trackers,
            Err(refusal) => return refusal.response(),
        };
        let work = move |store: &dyn Store| several(store, trackers).map(TrackerOrTrackersAnswer::Several);
        return answer_with(StatusCode::CREATED, &state, work).await;
    }
    match tracker_input::new_tracker(&body) {
        Ok(tracker) => {
            let work = move |store: &dyn Store| {
                one(store, tracker).map(|answer| TrackerOrTrackersAnswer::One(Box::new(answer)))
            };
            answer_with(StatusCode::CREATED, &state, work).await
        }
        Err(refusal) => refusal.response(),
    }
}

/// Lists the stored trackers.
#[utoipa::path(get, path = "/v1/manage/trackers", tag = "Management", operation_id = "listTrackers",
    params(("name" = Option<String>, Query, description = "Only the tracker of this name.")),
    responses((status = 200, body = TrackersAnswer, description = "The trackers"), ReadFailures))]
pub async fn list(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let parameters = Parameters::of(&request);
    answer(&state, move |store| {
        let name = parameters.text("name");
        let trackers = store.trackers();
        let wanted = trackers.iter().filter(|tracker| name.is_none_or(|name| tracker.name == name));
        Ok(TrackersAnswer { trackers: wanted.map(body).collect() })
    })
    .await
}

/// Returns a stored tracker.
#[utoipa::path(get, path = "/v1/manage/trackers/{trackerId}", tag = "Management", operation_id = "getTracker",
    params(("trackerId" = String, Path)),
    responses((status = 200, body = TrackerAnswer, description = "The tracker"), ReadFailures))]
pub async fn get(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = path_part(&request, "trackerId");
    answer(&state, move |store| Ok(TrackerAnswer { tracker: body(&existing(store, &id)?) })).await
}

/// Replaces a stored tracker's name and vocabulary, and what else the body mentions.
#[utoipa::path(put, path = "/v1/manage/tracker/{trackerId}", tag = "Management", operation_id = "replaceTracker",
    params(("trackerId" = String, Path)), request_body = NewTracker,
    responses((status = 200, body = TrackerAnswer, description = "The tracker"),
        (status = 409, body = Said, description = "The name is taken, or there are too many"),
        ChangeFailures))]
pub async fn put(request: HttpRequest, payload: web::Payload, state: web::Data<EngineState>) -> HttpResponse {
    let replace =
        |tracker: &mut TrackerRecord, body: &Value| tracker_input::replace(tracker, request::object(body)?);
    change(&request, payload, &state, replace).await
}

/// Changes a stored tracker, after JSON Patch.
#[utoipa::path(patch, path = "/v1/manage/trackers/{trackerId}", tag = "Management", operation_id = "changeTracker",
    params(("trackerId" = String, Path)), request_body = Vec<TrackerChange>,
    responses((status = 200, body = TrackerAnswer, description = "The tracker"),
        (status = 409, body = Said, description = "The name is taken, or there are too many"),
        ChangeFailures))]
pub async fn patch(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<EngineState>,
) -> HttpResponse {
    change(&request, payload, &state, tracker_input::patch).await
}

async fn change(
    request: &HttpRequest,
    payload: web::Payload,
    state: &EngineState,
    change: fn(&mut TrackerRecord, &Value) -> Result<(), Refusal>,
) -> HttpResponse {
    let id = path_part(request, "trackerId");
    let changes = match request::body(payload).await {
        Ok(body) => body,
        Err(refusal) => return refusal.response(),
    };
    answer(state, move |store| {
        let mut tracker = existing(store, &id)?;
        change(&mut tracker, &changes)?;
        tracker.updated_ms = Timestamp::now().as_millisecond();
        match store.update_tracker(&tracker)? {
            true => Ok(TrackerAnswer { tracker: body(&tracker) }),
            false => Err(no_tracker()),
        }
    })
    .await
}

/// Deletes a stored tracker; what it found stays.
#[utoipa::path(delete, path = "/v1/manage/trackers/{trackerId}", tag = "Management", operation_id = "deleteTracker",
    params(("trackerId" = String, Path)),
    responses((status = 200, body = TrackerDeleted, description = "It is gone"), ReadFailures))]
pub async fn delete(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = path_part(&request, "trackerId");
    answer(&state, move |store| match store.delete_tracker(&id)? {
        true => Ok(TrackerDeleted { id, kind: "tracker".to_owned(), deleted: true }),
        false => Err(no_tracker()),
    })
    .await
}

fn new_trackers(body: &Value) -> Result<Vec<TrackerRecord>, Refusal> {
    match body {
        Value::Array(bodies) if bodies.is_empty() => {
            Err(Refusal::bad_request("\"trackers\" must contain at least 1 items"))
        }
        Value::Array(bodies) => bodies.iter().map(tracker_input::new_tracker).collect(),
        _ => Err(Refusal::bad_request("\"trackers\" must be an array")),
    }
}

fn one(store: &dyn Store, tracker: TrackerRecord) -> Result<TrackerAnswer, Refusal> {
    let tracker = stamped(tracker);
    let body = body(&tracker);
    store.create_trackers(vec![tracker])?;
    Ok(TrackerAnswer { tracker: body })
}

fn several(store: &dyn Store, trackers: Vec<TrackerRecord>) -> Result<TrackersAnswer, Refusal> {
    let trackers: Vec<TrackerRecord> = trackers.into_iter().map(stamped).collect();
    let bodies = trackers.iter().map(body).collect();
    store.create_trackers(trackers)?;
    Ok(TrackersAnswer { trackers: bodies })
}

fn stamped(tracker: TrackerRecord) -> TrackerRecord {
    let now_ms = Timestamp::now().as_millisecond();
    TrackerRecord { id: ids::sixteen_digits(), created_ms: now_ms, updated_ms: now_ms, ..tracker }
}

fn existing(store: &dyn Store, id: &str) -> Result<TrackerRecord, Refusal> {
    store.trackers().iter().find(|tracker| tracker.id == id).cloned().ok_or_else(no_tracker)
}

fn no_tracker() -> Refusal {
    Refusal::not_found("The trackerId is either invalid or does not exist.")
}

fn body(tracker: &TrackerRecord) -> Tracker {
    Tracker {
        id: tracker.id.clone(),
        name: tracker.name.clone(),
        description: tracker.description.clone(),
        categories: tracker.categories.clone(),
        languages: tracker.languages.clone(),
        vocabulary: tracker.vocabulary.clone(),
        exclude_vocabulary: tracker.exclude_vocabulary.clone(),
        threshold: tracker.threshold,
        strict: tracker.strict,
        created_on: iso(tracker.created_ms),
        updated_on: iso(tracker.updated_ms),
    }
}
