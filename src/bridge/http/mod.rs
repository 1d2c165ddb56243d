//! Routes of the bridge: Twilio's webhooks, the media socket, the updates socket.
//!
//! * [`twiml`] - what a call is to do.
//! * [`callbacks`] - what became of calls, streams, conferences.
//! * [`sockets`] - the media and the updates socket.
//! * [`session`] - signing in to the dashboard; [`symbl_token`] - what it needs to ask the upstream.
//! * [`cors`] - pages of other origins.
//! * [`legs`] - how live legs stand.
//! * [`signed`] - nobody but Twilio.
//! * [`unproven`] - media sockets that have yet to show whose they are.
//! * [`watchers`] - who may watch.
//! * [`answers`] - what webhooks were answered, counted.
//! * [`form_body`] - a form, read whole and bounded before anything is believed.

pub mod answers;
pub mod callbacks;
pub mod cors;
pub mod form_body;
pub mod legs;
pub mod session;
pub mod signed;
pub mod sockets;
pub mod symbl_token;
pub mod twiml;
pub mod unproven;
pub mod watchers;

use actix_web::dev::HttpServiceFactory;
use actix_web::guard::fn_guard;
use actix_web::middleware::from_fn;
use actix_web::web::JsonConfig;
use actix_web::{HttpRequest, HttpResponse, Route, web};

use crate::telemetry::trace::{self, TraceContext};

/// Largest body of a sign-in, in bytes.
const SIGN_IN_LIMIT: usize = 4 * 1024;

/// Adds the bridge's routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(webhook("/twilio/twiml", web::post().to(twiml::answer)))
        .service(webhook("/twilio/statuschange", web::post().to(callbacks::call_status)))
        .service(webhook("/twilio/stream-events", web::post().to(callbacks::stream_status)))
        .service(webhook("/twilio/conference", web::post().to(callbacks::conference_status)))
        .service(webhook("/twilio/dial-done", web::post().to(callbacks::dial_done)))
        // Twilio may sign, and dial, the address with a slash at its end (twilio-protocol 5.5).
        .service(web::resource(["/twilio/media", "/twilio/media/"]).get(sockets::media))
        // Published instructions have the doubled slash.
        .service(web::resource(["/symbl/updates", "//symbl/updates"]).get(sockets::updates))
        .service(web::resource("/").guard(fn_guard(session::has_token)).get(session::arrive))
        .service(
            web::resource("/symbl/session")
                .app_data(JsonConfig::default().limit(SIGN_IN_LIMIT))
                .get(session::show)
                .post(session::sign_in)
                .delete(session::sign_out),
        )
        .service(web::resource("/symbl/legs").get(legs::all).wrap(from_fn(cors::allow)))
        .service(
            web::resource("/symbl/legs/{connectionId}").get(legs::of_connection).wrap(from_fn(cors::allow)),
        )
        .service(web::resource("/symbl/token").post(symbl_token::issue).wrap(from_fn(cors::allow)));
}

/// Returns one of Twilio's webhooks, whose answers are counted.
fn webhook(path: &str, route: Route) -> impl HttpServiceFactory + 'static {
    web::resource(path).route(route).wrap(from_fn(answers::count))
}

/// Returns the trace that a request belongs to, if it says so.
fn trace_of(request: &HttpRequest) -> Option<TraceContext> {
    let values = request.headers().get_all(trace::HEADER);
    TraceContext::of_headers(values.map(|value| value.as_bytes()))
}

/// Returns a TwiML document as Twilio wants it served.
fn xml(document: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(document)
}
