//! Paths of the hosted service that are not served here: 501 where it had something, 404 elsewhere (`symbl-protocol` 4).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use crate::engine::http::message;

/// What is left of the API's paths once all that are served have been tried.
pub const PATTERNS: &[&str] = &[
    r"/{s0:/*}v1{s1:/+}conversations{rest:/.*}",
    r"/{s0:/*}v1{s1:/+}manage{rest:/.*}",
    r"/{s0:/*}v1{s1:/+}process{rest:/.*}",
    r"/{s0:/*}v1{s1:/+}job{rest:/.*}",
    r"/{s0:/*}v1{s1:/+}endpoint{rest:(:connect|%3Aconnect|%3aconnect)}",
    r"/{s0:/*}v1{s1:/+}event{rest:/.*}",
];

/// Parts of paths that the hosted service answered.
const HOSTED: &[&str] = &[
    "bookmarks",
    "bookmarks-summary",
    "callscore",
    "endpoint:connect",
    "entities",
    "event",
    "experiences",
    "group",
    "groups",
    "intents",
    "job",
    "lm-insights",
    "process",
];

/// Answers whatever nobody else answers.
pub async fn refuse(request: HttpRequest) -> HttpResponse {
    let path = request.path().replace("%3A", ":").replace("%3a", ":");
    match path.split('/').find(|part| HOSTED.contains(part)) {
        Some(part) => {
            message(StatusCode::NOT_IMPLEMENTED, &format!("\"{part}\" is not available on this server"))
        }
        None => message(StatusCode::NOT_FOUND, "Not Found"),
    }
}
