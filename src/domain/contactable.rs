//! Whether somebody may be called: now, not until an instant, or never, and because of what. The dialer asks at the
//! claim and once more before the request leaves, the API and the forecast ask to tell people; all of them ask here.

use std::fmt;
use std::slice::from_ref;

use chrono::{DateTime, TimeDelta, Utc};

use super::area::Area;
use super::caps::{Allowance, Limit, Reach, allowance, limits};
use super::contact::ContactState;
use super::dialer::DIAL_WITHIN;
use super::hours::Schedule;
use super::rules::{self, Condition, Permission, Rules, closing, is_open, permission};
use super::settings::Settings;
use super::unmapped::OnUnmapped;
use super::zone::{Candidates, Unmapped, Zone};

/// What the condition of the campaign's own hours is called.
pub const BUSINESS_HOURS: &str = "business_hours";

/// What the condition of the hours for those whose zone nothing tells is called.
const UNMAPPED: &str = "unmapped";

/// By how much the provider may ring longer than it was asked to: some call flows add five seconds (Twilio, `Timeout`
/// of the call resource).
const RINGS_LONGER_BY: TimeDelta = TimeDelta::seconds(5);

/// The terms on which a campaign calls: what it sets, and the rules it goes by.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    settings: &'a Settings,
    rules: &'a Rules,
    business_hours: Option<Schedule>,
    /// The window of those whose zone nothing tells.
    unmapped: Option<Schedule>,
}

/// A contact, as far as it matters for whether it may be called.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// How the contact stands.
    pub state: ContactState,
    /// The retry policy's instant, set exactly while it is pending.
    pub due_at: Option<DateTime<Utc>>,
    /// Where they may be.
    pub area: &'a Area,
    /// Whether their number must not be contacted now.
    pub is_suppressed: bool,
    /// The earlier calls to their number that matter for the caps, as [`Terms::reach`] asks for them.
    pub calls: &'a [DateTime<Utc>],
}

/// Whether somebody may be called.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decision<'a> {
    /// Now.
    Now {
        /// When their hours end, or when to look again.
        until: DateTime<Utc>,
    },
    /// Not before this instant, the first that is possible.
    NotUntil {
        /// The instant.
        at: DateTime<Utc>,
        /// What keeps it from being earlier.
        because: Reason<'a>,
    },
    /// Never, as things stand.
    Never {
        /// What speaks against it.
        because: Reason<'a>,
    },
}

/// The rules that hold in an area, each with the zone on whose clock: where they are the same, the hours are.
pub type Hours<'a> = Vec<(&'a str, &'a str)>;

/// What speaks against calling somebody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason<'a> {
    /// The contact is final.
    Final(ContactState),
    /// It is being called.
    BeingCalled,
    /// Their number must not be contacted.
    Suppressed,
    /// Nothing tells their time zone, and the campaign does not call in that case.
    Unmapped(Unmapped),
    /// The campaign does not begin before.
    NotStarted,
    /// They are due later.
    NotDue,
    /// Their number was called often enough.
    Capped(Limit<'a>),
    /// The campaign has made as many calls as it may on this day. Told of a contact; deciding is the campaign's.
    DayIsFull,
    /// The campaign may have spent as much as it may. Told of a contact; deciding is the campaign's.
    SpendCap,
    /// It is closed for them.
    Closed(rules::Because<'a>),
}

impl Reason<'_> {
    /// The stable name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Final(_) => "final",
            Self::BeingCalled => "call-open",
            Self::Suppressed => "suppressed",
            Self::Unmapped(_) => "unmapped",
            Self::NotStarted => "not-started",
            Self::NotDue => "not-due",
            Self::Capped(_) => "capped",
            Self::DayIsFull => "daily-cap",
            Self::SpendCap => "spend-cap",
            Self::Closed(rules::Because::Closed { rule: BUSINESS_HOURS, .. }) => "outside-hours",
            Self::Closed(rules::Because::Apart { .. }) => "no-common-hours",
            Self::Closed(_) => "called-party-hours",
        }
    }

    /// The rule that speaks against it, and the zone on whose clock it does if it is one of hours.
    pub fn rule(&self) -> Option<(&str, Option<&Zone>)> {
        match self {
            Self::Closed(rules::Because::Closed { rule, zone, .. }) => Some((rule, Some(zone))),
            Self::Closed(rules::Because::Apart { rule, zone, .. }) => Some((rule, Some(zone))),
            Self::Capped(limit) => Some((limit.rule, None)),
            Self::Closed(rules::Because::NothingKnown) => None,
            Self::Final(_) | Self::BeingCalled | Self::Suppressed | Self::Unmapped(_) => None,
            Self::NotStarted | Self::NotDue | Self::DayIsFull | Self::SpendCap => None,
        }
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Final(state) => write!(f, "the contact is {state}"),
            Self::BeingCalled => f.write_str("it is being called"),
            Self::Suppressed => f.write_str("the number must not be contacted"),
            Self::Unmapped(why) => write!(
                f,
                "nothing tells the person's time zone ({why}), and the campaign's setting unmapped is block"
            ),
            Self::NotStarted => f.write_str("the campaign does not begin before"),
            Self::NotDue => f.write_str("it is due later"),
            Self::Capped(limit) => write!(f, "the number was called often enough: {limit}"),
            Self::DayIsFull => {
                f.write_str("the campaign has made as many calls on this day as its max_calls_per_day allows")
            }
            Self::SpendCap => f.write_str(
                "the campaign's calls cost as much as its max_spend allows, or those without a price may",
            ),
            Self::Closed(because) => write!(f, "{because}"),
        }
    }
}

impl<'a> Terms<'a> {
    /// The terms of a campaign with these settings, which name these rules.
    pub fn of(settings: &'a Settings, rules: &'a Rules) -> Self {
        let unmapped = match &settings.unmapped {
            OnUnmapped::Block | OnUnmapped::CampaignZone => None,
            OnUnmapped::SafeWindow(window) => Some(window.schedule()),
        };
        Self { settings, rules, business_hours: settings.business_hours.schedule(), unmapped }
    }

    /// What the campaign sets.
    pub fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// Whether and when somebody may be called.
    pub fn decide<'t>(&'t self, person: &Person<'t>, now: DateTime<Utc>) -> Decision<'t> {
        match person.state {
            ContactState::Completed | ContactState::Failed | ContactState::Suppressed => {
                return Decision::Never { because: Reason::Final(person.state) };
            }
            ContactState::Calling => return Decision::NotUntil { at: now, because: Reason::BeingCalled },
            ContactState::Pending => {}
        }
        if person.is_suppressed {
            return Decision::Never { because: Reason::Suppressed };
        }
        let due = person.due_at.filter(|due_at| *due_at > now);
        // Nobody who is called meanwhile counts, so whichever comes last opens the way to the hours.
        let (at, because) = match (self.capped_until(person, now), due) {
            (Some((at, limit)), _) => (at, Reason::Capped(limit)),
            (None, Some(at)) => (at, Reason::NotDue),
            (None, None) => return self.opening(person.area, now),
        };
        match self.opening(person.area, at) {
            Decision::Now { .. } => Decision::NotUntil { at, because },
            later => later,
        }
    }

    /// Until when the caps keep somebody from being called who otherwise would be due then, and which of them does. A
    /// claim puts whoever is capped off to the very instant at which the caps allow it.
    pub fn capped_until<'t>(
        &'t self,
        person: &Person<'t>,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, Limit<'t>)> {
        match self.allowance(person, now) {
            Allowance::NotUntil { at, because } if person.due_at.is_none_or(|due_at| due_at <= at) => {
                Some((at, because))
            }
            Allowance::NotUntil { .. } | Allowance::Now => None,
        }
    }

    /// How much of a number's past has to be known for the caps.
    pub fn reach(&self) -> Reach {
        Reach::of(&self.settings.caps, self.rules.all())
    }

    /// Whether the caps let somebody be called now.
    pub fn allowance<'t>(&'t self, person: &Person<'t>, now: DateTime<Utc>) -> Allowance<'t> {
        allowance(&self.limits(person.area, now), person.calls, now)
    }

    /// Every cap that holds for the numbers of an area.
    pub fn limits<'t>(&'t self, area: &'t Area, now: DateTime<Utc>) -> Vec<Limit<'t>> {
        limits(&self.settings.caps, self.rules.that_apply(&area.places), now)
    }

    /// Whether everybody in an area may be called as far as the hours are concerned, now or from when on.
    pub fn opening<'t>(&'t self, area: &'t Area, now: DateTime<Utc>) -> Decision<'t> {
        let conditions = match self.conditions(area) {
            Ok(conditions) => conditions,
            Err(why) => return Decision::Never { because: Reason::Unmapped(why) },
        };
        match permission(&conditions, self.margin(), now) {
            Permission::Open { until } => Decision::Now { until },
            Permission::ClosedUntil { at, because } => {
                Decision::NotUntil { at, because: Reason::Closed(because) }
            }
            Permission::Never { because } => Decision::Never { because: Reason::Closed(because) },
        }
    }

    /// Whether everybody in an area may be called now as far as the hours are concerned; an error if never, because
    /// nothing tells their zone.
    pub fn is_open(&self, area: &Area, now: DateTime<Utc>) -> Result<bool, Unmapped> {
        Ok(is_open(&self.conditions(area)?, self.margin(), now))
    }

    /// Until when a call into an area that was placed in time may ring, or when to look again; none if the hours are
    /// over. Where nothing tells the zone nothing ends: no such call is placed, unless the setting was another one then.
    pub fn rings_until(&self, area: &Area, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.conditions(area) {
            Ok(conditions) => closing(&conditions, now),
            Err(_) => Some(DateTime::<Utc>::MAX_UTC),
        }
    }

    /// The hours of an area; none where nothing tells the zone and the campaign does not call then.
    pub fn hours<'t>(&'t self, area: &'t Area) -> Option<Hours<'t>> {
        let conditions = self.conditions(area).ok()?;
        Some(conditions.iter().map(|condition| (condition.rule, condition.zone.name())).collect())
    }

    /// So long before the end of the hours the last call begins: until the request has left, and while it may ring.
    fn margin(&self) -> TimeDelta {
        DIAL_WITHIN + self.settings.ring_time() + RINGS_LONGER_BY
    }

    /// Everything that has to be open for a call into an area; an error if nothing tells its zone and the campaign
    /// does not call in that case.
    pub fn conditions<'t>(&'t self, area: &'t Area) -> Result<Vec<Condition<'t>>, Unmapped> {
        let settings = self.settings;
        let (zones, window) = match &area.zones {
            Candidates::In { zones, .. } => (zones.zones(), None),
            Candidates::Unmapped(why) => match &settings.unmapped {
                OnUnmapped::Block => return Err(*why),
                OnUnmapped::CampaignZone => (from_ref(&settings.timezone), None),
                OnUnmapped::SafeWindow(window) => (from_ref(&window.timezone), self.unmapped.as_ref()),
            },
        };
        let mut conditions = self.rules.conditions(&area.places, zones);
        let window = window.into_iter().flat_map(|schedule| zones.iter().map(move |zone| (schedule, zone)));
        conditions.extend(window.map(|(schedule, zone)| Condition { rule: UNMAPPED, schedule, zone }));
        let zone = &settings.timezone;
        let own = self.business_hours.iter();
        conditions.extend(own.map(|schedule| Condition { rule: BUSINESS_HOURS, schedule, zone }));
        Ok(conditions)
    }
}

#[cfg(test)]
mod tests;
