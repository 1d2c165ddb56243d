//! The OpenAPI document of the engine's REST API, made from the code. `docs/openapi.json` is the committed copy.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    analytics, conversations, entities, insights, members, messages, speakers, summary, topics, trackers,
    trackers_detected, transcript,
};
use crate::engine::http::{process_text, token};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "symbl-bridge engine",
        description = "A self-hosted server of the Symbl protocol: tokens, what conversations were about, stored \
            trackers. The sockets of the Streaming and Subscribe API are not part of this document. Slashes of paths \
            may be doubled, unknown query parameters are ignored, times are ISO 8601 in UTC.",
    ),
    servers((url = "/", description = "This server")),
    paths(
        serve,
        token::generate,
        conversations::list,
        conversations::get,
        conversations::put,
        conversations::delete,
        messages::get,
        topics::get,
        insights::questions,
        insights::action_items,
        insights::comprehensive_action_items,
        insights::follow_ups,
        insights::all,
        trackers_detected::get,
        trackers_detected::get_deprecated,
        entities::get,
        analytics::get,
        members::get,
        members::put,
        speakers::put,
        summary::get,
        transcript::post,
        process_text::post,
        process_text::put,
        process_text::job,
        trackers::create,
        trackers::create_several,
        trackers::create_one_or_several,
        trackers::list,
        trackers::get,
        trackers::put,
        trackers::patch,
        trackers::delete,
    ),
    modifiers(&Carriers, &BothGenerations),
    security(("bearer" = []), ("x-api-key" = [])),
)]
struct Document;

/// The two places where a token may be.
struct Carriers;

impl Modify for Carriers {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let key = ApiKey::Header(ApiKeyValue::new("x-api-key"));
        components.add_security_scheme("x-api-key", SecurityScheme::ApiKey(key));
    }
}

/// Stored trackers have two paths that take the same methods; a handler can be documented with one.
struct BothGenerations;

impl Modify for BothGenerations {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let paths = &mut document.paths.paths;
        let [older, newer] = ["/v1/manage/tracker/{trackerId}", "/v1/manage/trackers/{trackerId}"];
        for (path, other, suffix) in [(older, newer, "ByOlderPath"), (newer, older, "ByNewerPath")] {
            let Some(item) = paths.get(other).cloned() else { continue };
            let renamed = |operation: Option<Operation>| {
                let mut operation = operation?;
                operation.operation_id = operation.operation_id.map(|id| format!("{id}{suffix}"));
                Some(operation)
            };
            if let Some(target) = paths.get_mut(path) {
                target.get = target.get.take().or_else(|| renamed(item.get));
                target.put = target.put.take().or_else(|| renamed(item.put));
                target.patch = target.patch.take().or_else(|| renamed(item.patch));
                target.delete = target.delete.take().or_else(|| renamed(item.delete));
            }
        }
    }
}

/// Returns the document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

static TEXT: LazyLock<String> = LazyLock::new(|| {
    // A document that cannot be written is found by the test below, long before anybody asks for it.
    document().to_pretty_json().unwrap_or_default()
});

/// Returns this document.
#[utoipa::path(get, path = "/openapi.json", tag = "Server", operation_id = "getOpenApi", security(()),
    responses((status = 200, body = Object, content_type = "application/json", description = "The document")))]
pub async fn serve() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(web::Bytes::from_static(TEXT.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Renews the committed copy instead of comparing: `UPDATE_OPENAPI=1 cargo test --lib openapi`.
    const UPDATE: &str = "UPDATE_OPENAPI";

    #[test]
    fn the_committed_document_is_the_one_that_is_served() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
        let fresh = format!("{}\n", *TEXT);
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(path, &fresh).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == fresh,
            "docs/openapi.json is not up to date: run {UPDATE}=1 cargo test --lib openapi"
        );
    }
}
