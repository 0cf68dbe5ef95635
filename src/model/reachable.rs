//! Which addresses the whole internet can reach, by the IANA special-purpose address registries (RFC 6890).
//!
//! `std` knows it as `is_global`, which is unstable. Where the registries make an exception inside a block that is
//! not reachable, the block counts as a whole: nobody runs a server on such an address.

use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length)
}

const fn v6(head: [u16; 3], length: u8) -> Ipv6Net {
    let [a, b, c] = head;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// The IANA IPv4 registry, and multicast.
const NOT_REACHABLE_V4: [Ipv4Net; 15] = [
    // This network (RFC 791): on many systems the machine itself.
    v4(0, 0, 0, 8),
    // Private use (RFC 1918).
    v4(10, 0, 0, 8),
    v4(172, 16, 0, 12),
    v4(192, 168, 0, 16),
    // Behind a carrier's NAT (RFC 6598).
    v4(100, 64, 0, 10),
    // Loopback (RFC 1122).
    v4(127, 0, 0, 8),
    // Link-local (RFC 3927), where clouds tell a machine its secrets.
    v4(169, 254, 0, 16),
    // Protocol assignments (RFC 6890).
    v4(192, 0, 0, 24),
    // Documentation (RFC 5737).
    v4(192, 0, 2, 24),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    // Relays of 6to4 (RFC 7526).
    v4(192, 88, 99, 24),
    // Benchmarking (RFC 2544).
    v4(198, 18, 0, 15),
    // Multicast (RFC 5771).
    v4(224, 0, 0, 4),
    // Reserved (RFC 1112), with the broadcast address at its end.
    v4(240, 0, 0, 4),
];

/// All that is assigned for use by everybody (RFC 4291): loopback, link-local `fe80::/10`, site-local `fec0::/10`,
/// unique local `fc00::/7`, multicast `ff00::/8`, IPv4-compatible `::/96`, and NAT64 for local use
/// `64:ff9b:1::/48` lie outside.
const UNICAST_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// What the IANA IPv6 registry takes out of it.
const NOT_REACHABLE_V6: [Ipv6Net; 4] = [
    // Protocol assignments (RFC 2928): Teredo, benchmarking, ORCHID.
    v6([0x2001, 0, 0], 23),
    // Documentation (RFC 3849, RFC 9637).
    v6([0x2001, 0xdb8, 0], 32),
    v6([0x3fff, 0, 0], 20),
    // 6to4 (RFC 3056), which wraps any IPv4 address.
    v6([0x2002, 0, 0], 16),
];

/// IPv4 as a network without it sees it (NAT64, RFC 6052).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0], 96);

/// Whether an address can be reached from the whole internet; one that stands for an IPv4 address (IPv4-mapped,
/// NAT64) as that one can.
#[must_use]
pub fn is_reachable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_reachable_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(embedded) => is_reachable_v4(embedded),
            None => {
                UNICAST_V6.contains(&address) && !NOT_REACHABLE_V6.iter().any(|net| net.contains(&address))
            }
        },
    }
}

fn is_reachable_v4(address: Ipv4Addr) -> bool {
    !NOT_REACHABLE_V4.iter().any(|net| net.contains(&address))
}

fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    let embedded = NAT64.contains(&address).then(|| Ipv4Addr::new(a, b, c, d));
    address.to_ipv4_mapped().or(embedded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reachable(address: &str) -> bool {
        is_reachable(address.parse().unwrap())
    }

    #[test]
    fn the_first_and_the_last_address_of_every_block_are_not_reachable_and_their_neighbours_are() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "255.255.255.255"),
        ] {
            let bits = |text: &str| u32::from(text.parse::<Ipv4Addr>().unwrap());
            let (first, last) = (bits(first), bits(last));
            let judge = |bits: u32| is_reachable(Ipv4Addr::from(bits).into());
            assert!(!judge(first) && !judge(last), "{}", Ipv4Addr::from(first));
            assert!(first.checked_sub(1).is_none_or(judge), "before {}", Ipv4Addr::from(first));
            assert!(last.checked_add(1).is_none_or(judge), "after {}", Ipv4Addr::from(last));
        }
    }

    #[test]
    fn every_ipv6_block_that_is_not_for_everybody_is_not_reachable() {
        for address in [
            "::",
            "::1",
            "::7f00:1",
            "::808:808",
            "64:ff9b:1::808:808",
            "100::1",
            "1fff:ffff::1",
            "2001::1",
            "2001:0:808:808::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2001:db8:ffff::1",
            "2002::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "2002:ffff::1",
            "3fff::1",
            "3fff:fff:ffff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "feff::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!reachable(address), "{address}");
        }
        for address in
            ["2000::1", "2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2606:4700::1111", "3ffe::1"]
        {
            assert!(reachable(address), "{address}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_std_knows_as_special_is_reachable(bits: u32) {
            let address = Ipv4Addr::from(bits);
            let special = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_broadcast() || address.is_documentation() || address.is_multicast()
                || address.is_unspecified();
            prop_assert!(!(special && is_reachable(address.into())));
        }

        #[test]
        fn whatever_lies_in_a_block_is_not_reachable(block in 0..NOT_REACHABLE_V4.len(), bits: u32) {
            let net = NOT_REACHABLE_V4[block];
            let address = u32::from(net.network()) | (bits & u32::from(net.hostmask()));
            prop_assert!(!is_reachable(Ipv4Addr::from(address).into()));
        }

        #[test]
        fn whatever_lies_in_an_ipv6_block_or_outside_of_unicast_is_not_reachable(
            block in 0..NOT_REACHABLE_V6.len(), bits: u128,
        ) {
            let net = NOT_REACHABLE_V6[block];
            let inside = u128::from(net.network()) | (bits & u128::from(net.hostmask()));
            prop_assert!(!is_reachable(Ipv6Addr::from(inside).into()));
            let outside = Ipv6Addr::from(bits);
            prop_assert!(UNICAST_V6.contains(&outside) || embedded_v4(outside).is_some() || !is_reachable(outside.into()));
        }

        #[test]
        fn an_ipv4_address_in_ipv6_is_reachable_as_it_is_itself(bits: u32) {
            let address = Ipv4Addr::from(bits);
            let nat64 = Ipv6Addr::from(u128::from(NAT64.network()) | u128::from(bits));
            let itself = is_reachable(address.into());
            prop_assert_eq!(is_reachable(address.to_ipv6_mapped().into()), itself);
            prop_assert_eq!(is_reachable(nat64.into()), itself);
        }
    }
}
