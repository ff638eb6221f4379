//! `outdial campaign`, `contacts`, `suppress` and `agents`: somebody at a terminal, or a script, who works with a running
//! server through its API. What is shown is the API's JSON (`--json`), or a table of the same. Some of `outdial campaign` works
//! without a server, straight on the database.

mod agents;
mod campaigns;
mod contacts;
mod direct;
mod export;
mod server;
mod stream;
mod suppressions;
mod table;
mod watch;

pub use agents::{AgentsCommand, agents};
pub use campaigns::{CampaignCommand, NewCampaign, campaign, find_campaign};
pub use contacts::{ContactsQuery, contacts};
pub use direct::{Desk, campaign_without_server};
pub use server::{ClientError, Server, Shown};
pub(crate) use server::{exit_status_of, kind_of, rejects_of};
pub use suppressions::{SuppressCommand, suppress};
