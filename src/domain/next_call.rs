//! When a contact is called next, in words, with the rule that makes it so: the answer to "why not now?". It decides
//! nothing, [`Terms::decide`] does; it says it for somebody who reads a contact's page.

use chrono::{DateTime, Utc};

use super::beginning::begins_at;
use super::campaign::State;
use super::contact::ContactState;
use super::contactable::{Decision, Person, Reason, Terms};
use super::daily_cap::{CallDay, full_until};
use super::outcome::Outcome;
use super::poison::MOST_FAILURES;
use super::rules;
use super::spend::{Spend, Standing};
use super::zone::{Candidates, Zone};

/// A contact and its campaign, as far as they matter for its next call.
#[derive(Debug, Clone, Copy)]
pub struct Prospect<'a> {
    /// The contact.
    pub person: Person<'a>,
    /// What its last attempt came to, or what it failed as without one.
    pub last_outcome: Option<Outcome>,
    /// How many attempts were made.
    pub attempts_made: u32,
    /// Why it was set aside, if it was.
    pub set_aside: Option<&'a str>,
    /// What the server that is asked before each call last said that kept it from being called, if it has not been since.
    pub before_call: Option<&'a str>,
    /// The instant of a callback that somebody asked for and that is still to come.
    pub callback_at: Option<DateTime<Utc>>,
    /// The campaign's state.
    pub campaign: State,
    /// Before this instant the campaign does not begin.
    pub starts_at: Option<DateTime<Utc>>,
    /// The day on which the campaign last called, and its calls on it.
    pub call_day: Option<CallDay>,
    /// What the campaign's calls have cost, as far as is known.
    pub spend: Spend,
}

/// A contact's next call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextCall {
    /// From when on it may come; none if it never will, or is under way. The list is long, so it may well be later.
    pub at: Option<DateTime<Utc>>,
    /// What keeps it from coming at once, by its stable name; none if nothing does.
    pub because: Option<&'static str>,
    /// The same in a sentence.
    pub message: String,
    /// The rule that keeps it from coming, and the clock on which it does if it is one of hours.
    pub rule: Option<(String, Option<String>)>,
}

/// When a contact is called next. A campaign that waits to be started or resumed is judged as if it went on now.
pub fn next_call(prospect: &Prospect<'_>, terms: &Terms<'_>, now: DateTime<Utc>) -> NextCall {
    let is_left = matches!(prospect.person.state, ContactState::Pending);
    if let (State::Failed | State::Canceled, true) = (prospect.campaign, is_left) {
        let message = format!("the campaign is {} and calls nobody any more", prospect.campaign);
        return NextCall { at: None, because: Some("campaign-over"), message, rule: None };
    }
    let from = begins_at(prospect.campaign, terms.settings(), prospect.starts_at, now);
    let proviso = match prospect.campaign {
        State::Draft => "once the campaign is started: ",
        State::Paused => "once the campaign is resumed: ",
        State::Pending | State::Running | State::Completed | State::Failed | State::Canceled => "",
    };
    let decision = decide(prospect, terms, from);
    let (at, because) = match decision {
        Decision::Now { .. } if from > now => (Some(from), Some("not-started")),
        Decision::Now { .. } => (Some(now), None),
        Decision::NotUntil { because: Reason::BeingCalled, .. } => (None, Some(Reason::BeingCalled.as_str())),
        Decision::NotUntil { at, because } => (Some(at), Some(because.as_str())),
        Decision::Never { because } => (None, Some(because.as_str())),
    };
    let clock = Clock { zone: &terms.settings().timezone, now };
    let begins = match terms.settings().schedule {
        Some(_) => "the next run begins",
        None => "the campaign begins",
    };
    let said = words(prospect, &decision, (begins, from), &clock);
    let message = if is_left { format!("{proviso}{said}") } else { said };
    NextCall { at, because, message, rule: rule(&decision) }
}

/// Whether somebody may be called, as [`Terms::decide`] says it, and as the campaign's caps allow it.
fn decide<'t>(prospect: &'t Prospect<'_>, terms: &'t Terms<'_>, from: DateTime<Utc>) -> Decision<'t> {
    let (decision, settings) = (terms.decide(&prospect.person, from), terms.settings());
    let is_under_way = matches!(decision, Decision::NotUntil { because: Reason::BeingCalled, .. });
    let may_be_called = !is_under_way && !matches!(decision, Decision::Never { .. });
    if may_be_called && prospect.spend.standing(settings.max_spend) != Standing::MayCall {
        return Decision::Never { because: Reason::SpendCap };
    }
    let most = settings.max_calls_per_day;
    let Some(tomorrow) = full_until(most, prospect.call_day, &settings.timezone, from) else {
        return decision;
    };
    match decision {
        Decision::NotUntil { because: Reason::BeingCalled, .. } | Decision::Never { .. } => decision,
        Decision::NotUntil { at, .. } if at >= tomorrow => decision,
        Decision::Now { .. } | Decision::NotUntil { .. } => {
            let at = match terms.decide(&prospect.person, tomorrow) {
                Decision::NotUntil { at, .. } => at,
                Decision::Now { .. } | Decision::Never { .. } => tomorrow,
            };
            Decision::NotUntil { at, because: Reason::DayIsFull }
        }
    }
}

fn words(
    prospect: &Prospect<'_>,
    decision: &Decision<'_>,
    (begins, from): (&str, DateTime<Utc>),
    clock: &Clock<'_>,
) -> String {
    let due_at = prospect.person.due_at.filter(|due_at| *due_at > from);
    let due = due_at.map(|due_at| match (prospect.before_call, prospect.callback_at) {
        (Some(said), _) => format!("due {}, {said}, ", clock.says(due_at)),
        (None, Some(at)) => format!("a callback was asked for {}, ", clock.says(at)),
        (None, None) => format!("due {}, ", clock.says(due_at)),
    });
    let due = due.unwrap_or_default();
    let zone = clock.zone.name();
    match decision {
        Decision::Now { .. } if from > clock.now => {
            format!("{begins} {} ({zone})", clock.says(from))
        }
        Decision::Now { until } => format!("may be called now, and until {} ({zone})", clock.says(*until)),
        Decision::NotUntil { because: Reason::NotDue, .. } => {
            format!("{} ({zone})", due.trim_end_matches(", "))
        }
        Decision::NotUntil { because: because @ Reason::BeingCalled, .. } => because.to_string(),
        Decision::NotUntil { at, because: because @ (Reason::Capped(_) | Reason::DayIsFull) } => {
            format!("not before {} ({zone}): {because}", clock.says(*at))
        }
        Decision::NotUntil { at, because } => {
            format!("{due}closed until {} ({zone}): {because}", clock.says(*at))
        }
        Decision::Never { because: Reason::Final(ContactState::Failed) } => failed(prospect),
        Decision::Never { because: because @ Reason::Closed(rules::Because::Closed { .. }) } => {
            format!("its hours are never open together within a year: {because}")
        }
        Decision::Never { because } => because.to_string(),
    }
}

/// Why a contact was given up.
fn failed(prospect: &Prospect<'_>) -> String {
    let failed = Reason::Final(ContactState::Failed);
    if let Some(because) = prospect.set_aside {
        return format!(
            "{failed}: it made its campaign fail {MOST_FAILURES} times in a row and was set aside: {because}"
        );
    }
    if let Some(said) = prospect.before_call {
        return format!("{failed}: {said}");
    }
    match (prospect.last_outcome, &prospect.person.area.zones) {
        // The claim told it off, and nothing was ever placed.
        (Some(Outcome::Blocked), Candidates::Unmapped(why)) if prospect.attempts_made == 0 => {
            format!("{failed}: {}", Reason::Unmapped(*why))
        }
        (Some(outcome), _) => format!("{failed}: its last attempt came to {outcome}"),
        (None, _) => failed.to_string(),
    }
}

fn rule(decision: &Decision<'_>) -> Option<(String, Option<String>)> {
    let (Decision::NotUntil { because, .. } | Decision::Never { because }) = decision else { return None };
    let (rule, zone) = because.rule()?;
    Some((rule.to_owned(), zone.map(|zone| zone.name().to_owned())))
}

/// The campaign's clock on the wall.
struct Clock<'a> {
    zone: &'a Zone,
    now: DateTime<Utc>,
}

impl Clock<'_> {
    /// The time of day, with its date unless it is today.
    fn says(&self, at: DateTime<Utc>) -> String {
        let (local, today) = (self.zone.local(at), self.zone.local(self.now).date());
        if local.date() == today {
            return local.format("%H:%M").to_string();
        }
        local.format("%a %-d %b %Y %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::area::Area;
    use crate::domain::caps::Caps;
    use crate::domain::money::Money;
    use crate::domain::phone::Phone;
    use crate::domain::recurrence::{Expression, Recurrence};
    use crate::domain::rules::Rules;
    use crate::domain::rules::tests::eight_to_nine;
    use crate::domain::settings::Settings;
    use crate::domain::settings::tests::settings;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn area(phone: &str) -> Area {
        Area::of(&Phone::from_e164(phone).unwrap(), None, None)
    }

    /// Somebody in New York, asked about at 10:00 there.
    fn ask(change: impl FnOnce(&mut Prospect<'_>)) -> NextCall {
        ask_about(&settings(), &eight_to_nine(), "+12125550101", &[], change)
    }

    fn ask_about(
        settings: &Settings,
        rules: &Rules,
        phone: &str,
        calls: &[DateTime<Utc>],
        change: impl FnOnce(&mut Prospect<'_>),
    ) -> NextCall {
        let (now, area) = (utc("2026-03-02T15:00:00Z"), area(phone));
        let person = Person {
            state: ContactState::Pending,
            due_at: Some(now),
            area: &area,
            is_suppressed: false,
            calls,
        };
        let mut prospect = Prospect {
            person,
            last_outcome: None,
            attempts_made: 0,
            set_aside: None,
            before_call: None,
            callback_at: None,
            campaign: State::Running,
            starts_at: None,
            call_day: None,
            spend: Spend::default(),
        };
        change(&mut prospect);
        next_call(&prospect, &Terms::of(settings, rules), now)
    }

    fn due(at: &str) -> impl FnOnce(&mut Prospect<'_>) {
        let at = utc(at);
        move |prospect| prospect.person.due_at = Some(at)
    }

    #[test]
    fn it_says_when_somebody_is_called_next_and_why_not_now() {
        let now = ask(|_| {});
        assert_eq!((now.at, now.because), (Some(utc("2026-03-02T15:00:00Z")), None));
        assert_eq!(now.message, "may be called now, and until 21:00 (America/New_York)");
        let later = ask(due("2026-03-02T23:30:00Z"));
        assert_eq!((later.at, later.because), (Some(utc("2026-03-02T23:30:00Z")), Some("not-due")));
        assert_eq!(later.message, "due 18:30 (America/New_York)");
        let tomorrow = ask(due("2026-03-03T03:30:00Z"));
        assert_eq!(tomorrow.at, Some(utc("2026-03-03T13:00:00Z")));
        assert_eq!(tomorrow.because, Some("called-party-hours"));
        assert_eq!(
            tomorrow.message,
            "due 22:30, closed until Tue 3 Mar 2026 08:00 (America/New_York): eight-to-nine in \
             America/New_York: it is outside the hours"
        );
        assert_eq!(tomorrow.rule, Some(("eight-to-nine".to_owned(), Some("America/New_York".to_owned()))));
        let at = utc("2026-03-02T23:30:00Z");
        let asked_for = ask(|prospect| {
            prospect.person.due_at = Some(at);
            prospect.callback_at = Some(at);
        });
        assert_eq!(asked_for.message, "a callback was asked for 18:30 (America/New_York)");
    }

    #[test]
    fn a_number_that_was_called_often_enough_is_left_alone_and_the_cap_is_named() {
        let settings = Settings { caps: Caps { per_day: Some(1), ..Caps::default() }, ..settings() };
        let calls = [utc("2026-03-01T22:00:00Z")];
        let next = ask_about(&settings, &eight_to_nine(), "+12125550101", &calls, |_| {});
        assert_eq!((next.at, next.because), (Some(utc("2026-03-02T22:00:00Z")), Some("capped")));
        assert_eq!(next.rule, Some(("caps".to_owned(), None)));
        assert_eq!(
            next.message,
            "not before 17:00 (America/New_York): the number was called often enough: caps: at most 1 call within \
             24 hours"
        );
    }

    #[test]
    fn on_a_day_that_has_had_its_calls_the_next_day_is_told() {
        let settings = Settings { max_calls_per_day: Some(2), ..settings() };
        let full = Some(CallDay { on: "2026-03-02".parse().unwrap(), calls: 2 });
        let ask = |due_at: &str| {
            let due = due(due_at);
            ask_about(&settings, &eight_to_nine(), "+12125550101", &[], |prospect| {
                prospect.call_day = full;
                due(prospect);
            })
        };
        let next = ask("2026-03-02T15:00:00Z");
        assert_eq!((next.at, next.because), (Some(utc("2026-03-03T13:00:00Z")), Some("daily-cap")));
        assert_eq!(
            next.message,
            "not before Tue 3 Mar 2026 08:00 (America/New_York): the campaign has made as many calls on this day as its \
             max_calls_per_day allows"
        );
        let later = ask("2026-03-03T15:00:00Z");
        assert_eq!((later.at, later.because), (Some(utc("2026-03-03T15:00:00Z")), Some("not-due")));
    }

    #[test]
    fn where_the_campaign_has_spent_what_it_may_nobody_has_a_next_call_but_who_is_being_called() {
        let money = |text: &str| Money::parse(text).unwrap();
        let settings = Settings { max_spend: Some(money("1")), ..settings() };
        let ask = |spent: &str, state| {
            ask_about(&settings, &eight_to_nine(), "+12125550101", &[], |prospect| {
                prospect.spend = Spend { spent: money(spent), ..Spend::default() };
                prospect.person.state = state;
            })
        };
        let next = ask("1", ContactState::Pending);
        assert_eq!((next.at, next.because), (None, Some("spend-cap")));
        assert_eq!(
            next.message,
            "the campaign's calls cost as much as its max_spend allows, or those without a price may"
        );
        assert_eq!(ask("0.99", ContactState::Pending).because, None);
        assert_eq!(ask("1", ContactState::Calling).because, Some("call-open"));
        assert_eq!(ask("1", ContactState::Completed).because, Some("final"));
    }

    #[test]
    fn whoever_is_not_called_any_more_has_no_next_call() {
        type Change = fn(&mut Prospect<'_>);
        let table: [(Change, &str, &str); 4] = [
            (|prospect| prospect.person.state = ContactState::Completed, "final", "the contact is completed"),
            (|prospect| prospect.person.state = ContactState::Calling, "call-open", "it is being called"),
            (
                |prospect| prospect.person.is_suppressed = true,
                "suppressed",
                "the number must not be contacted",
            ),
            (
                |prospect| prospect.campaign = State::Canceled,
                "campaign-over",
                "the campaign is canceled and calls nobody any more",
            ),
        ];
        for (change, because, message) in table {
            let next = ask(change);
            assert_eq!((next.at, next.because, next.message.as_str()), (None, Some(because), message));
        }
        let toll_free = ask_about(&settings(), &eight_to_nine(), "+18005550101", &[], |_| {});
        assert_eq!((toll_free.at, toll_free.because), (None, Some("unmapped")));
    }

    #[test]
    fn whoever_was_given_up_is_told_with_the_reason() {
        let ask = |phone: &str, outcome, attempts_made| {
            let change = |prospect: &mut Prospect<'_>| {
                prospect.person.state = ContactState::Failed;
                (prospect.last_outcome, prospect.attempts_made) = (Some(outcome), attempts_made);
            };
            let next = ask_about(&settings(), &eight_to_nine(), phone, &[], change);
            assert_eq!((next.at, next.because), (None, Some("final")));
            next.message
        };
        let unmapped = "the contact is failed: nothing tells the person's time zone (toll-free), and the campaign's \
                        setting unmapped is block";
        assert_eq!(ask("+18005550101", Outcome::Blocked, 0), unmapped);
        let refused = "the contact is failed: its last attempt came to blocked";
        assert_eq!(ask("+18005550101", Outcome::Blocked, 1), refused);
        assert_eq!(ask("+12125550101", Outcome::Blocked, 1), refused);
        let missed = "the contact is failed: its last attempt came to no-answer";
        assert_eq!(ask("+12125550101", Outcome::NoAnswer, 4), missed);
    }

    #[test]
    fn whoever_was_set_aside_is_told_with_the_error() {
        let next = ask(|prospect| {
            prospect.person.state = ContactState::Failed;
            prospect.set_aside = Some("impossible row: attempts is -1");
        });
        assert_eq!((next.at, next.because), (None, Some("final")));
        assert_eq!(
            next.message,
            "the contact is failed: it made its campaign fail 3 times in a row and was set aside: impossible row: \
             attempts is -1"
        );
    }

    #[test]
    fn a_campaign_that_does_not_run_yet_is_judged_as_if_it_did() {
        let draft = ask(|prospect| prospect.campaign = State::Draft);
        assert_eq!(draft.because, None);
        assert!(draft.message.starts_with("once the campaign is started: may be called now"), "{draft:?}");
        let tonight = ask(|prospect| {
            prospect.campaign = State::Pending;
            prospect.starts_at = Some(utc("2026-03-03T03:00:00Z"));
        });
        assert_eq!(tonight.at, Some(utc("2026-03-03T13:00:00Z")));
        let this_noon = ask(|prospect| {
            prospect.campaign = State::Pending;
            prospect.starts_at = Some(utc("2026-03-02T17:00:00Z"));
        });
        assert_eq!(
            (this_noon.at, this_noon.because),
            (Some(utc("2026-03-02T17:00:00Z")), Some("not-started"))
        );
        assert_eq!(this_noon.message, "the campaign begins 12:00 (America/New_York)");
    }

    #[test]
    fn a_campaign_with_a_schedule_calls_nobody_before_its_next_run() {
        let cron = Expression::parse("0 9 * * MON-FRI").unwrap();
        let settings = Settings { schedule: Some(Recurrence { cron }), ..settings() };
        let ask = |state| {
            let change = |prospect: &mut Prospect<'_>| prospect.campaign = state;
            ask_about(&settings, &eight_to_nine(), "+12125550101", &[], change)
        };
        let (draft, paused) = (ask(State::Draft), ask(State::Paused));
        for next in [&draft, &paused] {
            assert_eq!((next.at, next.because), (Some(utc("2026-03-03T14:00:00Z")), Some("not-started")));
        }
        let begins = "the next run begins Tue 3 Mar 2026 09:00 (America/New_York)";
        assert_eq!(draft.message, format!("once the campaign is started: {begins}"));
        assert_eq!(paused.message, format!("once the campaign is resumed: {begins}"));
    }
}
