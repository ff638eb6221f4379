//! What is remembered of everything that came in and went out, for tests to read back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::callbacks::Event;

/// Everything that reached the simulator and everything it sent, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Requests to the API, in the order of their arrival.
    pub requests: Vec<Request>,
    /// Callbacks and fetches of TwiML, in the order in which they were done with.
    pub callbacks: Vec<Callback>,
    /// Open calls, all together. A call is open from its placing to its end.
    pub open: Gauge,
    /// Open calls by caller.
    pub open_by_from: BTreeMap<String, Gauge>,
    /// Open calls by called number.
    pub open_by_to: BTreeMap<String, Gauge>,
}

/// A request to the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The parameters of query and form.
    pub form: Vec<(String, String)>,
    /// When it arrived, on the simulator's clock.
    pub at: DateTime<Utc>,
    /// When it arrived: real milliseconds since the simulator's start.
    pub real_ms: f64,
    /// The HTTP status it was answered with; none while, or if, there was no answer.
    pub answer: Option<u16>,
    /// The error's code in the answer.
    pub code: Option<u32>,
    /// The call that it placed, even if the answer did not say so.
    pub placed: Option<String>,
    /// Parameters that Twilio does not know, and ignores in silence.
    pub unknown_parameters: Vec<String>,
}

/// A callback, or a fetch of TwiML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Callback {
    /// Whose call it is about.
    pub call_sid: String,
    /// Which event.
    pub event: Event,
    /// The URL as given, without a fragment.
    pub url: String,
    /// What was sent.
    pub form: Vec<(String, String)>,
    /// When it was sent first, on the simulator's clock.
    pub at: DateTime<Utc>,
    /// When it was sent first: real milliseconds since the simulator's start.
    pub real_ms: f64,
    /// How often it was tried; 0 if a fault lost it.
    pub tries: u32,
    /// The last HTTP status.
    pub answer: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// How many there are and how many there have been at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauge {
    /// How many there are.
    pub now: u32,
    /// How many there were at most.
    pub most: u32,
}

impl Ledger {
    /// The requests to place a call, whatever came of them.
    pub fn creates(&self) -> Vec<&Request> {
        self.requests.iter().filter(|request| request.is_create()).collect()
    }

    /// The requests to place a call to this number.
    pub fn creates_to(&self, number: &str) -> Vec<&Request> {
        self.creates().into_iter().filter(|request| request.parameter("To") == Some(number)).collect()
    }

    /// The greatest number of requests to place a call that arrived within one real second, wherever it begins.
    pub fn most_creates_in_a_second(&self) -> usize {
        let mut arrivals: Vec<f64> = self.creates().iter().map(|request| request.real_ms).collect();
        arrivals.sort_by(f64::total_cmp);
        let mut from = 0;
        let mut most = 0;
        for (upto, arrival) in arrivals.iter().enumerate() {
            while arrival - arrivals[from] >= 1000.0 {
                from += 1;
            }
            most = most.max(upto + 1 - from);
        }
        most
    }

    /// The callbacks of a call.
    pub fn callbacks_of(&self, call_sid: &str) -> Vec<&Callback> {
        self.callbacks.iter().filter(|callback| callback.call_sid == call_sid).collect()
    }

    /// The greatest number of calls that one caller had open at one time.
    pub fn most_open_from(&self, from: &str) -> u32 {
        self.open_by_from.get(from).map_or(0, |gauge| gauge.most)
    }

    /// The greatest number of calls that one called number had open at one time.
    pub fn most_open_to(&self, to: &str) -> u32 {
        self.open_by_to.get(to).map_or(0, |gauge| gauge.most)
    }

    pub(super) fn opened(&mut self, from: &str, to: &str) {
        self.open.up();
        entry(&mut self.open_by_from, from).up();
        entry(&mut self.open_by_to, to).up();
    }

    pub(super) fn closed(&mut self, from: &str, to: &str) {
        self.open.down();
        entry(&mut self.open_by_from, from).down();
        entry(&mut self.open_by_to, to).down();
    }
}

fn entry<'a>(gauges: &'a mut BTreeMap<String, Gauge>, of: &str) -> &'a mut Gauge {
    if !gauges.contains_key(of) {
        gauges.insert(of.to_owned(), Gauge::default());
    }
    gauges.get_mut(of).expect("it was put there just now, if it was missing")
}

impl Gauge {
    fn up(&mut self) {
        self.now += 1;
        self.most = self.most.max(self.now);
    }

    fn down(&mut self) {
        self.now = self.now.saturating_sub(1);
    }
}

impl Request {
    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.form, name)
    }

    /// Whether it asks for a call.
    pub fn is_create(&self) -> bool {
        self.method == "POST" && self.path.ends_with("/Calls.json")
    }
}

impl Callback {
    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.form, name)
    }
}

fn parameter<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create_at(real_ms: f64) -> Request {
        Request {
            method: "POST".into(),
            path: "/2010-04-01/Accounts/AC1/Calls.json".into(),
            form: vec![("To".into(), "+12125550101".into())],
            at: DateTime::UNIX_EPOCH,
            real_ms,
            answer: Some(201),
            code: None,
            placed: None,
            unknown_parameters: Vec::new(),
        }
    }

    #[test]
    fn creates_are_counted_in_the_busiest_second_wherever_it_begins() {
        let requests = [0.0, 900.0, 1000.0, 1500.0, 1899.0, 1900.0].map(create_at).to_vec();
        let ledger = Ledger { requests, ..Ledger::default() };
        assert_eq!(ledger.most_creates_in_a_second(), 4);
        assert_eq!(ledger.creates_to("+12125550101").len(), 6);
        assert_eq!(ledger.creates_to("+12125550102").len(), 0);
    }

    #[test]
    fn a_gauge_remembers_the_most() {
        let mut ledger = Ledger::default();
        ledger.opened("a", "x");
        ledger.opened("a", "y");
        ledger.closed("a", "x");
        ledger.opened("b", "x");
        assert_eq!(ledger.open, Gauge { now: 2, most: 2 });
        assert_eq!((ledger.most_open_from("a"), ledger.most_open_from("b")), (2, 1));
        assert_eq!(ledger.most_open_to("x"), 1);
    }
}
