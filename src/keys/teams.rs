//! `outdial teams`, straight on the database; and whose things a command is about that is given there.

use chrono::{DateTime, Utc};
use serde_json::json;
use tracing::warn;
use uuid::Uuid;

use super::record::{complete, on_record};
use super::{hash, prefix, random};
use crate::db::audit::Ending;
use crate::db::keys::{NewKey, Team, ensure_team, insert_team, list_teams};
use crate::db::{Database, Error};
use crate::domain::access::Role;
use crate::domain::called::{self, BadName};

/// What is to be done about teams.
#[derive(Debug, Clone)]
pub enum TeamsCommand {
    /// Make one, with an admin's key.
    Create {
        /// What people call it.
        name: String,
    },
    /// Show all.
    List {
        /// For programs.
        json: bool,
    },
}

/// The team that is meant: by name or id, or the only one there is.
#[derive(Debug, Clone, Copy)]
pub enum WhichTeam<'a> {
    /// The only one.
    TheOnly,
    /// This one.
    Named(&'a str),
}

impl<'a> From<Option<&'a str>> for WhichTeam<'a> {
    fn from(typed: Option<&'a str>) -> Self {
        typed.map_or(Self::TheOnly, Self::Named)
    }
}

/// Why it is not known whose things are meant, or why no team was made.
#[derive(Debug, thiserror::Error)]
pub enum NoTeam {
    /// The database failed.
    #[error("the teams cannot be read or changed")]
    Database(#[from] Error),
    /// Several are there, and none was named.
    #[error("there are {} teams, expected --team and one of {}", .0.len(), .0.join(", "))]
    Several(Vec<String>),
    /// None is called so.
    #[error("there is no team named {name:?}, and no such id; there are {}", there.join(", "))]
    NotFound {
        /// What was sought.
        name: String,
        /// Who is there.
        there: Vec<String>,
    },
    /// Another is called so.
    #[error("there is a team named {0:?} already, expected another name")]
    NameIsTaken(String),
    /// The name is none, or controls terminals.
    #[error("the name {0}")]
    NoName(#[from] BadName),
}

impl NoTeam {
    /// The process's exit status, one of those of [`crate::client`].
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::NoName(_) => 2,
            Self::Several(_) | Self::NotFound { .. } => 4,
            Self::NameIsTaken(_) => 5,
            Self::Database(_) => 6,
        }
    }
}

/// Finds the team that is meant. Where there is none at all, the default one is made.
pub async fn choose_team(database: &Database, wanted: WhichTeam<'_>) -> Result<Uuid, NoTeam> {
    let default = ensure_team(database).await?;
    the_one(&list_teams(database).await?, wanted).map(|team| team.unwrap_or(default))
}

/// The team that is meant among all, if there are any.
fn the_one(teams: &[Team], wanted: WhichTeam<'_>) -> Result<Option<Uuid>, NoTeam> {
    let names = || teams.iter().map(|team| team.name.clone()).collect();
    match (wanted, teams) {
        (WhichTeam::TheOnly, []) => Ok(None),
        (WhichTeam::TheOnly, [team]) => Ok(Some(team.id)),
        (WhichTeam::TheOnly, _) => Err(NoTeam::Several(names())),
        (WhichTeam::Named(name), _) => {
            let id: Option<Uuid> = name.parse().ok();
            let team = teams.iter().find(|team| team.name == name || Some(team.id) == id);
            let not_found = || NoTeam::NotFound { name: name.to_owned(), there: names() };
            team.map(|team| Some(team.id)).ok_or_else(not_found)
        }
    }
}

/// Does it, and returns what is to be shown: of a team that was made its first key, an admin's, which is shown this once.
pub async fn run_teams(
    database: &Database,
    command: TeamsCommand,
    now: DateTime<Utc>,
) -> Result<String, NoTeam> {
    ensure_team(database).await?;
    match command {
        TeamsCommand::List { json: true } => Ok(format!("{}\n", json!(list_teams(database).await?))),
        TeamsCommand::List { json: false } => Ok(table(&list_teams(database).await?)),
        TeamsCommand::Create { name } => {
            let (name, secret) = (called::parse(&name)?, random());
            let (team, id, hash) = (Uuid::now_v7(), Uuid::now_v7(), hash(&secret));
            let (prefix, role) = (prefix(&secret), Role::Admin);
            let key = NewKey { id, name: "made with the team", prefix, hash: &hash, role, expires_at: None };
            if !insert_team(database, (team, name), &key).await? {
                return Err(NoTeam::NameIsTaken(name.to_owned()));
            }
            // Before there is a team there is no trail of it. Its only key is shown whatever becomes of the record.
            match on_record(database, team, "outdial teams create", None, json!({}), now).await {
                Ok(row) => {
                    let ending = Ending { at: now, status: 201, made: Some(team), detail: None };
                    complete(database, team, row, &ending).await;
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    warn!(error, "that the team was made could not be put on record");
                }
            }
            Ok(format!("{secret}\n"))
        }
    }
}

fn table(teams: &[Team]) -> String {
    let names = teams.iter().map(|team| team.name.chars().count());
    let widest = names.max().unwrap_or(0).max("name".len());
    let head = format!("{:widest$}  {:36}  made at\n", "name", "id");
    teams.iter().fold(head, |text, Team { id, name, created_at }| {
        text + &format!("{name:widest$}  {id}  {}\n", created_at.format("%FT%TZ"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(number: u128, name: &str) -> Team {
        let created_at = "2026-03-02T15:00:00.123Z".parse().unwrap();
        Team { id: Uuid::from_u128(number), name: name.to_owned(), created_at }
    }

    #[test]
    fn the_only_team_is_meant_and_one_of_several_has_to_be_named() {
        let teams = [team(1, "default"), team(2, "night")];
        assert_eq!(the_one(&[], WhichTeam::TheOnly).unwrap(), None);
        assert_eq!(the_one(&teams[..1], WhichTeam::TheOnly).unwrap(), Some(teams[0].id));
        assert_eq!(the_one(&teams, WhichTeam::Named("night")).unwrap(), Some(teams[1].id));
        assert_eq!(the_one(&teams, WhichTeam::Named(&teams[0].id.to_string())).unwrap(), Some(teams[0].id));
        let several = the_one(&teams, WhichTeam::TheOnly).unwrap_err().to_string();
        assert_eq!(several, "there are 2 teams, expected --team and one of default, night");
        let nobody = the_one(&teams, WhichTeam::Named("day")).unwrap_err().to_string();
        assert_eq!(nobody, "there is no team named \"day\", and no such id; there are default, night");
    }

    #[test]
    fn the_table_shows_who_is_there() {
        let expected = "\
name   id                                    made at
night  00000000-0000-0000-0000-000000000002  2026-03-02T15:00:00Z
";
        assert_eq!(table(&[team(2, "night")]), expected);
    }
}
