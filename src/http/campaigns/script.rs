//! What a campaign says, and whether its list has what that names.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::db::agents::find_agent;
use crate::domain::agent::Agent;
use crate::domain::script::{Say, Taken, check_variables};
use crate::domain::settings::Settings;
use crate::domain::template::{variable_name, variables_of};
use crate::http::auth::Caller;
use crate::http::{Api, Problem};
use crate::import::{List, Role};

/// The agent that is given, or the one that is kept under this id.
pub(crate) async fn agent(
    api: &Api,
    caller: Caller,
    given: Option<&Agent>,
    id: Option<Uuid>,
) -> Result<Agent, Problem> {
    if let Some(agent) = given {
        return Ok(agent.clone());
    }
    let id = id.unwrap_or_default();
    let Some(agent) = find_agent(&api.board.database, caller.team, id).await? else {
        return Err(Problem::invalid("unknown-agent", format!("there is no agent {id}")));
    };
    let script = serde_json::from_value(agent.script).map_err(|error| {
        Problem::invalid("bad-agent", format!("the agent's script cannot be read: {error}"))
    })?;
    Ok(Agent { name: agent.name, prompt_text: agent.prompt_text, script })
}

/// The columns that no variable of their own stands for, of those that were recognised.
pub(super) fn taken(list: &List) -> Vec<Taken> {
    list.found().iter().filter_map(|found| taken_for(found.role, &found.name)).collect()
}

fn taken_for(role: Role, column: &str) -> Option<Taken> {
    let variable = match role {
        Role::Name | Role::GivenName | Role::FamilyName => "name",
        Role::Phone => "phone",
        Role::Alternate | Role::Country | Role::Timezone | Role::Priority | Role::Extension => return None,
    };
    Some(Taken { column: column.to_owned(), variable })
}

/// The same of a column whose role is told by its name, as reports do.
pub(crate) fn taken_by_name(role: &str, column: &str) -> Option<Taken> {
    taken_for(Role::parse(role).ok()?, column)
}

/// What is said may name the contact's name, its number, and the list's columns, and nothing else. `taken` are those of the
/// list's columns that are the name and the number.
pub(crate) fn check_script(
    agent: &Agent,
    settings: &Settings,
    columns: &[String],
    taken: &[Taken],
) -> Result<(), Problem> {
    let bad = |detail: String| Problem::invalid("bad-script", detail);
    agent.script.check().map_err(|error| bad(format!("agent.script: {error}")))?;
    let own = ["name", "phone"];
    let variables: Vec<String> = columns.iter().map(|column| variable_name(column)).collect();
    if settings.opt_out_digit.is_some() && !agent.script.can_be_interrupted_by_keys() {
        let detail = "opt_out_digit is set, expected a script with say or play: where an agent is connected or \
                      somebody else's server says what is heard, they hear the keys; tell us of an opt-out by \
                      POST …/attempts/{id}/opt-out";
        return Err(bad(detail.to_owned()));
    }
    let named = variables_said(agent, settings);
    // A column called like the contact's own name gives way to it, and two of one name harm nobody unless it is said.
    let is_said = |variable: &str| !own.contains(&variable) && named.contains(variable);
    let said = columns.iter().zip(&variables).filter(|(_, variable)| is_said(variable));
    variables_of(said.map(|(column, _)| column.as_str())).map_err(|collision| bad(collision.to_string()))?;
    let available = variables.iter().map(String::as_str).chain(own);
    check_variables(&named, available, taken).map_err(|unknown| bad(unknown.to_string()))
}

/// The variables of all that is said, to people and to machines.
pub(super) fn variables_said<'a>(agent: &'a Agent, settings: &'a Settings) -> BTreeSet<&'a str> {
    let mut named = agent.script.variables();
    named.extend(settings.answering_machine.message.iter().flat_map(Say::variables));
    named
}
