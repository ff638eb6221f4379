//! `/`: the campaigns of a team, those at work as cards that move by themselves, and `/campaigns/{id}/card`: one of these.

use actix_web::{HttpResponse, web};
use askama::Template;
use futures_util::future::try_join;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use uuid::Uuid;

use crate::db::campaigns::find_campaign;
use crate::db::home::{Among, has_campaigns, list_campaigns_among};
use crate::domain::access::{Permission, Role};
use crate::domain::campaign::{Move, State};
use crate::domain::dialer::Because;
use crate::http::page::cut;
use crate::http::show::{self, Counts};
use crate::http::standing::waiting_of;
use crate::http::{Api, Methods, Problem, Query, Visitor, resource};

use super::frame::Frame;
use super::parts::{Badge, FilterBy, FilterOption, Filters, Pages, Progress, When};
use super::{render, words};

/// Campaigns on a page of their own, and of those at work above others. What each waits for is asked one by one.
const ON_A_PAGE: i64 = 24;
const AT_WORK: i64 = 12;

/// Questions to the database at one time for one page: the dialer has the same connections.
const AT_ONCE: usize = 3;

/// The longest text that is looked for.
const LONGEST: usize = 200;

pub(super) fn pages() -> Vec<Methods> {
    vec![
        resource("/").get(Permission::CampaignsRead, show),
        resource("/campaigns/{id}/card").get(Permission::CampaignsRead, card),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HomeQuery {
    /// Only campaigns in this state; all if it is empty.
    state: Option<String>,
    /// Only those with this in their name.
    search: Option<String>,
    /// Only those made before this one.
    before: Option<Uuid>,
}

#[derive(Template)]
#[template(path = "dashboard/home.html")]
struct Home {
    frame: Frame,
    may_see_health: bool,
    may_create: bool,
    filter: Filter,
    filters: Filters,
    /// Whether the team has no campaign at all.
    is_empty: bool,
    cards: Vec<Card>,
    /// Whether more are at work than are shown.
    more_at_work: bool,
    rows: Vec<Card>,
    pages: Pages,
}

/// What is asked for.
struct Filter {
    state: Option<State>,
    search: Option<String>,
    before: Option<Uuid>,
}

/// A campaign, in short.
#[derive(Template)]
#[template(path = "dashboard/card.html")]
struct Card {
    id: Uuid,
    name: String,
    badge: Badge,
    made: When,
    /// Why it is paused or has failed.
    detail: Option<String>,
    progress: Progress,
    answered: Option<String>,
    success: Option<String>,
    average: Option<String>,
    last_call: Option<When>,
    waiting: Option<Waiting>,
    commands: Vec<Button>,
}

impl askama::filters::HtmlSafe for Card {}

/// What a campaign waits for.
pub(super) struct Waiting {
    /// Whether somebody may wonder why nothing happens.
    pub(super) is_long: bool,
    pub(super) message: String,
    pub(super) until: Option<When>,
    pub(super) rule: Option<String>,
}

/// A command that is allowed now, to whoever looks.
struct Button {
    path: &'static str,
    label: &'static str,
    is_main: bool,
    /// What is asked before it is carried out.
    question: Option<String>,
}

impl Filter {
    fn of(query: HomeQuery) -> Result<Self, Problem> {
        let given =
            |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let state = given(query.state).map(|state| State::parse(&state)).transpose();
        let state = state.map_err(|unknown| Problem::invalid("bad-filter", unknown.to_string()))?;
        let search = given(query.search);
        if let Some(length) =
            search.as_ref().map(|text| text.chars().count()).filter(|length| *length > LONGEST)
        {
            let detail = format!("search has {length} characters, expected at most {LONGEST}");
            return Err(Problem::invalid("bad-filter", detail));
        }
        Ok(Self { state, search, before: query.before })
    }

    /// The address of what is asked for, from a campaign on.
    fn address(&self, before: Option<Uuid>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let state = self.state.map(|state| ("state", state.as_str().to_owned()));
        let search = self.search.as_ref().map(|search| ("search", search.clone()));
        query.extend_pairs(state.into_iter().chain(search));
        query.extend_pairs(before.map(|before| ("before", before.to_string())));
        match query.finish() {
            query if query.is_empty() => "/".to_owned(),
            query => format!("/?{query}"),
        }
    }

    /// The address of this very page.
    fn own_address(&self) -> String {
        self.address(self.before)
    }

    fn is_everything(&self) -> bool {
        self.state.is_none() && self.search.is_none()
    }
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    Query(query): Query<HomeQuery>,
) -> Result<HttpResponse, Problem> {
    let filter = Filter::of(query)?;
    let (at_work, others) = list(&api, &visitor, &filter).await?;
    let (at_work, more_at_work) = cut(at_work, AT_WORK, |_| ());
    let (others, next) = cut(others, ON_A_PAGE, |campaign| campaign.id);
    let newest = filter.before.map(|_| filter.address(None));
    let older = next.map(|last| filter.address(Some(last)));
    let is_empty = at_work.is_empty()
        && others.is_empty()
        && !has_campaigns(&api.board.database, visitor.caller.team).await?;
    let (working, resting): (Vec<_>, Vec<_>) =
        at_work.into_iter().chain(others).partition(|campaign| is_at_work(campaign.state));
    let role = visitor.caller.role;
    let page = Home {
        frame: Frame::new(&api, &visitor, "Campaigns", "/"),
        may_see_health: role.may(Permission::HealthRead),
        may_create: role.may(Permission::CampaignsCreate),
        filters: filters(&filter),
        is_empty,
        cards: cards(&api, &visitor, working).await,
        more_at_work: more_at_work.is_some(),
        rows: resting.into_iter().map(|campaign| Card::of(&api, role, campaign, None)).collect(),
        pages: Pages::by_age(newest, older),
        filter,
    };
    render(&page)
}

/// Those at work, on the first page of everything, and the others; or all that are asked for as the others.
async fn list(
    api: &Api,
    visitor: &Visitor,
    filter: &Filter,
) -> Result<(Vec<show::Campaign>, Vec<show::Campaign>), Problem> {
    let (database, team) = (&api.board.database, visitor.caller.team);
    let list = async |among, limit| {
        let search = filter.search.as_deref();
        let found = list_campaigns_among(database, team, among, search, filter.before, limit).await?;
        Ok::<_, Problem>(found.into_iter().map(show::Campaign::from).collect())
    };
    match (filter.state, filter.is_everything(), filter.before) {
        (Some(state), ..) => Ok((Vec::new(), list(Among::In(state), ON_A_PAGE + 1).await?)),
        (None, false, _) => Ok((Vec::new(), list(Among::All, ON_A_PAGE + 1).await?)),
        (None, true, Some(_)) => Ok((Vec::new(), list(Among::AtRest, ON_A_PAGE + 1).await?)),
        (None, true, None) => {
            try_join(list(Among::AtWork, AT_WORK + 1), list(Among::AtRest, ON_A_PAGE + 1)).await
        }
    }
}

fn is_at_work(state: State) -> bool {
    matches!(state, State::Pending | State::Running | State::Paused)
}

fn filters(filter: &Filter) -> Filters {
    let option = |state: &State| FilterOption {
        value: state.as_str(),
        label: words::sentence(state.as_str()),
        is_chosen: filter.state == Some(*state),
    };
    let states = FilterBy { name: "state", label: "State", options: State::ALL.iter().map(option).collect() };
    Filters {
        action: "/".to_owned(),
        shows: "#campaigns",
        placeholder: "Part of a name",
        search: filter.search.clone().unwrap_or_default(),
        choices: vec![states],
        kept: Vec::new(),
    }
}

/// Cards that say what each campaign waits for.
async fn cards(api: &Api, visitor: &Visitor, campaigns: Vec<show::Campaign>) -> Vec<Card> {
    let caller = visitor.caller;
    let card = async |campaign: show::Campaign| {
        // One that cannot be understood must not take the others from the page.
        let waiting = waiting_of(&api.observer(), caller.team, campaign.id).await;
        let waiting = waiting.map(|waiting| waiting.and_then(|waiting| Waiting::of(waiting, &campaign, api)));
        let waiting = waiting.unwrap_or_else(|_| Some(Waiting::not_known()));
        Card::of(api, caller.role, campaign, waiting)
    };
    stream::iter(campaigns).map(card).buffered(AT_ONCE).collect().await
}

async fn card(api: web::Data<Api>, visitor: Visitor, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let found = find_campaign(&api.board.database, visitor.caller.team, *id).await?;
    let campaign = found.ok_or_else(|| Problem::not_found("campaign"))?.into();
    let cards = cards(&api, &visitor, vec![campaign]).await;
    render(cards.first().ok_or_else(Problem::internal)?)
}

impl Card {
    fn of(api: &Api, role: Role, campaign: show::Campaign, waiting: Option<Waiting>) -> Self {
        let (zone, now) = (&campaign.settings.timezone, api.board.clock.now());
        Self {
            id: campaign.id,
            badge: campaign.state.into(),
            made: When::on(campaign.created_at, zone),
            detail: campaign.state_detail.as_deref().map(words::sentence),
            progress: Progress::of(&campaign.counts),
            answered: campaign.answer_rate.map(words::percent),
            success: campaign.success_rate.map(words::percent),
            average: campaign.average_duration_seconds.map(words::span),
            last_call: campaign.last_call_ended_at.map(|at| When::at(at, zone, now)),
            waiting,
            commands: commands(role, campaign.state, &campaign.name, &campaign.counts),
            name: campaign.name,
        }
    }
}

impl Waiting {
    /// What is shown of it; nothing where the state and its reason say the same.
    pub(super) fn of(waiting: show::Waiting, campaign: &show::Campaign, api: &Api) -> Option<Self> {
        let show::Waiting { because, until, message, rule } = waiting;
        if because == Because::Paused {
            return None;
        }
        // Until when a call lasts nobody knows: it is only asked about then.
        let until = until.filter(|_| because != Because::CallOpen);
        // Which clock counts is told by the instant.
        let rule = rule.filter(|_| !matches!(because, Because::OutsideHours | Because::Holiday));
        Some(Self {
            is_long: because.is_long(),
            message: words::sentence(message),
            until: until.map(|until| When::at(until, &campaign.settings.timezone, api.board.clock.now())),
            rule: rule.as_deref().map(words::rule),
        })
    }

    fn not_known() -> Self {
        let message = "What it waits for cannot be told just now".to_owned();
        Self { is_long: true, message, until: None, rule: None }
    }
}

/// What may be done with a campaign in this state by somebody with this role.
fn commands(role: Role, state: State, name: &str, counts: &Counts) -> Vec<Button> {
    let all = [
        (Move::Start, Permission::CampaignsStart, "start", "Start"),
        (Move::Pause, Permission::CampaignsPause, "pause", "Pause"),
        (Move::Resume, Permission::CampaignsStart, "resume", "Resume"),
        (Move::Cancel, Permission::CampaignsCancel, "cancel", "Cancel"),
    ];
    let allowed =
        all.into_iter().filter(|(wanted, needs, ..)| role.may(*needs) && state.after(*wanted).is_ok());
    let button = |(wanted, _, path, label)| {
        let question = match wanted {
            Move::Start => Some(format!("Start “{name}”? {} will be called.", people(counts.pending))),
            Move::Cancel => Some(format!(
                "Cancel “{name}” for good? {} will not be called any more.",
                people(counts.pending)
            )),
            _ => None,
        };
        Button { path, label, is_main: matches!(wanted, Move::Start | Move::Resume), question }
    };
    allowed.map(button).collect()
}

fn people(count: u32) -> String {
    match count {
        1 => "1 contact".to_owned(),
        count => format!("{} contacts", words::number(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_are_those_that_the_state_and_the_role_allow() {
        let counts = Counts { pending: 1, ..Counts::default() };
        let labels = |role, state| -> Vec<&str> {
            commands(role, state, "Spring", &counts).iter().map(|button| button.label).collect()
        };
        assert_eq!(labels(Role::Operator, State::Draft), ["Start"]);
        assert_eq!(labels(Role::Operator, State::Running), ["Pause", "Cancel"]);
        assert_eq!(labels(Role::Admin, State::Paused), ["Resume", "Cancel"]);
        for state in State::ALL {
            assert!(labels(Role::Viewer, *state).is_empty());
        }
        for over in [State::Completed, State::Failed, State::Canceled] {
            assert!(labels(Role::Admin, over).is_empty());
        }
        let started = commands(Role::Admin, State::Draft, "Spring", &counts).remove(0);
        assert_eq!(started.question.unwrap(), "Start “Spring”? 1 contact will be called.");
    }

    #[test]
    fn an_address_holds_what_is_asked_for() {
        let filter = Filter { state: Some(State::Running), search: Some("a&b".to_owned()), before: None };
        assert_eq!(filter.address(None), "/?state=running&search=a%26b");
        let everything = Filter { state: None, search: None, before: None };
        assert_eq!(everything.own_address(), "/");
        assert_eq!(everything.address(Some(Uuid::nil())), format!("/?before={}", Uuid::nil()));
    }
}
