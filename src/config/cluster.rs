//! Several bridge nodes behind one balancer: what they share, and where.

use secrecy::SecretString;
use url::Url;

use super::reader::Reader;

/// Longest name of a cluster or a node; both become part of names in NATS.
const LONGEST_NAME: usize = 32;

/// What several nodes share.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// Addresses of NATS servers of one NATS cluster, comma-separated; may carry a user and a password.
    pub nats_url: SecretString,
    /// Before every name in NATS.
    pub name: String,
    /// What this node is called in logs; none: a name is made up.
    pub node: Option<String>,
    /// NATS servers that keep a copy of what is shared.
    pub replicas: usize,
}

/// Returns the settings; none without an address.
pub(super) fn read(
    read: &mut Reader,
    has_token_key: bool,
    needs_watch_token: bool,
) -> Option<ClusterSettings> {
    // Every key is read, so that a mistake shows before the cluster is switched on.
    let nats_url = read.parsed_secret("cluster.nats_url", nats_urls);
    let name = read.parsed("cluster.name", name).unwrap_or_else(|| "symbl-bridge".to_owned());
    let node = read.parsed("cluster.node", self::name);
    let replicas = read.number("cluster.replicas", 1..=5) as usize;
    let nats_url = nats_url?;
    if !has_token_key {
        read.problem(
            "media.token_secret",
            "is missing, but cluster.nats_url is set: a caller's media socket may reach another node than the webhook",
            "set the same on all nodes, for instance of `openssl rand -hex 32`, or set TWILIO_AUTH_TOKEN",
        );
    }
    if needs_watch_token {
        read.problem(
            "updates.token",
            "is missing, but cluster.nats_url is set: each node would make up another",
            "set the same token on all nodes",
        );
    }
    Some(ClusterSettings { nats_url, name, node, replicas })
}

fn name(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.len() > LONGEST_NAME || !text.bytes().all(fits) {
        return Err(format!("must be at most {LONGEST_NAME} letters, digits, - and _"));
    }
    Ok(text.to_owned())
}

fn nats_urls(text: &str) -> Result<SecretString, String> {
    for address in text.split(',') {
        let url = Url::parse(address.trim()).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "nats" | "tls") || url.host().is_none() {
            return Err("must be nats://HOST:PORT or tls://HOST:PORT, or several between commas".to_owned());
        }
    }
    Ok(SecretString::from(text.to_owned()))
}
