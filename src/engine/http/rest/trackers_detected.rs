//! Tracker matches of a conversation.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{ReadFailures, answer, conversation};
use super::request::conversation_id;
use crate::engine::EngineState;
use crate::engine::store::record::TrackerMatchRecord;
use crate::symbl::rest::found::{DetectedTracker, InsightRef, TextRef, TrackerMatch};

/// Returns the trackers that matched, each with its matches.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/trackers-detected", tag = "Conversations",
    operation_id = "getTrackersDetected", params(("conversationId" = String, Path)),
    responses((status = 200, body = Vec<DetectedTracker>, description = "The trackers"), ReadFailures))]
pub async fn get(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| {
        conversation(store, &id)?;
        Ok(grouped(&store.tracker_matches(&id)?))
    })
    .await
}

/// Returns the trackers that matched; `trackers-detected` is the newer path.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/trackers", tag = "Conversations",
    operation_id = "getTrackersOfConversation", params(("conversationId" = String, Path)),
    responses((status = 200, body = Vec<DetectedTracker>, description = "The trackers"), ReadFailures))]
#[deprecated]
pub async fn get_deprecated(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    get(request, state).await
}

fn grouped(found: &[TrackerMatchRecord]) -> Vec<DetectedTracker> {
    let mut trackers: Vec<DetectedTracker> = Vec::new();
    for one in found {
        let place = trackers.iter().position(|tracker| tracker.id == one.tracker_id);
        let place = place.unwrap_or_else(|| {
            let (id, name) = (one.tracker_id.clone(), one.tracker_name.clone());
            trackers.push(DetectedTracker { id, name, matches: Vec::new() });
            trackers.len() - 1
        });
        let matches = &mut trackers[place].matches;
        let place = matches.iter().position(|earlier| earlier.value == one.value);
        let place = place.unwrap_or_else(|| {
            matches.push(TrackerMatch {
                kind: "vocabulary".to_owned(),
                value: one.value.clone(),
                message_refs: Vec::new(),
                insight_refs: Vec::new(),
            });
            matches.len() - 1
        });
        let (text, offset) = (&one.text, one.offset);
        matches[place].message_refs.push(TextRef { id: one.message_id.clone(), text: text.clone(), offset });
        matches[place].insight_refs.extend(one.insights.iter().map(|(id, kind)| InsightRef {
            id: id.clone(),
            kind: kind.clone(),
            text: text.clone(),
            offset,
        }));
    }
    trackers
}
