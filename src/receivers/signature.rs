//! What proves that a POST comes from here: HMAC-SHA256 over its id, its time and its body, as Standard Webhooks has it.
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngExt;
use sha2::Sha256;

/// Bytes of a fresh secret; the specification wants 24 to 64.
const SECRET: usize = 32;

/// Makes a secret.
pub fn fresh_secret() -> Vec<u8> {
    let secret: [u8; SECRET] = rand::rng().random();
    secret.to_vec()
}

/// A secret as receivers get it.
pub fn written(secret: &[u8]) -> String {
    format!("whsec_{}", BASE64.encode(secret))
}

/// The header's value for what is sent: one signature with each secret that is good, the newest first.
pub(super) fn sign(secrets: &[Vec<u8>], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signature = |secret: &Vec<u8>| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    };
    secrets.iter().map(signature).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_published_example_is_signed_as_published() {
        let secret = BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = |secrets: &[Vec<u8>]| sign(secrets, ID, 1_614_265_330, BODY);
        assert_eq!(signed(std::slice::from_ref(&secret)), SIGNATURE);
        let both = signed(&[fresh_secret(), secret]);
        let (newest, former) = both.split_once(' ').unwrap();
        assert_eq!(former, SIGNATURE);
        assert!(newest.starts_with("v1,") && newest != SIGNATURE, "{newest}");
    }

    #[test]
    fn secrets_are_long_and_no_two_are_alike() {
        let (one, other) = (fresh_secret(), fresh_secret());
        assert_ne!(one, other);
        let written = written(&one);
        let bytes = BASE64.decode(written.strip_prefix("whsec_").unwrap()).unwrap();
        assert!((24..=64).contains(&bytes.len()) && bytes == one, "{written}");
    }
}
