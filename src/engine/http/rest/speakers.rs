//! Who spoke when, told afterwards.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{ChangeFailures, Refusal, answer, conversation};
use super::request::{self, conversation_id};
use crate::engine::EngineState;
use crate::engine::conversation::ids;
use crate::engine::store::record::MemberRecord;
use crate::engine::store::view::TalkRecord;
use crate::symbl::rest::Said;
use crate::symbl::rest::conversation::{SpeakerEvent, SpeakerEventKind, SpeakerEvents, SpeakerUser};

/// Gives messages to whoever spoke during them.
#[utoipa::path(put, path = "/v1/conversations/{conversationId}/speakers", tag = "Conversations",
    operation_id = "updateSpeakers", params(("conversationId" = String, Path)), request_body = SpeakerEvents,
    responses((status = 200, body = Said, description = "The messages have their speakers"), ChangeFailures))]
pub async fn put(request: HttpRequest, payload: web::Payload, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    let events = request::body(payload).await.and_then(|body| {
        request::required(request::object(&body)?, "speakerEvents")?;
        let events = serde_json::from_value::<SpeakerEvents>(body);
        events.map_err(|error| Refusal::bad_request(format!("\"speakerEvents\" is not valid: {error}")))
    });
    let events = match events {
        Ok(events) => events.speaker_events,
        Err(refusal) => return refusal.response(),
    };
    answer(&state, move |store| {
        let conversation = conversation(store, &id)?;
        let began_ms = conversation.record.start_ms;
        let spoken = spoken(&events, &conversation.members, began_ms);
        let mut speakers = Vec::new();
        for message in store.messages(&id, false)? {
            let talk =
                TalkRecord { member_id: None, start_ms: message.start_ms, end_ms: message.end_ms, words: 0 };
            if let Some(member) = loudest(&talk, &spoken) {
                speakers.push((message.id, member.clone()));
            }
        }
        store.assign_speakers(&id, speakers)?;
        let message = format!(
            "Speaker events associated for conversationId: {id} successfully! The update should be reflected in all \
             messages and insights along with this conversation"
        );
        Ok(Said { message })
    })
    .await
}

struct Spoken {
    member: MemberRecord,
    /// From, until; milliseconds of Unix time.
    times: Vec<(i64, i64)>,
}

/// Returns who spoke when. Who never stopped spoke on; who never started is not heard.
fn spoken(events: &[SpeakerEvent], members: &[MemberRecord], began_ms: i64) -> Vec<Spoken> {
    let at = |event: &SpeakerEvent| {
        let ms = event.offset.seconds * 1000.0 + event.offset.nanos / 1_000_000.0;
        // Beyond the range of whole numbers the conversion stays at its bounds.
        began_ms.saturating_add(ms as i64)
    };
    let mut in_order: Vec<(i64, &SpeakerEvent)> = events.iter().map(|event| (at(event), event)).collect();
    in_order.sort_by_key(|(at_ms, _)| *at_ms);
    let mut spoken: Vec<Spoken> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (at_ms, event) in in_order {
        let place = *places.entry(key(&event.user)).or_insert_with(|| {
            spoken.push(Spoken { member: member(&event.user, members), times: Vec::new() });
            spoken.len() - 1
        });
        let times = &mut spoken[place].times;
        match (event.kind, times.last_mut()) {
            (SpeakerEventKind::StoppedSpeaking, Some(last)) if last.1 == i64::MAX => last.1 = at_ms,
            (SpeakerEventKind::StoppedSpeaking, _) => {}
            (SpeakerEventKind::StartedSpeaking, Some(last)) if last.1 == i64::MAX => {}
            (SpeakerEventKind::StartedSpeaking, _) => times.push((at_ms, i64::MAX)),
        }
    }
    spoken
}

fn key(user: &SpeakerUser) -> String {
    let named = [&user.id, &user.email, &user.name].into_iter().find(|text| !text.is_empty());
    named.cloned().unwrap_or_default()
}

/// Returns the member that a user is, or a new one.
fn member(user: &SpeakerUser, members: &[MemberRecord]) -> MemberRecord {
    let is = |theirs: &str, ours: &str| !ours.is_empty() && theirs == ours;
    let known = members
        .iter()
        .find(|member| is(&user.id, &member.id))
        .or_else(|| members.iter().find(|member| is(&user.email, &member.user_id)))
        .or_else(|| members.iter().find(|member| user.email.is_empty() && is(&user.name, &member.name)));
    known.cloned().unwrap_or_else(|| MemberRecord {
        id: if user.id.is_empty() { ids::member() } else { user.id.clone() },
        name: user.name.clone(),
        user_id: user.email.clone(),
    })
}

/// Returns who spoke longest during a message.
fn loudest<'a>(talk: &TalkRecord, spoken: &'a [Spoken]) -> Option<&'a MemberRecord> {
    let shared = |one: &Spoken| -> i64 {
        let within = |&(from, until): &(i64, i64)| {
            until.min(talk.end_ms).saturating_sub(from.max(talk.start_ms)).max(0)
        };
        one.times.iter().map(within).fold(0, i64::saturating_add)
    };
    let best = spoken.iter().map(|one| (shared(one), one)).max_by_key(|(ms, _)| *ms)?;
    (best.0 > 0).then_some(&best.1.member)
}
