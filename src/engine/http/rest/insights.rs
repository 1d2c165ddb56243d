//! Questions, action items, follow-ups.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{ReadFailures, Refusal, answer, conversation};
use super::members::People;
use super::request::conversation_id;
use crate::engine::EngineState;
use crate::engine::iso;
use crate::engine::store::Store;
use crate::engine::store::record::InsightRecord;
use crate::symbl::rest::Person;
use crate::symbl::rest::insight::{
    ActionItems, FollowUps, Insight, InsightEntity, InsightEntityValue, InsightMessage, Insights, Questions,
};

/// Returns the questions of a conversation.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/questions", tag = "Conversations",
    operation_id = "getQuestions", params(("conversationId" = String, Path)),
    responses((status = 200, body = Questions, description = "The questions"), ReadFailures))]
pub async fn questions(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| Ok(Questions { questions: of_kind(store, &id, Some("question"))? })).await
}

/// Returns what somebody shall do.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/action-items", tag = "Conversations",
    operation_id = "getActionItems", params(("conversationId" = String, Path)),
    responses((status = 200, body = ActionItems, description = "The action items"), ReadFailures))]
pub async fn action_items(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| Ok(ActionItems { action_items: of_kind(store, &id, Some("action_item"))? }))
        .await
}

/// Returns what somebody shall do, with references to the messages.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/comprehensive/action-items", tag = "Conversations",
    operation_id = "getComprehensiveActionItems", params(("conversationId" = String, Path)),
    responses((status = 200, body = ActionItems, description = "The action items"), ReadFailures))]
pub async fn comprehensive_action_items(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| {
        let mut action_items = of_kind(store, &id, Some("action_item"))?;
        for item in &mut action_items {
            let refs = item.message_ids.iter().map(|id| InsightMessage { id: id.clone() });
            item.message_refs = Some(refs.collect());
        }
        Ok(ActionItems { action_items })
    })
    .await
}

/// Returns what somebody will come back to.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/follow-ups", tag = "Conversations",
    operation_id = "getFollowUps", params(("conversationId" = String, Path)),
    responses((status = 200, body = FollowUps, description = "The follow-ups"), ReadFailures))]
pub async fn follow_ups(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| Ok(FollowUps { follow_ups: of_kind(store, &id, Some("follow_up"))? })).await
}

/// Returns questions, action items and follow-ups together.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/insights", tag = "Conversations",
    operation_id = "getInsights", params(("conversationId" = String, Path)),
    responses((status = 200, body = Insights, description = "The insights"), ReadFailures))]
pub async fn all(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| Ok(Insights { insights: of_kind(store, &id, None)? })).await
}

fn of_kind(store: &dyn Store, id: &str, kind: Option<&str>) -> Result<Vec<Insight>, Refusal> {
    let conversation = conversation(store, id)?;
    let people = People::of(&conversation.members);
    let insights = store.insights(id)?;
    let wanted = insights.iter().filter(|insight| kind.is_none_or(|kind| insight.kind == kind));
    Ok(wanted.map(|insight| body(insight, &people)).collect())
}

fn body(insight: &InsightRecord, people: &People) -> Insight {
    let from = people.person(insight.from_id.as_deref());
    let question = Insight {
        id: insight.id.clone(),
        text: insight.text.clone(),
        kind: insight.kind.clone(),
        score: insight.score,
        message_ids: vec![insight.message_id.clone()],
        from,
        ..Insight::default()
    };
    if insight.kind == "question" {
        return question;
    }
    let assignee = people.person(insight.assignee_id.as_deref());
    Insight {
        entities: Some(named(&insight.text, &assignee).into_iter().collect()),
        phrases: Some(Vec::new()),
        definitive: Some(assignee.id.is_some()),
        assignee: Some(assignee),
        due_by: insight.due_ms.map(iso),
        ..question
    }
}

/// Returns where a text names a person.
fn named(text: &str, person: &Person) -> Option<InsightEntity> {
    let name = person.name.as_deref().filter(|name| !name.is_empty())?;
    let (before, after) = text.split_once(name)?;
    let is_word = |neighbour: Option<char>| !neighbour.is_some_and(char::is_alphanumeric);
    (is_word(before.chars().next_back()) && is_word(after.chars().next())).then(|| InsightEntity {
        kind: "person".to_owned(),
        text: name.to_owned(),
        offset: before.chars().count() as u64,
        value: InsightEntityValue { assignee: true, person: person.clone() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignee_is_found_in_the_text_as_a_word_of_its_own() {
        let person = |name: &str| Person { name: Some(name.to_owned()), ..Person::default() };
        let offset = |text: &str, name: &str| named(text, &person(name)).map(|entity| entity.offset);
        assert_eq!(offset("Zoë and Anna will call.", "Anna"), Some(8));
        assert_eq!(offset("Annabel will call.", "Anna"), None);
        assert_eq!(offset("I will call.", ""), None);
    }
}
