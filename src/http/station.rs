//! What only a process has that calls people: the way to the provider, the actors, and what the provider's webhooks are
//! known by. A command line that works without a server has none, and none of the routes that want one.

use actix::Addr;
use url::Url;

use crate::actors::{InboxActor, SupervisorActor, Switchboard};

use super::health::ProviderProbe;

/// What a process has that calls people.
pub struct Station {
    /// What it calls with.
    pub switchboard: Switchboard,
    /// Makes webhooks durable.
    pub inbox: Addr<InboxActor>,
    /// Runs the campaigns.
    pub supervisor: Addr<SupervisorActor>,
    /// Where the provider reaches us; what it signs begins with this.
    pub public_url: Url,
    /// The tokens that may have signed a webhook: two while they are being changed.
    pub webhook_tokens: Vec<String>,
    /// Whether nobody is really called.
    pub is_simulated: bool,
    /// How the provider was last found to be.
    pub provider: ProviderProbe,
    /// What opens the page of figures; without it the page is closed.
    pub metrics_token: Option<String>,
}
