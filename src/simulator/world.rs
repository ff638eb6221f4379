//! The state behind the API: calls, people, faults, the ledger and the account's queue.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::account::{Refusal, new_sid};
use super::behavior::Behavior;
use super::call::{Call, CallRecord, Calls};
use super::callbacks::{Event, Release};
use super::faults::{BadFault, Fault, FaultKind, Faults};
use super::ledger::{Callback, Ledger, Request};
use super::life::live;
use super::outgoing::Outgoing;
use super::scenario::{BadScenario, Scenario, check_behaviors};
use super::validate::Order;
use super::{SimulatorConfig, queue::Queue};
use crate::clock::{Clock, Stopwatch};
use crate::twilio::wire::Status;

/// Everything that the simulator knows; shared by all requests and calls.
#[derive(Debug)]
pub(super) struct World {
    pub(super) config: SimulatorConfig,
    pub(super) since: DateTime<Utc>,
    pub(super) outgoing: Outgoing,
    port: u16,
    started: Stopwatch,
    calls: Mutex<Calls>,
    people: Mutex<People>,
    faults: Mutex<Faults>,
    ledger: Mutex<Ledger>,
    queue: Mutex<Queue>,
    concurrent: AtomicU32,
}

/// What the called numbers do.
#[derive(Debug)]
struct People {
    scenario: Scenario,
    /// What numbers do by special order, which outranks the scenario, and how many calls ago that began.
    fixed: HashMap<String, (Vec<Behavior>, u64)>,
    /// How many calls each number had.
    called: HashMap<String, u64>,
}

impl World {
    pub(super) fn new(config: SimulatorConfig, port: u16) -> Self {
        Self {
            since: config.clock.now(),
            outgoing: Outgoing::new(config.auth_token.clone()),
            port,
            started: Stopwatch::start(),
            calls: Mutex::default(),
            people: Mutex::new(People {
                scenario: config.scenario.clone(),
                fixed: HashMap::new(),
                called: HashMap::new(),
            }),
            faults: Mutex::default(),
            ledger: Mutex::default(),
            queue: Mutex::new(Queue::new(config.cps)),
            concurrent: AtomicU32::new(0),
            config,
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.config.clock
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The real time since the start.
    pub(super) fn real(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn real_ms(&self) -> f64 {
        self.real().as_secs_f64() * 1000.0
    }

    /// Accepts a call: from here on it will be dialed, whatever its sender is told.
    pub(super) fn place(
        self: &Arc<Self>,
        order: Order,
        release: Option<Release>,
    ) -> Result<Arc<Call>, Refusal> {
        let turn = lock(&self.queue)
            .join(self.real())
            .ok_or_else(|| Refusal::bad_request(22005, "Call queue is full"))?;
        let fate = lock(&self.people).next_fate(self.config.seed, &order.to);
        let (sender, commands) = mpsc::unbounded_channel();
        let mut calls = lock(&self.calls);
        let call = Arc::new(Call::new(calls.count(), new_sid("CA"), order, fate, self.clock().now(), sender));
        calls.add(call.clone());
        drop(calls);
        lock(&self.ledger).opened(&call.order.from, &call.order.to);
        tokio::spawn(live(self.clone(), call.clone(), commands, turn, release));
        Ok(call)
    }

    /// Ends a call, once: false if it has ended before.
    pub(super) fn end(&self, call: &Call, status: Status, sip_code: u16, at: DateTime<Utc>) -> bool {
        let is_new = call.end(status, sip_code, at);
        if is_new {
            lock(&self.ledger).closed(&call.order.from, &call.order.to);
        }
        is_new
    }

    pub(super) fn find_call(&self, sid: &str) -> Option<Arc<Call>> {
        lock(&self.calls).find(sid).cloned()
    }

    pub(super) fn delete_call(&self, sid: &str) {
        lock(&self.calls).delete(sid);
    }

    /// Looks at the calls; they stand still meanwhile.
    pub(super) fn with_calls<T>(&self, look: impl FnOnce(&Calls) -> T) -> T {
        look(&lock(&self.calls))
    }

    pub(super) fn call_records(&self) -> Vec<CallRecord> {
        self.with_calls(|calls| calls.listed(None).map(|call| call.record()).collect())
    }

    pub(super) fn set_scenario(&self, scenario: Scenario) -> Result<(), BadScenario> {
        scenario.check()?;
        lock(&self.people).scenario = scenario;
        Ok(())
    }

    pub(super) fn fix(&self, number: &str, behaviors: Vec<Behavior>) -> Result<(), BadScenario> {
        check_behaviors(number, &behaviors)?;
        let mut people = lock(&self.people);
        let called = people.called.get(number).copied().unwrap_or_default();
        people.fixed.insert(number.to_owned(), (behaviors, called));
        Ok(())
    }

    pub(super) fn add_fault(&self, fault: Fault) -> Result<(), BadFault> {
        lock(&self.faults).add(fault)
    }

    pub(super) fn clear_faults(&self) {
        lock(&self.faults).clear();
    }

    pub(super) fn callback_fault(&self, number: &str, event: Event) -> Option<FaultKind> {
        let mut faults = lock(&self.faults);
        faults
            .take(self.config.seed, FaultKind::is_of_callbacks, Some(number), Some(event))
            .map(|fault| fault.kind)
    }

    pub(super) fn create_fault(&self, number: Option<&str>) -> Option<Fault> {
        lock(&self.faults).take(self.config.seed, FaultKind::is_of_creates, number, None)
    }

    pub(super) fn read_fault(&self, number: Option<&str>) -> Option<FaultKind> {
        let mut faults = lock(&self.faults);
        faults.take(self.config.seed, FaultKind::is_of_reads, number, None).map(|fault| fault.kind)
    }

    /// Enters a request at its arrival. The number is its place, for what becomes known later.
    pub(super) fn arrive(&self, request: Request) -> usize {
        let mut ledger = lock(&self.ledger);
        ledger.requests.push(request);
        ledger.requests.len() - 1
    }

    /// Adds what became known of a request.
    pub(super) fn amend(&self, entry: usize, amend: impl FnOnce(&mut Request)) {
        lock(&self.ledger).requests.get_mut(entry).map(amend);
    }

    pub(super) fn enter(&self, callback: Callback) {
        lock(&self.ledger).callbacks.push(callback);
    }

    pub(super) fn ledger(&self) -> Ledger {
        lock(&self.ledger).clone()
    }

    /// Counts a request as being answered until the guard is dropped; the count includes it.
    pub(super) fn begin_request(self: &Arc<Self>) -> (u32, Concurrent) {
        let count = self.concurrent.fetch_add(1, Ordering::Relaxed) + 1;
        (count, Concurrent(self.clone()))
    }
}

/// A request that is being answered.
pub(super) struct Concurrent(Arc<World>);

impl Drop for Concurrent {
    fn drop(&mut self) {
        self.0.concurrent.fetch_sub(1, Ordering::Relaxed);
    }
}

impl People {
    /// What happens on the next call to a number, which counts as made.
    fn next_fate(&mut self, seed: u64, number: &str) -> super::scenario::Fate {
        let called = self.called.entry(number.to_owned()).or_default();
        let nth = *called;
        *called += 1;
        let (behaviors, since) = match self.fixed.get(number) {
            Some((behaviors, since)) => (Some(behaviors), *since),
            None => (self.scenario.numbers.get(number), 0),
        };
        let step = usize::try_from(nth - since).unwrap_or(usize::MAX);
        let behavior = behaviors.and_then(|all| all.get(step).or(all.last()));
        self.scenario.fate(seed, number, nth, behavior)
    }
}

/// Nothing that holds one of these locks can leave its data half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::behavior::Outcome;
    use super::*;

    fn outcomes(people: &mut People, number: &str, calls: usize) -> Vec<Outcome> {
        (0..calls).map(|_| people.next_fate(1, number).outcome).collect()
    }

    #[test]
    fn a_sequence_is_gone_through_and_its_last_repeats() {
        let numbers = [("+12125550101".to_owned(), vec![Behavior::busy(), Behavior::answer()])].into();
        let scenario = Scenario { numbers, ..Scenario::always(Outcome::Failed) };
        let mut people = People { scenario, fixed: HashMap::new(), called: HashMap::new() };
        assert_eq!(
            outcomes(&mut people, "+12125550101", 3),
            [Outcome::Busy, Outcome::Answer, Outcome::Answer]
        );
        assert_eq!(outcomes(&mut people, "+12125550102", 1), [Outcome::Failed]);
    }

    #[test]
    fn a_special_order_begins_with_the_next_call() {
        let scenario = Scenario::always(Outcome::Failed);
        let mut people = People { scenario, fixed: HashMap::new(), called: HashMap::new() };
        outcomes(&mut people, "+12125550101", 4);
        people.fixed.insert("+12125550101".into(), (vec![Behavior::busy(), Behavior::no_answer()], 4));
        assert_eq!(outcomes(&mut people, "+12125550101", 2), [Outcome::Busy, Outcome::NoAnswer]);
    }
}
