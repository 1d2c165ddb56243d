//! Who may watch: dashboards need the access token once the world can reach us, and browsers an origin we know.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::{Host, Url, form_urlencoded};

use crate::twilio::PublicUrl;

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
}

impl NotAdmitted {
    /// Returns the stable word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Origin => "origin",
        }
    }
}

impl ResponseError for NotAdmitted {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Origin => StatusCode::FORBIDDEN,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).body(format!("{self}\n"))
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
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(origin) = header(header::ORIGIN)
            && !self.knows(origin)
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
            || is_in_query();
        if !is_admitted {
            return Err(NotAdmitted::Token);
        }
        // A client that offers subprotocols fails unless one of them is chosen.
        Ok(offers.next().filter(|offer| !offer.is_empty()))
    }

    fn knows(&self, given: &str) -> bool {
        let given = given.to_ascii_lowercase();
        let is_listed = self.origins.iter().any(|origin| origin == "*" || *origin == given);
        is_listed || given == self.own || self.is_local && is_loopback(&given)
    }

    /// Takes the same time wherever two tokens differ.
    fn is_token(&self, text: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        self.token_sha256.is_some_and(|token| bool::from(token.ct_eq(&given)))
    }
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
