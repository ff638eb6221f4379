//! What proves that a webhook comes from Twilio, or from the simulator: HMAC-SHA1 over the URL and the form.
//! Source: <https://www.twilio.com/docs/usage/security#validating-requests>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Signs a form that is posted to `url`: exactly the URL that is requested, without a fragment. A repeated name
/// contributes its distinct values in order, as Twilio's own libraries do.
pub fn sign(token: &str, url: &str, form: &[(String, String)]) -> String {
    BASE64.encode(digest(token, url, form).finalize().into_bytes())
}

/// Whether `signature` proves that the holder of one of `tokens` posted `form` to `url`. Several tokens are good
/// during a rotation.
///
/// `url` is the one that was asked for, built from the configured public URL and never from the request's own
/// headers. Its fragment and userinfo do not count, and it may have been signed with its port or without: Twilio
/// drops the port of a voice webhook over HTTPS and keeps it elsewhere, and its libraries accept both.
/// The comparison takes the same time wherever the signatures differ.
pub fn verify(tokens: &[impl AsRef<str>], url: &str, form: &[(String, String)], signature: &str) -> bool {
    let Ok(signature) = BASE64.decode(signature) else { return false };
    let forms_of_url = port_forms(url);
    tokens.iter().any(|token| {
        forms_of_url.iter().any(|url| digest(token.as_ref(), url, form).verify_slice(&signature).is_ok())
    })
}

fn digest(token: &str, url: &str, form: &[(String, String)]) -> Hmac<Sha1> {
    let mut sorted: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac
}

/// The URL with its port and without it. It is cut as text, because a parsed and rewritten URL may differ from the
/// signed one by a percent sign. What is no absolute URL has no form, and nothing proves it.
fn port_forms(url: &str) -> Vec<String> {
    let without_fragment = url.split_once('#').map_or(url, |(before, _)| before);
    let Some((scheme, rest)) = without_fragment.split_once("://") else { return Vec::new() };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_userinfo, host)| host);
    // The colons of an IPv6 address stand inside its brackets.
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (host_and_port, if scheme.eq_ignore_ascii_case("https") { "443" } else { "80" }),
    };
    vec![format!("{scheme}://{host}{path}"), format!("{scheme}://{host}:{port}{path}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const BODY_HASH: &str = "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    const V1: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    type Form = Vec<(String, String)>;

    fn form(pairs: &[(&str, &str)]) -> Form {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn with(mut form: Form, pairs: &[(&str, &str)]) -> Form {
        form.extend(self::form(pairs));
        form
    }

    fn call_from(number: &str) -> Form {
        form(&[
            ("Digits", "1234"),
            ("CallSid", "CA1234567890ABCDE"),
            ("To", "+18005551212"),
            ("Caller", number),
            ("From", number),
        ])
    }

    fn p() -> Form {
        call_from("+14158675309")
    }

    /// The vectors of Twilio's own libraries: name, URL, form, signature.
    fn vectors() -> Vec<(&'static str, String, Form, &'static str)> {
        let ignored = "type=thiswontbeusedinthesignaturegeneratorandsoshouldbeignored";
        vec![
            ("V1", URL.into(), p(), V1),
            (
                "V3",
                "http://mycompany.com:1234/myapp.php?foo=1&bar=2".into(),
                p(),
                "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
            ),
            (
                "V4",
                "https://mycompany.com:443/myapp.php?foo=1&bar=2".into(),
                p(),
                "kvajT1Ptam85bY51eRf/AJRuM3w=",
            ),
            (
                "V5",
                "http://mycompany.com:80/myapp.php?foo=1&bar=2".into(),
                p(),
                "0ZXoZLH/DfblKGATFgpif+LLRf4=",
            ),
            ("V6", format!("{URL}&{BODY_HASH}"), form(&[]), "a9nBmqA0ju/hNViExpshrM61xv4="),
            (
                "V7",
                format!("https://mycompany.com/myapp.php?{BODY_HASH}"),
                form(&[]),
                "y77kIzt2vzLz71DgmJGsen2scGs=",
            ),
            (
                "G1",
                URL.into(),
                with(p(), &[("ReasonConferenceEnded", "test"), ("Reason", "Participant")]),
                "vOEb5UThFn24KEfnOFLQY2AE5FY=",
            ),
            (
                "G3",
                URL.into(),
                form(&[("property", "value"), ("boolean", "true")]),
                "NBdBDr/T/lgjI+tlgpXjKZQZs/k=",
            ),
            ("J1", URL.into(), form(&[]), "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
            ("J2", "https://mycompany.com/myapp.php".into(), p(), "1xaxFBvyzXYvWplzNOSs28HWO94="),
            ("J3", format!("{URL}&{ignored}"), p(), "hYkNsTBttoNGkyCS0p+wWmQoRTg="),
            (
                "J7",
                URL.into(),
                form(&[("Digits", ""), ("CallSid", "CA1234567890ABCDE"), ("NullParam", "")]),
                "L9lTTwIlxM1xGAtLRwhOSZggRhM=",
            ),
            (
                "J8",
                URL.into(),
                form(&[("Zebra", "last"), ("Alpha", "first"), ("Beta", "second"), ("Gamma", "third")]),
                "enveUe73ZTVLAekHxez3Qx6JuuQ=",
            ),
            (
                "D1",
                "https://example.com/myapp.php?foo=1&bar=2".into(),
                call_from("+14158675310"),
                "L/OH5YylLD5NRKLltdqwSvS0BnU=",
            ),
        ]
    }

    #[test]
    fn every_vector_is_signed_as_twilio_signs_it_and_accepted() {
        for (name, url, form, signature) in vectors() {
            assert_eq!(sign(TOKEN, &url, &form), signature, "{name}");
            assert!(verify(&[TOKEN], &url, &form, signature), "{name}");
        }
    }

    #[test]
    fn a_vector_that_was_changed_anywhere_is_refused() {
        for (name, url, form, signature) in vectors() {
            assert!(!verify(&["12346"], &url, &form, signature), "{name}: another token");
            let other = url.replace("/myapp", "/x-myapp");
            assert!(!verify(&[TOKEN], &other, &form, signature), "{name}: another path");
            let more = with(form.clone(), &[("Extra", "")]);
            assert!(!verify(&[TOKEN], &url, &more, signature), "{name}: one more parameter, though empty");
            if !form.is_empty() {
                assert!(!verify(&[TOKEN], &url, &form[1..], signature), "{name}: one parameter less");
            }
        }
    }

    #[test]
    fn both_port_forms_of_the_url_are_accepted() {
        let signed_with_port = "kvajT1Ptam85bY51eRf/AJRuM3w=";
        assert!(verify(&[TOKEN], URL, &p(), signed_with_port), "V4: https signed with :443");
        let http = "http://mycompany.com/myapp.php?foo=1&bar=2";
        assert!(verify(&[TOKEN], http, &p(), "0ZXoZLH/DfblKGATFgpif+LLRf4="), "V5: http signed with :80");
        let odd_port = "https://mycompany.com:1234/myapp.php?foo=1&bar=2";
        assert!(verify(&[TOKEN], odd_port, &p(), V1), "V1p: https on a port, signed without");
        assert!(!verify(&[TOKEN], URL, &p(), &sign(TOKEN, odd_port, &p())), "another port than ours");
    }

    #[test]
    fn userinfo_and_fragment_do_not_count() {
        let dressed = "https://user:p%40ss@mycompany.com/myapp.php?foo=1&bar=2#rc=5&rp=all";
        assert!(verify(&[TOKEN], dressed, &p(), V1));
        let ipv6 = "http://[::1]:8080/status";
        assert!(verify(&[TOKEN], "http://u@[::1]:8080/status#rc=5", &p(), &sign(TOKEN, ipv6, &p())));
        let ipv6_bare = "https://[::1]/status";
        let with_port = sign(TOKEN, "https://[::1]:443/status", &p());
        assert!(verify(&[TOKEN], ipv6_bare, &p(), &with_port));
    }

    #[test]
    fn names_are_sorted_alone_and_not_together_with_their_values() {
        let form = with(p(), &[("ReasonConferenceEnded", "test"), ("Reason", "Participant")]);
        assert!(!verify(&[TOKEN], URL, &form, "95+Bu0JVPi0r/SsESZCVf0dWAjw="), "G4");
    }

    #[test]
    fn either_of_two_tokens_is_good_during_a_rotation_and_none_at_all_is_not() {
        assert!(verify(&["new", TOKEN], URL, &p(), V1));
        assert!(verify(&[TOKEN, "new"], URL, &p(), V1));
        assert!(!verify(&["new"], URL, &p(), V1));
        assert!(!verify(&[] as &[&str], URL, &p(), V1));
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        for bad in ["", "=", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "RSOYDt4T1cUTdK1PDd93", "not base64 at all"] {
            assert!(!verify(&[TOKEN], URL, &p(), bad), "{bad:?}");
        }
        assert!(!verify(&[TOKEN], "mycompany.com/myapp.php", &p(), V1));
    }

    #[test]
    fn a_repeated_name_contributes_its_distinct_values_in_order() {
        let twice = form(&[("A", "2"), ("A", "1"), ("A", "2")]);
        assert_eq!(sign(TOKEN, URL, &twice), sign(TOKEN, URL, &form(&[("A", "1"), ("A", "2")])));
    }
}
