//! Who talked how long.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{ReadFailures, answer, conversation};
use super::derived::{self, MemberTime, Talk};
use super::request::conversation_id;
use crate::engine::EngineState;
use crate::engine::store::record::MemberRecord;
use crate::engine::store::view::TalkRecord;
use crate::symbl::rest::figures::{
    Analytics, MemberAnalytics, Metric, Overlap, OverlappingMember, Pace, Share,
};

/// Returns who talked how long: from the first word of the conversation to the last.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/analytics", tag = "Conversations",
    operation_id = "getAnalytics", params(("conversationId" = String, Path)),
    responses((status = 200, body = Analytics, description = "The analytics"), ReadFailures))]
pub async fn get(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let id = conversation_id(&request);
    answer(&state, move |store| {
        let members = conversation(store, &id)?.members;
        Ok(body(&members, &store.talks(&id)?))
    })
    .await
}

fn body(members: &[MemberRecord], talks: &[TalkRecord]) -> Analytics {
    let places: HashMap<&str, usize> =
        members.iter().enumerate().map(|(place, member)| (member.id.as_str(), place)).collect();
    // Who is unknown talks too, behind all who are known.
    let place_of = |talk: &TalkRecord| {
        talk.member_id.as_deref().and_then(|id| places.get(id)).copied().unwrap_or(members.len())
    };
    let talks: Vec<Talk> = talks
        .iter()
        .map(|talk| Talk {
            member: place_of(talk),
            start_ms: talk.start_ms,
            end_ms: talk.end_ms,
            words: talk.words,
        })
        .collect();
    let figures = derived::analyse(members.len() + 1, &talks);
    let metric = |kind: &str, ms: i64| Metric {
        kind: kind.to_owned(),
        percent: percent(ms, figures.duration_ms),
        seconds: ms as f64 / 1000.0,
    };
    let all_talk_ms = figures.members.iter().map(|member| member.talk_ms).sum();
    let each = members.iter().zip(&figures.members);
    Analytics {
        metrics: vec![
            metric("total_silence", figures.duration_ms - figures.talk_ms),
            metric("total_talk_time", figures.talk_ms),
            metric("total_overlap", figures.overlap_ms),
        ],
        members: each.map(|(member, time)| member_body(member, time, members, all_talk_ms)).collect(),
    }
}

fn member_body(
    member: &MemberRecord,
    time: &MemberTime,
    members: &[MemberRecord],
    all_talk_ms: i64,
) -> MemberAnalytics {
    let share = |ms: i64| Share { percentage: percent(ms, all_talk_ms), seconds: ms as f64 / 1000.0 };
    let with = |&(place, ms): &(usize, i64)| {
        let other = members.get(place)?;
        Some(OverlappingMember {
            id: other.id.clone(),
            name: other.name.clone(),
            user_id: other.user_id.clone(),
            percent: percent(ms, time.talk_ms),
            seconds: ms as f64 / 1000.0,
        })
    };
    let overlapping_members: Vec<_> = time.overlaps.iter().filter_map(with).collect();
    MemberAnalytics {
        id: member.id.clone(),
        name: member.name.clone(),
        user_id: member.user_id.clone(),
        pace: Pace { wpm: time.words_per_minute },
        talk_time: share(time.talk_ms),
        listen_time: share(all_talk_ms - time.talk_ms),
        overlap: Overlap {
            overlap_duration: time.overlaps.iter().map(|(_, ms)| *ms as f64 / 1000.0).sum(),
            overlapping_members,
        },
    }
}

/// Returns a share with three decimals; none of nothing.
fn percent(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 100_000.0).round() / 1000.0 }
}
