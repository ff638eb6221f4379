//! `outdial contacts`: the people of a campaign.

use super::campaigns::id;
use super::server::{ClientError, Server, Shown};
use super::table::{Column, table};

/// Whose contacts, and which.
#[derive(Debug, Clone)]
pub struct ContactsQuery {
    /// The campaign, by name or id.
    pub campaign: String,
    /// Only those in this state.
    pub state: Option<String>,
    /// Only those whose last call came to this.
    pub outcome: Option<String>,
    /// Only those whose name or number holds this.
    pub search: Option<String>,
    /// In which order, as the API names it.
    pub sort: Option<String>,
    /// So many at most.
    pub most: usize,
}

const COLUMNS: &[Column] = &[
    ("name", "/name"),
    ("phone", "/phone"),
    ("state", "/state"),
    ("outcome", "/last_outcome"),
    ("attempts", "/attempts"),
    ("due at", "/due_at"),
    ("id", "/id"),
];

/// Shows them.
pub async fn contacts(server: &Server, wanted: ContactsQuery) -> Result<Shown, ClientError> {
    let campaign = id(server, &wanted.campaign).await?;
    let ContactsQuery { campaign: _, state, outcome, search, sort, most } = wanted;
    let given = [("state", state), ("outcome", outcome), ("search", search), ("sort", sort)];
    let query: Vec<(&str, String)> =
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let path = ["campaigns", &campaign, "contacts"];
    let found = server.all(&path, &query, "contacts", most).await?;
    Ok(Shown::new(table(&found, COLUMNS, "nobody is like that"), found.into()))
}
