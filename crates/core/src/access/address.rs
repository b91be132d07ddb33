//! The address of the caller: the peer's, or the one that trusted proxies report.
//!
//! The server reads only `X-Forwarded-For`. It ignores `Forwarded` and `X-Real-IP`: a proxy that does not
//! know such a header would pass on one that the client invented.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The number of fixed bits at the start of every IPv4-mapped IPv6 address.
const MAPPED_PREFIX: u8 = 96;
/// The prefix length of the smallest network that an IPv6 provider gives a customer.
const CUSTOMER_PREFIX: u8 = 64;

/// The caller's address, as the layers of the server pass it on with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerAddress(pub IpAddr);

/// The reasons why a network cannot be a trusted proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// The text is neither an address nor a network.
    #[error("is no IP address or network, such as \"10.0.0.0/8\"")]
    Unreadable,
    /// Some programs read such a number as octal: 010 is 8 to them.
    #[error("has a number with a leading zero; write \"10.0.0.0/8\", not \"010.0.0.0/8\"")]
    LeadingZero,
    /// The network contains every address, so anybody could claim any address.
    #[error("trusts everybody")]
    Everybody,
}

/// An entry of `X-Forwarded-For` that is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hop is no IP address")]
pub struct UnreadableHop;

/// The proxies whose `X-Forwarded-For` the server believes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trusts these networks. Refuses them if together they contain every IPv4 or every IPv6 address.
    pub fn new(networks: Vec<IpNet>) -> Result<Self, ProxyError> {
        let everybody = IpNet::aggregate(&networks).iter().any(|network| network.prefix_len() == 0);
        if everybody { Err(ProxyError::Everybody) } else { Ok(Self(networks)) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the server believes what this address says of a request.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address of the caller. `lines` are the values of `X-Forwarded-For` in their order. They are read
    /// from the right, and only while the address to the right is a trusted proxy: anybody may have invented
    /// the entries further left.
    pub fn caller<'a>(
        &self,
        peer: IpAddr,
        lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> Result<CallerAddress, UnreadableHop> {
        let mut caller = peer.to_canonical();
        let mut hops = lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        while self.trusts(caller) {
            let Some(hop) = hops.next() else { break };
            caller = parse_hop(hop).ok_or(UnreadableHop)?;
        }
        Ok(CallerAddress(caller))
    }
}

/// Reads an address, with a port if the proxy writes one: `1.2.3.4:80`, `[::1]:80`.
fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let address = hop.parse::<IpAddr>().ok();
    let address = address.or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.or_else(bracketed).map(|address| address.to_canonical())
}

/// Reads an address or a network and cuts off host bits. An IPv4-mapped network becomes the IPv4 network.
pub(crate) fn parse_network(text: &str) -> Option<IpNet> {
    let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let network = text.parse::<IpNet>().ok().or_else(single)?;
    let network = match network {
        IpNet::V6(mapped) if mapped.prefix_len() >= MAPPED_PREFIX => unmap(mapped).unwrap_or(network),
        _ => network,
    };
    Some(network.trunc())
}

/// Reads a trusted proxy or a network of proxies. An IPv4-mapped network becomes the IPv4 network.
pub fn parse_proxy(text: &str) -> Result<IpNet, ProxyError> {
    if has_leading_zero(text) {
        return Err(ProxyError::LeadingZero);
    }
    let network = parse_network(text).ok_or(ProxyError::Unreadable)?;
    if network.prefix_len() == 0 { Err(ProxyError::Everybody) } else { Ok(network) }
}

/// Returns whether a decimal number has a leading zero: an octet of an IPv4 address, or the prefix length. The
/// groups of IPv6 are hexadecimal and may have zeros.
fn has_leading_zero(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, ""));
    let v4 = address.rsplit(':').next().unwrap_or(address);
    let octets = if v4.contains('.') { v4 } else { "" };
    octets.split('.').chain([length]).any(|number| number.len() > 1 && number.starts_with('0'))
}

fn unmap(network: Ipv6Net) -> Option<IpNet> {
    let address = network.addr().to_ipv4_mapped()?;
    Ipv4Net::new(address, network.prefix_len() - MAPPED_PREFIX).ok().map(IpNet::V4)
}

/// The network of one customer: the address itself for IPv4, the /64 for IPv6. For an address behind NAT64
/// (RFC 6052, 64:ff9b::/96) it is the IPv4 address inside, because all customers of NAT64 share one /64.
pub fn customer_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            IpAddr::V4(Ipv4Addr::from_bits(v6.to_bits() as u32))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX << (128 - u32::from(CUSTOMER_PREFIX));
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proxies(list: &[&str]) -> TrustedProxies {
        TrustedProxies::new(list.iter().map(|text| parse_proxy(text).unwrap()).collect()).unwrap()
    }

    fn caller(peer: &str, lines: &[&str]) -> Option<String> {
        let lines = lines.iter().map(|line| line.as_bytes());
        let proxies = proxies(&["10.0.0.0/8", "::1", "fd00::/8"]);
        proxies.caller(peer.parse().unwrap(), lines).ok().map(|caller| caller.0.to_string())
    }

    #[test]
    fn a_decimal_number_has_no_leading_zero() {
        for text in
            ["010.0.0.0/8", "10.0.0.01", "10.0.0.0/08", "::ffff:010.0.0.0/104", "::/064", "10.00.0.0/8"]
        {
            assert_eq!(parse_proxy(text), Err(ProxyError::LeadingZero), "{text}");
        }
        for text in ["10.0.0.0/8", "0.0.0.1", "2001:0db8::/32", "::0001", "::ffff:10.0.0.0/104"] {
            assert!(parse_proxy(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_first_untrusted_hop_from_the_right_is_the_caller() {
        for (peer, lines, expected) in [
            ("203.0.113.9", &[][..], "203.0.113.9"),
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("203.0.113.9", &["nonsense"], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1 ,\t10.2.0.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1", "10.2.0.1, 10.2.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["nonsense, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["10.3.0.1, 10.2.0.1"], "10.3.0.1"),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &["198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1"),
            ("::1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("fd00::7", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("::1", &["[2001:db8::1]"], "2001:db8::1"),
        ] {
            assert_eq!(caller(peer, lines).as_deref(), Some(expected), "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_hop_that_must_be_read_and_cannot_be_is_refused() {
        for line in [
            "",
            " ",
            "unknown",
            "198.51.100.1,",
            ",",
            "198.51.100.1, x, 10.0.0.2",
            "198.51.100",
            "198.51.100.01",
            "198.51.100.1/32",
            "198.51.100.1:99999",
            "2001:db8::1:",
            "[198.51.100.1]",
            "[2001:db8::1",
            "fe80::1%eth0",
            "for=198.51.100.1",
            "\"198.51.100.1\"",
            "example.com",
        ] {
            assert_eq!(caller("10.0.0.1", &[line]), None, "{line:?}");
        }
        let bytes: &[u8] = b"\xff";
        assert_eq!(proxies(&["::1"]).caller("::1".parse().unwrap(), [bytes].into_iter()), Err(UnreadableHop));
    }

    #[test]
    fn proxies_are_addresses_or_networks_but_not_everybody() {
        for (text, expected) in [
            ("10.0.0.0/8", Ok("10.0.0.0/8")),
            ("10.1.2.3/8", Ok("10.0.0.0/8")),
            ("127.0.0.1", Ok("127.0.0.1/32")),
            ("::1", Ok("::1/128")),
            ("::ffff:10.0.0.1", Ok("10.0.0.1/32")),
            ("::ffff:10.0.0.0/104", Ok("10.0.0.0/8")),
            ("0.0.0.0/0", Err(ProxyError::Everybody)),
            ("1.2.3.4/0", Err(ProxyError::Everybody)),
            ("::/0", Err(ProxyError::Everybody)),
            ("::ffff:0:0/96", Err(ProxyError::Everybody)),
            ("", Err(ProxyError::Unreadable)),
            ("10.0.0.0/33", Err(ProxyError::Unreadable)),
            ("10.0.0.0/255.0.0.0", Err(ProxyError::Unreadable)),
            ("proxy.internal", Err(ProxyError::Unreadable)),
            ("10.0.0.1:80", Err(ProxyError::Unreadable)),
        ] {
            let parsed = parse_proxy(text).map(|network| network.to_string());
            assert_eq!(parsed, expected.map(str::to_owned), "{text}");
        }
        let halves = ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2"].map(|half| parse_proxy(half).unwrap());
        assert!(TrustedProxies::new(halves[..2].to_vec()).is_ok());
        assert_eq!(TrustedProxies::new(halves.to_vec()), Err(ProxyError::Everybody));
    }

    #[test]
    fn a_customer_has_an_address_or_a_64() {
        let of = |text: &str| customer_network(text.parse().unwrap()).to_string();
        assert_eq!(of("198.51.100.1"), "198.51.100.1");
        assert_eq!(of("::ffff:198.51.100.1"), "198.51.100.1");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("64:ff9b::198.51.100.1"), "198.51.100.1");
    }

    proptest! {
        #[test]
        fn nobody_outside_the_proxies_chooses_an_address(invented in ".{0,60}", peer: [u8; 4]) {
            let peer = IpAddr::from(peer);
            prop_assume!(peer != IpAddr::from([10, 0, 0, 1]));
            let trusted = proxies(&["10.0.0.1"]);
            let direct = trusted.caller(peer, [invented.as_bytes()].into_iter());
            prop_assert_eq!(direct, Ok(CallerAddress(peer)));
            let appended = format!("{invented}, {peer}");
            let through = trusted.caller([10, 0, 0, 1].into(), [appended.as_bytes()].into_iter());
            prop_assert_eq!(through, Ok(CallerAddress(peer)));
        }
    }
}
