//! The address the world knows us by. It comes from configuration and from nowhere else: `Host` and
//! forwarded headers belong to whoever sends them (twilio-protocol.md, section 5.3).

use std::fmt;

use url::{Host, Url};

/// The base of every address we hand out, without a slash at its end: `https://bridge.example.com`.
///
/// `http` is taken for loopback hosts only, for development. A path prefix is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    /// Where host and port begin and end in `text`.
    authority: std::ops::Range<usize>,
    is_secure: bool,
    has_port: bool,
}

/// An address of a media socket that Twilio will accept: `wss`, no query, no user, a legal host.
///
/// `ws` is taken for loopback hosts only, for development.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamUrl(String);

/// An address cannot be given to Twilio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Not an absolute address.
    #[error("not an absolute address such as https://bridge.example.com")]
    NotAbsolute,
    /// Another scheme, or an open one for a host that is not this machine.
    #[error("the scheme must be https (wss for a stream); http and ws are for loopback hosts only")]
    Scheme,
    /// A user name or password.
    #[error("a user name or password must not be part of the address")]
    UserInfo,
    /// A query string: Twilio does not send one on a stream (error 31920).
    #[error("a query string must not be part of the address; pass <Parameter>s")]
    Query,
    /// A fragment.
    #[error("a fragment must not be part of the address")]
    Fragment,
    /// An underscore in the host: Twilio refuses it (error 31923).
    #[error("the host name must not contain an underscore")]
    Host,
}

impl PublicUrl {
    /// Returns the base in a configured address; a slash at its end is dropped.
    pub fn parse(raw: &str) -> Result<Self, BadUrl> {
        let checked = check(raw, "https", "http")?;
        let text = raw.trim_end_matches('/').to_owned();
        let begin = text.find("://").ok_or(BadUrl::NotAbsolute)? + 3;
        let end = text[begin..].find('/').map_or(text.len(), |slash| begin + slash);
        let has_port = text[begin..end].rsplit(']').next().is_some_and(|rest| rest.contains(':'));
        Ok(Self { authority: begin..end, is_secure: checked.scheme() == "https", has_port, text })
    }

    /// Returns the base as configured.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns host and port as configured.
    pub fn authority(&self) -> &str {
        &self.text[self.authority.clone()]
    }

    /// Returns the address of one of our pages; `path` begins with a slash.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Returns the address of one of our media sockets; `path` begins with a slash and has no query.
    pub fn stream(&self, path: &str) -> Result<StreamUrl, BadUrl> {
        StreamUrl::parse(&format!("{}{}{path}", self.stream_scheme(), &self.text[self.authority.start..]))
    }

    /// Returns the spellings of a webhook's address that Twilio may have signed, likeliest first.
    ///
    /// `path_and_query` is the request line's, untouched.
    pub fn webhook_candidates(&self, path_and_query: &str) -> Vec<String> {
        let scheme = if self.is_secure { "https://" } else { "http://" };
        self.authorities()
            .map(|authority| format!("{scheme}{authority}{}{path_and_query}", self.prefix()))
            .collect()
    }

    /// Returns the spellings of a media socket's address that Twilio may have signed, likeliest first.
    ///
    /// Each port with and without a slash at the end: Twilio documents both (section 5.5).
    pub fn stream_candidates(&self, path: &str) -> Vec<String> {
        let bare = path.strip_suffix('/').unwrap_or(path);
        let mut candidates = Vec::with_capacity(4);
        for authority in self.authorities() {
            let address = format!("{}{authority}{}{bare}", self.stream_scheme(), self.prefix());
            candidates.push(address.clone());
            candidates.push(address + "/");
        }
        candidates
    }

    fn stream_scheme(&self) -> &'static str {
        if self.is_secure { "wss://" } else { "ws://" }
    }

    fn prefix(&self) -> &str {
        &self.text[self.authority.end..]
    }

    /// Returns host and port in both legal spellings; Twilio drops the port of https, but not always.
    fn authorities(&self) -> impl Iterator<Item = String> {
        let given = self.authority();
        let (first, second) = match (self.has_port, self.is_secure) {
            (true, true) => {
                (given.rsplit_once(':').map_or(given, |(host, _)| host).to_owned(), Some(given.to_owned()))
            }
            (true, false) => (given.to_owned(), None),
            (false, true) => (given.to_owned(), Some(format!("{given}:443"))),
            (false, false) => (given.to_owned(), None),
        };
        std::iter::once(first).chain(second)
    }
}

impl StreamUrl {
    /// Returns the address if Twilio can connect to it.
    pub fn parse(raw: &str) -> Result<Self, BadUrl> {
        check(raw, "wss", "ws")?;
        Ok(Self(raw.to_owned()))
    }

    /// Returns the address, byte for byte as it will be signed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicUrl({})", self.text)
    }
}

impl fmt::Display for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamUrl({})", self.0)
    }
}

fn check(raw: &str, secure: &str, open: &str) -> Result<Url, BadUrl> {
    // `Url` would silently drop white space and line ends, and we emit the text itself.
    if !raw.bytes().all(|byte| byte.is_ascii_graphic()) || !raw.contains("://") {
        return Err(BadUrl::NotAbsolute);
    }
    let url = Url::parse(raw).map_err(|_| BadUrl::NotAbsolute)?;
    // `Url` also makes something of `https:host`, `https:///host` and backslashes, and we would cut the text elsewhere.
    let authority = raw.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
    if authority.is_none_or(|authority| authority.starts_with('/')) || raw.contains('\\') {
        return Err(BadUrl::NotAbsolute);
    }
    if !url.username().is_empty() || url.password().is_some() || raw.contains('@') {
        return Err(BadUrl::UserInfo);
    }
    if raw.contains('?') {
        return Err(BadUrl::Query);
    }
    if raw.contains('#') {
        return Err(BadUrl::Fragment);
    }
    let is_local = match url.host().ok_or(BadUrl::NotAbsolute)? {
        Host::Domain(name) if name.contains('_') => return Err(BadUrl::Host),
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let scheme = url.scheme();
    if scheme == secure || (scheme == open && is_local) { Ok(url) } else { Err(BadUrl::Scheme) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_twilio_can_use_are_taken() {
        for good in [
            "https://bridge.example.com",
            "https://b.example.com:8443/prefix",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "http://localhost",
        ] {
            assert_eq!(PublicUrl::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(PublicUrl::parse("https://b.example.com/").unwrap().as_str(), "https://b.example.com");
        for good in [
            "wss://bridge.example.com/twilio/media",
            "ws://127.0.0.1:3000/m",
            "ws://localhost/m",
            "wss://[2001:db8::1]/m",
        ] {
            assert_eq!(StreamUrl::parse(good).unwrap().as_str(), good);
        }
        let cases = [
            ("", BadUrl::NotAbsolute),
            ("bridge.example.com", BadUrl::NotAbsolute),
            ("/twilio/media", BadUrl::NotAbsolute),
            ("wss://b.example.com/a b", BadUrl::NotAbsolute),
            ("wss://b.example.com/a\n", BadUrl::NotAbsolute),
            ("wss://bücher.example/", BadUrl::NotAbsolute),
            ("wss:b.example.com/x://other.example.com/", BadUrl::NotAbsolute),
            ("wss:///b.example.com/m", BadUrl::NotAbsolute),
            ("wss://b.example.com\\@other.example.com/m", BadUrl::NotAbsolute),
            ("ws://b.example.com/m", BadUrl::Scheme),
            ("https://b.example.com/m", BadUrl::Scheme),
            ("wss://u:p@b.example.com/m", BadUrl::UserInfo),
            ("wss://@b.example.com/m", BadUrl::UserInfo),
            ("wss://b.example.com/m?tenant=7", BadUrl::Query),
            ("wss://b.example.com/m?", BadUrl::Query),
            ("wss://b.example.com/m#x", BadUrl::Fragment),
            ("wss://my_bridge.example.com/m", BadUrl::Host),
        ];
        for (raw, fault) in cases {
            assert_eq!(StreamUrl::parse(raw), Err(fault), "{raw:?}");
        }
        assert_eq!(PublicUrl::parse("http://b.example.com"), Err(BadUrl::Scheme));
    }

    #[test]
    fn pages_and_sockets_hang_on_the_base() {
        let base = PublicUrl::parse("https://b.example.com:8443/voice/").unwrap();
        assert_eq!(base.page("/twilio/twiml"), "https://b.example.com:8443/voice/twilio/twiml");
        assert_eq!(
            base.stream("/twilio/media").unwrap().as_str(),
            "wss://b.example.com:8443/voice/twilio/media"
        );
        assert_eq!(base.authority(), "b.example.com:8443");
        assert_eq!(base.stream("/m?x=1"), Err(BadUrl::Query));
        let local = PublicUrl::parse("http://[::1]:3000").unwrap();
        assert_eq!(local.stream("/m").unwrap().as_str(), "ws://[::1]:3000/m");
    }

    #[test]
    fn candidates_cover_ports_and_slashes_and_nothing_else() {
        let plain = PublicUrl::parse("https://b.example.com").unwrap();
        assert_eq!(
            plain.webhook_candidates("/t?x=%2F"),
            ["https://b.example.com/t?x=%2F", "https://b.example.com:443/t?x=%2F"]
        );
        let streams = [
            "wss://b.example.com/m",
            "wss://b.example.com/m/",
            "wss://b.example.com:443/m",
            "wss://b.example.com:443/m/",
        ];
        assert_eq!(plain.stream_candidates("/m"), streams);
        assert_eq!(plain.stream_candidates("/m/"), streams);

        let ported = PublicUrl::parse("https://b.example.com:8443/p").unwrap();
        assert_eq!(
            ported.webhook_candidates("/t"),
            ["https://b.example.com/p/t", "https://b.example.com:8443/p/t"]
        );
        let six = PublicUrl::parse("https://[2001:db8::1]").unwrap();
        assert_eq!(six.webhook_candidates("/t"), ["https://[2001:db8::1]/t", "https://[2001:db8::1]:443/t"]);
        let local = PublicUrl::parse("http://127.0.0.1:3000").unwrap();
        assert_eq!(local.webhook_candidates("/t"), ["http://127.0.0.1:3000/t"]);
    }
}
