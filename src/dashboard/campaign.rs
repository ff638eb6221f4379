//! `/campaigns/{id}`: one campaign, how it stands, what it waits for, and what may be done with it now. What stands further below
//! on its page comes after it, each as a part of its own, so that the page is there at once.

mod commands;
mod contacts;
mod edit;
mod events;
mod figures;
mod rehearsal;
mod settings;

use actix_web::{HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use crate::domain::access::{Permission, Role};
use crate::domain::campaign::State;
use crate::domain::outcome::Outcome;
use crate::http::show::{self, CampaignDetail};
use crate::http::{Api, Methods, Problem, Visitor, campaigns, resource};

use self::commands::{Button, Doing, commands};
use self::settings::Line;
use super::frame::Frame;
use super::home::Waiting;
use super::parts::{Badge, Progress, When};
use super::{render, words};

pub(super) fn pages() -> Vec<Methods> {
    let own = vec![
        resource("/campaigns/{id}").get(Permission::CampaignsRead, show),
        resource("/campaigns/{id}/overview").get(Permission::CampaignsRead, overview),
    ];
    [own, figures::pages(), events::pages(), contacts::pages(), rehearsal::pages(), edit::pages()]
        .into_iter()
        .flatten()
        .collect()
}

/// What the pages of a campaign have above: its name, and where they lead to.
pub(super) struct Head {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) may_see_contacts: bool,
    pub(super) may_rehearse: bool,
    pub(super) may_edit: bool,
    /// Which of the pages it is.
    pub(super) here: &'static str,
}

impl Head {
    /// Of this campaign, on this one of its pages, for somebody with this role.
    pub(super) fn new(id: Uuid, name: &str, state: State, role: Role, here: &'static str) -> Self {
        let is_over = matches!(state, State::Completed | State::Failed | State::Canceled);
        Self {
            id,
            name: name.to_owned(),
            may_see_contacts: role.may(Permission::ContactsRead),
            may_rehearse: !is_over && role.may(Permission::CampaignsStart),
            may_edit: role.may(Permission::CampaignsUpdate)
                && !matches!(state, State::Failed | State::Canceled),
            here,
        }
    }
}

#[derive(Template)]
#[template(path = "dashboard/campaign.html")]
struct Page {
    frame: Frame,
    head: Head,
    overview: Overview,
    dialogs: Dialogs,
    may_see_events: bool,
    settings: Vec<Line>,
    settings_version: i32,
    made: When,
    starts: Option<When>,
    repeats_of: Option<Uuid>,
}

/// How it stands.
#[derive(Template)]
#[template(path = "dashboard/campaign_overview.html")]
struct Overview {
    id: Uuid,
    name: String,
    badge: Badge,
    /// Why it is paused or has failed.
    detail: Option<String>,
    progress: Progress,
    waiting: Option<Waiting>,
    /// Further things that somebody should know.
    remarks: Vec<String>,
    buttons: Vec<Button>,
    figures: Vec<Figure>,
}

impl askama::filters::HtmlSafe for Overview {}

/// A figure of the campaign as a whole.
struct Figure {
    label: &'static str,
    value: String,
    beside: String,
}

/// What is asked before something is done that needs more than a yes.
struct Dialogs {
    may_start: bool,
    may_duplicate: bool,
    pending: String,
    copy_name: String,
    again: Vec<Again>,
}

/// Those who may be called again.
struct Again {
    label: String,
    /// The outcomes that they were given up after, as JSON.
    outcomes: String,
}

async fn show(api: web::Data<Api>, visitor: Visitor, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let detail = campaigns::shown(&api, visitor.caller.team, *id).await?;
    let role = visitor.caller.role;
    let campaign = &detail.campaign;
    let (zone, now) = (&campaign.settings.timezone, api.board.clock.now());
    let page = Page {
        frame: Frame::new(&api, &visitor, campaign.name.as_str(), "/"),
        head: Head::new(*id, &campaign.name, campaign.state, role, "overview"),
        dialogs: Dialogs::of(role, campaign),
        may_see_events: role.may(Permission::EventsRead),
        settings: settings::lines(campaign),
        settings_version: campaign.settings_version,
        made: When::on(campaign.created_at, zone),
        starts: campaign.starts_at.filter(|at| *at > now).map(|at| When::at(at, zone, now)),
        repeats_of: campaign.repeats_of,
        overview: Overview::of(&api, role, detail),
    };
    render(&page)
}

async fn overview(
    api: web::Data<Api>,
    visitor: Visitor,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let detail = campaigns::shown(&api, visitor.caller.team, *id).await?;
    render(&Overview::of(&api, visitor.caller.role, detail))
}

impl Overview {
    fn of(api: &Api, role: Role, detail: CampaignDetail) -> Self {
        let CampaignDetail { campaign, waiting, never_called, last_skipped, simulated: _ } = detail;
        let waiting = waiting.and_then(|waiting| Waiting::of(waiting, &campaign, api));
        let goes_on = !matches!(campaign.state, State::Completed | State::Failed | State::Canceled);
        let limit = campaign
            .limit_left
            .filter(|_| goes_on)
            .map(|left| format!("It is paused after {} more", people(left)));
        let (zone, now) = (&campaign.settings.timezone, api.board.clock.now());
        let skipped = last_skipped.map(|skipped| {
            let why = skipped.reason.replace('-', " ");
            format!("No run was made at {}: {why}", words::instant(skipped.firing_at, zone, now))
        });
        Self {
            id: campaign.id,
            badge: campaign.state.into(),
            detail: campaign.state_detail.as_deref().map(words::sentence),
            progress: Progress::of(&campaign.counts),
            waiting,
            remarks: [never_called, limit, skipped]
                .into_iter()
                .flatten()
                .map(|text| words::sentence(&text))
                .collect(),
            buttons: commands(role, campaign.state, &campaign.name, &campaign.counts),
            figures: figures(&campaign),
            name: campaign.name,
        }
    }
}

fn figures(campaign: &show::Campaign) -> Vec<Figure> {
    let counts = &campaign.counts;
    let outcome = |outcome: Outcome| counts.outcomes.get(outcome.as_str()).copied().unwrap_or(0);
    let (answered, machine) = (outcome(Outcome::Answered), outcome(Outcome::Machine));
    let taken = f64::from(answered + machine);
    let talked = campaign.average_duration_seconds.map(|average| average * taken);
    let finals = counts.completed + counts.failed + counts.suppressed;
    let machines = match machine {
        0 => String::new(),
        machine => format!(", and {} by machines", words::number(machine)),
    };
    let spent = campaign.spent.zip(campaign.settings.max_spend).map(|(spent, most)| {
        let currency = campaign.currency.as_deref().unwrap_or_default();
        let open = campaign.unpriced.filter(|open| *open > 0);
        let open = open.map(|open| format!(", {} not known yet", words::number(open))).unwrap_or_default();
        Figure {
            label: "Spent",
            value: format!("{spent} {currency}"),
            beside: format!("of {most} at most{open}"),
        }
    });
    let all = [
        Figure {
            label: "Calls",
            value: words::number(counts.attempts),
            beside: match (counts.attempts, counts.retries) {
                (0, _) => "none yet".to_owned(),
                (_, 0) => "no retries".to_owned(),
                (_, 1) => "1 retry among them".to_owned(),
                (_, retries) => format!("{} retries among them", words::number(retries)),
            },
        },
        Figure {
            label: "Answered",
            value: words::number(answered),
            beside: match campaign.answer_rate {
                Some(rate) => format!("{} of calls{machines}", words::percent(rate)),
                None => "no call has ended yet".to_owned(),
            },
        },
        Figure {
            label: "Failed",
            value: words::number(counts.failed),
            beside: match counts.set_aside {
                0 => "contacts given up".to_owned(),
                set_aside => format!("contacts given up, {} set aside", words::number(set_aside)),
            },
        },
        Figure {
            label: "Success rate",
            value: campaign.success_rate.map_or_else(|| "–".to_owned(), words::percent),
            beside: match finals {
                0 => "nobody is done yet".to_owned(),
                finals => format!("of {} done", people(finals)),
            },
        },
        Figure {
            label: "Talk time",
            value: talked.map_or_else(|| "–".to_owned(), words::span),
            beside: match campaign.average_duration_seconds {
                Some(average) => format!("{} a call", words::span(average)),
                None => "nobody has talked yet".to_owned(),
            },
        },
    ];
    all.into_iter().chain(spent).collect()
}

impl Dialogs {
    fn of(role: Role, campaign: &show::Campaign) -> Self {
        const LONGEST_NAME: usize = 190;
        let name: String = campaign.name.chars().take(LONGEST_NAME).collect();
        Self {
            may_start: role.may(Permission::CampaignsStart),
            may_duplicate: role.may(Permission::CampaignsDuplicate),
            pending: people(campaign.counts.pending),
            copy_name: format!("{name} (copy)"),
            again: again(campaign),
        }
    }
}

/// Those who may be called again, by what their last call came to.
fn again(campaign: &show::Campaign) -> Vec<Again> {
    let all: Vec<Outcome> =
        Outcome::ALL.iter().copied().filter(|outcome| outcome.can_be_the_last()).collect();
    let choices: [(&str, Vec<Outcome>); 4] = [
        ("Those who did not answer, or were busy", vec![Outcome::NoAnswer, Outcome::Busy]),
        ("Those whose answering machine took the call", vec![Outcome::Machine]),
        (
            "Those whose call failed or was broken off",
            vec![Outcome::Failed, Outcome::Canceled, Outcome::Unknown],
        ),
        ("All who were given up", all),
    ];
    let happened = |outcomes: &[Outcome]| {
        outcomes
            .iter()
            .any(|outcome| campaign.counts.outcomes.get(outcome.as_str()).is_some_and(|calls| *calls > 0))
    };
    let choices = choices.into_iter().filter(|(_, outcomes)| happened(outcomes));
    let again = |(label, outcomes): (&str, Vec<Outcome>)| {
        let names: Vec<String> = outcomes.iter().map(|outcome| format!("\"{outcome}\"")).collect();
        Again { label: label.to_owned(), outcomes: format!("[{}]", names.join(",")) }
    };
    choices.map(again).collect()
}

/// So many contacts, in words.
pub(super) fn people(count: u32) -> String {
    match count {
        1 => "1 contact".to_owned(),
        count => format!("{} contacts", words::number(count)),
    }
}
