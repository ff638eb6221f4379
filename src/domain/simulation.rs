//! Whole campaigns in virtual time. A seed draws campaigns that share numbers and an account, a provider that loses,
//! doubles and delays, a database that fails, processes that join, hand over, stop, die and stand still, people who pause
//! and opt out; shells do what
//! `CampaignActor` does, a store means what `db` means, and a ledger holds all of it to the promises of DESIGN §1.
//! Most runs live for a few days; one lives through a [`year`].
//!
//! A seed that fails is printed with the command that tells its story: `make replay SEED=1234`.

mod chance;
mod flaw;
mod ledger;
mod provider;
mod run;
mod shell;
mod store;
mod weather;
mod world;
mod year;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use flaw::Flaw;
use ledger::Promise;
use run::{Report, run};

/// How many seeds are lived through.
const SEEDS: u64 = 7_000;

/// How many attempts they must come to.
const ATTEMPTS: u32 = 100_000;

/// What a seed or another must have lived through, or else the runs prove nothing.
const OF_INTEREST: &[&str] = &[
    "agreed to a call",
    "asked for a callback before its call",
    "asked for a callback during its call",
    "asked for a callback when all was over",
    "asked about another",
    "asked for the same callback again",
    "callback",
    "callback after the settlement",
    "callback before the answer",
    "claim fenced off",
    "claimed",
    "crashes in the middle of a turn",
    "ended while it rang",
    "given up as unknown",
    "handed over",
    "learnt by asking",
    "no word",
    "passed over",
    "paused at its limit",
    "paused because its calls fail",
    "paused by a person",
    "paused by the dialer",
    "postponed",
    "reopened",
    "requests",
    "standstills",
    "stopped in good order",
    "suppressed at the claim",
    "taken back",
    "taken over",
    "too late",
    "unavoidable overlap",
    "verdict between the end and the settlement",
    "vetoed",
];

type Seen = BTreeMap<&'static str, u32>;

/// Runs the seeds on all processors, and says how often each thing of interest was seen.
fn hold(from: u64, count: u64) -> Seen {
    let workers = thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let work = |worker: u64| {
        let mut seen = Seen::new();
        for seed in (from + worker..from + count).step_by(workers as usize) {
            for (what, times) in live_through(seed, false).seen {
                *seen.entry(what).or_default() += times;
            }
        }
        seen
    };
    let mut seen = Seen::new();
    thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        for worker in running {
            for (what, times) in worker.join().unwrap_or_else(|panic| resume_unwind(panic)) {
                *seen.entry(what).or_default() += times;
            }
        }
    });
    seen
}

/// Runs a seed. One that breaks a promise, or does what a constraint of the database forbids, says how to see its story.
fn live_through(seed: u64, story: bool) -> Report {
    let how = format!("make replay SEED={seed}");
    let report = catch_unwind(AssertUnwindSafe(|| run(seed, None, story)))
        .unwrap_or_else(|_| panic!("seed {seed} does what the database forbids: {how}"));
    if let Some((promise, what)) = &report.broken {
        panic!("seed {seed} breaks {promise:?} at {}: {what}: {how}", report.ended_at);
    }
    report
}

#[test]
fn campaigns_keep_their_promises_in_all_weathers() {
    let from = variable("OUTDIAL_SIMULATION_FROM").unwrap_or(0);
    let seen = hold(from, SEEDS);
    let attempts = seen.get("claimed").copied().unwrap_or(0);
    println!("{attempts} attempts in seeds {from} to {}: {seen:#?}", from + SEEDS - 1);
    assert!(attempts >= ATTEMPTS, "only {attempts} attempts, expected {ATTEMPTS}");
    let never_seen: Vec<_> = OF_INTEREST.iter().filter(|what| !seen.contains_key(*what)).collect();
    assert!(never_seen.is_empty(), "never seen: {never_seen:?}, but {seen:#?}");
}

/// `make replay` names the seed.
#[test]
fn a_seed_tells_its_story() {
    let seed = variable("OUTDIAL_SIMULATION_SEED").unwrap_or(0);
    println!("{:#?}", live_through(seed, true));
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program reads its environment in config.rs; this is no program"
)]
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no seed: {text}")))
}

#[test]
fn a_seed_has_one_story() {
    for seed in 0..20 {
        assert_eq!(run(seed, None, false), run(seed, None, false));
    }
}

/// Whether a dialer that is built wrong is seen to break a promise. What a constraint of the database forbids is a
/// panic.
fn is_noticed(flaw: Flaw, promise: Promise) -> bool {
    (0..6_000).any(|seed| match catch_unwind(|| run(seed, Some(flaw), false)) {
        Ok(report) => report.broken.is_some_and(|(broken, _)| broken == promise),
        Err(_) => promise == Promise::OneCallAtATime,
    })
}

#[test]
fn every_flaw_breaks_the_promise_that_it_should() {
    let flaws = [
        (Flaw::RepeatsLostRequests, Promise::OneRingPerIntent),
        (Flaw::TakesBackLostRequests, Promise::OneCallAtATime),
        (Flaw::ClaimsTakenNumbers, Promise::OneCallAtATime),
        (Flaw::IgnoresHours, Promise::NeverAtTheWrongTime),
        (Flaw::ForgetsTheSecond, Promise::NeverAtTheWrongTime),
        (Flaw::TakesAnyWord, Promise::NeverAtTheWrongTime),
        (Flaw::ClaimsSuppressedNumbers, Promise::NeverAtTheWrongTime),
        (Flaw::RetriesAtOnce, Promise::NeverAtTheWrongTime),
        (Flaw::EndsUnknownCallsAtGivingUp, Promise::NeverAtTheWrongTime),
        (Flaw::IgnoresTheFence, Promise::OneCallAtATime),
        (Flaw::IgnoresFailures, Promise::NeverAtTheWrongTime),
        (Flaw::IgnoresClosures, Promise::NeverAtTheWrongTime),
        (Flaw::NeverTakesOver, Promise::NobodyForgotten),
        (Flaw::NeverSettles, Promise::NobodyForgotten),
        (Flaw::NeverReconciles, Promise::NobodyForgotten),
        (Flaw::CountsReopenedAttemptsTwice, Promise::NobodyForgotten),
        (Flaw::ForgetsCallbacks, Promise::NobodyForgotten),
    ];
    for (flaw, promise) in flaws {
        assert!(is_noticed(flaw, promise), "{flaw:?} does not break {promise:?}");
    }
}
