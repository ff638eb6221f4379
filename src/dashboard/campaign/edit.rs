//! `/campaigns/{id}/edit`: a campaign's settings, those that may be changed now to be changed. It is the form of a new one with what
//! is set in it; the version that it shows goes along with the changes, so that nobody's are overwritten unseen.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{NaiveDateTime, Timelike};
use uuid::Uuid;

use crate::dashboard::form::SettingsForm;
use crate::dashboard::form_values::Filled;
use crate::dashboard::frame::Frame;
use crate::dashboard::parts::Badge;
use crate::dashboard::render;
use crate::db::campaigns::find_campaign;
use crate::db::imports::list_imports;
use crate::domain::access::Permission;
use crate::domain::agent::Agent;
use crate::domain::campaign::State;
use crate::domain::edit::{Part, parts_open_in};
use crate::http::{Api, Methods, Problem, Visitor, resource};

use super::Head;

pub(super) fn pages() -> Vec<Methods> {
    vec![resource("/campaigns/{id}/edit").get(Permission::CampaignsUpdate, show)]
}

#[derive(Template)]
#[template(path = "dashboard/campaign_edit.html")]
struct Page {
    frame: Frame,
    head: Head,
    badge: Badge,
    version: i32,
    form: SettingsForm,
    /// What may be changed now, by the names of the API's settings with commas between; empty if nothing may.
    open: String,
    /// Whether its forecast is looked at before it is started.
    is_draft: bool,
    /// Whether the rest may be changed once it is paused.
    is_at_work: bool,
}

async fn show(api: web::Data<Api>, visitor: Visitor, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let (database, team) = (&api.board.database, visitor.caller.team);
    let found = find_campaign(database, team, *id).await?;
    let campaign = found.ok_or_else(|| Problem::not_found("campaign"))?;
    let agent: Agent = serde_json::from_value(campaign.agent.clone())
        .map_err(|error| Problem::invalid("bad-agent", format!("the agent cannot be read: {error}")))?;
    let zone = &campaign.settings.timezone;
    let import = list_imports(database, team, *id).await?.first().map(|import| import.id);
    let filled = Filled {
        name: &campaign.name,
        settings: &campaign.settings,
        agent: Some((&agent, campaign.agent_id)),
        starts_at: campaign.starts_at.map(|at| local(zone.local(at))),
        sample_of: import.map(|import| (*id, import)),
        own_number: api.board.default_from()?,
    };
    let form = SettingsForm::load(&api, &visitor, &filled).await?;
    let open = parts_open_in(campaign.state, campaign.settings.schedule.is_some());
    let names: Vec<&str> = open.iter().map(|part| part.as_str()).collect();
    let page = Page {
        frame: Frame::new(&api, &visitor, format!("Settings of {}", campaign.name), "/"),
        head: Head::new(*id, &campaign.name, campaign.state, visitor.caller.role, "edit"),
        badge: campaign.state.into(),
        version: campaign.settings_version,
        form,
        is_draft: campaign.state == State::Draft,
        is_at_work: !open.is_empty() && open.len() < Part::ALL.len(),
        open: names.join(","),
    };
    render(&page)
}

/// A local time as a browser's field has it: to the minute, unless there is more to it.
fn local(at: NaiveDateTime) -> String {
    let format = if at.second() == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
    at.format(format).to_string()
}
