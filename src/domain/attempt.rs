//! One try to reach one contact, and what becomes known of it.
//!
//! Reports of a call arrive twice, late, out of order, or never, from three sources. [`Facts`] is their fold: a
//! maximum in one total order for the status, and a minimum or maximum for each value beside it. A fold of that
//! kind gives the same result for every order and multiplicity, which is why nobody has to ask what came first.
//! The database merges by the same order (`db::attempts::record`); a test holds both equal.

use chrono::{DateTime, Utc};

use super::names;
use super::outcome::Outcome;

names! {
    /// What the provider says of an attempt.
    pub enum Status: "call status" {
        /// Accepted by the provider, waiting for its turn.
        Queued = "queued",
        /// On its way to the network.
        Initiated = "initiated",
        /// The far end rings.
        Ringing = "ringing",
        /// Somebody or something took the call.
        InProgress = "in-progress",
        /// The call was taken and is over.
        Completed = "completed",
        /// The line was busy.
        Busy = "busy",
        /// The call could not be completed as dialed.
        Failed = "failed",
        /// Nobody took it in time.
        NoAnswer = "no-answer",
        /// Ended by us before it was taken.
        Canceled = "canceled",
    }
}

impl Status {
    /// Whether the call is over.
    pub fn is_end(self) -> bool {
        self.rank() == END
    }

    /// How far a call in this status has come. All ends are equally far.
    fn rank(self) -> i64 {
        match self {
            Self::Queued => 1,
            Self::Initiated => 2,
            Self::Ringing => 3,
            Self::InProgress => 4,
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => END,
        }
    }
}

const END: i64 = 5;

names! {
    /// Where a report comes from, the more trustworthy the later.
    pub enum Source: "source" {
        /// The answer to our own request to place the call.
        Answer = "answer",
        /// The answer to a question of ours how the call stands.
        Fetch = "fetch",
        /// The provider's own word.
        Callback = "callback",
    }
}

names! {
    /// Who took the call, by the provider's answering-machine detection, in the fold's order.
    pub enum AnsweredBy: "answered by" {
        /// The detection came to no verdict.
        Unknown = "unknown",
        /// A person.
        Human = "human",
        /// A machine, recognised at its first words.
        MachineStart = "machine_start",
        /// A machine whose greeting ended in some other way.
        MachineEndOther = "machine_end_other",
        /// A machine whose greeting ended in silence.
        MachineEndSilence = "machine_end_silence",
        /// A machine whose greeting ended in a beep.
        MachineEndBeep = "machine_end_beep",
        /// A fax.
        Fax = "fax",
    }
}

impl AnsweredBy {
    /// Whether no person took the call.
    pub fn is_machine(self) -> bool {
        match self {
            Self::Unknown | Self::Human => false,
            Self::MachineStart
            | Self::MachineEndOther
            | Self::MachineEndSilence
            | Self::MachineEndBeep
            | Self::Fax => true,
        }
    }
}

/// One thing that was said of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the call's status is said to be.
    pub status: Status,
    /// Who says so.
    pub source: Source,
    /// The provider's number of this callback; 0 for other sources.
    pub sequence: u32,
    /// When the call came into this status.
    pub at: DateTime<Utc>,
    /// How long the parties were connected, said at the end.
    pub duration_seconds: Option<u32>,
    /// Who took the call.
    pub answered_by: Option<AnsweredBy>,
    /// The SIP code with which the network ended the call.
    pub sip_code: Option<u16>,
}

/// A status together with its place in the one total order of the fold, as a number that PostgreSQL compares the
/// same way: rank of the status, then source, then sequence, then a fixed order among the statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatusKey(i64);

impl StatusKey {
    fn of(report: &Report) -> Self {
        let source = report.source as i64;
        let sequence = i64::from(report.sequence);
        Self((report.status.rank() << 48) | (source << 44) | (sequence << 8) | report.status as i64)
    }

    /// The number under which the table keeps it. 0 stands for "nothing was heard yet".
    pub fn as_i64(self) -> i64 {
        self.0
    }
}

/// What is known of a call: the fold of at least one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The status that stands highest in the fold's order.
    pub status: Status,
    /// Where it stands in that order.
    pub key: StatusKey,
    /// When it began to ring, by the earliest word.
    pub ringing_at: Option<DateTime<Utc>>,
    /// When it was taken, by the earliest word.
    pub answered_at: Option<DateTime<Utc>>,
    /// When it ended, by the earliest word.
    pub ended_at: Option<DateTime<Utc>>,
    /// The longest duration that was said.
    pub duration_seconds: Option<u32>,
    /// The last verdict, in the order of [`AnsweredBy`].
    pub answered_by: Option<AnsweredBy>,
    /// The highest SIP code that was said.
    pub sip_code: Option<u16>,
}

impl From<&Report> for Facts {
    fn from(report: &Report) -> Self {
        let at_status = |status| (report.status == status).then_some(report.at);
        Self {
            status: report.status,
            key: StatusKey::of(report),
            ringing_at: at_status(Status::Ringing),
            answered_at: at_status(Status::InProgress),
            ended_at: report.status.is_end().then_some(report.at),
            duration_seconds: report.duration_seconds,
            answered_by: report.answered_by,
            sip_code: report.sip_code,
        }
    }
}

impl Facts {
    /// What is known when both are. Commutative, associative, idempotent.
    pub fn merge(self, other: Self) -> Self {
        let (status, key) =
            if other.key > self.key { (other.status, other.key) } else { (self.status, self.key) };
        Self {
            status,
            key,
            ringing_at: earliest(self.ringing_at, other.ringing_at),
            answered_at: earliest(self.answered_at, other.answered_at),
            ended_at: earliest(self.ended_at, other.ended_at),
            duration_seconds: self.duration_seconds.max(other.duration_seconds),
            answered_by: self.answered_by.max(other.answered_by),
            sip_code: self.sip_code.max(other.sip_code),
        }
    }
}

fn earliest(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

/// What a call that ended in this status came to.
///
/// A `failed` call with SIP 480 (temporarily unavailable) rang nowhere but may be reached later: it counts as not
/// answered, as other dialers have found sensible. Returns nothing while the call is not over.
pub fn outcome(status: Status, answered_by: Option<AnsweredBy>, sip_code: Option<u16>) -> Option<Outcome> {
    match status {
        Status::Completed if answered_by.is_some_and(AnsweredBy::is_machine) => Some(Outcome::Machine),
        Status::Completed => Some(Outcome::Answered),
        Status::Busy => Some(Outcome::Busy),
        Status::NoAnswer => Some(Outcome::NoAnswer),
        Status::Failed if sip_code == Some(480) => Some(Outcome::NoAnswer),
        Status::Failed => Some(Outcome::Failed),
        Status::Canceled => Some(Outcome::Canceled),
        Status::Queued | Status::Initiated | Status::Ringing | Status::InProgress => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: Status, source: Source, sequence: u32) -> Report {
        let seconds = 10 * i64::from(sequence) + source as i64;
        Report {
            status,
            source,
            sequence,
            at: DateTime::from_timestamp(1_772_460_000 + seconds, 0).unwrap(),
            duration_seconds: status.is_end().then_some(20 + sequence),
            answered_by: (status == Status::Completed).then_some(AnsweredBy::Human),
            sip_code: status.is_end().then_some(200 + source as u16),
        }
    }

    fn fold<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Facts {
        reports.into_iter().map(Facts::from).reduce(Facts::merge).unwrap()
    }

    /// Every order of `items`, by Heap's algorithm.
    fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
        match items {
            [] => vec![vec![]],
            [first, rest @ ..] => orders(rest)
                .into_iter()
                .flat_map(|order| {
                    (0..=order.len()).map(move |place| {
                        let mut order = order.clone();
                        order.insert(place, first.clone());
                        order
                    })
                })
                .collect(),
        }
    }

    /// For every end, every subset of what may arrive, every order of it, and with every report doubled at every
    /// place: one result.
    #[test]
    fn whatever_arrives_gives_one_result_in_every_order_and_multiplicity() {
        let mut tried = 0;
        for &end in Status::ALL.iter().filter(|status| status.is_end()) {
            for &fetched in Status::ALL.iter().filter(|status| **status != Status::Initiated) {
                let all = [
                    report(Status::Initiated, Source::Callback, 0),
                    report(Status::Ringing, Source::Callback, 1),
                    report(Status::InProgress, Source::Callback, 2),
                    report(end, Source::Callback, 3),
                    report(fetched, Source::Fetch, 0),
                ];
                for subset in 1u32..1 << all.len() {
                    let arrived: Vec<_> =
                        (0..all.len()).filter(|i| subset >> i & 1 == 1).map(|i| all[i].clone()).collect();
                    let expected = fold(&arrived);
                    for order in orders(&arrived) {
                        assert_eq!(fold(&order), expected);
                        for doubled in &arrived {
                            assert_eq!(fold(order.iter().chain([doubled])), expected);
                        }
                        tried += 1;
                    }
                }
            }
        }
        assert_eq!(tried, 5 * 8 * 325);
    }

    #[test]
    fn an_end_is_never_overwritten_by_an_earlier_status_however_late_it_comes() {
        let ended = fold(&[
            report(Status::Completed, Source::Callback, 3),
            report(Status::InProgress, Source::Callback, 9),
            report(Status::Ringing, Source::Fetch, 0),
        ]);
        assert_eq!(ended.status, Status::Completed);
    }

    #[test]
    fn the_providers_own_word_outranks_the_answer_to_a_question() {
        let ended =
            fold(&[report(Status::Busy, Source::Callback, 2), report(Status::Failed, Source::Fetch, 0)]);
        assert_eq!(ended.status, Status::Busy);
    }

    #[test]
    fn outcomes_follow_from_ends_and_from_nothing_else() {
        use AnsweredBy::*;
        assert_eq!(outcome(Status::Completed, None, None), Some(Outcome::Answered));
        assert_eq!(outcome(Status::Completed, Some(Human), None), Some(Outcome::Answered));
        assert_eq!(outcome(Status::Completed, Some(Unknown), None), Some(Outcome::Answered));
        assert_eq!(outcome(Status::Completed, Some(MachineEndBeep), None), Some(Outcome::Machine));
        assert_eq!(outcome(Status::Failed, None, Some(404)), Some(Outcome::Failed));
        assert_eq!(outcome(Status::Failed, None, Some(480)), Some(Outcome::NoAnswer));
        for &status in Status::ALL {
            assert_eq!(outcome(status, None, None).is_some(), status.is_end());
        }
    }
}
