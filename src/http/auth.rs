//! Who asks: an API key in the `Authorization` header. Only a key's SHA-256 is kept; a key is random enough that a
//! plain hash cannot be turned back, and it is looked up by its hash, so that no comparison tells how much of a
//! guess was right.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::keys::{Holder, NewKey, ensure_key, ensure_team, find_holder, insert_first_key};
use crate::db::{Database, Error};

use super::{Api, Problem};

/// How much of a key is kept readable, so that people can tell their keys apart.
const PREFIX: usize = 7;

/// Somebody with a valid key. A handler that takes one cannot be reached without.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    /// The team whose key it is.
    pub(super) team: Uuid,
    /// The key itself, by which it is known who did something.
    pub(super) key: Uuid,
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let key = bearer(request).map(|key| hash(&key));
        let api = request.app_data::<web::Data<Api>>().cloned();
        Box::pin(async move {
            let (Some(key), Some(api)) = (key, api) else { return Err(Problem::unauthorized()) };
            let holder = find_holder(&api.board.database, &key).await?;
            holder.map(|Holder { team, key }| Self { team, key }).ok_or_else(Problem::unauthorized)
        })
    }
}

fn bearer(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}

fn hash(key: &str) -> Vec<u8> {
    Sha256::digest(key.as_bytes()).to_vec()
}

/// Makes sure that somebody can get in: the default team, with the key that the environment gives, or else with a
/// fresh one at the very first start. Returns the fresh key, which is shown once and then never again.
pub async fn ensure_access(database: &Database, given: Option<&str>) -> Result<Option<String>, Error> {
    let team = ensure_team(database).await?;
    let Some(given) = given else {
        let key = fresh_key();
        let made =
            insert_first_key(database, team, &new_key("made at the first start", &key, &hash(&key))).await?;
        return Ok(made.then_some(key));
    };
    ensure_key(database, team, &new_key("from the environment", given, &hash(given))).await?;
    Ok(None)
}

fn new_key<'a>(name: &'a str, key: &'a str, hash: &'a [u8]) -> NewKey<'a> {
    NewKey { name, prefix: &key[..key.floor_char_boundary(PREFIX)], hash }
}

fn fresh_key() -> String {
    let secret: [u8; 32] = rand::rng().random();
    format!("od_{}", URL_SAFE_NO_PAD.encode(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_random_and_recognisable() {
        let (one, other) = (fresh_key(), fresh_key());
        assert!(one.starts_with("od_") && one.len() == 46, "{one}");
        assert_ne!(one, other);
    }
}
