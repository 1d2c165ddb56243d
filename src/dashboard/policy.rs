//! Whom the page may talk to: its Content-Security-Policy.

use url::Url;

/// Everything is forbidden but what the page is made of.
const FIXED: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
                     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The policy, but for the name that the page was asked for by.
#[derive(Debug)]
pub struct Policy {
    /// Origins of an upstream that the page talks to directly, each with a space before it.
    upstream: String,
}

impl Policy {
    /// Makes the policy; an upstream is asked over HTTP and over WebSockets.
    pub fn new(upstream: Option<&str>) -> Self {
        let origin =
            upstream.and_then(|url| Url::parse(url).ok()).map(|url| url.origin().ascii_serialization());
        let upstream = origin
            .map(|origin| {
                let sockets = origin.replacen("http", "ws", 1);
                format!(" {origin} {sockets}")
            })
            .unwrap_or_default();
        Self { upstream }
    }

    /// Returns the policy for a page that was asked for by this `Host`. Not all browsers count a WebSocket to the page's own
    /// host as `'self'`, so it is named.
    pub fn for_host(&self, host: &str) -> String {
        let sockets = if is_host(host) { format!(" ws://{host} wss://{host}") } else { String::new() };
        format!("{FIXED}; connect-src 'self'{sockets}{}", self.upstream)
    }
}

/// Whether a `Host` may stand in a policy: letters, digits and what names, ports and IPv6 addresses need.
fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_may_connect_to_its_own_host_and_to_the_upstream() {
        for (upstream, host, expected) in [
            (None, "127.0.0.1:3000", "connect-src 'self' ws://127.0.0.1:3000 wss://127.0.0.1:3000"),
            (
                Some("https://symbl.example.com/base"),
                "b.example.com",
                "connect-src 'self' ws://b.example.com wss://b.example.com https://symbl.example.com wss://symbl.example.com",
            ),
            (Some("http://[::1]:9"), "", "connect-src 'self' http://[::1]:9 ws://[::1]:9"),
            (Some("no address"), "a;b", "connect-src 'self'"),
        ] {
            assert_eq!(Policy::new(upstream).for_host(host), format!("{FIXED}; {expected}"));
        }
    }

    #[test]
    fn a_host_cannot_add_to_the_policy() {
        for host in ["a b", "a;script-src", "a'", "a,b", "a\u{e9}", "a/b", "*"] {
            assert!(Policy::new(None).for_host(host).ends_with("connect-src 'self'"), "{host}");
        }
    }
}
