//! What all pages have in common: the head, the navigation, who is signed in, and the band while nobody is really called.

use actix_web::ResponseError;
use askama::Template;

use crate::domain::access::{Permission, Role};
use crate::domain::event::EventKind;
use crate::http::{Api, Problem, Visitor};

use super::assets::{self, Addresses};

/// The pages that the navigation leads to, and what each needs. Whoever adds one adds it here.
const PLACES: &[(&str, &str, Permission)] = &[
    ("/", "Campaigns", Permission::CampaignsRead),
    (super::new::PATH, "New campaign", Permission::CampaignsCreate),
    ("/agents", "Agents", Permission::AgentsRead),
    ("/suppressions", "Suppression list", Permission::SuppressionsRead),
    ("/hooks", "Hooks", Permission::HooksRead),
    ("/keys", "Keys", Permission::KeysRead),
    ("/nodes", "Nodes and health", Permission::HealthRead),
];

/// How far a campaign is, which is told while anything happens to it and is no kind of event.
const PROGRESS: &str = "campaign.progress";

/// What every page of somebody who is signed in has.
pub(super) struct Frame {
    /// What the page is called.
    pub(super) title: String,
    /// The pages that he may see.
    pub(super) places: Vec<Place>,
    /// What people call the key.
    pub(super) key_name: String,
    /// What the key is for.
    pub(super) role: Role,
    /// What the page's requests bring along, so that they are known to be its own.
    pub(super) csrf: String,
    /// Whether nobody is really called.
    pub(super) is_simulated: bool,
    /// What the page loads.
    pub(super) assets: &'static Addresses,
    /// The kinds of events that it follows, with commas between.
    pub(super) follows: String,
}

/// An entry of the navigation.
pub(super) struct Place {
    /// Where it leads to.
    pub(super) path: &'static str,
    /// What it is called.
    pub(super) label: &'static str,
    /// Whether the page is there.
    pub(super) is_here: bool,
}

impl Frame {
    /// Of a page with this title that belongs to the place of this path.
    pub(super) fn new(api: &Api, visitor: &Visitor, title: impl Into<String>, here: &str) -> Self {
        let role = visitor.caller.role;
        let places = PLACES.iter().filter(|(_, _, needs)| role.may(*needs));
        let place = |&(path, label, _): &_| Place { path, label, is_here: path == here };
        Self {
            title: title.into(),
            places: places.map(place).collect(),
            key_name: visitor.key_name.clone(),
            role,
            csrf: visitor.token.as_ref().map(|token| token.csrf()).unwrap_or_default(),
            is_simulated: api.is_simulated == Some(true),
            assets: assets::addresses(),
            follows: follows(),
        }
    }
}

/// What happens to campaigns and their lists. What happens to single contacts and calls is heard of as progress, which comes less
/// often and says nothing of anybody.
fn follows() -> String {
    let kinds = EventKind::ALL.iter().map(|kind| kind.as_str());
    let kinds =
        kinds.filter(|kind| ["campaign.", "contacts.", "schedule."].iter().any(|of| kind.starts_with(of)));
    kinds.chain([PROGRESS]).collect::<Vec<_>>().join(",")
}

/// A page for whoever comes along: a problem.
#[derive(Template)]
#[template(path = "dashboard/problem.html")]
pub(super) struct Stranger {
    status: u16,
    title: String,
    detail: String,
    assets: &'static Addresses,
}

impl Stranger {
    /// The page that tells of a problem.
    pub(super) fn with_problem(problem: &Problem) -> Self {
        let (title, detail) = problem.told();
        Self {
            status: problem.status_code().as_u16(),
            title: title.to_owned(),
            detail: super::words::sentence(detail),
            assets: assets::addresses(),
        }
    }
}
