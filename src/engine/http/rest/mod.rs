//! The REST API (`symbl-protocol` 4): what a conversation was about, and the stored trackers.
//!
//! * [`conversations`] - list, conversation, metadata, deletion; [`members`] - members; [`speakers`] - who spoke,
//!   told afterwards.
//! * [`messages`], [`topics`], [`insights`], [`trackers_detected`], [`entities`] - what was said and meant.
//! * [`analytics`], [`summary`], [`transcript`] - what is made of it.
//! * [`trackers`] - the Management API; [`tracker_input`] - what it takes for a tracker.
//! * [`out_of_scope`] - paths of the hosted service that are not served here.
//! * [`openapi`] - the document of all this.
//! * [`answer`], [`request`] - what all routes share.
//!
//! The asynchronous text API has its handlers in [`process_text`].

pub mod analytics;
pub mod answer;
pub mod conversations;
pub mod entities;
pub mod insights;
pub mod members;
pub mod messages;
pub mod openapi;
pub mod out_of_scope;
pub mod request;
pub mod speakers;
pub mod summary;
pub mod topics;
pub mod tracker_input;
pub mod trackers;
pub mod trackers_detected;
pub mod transcript;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpResponse, Route, web};
use serde_json::json;

use super::{auth, cors, message, process_text};
use crate::engine::EngineState;
use crate::engine::counters::Count;

/// Adds the routes.
#[expect(deprecated, reason = "the older path of tracker matches is the one that SDKs call")]
pub fn configure(cfg: &mut web::ServiceConfig) {
    let get = web::get;
    let of = |rest: &str| format!("/v1/conversations/{{conversationId}}{rest}");
    public(cfg, "/openapi.json", "GET", vec![get().to(openapi::serve)]);
    resource(cfg, "/v1/conversations", "GET", vec![get().to(conversations::list)]);
    let one = vec![
        get().to(conversations::get),
        web::put().to(conversations::put),
        web::delete().to(conversations::delete),
    ];
    resource(cfg, &of(""), "GET, PUT, DELETE", one);
    resource(cfg, &of("/messages"), "GET", vec![get().to(messages::get)]);
    resource(cfg, &of("/topics"), "GET", vec![get().to(topics::get)]);
    resource(cfg, &of("/questions"), "GET", vec![get().to(insights::questions)]);
    resource(cfg, &of("/action-items"), "GET", vec![get().to(insights::action_items)]);
    let comprehensive = vec![get().to(insights::comprehensive_action_items)];
    resource(cfg, &of("/comprehensive/action-items"), "GET", comprehensive);
    resource(cfg, &of("/follow-ups"), "GET", vec![get().to(insights::follow_ups)]);
    resource(cfg, &of("/insights"), "GET", vec![get().to(insights::all)]);
    resource(cfg, &of("/trackers-detected"), "GET", vec![get().to(trackers_detected::get)]);
    resource(cfg, &of("/trackers"), "GET", vec![get().to(trackers_detected::get_deprecated)]);
    resource(cfg, &of("/entities"), "GET", vec![get().to(entities::get)]);
    resource(cfg, &of("/analytics"), "GET", vec![get().to(analytics::get)]);
    resource(cfg, &of("/members"), "GET", vec![get().to(members::get)]);
    resource(cfg, &of("/members/{memberId}"), "PUT", vec![web::put().to(members::put)]);
    resource(cfg, &of("/speakers"), "PUT", vec![web::put().to(speakers::put)]);
    resource(cfg, &of("/summary"), "GET", vec![get().to(summary::get)]);
    resource(cfg, &of("/transcript"), "POST", vec![web::post().to(transcript::post)]);

    resource(cfg, "/v1/manage/tracker", "POST", vec![web::post().to(trackers::create)]);
    let several = vec![get().to(trackers::list), web::post().to(trackers::create_one_or_several)];
    resource(cfg, "/v1/manage/trackers", "GET, POST", several);
    resource(cfg, "/v1/manage/trackers/bulk", "POST", vec![web::post().to(trackers::create_several)]);
    for path in ["/v1/manage/tracker/{trackerId}", "/v1/manage/trackers/{trackerId}"] {
        let one = vec![
            get().to(trackers::get),
            web::put().to(trackers::put),
            web::patch().to(trackers::patch),
            web::delete().to(trackers::delete),
        ];
        resource(cfg, path, "GET, PUT, PATCH, DELETE", one);
    }
    resource(cfg, "/v1/process/text", "POST", vec![web::post().to(process_text::post)]);
    let append = vec![web::put().to(process_text::put)];
    resource(cfg, "/v1/process/text/{conversationId}", "PUT", append);
    resource(cfg, "/v1/job/{jobId}", "GET", vec![get().to(process_text::job)]);
    for pattern in out_of_scope::PATTERNS {
        let anything = web::resource(*pattern).default_service(web::to(out_of_scope::refuse));
        cfg.service(anything.wrap(from_fn(authorised)).wrap(from_fn(cors::allow)));
    }
}

/// Adds a path for those who have a token.
fn resource(cfg: &mut web::ServiceConfig, path: &str, methods: &'static str, routes: Vec<Route>) {
    let resource = served(path, methods, routes).wrap(from_fn(authorised));
    cfg.service(resource.wrap(from_fn(cors::allow)));
}

/// Adds a path for everybody.
fn public(cfg: &mut web::ServiceConfig, path: &str, methods: &'static str, routes: Vec<Route>) {
    cfg.service(served(path, methods, routes).wrap(from_fn(cors::allow)));
}

fn served(path: &str, methods: &'static str, routes: Vec<Route>) -> actix_web::Resource {
    let resource =
        routes.into_iter().fold(web::resource(with_doubled_slashes(path)), actix_web::Resource::route);
    resource.default_service(web::to(move || async move {
        HttpResponse::MethodNotAllowed()
            .insert_header((header::ALLOW, methods))
            .json(json!({ "message": "Method Not Allowed" }))
    }))
}

/// Returns the pattern of a path whose slashes may be doubled, as published instructions have them.
fn with_doubled_slashes(path: &str) -> String {
    let mut pattern = "/{s0:/*}".to_owned();
    for (place, part) in path.trim_start_matches('/').split('/').enumerate() {
        if place > 0 {
            pattern.push_str(&format!("{{s{place}:/+}}"));
        }
        match part.strip_suffix('}') {
            Some(parameter) => pattern.push_str(&format!("{parameter}:[^/]+}}")),
            None => pattern.push_str(part),
        }
    }
    pattern.push_str("{end:/*}");
    pattern
}

/// Middleware: lets nobody in without a valid token.
async fn authorised(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<web::Data<EngineState>>().cloned();
    if let Some(state) = &state
        && auth::rest(request.request(), state).is_some()
    {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    if let Some(state) = &state {
        state.counters().add(Count::RefusedToken);
    }
    let refusal = message(StatusCode::UNAUTHORIZED, "Token validation failed for provided token.");
    Ok(request.into_response(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_doubled_slashes() {
        assert_eq!(
            with_doubled_slashes("/v1/conversations/{conversationId}/messages"),
            "/{s0:/*}v1{s1:/+}conversations{s2:/+}{conversationId:[^/]+}{s3:/+}messages{end:/*}"
        );
    }
}
