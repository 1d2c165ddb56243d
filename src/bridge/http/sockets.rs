//! The two sockets: Twilio's media and the dashboards' updates.

use actix_web::web::{Data, Payload};
use actix_web::{Error, HttpRequest, HttpResponse};

use super::form_body::BadFormBody;
use super::signed;
use crate::bridge::services::Services;
use crate::bridge::twilio_stream::{self, TwilioStream};
use crate::bridge::updates_session::{self, UpdatesSession};
use crate::telemetry::metrics::doors::Door;
use crate::ws::server::accept;
use crate::ws::socket_handle::SocketHandle;

/// `WS /twilio/media`: one caller's audio.
pub async fn media(
    request: HttpRequest,
    services: Data<Services>,
    payload: Payload,
) -> Result<HttpResponse, Error> {
    signed::check_handshake(&services.shared, &request).map_err(BadFormBody::from)?;
    let place = services.shared.unproven.admit(&request)?;
    let socket = SocketHandle::of(&request);
    let actor = |shell| TwilioStream::new(services, shell, socket, place);
    accept(actor, &request, payload, twilio_stream::MESSAGE_LIMIT, None)
}

/// `WS /symbl/updates`: lifecycle updates.
pub async fn updates(
    request: HttpRequest,
    services: Data<Services>,
    payload: Payload,
) -> Result<HttpResponse, Error> {
    let shared = &services.shared;
    let admitted = shared.watchers.admit(&request);
    let subprotocol =
        admitted.inspect_err(|refusal| shared.metrics.doors.refused(Door::Updates, refusal.as_str()))?;
    let (hub, socket, settings) = (shared.hub.clone(), SocketHandle::of(&request), shared.updates);
    let actor = |shell| UpdatesSession::new(hub, socket, settings, shell);
    accept(actor, &request, payload, updates_session::MESSAGE_LIMIT, subprotocol)
}
