//! HTTP: the REST API, the provider's webhooks, and health. Handlers translate; what they translate to is decided
//! and kept elsewhere.

mod agents;
mod already_there;
mod audit;
mod auth;
mod board;
mod body;
pub(crate) mod campaigns;
mod changes;
mod connections;
pub(crate) mod contacts;
mod csv;
mod docs;
mod duplicate;
pub(crate) mod edit;
mod erase;
mod events;
mod export;
pub(crate) mod forecast;
mod form;
mod found_again;
pub(crate) mod health;
mod hooks;
mod idempotency;
mod imports;
mod instant;
mod intake;
mod keys;
mod limits;
mod list_form;
pub(crate) mod listed;
mod long_answers;
pub(crate) mod metrics;
mod openapi;
mod opt_out;
pub(crate) mod page;
mod problem;
mod prometheus;
pub(crate) mod rehearsal;
mod request_id;
mod resource;
mod retry;
mod rules;
mod search;
pub(crate) mod session;
pub(crate) mod show;
mod spool;
pub(crate) mod standing;
mod station;
mod summing;
pub(crate) mod suppressions;
mod upload;
mod webhooks;
mod wire;
mod workbook;

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, web};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

pub(crate) use crate::actors::speech::heard;
use crate::domain::access::Permission;
use crate::events::Feed;
use crate::import::{Account, Limits};
pub(crate) use crate::keys::FROM_ENVIRONMENT;
use crate::keys::Pass;
pub(crate) use crate::rules::ALWAYS;

pub(crate) use audit::{REHEARSED, Trail, action, by_holder};
pub(crate) use auth::{Visitor, hold};
pub use board::{Board, Line, Runners};
pub(crate) use body::{Body, Query, json as read_json, without_nul};
pub use connections::{HEAD_WITHIN, most_connections};
pub use events::READERS;
pub(crate) use form::settings_of_new;
pub use hooks::HooksDesk;
pub use limits::{Gate, KeyLimit};
pub use list_form::ListForm;
pub use long_answers::LongAnswers;
pub use openapi::description;
pub(crate) use openapi::what_it_does;
pub use problem::Problem;
use resource::Describe;
pub(crate) use resource::{Methods, open, resource};
pub use show::account as account_as_json;
pub use spool::Spool;
pub use station::Station;
pub use summing::Overdue;

/// How long a webhook waits for the word that it is stored. Twilio, told to by the callback's URL, waits a little
/// longer and then comes again.
const STORED_WITHIN: Duration = Duration::from_secs(2);

/// What the handlers work with.
pub struct Api {
    /// Database, clock, rules, and who is told of what is new.
    pub board: Board,
    /// Who is let in.
    pub admits: Admits,
    /// Where people and the provider reach us.
    pub public_url: Url,
    /// Whether nobody is really called with what is started here; none where that is not known. A server always knows.
    pub is_simulated: Option<bool>,
    /// How much a list may hold.
    pub limits: Limits,
    /// Where lists lie while they are received and read.
    pub spool: Spool,
    /// Previews that a team may have at a time.
    pub previews: u32,
    /// Lists that may be read at once.
    pub turns: Semaphore,
    /// What is told to those who follow.
    pub events: Feed,
    /// Those who may read in the outbox at once.
    pub readers: Semaphore,
    /// How often somebody may ask.
    pub gate: Gate,
    /// Streams and downloads that are under way.
    pub long_answers: LongAnswers,
    /// Whether viewers see telephone numbers in the dashboard with their middle hidden.
    pub mask_for_viewers: bool,
    /// What is summed up because figures of it take too long to count.
    pub overdue: Overdue,
}

/// Who is let in.
pub enum Admits {
    /// Whoever has an API key, or a session that was begun with one.
    Keys,
    /// The one command that this process carries out, by its own key alone.
    Command(Pass),
}

/// Lists that are read at once: each takes all cores, and a connection to the database for as long as it lasts. Others
/// wait for their turn.
pub const LISTS_AT_ONCE: usize = 2;

impl Api {
    /// Counts the rows of a list that was stored.
    fn count_rows(&self, account: &Account) {
        let Account { imported, duplicates, rejected, blank, .. } = account;
        for (result, rows) in
            [("imported", imported), ("duplicate", duplicates), ("rejected", rejected), ("blank", blank)]
        {
            self.board.meters.imported(result, *rows);
        }
    }

    /// Waits for the turn to read a list.
    async fn take_turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.turns.acquire().await.map_err(|_| Problem::unavailable("the server is stopping"))
    }
}

/// The site of a server, every answer of which is counted and has the id of its request. `pages` adds what stands beside the API for
/// people, and answers what nothing is found under.
pub fn site(
    (api, station, hooks): (web::Data<Api>, web::Data<Station>, web::Data<HooksDesk>),
    pages: fn(&mut web::ServiceConfig),
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .wrap(from_fn(request_id::with_request_id))
        .wrap(from_fn(prometheus::count))
        .app_data(api)
        .app_data(station)
        .app_data(hooks)
        .configure(routes)
        .configure(pages)
}

/// The site of a command that works without a server: of the API what needs nothing but the database.
pub fn site_of_command(
    api: web::Data<Api>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .wrap(from_fn(request_id::with_request_id))
        .app_data(api)
        .configure(body::refusals)
        .service(scope_of(of_the_database()))
}

/// The routes.
fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(body::refusals)
        .service(scope_of(resources()))
        .configure(webhooks::routes)
        .configure(prometheus::routes)
        .configure(docs::parts);
    for resource in outside_of_the_api() {
        config.service(resource);
    }
}

/// The API with these resources.
fn scope_of(resources: Vec<Methods>) -> impl HttpServiceFactory + 'static {
    let api = web::scope("/api/v1").wrap(from_fn(without_nul));
    let api = resources.into_iter().fold(api, |api, resource| api.service(resource));
    api.default_service(web::to(nothing_here))
}

/// What the API has.
fn resources() -> Vec<Methods> {
    of_the_database().into_iter().chain(hooks::resources()).collect()
}

/// What of it needs nothing but the database. Hooks have to be worked for.
fn of_the_database() -> Vec<Methods> {
    [
        campaigns::resources(),
        edit::resources(),
        duplicate::resources(),
        retry::resources(),
        contacts::resources(),
        erase::resources(),
        forecast::resources(),
        metrics::resources(),
        search::resources(),
        export::resources(),
        agents::resources(),
        events::resources(),
        imports::resources(),
        suppressions::resources(),
        opt_out::resources(),
        rules::resources(),
        keys::resources(),
        audit::resources(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What stands beside the API, but for the provider's webhooks.
fn outside_of_the_api() -> Vec<Methods> {
    [health::resources(), openapi::resources(), docs::resources()].into_iter().flatten().collect()
}

/// A method that somebody may ask for, and what he has to be allowed, if it is not open to everybody.
struct Route {
    method: Method,
    path: String,
    permission: Option<Permission>,
    description: Option<Describe>,
}

/// All that is there, but for the provider's webhooks.
fn table() -> Vec<Route> {
    let api = table_of("/api/v1", &resources());
    api.into_iter().chain(table_of("", &outside_of_the_api())).collect()
}

/// All that stands under these paths below a prefix.
fn table_of(prefix: &str, resources: &[Methods]) -> Vec<Route> {
    let of = |resource: &Methods| -> Vec<Route> {
        let (path, methods) = resource.needs();
        let (path, description) = (format!("{prefix}{path}"), resource.description());
        let route = |(method, permission): &(Method, _)| Route {
            method: method.clone(),
            path: path.clone(),
            permission: *permission,
            description,
        };
        methods.iter().map(route).collect()
    };
    resources.iter().flat_map(of).collect()
}

/// A method of the API, and what whoever asks for it has to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// The method.
    pub method: Method,
    /// The path, with its parts that vary in braces.
    pub path: String,
    /// The permission.
    pub permission: Permission,
}

/// All that the API has, with what it needs.
pub fn needs() -> Vec<Needs> {
    table().into_iter().filter_map(Needs::of).collect()
}

/// What of these paths is not open to everybody, with what it needs.
pub(crate) fn needs_of(resources: &[Methods]) -> Vec<Needs> {
    table_of("", resources).into_iter().filter_map(Needs::of).collect()
}

impl Needs {
    fn of(route: Route) -> Option<Self> {
        let Route { method, path, permission, .. } = route;
        Some(Self { method, path, permission: permission? })
    }
}

/// Says that nothing is found.
pub(crate) async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found("page"))
}
