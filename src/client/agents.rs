//! `outdial agents`: who speaks.

use reqwest::Method;
use serde_json::Value;

use super::server::{ClientError, Server, Shown};
use super::table::{Column, table, whole};

/// What is to be done.
#[derive(Debug, Clone)]
pub enum AgentsCommand {
    /// Show all.
    List,
    /// Show one, with its script.
    Show(String),
    /// Make one, as the API takes it.
    Create(Value),
    /// Delete one.
    Delete(String),
}

const COLUMNS: &[Column] = &[("name", "/name"), ("id", "/id"), ("changed at", "/updated_at")];

/// Carries it out.
pub async fn agents(server: &Server, command: AgentsCommand) -> Result<Shown, ClientError> {
    match command {
        AgentsCommand::List => {
            let all = server.all(&["agents"], &[], "agents", usize::MAX).await?;
            Ok(Shown::new(table(&all, COLUMNS, "there are no agents"), all.into()))
        }
        AgentsCommand::Show(name) => {
            let id = server.find("agent", &name).await?.to_string();
            let agent = server.get(&["agents", &id]).await?;
            Ok(Shown::new(whole(&agent), agent))
        }
        AgentsCommand::Create(agent) => {
            let made = server.post(&["agents"], &agent).await?;
            Ok(Shown::new(table(std::slice::from_ref(&made), COLUMNS, ""), made))
        }
        AgentsCommand::Delete(name) => {
            let id = server.find("agent", &name).await?.to_string();
            let gone = server.json(server.request(Method::DELETE, &["agents", &id])).await?;
            Ok(Shown::new(format!("{name} is deleted\n"), gone))
        }
    }
}
