//! One call: what is known of it, its legal moves, and how the API shows it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::account::number_sid;
use super::callbacks::Event;
use super::scenario::Fate;
use super::validate::{Instructions, Notice, Order, Target};
use crate::twilio::wire::{API_VERSION, Status, format_instant};

/// How long after its end a call is rated.
const RATED_AFTER: TimeDelta = TimeDelta::seconds(90);

/// The price of a minute, in hundred-thousandths of a dollar.
const MINUTE_PRICE: i64 = 1400;

/// A call, as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallRecord {
    /// Twilio's id of the call.
    pub sid: String,
    /// The called number.
    pub to: String,
    /// The calling number.
    pub from: String,
    /// The status as the API shows it: never `initiated`.
    #[serde(serialize_with = "as_text")]
    pub status: Status,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// How long it waited in the account's queue, on the simulator's clock.
    pub queue_time_ms: i64,
    /// When it left the queue.
    pub dialed_at: Option<DateTime<Utc>>,
    /// When it was answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The SIP code it ended with.
    pub sip_code: Option<u16>,
    /// What machine detection found.
    pub answered_by: Option<String>,
    /// What Twilio's debugger would list.
    pub notices: Vec<Notice>,
}

fn as_text<S: Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.as_str())
}

impl CallRecord {
    /// Seconds from the answer to the end.
    pub fn seconds(&self) -> i64 {
        match (self.answered_at, self.ended_at) {
            (Some(from), Some(upto)) => (upto - from).num_seconds().max(0),
            _ => 0,
        }
    }

    /// Minutes that are charged, begun ones whole.
    pub(super) fn minutes(&self) -> i64 {
        (self.seconds() + 59) / 60
    }

    /// What it cost, once it is rated. One that nobody took costs nothing and never is; one that was taken costs a minute at
    /// least (<https://www.twilio.com/en-us/changelog>, 14 June 2021).
    fn price(&self, now: DateTime<Utc>) -> Option<String> {
        let is_over = self.ended_at.is_some_and(|ended| now - ended >= RATED_AFTER);
        let is_rated = is_over && self.status == Status::Completed;
        let price = self.minutes().max(1) * MINUTE_PRICE;
        is_rated.then(|| format!("-{}.{:05}", price / 100_000, price % 100_000))
    }
}

/// What a call is told while it goes on.
#[derive(Debug)]
pub(super) enum Command {
    /// Its record has been ended; stop.
    End,
    /// Go on with other instructions.
    Redirect(Instructions),
    /// It may last this long from its answer.
    Limit(u64),
}

/// A call, for all who deal with it at the same time.
#[derive(Debug)]
pub(super) struct Call {
    /// Its place in the order of placing.
    pub(super) place: usize,
    pub(super) order: Order,
    pub(super) fate: Fate,
    /// The sid again, to be had without a lock.
    pub(super) sid: String,
    record: Mutex<CallRecord>,
    reporting: Mutex<(Option<Target>, Vec<Event>)>,
    gathers: AtomicUsize,
    commands: UnboundedSender<Command>,
}

impl Call {
    pub(super) fn new(
        place: usize,
        sid: String,
        order: Order,
        fate: Fate,
        now: DateTime<Utc>,
        commands: UnboundedSender<Command>,
    ) -> Self {
        let record = CallRecord {
            sid: sid.clone(),
            to: order.to.clone(),
            from: order.from.clone(),
            status: Status::Queued,
            created_at: now,
            queue_time_ms: 0,
            dialed_at: None,
            answered_at: None,
            ended_at: None,
            sip_code: None,
            answered_by: None,
            notices: order.notices.clone(),
        };
        let reporting = Mutex::new((order.status.clone(), order.events.clone()));
        let record = Mutex::new(record);
        Self { place, order, fate, sid, record, reporting, gathers: AtomicUsize::new(0), commands }
    }

    /// The call as it stands.
    pub(super) fn record(&self) -> CallRecord {
        self.lock().clone()
    }

    /// Looks at the call without copying it.
    pub(super) fn look<T>(&self, what: impl FnOnce(&CallRecord) -> T) -> T {
        what(&self.lock())
    }

    /// It leaves the queue. False if it has ended before.
    pub(super) fn dial(&self, now: DateTime<Utc>, has_waited: bool) -> bool {
        let mut record = self.lock();
        if record.ended_at.is_some() {
            return false;
        }
        record.dialed_at = Some(now);
        if has_waited {
            record.queue_time_ms = (now - record.created_at).num_milliseconds().max(0);
        }
        true
    }

    /// The far end rings. False if it has ended before.
    pub(super) fn ring(&self) -> bool {
        self.go_on(Status::Ringing, |_| {})
    }

    /// Somebody takes it. False if it has ended before.
    pub(super) fn answer(&self, now: DateTime<Utc>) -> bool {
        self.go_on(Status::InProgress, |record| record.answered_at = Some(now))
    }

    fn go_on(&self, status: Status, and: impl FnOnce(&mut CallRecord)) -> bool {
        let mut record = self.lock();
        if record.ended_at.is_some() {
            return false;
        }
        record.status = status;
        and(&mut record);
        true
    }

    /// It ends, once: false if it has ended before.
    pub(super) fn end(&self, status: Status, sip_code: u16, now: DateTime<Utc>) -> bool {
        self.go_on(status, |record| {
            record.ended_at = Some(now);
            record.sip_code = Some(sip_code);
        })
    }

    pub(super) fn found(&self, answered_by: &str) {
        self.lock().answered_by = Some(answered_by.to_owned());
    }

    pub(super) fn note(&self, notice: Notice) {
        tracing::debug!(call.sid = %self.sid, code = notice.code, "{}", notice.text);
        self.lock().notices.push(notice);
    }

    /// Where its status is reported, and which events.
    pub(super) fn reporting(&self) -> (Option<Target>, Vec<Event>) {
        self.reporting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn report_to(&self, target: Target) {
        self.reporting.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(target);
    }

    /// The keys pressed at the next `<Gather>`.
    pub(super) fn next_digits(&self) -> &str {
        let nth = self.gathers.fetch_add(1, Ordering::Relaxed);
        self.fate.digits.get(nth).map_or("", String::as_str)
    }

    pub(super) fn tell(&self, command: Command) {
        // A call whose life is over does not listen any more, and needs not.
        let _ = self.commands.send(command);
    }

    /// The call as the API shows it; `is_new` in the answer to its creation, which knows less.
    pub(super) fn body(&self, account_sid: &str, is_new: bool, now: DateTime<Utc>) -> Value {
        let record = self.lock();
        let uri = format!("/{API_VERSION}/Accounts/{account_sid}/Calls/{}", record.sid);
        let instant = |instant: Option<DateTime<Utc>>| instant.map(format_instant);
        let date = |instant: DateTime<Utc>| (!is_new).then(|| format_instant(instant));
        let updated_at = record.ended_at.or(record.answered_at).or(record.dialed_at);
        let subresources: serde_json::Map<String, Value> = SUBRESOURCES
            .iter()
            .map(|(key, path)| ((*key).to_owned(), Value::from(format!("{uri}/{path}.json"))))
            .collect();
        json!({
            "sid": record.sid,
            "account_sid": account_sid,
            "parent_call_sid": null,
            "to": record.to,
            "to_formatted": format_number(&record.to),
            "from": record.from,
            "from_formatted": format_number(&record.from),
            "phone_number_sid": number_sid(&record.from),
            "status": record.status.as_str(),
            "date_created": date(record.created_at),
            "date_updated": date(updated_at.unwrap_or(record.created_at)),
            "start_time": instant(record.dialed_at),
            "end_time": instant(record.ended_at),
            "duration": record.dialed_at.map(|_| record.seconds().to_string()),
            "queue_time": record.queue_time_ms.to_string(),
            "price": record.price(now),
            "price_unit": "USD",
            "direction": "outbound-api",
            "answered_by": record.answered_by,
            "api_version": API_VERSION,
            "annotation": null,
            "forwarded_from": null,
            "group_sid": null,
            "caller_name": (!is_new).then_some(""),
            "trunk_sid": (!is_new).then_some(""),
            "uri": format!("{uri}.json"),
            "subresource_uris": subresources,
        })
    }

    fn lock(&self) -> MutexGuard<'_, CallRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SUBRESOURCES: [(&str, &str); 9] = [
    ("notifications", "Notifications"),
    ("recordings", "Recordings"),
    ("payments", "Payments"),
    ("events", "Events"),
    ("siprec", "Siprec"),
    ("streams", "Streams"),
    ("transcriptions", "Transcriptions"),
    ("user_defined_message_subscriptions", "UserDefinedMessageSubscriptions"),
    ("user_defined_messages", "UserDefinedMessages"),
];

/// A number as Twilio shows it: `(415) 867-5309` in the North American plan, else unchanged.
pub(super) fn format_number(number: &str) -> String {
    match number.strip_prefix("+1").filter(|digits| digits.len() == 10 && digits.is_ascii()) {
        Some(digits) => format!("({}) {}-{}", &digits[..3], &digits[3..6], &digits[6..]),
        None => number.to_owned(),
    }
}

/// All calls, to be found by sid and by called number without looking at the others.
#[derive(Debug, Default)]
pub(super) struct Calls {
    by_sid: HashMap<String, Arc<Call>>,
    by_to: HashMap<String, Vec<Arc<Call>>>,
    placed: Vec<Arc<Call>>,
}

impl Calls {
    /// How many there have been.
    pub(super) fn count(&self) -> usize {
        self.placed.len()
    }

    pub(super) fn add(&mut self, call: Arc<Call>) {
        self.by_sid.insert(call.sid.clone(), call.clone());
        self.by_to.entry(call.order.to.clone()).or_default().push(call.clone());
        self.placed.push(call);
    }

    pub(super) fn find(&self, sid: &str) -> Option<&Arc<Call>> {
        self.by_sid.get(sid)
    }

    /// Takes the record away; only the ledger remembers the call. The order of placing keeps its place.
    pub(super) fn delete(&mut self, sid: &str) {
        if let Some(call) = self.by_sid.remove(sid)
            && let Some(calls) = self.by_to.get_mut(&call.order.to)
        {
            calls.retain(|other| other.sid != sid);
        }
    }

    /// The calls to a number, or all that there are, in the order of placing.
    pub(super) fn listed(&self, to: Option<&str>) -> impl DoubleEndedIterator<Item = &Arc<Call>> {
        let calls = match to {
            Some(to) => self.by_to.get(to).map(Vec::as_slice).unwrap_or_default(),
            None => &self.placed,
        };
        calls.iter().filter(|call| self.by_sid.contains_key(&call.sid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_twilio_shows_them() {
        assert_eq!(format_number("+14158675309"), "(415) 867-5309");
        assert_eq!(format_number("+442079460123"), "+442079460123");
        assert_eq!(format_number("+1éé55501"), "+1éé55501");
    }

    #[test]
    fn a_call_is_priced_by_begun_minutes_a_while_after_its_end() {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let record = CallRecord {
            sid: "CA".into(),
            to: String::new(),
            from: String::new(),
            status: Status::Completed,
            created_at: at(0),
            queue_time_ms: 0,
            dialed_at: Some(at(0)),
            answered_at: Some(at(10)),
            ended_at: Some(at(71)),
            sip_code: Some(200),
            answered_by: None,
            notices: Vec::new(),
        };
        assert_eq!((record.seconds(), record.minutes()), (61, 2));
        assert_eq!(record.price(at(100)), None);
        assert_eq!(record.price(at(171)).as_deref(), Some("-0.02800"));
        let brief = CallRecord { ended_at: Some(at(10)), ..record.clone() };
        assert_eq!(brief.price(at(171)).as_deref(), Some("-0.01400"));
        let missed = CallRecord { status: Status::NoAnswer, answered_at: None, ..record };
        assert_eq!(missed.price(at(9_999)), None);
    }
}
