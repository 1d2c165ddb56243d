//! Where to connect for an address that Twilio was given.
//!
//! Twilio signs and names the public address. The simulator connects to the bridge itself: an address with
//! the public host and port leads to the base address, so that neither DNS nor TLS is needed.

use url::Url;

/// The bridge's address, as the world knows it and as it is reached from here.
#[derive(Debug, Clone)]
pub(super) struct Address {
    base: Url,
    public: Url,
    public_text: String,
}

/// A place to connect to and the `Host` to name there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) host: String,
}

/// An address is not an absolute http or https one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an address such as http://127.0.0.1:3000")]
pub struct BadAddress(pub String);

impl Address {
    /// Returns the pair; without a public address the base is public.
    pub(super) fn new(base: &str, public: Option<&str>) -> Result<Self, BadAddress> {
        let public_text = public.unwrap_or(base).trim_end_matches('/').to_owned();
        Ok(Self { base: parse(base)?, public: parse(&public_text)?, public_text })
    }

    /// Returns the public address of a page.
    pub(super) fn public(&self, path: &str) -> String {
        format!("{}{path}", self.public_text)
    }

    /// Returns where to connect for `url`, with the query and all.
    pub(super) fn target(&self, url: &str) -> Result<Target, BadAddress> {
        let mut target = Url::parse(url).map_err(|_| BadAddress(url.to_owned()))?;
        let host = authority(&target).ok_or_else(|| BadAddress(url.to_owned()))?;
        let is_ours = target.host_str() == self.public.host_str()
            && target.port_or_known_default() == self.public.port_or_known_default();
        if is_ours {
            let is_socket = target.scheme().starts_with("ws");
            let scheme = match (self.base.scheme(), is_socket) {
                ("https", true) => "wss",
                (_, true) => "ws",
                (scheme, false) => scheme,
            };
            // The base has a host, and all four schemes may stand for one another.
            let _ = target.set_scheme(scheme);
            let _ = target.set_host(self.base.host_str());
            let _ = target.set_port(self.base.port());
        }
        Ok(Target { url: target.to_string(), host })
    }
}

fn parse(text: &str) -> Result<Url, BadAddress> {
    let bad = || BadAddress(text.to_owned());
    let url = Url::parse(text).map_err(|_| bad())?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() { Ok(url) } else { Err(bad()) }
}

fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_host_leads_to_the_base() {
        let address = Address::new("http://127.0.0.1:3000/", Some("https://bridge.example.com/")).unwrap();
        assert_eq!(
            address.public("/twilio/twiml?room=a%20b"),
            "https://bridge.example.com/twilio/twiml?room=a%20b"
        );
        for (url, expected, host) in [
            (
                "https://bridge.example.com/t?room=a%20b",
                "http://127.0.0.1:3000/t?room=a%20b",
                "bridge.example.com",
            ),
            ("https://bridge.example.com:443/t", "http://127.0.0.1:3000/t", "bridge.example.com"),
            (
                "wss://bridge.example.com/twilio/media",
                "ws://127.0.0.1:3000/twilio/media",
                "bridge.example.com",
            ),
            ("https://other.example.com/x", "https://other.example.com/x", "other.example.com"),
            ("wss://bridge.example.com:8443/m", "wss://bridge.example.com:8443/m", "bridge.example.com:8443"),
        ] {
            let target = Target { url: expected.into(), host: host.into() };
            assert_eq!(address.target(url).unwrap(), target, "{url}");
        }
    }

    #[test]
    fn without_a_public_address_the_base_is_public() {
        let address = Address::new("http://127.0.0.1:3000", None).unwrap();
        assert_eq!(address.public("/t"), "http://127.0.0.1:3000/t");
        let target = address.target("ws://127.0.0.1:3000/m").unwrap();
        assert_eq!((target.url.as_str(), target.host.as_str()), ("ws://127.0.0.1:3000/m", "127.0.0.1:3000"));
        let secure = Address::new("https://b.example.com", None).unwrap();
        assert_eq!(secure.target("wss://b.example.com/m").unwrap().url, "wss://b.example.com/m");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "127.0.0.1:3000", "ftp://x", "ws://x/", "http://"] {
            assert!(Address::new(text, None).is_err(), "{text}");
        }
    }
}
