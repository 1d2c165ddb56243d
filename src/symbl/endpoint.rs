//! Where a Symbl-protocol server lives: every address from one base URL (`symbl-protocol` 1.1, 2.1).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// What may stand in a path segment or query value as it is: RFC 3986's unreserved characters.
const ENCODE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A server of the Symbl protocol, by its base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
}

/// Why a text is not a base URL.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadEndpoint {
    /// Not a URL.
    #[error("not a url ({0}); write it like https://symbl.example.com")]
    NotAUrl(url::ParseError),
    /// Neither `http` nor `https`.
    #[error("scheme `{0}` is not http or https")]
    Scheme(String),
    /// A query, fragment or user name, which no Symbl address has.
    #[error("a base url has no query, fragment or user name")]
    Extras,
}

impl Endpoint {
    /// Reads a base URL such as `https://api.symbl.ai`; `wss:` and `ws:` are taken for their `http` twins.
    pub fn parse(text: &str) -> Result<Self, BadEndpoint> {
        let text = text.trim().trim_end_matches('/');
        let text = match text.split_once("://") {
            Some(("wss", rest)) => format!("https://{rest}"),
            Some(("ws", rest)) => format!("http://{rest}"),
            _ => text.to_owned(),
        };
        let base = Url::parse(&text).map_err(BadEndpoint::NotAUrl)?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(BadEndpoint::Scheme(base.scheme().to_owned()));
        }
        if base.query().is_some() || base.fragment().is_some() || !base.username().is_empty() {
            return Err(BadEndpoint::Extras);
        }
        Ok(Self { base })
    }

    /// Returns the token address.
    pub fn token(&self) -> String {
        format!("{}/oauth2/token:generate", self.root())
    }

    /// Returns a leg's streaming address. It holds the token: never log it.
    pub fn streaming(&self, connection_id: &str, token: &str) -> String {
        let id = utf8_percent_encode(connection_id, ENCODE);
        let token = utf8_percent_encode(token, ENCODE);
        format!("{}/v1/realtime/insights/{id}?access_token={token}", self.root().replacen("http", "ws", 1))
    }

    /// Returns a conversation's subscribe address, without a token.
    pub fn subscribe(&self, connection_id: &str) -> String {
        let id = utf8_percent_encode(connection_id, ENCODE);
        format!("{}/v1/subscribe/{id}", self.root().replacen("http", "ws", 1))
    }

    fn root(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.root())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_the_base_url() {
        for (base, token, streaming) in [
            (
                "https://api.symbl.ai",
                "https://api.symbl.ai/oauth2/token:generate",
                "wss://api.symbl.ai/v1/realtime/insights/a%2Fb%3D?access_token=t.k",
            ),
            (
                "ws://127.0.0.1:8080/",
                "http://127.0.0.1:8080/oauth2/token:generate",
                "ws://127.0.0.1:8080/v1/realtime/insights/a%2Fb%3D?access_token=t.k",
            ),
            (
                "http://host/tenant/",
                "http://host/tenant/oauth2/token:generate",
                "ws://host/tenant/v1/realtime/insights/a%2Fb%3D?access_token=t.k",
            ),
        ] {
            let endpoint = Endpoint::parse(base).unwrap();
            assert_eq!(endpoint.token(), token);
            assert_eq!(endpoint.streaming("a/b=", "t.k"), streaming);
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_the_reason() {
        for (text, reason) in [
            ("api.symbl.ai", "not a url"),
            ("ftp://api.symbl.ai", "scheme `ftp`"),
            ("https://api.symbl.ai/?x=1", "no query"),
            ("https://me@api.symbl.ai", "user name"),
        ] {
            let error = Endpoint::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
