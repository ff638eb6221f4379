//! What may be done with a campaign now: exactly what the API would do, for whoever looks.

use crate::domain::access::{Permission, Role};
use crate::domain::campaign::{Move, State};
use crate::http::show::Counts;

use super::people;

/// A button.
pub(super) struct Button {
    /// What it is known by on the page.
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) is_main: bool,
    pub(super) doing: Doing,
}

/// What a button does.
pub(super) enum Doing {
    /// It asks the API for this command.
    Command { question: Option<String> },
    /// It opens a dialog.
    Open,
    /// It deletes the campaign.
    Delete { question: String },
}

/// What may be done with a campaign in this state by somebody with this role.
pub(super) fn commands(role: Role, state: State, name: &str, counts: &Counts) -> Vec<Button> {
    let may = |permission: Permission| role.may(permission);
    let can = |wanted: Move, permission| may(permission) && state.after(wanted).is_ok();
    let button = |name, label, doing| Button { name, label, is_main: false, doing };
    let main = |name, label, doing| Button { name, label, is_main: true, doing };
    let at_once = || Doing::Command { question: None };
    let cancel = || {
        let left = people(counts.pending);
        let question = format!("Cancel “{name}” for good? {left} will not be called any more.");
        Doing::Command { question: Some(question) }
    };
    let delete = || {
        let question = format!(
            "Delete “{name}” with {} and all that is known of their calls? It cannot be brought back.",
            people(counts.contacts)
        );
        Doing::Delete { question }
    };
    let again = may(Permission::CampaignsStart) && counts.failed > 0 && state.calling_again().is_ok();
    let is_at_work = matches!(state, State::Pending | State::Running);
    [
        can(Move::Start, Permission::CampaignsStart).then(|| main("start", "Start…", Doing::Open)),
        can(Move::Resume, Permission::CampaignsStart).then(|| main("resume", "Resume", at_once())),
        can(Move::Resume, Permission::CampaignsStart)
            .then(|| button("resume-some", "Resume for some…", Doing::Open)),
        can(Move::Pause, Permission::CampaignsPause).then(|| button("pause", "Pause", at_once())),
        again.then(|| button("again", "Call again…", Doing::Open)),
        may(Permission::CampaignsDuplicate).then(|| button("duplicate", "Duplicate…", Doing::Open)),
        can(Move::Cancel, Permission::CampaignsCancel).then(|| button("cancel", "Cancel", cancel())),
        (may(Permission::CampaignsDelete) && !is_at_work).then(|| button("delete", "Delete", delete())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_are_those_that_the_state_and_the_role_allow() {
        let labels = |role, state, failed| -> Vec<&str> {
            let counts = Counts { failed, ..Counts::default() };
            commands(role, state, "Spring", &counts).iter().map(|button| button.name).collect()
        };
        assert_eq!(labels(Role::Operator, State::Draft, 0), ["start", "duplicate"]);
        assert_eq!(labels(Role::Admin, State::Draft, 0), ["start", "duplicate", "delete"]);
        assert_eq!(labels(Role::Operator, State::Running, 3), ["pause", "again", "duplicate", "cancel"]);
        assert_eq!(
            labels(Role::Admin, State::Paused, 0),
            ["resume", "resume-some", "duplicate", "cancel", "delete"]
        );
        assert_eq!(labels(Role::Operator, State::Completed, 3), ["again", "duplicate"]);
        for over in [State::Failed, State::Canceled] {
            assert_eq!(labels(Role::Admin, over, 3), ["duplicate", "delete"]);
        }
        for state in State::ALL {
            assert!(labels(Role::Viewer, *state, 3).is_empty());
        }
    }
}
