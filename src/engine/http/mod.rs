//! The protocol's paths.
//!
//! * [`token`] - `POST /oauth2/token:generate`.
//! * [`streaming`] - a leg's socket; [`leg`] is its state machine, [`listening`] its ear.
//! * [`subscribe`] - a listener's socket.
//! * [`process_text`] - transcripts in, jobs to ask for.
//! * [`handshake`] - what both do before a socket opens.
//! * [`rest`] - what conversations were about, stored trackers, the OpenAPI document.
//! * [`auth`] - the five places where a token may be.
//! * [`refusal`] - saying no slowly.
//! * [`cors`] - browsers from elsewhere.
//! * [`socket`] - what both kinds of socket actors share.

pub mod auth;
pub mod cors;
pub mod handshake;
pub mod leg;
pub mod listening;
pub mod process_text;
pub mod refusal;
pub mod rest;
pub mod socket;
pub mod streaming;
pub mod subscribe;
pub mod token;

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, Resource, Route, web};
use serde_json::json;

use super::EngineState;

/// Largest body of a request (5.1).
const BODY_LIMIT: usize = 1024 * 1024;

/// Adds the engine's paths to an application. Slashes may be doubled, because published instructions have them so.
///
/// The server should be given [`crate::ws::socket_handle::prepare`] as `on_connect`, so that a peer which stops
/// reading can be cut off.
pub fn configure(cfg: &mut web::ServiceConfig, state: EngineState) {
    cfg.app_data(web::Data::new(state));
    let token = path(
        r"/{s0:/*}oauth2{s1:/+}token{colon:(:|%3A|%3a)}generate{s2:/*}",
        web::post().to(token::generate),
    );
    cfg.service(token.wrap(from_fn(cors::allow)));
    for streaming in
        [r"/{s0:/*}v1{s1:/+}realtime{s2:/+}insights{id:(/.*)?}", r"/{s0:/*}v1{s1:/+}streaming{id:(/.*)?}"]
    {
        cfg.service(path(streaming, web::get().to(streaming::open)));
    }
    for subscribe in [
        r"/{s0:/*}v1{s1:/+}subscribe{id:(/.*)?}",
        r"/{s0:/*}session{s1:/+}subscribe{id:(/.*)?}",
        r"/{s0:/*}subscribe{id:(/.*)?}",
    ] {
        cfg.service(path(subscribe, web::get().to(subscribe::open)));
    }
    rest::configure(cfg);
}

/// One path with one method; other methods hear 405.
fn path(pattern: &str, route: Route) -> Resource {
    web::resource(pattern)
        .route(route)
        .default_service(web::to(async || message(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")))
}

/// Returns an answer of the one form that all failures have.
pub(super) fn message(status: StatusCode, text: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "message": text }))
}
