//! The only caller of the system clock. It owns three things: telling the time ([`Clock`]), sleeping until an
//! instant, and measuring short real spans ([`Stopwatch`], [`Deadline`]).
//!
//! A server's clock follows the database's time, so that a node whose own clock is wrong does not call at night.
//! A clock may also run a [`Course`]: start at a given instant and run faster, for the demo, the scenes and the
//! simulator together. Leases, places and HTTP timeouts are measured in real time whatever the course.
#![expect(clippy::disallowed_methods, reason = "this is the one module that reads the system clock")]

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// The longest single sleep; a sleeper looks at the clock again afterwards, so that a corrected clock is noticed.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// Tells the time. Cheap to clone; all clones are one clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// A monotonic instant, and what the system's wall clock said at it. The wall clock is read only once: later
    /// jumps of it do not matter, because time goes on from here monotonically.
    epoch: Instant,
    epoch_wall: DateTime<Utc>,
    /// Microseconds by which the followed clock is ahead of ours.
    offset_micros: AtomicI64,
    is_set: AtomicBool,
    course: Option<Course>,
}

impl Clock {
    /// A clock that follows this machine's own time: for the simulator and the command line.
    pub fn of_this_machine(course: Option<Course>) -> Self {
        let clock = Self::to_be_set(course);
        clock.0.is_set.store(true, Ordering::Release);
        clock
    }

    /// A clock that has to be set by the database's time first; until then [`Clock::is_set`] is false.
    pub fn to_be_set(course: Option<Course>) -> Self {
        Self(Arc::new(Inner {
            epoch: Instant::now(),
            epoch_wall: Utc::now(),
            offset_micros: AtomicI64::new(0),
            is_set: AtomicBool::new(false),
            course,
        }))
    }

    /// Sets the clock by what the database said its time was in answer to a question asked when `asked` was
    /// started: half the round trip is taken to have passed since.
    pub fn set(&self, database_time: DateTime<Utc>, asked: Stopwatch) {
        let now = database_time + delta(asked.elapsed() / 2);
        let ahead = (now - self.machine_time()).num_microseconds().unwrap_or(0);
        self.0.offset_micros.store(ahead, Ordering::Release);
        self.0.is_set.store(true, Ordering::Release);
    }

    /// By how much the clock that is followed is ahead of this machine's.
    pub fn offset(&self) -> TimeDelta {
        TimeDelta::microseconds(self.0.offset_micros.load(Ordering::Acquire))
    }

    /// Whether the time is known. Nothing may be dialed before.
    pub fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::Acquire)
    }

    /// The present instant, on this clock's course.
    pub fn now(&self) -> DateTime<Utc> {
        let real = self.real_now();
        match &self.0.course {
            None => real,
            Some(course) => course.at(real),
        }
    }

    /// The present instant in the world outside, whatever the course: for what others compare with their own clocks.
    pub fn real_now(&self) -> DateTime<Utc> {
        self.machine_time() + self.offset()
    }

    /// How many times faster than real time this clock runs.
    pub fn speed(&self) -> u32 {
        self.0.course.as_ref().map_or(1, |course| course.speed)
    }

    /// The course this clock runs, if it is not simply the present.
    pub fn course(&self) -> Option<&Course> {
        self.0.course.as_ref()
    }

    /// How long a span of this clock lasts in real time.
    pub fn real(&self, span: Duration) -> Duration {
        span / self.speed()
    }

    /// Sleeps until `instant` has come on this clock.
    pub async fn sleep_until(&self, instant: DateTime<Utc>) {
        loop {
            let left = (instant - self.now()).to_std().unwrap_or(Duration::ZERO);
            if left.is_zero() {
                return;
            }
            // A millisecond is the timer's grain: without it the loop would spin at the end.
            tokio::time::sleep(self.real(left).clamp(Duration::from_millis(1), LONGEST_NAP)).await;
        }
    }

    fn machine_time(&self) -> DateTime<Utc> {
        self.0.epoch_wall + delta(self.0.epoch.elapsed())
    }
}

fn delta(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX)
}

/// A course of time: it stood at `starts_at` when the real time was `anchor`, and runs `speed` times as fast.
///
/// Written `2026-03-02T14:00:00Z@2026-11-21T02:00:00Z*60`. Several processes that are given the same text agree on
/// the time, and so does a process that is started again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// The course's time at the anchor.
    pub starts_at: DateTime<Utc>,
    /// The real instant from which the course runs.
    pub anchor: DateTime<Utc>,
    /// Seconds of the course in one real second, at least 1.
    pub speed: u32,
}

impl Course {
    /// A course that begins at this moment of this machine's clock.
    pub fn beginning_now(starts_at: DateTime<Utc>, speed: u32) -> Self {
        Self { starts_at, anchor: Utc::now(), speed: speed.max(1) }
    }

    fn at(&self, real: DateTime<Utc>) -> DateTime<Utc> {
        let speed = i32::try_from(self.speed).unwrap_or(i32::MAX);
        self.starts_at + (real - self.anchor) * speed
    }
}

impl std::fmt::Display for Course {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |instant: &DateTime<Utc>| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        write!(f, "{}@{}*{}", text(&self.starts_at), text(&self.anchor), self.speed)
    }
}

/// A text that is not a course.
#[derive(Debug, thiserror::Error)]
pub enum BadCourse {
    /// It has not the three parts.
    #[error("expected START@ANCHOR*SPEED, such as 2026-03-02T14:00:00Z@2026-11-21T02:00:00Z*60, got {0:?}")]
    Parts(String),
    /// One of its instants is none.
    #[error("{part} in START@ANCHOR*SPEED is {text:?}, expected an instant such as 2026-03-02T14:00:00Z")]
    Instant {
        /// Which of them.
        part: &'static str,
        /// What stands there.
        text: String,
    },
    /// It would stand still, run backwards, or so fast that nothing keeps up.
    #[error("SPEED in START@ANCHOR*SPEED is {0:?}, expected a whole number from 1 to {FASTEST}")]
    Speed(String),
}

/// No course is faster.
const FASTEST: u32 = 100_000;

impl FromStr for Course {
    type Err = BadCourse;

    fn from_str(text: &str) -> Result<Self, BadCourse> {
        let parts =
            text.split_once('@').and_then(|(starts_at, rest)| Some((starts_at, rest.split_once('*')?)));
        let (starts_at, (anchor, speed)) = parts.ok_or_else(|| BadCourse::Parts(text.to_owned()))?;
        let instant = |part, text: &str| match DateTime::parse_from_rfc3339(text) {
            Ok(instant) => Ok(instant.with_timezone(&Utc)),
            Err(_) => Err(BadCourse::Instant { part, text: text.to_owned() }),
        };
        let whole = speed.parse().ok().filter(|speed| (1..=FASTEST).contains(speed));
        Ok(Self {
            starts_at: instant("START", starts_at)?,
            anchor: instant("ANCHOR", anchor)?,
            speed: whole.ok_or_else(|| BadCourse::Speed(speed.to_owned()))?,
        })
    }
}

/// Measures a real span, by the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The real time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A real instant after which something must not happen any more, by the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline this long from now.
    pub fn within(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    /// Whether it is past.
    pub fn has_passed(&self) -> bool {
        Instant::now() >= self.0
    }

    /// This deadline, or the other one if that comes first.
    #[must_use]
    pub fn or_before(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// The real time left, zero if it is past.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_course_runs_from_its_anchor_at_its_speed() {
        let course: Course = "2026-03-02T14:00:00Z@2026-11-21T02:00:00Z*60".parse().unwrap();
        assert_eq!(course.at(instant("2026-11-21T02:00:00Z")), instant("2026-03-02T14:00:00Z"));
        assert_eq!(course.at(instant("2026-11-21T02:01:00Z")), instant("2026-03-02T15:00:00Z"));
        assert_eq!(course.to_string().parse::<Course>().unwrap(), course);
    }

    #[test]
    fn a_bad_course_is_refused_with_an_example() {
        for bad in ["", "now", "2026-03-02T14:00:00Z", "2026-03-02T14:00:00Z@2026-11-21T02:00:00Z*0"] {
            let error = bad.parse::<Course>().unwrap_err().to_string();
            assert!(error.contains("START@ANCHOR*SPEED"), "{error}");
        }
    }

    #[test]
    fn of_a_bad_course_the_part_is_named_that_is_wrong() {
        let (start, anchor) = ("2026-03-02T14:00:00Z", "2026-11-21T02:00:00Z");
        for (bad, sentence) in [
            (
                format!("{start}@{anchor}*0"),
                "SPEED in START@ANCHOR*SPEED is \"0\", expected a whole number from 1",
            ),
            (
                format!("{start}@{anchor}*-3"),
                "SPEED in START@ANCHOR*SPEED is \"-3\", expected a whole number",
            ),
            (
                format!("noon@{anchor}*1"),
                "START in START@ANCHOR*SPEED is \"noon\", expected an instant such as",
            ),
            (format!("{start}@2026-11-21*1"), "ANCHOR in START@ANCHOR*SPEED is \"2026-11-21\", expected"),
        ] {
            let error = bad.parse::<Course>().unwrap_err().to_string();
            assert!(error.starts_with(sentence), "{error}");
        }
    }

    #[test]
    fn a_set_clock_follows_the_database_and_not_this_machine() {
        let clock = Clock::to_be_set(None);
        assert!(!clock.is_set());
        clock.set(clock.now() + TimeDelta::hours(5), Stopwatch::start());
        assert!(clock.is_set());
        let ahead = clock.now() - Clock::of_this_machine(None).now();
        assert!((ahead - TimeDelta::hours(5)).abs() < TimeDelta::seconds(5), "{ahead}");
    }
}
