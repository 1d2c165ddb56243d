//! Nobody but Twilio: `X-Twilio-Signature` on webhooks and on the media handshake (`twilio-protocol` 5).
//!
//! The address that counts is the configured one, never what a `Host` or forwarded header says.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;

use crate::bridge::services::Shared;
use crate::telemetry::events;
use crate::telemetry::metrics::doors::Door;
use crate::twilio::signature::{BadSignature, Body, PresentedSignature, signed_data};
use crate::ws::client_address::ClientAddress;

/// Passes a webhook that Twilio signed, or any when signatures are not checked.
///
/// # Errors
///
/// Logs what was hashed, numbers masked, so that a wrong address or token can be told apart; never the secret.
pub fn check_webhook(shared: &Shared, request: &HttpRequest, body: Body<'_>) -> Result<(), BadSignature> {
    let Some(signer) = &shared.signer else {
        return Ok(());
    };
    let target = target(request);
    let checked = presented(request.headers())
        .and_then(|presented| signer.verify_webhook(&presented, &shared.public_url, target, body));
    checked.inspect_err(|reason| {
        shared.metrics.doors.refused(Door::Webhook, "signature");
        let candidates = shared.public_url.webhook_candidates(target);
        tell(request, *reason, candidates.first().map(|url| signed_data(url, body)));
    })
}

/// Passes a media handshake that Twilio signed, or any when signatures are not checked.
///
/// # Errors
///
/// As [`check_webhook`].
pub fn check_handshake(shared: &Shared, request: &HttpRequest) -> Result<(), BadSignature> {
    let Some(signer) = &shared.signer else {
        return Ok(());
    };
    // Twilio sends no query on a stream, so one that comes is part of what nobody signed.
    let path = target(request);
    let checked = presented(request.headers())
        .and_then(|presented| signer.verify_handshake(&presented, &shared.public_url, path));
    checked.inspect_err(|reason| {
        shared.metrics.doors.refused(Door::Media, "signature");
        let candidates = shared.public_url.stream_candidates(path);
        tell(request, *reason, candidates.first().map(|url| url.clone().into_bytes()));
    })
}

fn presented(headers: &HeaderMap) -> Result<PresentedSignature, BadSignature> {
    let signatures = headers.get_all("x-twilio-signature").map(|value| value.as_bytes());
    let settings = headers.get("x-twilio-webhooks-signature-settings").map(|value| value.as_bytes());
    PresentedSignature::from_headers(signatures, settings)
}

fn target(request: &HttpRequest) -> &str {
    request.uri().path_and_query().map_or(request.path(), |target| target.as_str())
}

fn tell(request: &HttpRequest, reason: BadSignature, hashed: Option<Vec<u8>>) {
    // After the first dozens from one address, another line says nothing new.
    if ClientAddress::of(request).is_notorious {
        return;
    }
    let hashed = hashed.map(|data| masked(&String::from_utf8_lossy(&data))).unwrap_or_default();
    events::SignatureRefused {
        leg: None,
        path: request.path(),
        reason: &reason.to_string(),
        hashed: &hashed,
    }
    .emit();
}

/// Hides all but the last four digits of whatever is long enough to be a telephone number; ids keep theirs, because
/// letters are among them.
fn masked(text: &str) -> String {
    const SHORTEST_NUMBER: usize = 7;
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - start);
        let touches_id = rest[..start].ends_with(|c: char| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
            || rest[start + digits..].starts_with(|c: char| c.is_ascii_hexdigit() && !c.is_ascii_uppercase());
        shown.push_str(&rest[..start]);
        let number = &rest[start..start + digits];
        if digits >= SHORTEST_NUMBER && !touches_id {
            shown.push_str(&"*".repeat(digits - 4));
            shown.push_str(&number[digits - 4..]);
        } else {
            shown.push_str(number);
        }
        rest = &rest[start + digits..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_hashed_is_shown_without_numbers() {
        assert_eq!(
            masked(
                "https://b.example.com/twilio/twiml?room=7CallSidCA00ff12345678From+12125550123To+14155550100"
            ),
            "https://b.example.com/twilio/twiml?room=7CallSidCA00ff12345678From+*******0123To+*******0100"
        );
        assert_eq!(masked("https://127.0.0.1:3000/"), "https://127.0.0.1:3000/");
    }
}
