//! Routes of the bridge: Twilio's webhooks, the media socket, the updates socket.
//!
//! * [`twiml`] - what a call is to do.
//! * [`callbacks`] - what became of calls, streams, conferences.
//! * [`sockets`] - the media and the updates socket.
//! * [`signed`] - nobody but Twilio.
//! * [`unproven`] - media sockets that have yet to show whose they are.
//! * [`watchers`] - who may watch.
//! * [`answers`] - what webhooks were answered, counted.
//! * [`form_body`] - a form, read whole and bounded before anything is believed.

pub mod answers;
pub mod callbacks;
pub mod form_body;
pub mod signed;
pub mod sockets;
pub mod twiml;
pub mod unproven;
pub mod watchers;

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};

/// Adds the bridge's routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(web::resource("/twilio/twiml").post(twiml::answer).wrap(from_fn(answers::count)))
        .service(
            web::resource("/twilio/statuschange").post(callbacks::call_status).wrap(from_fn(answers::count)),
        )
        .service(
            web::resource("/twilio/stream-events")
                .post(callbacks::stream_status)
                .wrap(from_fn(answers::count)),
        )
        .service(
            web::resource("/twilio/conference")
                .post(callbacks::conference_status)
                .wrap(from_fn(answers::count)),
        )
        .service(web::resource("/twilio/dial-done").post(callbacks::dial_done).wrap(from_fn(answers::count)))
        // Twilio may sign, and dial, the address with a slash at its end (twilio-protocol 5.5).
        .service(web::resource(["/twilio/media", "/twilio/media/"]).get(sockets::media))
        // Published instructions have the doubled slash.
        .service(web::resource(["/symbl/updates", "//symbl/updates"]).get(sockets::updates));
}

/// Returns a TwiML document as Twilio wants it served.
fn xml(document: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(document)
}
