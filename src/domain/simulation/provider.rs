//! The provider: what becomes of a request, of the call that it makes, and of the word of it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::answering_machine::Detection;
use crate::domain::attempt::{AnsweredBy, Facts, Report, Source, Status};
use crate::domain::outcome::Outcome;
use crate::domain::settings::Settings;

use super::chance::Chance;
use super::store::{Phone, Sid};
use super::weather::Weather;

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Contact(Outcome),
    Destination,
    Moment,
    Account,
    Sender,
    Request,
}

/// What the client says of a request to place a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Placed(Sid),
    TooLate,
    NotSent,
    /// Too many calls; perhaps with the word for how long to wait.
    Throttled(Option<TimeDelta>),
    Unknown,
    Refused(Fault),
}

/// What becomes of a request that has left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage {
    /// The call that it makes, and when.
    pub(super) call: Option<(Sid, DateTime<Utc>)>,
    pub(super) answer: Answer,
    pub(super) answered_at: DateTime<Utc>,
}

/// A call, whose course is settled when it is made and comes to light in time.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) attempt: usize,
    pub(super) phone: Phone,
    created_at: DateTime<Utc>,
    listed_at: DateTime<Utc>,
    course: Vec<(DateTime<Utc>, Status)>,
    talk_seconds: u32,
    answered_by: Option<AnsweredBy>,
    /// When the verdict on who took it is posted, if it travels beside the call; nothing else tells it then.
    verdict_at: Option<DateTime<Utc>>,
}

#[derive(Default)]
pub(super) struct Provider {
    pub(super) calls: BTreeMap<Sid, Call>,
    sids: Sid,
}

impl Provider {
    pub(super) fn receive(&mut self, chance: &mut Chance, weather: &Weather, now: DateTime<Utc>) -> Passage {
        let (there, back) = if chance.happens(weather.delay) { (3_000, 8_000) } else { (150, 400) };
        let arrives_at = now + chance.millis(1, there);
        let answered_at = arrives_at + chance.millis(5, back);
        let nobody_answers_at = now + chance.pick(&[TimeDelta::milliseconds(300), TimeDelta::seconds(10)]);
        if chance.happens(weather.lost_requests) {
            return Passage { call: None, answer: Answer::Unknown, answered_at: nobody_answers_at };
        }
        if chance.happens(weather.throttled) {
            let retry_after = chance.happens(0.5).then(|| TimeDelta::seconds(chance.between(1, 300)));
            return Passage { call: None, answer: Answer::Throttled(retry_after), answered_at };
        }
        if chance.happens(weather.refused) {
            let faults = [
                Fault::Contact(Outcome::InvalidNumber),
                Fault::Contact(Outcome::Blocked),
                Fault::Destination,
                Fault::Moment,
                Fault::Account,
                Fault::Sender,
                Fault::Request,
            ];
            return Passage { call: None, answer: Answer::Refused(chance.pick(&faults)), answered_at };
        }
        self.sids += 1;
        let call = Some((self.sids, arrives_at));
        if chance.happens(weather.lost_answers) {
            let answered_at = nobody_answers_at.max(arrives_at);
            return Passage { call, answer: Answer::Unknown, answered_at };
        }
        Passage { call, answer: Answer::Placed(self.sids), answered_at }
    }

    /// Makes the call, and returns when its callbacks arrive, each any number of times.
    pub(super) fn make_call(
        &mut self,
        chance: &mut Chance,
        weather: &Weather,
        settings: &Settings,
        (sid, attempt, phone): (Sid, usize, Phone),
        now: DateTime<Utc>,
    ) -> Vec<(DateTime<Utc>, Report)> {
        let mut call = Call::draw(chance, settings, (attempt, phone), now, weather.failing_calls);
        if chance.happens(weather.hidden_calls) {
            call.listed_at += chance.millis(0, 600_000);
        }
        let held_up = chance.happens(weather.mute_calls).then(|| chance.millis(0, 3_600_000));
        let mut arrivals = Vec::new();
        let reports = call.course.iter().enumerate().skip(1);
        let reports = reports
            .map(|(place, &(at, status))| (at, call.report(status, Source::Callback, place as u32 - 1, at)));
        for (at, report) in reports.chain(call.verdict()) {
            let copies = match chance.share() {
                draw if draw < weather.lost_callbacks => 0,
                draw if draw < weather.lost_callbacks + weather.doubled_callbacks => 2,
                _ => 1,
            };
            for _ in 0..copies {
                let longest = match chance.share() {
                    draw if draw < weather.late_callbacks / 4.0 => 3 * 3_600_000,
                    draw if draw < weather.late_callbacks => 60_000,
                    _ => 500,
                };
                let takes = chance.millis(20, longest) + held_up.unwrap_or_default();
                arrivals.push((at + takes, report.clone()));
            }
        }
        self.calls.insert(sid, call);
        arrivals
    }

    /// How a call stood a lag ago.
    pub(super) fn fetch(&self, sid: Sid, lag: TimeDelta, now: DateTime<Utc>) -> Option<Report> {
        let call = self.calls.get(&sid)?;
        let &(at, status) = call.course.iter().rfind(|(at, _)| *at <= now - lag)?;
        // Only callbacks tell of the way to the network; the resource says that it is queued until it rings.
        let status = if status == Status::Initiated { Status::Queued } else { status };
        let at = if status.is_end() { at } else { now };
        Some(call.report(status, Source::Fetch, 0, at))
    }

    /// Ends a call unless it was taken or is over. What it would have come to is no more.
    pub(super) fn end(&mut self, sid: Sid, now: DateTime<Utc>) -> bool {
        let Some(call) = self.calls.get_mut(&sid) else { return false };
        let stands = call.course.iter().rfind(|(at, _)| *at <= now).map(|(_, status)| *status);
        if stands.is_none_or(|status| status == Status::InProgress || status.is_end()) {
            return false;
        }
        call.course.retain(|(at, _)| *at <= now);
        call.course.push((now, Status::Canceled));
        (call.talk_seconds, call.answered_by, call.verdict_at) = (0, None, None);
        true
    }

    /// Whether what a callback says of a call came true: of one that was ended before, it did not.
    pub(super) fn went_through(&self, sid: Sid, report: &Report) -> bool {
        self.calls.get(&sid).is_some_and(|call| {
            let is_verdict = report.status == Status::InProgress && call.verdict_at == Some(report.at);
            is_verdict || call.course.contains(&(report.at, report.status))
        })
    }

    /// The calls to a number that were made since, as the list showed them a lag ago.
    pub(super) fn list(
        &self,
        phone: Phone,
        since: DateTime<Utc>,
        lag: TimeDelta,
        now: DateTime<Utc>,
    ) -> Vec<Sid> {
        let is_shown =
            |call: &Call| call.phone == phone && call.created_at >= since && call.listed_at <= now - lag;
        self.calls.iter().filter(|(_, call)| is_shown(call)).map(|(sid, _)| *sid).collect()
    }

    pub(super) fn call_of(&self, attempt: usize) -> Option<&Call> {
        self.calls.values().find(|call| call.attempt == attempt)
    }
}

impl Call {
    fn draw(
        chance: &mut Chance,
        settings: &Settings,
        (attempt, phone): (usize, Phone),
        now: DateTime<Utc>,
        failing: f64,
    ) -> Self {
        let ring_millis = i64::from(settings.ring_seconds) * 1000;
        let usual = chance.pick(&[
            Status::Completed,
            Status::Completed,
            Status::NoAnswer,
            Status::NoAnswer,
            Status::Busy,
            Status::Failed,
            Status::Canceled,
        ]);
        let end = if chance.happens(failing) { Status::Failed } else { usual };
        let mut at = now + chance.millis(0, 300);
        let mut course = vec![(now, Status::Queued), (at, Status::Initiated)];
        let mut step = |at: &mut DateTime<Utc>, after: TimeDelta, status| {
            *at += after;
            course.push((*at, status));
        };
        let mut talk_seconds = 0;
        match end {
            Status::Completed => {
                step(&mut at, chance.millis(100, 3_000), Status::Ringing);
                step(&mut at, chance.millis(100, ring_millis), Status::InProgress);
                let longest = if chance.happens(0.2) { i64::from(settings.max_call_seconds) } else { 60 };
                talk_seconds = chance.between(0, longest);
                step(&mut at, TimeDelta::seconds(talk_seconds), end);
            }
            Status::NoAnswer => {
                step(&mut at, chance.millis(100, 3_000), Status::Ringing);
                step(&mut at, TimeDelta::milliseconds(ring_millis), end);
            }
            Status::Busy => {
                step(&mut at, chance.millis(100, 3_000), Status::Ringing);
                step(&mut at, chance.millis(0, 5_000), end);
            }
            _ => step(&mut at, chance.millis(0, 2_000), end),
        }
        let answered_at = course.iter().find(|(_, status)| *status == Status::InProgress).map(|(at, _)| *at);
        let is_machine = answered_at.is_some() && chance.happens(0.25);
        let verdict_at = match settings.answering_machine.detection(false) {
            Some(Detection::Beside) => answered_at.map(|at| at + chance.millis(1_000, 15_000)),
            Some(Detection::First) | None => None,
        };
        Self {
            attempt,
            phone,
            created_at: now,
            listed_at: now,
            course,
            talk_seconds: talk_seconds as u32,
            answered_by: is_machine.then_some(AnsweredBy::MachineStart),
            verdict_at,
        }
    }

    /// The verdict that is posted, as a person's too where no machine took the call.
    fn verdict(&self) -> Option<(DateTime<Utc>, Report)> {
        let at = self.verdict_at?;
        let answered_by = Some(self.answered_by.unwrap_or(AnsweredBy::Human));
        let report = Report { answered_by, ..self.report(Status::InProgress, Source::Callback, 0, at) };
        Some((at, report))
    }

    fn report(&self, status: Status, source: Source, sequence: u32, at: DateTime<Utc>) -> Report {
        Report {
            status,
            source,
            sequence,
            at,
            duration_seconds: status.is_end().then_some(self.talk_seconds),
            answered_by: self.answered_by.filter(|_| status.is_end() && self.verdict_at.is_none()),
            sip_code: None,
        }
    }

    pub(super) fn ended_at(&self) -> DateTime<Utc> {
        self.course.last().expect("a call has a course").0
    }
}

/// What the answer to a request tells of the new call.
pub(super) fn facts_of_answer(now: DateTime<Utc>) -> Facts {
    Facts::from(&Report {
        status: Status::Queued,
        source: Source::Answer,
        sequence: 0,
        at: now,
        duration_seconds: None,
        answered_by: None,
        sip_code: None,
    })
}
