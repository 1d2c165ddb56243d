//! The sentences that say most.

use std::collections::{HashMap, HashSet};

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{ReadFailures, Refusal, answer, conversation};
use super::request::conversation_id;
use crate::engine::EngineState;
use crate::engine::insight::summary::{Sentence, extract};
use crate::engine::iso;
use crate::symbl::rest::figures::{MessageRef, Summary, SummarySentence};

/// Sentences of a summary at most.
const MOST_SENTENCES: usize = 5;

/// Returns an extractive summary: sentences that were said, chosen and in their order. It is made anew each time, so
/// `refresh` changes nothing. With a language model configured (docs/llm.md) it is the text that the model wrote when the
/// conversation was over, as one sentence.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/summary", tag = "Conversations",
    operation_id = "getSummary", params(("conversationId" = String, Path)),
    responses((status = 200, body = Summary, description = "The summary"), ReadFailures))]
pub async fn get(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| {
        let stored = conversation(store, &id)?.record;
        if let Some(written) = store.summary(&id)? {
            let message_refs = written.message_ids.into_iter().map(|id| MessageRef { id }).collect();
            return Ok(Summary {
                summary: vec![SummarySentence {
                    id,
                    text: written.text,
                    message_refs,
                    start_time: iso(stored.start_ms),
                    end_time: iso(stored.end_ms.unwrap_or(stored.start_ms)),
                }],
            });
        }
        let messages = store.messages(&id, false)?;
        let mut topic_weights: HashMap<String, f64> = HashMap::new();
        for topic in store.topics(&id)? {
            for message_id in topic.message_ids {
                *topic_weights.entry(message_id).or_default() += topic.score;
            }
        }
        let with_intent: HashSet<String> =
            store.insights(&id)?.into_iter().map(|insight| insight.message_id).collect();
        let sentences: Vec<Sentence> = messages
            .iter()
            .map(|message| Sentence {
                text: &message.text,
                topic_weight: topic_weights.get(&message.id).copied().unwrap_or(0.0),
                has_intent: with_intent.contains(&message.id),
            })
            .collect();
        let chosen = extract(&sentences, MOST_SENTENCES);
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
