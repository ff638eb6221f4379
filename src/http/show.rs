//! What the API shows of things. Every member of an answer is always there, null where there is nothing to say; the few
//! that may be missing say so.

mod attempt;
mod campaign;
mod contact;
mod list;
mod suppression;

use crate::domain::zone::Candidates;

pub(crate) use attempt::Attempt;
pub(crate) use campaign::{Campaign, CampaignDetail, Counts, SkippedFiring, Waiting};
pub(crate) use contact::{Area, Contact};
pub(crate) use list::{Import, ListReport, ReasonForRows, RowRemark, RowSaid, Warning as ListWarning};
pub(crate) use suppression::{AddedNumbers, Suppression};

pub use list::account;

/// The zones by their names; none if nothing tells them.
pub(super) fn zones(candidates: &Candidates) -> Option<Vec<String>> {
    let zones = candidates.zones()?;
    Some(zones.zones().iter().map(|zone| zone.name().to_owned()).collect())
}
