//! What becomes of the first due contact of a campaign, whose turn has come. The claim carries it out, and whoever asks
//! somebody else's server about him before foretells it: both ask here, so that nobody is asked about whom the claim would not
//! call, and nobody is called who was not asked about.
//!
//! What speaks against any call of the campaign, such as its limits, is the campaign's concern and none of this.

use chrono::{DateTime, TimeDelta, Utc};

use super::area::Area;
use super::caps::Allowance;
use super::contact::ContactState;
use super::contactable::{Decision, Person, Reason, Terms};
use super::zone::Unmapped;

/// How long a number is passed over that another campaign is calling just now. The call that is under way may yet be taken
/// back, so it is not held against the caps for longer than this.
pub const PASSED_OVER_FOR: TimeDelta = TimeDelta::seconds(60);

/// A pending contact who is first in his queue and due.
#[derive(Debug, Clone, Copy)]
pub struct FirstDue<'a> {
    /// Since when he is due.
    pub due_at: DateTime<Utc>,
    /// Where he may be.
    pub area: &'a Area,
    /// Whether his number must not be contacted now.
    pub is_suppressed: bool,
    /// Whether his number is being called just now, by another campaign.
    pub is_taken: bool,
    /// The earlier calls to his number that matter for the caps, as [`Terms::reach`] asks for them.
    pub calls: &'a [DateTime<Utc>],
}

/// What becomes of him.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// He is called.
    Call,
    /// He is final: his number must not be contacted.
    Suppress,
    /// He has failed: nothing tells his time zone, and the campaign does not call then.
    Block(Unmapped),
    /// He is due again then: his number is being called.
    PassOver {
        /// In a minute.
        until: DateTime<Utc>,
    },
    /// He is due again then: his number was called often enough.
    PutOff {
        /// When the caps allow it.
        until: DateTime<Utc>,
    },
    /// He is put into an area of his own first: where he is was only assumed.
    Refile,
    /// Nothing: it is not the time to call him any more.
    Stay,
}

impl FirstDue<'_> {
    /// What becomes of him on these terms.
    pub fn fate(&self, terms: &Terms<'_>, now: DateTime<Utc>) -> Fate {
        if self.area.is_assumed() {
            return Fate::Refile;
        }
        let person = Person {
            state: ContactState::Pending,
            due_at: Some(self.due_at),
            area: self.area,
            is_suppressed: self.is_suppressed,
            calls: self.calls,
        };
        match terms.decide(&person, now) {
            Decision::Now { .. } | Decision::NotUntil { .. } if self.is_taken => {
                Fate::PassOver { until: now + PASSED_OVER_FOR }
            }
            Decision::Now { .. } => Fate::Call,
            Decision::Never { because: Reason::Suppressed } => Fate::Suppress,
            Decision::Never { because: Reason::Unmapped(why) } => Fate::Block(why),
            Decision::Never { .. } => Fate::Stay,
            Decision::NotUntil { .. } => match terms.allowance(&person, now) {
                Allowance::NotUntil { at, .. } => Fate::PutOff { until: at },
                Allowance::Now => Fate::Stay,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rules::tests::eight_to_nine;
    use crate::domain::settings::tests::settings;
    use crate::domain::unmapped::OnUnmapped;

    /// Ten in New York, and five in Honolulu.
    fn now() -> DateTime<Utc> {
        "2026-03-02T15:00:00Z".parse().unwrap()
    }

    fn area(zone: Option<&str>, told_by: &str) -> Area {
        Area::parse(zone, told_by, "US-NY").unwrap()
    }

    fn new_york() -> Area {
        area(Some("America/New_York"), "column")
    }

    fn due_in(area: &Area) -> FirstDue<'_> {
        FirstDue { due_at: now(), area, is_suppressed: false, is_taken: false, calls: &[] }
    }

    /// By the hours from eight to nine, with one call a day, and nobody whose zone nothing tells.
    fn fate(first: FirstDue<'_>) -> Fate {
        let (mut settings, rules) = (settings(), eight_to_nine());
        settings.caps.per_day = Some(1);
        settings.unmapped = OnUnmapped::Block;
        first.fate(&Terms::of(&settings, &rules), now())
    }

    #[test]
    fn each_meets_one_fate_and_only_one_of_them_is_a_call() {
        let calls = [now() - TimeDelta::hours(1)];
        let here = new_york();
        let first = due_in(&here);
        assert_eq!(fate(first), Fate::Call);
        assert_eq!(fate(FirstDue { is_suppressed: true, ..first }), Fate::Suppress);
        let until = now() + TimeDelta::seconds(60);
        assert_eq!(fate(FirstDue { is_taken: true, ..first }), Fate::PassOver { until });
        let Fate::PutOff { until } = fate(FirstDue { calls: &calls, ..first }) else { panic!("not put off") };
        assert!(until >= now() + TimeDelta::hours(23), "{until}");
        assert_eq!(fate(due_in(&area(Some("Pacific/Honolulu"), "column"))), Fate::Stay);
        assert_eq!(fate(due_in(&area(None, "toll-free"))), Fate::Block(Unmapped::TollFree));
        assert_eq!(fate(due_in(&area(Some("America/New_York"), "campaign"))), Fate::Refile);
    }

    #[test]
    fn an_opt_out_says_more_than_a_call_under_way_and_that_more_than_the_caps() {
        let calls = [now() - TimeDelta::hours(1)];
        let here = new_york();
        let taken = FirstDue { is_taken: true, calls: &calls, ..due_in(&here) };
        assert_eq!(fate(taken), Fate::PassOver { until: now() + PASSED_OVER_FOR });
        assert_eq!(fate(FirstDue { is_suppressed: true, ..taken }), Fate::Suppress);
    }
}
