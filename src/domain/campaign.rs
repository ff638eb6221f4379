//! A campaign's life: its states and their legal moves.

use super::names;

names! {
    /// Where a campaign stands.
    pub enum State: "campaign state" {
        /// Created, not yet started by anybody.
        Draft = "draft",
        /// Started, and waiting for its start time.
        Pending = "pending",
        /// Calling.
        Running = "running",
        /// Stopped for now, by a person or because of the provider account.
        Paused = "paused",
        /// Everybody is final.
        Completed = "completed",
        /// It cannot go on, and no resume would help.
        Failed = "failed",
        /// Given up by a person.
        Canceled = "canceled",
    }
}

names! {
    /// What may happen to a campaign.
    pub enum Move: "move" {
        /// A person starts it.
        Start = "start",
        /// Its start time has come.
        Begin = "begin",
        /// A person, or an account's fault, stops it for now.
        Pause = "pause",
        /// A person lets it go on.
        Resume = "resume",
        /// A person gives it up.
        Cancel = "cancel",
        /// Everybody is final and nothing is open.
        Finish = "finish",
        /// Contacts were added to a completed campaign.
        Reopen = "reopen",
        /// It cannot go on.
        Fail = "fail",
    }
}

/// A move that the campaign's state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot {attempted} a {from} campaign, only {}{}", list(attempted.allowed_from()), self.instead())]
pub struct IllegalMove {
    /// The state that the campaign is in.
    pub from: State,
    /// The move that was wanted.
    pub attempted: Move,
}

impl IllegalMove {
    /// What whoever wanted it may mean, as the end of a sentence.
    fn instead(self) -> &'static str {
        match (self.attempted, self.from) {
            (Move::Start, State::Paused) => "; resume it",
            (Move::Resume, State::Draft) => "; start it",
            (Move::Start | Move::Resume, State::Pending | State::Running) => "; it is started already",
            (Move::Start | Move::Resume, State::Completed | State::Failed | State::Canceled) => {
                "; duplicate it to call its contacts again"
            }
            _ => "",
        }
    }
}

/// A campaign that takes no more contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot add contacts to a {0} campaign, which is at its end")]
pub struct TakesNoContacts(pub State);

/// A campaign that calls nobody again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot call anybody again in a {0} campaign, which is at its end; duplicate it with those contacts")]
pub struct AtItsEnd(pub State);

impl Move {
    /// The states from which this move is legal.
    pub fn allowed_from(self) -> &'static [State] {
        match self {
            Self::Start => &[State::Draft],
            Self::Begin => &[State::Pending],
            Self::Pause => &[State::Pending, State::Running],
            Self::Resume => &[State::Paused],
            Self::Cancel => &[State::Pending, State::Running, State::Paused],
            Self::Finish => &[State::Running],
            Self::Reopen => &[State::Completed],
            Self::Fail => &[State::Running],
        }
    }

    /// The state after this move. A resumed campaign waits as pending for a start time that is yet to come, or for
    /// the actor that begins it at once.
    pub fn leads_to(self) -> State {
        match self {
            Self::Start | Self::Resume => State::Pending,
            Self::Begin | Self::Reopen => State::Running,
            Self::Pause => State::Paused,
            Self::Cancel => State::Canceled,
            Self::Finish => State::Completed,
            Self::Fail => State::Failed,
        }
    }
}

impl State {
    /// The state after a move, if it is legal from here.
    pub fn after(self, attempted: Move) -> Result<State, IllegalMove> {
        if attempted.allowed_from().contains(&self) {
            Ok(attempted.leads_to())
        } else {
            Err(IllegalMove { from: self, attempted })
        }
    }

    /// The state after contacts were added: a completed campaign is not complete any more.
    pub fn with_more_contacts(self) -> Result<State, TakesNoContacts> {
        match self {
            Self::Draft | Self::Pending | Self::Running | Self::Paused => Ok(self),
            Self::Completed => Ok(Move::Reopen.leads_to()),
            Self::Failed | Self::Canceled => Err(TakesNoContacts(self)),
        }
    }

    /// The state after contacts that were given up are to be called again.
    pub fn calling_again(self) -> Result<State, AtItsEnd> {
        self.with_more_contacts().map_err(|TakesNoContacts(state)| AtItsEnd(state))
    }
}

fn list(states: &[State]) -> String {
    let names: Vec<_> = states.iter().map(|state| state.as_str()).collect();
    if states == [State::Draft] {
        "a draft".to_owned()
    } else {
        format!("one that is {}", names.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table of DESIGN's sentence on a campaign's legal moves: what is not listed is illegal.
    #[test]
    fn a_campaign_makes_these_moves_and_no_others() {
        let legal = [
            (State::Draft, Move::Start, State::Pending),
            (State::Pending, Move::Begin, State::Running),
            (State::Pending, Move::Pause, State::Paused),
            (State::Running, Move::Pause, State::Paused),
            (State::Paused, Move::Resume, State::Pending),
            (State::Pending, Move::Cancel, State::Canceled),
            (State::Running, Move::Cancel, State::Canceled),
            (State::Paused, Move::Cancel, State::Canceled),
            (State::Running, Move::Finish, State::Completed),
            (State::Completed, Move::Reopen, State::Running),
            (State::Running, Move::Fail, State::Failed),
        ];
        for &from in State::ALL {
            for &attempted in Move::ALL {
                let expected = legal.iter().find(|(state, mv, _)| (*state, *mv) == (from, attempted));
                match (from.after(attempted), expected) {
                    (Ok(to), Some(&(_, _, expected))) => assert_eq!(to, expected),
                    (Err(_), None) => {}
                    (got, _) => panic!("{from} + {attempted}: {got:?}"),
                }
            }
        }
    }

    #[test]
    fn contacts_may_be_added_until_a_campaign_failed_or_was_canceled() {
        for &state in State::ALL {
            let after = state.with_more_contacts();
            match state {
                State::Failed | State::Canceled => assert_eq!(after, Err(TakesNoContacts(state))),
                State::Completed => assert_eq!(after, state.after(Move::Reopen).map_err(|_| unreachable!())),
                _ => assert_eq!(after, Ok(state)),
            }
        }
    }

    #[test]
    fn an_illegal_move_says_from_where_it_would_be_legal() {
        let refused = State::Completed.after(Move::Pause).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "cannot pause a completed campaign, only one that is pending or running"
        );
        let refused = |from: State, attempted| from.after(attempted).unwrap_err().to_string();
        assert_eq!(
            refused(State::Paused, Move::Start),
            "cannot start a paused campaign, only a draft; resume it"
        );
        assert_eq!(
            refused(State::Draft, Move::Resume),
            "cannot resume a draft campaign, only one that is paused; start it"
        );
        assert_eq!(
            refused(State::Failed, Move::Start),
            "cannot start a failed campaign, only a draft; duplicate it to call its contacts again"
        );
    }
}
