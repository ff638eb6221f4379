//! `outdial campaign`, `contacts`, `suppress` and `agents`: somebody at a terminal, or a script, who works through the API: that
//! of a running server, or that of [`crate::desk`] in the same process, straight on the database. What is shown is the API's
//! JSON (`--json`), or a table of the same.

mod agents;
mod campaigns;
mod contacts;
mod export;
mod server;
mod stream;
mod suppressions;
mod table;
mod watch;

pub use agents::{AgentsCommand, agents};
pub use campaigns::{CampaignCommand, NewCampaign, campaign, find_campaign};
pub use contacts::{ContactsQuery, contacts};
pub use server::{ClientError, Server, Shown};
pub(crate) use server::{exit_status_of, kind_of, rejects_of};
pub use suppressions::{SuppressCommand, suppress};
