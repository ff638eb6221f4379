//! Whether a campaign's settings may be changed as somebody wishes. What a call under way goes by stays as it is until the
//! call has ended, and what nobody would expect to change under a running campaign waits until it is paused.

use super::campaign::State;
use super::names;
use super::settings::Settings;

names! {
    /// What may be changed of a campaign, beside its name.
    pub enum Part: "setting" {
        /// Who speaks, and what is heard.
        Agent = "agent",
        /// Before when it does not begin.
        StartsAt = "starts_at",
        /// The number that is shown.
        From = "from",
        /// The zone of the business hours.
        Timezone = "timezone",
        /// The pause between calls.
        Pacing = "pacing",
        /// When it may call.
        BusinessHours = "business_hours",
        /// The packs of rules.
        Rules = "rules",
        /// What is done about people whose zone nothing tells.
        Unmapped = "unmapped",
        /// How often a number may be called.
        Caps = "caps",
        /// How many calls it makes in a day.
        MaxCallsPerDay = "max_calls_per_day",
        /// How much its calls may cost.
        MaxSpend = "max_spend",
        /// Who is tried again, and when.
        RetryPolicy = "retry_policy",
        /// How long it rings.
        RingSeconds = "ring_seconds",
        /// How long a call may last.
        MaxCallSeconds = "max_call_seconds",
        /// What is done about answering machines.
        AnsweringMachine = "answering_machine",
        /// What is done when a number is suppressed that is being called.
        Suppression = "suppression",
        /// The key by which a called person opts out.
        OptOutDigit = "opt_out_digit",
        /// Whose server is asked before each call.
        BeforeCall = "before_call",
        /// When runs are made of its list.
        Schedule = "schedule",
    }
}

/// When a part may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// At any time: the next decision goes by it.
    AtOnce,
    /// While the campaign is not at work.
    NotAtWork,
    /// While it is not at work and no call of it is open: the call goes by what it was placed with.
    NoCall,
}

impl Part {
    fn when(self) -> When {
        match self {
            Self::Pacing
            | Self::BusinessHours
            | Self::Caps
            | Self::MaxCallsPerDay
            | Self::MaxSpend
            | Self::RetryPolicy => When::AtOnce,
            Self::StartsAt
            | Self::From
            | Self::Timezone
            | Self::Rules
            | Self::Unmapped
            | Self::Suppression
            | Self::BeforeCall
            | Self::Schedule => When::NotAtWork,
            Self::Agent
            | Self::AnsweringMachine
            | Self::OptOutDigit
            | Self::RingSeconds
            | Self::MaxCallSeconds => When::NoCall,
        }
    }

    /// Whether attempts depend on it, so that a change of it makes a new version. A start time is over once anybody is
    /// called.
    pub fn is_versioned(self) -> bool {
        self != Self::StartsAt
    }
}

/// How a campaign stands that is to be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// Whether it is a run of another campaign.
    pub is_run: bool,
    /// Whether it has ever begun to call.
    pub has_begun: bool,
    /// Whether any call of it counts, or is under way.
    pub has_called: bool,
    /// Whether a call of it is not settled.
    pub has_open_call: bool,
}

/// An edit that cannot be made, or not now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotEdit {
    /// Nothing of it matters any more.
    #[error("cannot edit a {0} campaign, which is at its end")]
    AtItsEnd(State),
    /// It is at work.
    #[error(
        "cannot change {} of a {state} campaign, only {}; pause it first",
        list(parts),
        list(&at_once())
    )]
    AtWork {
        /// Its state.
        state: State,
        /// What cannot be changed meanwhile.
        parts: Vec<Part>,
    },
    /// A call goes by it.
    #[error("cannot change {} while a call of the campaign is not settled; try again when it has ended", list(.0))]
    CallOpen(Vec<Part>),
    /// It repeats nothing itself.
    #[error("a run has no schedule of its own, expected an edit of the campaign that it repeats")]
    RunsHaveNone,
    /// It would call nobody any more, with calls made already.
    #[error("schedule: the campaign has begun to call itself, expected a duplicate of it with a schedule")]
    HasBegun,
    /// Nobody asked what the calls so far have cost.
    #[error(
        "max_spend: calls were made without one, whose prices nobody has asked for; expected a duplicate of the campaign \
         with a max_spend"
    )]
    CallsWithoutPrice,
}

/// Which settings differ, without the agent and the start time, which are no settings.
pub fn changed(before: &Settings, after: &Settings) -> Vec<Part> {
    // Named one by one, so that a new setting is thought of. How the list was read stays as it was.
    let Settings {
        from,
        default_region: _,
        countries: _,
        timezone,
        pacing,
        business_hours,
        rules,
        unmapped,
        caps,
        max_calls_per_day,
        max_spend,
        retry_policy,
        ring_seconds,
        max_call_seconds,
        answering_machine,
        suppression,
        opt_out_digit,
        before_call,
        schedule,
    } = before;
    let differs = [
        (Part::From, *from != after.from),
        (Part::Timezone, *timezone != after.timezone),
        (Part::Pacing, *pacing != after.pacing),
        (Part::BusinessHours, *business_hours != after.business_hours),
        (Part::Rules, *rules != after.rules),
        (Part::Unmapped, *unmapped != after.unmapped),
        (Part::Caps, *caps != after.caps),
        (Part::MaxCallsPerDay, *max_calls_per_day != after.max_calls_per_day),
        (Part::MaxSpend, *max_spend != after.max_spend),
        (Part::RetryPolicy, *retry_policy != after.retry_policy),
        (Part::RingSeconds, *ring_seconds != after.ring_seconds),
        (Part::MaxCallSeconds, *max_call_seconds != after.max_call_seconds),
        (Part::AnsweringMachine, *answering_machine != after.answering_machine),
        (Part::Suppression, *suppression != after.suppression),
        (Part::OptOutDigit, *opt_out_digit != after.opt_out_digit),
        (Part::BeforeCall, *before_call != after.before_call),
        (Part::Schedule, *schedule != after.schedule),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
}

/// Whether these parts may be changed now.
///
/// A campaign with a schedule calls nobody itself, so while it waits for its next run all may be changed but that it has
/// one: the next run goes by it, and those that were made stay as they are.
pub fn may_edit(
    standing: &Standing,
    before: &Settings,
    after: &Settings,
    parts: &[Part],
) -> Result<(), CannotEdit> {
    let state = standing.state;
    let of = |when: &[When]| -> Vec<Part> {
        parts.iter().copied().filter(|part| when.contains(&part.when())).collect()
    };
    let too_early = match state {
        State::Failed | State::Canceled => return Err(CannotEdit::AtItsEnd(state)),
        State::Pending if before.schedule.is_some() && after.schedule.is_some() => Vec::new(),
        State::Pending | State::Running => of(&[When::NotAtWork, When::NoCall]),
        State::Draft | State::Paused | State::Completed => Vec::new(),
    };
    if !too_early.is_empty() {
        return Err(CannotEdit::AtWork { state, parts: too_early });
    }
    let heard = of(&[When::NoCall]);
    if standing.has_open_call && !heard.is_empty() {
        return Err(CannotEdit::CallOpen(heard));
    }
    if before.schedule.is_none() && after.schedule.is_some() {
        if standing.is_run {
            return Err(CannotEdit::RunsHaveNone);
        }
        if standing.has_begun {
            return Err(CannotEdit::HasBegun);
        }
    }
    if before.max_spend.is_none() && after.max_spend.is_some() && standing.has_called {
        return Err(CannotEdit::CallsWithoutPrice);
    }
    Ok(())
}

/// What may be changed of a campaign in this state, as far as that depends on nothing else.
pub fn parts_open_in(state: State, has_schedule: bool) -> Vec<Part> {
    match state {
        State::Failed | State::Canceled => Vec::new(),
        State::Pending if has_schedule => Part::ALL.to_vec(),
        State::Pending | State::Running => at_once(),
        State::Draft | State::Paused | State::Completed => Part::ALL.to_vec(),
    }
}

/// What may be changed at any time.
fn at_once() -> Vec<Part> {
    Part::ALL.iter().copied().filter(|part| part.when() == When::AtOnce).collect()
}

fn list(parts: &[Part]) -> String {
    let names: Vec<_> = parts.iter().map(|part| part.as_str()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Money;
    use crate::domain::pacing::Pacing;
    use crate::domain::recurrence::{Expression, Recurrence};
    use crate::domain::settings::tests::settings;

    fn standing(state: State) -> Standing {
        Standing { state, is_run: false, has_begun: true, has_called: false, has_open_call: false }
    }

    fn nightly() -> Option<Recurrence> {
        Some(Recurrence { cron: Expression::parse("0 9 * * *").unwrap() })
    }

    #[test]
    fn what_is_open_in_a_state_is_what_may_be_changed_in_it() {
        for state in State::ALL {
            for has_schedule in [false, true] {
                let mut before = settings();
                before.schedule = nightly().filter(|_| has_schedule);
                let open = parts_open_in(*state, has_schedule);
                for part in Part::ALL {
                    let may = may_edit(&standing(*state), &before, &before, &[*part]).is_ok();
                    assert_eq!(open.contains(part), may, "{state}, {has_schedule}: {part}");
                }
            }
        }
    }

    fn may(standing: Standing, parts: &[Part]) -> Result<(), CannotEdit> {
        may_edit(&standing, &settings(), &settings(), parts)
    }

    #[test]
    fn what_is_not_at_work_takes_everything_and_what_is_at_its_end_nothing() {
        for state in [State::Draft, State::Paused, State::Completed] {
            assert_eq!(may(standing(state), Part::ALL), Ok(()), "{state}");
        }
        for state in [State::Failed, State::Canceled] {
            assert_eq!(may(standing(state), &[Part::Pacing]), Err(CannotEdit::AtItsEnd(state)));
        }
    }

    #[test]
    fn a_campaign_at_work_takes_pacing_hours_retries_and_caps_and_says_what_has_to_wait() {
        for state in [State::Pending, State::Running] {
            for &part in Part::ALL {
                let taken = may(standing(state), &[part]) == Ok(());
                let expected = matches!(
                    part,
                    Part::Pacing
                        | Part::BusinessHours
                        | Part::Caps
                        | Part::MaxCallsPerDay
                        | Part::MaxSpend
                        | Part::RetryPolicy
                );
                assert_eq!(taken, expected, "{state} {part}");
            }
        }
        let refused = may(standing(State::Running), &[Part::Pacing, Part::From, Part::Agent]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "cannot change from, agent of a running campaign, only pacing, business_hours, caps, max_calls_per_day, \
             max_spend, retry_policy; pause it first"
        );
    }

    #[test]
    fn what_a_call_goes_by_stays_until_it_has_ended() {
        let calling = Standing { has_open_call: true, ..standing(State::Paused) };
        for &part in Part::ALL {
            let waits = matches!(
                part,
                Part::Agent
                    | Part::AnsweringMachine
                    | Part::OptOutDigit
                    | Part::RingSeconds
                    | Part::MaxCallSeconds
            );
            let expected = if waits { Err(CannotEdit::CallOpen(vec![part])) } else { Ok(()) };
            assert_eq!(may(calling, &[part]), expected, "{part}");
        }
    }

    #[test]
    fn a_schedule_comes_before_the_first_call_and_its_campaign_takes_all_but_its_end() {
        let (once, repeats) = (settings(), Settings { schedule: nightly(), ..settings() });
        let edit = |standing: Standing, before: &Settings, after: &Settings| {
            may_edit(&standing, before, after, &changed(before, after))
        };
        assert_eq!(edit(Standing { has_begun: false, ..standing(State::Draft) }, &once, &repeats), Ok(()));
        assert_eq!(edit(standing(State::Paused), &once, &repeats), Err(CannotEdit::HasBegun));
        let run = Standing { is_run: true, has_begun: false, ..standing(State::Paused) };
        assert_eq!(edit(run, &once, &repeats), Err(CannotEdit::RunsHaveNone));
        let other = Settings { from: "+12025550199".to_owned(), ..repeats.clone() };
        assert_eq!(edit(standing(State::Pending), &repeats, &other), Ok(()));
        let parts = vec![Part::Schedule];
        let refused = Err(CannotEdit::AtWork { state: State::Pending, parts });
        assert_eq!(edit(standing(State::Pending), &repeats, &once), refused);
        assert_eq!(edit(standing(State::Paused), &repeats, &once), Ok(()));
    }

    #[test]
    fn a_cap_on_spending_comes_before_the_first_call_and_may_be_changed_after() {
        let cap = |text| Settings { max_spend: Some(Money::parse(text).unwrap()), ..settings() };
        let called = Standing { has_called: true, ..standing(State::Running) };
        let edit = |standing: &Standing, before: &Settings, after: &Settings| {
            may_edit(standing, before, after, &changed(before, after))
        };
        assert_eq!(edit(&called, &settings(), &cap("5")), Err(CannotEdit::CallsWithoutPrice));
        assert_eq!(edit(&standing(State::Running), &settings(), &cap("5")), Ok(()));
        assert_eq!(edit(&called, &cap("5"), &cap("7")), Ok(()));
        assert_eq!(edit(&called, &cap("5"), &settings()), Ok(()));
    }

    #[test]
    fn only_what_differs_is_a_change() {
        assert_eq!(changed(&settings(), &settings()), []);
        let slower = Settings { pacing: Pacing { delay_seconds: 77 }, ..settings() };
        assert_eq!(changed(&settings(), &slower), [Part::Pacing]);
    }
}
