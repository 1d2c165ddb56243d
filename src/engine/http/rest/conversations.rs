//! The list of conversations; one conversation, its metadata, its deletion.

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use serde_json::Value;

use super::answer::{ChangeFailures, ReadFailures, Refusal, answer, conversation};
use super::request::{self, Parameters, conversation_id};
use crate::engine::EngineState;
use crate::engine::iso;
use crate::engine::store::record::MemberRecord;
use crate::engine::store::view::{ConversationQuery, StoredConversation};
use crate::symbl::rest::Said;
use crate::symbl::rest::conversation::{Conversation, Conversations, Member, Metadata, MetadataUpdate};

/// Conversations of one page (4.1).
const PAGE: u32 = 20;
/// Conversations of one page at most (4.1).
const LARGEST_PAGE: u32 = 65_536;
/// Words that are searched for at once.
const MOST_WORDS: usize = 8;
/// The longest search, in bytes.
const LONGEST_SEARCH: usize = 200;
/// How far the list goes back unless it is told (4.1).
const WEEK_MS: i64 = 7 * 24 * 3_600_000;

/// Lists conversations by the time they began.
///
/// `filter` is not supported and answered with 400.
#[utoipa::path(get, path = "/v1/conversations", tag = "Conversations", operation_id = "listConversations",
    params(
        ("limit" = Option<u32>, Query, maximum = 65536, description = "How many at most; 20 without it."),
        ("offset" = Option<u32>, Query, description = "How many to skip."),
        ("order" = Option<String>, Query, description = "`asc` or `desc`; `asc` without it.", pattern = "^(asc|desc)$"),
        ("sort" = Option<String>, Query, description = "Always `conversation.startTime`.",
            pattern = "^conversation\\.startTime$"),
        ("startTime" = Option<String>, Query, description = "ISO 8601; a week before `endTime` without it.",
            format = DateTime),
        ("endTime" = Option<String>, Query, description = "ISO 8601; now without it.", format = DateTime),
        ("search" = Option<String>, Query, max_length = 200, description = "Words, eight at most: only conversations in which each \
            occurs, in what was said, a name, a number, a topic or the metadata. An extension of this server."),
    ),
    responses((status = 200, body = Conversations, description = "One page"), ReadFailures))]
pub async fn list(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let query = match page(&Parameters::of(&request), Timestamp::now().as_millisecond()) {
        Ok(query) => query,
        Err(refusal) => return refusal.response(),
    };
    answer(&state, move |store| {
        let conversations = store.conversations(&query)?.iter().map(conversation_body).collect();
        Ok(Conversations { conversations })
    })
    .await
}

fn page(parameters: &Parameters, now_ms: i64) -> Result<ConversationQuery, Refusal> {
    if parameters.text("filter").is_some() {
        return Err(Refusal::bad_request("\"filter\" is not supported by this server"));
    }
    if parameters.text("sort").is_some_and(|sort| sort != "conversation.startTime") {
        return Err(Refusal::bad_request("\"sort\" must be one of [conversation.startTime]"));
    }
    let newest_first = match parameters.text("order") {
        None => false,
        Some(order) if order.eq_ignore_ascii_case("asc") => false,
        Some(order) if order.eq_ignore_ascii_case("desc") => true,
        Some(_) => return Err(Refusal::bad_request("\"order\" must be one of [asc, desc]")),
    };
    let search = parameters.text("search").unwrap_or_default();
    let words: Vec<String> = search.split_whitespace().map(str::to_owned).collect();
    if search.len() > LONGEST_SEARCH || words.len() > MOST_WORDS {
        let most = format!("\"search\" must have {MOST_WORDS} words and {LONGEST_SEARCH} bytes at most");
        return Err(Refusal::bad_request(most));
    }
    let until_ms = parameters.time("endTime")?.unwrap_or(now_ms);
    Ok(ConversationQuery {
        from_ms: parameters.time("startTime")?.unwrap_or_else(|| until_ms.saturating_sub(WEEK_MS)),
        until_ms,
        newest_first,
        search: words,
        limit: parameters.number("limit", PAGE, LARGEST_PAGE)?,
        offset: parameters.number("offset", 0, u32::MAX)?,
    })
}

/// Returns a conversation.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}", tag = "Conversations",
    operation_id = "getConversation", params(("conversationId" = String, Path)),
    responses((status = 200, body = Conversation, description = "The conversation"), ReadFailures))]
pub async fn get(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| Ok(conversation_body(&conversation(store, &id)?))).await
}

/// Replaces a conversation's metadata.
#[utoipa::path(put, path = "/v1/conversations/{conversationId}", tag = "Conversations",
    operation_id = "updateConversation", params(("conversationId" = String, Path)), request_body = MetadataUpdate,
    responses((status = 200, body = Metadata, description = "The new metadata"), ChangeFailures))]
pub async fn put(request: HttpRequest, payload: web::Payload, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    let metadata = request::body(payload).await.and_then(|body| metadata_of(&body));
    let metadata = match metadata {
        Ok(metadata) => metadata,
        Err(refusal) => return refusal.response(),
    };
    answer(&state, move |store| match store.set_metadata(&id, &metadata)? {
        true => Ok(Metadata { id, metadata }),
        false => Err(Refusal::no_conversation()),
    })
    .await
}

fn metadata_of(body: &Value) -> Result<serde_json::Map<String, Value>, Refusal> {
    match request::required(request::object(body)?, "metadata")? {
        Value::Object(metadata) => Ok(metadata.clone()),
        _ => Err(Refusal::bad_request("\"metadata\" must be of type object")),
    }
}

/// Deletes a conversation and all that belongs to it.
#[utoipa::path(delete, path = "/v1/conversations/{conversationId}", tag = "Conversations",
    operation_id = "deleteConversation", params(("conversationId" = String, Path)),
    responses((status = 200, body = Said, description = "It is gone"), ReadFailures))]
pub async fn delete(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| match store.delete_conversation(&id)? {
        true => Ok(Said { message: "successfully deleted the conversation".to_owned() }),
        false => Err(Refusal::no_conversation()),
    })
    .await
}

fn conversation_body(stored: &StoredConversation) -> Conversation {
    Conversation {
        id: stored.record.id.clone(),
        kind: "meeting".to_owned(),
        name: stored.record.name.clone(),
        start_time: iso(stored.record.start_ms),
        end_time: stored.record.end_ms.map(iso),
        members: members_body(&stored.members),
        metadata: stored.metadata.clone(),
    }
}

/// Returns members as the API shows them.
pub fn members_body(members: &[MemberRecord]) -> Vec<Member> {
    let member = |member: &MemberRecord| Member {
        id: member.id.clone(),
        name: member.name.clone(),
        email: member.user_id.clone(),
    };
    members.iter().map(member).collect()
}
