//! What is told about a call, in which words and in which order.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::call::{Call, CallRecord};
use super::faults::FaultKind;
use super::ledger::Callback;
use super::outgoing::{Delivery, Overrides};
use super::validate::{Notice, Target};
use super::world::World;
use crate::twilio::wire::{API_VERSION, format_instant};

/// How long a callback waits for the one before it: they arrive in order, unless the receiver is slow.
const ORDER_PATIENCE: Duration = Duration::from_secs(1);

/// What a callback is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The call has left the queue.
    Initiated,
    /// The far end rings.
    Ringing,
    /// Somebody has taken the call.
    Answered,
    /// The call has ended, however.
    Completed,
    /// Asynchronous machine detection has come to a verdict.
    Amd,
    /// A recording is ready.
    Recording,
    /// TwiML is fetched.
    Twiml,
}

impl Event {
    /// The event that `StatusCallbackEvent` names.
    pub(super) fn parse_status(name: &str) -> Option<Self> {
        match name {
            "initiated" => Some(Self::Initiated),
            "ringing" => Some(Self::Ringing),
            "answered" => Some(Self::Answered),
            "completed" => Some(Self::Completed),
            _ => None,
        }
    }
}

/// Lets the answer to a create go once a callback was delivered, or when it is dropped.
#[derive(Debug)]
pub(super) struct Release {
    /// Which callback it waits for; any, if none.
    pub(super) event: Option<Event>,
    pub(super) done: oneshot::Sender<()>,
}

/// Something to be sent.
struct Letter {
    event: Event,
    target: Target,
    form: Vec<(String, String)>,
    at: DateTime<Utc>,
}

/// Sends the callbacks of one call, one after the other, as far as faults let it.
pub(super) struct Postman {
    world: Arc<World>,
    call: Arc<Call>,
    sequence: u64,
    last: Option<JoinHandle<()>>,
    held: Vec<Letter>,
    release: Option<Release>,
}

impl Postman {
    pub(super) fn new(world: Arc<World>, call: Arc<Call>, release: Option<Release>) -> Self {
        Self { world, call, sequence: 0, last: None, held: Vec::new(), release }
    }

    /// Reports an event of the call's progress, if it was asked for.
    pub(super) fn report(&mut self, event: Event, at: DateTime<Utc>) {
        let (Some(target), events) = self.call.reporting() else { return };
        if !events.contains(&event) {
            return;
        }
        let record = self.call.record();
        let mut form = self.world.call_form(&record, call_status(event, &record));
        form.push(("Timestamp".into(), format_instant(at)));
        form.push(("CallbackSource".into(), "call-progress-events".into()));
        form.push(("SequenceNumber".into(), self.sequence.to_string()));
        if event == Event::Completed {
            self.add_ending(&record, &mut form);
        }
        self.sequence += 1;
        self.post(Letter { event, target, form, at });
    }

    fn add_ending(&self, record: &CallRecord, form: &mut Vec<(String, String)>) {
        let seconds = record.seconds();
        form.push(("CallDuration".into(), seconds.to_string()));
        form.push(("Duration".into(), record.minutes().to_string()));
        if let Some(code) = record.sip_code {
            form.push(("SipResponseCode".into(), code.to_string()));
        }
        if let Some(answered_by) = &record.answered_by {
            form.push(("AnsweredBy".into(), answered_by.clone()));
        }
        if self.call.order.is_recorded && seconds > 0 {
            form.extend(self.world.recording_form(record));
        }
    }

    /// Reports what asynchronous machine detection found.
    pub(super) fn report_verdict(
        &mut self,
        target: Target,
        answered_by: &str,
        took_ms: i64,
        at: DateTime<Utc>,
    ) {
        let form = vec![
            ("CallSid".into(), self.call.sid.clone()),
            ("AccountSid".into(), self.world.config.account_sid.clone()),
            ("AnsweredBy".into(), answered_by.to_owned()),
            ("MachineDetectionDuration".into(), took_ms.to_string()),
        ];
        self.post(Letter { event: Event::Amd, target, form, at });
    }

    /// Reports that the recording is ready, if there is one.
    pub(super) fn report_recording(&mut self) {
        let record = self.call.record();
        let Some(target) = self.call.order.recording_status.clone() else { return };
        if !self.call.order.is_recorded || record.seconds() == 0 {
            return;
        }
        let mut form = self.world.recording_form(&record);
        form.push(("CallSid".into(), record.sid.clone()));
        form.push(("AccountSid".into(), self.world.config.account_sid.clone()));
        form.push(("RecordingStatus".into(), "completed".into()));
        form.push(("RecordingChannels".into(), "1".into()));
        form.push(("RecordingSource".into(), "OutboundAPI".into()));
        form.push(("RecordingTrack".into(), "both".into()));
        form.extend(record.answered_at.map(|start| ("RecordingStartTime".to_owned(), format_instant(start))));
        self.post(Letter { event: Event::Recording, target, form, at: self.world.clock().now() });
    }

    /// Sends what was held back for a callback that did not come.
    pub(super) fn finish(mut self) {
        let held = std::mem::take(&mut self.held);
        self.dispatch(held, None);
    }

    fn post(&mut self, letter: Letter) {
        let fault = self.world.callback_fault(&self.call.order.to, letter.event);
        let mut letters = Vec::new();
        let mut later = None;
        let copies = match fault {
            Some(FaultKind::Lost) => {
                self.world.lose(&self.call.sid, &letter.target, letter.event, letter.form, letter.at);
                self.release_if(letter.event);
                return;
            }
            Some(FaultKind::Reordered) if letter.event != Event::Completed => {
                self.held.push(letter);
                return;
            }
            Some(FaultKind::Late { seconds }) => {
                later = Some(letter.at + seconds_of(seconds));
                1
            }
            Some(FaultKind::Doubled) => 2,
            _ => 1,
        };
        letters.push((letter, copies));
        // A late callback travels alone; what waits for its successor waits on.
        if later.is_none() {
            letters.extend(self.held.drain(..).rev().map(|letter| (letter, 1)));
        }
        self.spawn(letters, later);
    }

    fn dispatch(&mut self, letters: Vec<Letter>, later: Option<DateTime<Utc>>) {
        if !letters.is_empty() {
            self.spawn(letters.into_iter().rev().map(|letter| (letter, 1)).collect(), later);
        }
    }

    fn spawn(&mut self, letters: Vec<(Letter, u32)>, later: Option<DateTime<Utc>>) {
        let is_awaited = |release: &Release| {
            letters.iter().any(|(letter, _)| release.event.is_none_or(|event| event == letter.event))
        };
        let release = match self.release.as_ref().is_some_and(is_awaited) {
            true => self.release.take(),
            false => None,
        };
        let before = if later.is_none() { self.last.take() } else { None };
        let (world, call) = (self.world.clone(), self.call.clone());
        let delivery = tokio::spawn(async move {
            if let Some(instant) = later {
                world.clock().sleep_until(instant).await;
            }
            if let Some(before) = before {
                // Neither the other's slowness nor its end matters here, only the order.
                let _ = tokio::time::timeout(ORDER_PATIENCE, before).await;
            }
            for (letter, copies) in letters {
                deliver(&world, &call, letter, copies).await;
            }
            if let Some(release) = release {
                // Whoever waited may have gone.
                let _ = release.done.send(());
            }
        });
        if later.is_none() {
            self.last = Some(delivery);
        }
    }

    /// A lost callback counts as delivered for whoever waits for it: it will not come.
    fn release_if(&mut self, event: Event) {
        if self.release.as_ref().is_some_and(|release| release.event == Some(event)) {
            self.release = None;
        }
    }
}

async fn deliver(world: &World, call: &Call, letter: Letter, copies: u32) {
    let token = uuid::Uuid::new_v4().to_string();
    for _ in 0..copies {
        let delivery =
            world.request(&call.sid, &letter.target, letter.event, letter.form.clone(), &token).await;
        for notice in notices(&letter.target, &delivery) {
            call.note(notice);
        }
    }
}

fn notices(target: &Target, delivery: &Delivery) -> Vec<Notice> {
    let fragment = target.url.split_once('#').map_or("", |(_, fragment)| fragment);
    let (_, bad) = Overrides::parse(fragment);
    let mut notices: Vec<_> =
        bad.into_iter().map(|pair| Notice::new(11240, format!("the override {pair} is not valid"))).collect();
    match &delivery.result {
        Ok(answer) if answer.status >= 400 => {
            notices.push(Notice::new(15003, format!("a callback was answered {}", answer.status)));
        }
        Ok(_) => {}
        Err(failure) => notices.push(Notice::new(11200, failure.to_string())),
    }
    notices
}

fn call_status(event: Event, record: &CallRecord) -> &'static str {
    match event {
        Event::Initiated => "initiated",
        Event::Ringing => "ringing",
        Event::Answered | Event::Twiml => "in-progress",
        Event::Completed | Event::Amd | Event::Recording => record.status.as_str(),
    }
}

/// A span of so many seconds.
pub(super) fn seconds_of(seconds: f64) -> TimeDelta {
    // A float that is too large saturates, and an impossible span is the longest one.
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    TimeDelta::try_milliseconds((seconds * 1000.0).round() as i64).unwrap_or(TimeDelta::MAX)
}

impl World {
    /// What every callback and every fetch says about a call.
    pub(super) fn call_form(&self, record: &CallRecord, status: &str) -> Vec<(String, String)> {
        let mut form = vec![
            ("CallSid".to_owned(), record.sid.clone()),
            ("AccountSid".to_owned(), self.config.account_sid.clone()),
            ("ApiVersion".to_owned(), API_VERSION.to_owned()),
            ("Direction".to_owned(), "outbound-api".to_owned()),
            ("CallStatus".to_owned(), status.to_owned()),
        ];
        for (side, other, number) in [("To", "Called", &record.to), ("From", "Caller", &record.from)] {
            for name in [side, other] {
                form.push((name.to_owned(), number.clone()));
                form.push((format!("{name}City"), String::new()));
                form.push((format!("{name}State"), String::new()));
                form.push((format!("{name}Zip"), String::new()));
                form.push((format!("{name}Country"), country(number).to_owned()));
            }
        }
        form
    }

    fn recording_form(&self, record: &CallRecord) -> Vec<(String, String)> {
        // The recording's sid follows from the call's, so that both callbacks name the same.
        let sid = format!("RE{}", record.sid.get(2..).unwrap_or_default());
        let url =
            format!("{}/{API_VERSION}/Accounts/{}/Recordings/{sid}", self.url(), self.config.account_sid);
        vec![
            ("RecordingSid".to_owned(), sid),
            ("RecordingUrl".to_owned(), url),
            ("RecordingDuration".to_owned(), record.seconds().to_string()),
        ]
    }

    /// Sends something, and enters it into the ledger when it is done with.
    pub(super) async fn request(
        &self,
        call_sid: &str,
        target: &Target,
        event: Event,
        form: Vec<(String, String)>,
        token: &str,
    ) -> Delivery {
        let (at, real_ms) = (self.clock().now(), self.real_ms());
        let delivery = self.outgoing.send(target, &form, token).await;
        self.enter(Callback {
            call_sid: call_sid.to_owned(),
            event,
            url: without_fragment(&target.url),
            form,
            at,
            real_ms,
            tries: delivery.tries,
            answer: delivery.result.as_ref().ok().map(|answer| answer.status),
            error: delivery.result.as_ref().err().map(ToString::to_string),
        });
        delivery
    }

    fn lose(
        &self,
        call_sid: &str,
        target: &Target,
        event: Event,
        form: Vec<(String, String)>,
        at: DateTime<Utc>,
    ) {
        self.enter(Callback {
            call_sid: call_sid.to_owned(),
            event,
            url: without_fragment(&target.url),
            form,
            at,
            real_ms: self.real_ms(),
            tries: 0,
            answer: None,
            error: Some("lost on demand".to_owned()),
        });
    }
}

fn without_fragment(url: &str) -> String {
    url.split_once('#').map_or(url, |(url, _)| url).to_owned()
}

/// The country of a number, as far as a few prefixes tell; Twilio leaves the others empty too.
fn country(number: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("+1", "US"),
        ("+44", "GB"),
        ("+49", "DE"),
        ("+33", "FR"),
        ("+34", "ES"),
        ("+39", "IT"),
        ("+61", "AU"),
    ];
    PREFIXES.iter().find(|(prefix, _)| number.starts_with(prefix)).map_or("", |(_, country)| country)
}
