//! API keys: what they look like, how they are known again, and how somebody gets in at the very first start. What they
//! allow is said by [`crate::domain::access`].
//!
//! Only a key's SHA-256 is kept. A key is random enough that a plain hash cannot be turned back, and it is looked up by
//! its hash, so that no comparison tells how much of a guess was right.

mod command;
mod pass;
pub(crate) mod record;
mod teams;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use rand::RngExt;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::keys::{NewKey, ensure_key, ensure_team, insert_first_key, insert_key};
use crate::db::{Database, Error};
use crate::domain::access::Role;

pub use command::{CannotDo, KeyTable, KeysCommand, run};
pub use pass::Pass;
pub use teams::{NoTeam, TeamsCommand, WhichTeam, choose_team, run_teams};

/// How much of a key is kept readable, so that people can tell their keys apart.
const PREFIX: usize = 11;

/// The name of the key that the environment gives. No other has it: whoever changes the environment revokes it.
pub const FROM_ENVIRONMENT: &str = "from the environment";

/// What a key is known by.
pub fn hash(key: &str) -> Vec<u8> {
    Sha256::digest(key.as_bytes()).to_vec()
}

/// The first characters of a key, which tell nothing.
pub fn prefix(key: &str) -> &str {
    &key[..key.floor_char_boundary(PREFIX)]
}

/// Makes a key for a team, and returns it: it is shown once.
pub async fn make(
    database: &Database,
    team: Uuid,
    id: Uuid,
    name: &str,
    role: Role,
    expires_at: Option<DateTime<Utc>>,
) -> Result<String, Error> {
    let secret = random();
    let (prefix, hash) = (prefix(&secret), hash(&secret));
    insert_key(database, team, &NewKey { id, name, prefix, hash: &hash, role, expires_at }).await?;
    Ok(secret)
}

/// Makes sure that somebody can get in: the default team, with the key that the environment gives, or else with a
/// fresh one at the very first start. Returns the fresh key, which is shown once and then never again.
pub async fn ensure_access(database: &Database, given: Option<&str>) -> Result<Option<String>, Error> {
    let team = ensure_team(database).await?;
    let (name, secret) = match given {
        Some(given) => (FROM_ENVIRONMENT, given.to_owned()),
        None => ("made at the first start", random()),
    };
    let (id, hash, role) = (Uuid::now_v7(), hash(&secret), Role::Admin);
    let key = NewKey { id, name, prefix: prefix(&secret), hash: &hash, role, expires_at: None };
    if given.is_some() {
        ensure_key(database, team, &key).await?;
        return Ok(None);
    }
    Ok(insert_first_key(database, team, &key).await?.then_some(secret))
}

fn random() -> String {
    let secret: [u8; 32] = rand::rng().random();
    format!("od_{}", URL_SAFE_NO_PAD.encode(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_random_and_recognisable() {
        let (one, other) = (random(), random());
        assert!(one.starts_with("od_") && one.len() == 46, "{one}");
        assert_ne!(one, other);
        assert_eq!(prefix(&one).len(), 11);
        assert_eq!(prefix("short"), "short");
    }
}
