//! Whole campaigns in virtual time. A seed draws campaigns that share numbers and an account, a provider that loses,
//! doubles and delays, a database that fails, processes that die, people who pause and opt out; shells do what
//! `CampaignActor` does, a store means what `db` means, and a ledger holds all of it to the promises of DESIGN §1.
//! Most runs live for a few days; one lives through a [`year`].
//!
//! A failing seed is printed. To see its story, put it into [`REPLAY`] and run
//! `cargo test --lib simulation::replays -- --nocapture`.

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
use std::ops::Range;

use flaw::Flaw;
use ledger::Promise;
use run::run;

/// Seeds whose story is printed.
const REPLAY: &[u64] = &[];

/// What a seed or another must have lived through, or else the runs prove nothing.
const OF_INTEREST: &[&str] = &[
    "asked for a callback before its call",
    "asked for a callback during its call",
    "asked for a callback when all was over",
    "asked for the same callback again",
    "callback",
    "callback after the settlement",
    "callback before the answer",
    "claim fenced off",
    "claimed",
    "crashes in the middle of a turn",
    "ended while it rang",
    "given up as unknown",
    "learnt by asking",
    "passed over",
    "paused by a person",
    "paused by the dialer",
    "reopened",
    "requests",
    "standstills",
    "suppressed at the claim",
    "taken back",
    "too late",
    "unavoidable overlap",
    "verdict between the end and the settlement",
];

/// Runs the seeds, and says how often each thing of interest was seen.
fn hold(seeds: Range<u64>) -> BTreeMap<&'static str, u32> {
    let mut seen = BTreeMap::new();
    for seed in seeds {
        let report = run(seed, None, false);
        if let Some((promise, what)) = report.broken {
            panic!(
                "seed {seed} breaks {promise:?} at {}: {what}. Put it into REPLAY and run \
                 `cargo test --lib simulation::replays -- --nocapture`",
                report.ended_at
            );
        }
        for (what, count) in report.seen {
            *seen.entry(what).or_default() += count;
        }
    }
    seen
}

#[test]
fn campaigns_keep_their_promises_in_all_weathers() {
    let seen = hold(0..1_000);
    let never_seen: Vec<_> = OF_INTEREST.iter().filter(|what| !seen.contains_key(*what)).collect();
    assert!(never_seen.is_empty(), "never seen: {never_seen:?}, but {seen:#?}");
}

#[test]
fn campaigns_keep_their_promises_in_all_other_weathers() {
    hold(1_000..2_000);
}

#[test]
fn replays() {
    for &seed in REPLAY {
        println!("{:#?}", run(seed, None, true));
    }
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
    (0..6_000).any(|seed| match std::panic::catch_unwind(|| run(seed, Some(flaw), false)) {
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
        (Flaw::ClaimsSuppressedNumbers, Promise::NeverAtTheWrongTime),
        (Flaw::RetriesAtOnce, Promise::NeverAtTheWrongTime),
        (Flaw::EndsUnknownCallsAtGivingUp, Promise::NeverAtTheWrongTime),
        (Flaw::NeverSettles, Promise::NobodyForgotten),
        (Flaw::NeverReconciles, Promise::NobodyForgotten),
        (Flaw::CountsReopenedAttemptsTwice, Promise::NobodyForgotten),
        (Flaw::ForgetsCallbacks, Promise::NobodyForgotten),
    ];
    for (flaw, promise) in flaws {
        assert!(is_noticed(flaw, promise), "{flaw:?} does not break {promise:?}");
    }
}
