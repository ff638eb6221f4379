//! `outdial campaign`: made of a list, shown, started, stopped, watched, written to a file.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use indicatif::ProgressBar;
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::counted::{be, counted};
use crate::domain::zone::Zone;
use crate::list_command::ListBody;

use super::export::export;
use super::server::{ClientError, Server, Shown, refused_rows};
use super::table::{Column, card, plain, table, told};
use super::watch::{waiting, watch};

/// What is to be done.
#[derive(Debug, Clone)]
pub enum CampaignCommand {
    /// Make a campaign of a list.
    Create(Box<NewCampaign>),
    /// Show all, or those in a state.
    List {
        /// The state.
        state: Option<String>,
    },
    /// Show one.
    Show(String),
    /// Let it call, everybody or as many as this.
    Start {
        /// Which.
        campaign: String,
        /// So many contacts at most.
        limit: Option<u32>,
        /// Only show on the simulator what would happen.
        dry_run: bool,
    },
    /// Let it go on, for everybody or as many more as this.
    Resume {
        /// Which.
        campaign: String,
        /// So many contacts at most.
        limit: Option<u32>,
    },
    /// Stop it for now.
    Pause(String),
    /// Give it up for good.
    Cancel(String),
    /// Make another of its settings and its list, or of some of its contacts.
    Duplicate {
        /// Which.
        campaign: String,
        /// What the other is called.
        name: Option<String>,
        /// Only the contacts whose last call came to one of these.
        outcomes: Vec<String>,
    },
    /// Call those again whose last call came to one of these.
    Retry {
        /// Which.
        campaign: String,
        /// The outcomes.
        outcomes: Vec<String>,
    },
    /// Show how it goes until it is over.
    Watch(String),
    /// Write its contacts or attempts to a file.
    Export {
        /// Which.
        campaign: String,
        /// Its attempts, and not its contacts.
        attempts: bool,
        /// As a workbook, and not as CSV.
        xlsx: bool,
        /// Where to; else to the standard output.
        to: Option<PathBuf>,
    },
    /// Delete it.
    Delete(String),
}

/// A campaign that is to be made.
#[derive(Debug, Clone)]
pub struct NewCampaign {
    /// The list.
    pub file: PathBuf,
    /// What it is called.
    pub name: String,
    /// Its settings, as the API takes them.
    pub settings: Value,
    /// What is to be heard, if the settings do not say it.
    pub say: Option<String>,
    /// Who speaks, by name or id, if the settings do not say it.
    pub agent: Option<String>,
    /// Whether it is started at once.
    pub start: bool,
}

const LIST: &[Column] = &[
    ("name", "/name"),
    ("id", "/id"),
    ("state", "/state"),
    ("contacts", "/counts/contacts"),
    ("completed", "/counts/completed"),
    ("failed", "/counts/failed"),
    ("attempts", "/counts/attempts"),
];

const CARD: &[Column] = &[
    ("name", "/name"),
    ("id", "/id"),
    ("state", "/state"),
    ("because", "/state_detail"),
    ("waits", "/waiting/message"),
    ("  by the rule", "/waiting/rule"),
    ("  until", "/waiting/until"),
    ("  on its clock", UNTIL_ON_ITS_CLOCK),
    ("never called", "/never_called"),
    ("clock", "/settings/timezone"),
    ("calls until paused", "/limit_left"),
    ("contacts", "/counts/contacts"),
    ("  pending", "/counts/pending"),
    ("  calling", "/counts/calling"),
    ("  completed", "/counts/completed"),
    ("  failed", "/counts/failed"),
    ("  suppressed", "/counts/suppressed"),
    ("attempts", "/counts/attempts"),
    ("answer rate", "/answer_rate"),
    ("success rate", "/success_rate"),
    ("started at", "/started_at"),
    ("last call ended at", "/last_call_ended_at"),
    ("completed at", "/completed_at"),
];

/// Where it stands what the campaign's own clock shows when the waiting is over.
const UNTIL_ON_ITS_CLOCK: &str = "/until_on_its_clock";

/// Carries a command out.
pub async fn campaign(server: &Server, command: CampaignCommand) -> Result<Shown, ClientError> {
    match command {
        CampaignCommand::Create(new) => create(server, *new).await,
        CampaignCommand::List { state } => {
            let query: Vec<(&str, String)> = state.into_iter().map(|state| ("state", state)).collect();
            let all = server.all(&["campaigns"], &query, "campaigns", usize::MAX).await?;
            Ok(Shown::new(table(&all, LIST, "there are no campaigns"), all.into()))
        }
        CampaignCommand::Show(name) => show(server, &id(server, &name).await?).await,
        CampaignCommand::Start { campaign, limit, dry_run } => {
            start(server, &id(server, &campaign).await?, limit, dry_run).await
        }
        CampaignCommand::Resume { campaign, limit } => {
            let id = id(server, &campaign).await?;
            let wanted = limit.map_or(json!({}), |limit| json!({ "limit": limit }));
            let resumed = server.post(&["campaigns", &id, "resume"], &wanted).await?;
            Ok(Shown::new(standing(&resumed), resumed))
        }
        CampaignCommand::Pause(name) => moved(server, &name, "pause").await,
        CampaignCommand::Cancel(name) => moved(server, &name, "cancel").await,
        CampaignCommand::Duplicate { campaign, name, outcomes } => {
            let id = id(server, &campaign).await?;
            let mut wanted = json!({});
            if let Some(name) = name {
                wanted["name"] = name.into();
            }
            if !outcomes.is_empty() {
                wanted["contacts"] = json!({ "outcomes": outcomes });
            }
            let made = server.post(&["campaigns", &id, "duplicate"], &wanted).await?;
            Ok(Shown::new(standing(&made), made))
        }
        CampaignCommand::Retry { campaign, outcomes } => {
            let id = id(server, &campaign).await?;
            let retried = server.post(&["campaigns", &id, "retry"], &json!({ "outcomes": outcomes })).await?;
            let contacts = retried["contacts"].as_u64().unwrap_or(0);
            let why = match contacts {
                0 => ": nobody is given up whose last call came to that",
                _ => "",
            };
            let text = format!("{} {} called again{why}\n", counted(contacts, "contact"), be(contacts));
            Ok(Shown::new(text, retried))
        }
        CampaignCommand::Watch(name) => watch(server, &name).await,
        CampaignCommand::Export { campaign, attempts, xlsx, to } => {
            let id = id(server, &campaign).await?;
            let what = if attempts { "attempts" } else { "contacts" };
            let file = format!("{what}.{}", if xlsx { "xlsx" } else { "csv" });
            export(server, &["campaigns", &id, &file], &[], to.as_deref()).await
        }
        CampaignCommand::Delete(name) => {
            let id = id(server, &name).await?;
            let gone = server.json(server.request(Method::DELETE, &["campaigns", &id])).await?;
            Ok(Shown::new(format!("{name} is deleted\n"), gone))
        }
    }
}

/// The campaign of this name or id.
pub async fn find_campaign(server: &Server, name: &str) -> Result<Uuid, ClientError> {
    server.find("campaign", name).await
}

pub(super) async fn id(server: &Server, name: &str) -> Result<String, ClientError> {
    Ok(server.find("campaign", name).await?.to_string())
}

async fn show(server: &Server, id: &str) -> Result<Shown, ClientError> {
    let campaign = server.get(&["campaigns", id]).await?;
    let mut told = campaign.clone();
    told[&UNTIL_ON_ITS_CLOCK[1..]] = until_on_its_clock(&campaign).into();
    Ok(Shown::new(card(&told, CARD), campaign))
}

/// What the campaign's own clock shows when it waits no longer, if that is known.
fn until_on_its_clock(campaign: &Value) -> Option<String> {
    let until: DateTime<Utc> = campaign["waiting"]["until"].as_str()?.parse().ok()?;
    let zone = Zone::parse(campaign["settings"]["timezone"].as_str()?).ok()?;
    Some(format!("{} in {}", zone.local(until).format("%F %T"), zone.name()))
}

/// A command that needs no more words, by the last part of its path.
async fn moved(server: &Server, name: &str, what: &str) -> Result<Shown, ClientError> {
    let id = id(server, name).await?;
    let moved = server.json(server.request(Method::POST, &["campaigns", &id, what])).await?;
    Ok(Shown::new(standing(&moved), moved))
}

async fn start(server: &Server, id: &str, limit: Option<u32>, dry_run: bool) -> Result<Shown, ClientError> {
    let mut wanted = json!({});
    if let Some(limit) = limit {
        wanted["limit"] = limit.into();
    }
    if dry_run {
        wanted["dry_run"] = true.into();
    }
    let started = server.post(&["campaigns", id, "start"], &wanted).await?;
    if dry_run {
        return Ok(Shown::new(rehearsal(&started), started));
    }
    Ok(Shown::new(standing(&started), started))
}

const REHEARSAL: &[Column] = &[
    ("contacts", "/contacts"),
    ("  completed", "/completed"),
    ("  failed", "/failed"),
    ("  waiting", "/waiting"),
    ("would begin at", "/begins_at"),
    ("would end at", "/ends_at"),
];

const CALLS: &[Column] = &[
    ("at", "/at"),
    ("local time", "/local_time"),
    ("in", "/zone"),
    ("name", "/name"),
    ("phone", "/phone"),
    ("outcome", "/outcome"),
    ("rings s", "/ring_seconds"),
    ("talks s", "/talk_seconds"),
    ("then", "/state"),
    ("again at", "/due_at"),
];

const NOT_CALLED: &[Column] = &[("name", "/name"), ("phone", "/phone"), ("because", "/message")];

/// What would happen, as tables: the sums, the calls, what is heard in the first of them, and who would not be called.
fn rehearsal(played: &Value) -> String {
    let list = |name: &str| played[name].as_array().map_or(&[][..], Vec::as_slice);
    let (calls, refused) = (list("calls"), list("refused"));
    let outcomes = played["outcomes"].as_object().into_iter().flatten();
    let outcomes: Vec<String> =
        outcomes.map(|(outcome, calls)| format!("{} {}", told(calls), plain(outcome))).collect();
    let mut text = format!("{}\n\n{}", told(&played["message"]), card(played, REHEARSAL));
    let sum = counted(calls.len() as u64, "call");
    text.push_str(&format!("\n{sum}{}{}\n", if calls.is_empty() { "" } else { ": " }, outcomes.join(", ")));
    if let Some(heard) = calls.iter().find_map(|call| call["heard"].as_str()) {
        text.push_str(&format!("the first hears: {}\n", plain(heard)));
    }
    if !calls.is_empty() {
        text.push_str(&format!("\n{}", table(calls, CALLS, "")));
    }
    if !refused.is_empty() {
        let number = counted(refused.len() as u64, "contact");
        text.push_str(&format!("\n{number} would not be called\n{}", table(refused, NOT_CALLED, "")));
    }
    text
}

/// A state, as it stands in a sentence.
pub(super) fn a_state(state: &Value) -> String {
    if state == "draft" { "a draft".to_owned() } else { told(state) }
}

/// A campaign in a line, and what it waits for in another.
fn standing(campaign: &Value) -> String {
    let of = |place| campaign.pointer(place).map(told).unwrap_or_default();
    let contacts = campaign.pointer("/counts/contacts").or(campaign.pointer("/contacts"));
    let contacts = contacts.and_then(Value::as_u64);
    let contacts = contacts.map(|contacts| format!(", {}", counted(contacts, "contact"))).unwrap_or_default();
    let mut text = format!("{} is {}{contacts}  {}\n", of("/name"), a_state(&campaign["state"]), of("/id"));
    let is_over = ["completed", "failed", "canceled"].iter().any(|state| campaign["state"] == *state);
    if let Some(left) = campaign["limit_left"].as_u64().filter(|_| !is_over) {
        text.push_str(&format!("  it calls {} and is paused then\n", counted(left, "contact")));
    }
    if campaign["waiting"]["message"].is_string() && campaign["state"] != "draft" {
        text.push_str(&format!("  waits: {}\n", waiting(&campaign["waiting"])));
    }
    text
}

async fn create(server: &Server, new: NewCampaign) -> Result<Shown, ClientError> {
    let mut settings = new.settings;
    let Value::Object(members) = &mut settings else {
        return Err(ClientError::Unusable("expected the settings as a JSON object".to_owned()));
    };
    let given = ["name", "agent", "agent_id"].iter().find(|key| members.contains_key(**key));
    match given.copied() {
        Some("name") => return Err(twice("name", "--name")),
        Some(key) if new.say.is_some() || new.agent.is_some() => return Err(twice(key, "--say or --agent")),
        Some(_) => {}
        None if new.say.is_none() && new.agent.is_none() => {
            let expected = "nobody says anything: expected --say, --agent, or an agent among the settings";
            return Err(ClientError::Unusable(expected.to_owned()));
        }
        None => {}
    }
    members.insert("name".to_owned(), new.name.clone().into());
    if let Some(text) = new.say {
        members.insert("agent".to_owned(), json!({ "name": new.name, "script": { "say": text } }));
    }
    if let Some(agent) = new.agent {
        members.insert("agent_id".to_owned(), server.find("agent", &agent).await?.to_string().into());
    }
    let made = upload(server, &new.file, &settings).await?;
    let id = made["id"].as_str().unwrap_or_default().to_owned();
    let text = account(&made);
    let draft = format!("{text}{} is a draft  {}\n", new.name, told(&made["id"]));
    server.has_done(draft.as_str());
    warn_of_namesakes(server, &new.name, &id).await;
    if new.start {
        let started = start(server, &id, None, false).await?;
        return Ok(Shown::new(text + started.text.as_str(), started.json));
    }
    Ok(Shown::new(draft, made))
}

/// Says that a name is no longer enough to name the campaign. It is made: if that cannot be known, nobody is held up.
async fn warn_of_namesakes(server: &Server, name: &str, id: &str) {
    let Ok(all) = server.named("campaign", name.trim()).await else { return };
    let others = all.iter().filter(|one| one["id"] != id).count() as u64;
    if others > 0 {
        let others = counted(others, "other campaign");
        let line = format!("outdial: {others} of the same name: name this one by its id {id}");
        let _ = writeln!(std::io::stderr(), "{}", plain(&line));
    }
}

fn twice(key: &str, option: &str) -> ClientError {
    ClientError::Unusable(format!("the settings have {key} as well as {option}, expected it once"))
}

/// What came of a list, with the first rows that were refused.
fn account(made: &Value) -> String {
    let [imported, rows, duplicates, rejected, blank] =
        ["imported", "rows", "duplicates", "rejected", "blank"].map(|what| made[what].as_u64().unwrap_or(0));
    let contacts = if imported == 1 { "is a contact" } else { "are contacts" };
    let (rows, duplicates) = (counted(rows, "row"), counted(duplicates, "duplicate"));
    let mut text =
        format!("{imported} of {rows} {contacts}, {duplicates}, {rejected} refused, {blank} blank\n");
    for line in refused_rows(made).lines().skip(1) {
        text.push_str(&format!("{line}\n"));
    }
    let others = made["same_file_in"].as_array().map_or(0, Vec::len);
    if others > 0 {
        let others = counted(others as u64, "other campaign");
        text.push_str(&format!("  warning: the same file is in {others}\n"));
    }
    for warning in made["warnings"].as_array().into_iter().flatten() {
        text.push_str(&format!("  warning: {}\n", told(&warning["message"])));
    }
    text
}

async fn upload(server: &Server, path: &Path, settings: &Value) -> Result<Value, ClientError> {
    let unreadable = |source| ClientError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    let length = metadata.len();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let body = ListBody::new(file, length, &name, &settings.to_string(), ProgressBar::hidden());
    let request = server
        .request(Method::POST, &["campaigns"])
        .header(CONTENT_TYPE, body.content_type())
        .header(CONTENT_LENGTH, body.length())
        .body(reqwest::Body::wrap(body));
    server.json(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_is_told_in_tables() {
        let played = json!({
            "dry_run": true, "message": "nobody was called", "contacts": 2, "begins_at": "2026-03-02T15:00:00Z",
            "ends_at": "2026-03-02T15:01:00Z", "outcomes": {"answered": 1}, "completed": 1, "failed": 0, "waiting": 0,
            "calls": [{"at": "2026-03-02T15:00:00Z", "local_time": "2026-03-02T10:00:00.123", "zone": "America/New_York", "name": "Ada",
                       "phone": "+12025550101", "outcome": "answered", "ring_seconds": 5, "talk_seconds": 20,
                       "heard": "Hello\u{1b} Ada", "state": "completed", "due_at": null}],
            "refused": [{"name": "Bob", "phone": "+12025550102", "message": "must not be contacted"}],
        });
        let expected = "\
nobody was called

contacts        2
  completed     1
  failed        0
  waiting       0
would begin at  2026-03-02 15:00:00Z
would end at    2026-03-02 15:01:00Z

1 call: 1 answered
the first hears: Hello  Ada

at                    local time           in                name  phone         outcome   rings s  talks s  then       again at
2026-03-02 15:00:00Z  2026-03-02 10:00:00  America/New_York  Ada   +12025550101  answered  5        20       completed

1 contact would not be called
name  phone         because
Bob   +12025550102  must not be contacted
";
        assert_eq!(rehearsal(&played), expected);
    }

    #[test]
    fn what_a_server_says_controls_no_terminal() {
        let campaign = json!({"name": "Ada\u{1b}[2J", "state": "dr\u{9b}aft", "id": "1\u{7}"});
        assert_eq!(standing(&campaign), "Ada [2J is dr aft  1 \n");
        let made = json!({"imported": 1, "rows": 2, "duplicates": 0, "rejected": 1, "blank": 0,
                          "refused": [{"row": 3, "message": "expected\u{1b}]0;owned\u{7}"}],
                          "warnings": [{"message": "late\r"}]});
        let expected = "1 of 2 rows is a contact, 0 duplicates, 1 refused, 0 blank\n  row 3: expected ]0;owned \n  \
                        warning: late \n";
        assert_eq!(account(&made), expected);
    }

    #[test]
    fn a_campaign_that_waits_says_for_what_by_which_rule_and_on_which_clock() {
        let waits = json!({"message": "it is closed", "until": "2026-03-02T18:00:00Z", "rule": "Sundays"});
        let campaign = json!({"name": "Ada", "state": "running", "id": "1", "limit_left": 1, "waiting": waits,
                              "settings": {"timezone": "Pacific/Honolulu"}});
        let expected = "Ada is running  1\n  it calls 1 contact and is paused then\n  waits: until 2026-03-02 18:00:00Z: it is \
                        closed (Sundays)\n";
        assert_eq!(standing(&campaign), expected);
        let there = until_on_its_clock(&campaign);
        assert_eq!(there.as_deref(), Some("2026-03-02 08:00:00 in Pacific/Honolulu"));
        let draft =
            json!({"name": "Ada", "state": "draft", "id": "1", "waiting": {"message": "it is a draft"}});
        assert_eq!(standing(&draft), "Ada is a draft  1\n");
        let canceled = json!({"name": "Ada", "state": "canceled", "id": "1", "limit_left": 1});
        assert_eq!(standing(&canceled), "Ada is canceled  1\n");
    }
}
