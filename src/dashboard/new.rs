//! `/campaigns/new`: a campaign is made of a list, by the browser through the API. Parts of the page are of their own: what became
//! of the list (`new_preview`), what its people hear (`new_sample`). Once there is a draft, what it would do: `new_review`.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::domain::access::Permission;
use crate::http::{Api, Methods, Problem, Visitor, resource, settings_of_new};

use super::form::SettingsForm;
use super::form_values::Filled;
use super::frame::Frame;
use super::{new_preview, new_review, new_sample, render};

/// Where a campaign is made.
pub(super) const PATH: &str = "/campaigns/new";

pub(super) fn pages() -> Vec<Methods> {
    let own = vec![resource(PATH).get(Permission::CampaignsCreate, show)];
    [own, new_preview::pages(), new_sample::pages(), new_review::pages()].into_iter().flatten().collect()
}

#[derive(Template)]
#[template(path = "dashboard/new.html")]
struct New {
    frame: Frame,
    form: SettingsForm,
    may_start: bool,
}

async fn show(api: web::Data<Api>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    let settings = settings_of_new(&api)?;
    let filled = Filled {
        name: "",
        settings: &settings,
        agent: None,
        starts_at: None,
        sample_of: None,
        own_number: api.board.default_from()?,
    };
    let form = SettingsForm::load(&api, &visitor, &filled).await?;
    let may_start = visitor.caller.role.may(Permission::CampaignsStart);
    render(&New { frame: Frame::new(&api, &visitor, "New campaign", PATH), form, may_start })
}
