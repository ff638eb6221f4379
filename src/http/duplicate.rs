//! `POST /api/v1/campaigns/{id}/duplicate`: a new draft with a campaign's settings and its list, or with those of them
//! whom it is to be called for.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actors::know_of_many;
use crate::db::campaigns::{NewCampaign, find_campaign};
use crate::db::duplicate::{Chosen, Duplicated, duplicate};
use crate::domain::access::Permission;
use crate::domain::called;
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;

use super::auth::Caller;
use super::body::{Body, given};
use super::changes::Changes;
use super::edit::{Changed, overtaken};
use super::form::check_name;
use super::idempotency::{Answers, MayComeAgain, Once};
use super::openapi::describe;
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::{Api, Problem, changes, wire};

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/campaigns/{id}/duplicate")
            .post(Permission::CampaignsDuplicate, make)
            .described(describe![make]),
    ]
}

/// What is to be duplicated, and how.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DuplicateForm {
    /// What people call the new campaign.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, example = "Glasses are ready, once more")]
    name: Option<String>,
    /// Whom of the list it has; without it, everybody.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    contacts: Option<ChosenContacts>,
    /// What is set otherwise than in the campaign that it is made of.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    settings: Option<Changes>,
}

/// Whom of a list.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChosenContacts {
    /// Those whose last attempt came to one of these.
    #[schema(value_type = Option<Vec<wire::Outcome>>, example = json!(["no-answer"]))]
    outcomes: Option<Vec<Outcome>>,
    /// Those who are in one of these states.
    #[schema(value_type = Option<Vec<wire::ContactState>>, example = json!(["failed"]))]
    states: Option<Vec<ContactState>>,
}

/// A campaign that was made of another one.
#[derive(Serialize, ToSchema)]
struct Duplicate {
    id: Uuid,
    /// What people call it.
    name: String,
    #[schema(value_type = wire::CampaignState)]
    state: State,
    /// The campaign that it was made of.
    duplicate_of: Uuid,
    /// How many contacts it has. Those who must not be called are found when their turn comes.
    contacts: u32,
    /// The version of its settings.
    settings_version: i32,
    /// Whether nobody is really called; null where it is not known, as at a command line on the database itself while no server
    /// is alive.
    simulated: Option<bool>,
}

/// Duplicates a campaign
///
/// A new draft with its settings and agent, some of them changed on the way, and with its list: all contacts, or those whose
/// last attempt came to something, or who are in some states. All of them begin anew.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/duplicate", operation_id = "duplicate_campaign", tag = "campaigns",
    params(MayComeAgain), request_body = Option<DuplicateForm>,
    responses((status = 201, description = "The new campaign", body = Duplicate), Conflict),
)]
async fn make(
    api: web::Data<Api>,
    caller: Caller,
    of: web::Path<Uuid>,
    once: Once,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let form = match body.is_empty() {
        true => DuplicateForm::default(),
        false => {
            body.json("bad-settings").map_err(|problem| changes::refused(problem, &body, Some("settings")))?
        }
    };
    let of = *of;
    let find = async move |api: &Api, caller: Caller, id| found_again(api, caller, of, id).await;
    let insert = async move |api: &web::Data<Api>, id| insert(api, caller, of, form, id).await;
    once.make(api, caller, Answers::Again, &[body.bytes()], find, insert).await
}

/// What a request made that came before.
async fn found_again(api: &Api, caller: Caller, of: Uuid, id: Uuid) -> Result<Option<HttpResponse>, Problem> {
    let found = find_campaign(&api.board.database, caller.team, id).await?;
    Ok(found.map(|campaign| {
        let counts = &campaign.counts;
        let contacts = counts.pending + counts.calling + counts.completed + counts.failed + counts.suppressed;
        let made = Duplicate {
            id,
            name: campaign.name,
            state: campaign.state,
            duplicate_of: of,
            contacts,
            settings_version: campaign.settings_version,
            simulated: api.is_simulated,
        };
        answer(StatusCode::CREATED, &made)
    }))
}

/// Makes it, with this id.
async fn insert(
    api: &web::Data<Api>,
    caller: Caller,
    of: Uuid,
    form: DuplicateForm,
    id: Uuid,
) -> Result<HttpResponse, Problem> {
    let DuplicateForm { name, contacts, settings } = form;
    let changes = settings.unwrap_or_default();
    changes.check()?;
    let (database, now) = (&api.board.database, api.board.clock.now());
    let Some(campaign) = find_campaign(database, caller.team, of).await? else {
        return Err(Problem::not_found("campaign"));
    };
    if let Some(expected) = changes.settings_version.filter(|wanted| *wanted != campaign.settings_version) {
        return Err(overtaken(expected, campaign.settings_version));
    }
    let name = match (name, &changes.name) {
        (Some(_), Some(_)) => {
            let detail = "settings.name is given, expected only one name";
            return Err(Problem::invalid("bad-settings", detail));
        }
        (Some(name), None) => name,
        (None, Some(name)) => name.clone(),
        (None, None) => name_of_copy(&campaign.name),
    };
    check_name(&name)?;
    let chosen = contacts.map(ChosenContacts::chosen).transpose()?.unwrap_or_default();
    let changed = Changed::of(api, caller, &changes, &campaign).await?;
    let (agent_id, agent) = match &changed.agent {
        Some(agent) => (changes.agent_id, agent),
        None => (campaign.agent_id, &campaign.agent),
    };
    let new = NewCampaign {
        id,
        team: caller.team,
        name: name.trim(),
        settings: &changed.settings,
        agent_id,
        agent,
        starts_at: changes.starts_at().flatten(),
        by: caller.key,
    };
    let contacts = match duplicate(database, of, &new, &chosen, now).await? {
        Duplicated::Done { contacts } => contacts,
        Duplicated::Nobody => {
            let detail =
                "the campaign has no contacts like that, expected outcomes and states that somebody has";
            return Err(Problem::invalid("nobody-to-call", detail));
        }
        Duplicated::NoTurn => {
            let detail = "as many large lists are being stored as can be at one time, and this one is too large to be copied \
                          beside them; nothing was made, try again in a minute";
            return Err(Problem::unavailable(detail).after(Duration::from_secs(60)));
        }
    };
    know_of_many(database, contacts);
    info!(campaign.id = %new.id, duplicate_of = %of, contacts, "duplicated");
    let made = Duplicate {
        id: new.id,
        name: new.name.to_owned(),
        state: State::Draft,
        duplicate_of: of,
        contacts,
        settings_version: 1,
        simulated: api.is_simulated,
    };
    Ok(answer(StatusCode::CREATED, &made))
}

impl ChosenContacts {
    fn chosen(self) -> Result<Chosen, Problem> {
        let Self { outcomes, states } = self;
        let empty =
            [("outcomes", outcomes.as_ref().map(Vec::len)), ("states", states.as_ref().map(Vec::len))];
        match empty.into_iter().find(|(_, length)| *length == Some(0)) {
            Some((key, _)) => {
                let detail = format!("contacts.{key} is empty, expected one at least, or none of the key");
                Err(Problem::invalid("bad-settings", detail))
            }
            None => Ok(Chosen { outcomes, states }),
        }
    }
}

/// The name of a copy that is given none.
fn name_of_copy(name: &str) -> String {
    const COPY: &str = " (copy)";
    let kept: String = name.chars().take(called::LONGEST - COPY.len()).collect();
    kept + COPY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_copy_is_a_name() {
        assert_eq!(name_of_copy("Recall"), "Recall (copy)");
        assert!(check_name(&name_of_copy(&"é".repeat(called::LONGEST))).is_ok());
    }
}
