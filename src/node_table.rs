//! `outdial nodes`: who works on a database, as a table for the terminal. What a node is, and when it is alive, is said by
//! [`crate::db::nodes`].

use std::fmt::{self, Display, Formatter};

use serde_json::{Value, json};

use crate::db::nodes::Node;
use crate::domain::instant::written;

/// The nodes of the last day, those that began first at the top.
#[derive(Debug)]
pub struct NodeTable(Vec<Node>);

impl NodeTable {
    /// A table of these nodes.
    pub fn of(nodes: Vec<Node>) -> Self {
        Self(nodes)
    }

    /// The same for programs, in the words of `GET /health/supervisor`.
    pub fn to_json(&self) -> String {
        let nodes = self.0.iter().map(|node| {
            json!({
                "id": node.id,
                "name": node.name,
                "started_at": written(node.started_at),
                "alive": node.silent_since.is_none(),
                "silent_since": node.silent_since.map(written),
                "campaigns": node.campaigns,
            })
        });
        format!("{}\n", nodes.collect::<Value>())
    }

    /// Whether anybody is there to do what is to be done.
    pub fn somebody_is_alive(&self) -> bool {
        self.0.iter().any(|node| node.silent_since.is_none())
    }
}

impl Display for NodeTable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(f, "no node was alive within the last day");
        }
        let names = self.0.iter().map(|node| node.name.chars().count());
        let widest = names.max().unwrap_or(0).max("name".len());
        writeln!(f, "{:widest$}  {:36}  {:20}  {:>9}  state", "name", "id", "started at", "campaigns")?;
        for Node { id, name, started_at, silent_since, campaigns } in &self.0 {
            let started_at = started_at.format("%FT%TZ");
            write!(f, "{name:widest$}  {id:36}  {started_at:20}  {campaigns:>9}  ")?;
            match silent_since {
                None => writeln!(f, "alive")?,
                Some(since) => writeln!(f, "silent since {}", since.format("%FT%TZ"))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn node(name: &str, silent_since: Option<DateTime<Utc>>, campaigns: i64) -> Node {
        let started_at = at("2026-03-02T15:00:00.123Z");
        Node { id: Uuid::from_u128(7), name: name.to_owned(), started_at, silent_since, campaigns }
    }

    #[test]
    fn the_table_says_of_each_node_whether_it_is_alive_or_since_when_it_is_silent() {
        let nodes = vec![node("dialer-1", None, 12), node("b", Some(at("2026-03-02T16:01:02Z")), 0)];
        let expected = "\
name      id                                    started at            campaigns  state
dialer-1  00000000-0000-0000-0000-000000000007  2026-03-02T15:00:00Z         12  alive
b         00000000-0000-0000-0000-000000000007  2026-03-02T15:00:00Z          0  silent since 2026-03-02T16:01:02Z
";
        assert_eq!(NodeTable::of(nodes).to_string(), expected);
    }

    #[test]
    fn programs_read_the_same() {
        let nodes = vec![node("b", Some(at("2026-03-02T16:01:02.5Z")), 3)];
        let expected = json!([{
            "id": "00000000-0000-0000-0000-000000000007", "name": "b", "started_at": "2026-03-02T15:00:00.123Z",
            "alive": false, "silent_since": "2026-03-02T16:01:02.500Z", "campaigns": 3,
        }]);
        assert_eq!(serde_json::from_str::<Value>(&NodeTable::of(nodes).to_json()).unwrap(), expected);
        assert_eq!(NodeTable::of(Vec::new()).to_json(), "[]\n");
    }

    #[test]
    fn nobody_is_alive_where_all_are_silent_or_nobody_ever_was() {
        let silent = NodeTable::of(vec![node("b", Some(at("2026-03-02T16:01:02Z")), 0)]);
        assert!(!silent.somebody_is_alive());
        let nobody = NodeTable::of(Vec::new());
        assert!(!nobody.somebody_is_alive());
        assert_eq!(nobody.to_string(), "no node was alive within the last day\n");
        assert!(NodeTable::of(vec![node("a", None, 0)]).somebody_is_alive());
    }
}
