//! The members of a conversation.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::answer::{ChangeFailures, ReadFailures, Refusal, answer, conversation};
use super::conversations::members_body;
use super::request::{self, conversation_id, path_part};
use crate::engine::EngineState;
use crate::engine::store::record::MemberRecord;
use crate::symbl::rest::conversation::{MemberUpdate, Members};
use crate::symbl::rest::{Person, Said};

/// Members by id, to put names beside what was said.
pub struct People<'a>(HashMap<&'a str, (u32, &'a MemberRecord)>);

impl<'a> People<'a> {
    /// Returns the people of a conversation.
    pub fn of(members: &'a [MemberRecord]) -> Self {
        Self((1..).zip(members).map(|(tag, member)| (member.id.as_str(), (tag, member))).collect())
    }

    /// Returns who it is; nobody if that is not known.
    pub fn person(&self, id: Option<&str>) -> Person {
        let Some((_, member)) = id.and_then(|id| self.0.get(id)) else { return Person::default() };
        Person {
            id: Some(member.id.clone()),
            name: Some(member.name.clone()),
            email: Some(member.user_id.clone()),
            user_id: Some(member.user_id.clone()),
        }
    }

    /// Returns a member's place in the list of members, from 1; 0 for nobody.
    pub fn tag(&self, id: Option<&str>) -> u32 {
        id.and_then(|id| self.0.get(id)).map_or(0, |(tag, _)| *tag)
    }

    /// Returns a member's name; empty for nobody.
    pub fn name(&self, id: Option<&str>) -> &'a str {
        id.and_then(|id| self.0.get(id)).map_or("", |(_, member)| member.name.as_str())
    }
}

/// Lists the members of a conversation.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/members", tag = "Conversations",
    operation_id = "getMembers", params(("conversationId" = String, Path)),
    responses((status = 200, body = Members, description = "The members"), ReadFailures))]
pub async fn get(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| {
        let members = members_body(&conversation(store, &id)?.members);
        Ok(Members { members })
    })
    .await
}

/// Renames a member in everything that belongs to the conversation.
#[utoipa::path(put, path = "/v1/conversations/{conversationId}/members/{memberId}", tag = "Conversations",
    operation_id = "updateMember", params(("conversationId" = String, Path), ("memberId" = String, Path)),
    request_body = MemberUpdate,
    responses((status = 200, body = Said, description = "The member has the new name"), ChangeFailures))]
pub async fn put(request: HttpRequest, payload: web::Payload, state: web::Data<EngineState>) -> HttpResponse {
    let (id, member_id) = (conversation_id(&request), path_part(&request, "memberId"));
    let update = request::body(payload).await.and_then(|body| update_of(&body, &member_id));
    let (name, email) = match update {
        Ok(update) => update,
        Err(refusal) => return refusal.response(),
    };
    answer(&state, move |store| {
        let members = conversation(store, &id)?.members;
        let no_member = || Refusal::not_found("The memberId is either invalid or does not exist.");
        let member = members.into_iter().find(|member| member.id == member_id).ok_or_else(no_member)?;
        let renamed = MemberRecord { id: member.id, name, user_id: email.unwrap_or(member.user_id) };
        if !store.rename_member(&id, &renamed)? {
            return Err(no_member());
        }
        let message = format!(
            "Member with id: {member_id} for conversationId: {id} updated successfully! The update should be reflected \
             in all messages and insights along with this conversation"
        );
        Ok(Said { message })
    })
    .await
}

fn update_of(body: &Value, member_id: &str) -> Result<(String, Option<String>), Refusal> {
    let body = request::object(body)?;
    let name = request::full_text(request::required(body, "name")?, "name")?.to_owned();
    match body.get("id") {
        None | Some(Value::Null) => {}
        Some(Value::String(id)) if id == member_id => {}
        Some(_) => return Err(Refusal::bad_request("\"id\" must be the id of the path")),
    }
    match body.get("email") {
        None | Some(Value::Null) => Ok((name, None)),
        Some(Value::String(email)) => Ok((name, Some(email.clone()))),
        Some(_) => Err(Refusal::bad_request("\"email\" must be a string")),
    }
}
