//! The sentences that say most.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{ReadFailures, Refusal, answer, conversation, iso};
use super::derived;
use super::request::conversation_id;
use crate::engine::EngineState;
use crate::symbl::rest::figures::{MessageRef, Summary, SummarySentence};

/// Sentences of a summary at most.
const MOST_SENTENCES: usize = 5;

/// Returns an extractive summary: sentences that were said, chosen and in their order. It is made anew each time, so
/// `refresh` changes nothing.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/summary", tag = "Conversations",
    operation_id = "getSummary", params(("conversationId" = String, Path)),
    responses((status = 200, body = Summary, description = "The summary"), ReadFailures))]
pub async fn get(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| {
        conversation(store, &id)?;
        let messages = store.messages(&id, false)?;
        let sentences: Vec<&str> = messages.iter().map(|message| message.text.as_str()).collect();
        let chosen = derived::extract(&sentences, MOST_SENTENCES);
        if chosen.is_empty() {
            return Err(Refusal::not_found("There is no summary for this conversation yet."));
        }
        let sentence = |place: usize| {
            let message = messages.get(place)?;
            Some(SummarySentence {
                id: message.id.clone(),
                text: message.text.clone(),
                message_refs: vec![MessageRef { id: message.id.clone() }],
                start_time: iso(message.start_ms),
                end_time: iso(message.end_ms),
            })
        };
        Ok(Summary { summary: chosen.into_iter().filter_map(sentence).collect() })
    })
    .await
}
