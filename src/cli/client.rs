//! What may be typed to work with campaigns, contacts, numbers and agents: on a running server, or straight on the database.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::client::{
    AgentsCommand, CampaignCommand, ClientError, ContactsQuery, NewCampaign, SuppressCommand,
};
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;

/// The exit statuses of all of them, and of `import`, `keys` and `teams`.
pub(super) const EXIT_STATUSES: &str = "\
Exit statuses:
  0  it is done; watch: everybody is final; import: the list has contacts
  1  watch: the campaign is a draft, paused, canceled or has failed; import: the list has nobody to call (create: 5)
  2  what was typed, or a file that it names, cannot be used
  3  no key, or one that does not allow it, and no database either
  4  there is nothing of that name, or several
  5  the server refuses it, and says why
  6  the server, or the database, cannot be reached, or is in trouble
130  it was broken off, with Ctrl-C or by the system";

/// Which server, and how its answers are shown.
#[derive(Debug, Clone, Args)]
pub struct ServerOptions {
    /// The server's address [default: http://127.0.0.1:8080]
    #[arg(long, global = true, value_name = "URL", env = "OUTDIAL_URL", value_parser = super::server)]
    pub url: Option<String>,
    /// The API key
    #[arg(
        long,
        global = true,
        value_name = "KEY",
        env = "OUTDIAL_KEY",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    pub key: String,
    /// Show what the API answers, as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

impl ServerOptions {
    /// The server's address.
    pub fn url(&self) -> &str {
        self.url.as_deref().unwrap_or(DEFAULT_URL)
    }
}

const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Whether no server is asked, and whose things are meant then.
#[derive(Debug, Clone, Args)]
pub struct DatabaseOptions {
    /// Ask no server, but the database that DATABASE_URL names, or else the private one
    #[arg(long, global = true)]
    pub database: bool,
    /// On the database: whose campaigns, by the team's name or id, if there are several teams; a server knows it by the key
    #[arg(long, global = true, value_name = "TEAM")]
    pub team: Option<String>,
}

impl DatabaseOptions {
    /// Whether the database is meant: it is said, or there is neither a key nor a server named. Whoever names a team as well as
    /// a key or a server may mean either, and is asked.
    pub fn are_meant(&self, server: &ServerOptions) -> Result<bool, ClientError> {
        let names_server = !server.key.is_empty() || server.url.is_some();
        if names_server && !self.database && self.team.is_some() {
            let expected = "expected --team only with --database, or without a server and a key (--url, --key, OUTDIAL_URL, OUTDIAL_KEY): \
                            a server knows the team by the key";
            return Err(ClientError::Unusable(expected.to_owned()));
        }
        Ok(self.database || !names_server)
    }
}

/// What is to be done with a campaign. Wherever one is named, its name or its id will do.
#[derive(Debug, Clone, Subcommand)]
pub enum CampaignOptions {
    /// Make a campaign of a contact list
    Create {
        /// The list: CSV, TXT, JSON, XLSX, XLSB, XLS or ODS
        file: PathBuf,
        /// What it is called
        #[arg(long)]
        name: String,
        /// What is to be heard, such as "Hello {{name}}"
        #[arg(long, value_name = "TEXT", conflicts_with = "agent")]
        say: Option<String>,
        /// Who speaks: an agent's name or id
        #[arg(long)]
        agent: Option<String>,
        /// Further settings as the API takes them: JSON, or @ and a file that holds it
        #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json)]
        settings: Value,
        /// Start it at once
        #[arg(long)]
        start: bool,
    },
    /// Show all campaigns
    List {
        /// Only those in this state
        #[arg(long, value_parser = state)]
        state: Option<String>,
    },
    /// Show how a campaign stands, and what it waits for
    Show {
        /// Which
        campaign: String,
    },
    /// Start a draft: people are called
    Start {
        /// Which
        campaign: String,
        /// Call so many contacts, then pause
        #[arg(long, value_name = "N", value_parser = contacts)]
        limit: Option<u32>,
        /// Call nobody: show on the simulator what would happen
        #[arg(long)]
        dry_run: bool,
    },
    /// Stop calling for now
    Pause {
        /// Which
        campaign: String,
    },
    /// Go on
    Resume {
        /// Which
        campaign: String,
        /// Call so many contacts more, then pause
        #[arg(long, value_name = "N", value_parser = contacts)]
        limit: Option<u32>,
    },
    /// Give it up for good
    Cancel {
        /// Which
        campaign: String,
    },
    /// Make another one with its settings and its list
    Duplicate {
        /// Which
        campaign: String,
        /// What the other is called
        #[arg(long)]
        name: Option<String>,
        /// Only the contacts whose last call came to this; several with commas between
        #[arg(long = "outcome", value_name = "OUTCOME", value_delimiter = ',', value_parser = outcome)]
        outcomes: Vec<String>,
    },
    /// Call those again who were given up and whose last call came to this
    Retry {
        /// Which
        campaign: String,
        /// The outcome; several with commas between
        #[arg(
            long = "outcome",
            value_name = "OUTCOME",
            value_delimiter = ',',
            required = true,
            value_parser = outcome
        )]
        outcomes: Vec<String>,
    },
    /// Show how it goes, as it goes, until everybody is final or it is stopped
    Watch {
        /// Which
        campaign: String,
    },
    /// Write its contacts, or its attempts, to a file
    Export {
        /// Which
        campaign: String,
        /// Its attempts instead of its contacts
        #[arg(long)]
        attempts: bool,
        /// The file, which ends in .csv or .xlsx; if it is not said, CSV goes to the standard output
        #[arg(long, short, value_name = "FILE", value_parser = export_file)]
        output: Option<PathBuf>,
    },
    /// Delete it, with all that is known of its calls
    Delete {
        /// Which
        campaign: String,
        /// It is meant
        #[arg(long, required = true)]
        yes: bool,
    },
}

/// Whose contacts, and which.
#[derive(Debug, Clone, Args)]
pub struct ContactsOptions {
    /// The campaign, by name or id
    pub campaign: String,
    /// Only those in this state
    #[arg(long, value_parser = contact_state)]
    pub state: Option<String>,
    /// Only those whose last call came to this
    #[arg(long, value_parser = outcome)]
    pub outcome: Option<String>,
    /// Only those whose name or number holds this
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// In which order: position, phone, name, state, outcome, attempts or due; -name from the end
    #[arg(long, value_name = "ORDER", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// So many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = most)]
    pub limit: usize,
}

/// Who must not be called.
#[derive(Debug, Clone, Args)]
pub struct SuppressOptions {
    /// The numbers
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    pub phones: Vec<String>,
    /// Why
    #[arg(long, conflicts_with_all = ["list", "remove"])]
    pub reason: Option<String>,
    /// Where numbers without a country code belong, such as GB
    #[arg(long, conflicts_with_all = ["list", "remove"])]
    pub region: Option<String>,
    /// They may be called again
    #[arg(long, conflicts_with = "list")]
    pub remove: bool,
    /// Show all who must not be called
    #[arg(long)]
    pub list: bool,
}

/// What is to be done with an agent. Its name or its id will do.
#[derive(Debug, Clone, Subcommand)]
pub enum AgentsOptions {
    /// Show all agents
    List,
    /// Show one with its script
    Show {
        /// Which
        agent: String,
    },
    /// Make one
    Create {
        /// As the API takes it: JSON, or @ and a file that holds it
        #[arg(value_name = "JSON", value_parser = json)]
        agent: Value,
    },
    /// Delete one; campaigns keep what they were made with
    Delete {
        /// Which
        agent: String,
    },
}

/// Whether whoever types a command expects that people are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectsCalls {
    /// No.
    Never,
    /// Once it is done.
    Afterwards,
    /// As long as it lasts.
    Meanwhile,
}

/// A command, as whoever carries it out has to know it.
#[derive(Debug, Clone, Copy)]
pub struct Typed {
    /// Its words, as the audit trail names it: without what it is about, which is nobody else's affair.
    pub words: &'static str,
    /// Whether whoever types it expects that people are called.
    pub expects_calls: ExpectsCalls,
    /// What is to be said when it is broken off: something may have come of it that was not told any more.
    pub when_broken_off: Option<&'static str>,
}

impl Typed {
    /// A command that calls nobody, and of which nothing is left when it is broken off, or it is plain what.
    pub fn plain(words: &'static str) -> Self {
        Self { words, expects_calls: ExpectsCalls::Never, when_broken_off: None }
    }

    /// A list that is added to a campaign.
    pub fn import() -> Self {
        let when_broken_off = "the list may have been added all the same, as a whole; typed again it adds whom the campaign has not";
        Self { when_broken_off: Some(when_broken_off), ..Self::plain("outdial import") }
    }
}

impl CampaignOptions {
    /// The command, as whoever carries it out has to know it.
    pub fn typed(&self) -> Typed {
        Typed {
            words: self.words(),
            expects_calls: self.expects_calls(),
            when_broken_off: self.when_broken_off(),
        }
    }

    fn expects_calls(&self) -> ExpectsCalls {
        match self {
            Self::Create { start: true, .. }
            | Self::Start { dry_run: false, .. }
            | Self::Resume { .. }
            | Self::Retry { .. } => ExpectsCalls::Afterwards,
            Self::Watch { .. } => ExpectsCalls::Meanwhile,
            Self::Create { start: false, .. }
            | Self::Start { dry_run: true, .. }
            | Self::List { .. }
            | Self::Show { .. }
            | Self::Pause { .. }
            | Self::Cancel { .. }
            | Self::Duplicate { .. }
            | Self::Export { .. }
            | Self::Delete { .. } => ExpectsCalls::Never,
        }
    }

    fn when_broken_off(&self) -> Option<&'static str> {
        match self {
            Self::Create { .. } | Self::Duplicate { .. } => Some(
                "it may have been made all the same, as a whole: outdial campaign list tells; typed again, another one is made",
            ),
            Self::Retry { .. } => Some(
                "some of them may be called again already, as they come in portions; typed again, all others are",
            ),
            Self::Start { dry_run: false, .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Cancel { .. }
            | Self::Delete { .. } => Some("it may have been done all the same: outdial campaign list tells"),
            Self::List { .. }
            | Self::Show { .. }
            | Self::Start { dry_run: true, .. }
            | Self::Watch { .. }
            | Self::Export { .. } => None,
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Self::Create { start: true, .. } => "outdial campaign create --start",
            Self::Create { start: false, .. } => "outdial campaign create",
            Self::List { .. } => "outdial campaign list",
            Self::Show { .. } => "outdial campaign show",
            Self::Start { dry_run: true, .. } => "outdial campaign start --dry-run",
            Self::Start { dry_run: false, .. } => "outdial campaign start",
            Self::Pause { .. } => "outdial campaign pause",
            Self::Resume { .. } => "outdial campaign resume",
            Self::Cancel { .. } => "outdial campaign cancel",
            Self::Duplicate { .. } => "outdial campaign duplicate",
            Self::Retry { .. } => "outdial campaign retry",
            Self::Watch { .. } => "outdial campaign watch",
            Self::Export { .. } => "outdial campaign export",
            Self::Delete { .. } => "outdial campaign delete",
        }
    }
}

impl SuppressOptions {
    /// The command, as whoever carries it out has to know it.
    pub fn typed(&self) -> Typed {
        Typed::plain(self.words())
    }

    fn words(&self) -> &'static str {
        match (self.list, self.remove) {
            (true, _) => "outdial suppress --list",
            (false, true) => "outdial suppress --remove",
            (false, false) => "outdial suppress",
        }
    }
}

impl AgentsOptions {
    /// The command, as whoever carries it out has to know it.
    pub fn typed(&self) -> Typed {
        Typed::plain(self.words())
    }

    fn words(&self) -> &'static str {
        match self {
            Self::List => "outdial agents list",
            Self::Show { .. } => "outdial agents show",
            Self::Create { .. } => "outdial agents create",
            Self::Delete { .. } => "outdial agents delete",
        }
    }
}

impl From<CampaignOptions> for CampaignCommand {
    fn from(typed: CampaignOptions) -> Self {
        match typed {
            CampaignOptions::Create { file, name, say, agent, settings, start } => {
                Self::Create(Box::new(NewCampaign { file, name, settings, say, agent, start }))
            }
            CampaignOptions::List { state } => Self::List { state },
            CampaignOptions::Show { campaign } => Self::Show(campaign),
            CampaignOptions::Start { campaign, limit, dry_run } => Self::Start { campaign, limit, dry_run },
            CampaignOptions::Pause { campaign } => Self::Pause(campaign),
            CampaignOptions::Resume { campaign, limit } => Self::Resume { campaign, limit },
            CampaignOptions::Cancel { campaign } => Self::Cancel(campaign),
            CampaignOptions::Duplicate { campaign, name, outcomes } => {
                Self::Duplicate { campaign, name, outcomes }
            }
            CampaignOptions::Retry { campaign, outcomes } => Self::Retry { campaign, outcomes },
            CampaignOptions::Watch { campaign } => Self::Watch(campaign),
            CampaignOptions::Export { campaign, attempts, output } => {
                let ending = output.as_ref().and_then(|file| file.extension());
                let xlsx = ending.is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx"));
                Self::Export { campaign, attempts, xlsx, to: output }
            }
            CampaignOptions::Delete { campaign, yes: _ } => Self::Delete(campaign),
        }
    }
}

impl From<ContactsOptions> for ContactsQuery {
    fn from(typed: ContactsOptions) -> Self {
        let ContactsOptions { campaign, state, outcome, search, sort, limit } = typed;
        Self { campaign, state, outcome, search, sort, most: limit }
    }
}

impl From<SuppressOptions> for SuppressCommand {
    fn from(typed: SuppressOptions) -> Self {
        let SuppressOptions { phones, reason, region, remove, list } = typed;
        match (list, remove) {
            (true, _) => Self::List,
            (false, true) => Self::Remove { phones },
            (false, false) => Self::Add { phones, reason, region },
        }
    }
}

impl From<AgentsOptions> for AgentsCommand {
    fn from(typed: AgentsOptions) -> Self {
        match typed {
            AgentsOptions::List => Self::List,
            AgentsOptions::Show { agent } => Self::Show(agent),
            AgentsOptions::Create { agent } => Self::Create(agent),
            AgentsOptions::Delete { agent } => Self::Delete(agent),
        }
    }
}

fn export_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("csv" | "xlsx") => Ok(path),
        Some(_) | None => Err("expected a name that ends in .csv or .xlsx".to_owned()),
    }
}

fn json(text: &str) -> Result<Value, String> {
    let read = match text.strip_prefix('@') {
        None => text.to_owned(),
        Some(file) => std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?,
    };
    let expected = r#"expected a JSON object such as {"name": "value"}"#;
    match serde_json::from_str(&read) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(expected.to_owned()),
        Err(error) => Err(format!("{expected}: {error}")),
    }
}

/// How many contacts are called.
fn contacts(text: &str) -> Result<u32, String> {
    let contacts = text.parse().ok().filter(|contacts| (1..=1_000_000_000).contains(contacts));
    contacts.ok_or_else(|| "expected contacts from 1 to 1000000000".to_owned())
}

/// How many are shown.
fn most(text: &str) -> Result<usize, String> {
    let most = text.parse().ok().filter(|most| *most > 0);
    most.ok_or_else(|| "expected a number from 1 on, such as 50".to_owned())
}

fn state(text: &str) -> Result<String, String> {
    State::parse(text).map(|state| state.to_string()).map_err(|unknown| unknown.to_string())
}

fn contact_state(text: &str) -> Result<String, String> {
    ContactState::parse(text).map(|state| state.to_string()).map_err(|unknown| unknown.to_string())
}

fn outcome(text: &str) -> Result<String, String> {
    Outcome::parse(text).map(|outcome| outcome.to_string()).map_err(|unknown| unknown.to_string())
}
