//! The two sockets: Twilio's media and the dashboards' updates.

use actix_web::error::ErrorBadRequest;
use actix_web::web::{Data, Payload};
use actix_web::{Error, HttpRequest, HttpResponse};
use url::form_urlencoded;

use super::form_body::BadFormBody;
use super::{signed, trace_of};
use crate::bridge::services::Services;
use crate::bridge::twilio_stream::{self, TwilioStream};
use crate::bridge::updates_session::{self, UpdatesSession};
use crate::telemetry::metrics::doors::Door;
use crate::ws::direct;
use crate::ws::server::accept;
use crate::ws::socket_handle::SocketHandle;

/// `WS /twilio/media`: one caller's audio.
pub async fn media(request: HttpRequest, services: Data<Services>) -> Result<HttpResponse, Error> {
    signed::check_handshake(&services.shared, &request).map_err(BadFormBody::from)?;
    let place = services.shared.unproven.admit(&request)?;
    let socket = SocketHandle::of(&request);
    let trace = trace_of(&request);
    let actor = move |line| TwilioStream::new(services, line, socket, place, trace);
    direct::accept(actor, &request, twilio_stream::MESSAGE_LIMIT)
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
    let after = seen_last(request.query_string())?;
    let (hub, socket, settings) = (shared.hub.clone(), SocketHandle::of(&request), shared.updates);
    let actor = |shell| UpdatesSession::new(hub, socket, settings, after, shell);
    accept(actor, &request, payload, updates_session::MESSAGE_LIMIT, subprotocol)
}

/// Returns what a dashboard saw last: 0 when it says that it has seen nothing, none when it says nothing.
fn seen_last(query: &str) -> Result<Option<u64>, Error> {
    let after = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "after");
    match after {
        Some((_, id)) if !id.is_empty() => id.parse().map(Some).map_err(|_| {
            ErrorBadRequest("`after` is the `id` of the update that was seen last, or 0 when none was\n")
        }),
        seen_nothing => Ok(seen_nothing.map(|_| 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dashboard_may_say_what_it_saw_last() {
        for (query, after) in [
            ("", None),
            ("token=after", None),
            ("after", Some(0)),
            ("after=", Some(0)),
            ("token=a&after=1767225600000042", Some(1_767_225_600_000_042)),
        ] {
            assert_eq!(seen_last(query).unwrap(), after, "{query}");
        }
        for query in ["after=x", "after=-1", "after=1.5", "after=99999999999999999999"] {
            assert!(seen_last(query).unwrap_err().to_string().contains("`id`"), "{query}");
        }
    }
}
