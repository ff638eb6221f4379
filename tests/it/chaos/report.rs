//! What a run came to: as JSON for machines, as a table for people.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::checker::{History, Violation, busiest_second};
use super::evidence::Handover;
use super::house::Plan;
use super::nemesis::Injected;

/// Requests a second are compared over so many seconds before and after a fault.
const SPAN: f64 = 8.0;

/// A campaign that nobody took within so long did not wait for an owner: it was paused, or completed.
const LONGEST_TAKEOVER: f64 = 60.0;

/// A run, ready to be told.
pub struct Report {
    plan: Plan,
    seconds: f64,
    faults: Vec<Told>,
    history: History,
    violations: Vec<Violation>,
}

/// A fault with what it cost.
struct Told {
    injected: Injected,
    /// Until the last of the victim's campaigns had another owner, or until the first request after PostgreSQL took
    /// connections again.
    recovery: Option<f64>,
    /// Requests a second before, during and after it.
    rates: [f64; 3],
}

impl Report {
    pub fn of(
        plan: Plan,
        seconds: f64,
        injected: Vec<Injected>,
        handovers: &[Handover],
        history: History,
        violations: Vec<Violation>,
    ) -> Self {
        let arrivals: Vec<f64> = history.asked.iter().map(|asked| asked.at).collect();
        let faults = injected.into_iter().map(|injected| tell(injected, handovers, &arrivals)).collect();
        Self { plan, seconds, faults, history, violations }
    }

    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub fn kills(&self) -> u32 {
        self.faults.iter().map(|fault| fault.injected.kills).sum()
    }

    fn kinds(&self) -> BTreeMap<&str, Vec<&Told>> {
        let mut kinds: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
        for fault in &self.faults {
            kinds.entry(&fault.injected.name).or_default().push(fault);
        }
        kinds
    }

    fn placed(&self) -> usize {
        self.history.asked.iter().filter(|asked| asked.placed.is_some()).count()
    }

    fn outcomes(&self) -> BTreeMap<&str, usize> {
        let mut outcomes = BTreeMap::new();
        for attempt in self.history.attempts.values() {
            *outcomes.entry(attempt.outcome.as_deref().unwrap_or("open")).or_default() += 1;
        }
        outcomes
    }

    pub fn json(&self) -> Value {
        let kinds: BTreeMap<_, _> = self
            .kinds()
            .into_iter()
            .map(|(kind, faults)| {
                let times = recoveries(&faults, |_| true);
                let alone = recoveries(&faults, |fault| fault.injected.is_alone);
                let spread = |times: &[f64]| {
                    json!({"median": middle(times), "most": times.last(), "count": times.len()})
                };
                let rates = mean_rates(&faults);
                let value = json!({
                    "count": faults.len(),
                    "recovery_seconds": spread(&times),
                    "recovery_seconds_alone": spread(&alone),
                    "requests_a_second": {"before": rates[0], "during": rates[1], "after": rates[2]},
                });
                (kind, value)
            })
            .collect();
        let schedule: Vec<_> = self
            .faults
            .iter()
            .map(|fault| {
                json!({
                    "fault": fault.injected.name, "at": fault.injected.at, "healed_at": fault.injected.healed_at,
                    "alone": fault.injected.is_alone, "recovery_seconds": fault.recovery,
                })
            })
            .collect();
        let violations: Vec<_> = self
            .violations
            .iter()
            .map(|broken| json!({"promise": broken.promise, "what": broken.what}))
            .collect();
        json!({
            "seed": self.plan.seed,
            "nodes": self.plan.nodes,
            "cps": self.plan.cps,
            "clock_speed": self.plan.speed,
            "seconds": self.seconds,
            "kills": self.kills(),
            "faults": kinds,
            "requests": self.history.asked.len(),
            "placed": self.placed(),
            "attempts": self.history.attempts.len(),
            "outcomes": self.outcomes(),
            "contacts": self.history.contacts.len(),
            "campaigns": self.history.campaigns.len(),
            "callbacks_acknowledged": self.history.told.len(),
            "pauses_and_opt_outs": self.history.halts.len(),
            "requests_in_the_busiest_second": busiest_second(&self.history).0,
            "seconds_above_the_rate_and_one": busiest_second(&self.history).1,
            "violations": violations,
            "schedule": schedule,
        })
    }

    pub fn write(&self, path: &Path) {
        let text = serde_json::to_string_pretty(&self.json()).expect("a report");
        std::fs::write(path, text).expect("a file for the report");
    }

    /// The table.
    pub fn print(&self) {
        println!(
            "\nchaos, seed {}: {} nodes, {:.0} s, {} kills, {} contacts in {} campaigns, {} attempts, {} requests, {} placed",
            self.plan.seed,
            self.plan.nodes,
            self.seconds,
            self.kills(),
            self.history.contacts.len(),
            self.history.campaigns.len(),
            self.history.attempts.len(),
            self.history.asked.len(),
            self.placed(),
        );
        println!(
            "{:<36} {:>5}  {:>17}  {:>17}   requests a second",
            "fault", "times", "recovery, alone", "recovery, storm"
        );
        for (kind, faults) in self.kinds() {
            let [before, during, after] = mean_rates(&faults);
            let show = |times: Vec<f64>| match (middle(&times), times.last()) {
                (Some(middle), Some(most)) => format!("{middle:.1} s, most {most:.1} s"),
                _ => "-".to_owned(),
            };
            let alone = show(recoveries(&faults, |fault| fault.injected.is_alone));
            let storm = show(recoveries(&faults, |fault| !fault.injected.is_alone));
            println!(
                "{kind:<36} {:>5}  {alone:>17}  {storm:>17}   {before:.1} → {during:.1} → {after:.1}",
                faults.len()
            );
        }
        println!("outcomes: {:?}", self.outcomes());
        let (most, above) = busiest_second(&self.history);
        println!(
            "busiest second: {most} requests, {} are the rate; above it and one: {above}",
            self.plan.cps
        );
        println!("violations: {}", self.violations.len());
        for violation in self.violations.iter().take(50) {
            println!("  {}: {}", violation.promise, violation.what);
        }
    }
}

fn tell(injected: Injected, handovers: &[Handover], arrivals: &[f64]) -> Told {
    let rate = |from: f64, until: f64| {
        let within = arrivals.iter().filter(|arrival| (from..until).contains(*arrival)).count();
        if until - from < 0.05 { 0.0 } else { within as f64 / (until - from) }
    };
    let Injected { at, healed_at, .. } = injected;
    let rates = [rate(at - SPAN, at), rate(at, healed_at), rate(healed_at, healed_at + SPAN)];
    let recovery = match (injected.accepts_at, injected.victim) {
        (Some(accepts_at), _) => {
            arrivals.iter().find(|arrival| **arrival > accepts_at).map(|arrival| arrival - accepts_at)
        }
        (None, Some(victim)) => takeover(victim, at, handovers),
        (None, None) => None,
    };
    Told { injected, recovery, rates }
}

/// How long it took until each campaign that `victim` owned at `at` had another owner.
fn takeover(victim: uuid::Uuid, at: f64, handovers: &[Handover]) -> Option<f64> {
    let mut owned: BTreeMap<uuid::Uuid, bool> = BTreeMap::new();
    for handover in handovers.iter().filter(|handover| handover.at <= at) {
        owned.insert(handover.campaign, handover.to == Some(victim));
    }
    let campaigns = owned.into_iter().filter(|(_, is_victim_s)| *is_victim_s).map(|(campaign, _)| campaign);
    let taken_after = |campaign| {
        let taken = |handover: &&Handover| {
            handover.campaign == campaign && handover.at > at && handover.to.is_some_and(|to| to != victim)
        };
        handovers.iter().find(taken).map(|handover| handover.at - at)
    };
    campaigns.filter_map(taken_after).filter(|after| *after < LONGEST_TAKEOVER).max_by(f64::total_cmp)
}

/// The recoveries of some of these faults, the shortest first.
fn recoveries(faults: &[&Told], which: impl Fn(&Told) -> bool) -> Vec<f64> {
    let mut times: Vec<f64> =
        faults.iter().filter(|fault| which(fault)).filter_map(|fault| fault.recovery).collect();
    times.sort_by(f64::total_cmp);
    times
}

fn middle(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

fn mean_rates(faults: &[&Told]) -> [f64; 3] {
    [0, 1, 2]
        .map(|place| faults.iter().map(|fault| fault.rates[place]).sum::<f64>() / faults.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_takeover_lasts_until_the_last_campaign_has_another_owner() {
        let [dead, other] = [1, 2].map(Uuid::from_u128);
        let handover =
            |at, campaign: u128, to| Handover { at, campaign: Uuid::from_u128(campaign), to: Some(to) };
        let handovers = [
            handover(1.0, 10, dead),
            handover(1.0, 11, dead),
            handover(1.0, 12, dead),
            handover(2.0, 12, other),
            handover(20.0, 10, other),
            handover(25.0, 11, other),
            handover(90.0, 12, dead),
        ];
        assert_eq!(takeover(dead, 5.0, &handovers), Some(20.0));
        assert_eq!(takeover(other, 1.5, &handovers), None);
    }
}
