//! Where events may be sent to. It judges what is written, and addresses; what a name means is asked when a connection is
//! made, and judged again.

use std::net::IpAddr;

use url::{Host, Url};

use crate::domain::public_host::is_public;

/// The longest address.
const LONGEST: usize = 2048;

/// How far receivers may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Only those that somebody outside can reach, too: nobody is to look around in the server's own network.
    Public,
    /// Everybody, as where receivers run beside the server.
    Anywhere,
}

/// An address that nothing may be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReceiver {
    /// It is none.
    #[error("url is {0:?}, expected one such as https://receiver.example.com/outdial")]
    NoUrl(String),
    /// It is too long.
    #[error("url has {0} characters, expected {LONGEST} at most")]
    TooLong(usize),
    /// It names somebody and a password.
    #[error(
        "url holds a user or a password, expected none: what is sent is signed, and that is how it is known"
    )]
    Credentials,
    /// Anybody on the way could read it.
    #[error("url begins with {0}:, expected https:")]
    NotSecure(String),
    /// It leads into the server's own network.
    #[error("url leads to {0}, expected a host that can be reached from everywhere")]
    NotPublic(String),
}

/// Reads an address, if something may be sent to it. What is not encrypted is for receivers that are not public only.
pub fn parse(text: &str, reach: Reach) -> Result<Url, BadReceiver> {
    let length = text.chars().count();
    if length > LONGEST {
        return Err(BadReceiver::TooLong(length));
    }
    let no_url = || BadReceiver::NoUrl(text.to_owned());
    let mut url = Url::parse(text.trim()).map_err(|_| no_url())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadReceiver::Credentials);
    }
    let host = url.host().filter(|_| matches!(url.scheme(), "http" | "https")).ok_or_else(no_url)?;
    let is_public = is_public(&host);
    if reach == Reach::Public && !is_public {
        return Err(BadReceiver::NotPublic(host.to_string()));
    }
    if url.scheme() != "https" && is_public {
        return Err(BadReceiver::NotSecure(url.scheme().to_owned()));
    }
    url.set_fragment(None);
    Ok(url)
}

/// Whether something may be sent to this address, that a name stood for.
pub fn may_be_reached(address: IpAddr, reach: Reach) -> bool {
    let host = match address {
        IpAddr::V4(address) => Host::Ipv4(address),
        IpAddr::V6(address) => Host::Ipv6(address),
    };
    reach == Reach::Anywhere || is_public(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_looks_around_in_the_server_s_own_network() {
        for host in [
            "127.0.0.1",
            "[::1]",
            "10.0.0.1",
            "169.254.169.254",
            "2130706433",
            "localhost",
            "db",
            "x.internal",
        ] {
            for scheme in ["http", "https"] {
                let url = format!("{scheme}://{host}:8080/x");
                assert!(matches!(parse(&url, Reach::Public), Err(BadReceiver::NotPublic(_))), "{url}");
                assert!(parse(&url, Reach::Anywhere).is_ok(), "{url}");
            }
        }
        for address in ["127.0.0.1", "::1", "::ffff:10.0.0.1", "192.168.0.1", "fd00::1"] {
            let address = address.parse().unwrap();
            assert!(!may_be_reached(address, Reach::Public) && may_be_reached(address, Reach::Anywhere));
        }
        assert!(may_be_reached("8.8.8.8".parse().unwrap(), Reach::Public));
    }

    #[test]
    fn what_is_public_is_reached_encrypted_and_without_a_password() {
        for reach in [Reach::Public, Reach::Anywhere] {
            let url = parse("https://receiver.example/hook?token=1#part", reach).unwrap();
            assert_eq!(url.as_str(), "https://receiver.example/hook?token=1");
            let refused = |url: &str| parse(url, reach).unwrap_err();
            assert_eq!(refused("http://receiver.example/"), BadReceiver::NotSecure("http".to_owned()));
            assert_eq!(refused("https://a:b@receiver.example/"), BadReceiver::Credentials);
            for url in ["", "receiver.example", "ftp://receiver.example/", "file:///etc/passwd", "https://"] {
                assert!(matches!(refused(url), BadReceiver::NoUrl(_)), "{url}");
            }
            let long = format!("https://receiver.example/{}", "x".repeat(LONGEST));
            assert!(matches!(refused(&long), BadReceiver::TooLong(_)));
        }
    }
}
