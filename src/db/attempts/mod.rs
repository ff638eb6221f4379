//! Attempts: the intent written before anything leaves, the facts that arrive about it, and the decision that
//! settles it.

mod candidate;
mod claim;
mod facts;
mod last;
mod list;
mod next;
mod price;
mod set_aside;
mod settle;

pub use claim::{
    Claim, ClaimedAttempt, Permission, Whose, attempt_id, claim_next, look_once_more, reset_cursors,
};
pub use facts::{Heard, Recorded, adopt, list_owned_sids, note_asked, note_end_asked, record};
pub use last::{LastCall, Length, list_last_calls_of, list_last_lengths};
pub(super) use list::list_newest_of;
pub use list::{Attempt, AttemptFilter, Trace, count_open, find_earlier, find_trace, list_attempts};
pub use next::{NextContact, find_next, postpone, veto};
pub(super) use price::free;
pub use price::{Price, ToldPrice, ask_price_again, record_price, record_told_prices};
pub use set_aside::{SetAside, find_contact_of, set_aside};
pub use settle::{Settlement, reopen, settle, settle_and_halt};
