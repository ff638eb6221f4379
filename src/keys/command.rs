//! `outdial keys`: a team's keys, made, shown and revoked straight on the database, for whoever has been locked out and for
//! scripts that set things up.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::record::{complete, on_record};
use super::teams::{NoTeam, WhichTeam, choose_team};
use super::{FROM_ENVIRONMENT, make};
use crate::db::audit::Ending;
use crate::db::keys::{Key, Revoked, list_keys, revoke_key};
use crate::db::{Database, Error};
use crate::domain::access::Role;
use crate::domain::called::{self, BadName};

/// What is to be done about keys.
#[derive(Debug, Clone)]
pub enum KeysCommand {
    /// Make one.
    Create {
        /// What people call it.
        name: String,
        /// What it is for.
        role: Role,
        /// Until when it is good.
        expires_at: Option<DateTime<Utc>>,
    },
    /// Show all.
    List,
    /// Let nobody in with it any more.
    Revoke {
        /// Its id, or its first characters if no other key has them.
        which: String,
    },
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum CannotDo {
    /// The database failed.
    #[error("the keys cannot be read or changed")]
    Database(#[from] Error),
    /// The name is kept for the environment's key.
    #[error(
        "expected another name than {FROM_ENVIRONMENT:?}: the key of that name is the one in OUTDIAL_API_TOKEN"
    )]
    NameIsTaken,
    /// The name is none, or controls terminals.
    #[error("the name {0}")]
    NoName(#[from] BadName),
    /// It is not told for which team.
    #[error(transparent)]
    Team(#[from] NoTeam),
    /// It would be of no use.
    #[error("expected an expiry in the future")]
    HasExpired,
    /// Nothing fits.
    #[error("no key has the id {0:?}, or begins so; `outdial keys list` shows all")]
    NoneFits(String),
    /// More than one fits.
    #[error("{0} keys begin with {1:?}; name one by its id")]
    SeveralFit(usize, String),
    /// It is the last of its kind.
    #[error(
        "it is the last admin key that does not expire: make another first, or nobody could let anybody in"
    )]
    LastAdmin,
}

/// Does it for a team, and returns what is to be shown. What changes something is in the audit trail before it is done.
pub async fn run(
    database: &Database,
    team: WhichTeam<'_>,
    command: KeysCommand,
    now: DateTime<Utc>,
) -> Result<String, CannotDo> {
    let team = choose_team(database, team).await?;
    match command {
        KeysCommand::List => Ok(KeyTable { keys: list_keys(database, team).await?, now }.to_string()),
        KeysCommand::Create { name, .. } if name == FROM_ENVIRONMENT => Err(CannotDo::NameIsTaken),
        KeysCommand::Create { expires_at: Some(at), .. } if at <= now => Err(CannotDo::HasExpired),
        KeysCommand::Create { name, role, expires_at } => {
            let name = called::parse(&name)?;
            let row = on_record(database, team, "outdial keys create", None, json!({}), now).await?;
            let key = Uuid::now_v7();
            let made = make(database, team, key, name, role, expires_at).await.map_err(CannotDo::from);
            let (status, made_id) =
                made.as_ref().map_or_else(|error| (error.status(), None), |_| (201, Some(key)));
            let ending = Ending { at: now, status, made: made_id, detail: Some(json!({ "role": role })) };
            complete(database, team, row, &ending).await;
            made.map(|secret| format!("{secret}\n"))
        }
        KeysCommand::Revoke { which } => {
            let keys = list_keys(database, team).await?;
            let Key { id, name, prefix: begins, .. } = the_one(&keys, &which)?;
            let id = *id;
            let row =
                on_record(database, team, "outdial keys revoke", None, json!({ "id": id }), now).await?;
            let revoked = match revoke_key(database, team, id, now).await {
                Ok(Revoked::Done) => Ok(format!("the key {name} ({begins}…) lets nobody in any more\n")),
                Ok(Revoked::LastAdmin) => Err(CannotDo::LastAdmin),
                Ok(Revoked::NotFound) => Err(CannotDo::NoneFits(which)),
                Err(error) => Err(error.into()),
            };
            let status = revoked.as_ref().map_or_else(CannotDo::status, |_| 204);
            let ending = Ending { at: now, status, made: None, detail: None };
            complete(database, team, row, &ending).await;
            revoked
        }
    }
}

impl CannotDo {
    /// The process's exit status, one of those of [`crate::client`].
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::NoName(_) | Self::HasExpired => 2,
            Self::NoneFits(_) | Self::SeveralFit(..) => 4,
            Self::NameIsTaken | Self::LastAdmin => 5,
            Self::Database(_) => 6,
            Self::Team(none) => none.exit_status(),
        }
    }

    /// The status that the API answers with for the same reason.
    fn status(&self) -> u16 {
        match self {
            Self::Database(_) => 503,
            Self::NameIsTaken | Self::NoName(_) | Self::HasExpired => 422,
            Self::NoneFits(_) | Self::Team(_) => 404,
            Self::SeveralFit(..) | Self::LastAdmin => 409,
        }
    }
}

/// The key that is meant by its id or its first characters.
fn the_one<'a>(keys: &'a [Key], which: &str) -> Result<&'a Key, CannotDo> {
    let id: Option<Uuid> = which.parse().ok();
    let fits = |key: &&Key| Some(key.id) == id || (!which.is_empty() && key.prefix.starts_with(which));
    let fitting: Vec<&Key> = keys.iter().filter(fits).collect();
    match fitting.as_slice() {
        [] => Err(CannotDo::NoneFits(which.to_owned())),
        [key] => Ok(key),
        several => Err(CannotDo::SeveralFit(several.len(), which.to_owned())),
    }
}

/// Keys as a table for the terminal.
#[derive(Debug)]
pub struct KeyTable {
    /// The keys, the newest first.
    pub keys: Vec<Key>,
    /// The present instant.
    pub now: DateTime<Utc>,
}

impl Display for KeyTable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let widest =
            self.keys.iter().map(|key| key.name.chars().count()).max().unwrap_or(0).max("name".len());
        writeln!(
            f,
            "{:widest$}  {:11}  {:8}  {:36}  {:20}  state",
            "name", "key", "role", "id", "last used"
        )?;
        for key in &self.keys {
            let Key { id, name, prefix, role, expires_at, last_used_at, revoked_at, .. } = key;
            let used = last_used_at.map_or_else(|| "never".to_owned(), second);
            let state = match (revoked_at, expires_at) {
                (Some(at), _) => format!("revoked {}", second(*at)),
                (None, Some(at)) if *at <= self.now => format!("expired {}", second(*at)),
                (None, Some(at)) => format!("good until {}", second(*at)),
                (None, None) => "good".to_owned(),
            };
            writeln!(f, "{name:widest$}  {prefix:11}  {role:8}  {id:36}  {used:20}  {state}")?;
        }
        Ok(())
    }
}

fn second(at: DateTime<Utc>) -> String {
    at.format("%FT%TZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn key(number: u128, prefix: &str) -> Key {
        Key {
            id: Uuid::from_u128(number),
            name: format!("key {number}"),
            prefix: prefix.to_owned(),
            role: Role::Operator,
            created_at: at("2026-03-02T15:00:00Z"),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn the_table_says_which_keys_are_good_until_when_and_who_uses_them() {
        let now = at("2026-03-03T00:00:00Z");
        let mut keys =
            vec![key(1, "od_aaaaaaaa"), key(2, "od_bbbbbbbb"), key(3, "od_cccccccc"), key(4, "od_dddddddd")];
        keys[0].last_used_at = Some(at("2026-03-02T16:00:00Z"));
        keys[1].expires_at = Some(at("2026-04-01T00:00:00Z"));
        keys[2].expires_at = Some(at("2026-03-02T23:00:00Z"));
        keys[3].revoked_at = Some(at("2026-03-02T22:00:00Z"));
        let shown = KeyTable { keys, now }.to_string();
        let ends: Vec<&str> =
            shown.lines().skip(1).map(|line| line.split_at(line.find("000").unwrap() + 38).1).collect();
        assert_eq!(
            ends,
            [
                "2026-03-02T16:00:00Z  good",
                "never                 good until 2026-04-01T00:00:00Z",
                "never                 expired 2026-03-02T23:00:00Z",
                "never                 revoked 2026-03-02T22:00:00Z",
            ]
        );
        assert!(shown.starts_with("name   key          role      id "), "{shown}");
    }

    #[test]
    fn a_key_is_named_by_its_id_or_as_much_of_it_as_is_its_own() {
        let keys = [key(1, "od_aaaaaaaa"), key(2, "od_aabbbbbb")];
        assert_eq!(the_one(&keys, "od_aab").unwrap().id, keys[1].id);
        assert_eq!(the_one(&keys, &keys[0].id.to_string()).unwrap().id, keys[0].id);
        assert!(matches!(the_one(&keys, "od_aa"), Err(CannotDo::SeveralFit(2, _))));
        for nothing in ["", "od_zz", &Uuid::from_u128(9).to_string()] {
            assert!(matches!(the_one(&keys, nothing), Err(CannotDo::NoneFits(_))), "{nothing}");
        }
    }
}
