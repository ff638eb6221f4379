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
