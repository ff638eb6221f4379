//! The form of a campaign's settings: who speaks, when, how fast, and who is tried again. A new campaign is made with it, and one
//! that is there is changed with it.
//!
//! The fields are named after the members of the API's JSON, by which `assets/dashboard/script/forms.js` puts them together; what
//! is in them at first is in `form_values`. It decides nothing: what cannot be is said by the API, and shown at the field.

use askama::Template;
use uuid::Uuid;

use crate::db::agents::list_agents;
use crate::db::hooks::list_hooks;
use crate::domain::access::Permission;
use crate::domain::outcome::Outcome;
use crate::domain::phone;
use crate::domain::retry::WITH_RULES;
use crate::http::{Api, Problem, Visitor};

use super::form_field::Field;
use super::form_packs::{OfferedPack, packs};
use super::form_values::{DAYS, Filled, Values, windows};
use super::words;

/// Agents that can be chosen from; of more, the newest.
const MOST_AGENTS: usize = 1000;

/// The sections of the form. The page around has the `<form data-settings>` and the buttons.
#[derive(Template)]
#[template(path = "dashboard/form.html")]
pub(super) struct SettingsForm {
    is_new: bool,
    /// The campaign and the list whose people stand in the sample, if it is not one that the page is about to make.
    sample_of: Option<(Uuid, Uuid)>,
    own_number: String,
    values: Values,
    windows: String,
    is_around_the_clock: bool,
    days: [(&'static str, &'static str); 7],
    agents: Vec<Choice>,
    /// Whether there are older ones that cannot be chosen here.
    has_more_agents: bool,
    /// The hooks that can be asked before a call; none if they may not be seen.
    hooks: Option<Vec<Choice>>,
    packs: Vec<OfferedPack>,
    outcomes: Vec<Tried>,
}

impl askama::filters::HtmlSafe for SettingsForm {}

/// Something that can be chosen.
struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

/// An outcome after which somebody may be tried again.
struct Tried {
    name: &'static str,
    label: String,
    /// After which pauses.
    after: String,
    /// Whether in another part of the day; none where that cannot help.
    in_other_part: Option<bool>,
}

impl SettingsForm {
    /// The form with what is in it at first.
    pub(super) async fn load(api: &Api, visitor: &Visitor, filled: &Filled<'_>) -> Result<Self, Problem> {
        let (database, team) = (&api.board.database, visitor.caller.team);
        let mut agents = list_agents(database, team, None, MOST_AGENTS as i64 + 1).await?;
        let has_more_agents = agents.len() > MOST_AGENTS;
        agents.truncate(MOST_AGENTS);
        agents.sort_by_cached_key(|agent| agent.name.to_lowercase());
        let chosen = filled.agent.and_then(|(_, id)| id);
        let agent = |agent: crate::db::agents::Agent| Choice {
            is_chosen: chosen == Some(agent.id),
            value: agent.id.to_string(),
            label: agent.name,
        };
        let asked = filled.settings.before_call.map(|asking| asking.hook);
        let hook = |hook: crate::db::hooks::Hook| Choice {
            is_chosen: asked == Some(hook.id),
            value: hook.id.to_string(),
            label: hook.name.unwrap_or(hook.url),
        };
        let hooks = if visitor.caller.role.may(Permission::HooksRead) {
            Some(list_hooks(database, team).await?.into_iter().map(hook).collect())
        } else {
            None
        };
        let values = Values::of(filled);
        let hours = &filled.settings.business_hours;
        Ok(Self {
            is_new: filled.agent.is_none(),
            sample_of: filled.sample_of,
            own_number: phone::in_groups(filled.own_number),
            windows: windows(hours),
            is_around_the_clock: hours.schedule().is_none(),
            days: DAYS,
            agents: agents.into_iter().map(agent).collect(),
            has_more_agents,
            hooks,
            packs: packs(api, &values),
            outcomes: WITH_RULES.iter().map(|outcome| Tried::of(*outcome, &values)).collect(),
            values,
        })
    }

    /// Whether an agent of the list is chosen at first, or the one that speaks now, or a script of the campaign's own.
    fn speaks(&self) -> &'static str {
        match (self.is_new, self.agents.is_empty()) {
            (false, _) => "same",
            (true, false) => "kept",
            (true, true) => "own",
        }
    }
}

impl Tried {
    fn of(outcome: Outcome, values: &Values) -> Self {
        let name = outcome.as_str();
        let may_help = matches!(outcome, Outcome::NoAnswer | Outcome::Machine);
        let in_other_part = values.has(&format!("retry_policy.{name}.other_part_of_day"), "true");
        Self {
            name,
            label: words::sentence(&name.replace('-', " ")),
            after: values.text(&format!("retry_policy.{name}.after")),
            in_other_part: may_help.then_some(in_other_part),
        }
    }
}

/// What the template asks for.
impl SettingsForm {
    fn field(&self, name: &str, label: &'static str, hint: &'static str) -> Field {
        Field::text(name, label, self.values.text(name), hint)
    }
}
