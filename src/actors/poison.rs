//! What is done about a step that failed because of one contact: it is tried again, and at its third failure the contact is
//! set aside. When that is so is decided in `domain::poison`.

use tracing::{error, warn};
use uuid::Uuid;

use crate::db::attempts::{SetAside, find_contact_of, set_aside};
use crate::db::{Error, Ownership};

use super::switchboard::Switchboard;
use super::turn::Memory;

/// Whether a contact was set aside because of this error, so that there is nothing to wait for. `about` is the attempt that
/// the step was about, if it was about one.
pub(super) async fn is_set_aside(
    board: &Switchboard,
    owner: Ownership,
    cause: &Error,
    about: Option<Uuid>,
    memory: &mut Memory,
) -> bool {
    match judge(board, owner, cause, about, memory).await {
        Ok(is_set_aside) => is_set_aside,
        Err(error) => {
            // The step is tried again, and so is this.
            warn!(error = &error as &dyn std::error::Error, "a contact that fails could not be set aside");
            false
        }
    }
}

async fn judge(
    board: &Switchboard,
    owner: Ownership,
    cause: &Error,
    about: Option<Uuid>,
    memory: &mut Memory,
) -> Result<bool, Error> {
    if !cause.is_of_a_row() {
        return Ok(false);
    }
    let contact = match (cause.contact(), about) {
        (Some(contact), _) => Some(contact),
        (None, Some(attempt)) => find_contact_of(&board.database, attempt).await?,
        (None, None) => None,
    };
    let Some(contact) = contact else { return Ok(false) };
    if !memory.failures.note(contact) {
        return Ok(false);
    }
    let (because, now) = (cause.to_string(), board.clock.now());
    let outcome = match set_aside(&board.database, owner, contact, memory.unsent, &because, now).await? {
        SetAside::NotYet { .. } | SetAside::NotOurs => return Ok(false),
        SetAside::Done { outcome } => outcome,
        SetAside::AndPaused { outcome } => {
            error!("contacts in a row made it fail and were set aside, paused");
            outcome
        }
    };
    if let Some(outcome) = outcome {
        board.meters.settled(outcome);
    }
    memory.failures.forget(contact);
    memory.unsent = None;
    error!(contact.id = %contact, because, "it made its campaign fail again and again, set aside");
    Ok(true)
}
