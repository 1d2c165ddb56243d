//! Where a token may be (`symbl-protocol` 1.2): two for REST, five for a handshake.

use actix_web::HttpRequest;
use actix_web::http::header;
use url::form_urlencoded;

use crate::engine::EngineState;
use crate::engine::state::unix_now_s;
use crate::engine::token::Claims;

/// Returns what a REST request's token says, if it is valid.
pub fn rest(request: &HttpRequest, state: &EngineState) -> Option<Claims> {
    let token = bearer(request).or_else(|| api_key(request))?;
    verify(token, state)
}

/// Returns what a handshake's token says, if it is valid. The first carrier that is there decides.
pub fn handshake(request: &HttpRequest, state: &EngineState) -> Option<Claims> {
    for name in ["access_token", "accessToken"] {
        let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
        if let Some((_, token)) = pairs.find(|(key, _)| key == name) {
            return verify(&token, state);
        }
    }
    match bearer(request).or_else(|| api_key(request)) {
        Some(token) => verify(token, state),
        None => subprotocols(request).find_map(|token| verify(token, state)),
    }
}

/// Returns the subprotocol to echo, exactly as offered: the one that is a valid token, else the first.
pub fn subprotocol<'a>(request: &'a HttpRequest, state: &EngineState) -> Option<&'a str> {
    subprotocols(request)
        .find(|offer| verify(offer, state).is_some())
        .or_else(|| subprotocols(request).next())
}

fn verify(token: &str, state: &EngineState) -> Option<Claims> {
    let claims = state.tokens().verify(token, unix_now_s())?;
    state.applications().contains(&claims.sub).then_some(claims)
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = text(request, header::AUTHORIZATION)?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn api_key(request: &HttpRequest) -> Option<&str> {
    text(request, header::HeaderName::from_static("x-api-key")).map(str::trim)
}

fn subprotocols(request: &HttpRequest) -> impl Iterator<Item = &str> {
    let offers = text(request, header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    offers.split(',').map(str::trim).filter(|offer| !offer.is_empty())
}

fn text(request: &HttpRequest, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}
