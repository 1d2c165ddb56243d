//! Who a request comes from: its peer, or whom a trusted proxy names.
//!
//! Only `X-Forwarded-For` counts. Of two headers, the one that the proxy does not write would be the attacker's.

use std::net::{IpAddr, SocketAddr};

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;

use crate::config::networks::Network;
use crate::ws::client_address::ClientAddress;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Headers by which a request shows that somebody passed it on.
const FORWARDING: [&str; 3] = [FORWARDED_FOR, "forwarded", "via"];

/// The rule.
#[derive(Debug, Clone)]
pub struct Clients {
    trusted: Vec<Network>,
    limit_loopback: bool,
}

impl Clients {
    /// Returns the rule; proxies in `trusted` are believed.
    pub fn new(trusted: &[Network], limit_loopback: bool) -> Self {
        Self { trusted: trusted.to_vec(), limit_loopback }
    }

    /// Returns who a request comes from.
    pub fn client_of(&self, request: &ServiceRequest) -> ClientAddress {
        match request.peer_addr() {
            Some(peer) => self.client(peer.ip(), request.headers()),
            None => ClientAddress::of_peer(None),
        }
    }

    /// Returns whose place a connection takes; none when limits leave it alone: this machine and proxies, which
    /// connect for many.
    pub fn counted_connection(&self, peer: SocketAddr) -> Option<IpAddr> {
        let ip = peer.ip().to_canonical();
        if self.is_trusted(ip) {
            return None;
        }
        self.exempted(ClientAddress::of_peer(Some(ip))).counted()
    }

    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let peer = peer.to_canonical();
        if self.is_trusted(peer) && headers.contains_key(FORWARDED_FOR) {
            let ip = self.last_untrusted(peer, headers);
            return ClientAddress { ip: Some(ip), is_exempt: false, is_notorious: false };
        }
        let mut client = self.exempted(ClientAddress::of_peer(Some(peer)));
        // What a proxy or tunnel on this machine passes on does not come from this machine.
        client.is_exempt &= !FORWARDING.iter().any(|name| headers.contains_key(*name));
        client
    }

    /// Walks from the nearest hop to the farthest, as long as each is trusted to name the one before it.
    fn last_untrusted(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer;
        let lines: Vec<&[u8]> = headers.get_all(FORWARDED_FOR).map(|value| value.as_bytes()).collect();
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
            let Some(address) = std::str::from_utf8(hop).ok().and_then(|hop| address(hop.trim())) else {
                break;
            };
            nearest = address;
            if !self.is_trusted(address) {
                break;
            }
        }
        nearest
    }

    fn exempted(&self, client: ClientAddress) -> ClientAddress {
        ClientAddress { is_exempt: client.is_exempt && !self.limit_loopback, ..client }
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// Reads a hop: an address, perhaps with a port, which some proxies add.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(hop, |(bare, _)| bare);
    let parsed = bare.parse().ok().or_else(|| bare.parse().ok().map(|address: SocketAddr| address.ip()));
    parsed.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::config::networks;

    fn client(rule: &Clients, peer: &str, forwarded: &[&str]) -> (String, bool) {
        let mut request = TestRequest::get().peer_addr(SocketAddr::new(peer.parse().unwrap(), 4711));
        for line in forwarded {
            request = request.append_header((FORWARDED_FOR, *line));
        }
        let client = rule.client_of(&request.to_srv_request());
        (client.ip.unwrap().to_string(), client.is_exempt)
    }

    #[test]
    fn a_trusted_proxy_names_the_client_and_nobody_else_does() {
        let rule = Clients::new(&networks::list("127.0.0.1, 10.0.0.0/8").unwrap(), false);
        for (peer, forwarded, expected) in [
            ("203.0.113.5", &[][..], "203.0.113.5"),
            // Who is no proxy of ours names nobody.
            ("203.0.113.5", &["192.0.2.1"], "203.0.113.5"),
            ("127.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("::ffff:10.1.2.3", &["192.0.2.1"], "192.0.2.1"),
            // What the client claimed stands farther away than what our proxy saw.
            ("10.0.0.1", &["1.1.1.1, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["1.1.1.1", "192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["1.1.1.1, 192.0.2.1, 10.0.0.2,127.0.0.1"], "192.0.2.1"),
            ("10.0.0.1", &["192.0.2.1:5060"], "192.0.2.1"),
            ("10.0.0.1", &["[2001:db8::1]:5060"], "2001:db8::1"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            // Unreadable: the nearest that was readable.
            ("10.0.0.1", &["192.0.2.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[""], "10.0.0.1"),
        ] {
            assert_eq!(client(&rule, peer, forwarded), (expected.to_owned(), false), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn this_machine_is_exempt_when_it_speaks_for_itself() {
        let open = Clients::new(&[], false);
        assert_eq!(client(&open, "127.0.0.1", &[]), ("127.0.0.1".to_owned(), true));
        assert_eq!(client(&open, "127.0.0.1", &["192.0.2.1"]), ("127.0.0.1".to_owned(), false));
        let strict = Clients::new(&[], true);
        assert_eq!(client(&strict, "127.0.0.1", &[]), ("127.0.0.1".to_owned(), false));
        let peer = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 1);
        assert_eq!(open.counted_connection(peer("127.0.0.1")), None);
        assert_eq!(strict.counted_connection(peer("127.0.0.1")), Some(IpAddr::from([127, 0, 0, 1])));
        let behind = Clients::new(&networks::list("192.0.2.0/24").unwrap(), true);
        assert_eq!(behind.counted_connection(peer("192.0.2.9")), None);
    }
}
