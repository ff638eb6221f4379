//! Who places the calls: the simulator, or an account at Twilio, complete or refused.

use url::{Host, Url};

use super::reader::Reader;
use super::secret::Secret;

/// Who places the calls.
#[derive(Debug, Clone)]
pub enum Provider {
    /// The simulator: nobody is really called.
    Simulator,
    /// An account at Twilio.
    Twilio(Box<TwilioAccount>),
}

/// An account at Twilio, with all that is needed to call from it.
#[derive(Debug, Clone)]
pub struct TwilioAccount {
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// Signs the webhooks, and the requests unless there is a key.
    pub auth_token: Secret,
    /// Signs webhooks, too, while tokens are rotated.
    pub secondary_auth_token: Option<Secret>,
    /// A key and its secret, to send requests with.
    pub api_key: Option<(String, Secret)>,
    /// The caller's number, E.164.
    pub from: String,
    /// Where Twilio reaches this server, without a query or a fragment.
    pub public_url: Url,
    /// Where the API is.
    pub base_url: Url,
}

impl TwilioAccount {
    /// Whether this is a simulator on this machine that stands in for Twilio.
    pub fn is_simulated(&self) -> bool {
        is_loopback(&self.base_url)
    }
}

const TWILIO: &str = "https://api.twilio.com";

/// The variables whose presence says that an account is meant.
const TELLING: [&str; 7] = [
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_AUTH_TOKEN_SECONDARY",
    "TWILIO_API_KEY",
    "TWILIO_API_SECRET",
    "TWILIO_FROM",
    "OUTDIAL_TWILIO_URL",
];

/// The variables without which there is no account.
const NEEDED: [&str; 4] = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "OUTDIAL_PUBLIC_URL"];

/// Reads the provider. None if something is wrong, which the reader then knows.
pub(super) fn read<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<Provider> {
    let telling: Vec<&str> = TELLING.into_iter().filter(|name| reader.text(name).is_some()).collect();
    if telling.is_empty() {
        return Some(Provider::Simulator);
    }
    let set = telling.join(", ");
    for name in NEEDED {
        if reader.text(name).is_none() {
            reader.problem(name, format!("is missing, as {set} asks for Twilio; unset it for the simulator"));
        }
    }
    let account_sid = reader.read("TWILIO_ACCOUNT_SID", |text| sid("AC", text));
    let auth_token = reader.text("TWILIO_AUTH_TOKEN").map(Secret::new);
    let secondary_auth_token = reader.text("TWILIO_AUTH_TOKEN_SECONDARY").map(Secret::new);
    let api_key = read_api_key(reader);
    let from = reader.read("TWILIO_FROM", e164);
    let base_url = reader.read("OUTDIAL_TWILIO_URL", |text| server_url(text, Loopback::Any));
    let base_url = base_url.or_else(|| Url::parse(TWILIO).ok())?;
    let loopback = if is_loopback(&base_url) { Loopback::Any } else { Loopback::Refused };
    let public_url = reader.read("OUTDIAL_PUBLIC_URL", |text| server_url(text, loopback));
    Some(Provider::Twilio(Box::new(TwilioAccount {
        account_sid: account_sid?,
        auth_token: auth_token?,
        secondary_auth_token,
        api_key,
        from: from?,
        public_url: public_url?,
        base_url,
    })))
}

fn read_api_key<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<(String, Secret)> {
    let key = reader.read("TWILIO_API_KEY", |text| sid("SK", text));
    let is_key_set = reader.text("TWILIO_API_KEY").is_some();
    let secret = reader.text("TWILIO_API_SECRET").map(Secret::new);
    match (is_key_set, secret) {
        (true, Some(secret)) => Some((key?, secret)),
        (true, None) => {
            reader.problem("TWILIO_API_SECRET", "is missing, as TWILIO_API_KEY is set");
            None
        }
        (false, Some(_)) => {
            reader.problem("TWILIO_API_KEY", "is missing, as TWILIO_API_SECRET is set");
            None
        }
        (false, None) => None,
    }
}

/// Twilio's ids: two letters and 32 lower-case hexadecimal digits.
fn sid(prefix: &str, text: &str) -> Result<String, String> {
    let is_hex =
        |digits: &str| digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match text.strip_prefix(prefix) {
        Some(digits) if is_hex(digits) => Ok(text.to_owned()),
        _ => Err(format!(
            "expected {prefix} and 32 hexadecimal digits, got {} characters",
            text.chars().count()
        )),
    }
}

/// The caller's number. That it belongs to the account is asked of Twilio at start.
fn e164(text: &str) -> Result<String, String> {
    let is_number = text.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    is_number.then(|| text.to_owned()).ok_or_else(|| {
        format!("expected a number with + and country code, such as +12025550123, got {text:?}")
    })
}

/// Whether a URL may lead to this machine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loopback {
    Any,
    Refused,
}

/// The URL of a server: https, or plain http on this machine; what follows its path would get lost.
fn server_url(text: &str, loopback: Loopback) -> Result<Url, String> {
    const EXAMPLE: &str = "such as https://dialer.example.com";
    let url = Url::parse(text).map_err(|error| format!("expected a URL {EXAMPLE}: {error}"))?;
    let host = url.host_str().ok_or_else(|| format!("expected a URL with a host, {EXAMPLE}"))?;
    if is_loopback(&url) && loopback == Loopback::Refused {
        return Err(format!("expected a host that Twilio can reach, {EXAMPLE}, got {host}"));
    }
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        return Err(format!("expected https, {EXAMPLE}, got {}", url.scheme()));
    }
    // Twilio refuses such a host (error 21205), and so do certificates.
    if host.contains('_') {
        return Err(format!("expected a host name without an underscore, got {host}"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("expected a URL without ? and #".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("expected a URL without a user".to_owned());
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_url_is_https_unless_it_is_on_this_machine() {
        let any = |text| server_url(text, Loopback::Any);
        for good in [
            "https://dialer.example.com",
            "https://example.com/dialer",
            "http://127.0.0.1:4010",
            "http://localhost:4010/",
            "http://[::1]:4010",
        ] {
            assert!(any(good).is_ok(), "{good}");
        }
        for bad in [
            "dialer.example.com",
            "http://dialer.example.com",
            "https://my_dialer.example.com",
            "https://example.com/?a=b",
            "https://example.com/#a",
            "https://user@example.com",
            "ftp://localhost",
            "http://127.0.0.1.example.com",
            "http://0.0.0.0:80",
        ] {
            assert!(any(bad).is_err(), "{bad}");
        }
        assert!(server_url("https://localhost", Loopback::Refused).unwrap_err().contains("can reach"));
    }

    #[test]
    fn a_callers_number_has_its_country_code() {
        assert!(e164("+12025550123").is_ok());
        for bad in ["12025550123", "+1 555 0100", "+0155501001", "+1202555012345678", "+", "+1555"] {
            assert!(e164(bad).is_err(), "{bad}");
        }
    }
}
