//! The address policy: public addresses may be called, and others only if the operator allows them.
//!
//! Sources: the IANA special-purpose registries of IPv4 and IPv6 (RFC 6890), and the addresses at which cloud
//! machines get credentials without authentication.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The IPv4 networks that are not public.
const SPECIAL_V4: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),       // "this network"; 0.0.0.0 is this machine
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // shared by a carrier's customers
    v4([127, 0, 0, 0], 8),     // loopback
    v4([169, 254, 0, 0], 16),  // link-local
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocol assignments
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 31, 196, 0], 24), // AS112
    v4([192, 88, 99, 0], 24),  // relays of 6to4
    v4([192, 168, 0, 0], 16),  // private
    v4([198, 18, 0, 0], 15),   // benchmarks
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 4),     // multicast
    v4([240, 0, 0, 0], 4),     // reserved, broadcast
];

/// All public IPv6 addresses, apart from the exceptions below and from NAT64.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments, Teredo, benchmarks
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    SIX_TO_FOUR,
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);
const TEREDO: Ipv6Net = v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32);
/// The prefix by which a network without IPv4 reaches public IPv4 addresses (RFC 6052).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
/// The prefix for a network's own NAT64 (RFC 8215), which is never public.
const LOCAL_NAT64: Ipv6Net = v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48);
const IPV4_COMPATIBLE: Ipv6Net = v6([0; 8], 96);

/// The addresses at which clouds give a machine its credentials. The operator's list cannot allow them: an
/// operator who allows `169.254.0.0/16` does not mean them.
const METADATA: [IpAddr; 8] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

const fn v4(address: [u8; 4], length: u8) -> Ipv4Net {
    let [a, b, c, d] = address;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(address: [u16; 8], length: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = address;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length)
}

/// The addresses that may be called, and those that may be called without TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
    plain: Vec<IpNet>,
}

impl AddressPolicy {
    /// Allows public addresses and those in `allowed`. With `plain_http`, only the latter may be called by
    /// plain HTTP: a code would otherwise cross the internet in clear text.
    pub fn new(allowed: Vec<IpNet>, plain_http: bool) -> Self {
        let plain = if plain_http { allowed.clone() } else { Vec::new() };
        Self { allowed, plain }
    }

    /// The policy for an address in the configuration, which the operator wrote. It allows every address, and
    /// plain HTTP to this machine.
    pub(crate) fn of_configuration() -> Self {
        let everywhere = [v4([0; 4], 0).into(), v6([0; 8], 0).into()];
        let here = [v4([127, 0, 0, 0], 8).into(), v6([0, 0, 0, 0, 0, 0, 0, 1], 128).into()];
        Self { allowed: everywhere.into(), plain: here.into() }
    }

    /// Returns whether any address may be called by plain HTTP.
    pub fn has_plain(&self) -> bool {
        !self.plain.is_empty()
    }

    /// Whether the operator named a network that it is in.
    pub(super) fn lists(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Whether the address may be called, with TLS or `plain`.
    pub fn admits(&self, address: IpAddr, plain: bool) -> bool {
        // A mapped address connects to the IPv4 address itself.
        let address = address.to_canonical();
        let listed = |list: &[IpNet]| list.iter().any(|network| network.contains(&address));
        !METADATA.contains(&address)
            && embedded(address).into_iter().flatten().all(|inner| self.admits(inner.into(), false))
            && (is_public(address) || listed(&self.allowed))
            && (!plain || listed(&self.plain))
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            let special = || SPECIAL_V6.iter().any(|network| network.contains(&address));
            NAT64.contains(&address) || (GLOBAL_V6.contains(&address) && !special())
        }
    }
}

/// The IPv4 addresses to which a gateway may translate packets for an IPv6 address.
fn embedded(address: IpAddr) -> [Option<Ipv4Addr>; 2] {
    let IpAddr::V6(address) = address else { return [None; 2] };
    let at = |shift: u32| Ipv4Addr::from_bits((address.to_bits() >> shift) as u32);
    if SIX_TO_FOUR.contains(&address) {
        return [Some(at(80)), None];
    }
    if TEREDO.contains(&address) {
        // Teredo: the server, and the client with its bits inverted.
        return [Some(at(64)), Some(Ipv4Addr::from_bits(!at(0).to_bits()))];
    }
    let is_own = address.is_unspecified() || address.is_loopback();
    let ends_in_one = [NAT64, LOCAL_NAT64, IPV4_COMPATIBLE].iter().any(|network| network.contains(&address));
    [(ends_in_one && !is_own).then(|| at(0)), None]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(allowed: &[&str], plain: bool) -> AddressPolicy {
        AddressPolicy::new(allowed.iter().map(|text| text.parse().unwrap()).collect(), plain)
    }

    fn admits(policy: &AddressPolicy, address: &str) -> bool {
        policy.admits(address.parse().unwrap(), false)
    }

    #[test]
    fn public_addresses_are_called() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(admits(&policy(&[], false), address), "{address}");
        }
    }

    #[test]
    fn others_are_not() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::10.0.0.1",
            "::1.1.1.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:1.1.1.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1.1.1.1",
            "100::1",
            "2001::1",
            "2001:0:101:101:0:0:fefe:fefe",
            "2001:2::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:101:101::1",
            "2002:7f00:1::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!admits(&policy(&[], true), address), "{address}");
        }
    }

    #[test]
    fn the_operator_allows_networks_but_never_the_credentials_of_the_machine() {
        let some = policy(&["10.1.0.0/16", "169.254.0.0/16", "fd00::/8", "::1/128", "2002::/16"], false);
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "169.254.1.1", "fd00::1", "::1"] {
            assert!(admits(&some, address), "{address}");
        }
        assert!(admits(&some, "2002:101:101::1") && admits(&some, "2002:a01:203::1"));
        for address in ["10.2.0.1", "127.0.0.1", "169.254.169.254", "fd00:ec2::254", "2002:a9fe:a9fe::1"] {
            assert!(!admits(&some, address), "{address}");
        }
        let all = AddressPolicy::of_configuration();
        for metadata in METADATA {
            assert!(!all.admits(metadata, false), "{metadata}");
        }
        assert!(!admits(&all, "64:ff9b:1::169.254.169.254") && !admits(&all, "::169.254.169.254"));
        assert!(!admits(&all, "2001:0:101:101:0:0:5601:5601"), "Teredo of 169.254.169.254");
    }

    #[test]
    fn plain_http_goes_to_allowed_networks_only() {
        let plain = policy(&["10.1.0.0/16"], true);
        let admits = |policy: &AddressPolicy, text: &str| policy.admits(text.parse().unwrap(), true);
        assert!(plain.has_plain() && admits(&plain, "10.1.2.3"));
        assert!(!admits(&plain, "1.1.1.1") && !admits(&plain, "10.2.0.1"));
        let none = policy(&["10.1.0.0/16"], false);
        assert!(!none.has_plain() && !admits(&none, "10.1.2.3"));
        let relay = AddressPolicy::of_configuration();
        assert!(admits(&relay, "127.0.0.1") && admits(&relay, "::1") && !admits(&relay, "10.1.2.3"));
    }

    proptest! {
        #[test]
        fn no_way_of_writing_it_makes_an_address_more_public(bits: u32) {
            let (none, inner) = (AddressPolicy::default(), Ipv4Addr::from_bits(bits));
            let plainly = none.admits(inner.into(), false);
            let low = u128::from(bits);
            for outer in [0xffff_u128 << 32 | low, 0x64_ff9b << 96 | low] {
                prop_assert_eq!(none.admits(Ipv6Addr::from_bits(outer).into(), false), plainly);
            }
            for outer in [low, 0x2002 << 112 | low << 80, 0x2001 << 112 | low << 64, 0x64_ff9b_0001 << 80 | low] {
                prop_assert!(!none.admits(Ipv6Addr::from_bits(outer).into(), false));
            }
        }
    }
}
