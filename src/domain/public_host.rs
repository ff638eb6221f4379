//! Which hosts somebody outside can reach: what the provider is told to fetch has to be one of these. It judges what is
//! written and resolves no name, because what a name means here says nothing about what it means there.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Host;

/// Names below which nothing is public, each with its source: RFC 6761, RFC 6762, RFC 7686, RFC 8375, and ICANN's
/// resolution 2024.07.29.06.
const PRIVATE_NAMES: [&str; 6] = ["localhost", "invalid", "local", "onion", "home.arpa", "internal"];

/// Networks that are not globally reachable, and the relays of 6to4, which nobody answers for.
/// Source: <https://www.iana.org/assignments/iana-ipv4-special-registry>, and the multicast addresses.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The only addresses that are given out, and what among them is not globally reachable or has another address in it:
/// protocols (Teredo among them), 6to4, documentation. IPv4 in IPv6, NAT64, and what is local lie outside.
/// Source: <https://www.iana.org/assignments/iana-ipv6-special-registry>.
const GIVEN_OUT_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether somebody outside can reach a host of this name, or at this address.
pub(super) fn is_public(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_public_name(name.strip_suffix('.').unwrap_or(name)),
        Host::Ipv4(address) => !SPECIAL_V4.iter().any(|network| is_v4_in(*address, *network)),
        Host::Ipv6(address) => {
            is_v6_in(*address, GIVEN_OUT_V6) && !SPECIAL_V6.iter().any(|network| is_v6_in(*address, *network))
        }
    }
}

/// A name without a dot means something only where it is written. The parser has made it lower case.
fn is_public_name(name: &str) -> bool {
    let is_below =
        |suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.contains('.') && !PRIVATE_NAMES.into_iter().any(is_below)
}

fn is_v4_in(address: Ipv4Addr, (network, length): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
}

fn is_v6_in(address: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn is_public_host_of(url: &str) -> bool {
        let url = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        is_public(&url.host().expect("a host"))
    }

    #[test]
    fn what_nobody_outside_can_reach_is_told_in_every_writing() {
        for host in [
            // This machine, and those around it.
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "198.18.0.1",
            "198.19.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            // The same as one number, in octal, in hexadecimal, shortened, in wide digits, with a dot after it.
            "2130706433",
            "017700000001",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.01",
            "127.1",
            "127.0.0.1.",
            "１２７。０。０。１",
            "0xa9fea9fe",
            "%31%32%37.0.0.1",
            // IPv6, also with an IPv4 address in it: mapped, compatible, NAT64, 6to4, Teredo.
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:8.8.8.8]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::a00:1]",
            "[2002:7f00:1::]",
            "[2001:0:a00:1::]",
            "[100::1]",
            "[2001:db8::1]",
            "[3fff::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            // Names.
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "metadata",
            "printer.local",
            "metadata.google.internal",
            "router.home.arpa",
            "nobody.invalid",
            "abcdefgh.onion",
        ] {
            for url in [format!("http://{host}/"), format!("wss://{host}:8443/x")] {
                assert!(!is_public_host_of(&url), "{url}");
            }
        }
    }

    #[test]
    fn whatever_others_can_reach_is_public() {
        for host in [
            "audio.example",
            "a.b.example.com.",
            "xn--bcher-kva.example",
            "bücher.example",
            "localhost.example.com",
            "notlocal.example",
            "8.8.8.8",
            "134744072",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "169.253.255.255",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "[2606:4700:4700::1111]",
            "[2001:200::1]",
            "[2003::1]",
        ] {
            assert!(is_public_host_of(&format!("https://{host}/")), "{host}");
        }
    }
}
