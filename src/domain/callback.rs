//! A callback that a person asked for: whether it can be promised, and what it means for the contact. It wins over the
//! retry policy's backoff; windows and opt-outs apply to it as to every call.

use chrono::{DateTime, TimeDelta, Utc};

use super::beginning::FURTHEST;
use super::campaign::State;
use super::contact::ContactState;
use super::outcome::Outcome;

/// A wish to be called at once carries the instant at which it was spoken, by a clock that may be behind ours.
const LATE_BY: TimeDelta = TimeDelta::minutes(5);

/// When somebody wants to be called, and what whoever calls should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// When.
    pub at: DateTime<Utc>,
    /// What whoever calls should know.
    pub note: Option<String>,
}

/// How things stand when a callback is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The campaign's state.
    pub campaign: State,
    /// Whether the campaign has a schedule, and only its runs call anybody.
    pub has_schedule: bool,
    /// The contact's state.
    pub contact: ContactState,
    /// What the contact's last attempt came to.
    pub last_outcome: Option<Outcome>,
    /// Whether its number must not be contacted, whatever its state says.
    pub is_suppressed: bool,
    /// Whether nobody knows any more who it is.
    pub is_erased: bool,
    /// The callback that was last asked for, made or not.
    pub callback: Option<Callback>,
}

/// What a callback that can be promised means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It was asked for already.
    Unchanged,
    /// The contact is due then.
    DueThen {
        /// Whether its campaign was completed and runs again.
        reopens_campaign: bool,
    },
    /// The contact is being called just now, and is due then when that call is settled.
    AfterItsCall,
}

/// A callback that cannot be promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCallback {
    /// It lies in the past.
    #[error("at is {0}, expected an instant that is still to come")]
    Past(DateTime<Utc>),
    /// It lies too far ahead to be meant.
    #[error("at is {0}, expected an instant within a year")]
    TooFar(DateTime<Utc>),
    /// The campaign calls nobody any more.
    #[error("the campaign is {0} and calls nobody any more")]
    CampaignOver(State),
    /// The campaign calls nobody itself.
    #[error("the campaign has a schedule and calls nobody itself, expected a contact of one of its runs")]
    OnlyItsRunsCall,
    /// Nobody knows any more whom to call.
    #[error("the contact was erased: nobody knows any more whom to call")]
    Erased,
    /// The number must not be contacted.
    #[error("the number is suppressed; lift the suppression before promising a callback")]
    Suppressed,
    /// No call to this number can be placed.
    #[error("the provider refuses calls to this number: its last attempt came to {0}")]
    NumberRefused(Outcome),
}

/// What it means that this callback is asked for now.
///
/// Contacts that were reached or given up are called again, beyond the attempts that the retry policy allows: the
/// called person wants it. Nothing is promised to who must not or cannot be called.
pub fn ask(standing: &Standing, wanted: &Callback, now: DateTime<Utc>) -> Result<Effect, NoCallback> {
    let campaign = standing.campaign;
    if matches!(campaign, State::Failed | State::Canceled) {
        return Err(NoCallback::CampaignOver(campaign));
    }
    if standing.has_schedule {
        return Err(NoCallback::OnlyItsRunsCall);
    }
    if standing.is_erased {
        return Err(NoCallback::Erased);
    }
    if standing.is_suppressed || standing.contact == ContactState::Suppressed {
        return Err(NoCallback::Suppressed);
    }
    let refused = standing.last_outcome.filter(|outcome| outcome.is_permanent());
    if let (ContactState::Failed, Some(outcome)) = (standing.contact, refused) {
        return Err(NoCallback::NumberRefused(outcome));
    }
    if standing.callback.as_ref() == Some(wanted) {
        return Ok(Effect::Unchanged);
    }
    if wanted.at < now - LATE_BY {
        return Err(NoCallback::Past(wanted.at));
    }
    if wanted.at > now + FURTHEST {
        return Err(NoCallback::TooFar(wanted.at));
    }
    Ok(match standing.contact {
        ContactState::Calling => Effect::AfterItsCall,
        ContactState::Pending | ContactState::Completed | ContactState::Failed | ContactState::Suppressed => {
            Effect::DueThen { reopens_campaign: campaign == State::Completed }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-02T15:00:00Z".parse().unwrap()
    }

    fn wanted() -> Callback {
        Callback { at: now() + TimeDelta::hours(2), note: Some("after lunch".to_owned()) }
    }

    fn standing(campaign: State, contact: ContactState) -> Standing {
        Standing {
            campaign,
            has_schedule: false,
            contact,
            last_outcome: None,
            is_suppressed: false,
            is_erased: false,
            callback: None,
        }
    }

    #[test]
    fn everybody_who_may_be_called_can_ask_for_a_callback() {
        use ContactState::{Calling, Completed, Failed, Pending, Suppressed};
        let due = |reopens_campaign| Ok(Effect::DueThen { reopens_campaign });
        for campaign in [State::Draft, State::Pending, State::Running, State::Paused] {
            for contact in [Pending, Completed, Failed] {
                assert_eq!(
                    ask(&standing(campaign, contact), &wanted(), now()),
                    due(false),
                    "{campaign} {contact}"
                );
            }
            assert_eq!(ask(&standing(campaign, Calling), &wanted(), now()), Ok(Effect::AfterItsCall));
            assert_eq!(ask(&standing(campaign, Suppressed), &wanted(), now()), Err(NoCallback::Suppressed));
        }
        for contact in [Completed, Failed] {
            assert_eq!(ask(&standing(State::Completed, contact), &wanted(), now()), due(true));
        }
        for campaign in [State::Failed, State::Canceled] {
            for &contact in ContactState::ALL {
                let refused = Err(NoCallback::CampaignOver(campaign));
                assert_eq!(ask(&standing(campaign, contact), &wanted(), now()), refused);
            }
        }
    }

    #[test]
    fn nothing_is_promised_to_a_number_that_must_not_or_cannot_be_called() {
        let repeats = Standing { has_schedule: true, ..standing(State::Pending, ContactState::Pending) };
        assert_eq!(ask(&repeats, &wanted(), now()), Err(NoCallback::OnlyItsRunsCall));
        let listed = Standing { is_suppressed: true, ..standing(State::Running, ContactState::Pending) };
        assert_eq!(ask(&listed, &wanted(), now()), Err(NoCallback::Suppressed));
        let erased = Standing { is_erased: true, ..standing(State::Running, ContactState::Completed) };
        assert_eq!(ask(&erased, &wanted(), now()), Err(NoCallback::Erased));
        for &outcome in Outcome::ALL {
            let failed =
                Standing { last_outcome: Some(outcome), ..standing(State::Running, ContactState::Failed) };
            let refused = ask(&failed, &wanted(), now()) == Err(NoCallback::NumberRefused(outcome));
            assert_eq!(refused, outcome.is_permanent(), "{outcome}");
        }
    }

    #[test]
    fn the_same_wish_again_changes_nothing_even_when_it_has_come_true() {
        for contact in [ContactState::Pending, ContactState::Calling, ContactState::Completed] {
            let known = Standing { callback: Some(wanted()), ..standing(State::Running, contact) };
            assert_eq!(ask(&known, &wanted(), now() + TimeDelta::days(3)), Ok(Effect::Unchanged));
            let other = Callback { note: None, ..wanted() };
            assert_ne!(ask(&known, &other, now()), Ok(Effect::Unchanged));
        }
    }

    #[test]
    fn a_callback_lies_ahead_and_within_a_year() {
        let pending = standing(State::Running, ContactState::Pending);
        let at = |offset: TimeDelta| {
            let at = now() + offset;
            (at, ask(&pending, &Callback { at, note: None }, now()))
        };
        assert!(at(TimeDelta::minutes(-5)).1.is_ok());
        let (past, refused) = at(TimeDelta::minutes(-6));
        assert_eq!(refused, Err(NoCallback::Past(past)));
        assert!(at(TimeDelta::days(366)).1.is_ok());
        let (far, refused) = at(TimeDelta::days(367));
        assert_eq!(refused, Err(NoCallback::TooFar(far)));
    }
}
