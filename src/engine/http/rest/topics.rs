//! What a conversation is about.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{ReadFailures, answer, conversation};
use super::request::{Parameters, conversation_id};
use crate::engine::EngineState;
use crate::engine::store::record::TopicRecord;
use crate::symbl::rest::Sentiment;
use crate::symbl::rest::message::{ParentRef, Topic, Topics};

/// Returns the topics of a conversation, best first. `refresh` and `customTopicVocabulary` change nothing.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/topics", tag = "Conversations",
    operation_id = "getTopics",
    params(("conversationId" = String, Path),
        ("sentiment" = Option<bool>, Query, description = "With sentiment."),
        ("parentRefs" = Option<bool>, Query, description = "With wider topics.")),
    responses((status = 200, body = Topics, description = "The topics"), ReadFailures))]
pub async fn get(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let (id, parameters) = (conversation_id(&request), Parameters::of(&request));
    let (with_sentiment, with_parents) = (parameters.is_on("sentiment"), parameters.is_on("parentRefs"));
    answer(&state, move |store| {
        conversation(store, &id)?;
        let topics = store.topics(&id)?;
        let body = |topic: &TopicRecord| Topic {
            id: topic.id.clone(),
            text: topic.text.clone(),
            kind: "topic".to_owned(),
            score: topic.score,
            message_ids: topic.message_ids.clone(),
            entities: Vec::new(),
            parent_refs: if with_parents { parents(topic, &topics) } else { Vec::new() },
            sentiment: with_sentiment.then(|| Sentiment::of(topic.polarity)),
        };
        Ok(Topics { topics: topics.iter().map(body).collect() })
    })
    .await
}

/// Returns the topics that a topic's last words name: "invoice" is wider than "corrected invoice".
fn parents(topic: &TopicRecord, topics: &[TopicRecord]) -> Vec<ParentRef> {
    let is_wider = |other: &&TopicRecord| {
        let rest = topic.text.strip_suffix(other.text.as_str());
        !other.text.is_empty() && rest.is_some_and(|rest| rest.ends_with(' '))
    };
    let parent = |other: &TopicRecord| ParentRef { kind: "topic".to_owned(), text: other.text.clone() };
    topics.iter().filter(is_wider).map(parent).collect()
}
