//! What a leg and a subscriber have in common before their socket opens (`symbl-protocol` 2.1, 2.2, 3).

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use percent_encoding::percent_decode_str;

use super::{auth, message};
use crate::engine::EngineState;
use crate::engine::counters::Count;
use crate::engine::directory::{NoSeat, Role, Seat};
use crate::engine::state::unix_now_s;
use crate::engine::taking_over;
use crate::telemetry::trace::{self, TraceContext};

/// Bytes of a connection id after decoding (2.1).
const LONGEST_CONNECTION_ID: usize = 256;

/// A socket that may open.
#[derive(Debug)]
pub struct Admission {
    /// Its place in its conversation.
    pub seat: Seat,
    /// What its token has left to live.
    pub token_left: Duration,
    /// The subprotocol to echo.
    pub subprotocol: Option<String>,
    /// The trace that the handshake belongs to, for log lines; empty without one.
    pub trace_id: String,
}

/// Lets a socket in, or says why not. All refusals come before the upgrade: afterwards clients cannot read them.
pub async fn admit(
    request: &HttpRequest,
    state: &EngineState,
    role: Role,
) -> Result<Admission, HttpResponse> {
    if state.directory().is_draining() {
        state.counters().add(Count::RefusedDraining);
        let text = NoSeat::Draining.to_string();
        return Err(refuse(request, state, StatusCode::SERVICE_UNAVAILABLE, &text).await);
    }
    if !is_upgrade(request) {
        return Err(HttpResponse::UpgradeRequired()
            .insert_header((header::UPGRADE, "websocket"))
            .insert_header((header::CONNECTION, "Upgrade"))
            .json(serde_json::json!({ "message": "This is a WebSocket endpoint." })));
    }
    let Some(connection_id) = connection_id(request.uri().path()) else {
        let text = "The connectionId must have 1 to 256 bytes.";
        return Err(message(StatusCode::BAD_REQUEST, text));
    };
    let Some(claims) = auth::handshake(request, state) else {
        state.counters().add(Count::RefusedToken);
        let text = "Token validation failed for provided token.";
        return Err(refuse(request, state, StatusCode::UNAUTHORIZED, text).await);
    };
    if role == Role::Leg
        && let Err(busy) = taking_over::take_over(state, &connection_id).await
    {
        return Err(refuse(request, state, StatusCode::SERVICE_UNAVAILABLE, &busy.to_string()).await);
    }
    let seat = match state.directory().enter(&connection_id, role) {
        Ok(seat) => seat,
        Err(reason) => {
            let (status, count) = match reason {
                NoSeat::Full => (StatusCode::TOO_MANY_REQUESTS, Count::RefusedFull),
                NoSeat::Draining => (StatusCode::SERVICE_UNAVAILABLE, Count::RefusedDraining),
            };
            state.counters().add(count);
            return Err(refuse(request, state, status, &reason.to_string()).await);
        }
    };
    Ok(Admission {
        seat,
        token_left: Duration::from_secs(claims.exp.saturating_sub(unix_now_s())),
        subprotocol: auth::subprotocol(request, state).map(str::to_owned),
        trace_id: trace_id(request),
    })
}

/// Returns the id of the trace that a handshake belongs to; empty when it names none.
fn trace_id(request: &HttpRequest) -> String {
    let values = request.headers().get_all(trace::HEADER).map(|value| value.as_bytes());
    TraceContext::of_headers(values).map(|trace| trace.trace_id()).unwrap_or_default()
}

/// Answers a handshake with a refusal, after a while.
pub async fn refuse(
    request: &HttpRequest,
    state: &EngineState,
    status: StatusCode,
    text: &str,
) -> HttpResponse {
    state.refusals().refuse(request, status, text).await
}

fn is_upgrade(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.to_ascii_lowercase().contains("websocket"))
}

/// Returns the last segment of a raw path, decoded exactly once. Nothing when it is empty, too long or not UTF-8.
fn connection_id(path: &str) -> Option<String> {
    // All these paths end in `{name}/{id}`; without an id the last segment is the name itself.
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let name_at =
        segments.iter().position(|segment| matches!(*segment, "insights" | "streaming" | "subscribe"))?;
    let [raw] = segments.get(name_at + 1..)? else {
        return None;
    };
    let decoded = percent_decode_str(raw).decode_utf8().ok()?;
    (1..=LONGEST_CONNECTION_ID).contains(&decoded.len()).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_ids_are_decoded_once_and_bounded() {
        let long = "x".repeat(257);
        for (path, expected) in [
            ("/v1/streaming/abc", Some("abc")),
            ("/v1/streaming/abc/", Some("abc")),
            ("//v1//realtime//insights//abc//", Some("abc")),
            ("/v1/realtime/insights/-a%2Bb%3D%2F", Some("-a+b=/")),
            ("/v1/realtime/insights/-a+b=", Some("-a+b=")),
            ("/v1/subscribe/100%25", Some("100%")),
            ("/v1/subscribe/a%252F", Some("a%2F")),
            ("/session/subscribe/Weekly%20meeting", Some("Weekly meeting")),
            ("/subscribe/subscribe", Some("subscribe")),
            ("/v1/streaming", None),
            ("/v1/streaming/", None),
            ("/v1/streaming/a/b", None),
            ("/v1/streaming/%FF", None),
            (&format!("/v1/streaming/{}", &long[..256]), Some(&long[..256])),
            (&format!("/v1/streaming/{long}"), None),
        ] {
            assert_eq!(connection_id(path).as_deref(), expected, "{path}");
        }
    }
}
