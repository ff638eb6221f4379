//! Agents: who speaks. A campaign keeps a snapshot, so that editing an agent changes no campaign.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Database, Error, execute, query, query_opt};

/// An agent as it is kept. The script is JSON that the API has checked.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// What it is told to be, for agents that think.
    pub prompt_text: Option<String>,
    /// What the called person hears.
    pub script: serde_json::Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str = "id, name, prompt_text, script, created_at, updated_at";

/// Adds an agent.
pub async fn insert_agent(database: &Database, team: Uuid, agent: &Agent) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO agents (id, team_id, name, prompt_text, script, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let params: super::Params<'_> = &[
        &agent.id,
        &team,
        &agent.name,
        &agent.prompt_text,
        &agent.script,
        &agent.created_at,
        &agent.updated_at,
    ];
    execute(&database.client().await?, SQL, params).await?;
    Ok(())
}

/// Replaces what an agent is. Returns false if there is none.
pub async fn update_agent(database: &Database, team: Uuid, agent: &Agent) -> Result<bool, Error> {
    const SQL: &str = "
        UPDATE agents SET name = $3, prompt_text = $4, script = $5, updated_at = $6
        WHERE id = $1 AND team_id = $2";
    let params: super::Params<'_> =
        &[&agent.id, &team, &agent.name, &agent.prompt_text, &agent.script, &agent.updated_at];
    Ok(execute(&database.client().await?, SQL, params).await? > 0)
}

/// Removes an agent. Campaigns keep their snapshots. Returns false if there was none.
pub async fn delete_agent(database: &Database, team: Uuid, id: Uuid) -> Result<bool, Error> {
    let client = database.client().await?;
    Ok(execute(&client, "DELETE FROM agents WHERE id = $1 AND team_id = $2", &[&id, &team]).await? > 0)
}

/// One agent of a team.
pub async fn find_agent(database: &Database, team: Uuid, id: Uuid) -> Result<Option<Agent>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM agents WHERE id = $1 AND team_id = $2");
    query_opt(&database.client().await?, &sql, &[&id, &team]).await?.as_ref().map(agent).transpose()
}

/// A page of a team's agents, newest first: those made before the agent `before`.
pub async fn list_agents(
    database: &Database,
    team: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Agent>, Error> {
    // Ids are UUIDv7: their order is the order of their making.
    let sql = format!(
        "SELECT {COLUMNS} FROM agents
         WHERE team_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"
    );
    query(&database.client().await?, &sql, &[&team, &before, &limit]).await?.iter().map(agent).collect()
}

fn agent(row: &tokio_postgres::Row) -> Result<Agent, Error> {
    Ok(Agent {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        prompt_text: row.try_get("prompt_text")?,
        script: row.try_get("script")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}
