//! A place among the account's calls per second: the moment from which one request may leave, and until shortly after.
//! Shortly, because requests that are held up together, as by a database that is away, must not leave together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Deadline, Stopwatch};
use crate::db::accounts::{Places, take_places};
use crate::db::{Database, Error};

/// So late for its place a request may always leave. With fewer than twenty calls per second it is as long as a place
/// lasts: then one more than those leave within any second at most.
const LATE: Duration = Duration::from_millis(50);

/// How much later than that a request may leave for whose sake a connection has to be made first. With a connection at hand,
/// as at many calls per second, it leaves at once.
const CONNECTED_WITHIN: Duration = Duration::from_millis(250);

/// How long a granted place is worth a look: it may be late afterwards, and then another is taken at the door.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// When places come is only known as well as how long the database took to say so.
const SURE_WITHIN: Duration = Duration::from_millis(250);

/// No place is granted earlier than this before it comes.
const LONGEST_LEAD: Duration = Duration::from_millis(500);

/// A permission to place one call, soon.
#[derive(Debug)]
pub(super) struct Place {
    granted: Stopwatch,
    comes: Deadline,
    on_time_until: Deadline,
    leaves_by: Deadline,
    good_until: Deadline,
}

impl Place {
    /// A place that comes after this span and lasts `spacing`.
    fn coming(after: Duration, spacing: Duration) -> Self {
        Self {
            granted: Stopwatch::start(),
            comes: Deadline::within(after),
            on_time_until: Deadline::within(after + spacing.max(LATE)),
            leaves_by: Deadline::within(after + spacing.max(LATE) + CONNECTED_WITHIN),
            good_until: Deadline::within(after + GOOD_FOR),
        }
    }

    /// Whether it is worth to look who could be called on it.
    pub(super) fn is_good(&self) -> bool {
        !self.good_until.has_passed()
    }

    /// Whether a request would be late for it.
    fn has_passed(&self) -> bool {
        self.on_time_until.has_passed()
    }

    /// The real time until it comes.
    pub(super) fn comes_in(&self) -> Duration {
        self.comes.left()
    }

    /// Begins to measure how long it takes from now until a request is ready for it.
    pub(super) fn grant(self) -> Self {
        Self { granted: Stopwatch::start(), ..self }
    }
}

/// How fast the account's calls may follow each other, and how long before its place a campaign has to know of it.
#[derive(Debug, Clone)]
pub struct Pace {
    spacing: Duration,
    lead_micros: Arc<AtomicU64>,
}

impl Pace {
    /// So many calls per second.
    pub fn of(cps: f64) -> Self {
        Self { spacing: Duration::from_secs_f64(1.0 / cps), lead_micros: Arc::default() }
    }

    /// How many places come within this span.
    pub(super) fn places_within(&self, span: Duration) -> usize {
        (span.as_secs_f64() / self.spacing.as_secs_f64()).floor() as usize
    }

    /// How long before it comes a place should be granted, so that a request is ready for it: as long as it took lately.
    pub(super) fn lead(&self) -> Duration {
        Duration::from_micros(self.lead_micros.load(Ordering::Relaxed)).min(LONGEST_LEAD)
    }

    fn learn(&self, took: Duration) {
        let before = self.lead_micros.load(Ordering::Relaxed);
        let took = u64::try_from(took.min(LONGEST_LEAD).as_micros()).unwrap_or(before);
        self.lead_micros.store((7 * before + took) / 8, Ordering::Relaxed);
    }

    /// Takes the account's next places.
    pub(super) async fn take(
        &self,
        database: &Database,
        account_sid: &str,
        count: u32,
    ) -> Result<Taken, Error> {
        let asked = Stopwatch::start();
        match take_places(database, account_sid, count, self.spacing).await? {
            Places::Closed { for_another } => Ok(Taken::Closed { for_another }),
            Places::Granted { .. } if asked.elapsed() > SURE_WITHIN => Ok(Taken::Unsure),
            Places::Granted { after, spacing, count } => {
                let places = (0..count).map(|number| Place::coming(after + spacing * number, spacing));
                Ok(Taken::Places(places.collect()))
            }
        }
    }

    /// Waits at the door, with a request that is ready, until its place has come, and says by when the request must have
    /// left. A place that has passed meanwhile is lost, and another is taken; one that comes only after the deadline is
    /// left where it was, for a later request. None if there was no place in time.
    pub(super) async fn wait(
        &self,
        place: &mut Option<Place>,
        (database, account_sid): (&Database, &str),
        deadline: Deadline,
    ) -> Result<Option<Deadline>, Error> {
        if let Some(place) = place {
            self.learn(place.granted.elapsed());
        }
        while !deadline.has_passed() {
            let Some(next) = place.take().filter(|place| !place.has_passed()) else {
                *place = match self.take(database, account_sid, 1).await? {
                    Taken::Places(mut places) => places.pop(),
                    Taken::Unsure => None,
                    Taken::Closed { .. } => return Ok(None),
                };
                continue;
            };
            if next.comes_in() >= deadline.left() {
                *place = Some(next);
                return Ok(None);
            }
            // A timer's grain is a millisecond, which a place that is free already need not wait for.
            if !next.comes_in().is_zero() {
                tokio::time::sleep(next.comes_in()).await;
            }
            if !next.has_passed() {
                return Ok(Some(next.leaves_by.or_before(deadline)));
            }
        }
        Ok(None)
    }
}

/// What came of asking for places.
#[derive(Debug)]
pub(super) enum Taken {
    /// They come one after the other.
    Places(Vec<Place>),
    /// When they come cannot be told: the database took too long to answer.
    Unsure,
    /// The account gives none for so long.
    Closed { for_another: Duration },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_granted_so_early_as_requests_took_lately_and_half_a_second_at_most() {
        let pace = Pace::of(10.0);
        assert_eq!(pace.lead(), Duration::ZERO);
        for _ in 0..100 {
            pace.learn(Duration::from_millis(80));
        }
        assert!((75..=80).contains(&pace.lead().as_millis()), "{:?}", pace.lead());
        for _ in 0..100 {
            pace.learn(Duration::from_secs(60));
        }
        assert!(pace.lead() <= LONGEST_LEAD && pace.lead() > LONGEST_LEAD * 9 / 10, "{:?}", pace.lead());
    }

    #[test]
    fn as_many_places_come_within_a_span_as_fit_into_it() {
        assert_eq!(Pace::of(100.0).places_within(Duration::from_millis(50)), 5);
        assert_eq!(Pace::of(1.0).places_within(Duration::from_millis(50)), 0);
    }

    #[test]
    fn a_place_is_late_when_the_next_one_has_come() {
        let second = Duration::from_secs(1);
        assert!(!Place::coming(Duration::ZERO, second).has_passed());
        let place = Place::coming(second, second);
        assert!(place.comes_in() > second / 2 && place.is_good());
    }
}
