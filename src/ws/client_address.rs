//! Who a request comes from, as the listener found it: the one answer that every limit by address uses.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::{HttpMessage, HttpRequest};

/// The client of a request. The listener leaves it with the request; [`ClientAddress::of`] finds it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    /// None: the transport has no addresses.
    pub ip: Option<IpAddr>,
    /// Whether limits by address leave it alone: a program on this machine that speaks for itself.
    pub is_exempt: bool,
    /// Whether it has been refused so often that no further refusal is worth a log line.
    pub is_notorious: bool,
}

impl ClientAddress {
    /// Returns the client of a request; without a listener of ours in front, its peer.
    pub fn of(request: &HttpRequest) -> Self {
        let noted = request.extensions().get::<Self>().copied();
        noted.unwrap_or_else(|| Self::of_peer(request.peer_addr().map(|peer| peer.ip())))
    }

    /// Returns a peer that speaks for itself.
    pub fn of_peer(ip: Option<IpAddr>) -> Self {
        let ip = ip.map(|ip| ip.to_canonical());
        Self { ip, is_exempt: ip.is_none_or(|ip| ip.is_loopback()), is_notorious: false }
    }

    /// Returns what limits count; none when they leave the client alone.
    pub fn counted(&self) -> Option<IpAddr> {
        self.ip.filter(|_| !self.is_exempt).map(site)
    }
}

/// Returns what stands for all addresses that one subscriber has: an IPv4 address, or an IPv6 network of 64 bits, of
/// which anybody has 2^64 addresses to come from.
pub fn site(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscribers_many_addresses_are_one() {
        for (ip, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            assert_eq!(site(ip.parse().unwrap()), expected.parse::<IpAddr>().unwrap(), "{ip}");
        }
    }

    #[test]
    fn only_this_machine_is_left_alone() {
        for (ip, is_exempt) in
            [("127.0.0.1", true), ("::1", true), ("::ffff:127.0.0.9", true), ("10.0.0.1", false)]
        {
            let client = ClientAddress::of_peer(Some(ip.parse().unwrap()));
            assert_eq!((client.is_exempt, client.counted().is_none()), (is_exempt, is_exempt), "{ip}");
        }
    }
}
