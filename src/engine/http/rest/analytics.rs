//! Who talked how long.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{ReadFailures, answer, conversation};
use super::request::conversation_id;
use crate::engine::EngineState;
use crate::engine::insight::analytics::{self, MemberAnalytics as MemberFigures, Partner, Share, Talk};
use crate::engine::store::record::MemberRecord;
use crate::engine::store::view::TalkRecord;
use crate::symbl::rest::figures::{self as rest, Analytics, Metric, Overlap, OverlappingMember, Pace};

/// Returns who talked how long: from the first word of the conversation to the last. Time
/// in which several talk counts for each of them; silence and talk are shares of their sum.
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
    let figures = analytics::analyse(members.len() + 1, &talks);
    let metric = |kind: &str, share: Share| Metric {
        kind: kind.to_owned(),
        percent: share.percent,
        seconds: share.seconds,
    };
    // As the reference's sample has it: of silence and talk together.
    let percent = percent(figures.overlap.seconds, figures.silence.seconds + figures.talk.seconds);
    let overlap = Share { percent, ..figures.overlap };
    let each = members.iter().zip(&figures.members);
    Analytics {
        metrics: vec![
            metric("total_silence", figures.silence),
            metric("total_talk_time", figures.talk),
            metric("total_overlap", overlap),
        ],
        members: each.map(|(member, figures)| member_body(member, figures, members)).collect(),
    }
}

fn member_body(
    member: &MemberRecord,
    figures: &MemberFigures,
    members: &[MemberRecord],
) -> rest::MemberAnalytics {
    let share = |share: Share| rest::Share { percentage: share.percent, seconds: share.seconds };
    let with = |partner: &Partner| {
        let other = members.get(partner.member)?;
        Some(OverlappingMember {
            id: other.id.clone(),
            name: other.name.clone(),
            user_id: other.user_id.clone(),
            percent: percent(partner.overlap.seconds, figures.talk.seconds),
            seconds: partner.overlap.seconds,
        })
    };
    rest::MemberAnalytics {
        id: member.id.clone(),
        name: member.name.clone(),
        user_id: member.user_id.clone(),
        pace: Pace { wpm: figures.words_per_minute },
        talk_time: share(figures.talk),
        listen_time: share(figures.listen),
        overlap: Overlap {
            overlap_duration: figures.overlap_seconds,
            overlapping_members: figures.partners.iter().filter_map(with).collect(),
        },
    }
}

/// Returns a share with three decimals; none of nothing.
fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole * 100_000.0).round() / 1000.0 } else { 0.0 }
}
