//! `/agents`: who speaks, and `/agents/new` and `/agents/{id}`: the form that one is made and changed with, by the API.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::db::agents::{self, find_agent, list_agents};
use crate::domain::access::Permission;
use crate::http::page::cut;
use crate::http::{Api, Methods, Problem, Query, Visitor, resource};

use super::form_field::Field;
use super::form_values::Values;
use super::frame::Frame;
use super::parts::{Pages, When};
use super::render;

/// Agents on a page.
const ON_A_PAGE: i64 = 50;

const PATH: &str = "/agents";

pub(super) fn pages() -> Vec<Methods> {
    vec![
        resource(PATH).get(Permission::AgentsRead, show),
        // What is made comes before what has an id: `new` would be taken for one.
        resource("/agents/new").get(Permission::AgentsWrite, make),
        resource("/agents/{id}").get(Permission::AgentsWrite, change),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// The agent before which these were made.
    before: Option<Uuid>,
}

#[derive(Template)]
#[template(path = "dashboard/agents.html")]
struct Page {
    frame: Frame,
    may_write: bool,
    agents: Vec<Row>,
    own_address: String,
    is_newest: bool,
    pages: Pages,
}

/// An agent of the list.
struct Row {
    id: Uuid,
    name: String,
    kind: &'static str,
    /// The text, or where it comes from.
    heard: String,
    prompt: Option<String>,
    changed: When,
}

/// The form of an agent.
#[derive(Template)]
#[template(path = "dashboard/agent.html")]
struct AgentForm {
    frame: Frame,
    /// The agent that is changed; none if one is made.
    id: Option<Uuid>,
    values: Values,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let (caller, now) = (visitor.caller, api.board.clock.now());
    let agents = list_agents(&api.board.database, caller.team, query.before, ON_A_PAGE + 1).await?;
    let (agents, older) = cut(agents, ON_A_PAGE, |last| last.id);
    let page = Page {
        frame: Frame::new(&api, &visitor, "Agents", PATH),
        may_write: caller.role.may(Permission::AgentsWrite),
        agents: agents.into_iter().map(|agent| Row::of(agent, now)).collect(),
        own_address: query.before.map_or_else(|| PATH.to_owned(), address),
        is_newest: query.before.is_none(),
        pages: Pages::by_age(query.before.map(|_| PATH.to_owned()), older.map(address)),
    };
    render(&page)
}

/// Where the agents are that were made before this one.
fn address(before: Uuid) -> String {
    format!("{PATH}?before={before}")
}

impl Row {
    fn of(agent: agents::Agent, now: DateTime<Utc>) -> Self {
        let agents::Agent { id, name, prompt_text, script, created_at: _, updated_at } = agent;
        let (kind, heard) = heard(&script);
        Self { id, name, kind, heard, prompt: prompt_text, changed: When::utc(updated_at, now) }
    }
}

/// What is heard, in short: of what kind it is, and the text or the address.
fn heard(script: &Value) -> (&'static str, String) {
    let kinds = [
        ("/say/text", "A text is spoken"),
        ("/play", "A recording is played"),
        ("/connect/conversation_relay/url", "An agent talks, as text"),
        ("/connect/stream/url", "An agent talks, as sound"),
        ("/url", "Another server says what is heard"),
    ];
    let found = kinds.iter().find_map(|(path, kind)| Some((*kind, script.pointer(path)?.as_str()?)));
    found.map_or(("A script", String::new()), |(kind, text)| (kind, text.to_owned()))
}

async fn make(api: web::Data<Api>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    let frame = Frame::new(&api, &visitor, "New agent", PATH);
    render(&AgentForm { frame, id: None, values: Values::of_agent("", None, &Value::Null) })
}

async fn change(api: web::Data<Api>, visitor: Visitor, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let agent = find_agent(&api.board.database, visitor.caller.team, *id).await?;
    let agent = agent.ok_or_else(|| Problem::not_found("agent"))?;
    let values = Values::of_agent(&agent.name, agent.prompt_text.as_deref(), &agent.script);
    let frame = Frame::new(&api, &visitor, agent.name, PATH);
    render(&AgentForm { frame, id: Some(agent.id), values })
}

/// What the template asks for.
impl AgentForm {
    fn field(&self, name: &str, label: &'static str, hint: &'static str) -> Field {
        Field::text(name, label, self.values.text(name), hint)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_heard_is_told_in_short() {
        for (script, kind, text) in [
            (json!({"say": {"text": "Hello"}}), "A text is spoken", "Hello"),
            (
                json!({"play": "https://example.com/a.mp3"}),
                "A recording is played",
                "https://example.com/a.mp3",
            ),
            (
                json!({"connect": {"stream": {"url": "wss://agent.example.com/"}}}),
                "An agent talks, as sound",
                "wss://agent.example.com/",
            ),
            (
                json!({"url": "https://flows.example.com/"}),
                "Another server says what is heard",
                "https://flows.example.com/",
            ),
        ] {
            assert_eq!(heard(&script), (kind, text.to_owned()));
        }
    }
}
