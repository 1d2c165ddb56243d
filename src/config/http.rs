//! The listener's settings: where it listens, and what it lets anybody cost.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::networks::{self, Network};
use super::reader::Reader;

/// The listener.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Address to bind.
    pub host: String,
    /// Port to bind; 0 takes any free one.
    pub port: u16,
    /// Worker threads; none: one a core.
    pub workers: Option<NonZeroUsize>,
    /// A peer that takes no bytes for this long is cut off.
    pub peer_timeout: Duration,
    /// How long a request's head may take, from the connection's start; a TLS handshake has as long before it.
    pub head_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub keep_alive: Duration,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections at once from one address, those that became sockets not counted.
    pub max_connections_per_address: usize,
    /// Proxies whose word on the client's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// Refused requests that one address may make in a minute; none: no limit.
    pub refusals_per_minute: Option<u32>,
    /// Tokens that one address may ask for in a minute; none: no limit.
    pub tokens_per_minute: Option<u32>,
    /// Whether programs on this machine are limited as everybody else.
    pub limit_loopback: bool,
    /// Certificate and key, to serve TLS without a proxy.
    pub tls: Option<TlsSettings>,
}

/// Files in PEM form; read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate, then those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Reads the keys of `[http]` and `[tls]`.
pub(super) fn read(read: &mut Reader) -> HttpSettings {
    HttpSettings {
        host: read.text("http.host").unwrap_or_else(|| "127.0.0.1".to_owned()),
        port: read.number("http.port", 0..=65_535) as u16,
        workers: NonZeroUsize::new(read.number("http.workers", 0..=1024) as usize),
        peer_timeout: read.millis("http.peer_timeout_ms", 1_000..=600_000),
        // actix reads a clock that is up to half a second slow: less than a second would refuse honest requests.
        head_timeout: read.millis("http.head_timeout_ms", 1_000..=120_000),
        body_timeout: read.millis("http.body_timeout_ms", 100..=600_000),
        keep_alive: read.millis("http.keep_alive_ms", 1_000..=600_000),
        max_connections: read.number("http.max_connections", 1..=1_000_000) as usize,
        max_connections_per_address: read.number("http.max_connections_per_address", 1..=1_000_000) as usize,
        trusted_proxies: read.parsed("http.trusted_proxies", networks::list).unwrap_or_default(),
        refusals_per_minute: rate(read.number("http.refusals_per_minute", 0..=1_000_000)),
        tokens_per_minute: rate(read.number("http.tokens_per_minute", 0..=1_000_000)),
        limit_loopback: read.flag("http.limit_loopback"),
        tls: tls(read),
    }
}

fn rate(number: u64) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number > 0)
}

fn tls(read: &mut Reader) -> Option<TlsSettings> {
    let (certificate, key) = (read.text("tls.cert"), read.text("tls.key"));
    for (missing, other, is_alone) in [
        ("tls.key", "tls.cert", certificate.is_some() && key.is_none()),
        ("tls.cert", "tls.key", certificate.is_none() && key.is_some()),
    ] {
        if is_alone {
            let remedy = format!(
                "set both to PEM files, or leave both empty and let a proxy speak TLS; {other} is set"
            );
            read.problem(missing, format!("is missing, but {other} is set"), remedy);
        }
    }
    let (certificate, key) = certificate.zip(key)?;
    Some(TlsSettings { certificate: certificate.into(), key: key.into() })
}
