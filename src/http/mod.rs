//! HTTP: the REST API, the provider's webhooks, and health. Handlers translate; what they translate to is decided
//! and kept elsewhere.

mod agents;
mod already_there;
mod auth;
mod body;
mod campaigns;
mod connections;
mod contacts;
mod csv;
mod forecast;
mod form;
mod health;
mod imports;
mod instant;
mod intake;
mod list_form;
mod opt_out;
mod page;
mod problem;
mod resource;
mod rules;
mod show;
mod spool;
mod suppressions;
mod upload;
mod webhooks;

use std::time::Duration;

use actix::Addr;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use crate::actors::{InboxActor, SupervisorActor, Switchboard};
use crate::import::Limits;

pub use auth::ensure_access;
pub use connections::{HEAD_WITHIN, most_connections};
use health::ProviderProbe;
pub use list_form::ListForm;
pub use problem::Problem;
use resource::resource;
pub use show::account as account_as_json;
pub use spool::Spool;

/// How long a webhook waits for the word that it is stored. Twilio, told to by the callback's URL, waits a little
/// longer and then comes again.
const STORED_WITHIN: Duration = Duration::from_secs(2);

/// What the handlers work with.
pub struct Api {
    /// Database, clock, provider, node.
    pub board: Switchboard,
    /// Makes webhooks durable.
    pub inbox: Addr<InboxActor>,
    /// Runs the campaigns.
    pub supervisor: Addr<SupervisorActor>,
    /// Where the provider reaches us; what it signs begins with this.
    pub public_url: Url,
    /// The tokens that may have signed a webhook: two while they are being changed.
    pub webhook_tokens: Vec<String>,
    /// The number that calls where a campaign names none.
    pub default_from: String,
    /// Whether nobody is really called.
    pub is_simulated: bool,
    /// How the provider was last found to be.
    pub provider: ProviderProbe,
    /// How much a list may hold.
    pub limits: Limits,
    /// Where lists lie while they are received and read.
    pub spool: Spool,
    /// Previews that a team may have at a time.
    pub previews: u32,
    /// Lists that may be read at once.
    pub turns: Semaphore,
}

/// Lists that are read at once: each takes all cores, and a connection to the database for as long as it lasts. Others
/// wait for their turn.
pub const LISTS_AT_ONCE: usize = 2;

impl Api {
    /// Waits for the turn to read a list.
    async fn take_turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.turns.acquire().await.map_err(|_| Problem::unavailable("the server is stopping"))
    }
}

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(body::refusals)
        .service(
            web::scope("/api/v1")
                .wrap(from_fn(body::without_nul))
                .configure(campaigns::routes)
                .configure(contacts::routes)
                .configure(forecast::routes)
                .configure(agents::routes)
                .configure(imports::routes)
                .configure(suppressions::routes)
                .configure(opt_out::routes)
                .configure(rules::routes)
                .default_service(web::to(nothing_here)),
        )
        .configure(webhooks::routes)
        .configure(health::routes)
        .default_service(web::to(nothing_here));
}

async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found("page"))
}
