//! Who may watch: dashboards need the access token once the world can reach us, and browsers an origin we know.
//!
//! A browser that has shown the token once holds a cookie instead: an expiry, and a MAC of it under a key that the token
//! makes. So nothing is remembered here, a restart with the same token lets it in, and another token shuts it out.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::{Host, Url, form_urlencoded};

use crate::bridge::seconds_now;
use crate::twilio::PublicUrl;

/// The cookie of a browser that has shown the token.
pub const COOKIE: &str = "symbl_bridge_session";

/// How long a browser stays signed in: a working week.
pub const SESSION_SECONDS: u64 = 7 * 24 * 3600;

/// The rule for dashboards.
#[derive(Debug, Clone)]
pub struct Watchers {
    /// None: no token is needed.
    token_sha256: Option<[u8; 32]>,
    /// Origins besides our own, lower case; `*` is any.
    origins: Vec<String>,
    own: String,
    is_local: bool,
}

/// Why somebody may not watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// No token, or a wrong one.
    #[error(
        "dashboards need the access token: `Authorization: Bearer TOKEN`, a WebSocket subprotocol, or ?token=TOKEN. \
         The server prints it at its start; updates.token sets it"
    )]
    Token,
    /// A page from elsewhere.
    #[error("pages of this origin may not connect; updates.origins lists those that may")]
    Origin,
    /// A name that leads here and is not ours, while no token is needed: a page of that name could read everything.
    #[error(
        "without updates.token this is served under this machine's own name only, for instance 127.0.0.1"
    )]
    Host,
}

impl NotAdmitted {
    /// Returns the stable word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Origin => "origin",
            Self::Host => "host",
        }
    }
}

impl ResponseError for NotAdmitted {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Origin | Self::Host => StatusCode::FORBIDDEN,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .content_type("text/plain; charset=utf-8")
            .body(format!("{self}\n"))
    }
}

impl Watchers {
    /// Returns the rule; without `token` none is needed. `origins` are admitted besides our own.
    pub fn new(token: Option<&SecretString>, origins: &[String], public_url: &PublicUrl) -> Self {
        let own = origin(public_url.as_str());
        let is_local = own.as_deref().is_some_and(is_loopback);
        Self {
            token_sha256: token.map(|token| Sha256::digest(token.expose_secret().as_bytes()).into()),
            origins: origins.iter().map(|origin| origin.to_ascii_lowercase()).collect(),
            own: own.unwrap_or_default(),
            is_local,
        }
    }

    /// Admits a handshake; returns the subprotocol to echo, when the token came in one.
    pub fn admit<'a>(&self, request: &'a HttpRequest) -> Result<Option<&'a str>, NotAdmitted> {
        let header = |name| text(request, name);
        if let Some(origin) = header(header::ORIGIN)
            && !self.knows(origin)
            && !self.is_our_page(origin, request)
        {
            return Err(NotAdmitted::Origin);
        }
        let mut offers = header(header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default().split(',').map(str::trim);
        if let Some(offer) = offers.clone().find(|offer| !offer.is_empty() && self.is_token(offer)) {
            return Ok(Some(offer));
        }
        let bearer = header(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let is_in_query = || {
            form_urlencoded::parse(request.query_string().as_bytes())
                .any(|(name, value)| matches!(&*name, "token" | "access_token") && self.is_token(&value))
        };
        let is_admitted = self.token_sha256.is_none()
            || bearer.is_some_and(|(_, token)| self.is_token(token.trim()))
            || is_in_query()
            || self.is_signed_in(request);
        if !is_admitted {
            return Err(NotAdmitted::Token);
        }
        // A client that offers subprotocols fails unless one of them is chosen.
        Ok(offers.next().filter(|offer| !offer.is_empty()))
    }

    /// Admits a page's or a program's request; stricter than [`Watchers::admit`] about names that lead here.
    pub fn admit_page(&self, request: &HttpRequest) -> Result<(), NotAdmitted> {
        self.admit(request)?;
        if self.token_sha256.is_none() && !self.is_own_host(request) {
            return Err(NotAdmitted::Host);
        }
        Ok(())
    }

    /// Returns whether anything must be shown at all.
    pub fn need_token(&self) -> bool {
        self.token_sha256.is_some()
    }

    /// Returns the cookie of somebody who showed `token`; none if it is wrong, or none is needed.
    pub fn sign_in(&self, token: &str, now: u64) -> Option<String> {
        let expiry = now + SESSION_SECONDS;
        let mac = self.is_token(token).then(|| self.session_mac(expiry)).flatten()?;
        Some(format!("v1.{expiry}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
    }

    /// Returns whether a browser may keep the cookie to encrypted connections: it came over one.
    pub fn is_encrypted(&self, request: &HttpRequest) -> bool {
        self.own.strip_prefix("https://").is_some_and(|own| is_host(request, own))
    }

    /// The cookie counts on our own pages only: a browser sends it along with whatever page asks.
    fn is_signed_in(&self, request: &HttpRequest) -> bool {
        let is_ours = text(request, header::ORIGIN).is_none_or(|origin| self.is_our_page(origin, request));
        is_ours
            && request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok()).any(
                |cookies| {
                    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
                    pairs.any(|(name, value)| name == COOKIE && self.is_session(value, seconds_now()))
                },
            )
    }

    fn is_session(&self, cookie: &str, now: u64) -> bool {
        let parts = cookie.strip_prefix("v1.").and_then(|rest| rest.split_once('.'));
        let parts =
            parts.and_then(|(expiry, mac)| Some((expiry.parse().ok()?, URL_SAFE_NO_PAD.decode(mac).ok()?)));
        parts.is_some_and(|(expiry, given)| {
            // verify_slice takes the same time wherever the difference is.
            now <= expiry && self.session_mac(expiry).is_some_and(|mac| mac.verify_slice(&given).is_ok())
        })
    }

    fn session_mac(&self, expiry: u64) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.token_sha256?).ok()?;
        mac.update(format!("dashboard session|{expiry}").as_bytes());
        Some(mac)
    }

    /// Whether a page comes from the address that the request itself goes to. Worth nothing without a token: then a name of somebody
    /// else's that leads to this machine would do.
    fn is_our_page(&self, origin: &str, request: &HttpRequest) -> bool {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        self.token_sha256.is_some() && authority.is_some_and(|authority| is_host(request, authority))
    }

    fn is_own_host(&self, request: &HttpRequest) -> bool {
        let host = text(request, header::HOST).unwrap_or_default();
        let origin = format!("http://{host}");
        is_loopback(&origin)
            || self.own.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host))
    }

    fn knows(&self, given: &str) -> bool {
        self.lists(given) || given.eq_ignore_ascii_case(&self.own) || self.is_local && is_loopback(given)
    }

    /// Returns whether a page's origin is one of those that are admitted besides our own.
    pub fn lists(&self, given: &str) -> bool {
        self.origins.iter().any(|origin| origin == "*" || origin.eq_ignore_ascii_case(given))
    }

    /// Takes the same time wherever two tokens differ.
    fn is_token(&self, text: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        self.token_sha256.is_some_and(|token| bool::from(token.ct_eq(&given)))
    }
}

fn text(request: &HttpRequest, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn is_host(request: &HttpRequest, authority: &str) -> bool {
    text(request, header::HOST).is_some_and(|host| host.eq_ignore_ascii_case(authority))
}

fn origin(url: &str) -> Option<String> {
    Url::parse(url).ok().map(|url| url.origin().ascii_serialization())
}

fn is_loopback(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn watchers(token: Option<&str>, public: &str) -> Watchers {
        let public = PublicUrl::parse(public).unwrap();
        let token = token.map(|token| SecretString::from(token.to_owned()));
        Watchers::new(token.as_ref(), &["https://desk.example.com".to_owned()], &public)
    }

    #[test]
    fn the_token_may_come_by_header_subprotocol_or_query() {
        let rule = watchers(Some("secret-token"), "https://b.example.com");
        for (request, expected) in [
            (TestRequest::get(), Err(NotAdmitted::Token)),
            (TestRequest::get().uri("/?token=wrong"), Err(NotAdmitted::Token)),
            (TestRequest::get().uri("/?token=secret-token"), Ok(None)),
            (TestRequest::get().uri("/?a=b&access_token=secret%2Dtoken"), Ok(None)),
            (TestRequest::get().insert_header(("Authorization", "bearer secret-token")), Ok(None)),
            (
                TestRequest::get().insert_header(("Authorization", "Basic secret-token")),
                Err(NotAdmitted::Token),
            ),
            (
                TestRequest::get().insert_header(("Sec-WebSocket-Protocol", "updates, secret-token")),
                Ok(Some("secret-token")),
            ),
            (
                TestRequest::get()
                    .uri("/?token=secret-token")
                    .insert_header(("Sec-WebSocket-Protocol", "updates")),
                Ok(Some("updates")),
            ),
        ] {
            assert_eq!(rule.admit(&request.to_http_request()), expected);
        }
    }

    #[test]
    fn browsers_come_from_our_own_pages_or_from_those_listed() {
        let public = watchers(None, "https://b.example.com");
        let local = watchers(None, "http://127.0.0.1:3000");
        for (rule, origin, is_admitted) in [
            (&public, "https://b.example.com", true),
            (&public, "HTTPS://Desk.example.com", true),
            (&public, "http://b.example.com", false),
            (&public, "https://b.example.com.evil.example", false),
            (&public, "http://localhost:5173", false),
            (&public, "null", false),
            (&local, "http://localhost:5173", true),
            (&local, "https://elsewhere.example.com", false),
        ] {
            let request = TestRequest::get().insert_header(("Origin", origin)).to_http_request();
            assert_eq!(rule.admit(&request).is_ok(), is_admitted, "{origin}");
        }
    }
}
