//! Entities of a conversation.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{ReadFailures, answer, conversation};
use super::request::conversation_id;
use crate::engine::EngineState;
use crate::engine::iso;
use crate::engine::store::record::{EntityRecord, MessageRecord};
use crate::symbl::rest::found::{Entities, Entity, EntityMatch, TextRef, TimedRef};

/// Returns the entities of a conversation, each with its places. Redacted ones show what stands in their place.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/entities", tag = "Conversations",
    operation_id = "getEntities", params(("conversationId" = String, Path)),
    responses((status = 200, body = Entities, description = "The entities"), ReadFailures))]
pub async fn get(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| {
        conversation(store, &id)?;
        Ok(Entities { entities: grouped(&store.messages(&id, false)?) })
    })
    .await
}

fn grouped(messages: &[MessageRecord]) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::new();
    let mut places: HashMap<(&str, &str, &str), usize> = HashMap::new();
    for message in messages {
        for found in &message.entities {
            let key = (found.kind.as_str(), found.sub_type.as_str(), found.text.as_str());
            let place = *places.entry(key).or_insert_with(|| {
                entities.push(without_places(found));
                entities.len() - 1
            });
            let entity = &mut entities[place];
            let (id, text) = (message.id.clone(), message.text.clone());
            let offset = i64::try_from(found.offset).unwrap_or(-1);
            entity.message_refs.push(TextRef { id: id.clone(), text: text.clone(), offset });
            entity.matches[0].message_refs.push(TimedRef {
                id,
                start_time: iso(message.start_ms),
                end_time: iso(message.end_ms),
                text,
                offset,
            });
        }
    }
    entities
}

fn without_places(found: &EntityRecord) -> Entity {
    Entity {
        kind: found.kind.clone(),
        sub_type: found.sub_type.clone(),
        category: "Managed".to_owned(),
        text: found.text.clone(),
        value: found.text.clone(),
        message_refs: Vec::new(),
        matches: vec![EntityMatch { detected_value: found.text.clone(), message_refs: Vec::new() }],
    }
}
