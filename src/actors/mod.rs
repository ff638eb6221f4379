//! Actors: thin shells around the decisions of `domain`. A message is a hint and never the record: whatever is lost
//! here is found again in the database.
//!
//! * [`CampaignActor`]: one per running campaign. It looks, asks `next_step`, carries the step out, and looks again.
//! * [`SupervisorActor`]: which campaigns this node runs; the lease, the tick and the watchdog.
//! * [`InboxActor`]: makes webhooks durable, many in one commit.
//! * [`DispenserActor`]: places among the account's calls per second, to whoever has waited longest.

mod ask_price;
mod campaign;
mod carry_out;
mod consult;
mod dial;
mod dispenser;
mod inbox;
mod lease;
mod neighbors;
mod place;
mod poison;
mod prices;
mod recur;
pub mod speech;
mod statistics;
mod supervisor;
mod switchboard;
mod taken_back;
mod turn;

pub use campaign::{CampaignActor, Wake};
pub use dispenser::DispenserActor;
pub use inbox::{Deliver, Delivery, InboxActor, NotDelivered};
pub use lease::Lease;
pub use place::Pace;
pub(crate) use statistics::know_of_many;
pub use supervisor::{
    AskPrices, FindActor, LastTick, LastWatchdog, QUIET, Report, Retire, SupervisorActor, SupervisorReport,
    Sweep, TICK, Tick, WakeCampaign, Watch,
};
pub use switchboard::{Leaving, Onlooker, Placing, Switchboard};
pub use taken_back::TakenBack;
