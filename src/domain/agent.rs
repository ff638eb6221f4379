//! Who speaks.

use serde::{Deserialize, Serialize};

use super::script::Script;

/// Who speaks: a name, what it is told to be, and what is heard. A campaign keeps a snapshot of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// What people call it.
    pub name: String,
    /// What it is told to be, for agents that think.
    #[serde(default)]
    pub prompt_text: Option<String>,
    /// What the called person hears.
    pub script: Script,
}
