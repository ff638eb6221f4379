//! The judge. It reads two histories that know nothing of each other, the provider's ledger and the database's rows and
//! audit, together with what people were promised, and names every promise that was broken. It is a pure function, and
//! its own tests show it histories that are bad.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

/// A promise is kept within a second; the request is on its way for a moment more until the ledger sees it.
const TAKES_EFFECT_WITHIN: f64 = 1.0 + 0.25;

/// When a node's places come it knows as well as how long the database took to say so, and whoever stands at the door
/// with a request may be held up on the last step. The report tells how many requests left together.
const A_PLACE_IS_UNSURE_BY: f64 = 0.25;

/// A node's clock may be wrong by half of the way to the database and back, which it takes for known below a second.
const CLOCKS_DIFFER_BY: f64 = 0.5;

/// Everything that happened, in real seconds since the beginning unless said otherwise.
#[derive(Debug, Default)]
pub struct History {
    pub cps: f64,
    /// Attempts that may count at most for one contact.
    pub most_attempts: i32,
    /// The shortest time between two calls to one contact.
    pub backoff: f64,
    /// The ledger: requests to place a call.
    pub asked: Vec<Asked>,
    /// The ledger: status callbacks that were answered with 2xx.
    pub told: Vec<Told>,
    /// The ledger: numbers, called and calling, with the most calls that they had open at one time.
    pub rings: BTreeMap<String, u32>,
    /// The database.
    pub attempts: HashMap<Uuid, Attempt>,
    pub contacts: Vec<Contact>,
    pub campaigns: Vec<Campaign>,
    pub audit: Vec<Audit>,
    /// Counters that are not what a recount says.
    pub wrong_counts: Vec<String>,
    /// What people were told is in force, and from when to when.
    pub halts: Vec<Halt>,
    /// What processes and logs must not do, and did.
    pub misbehaviour: Vec<String>,
}

/// A request to place a call, as the ledger has it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub at: f64,
    pub to: String,
    /// From the callback's URL; none if the request came without its form.
    pub ids: Option<(Uuid, Uuid)>,
    /// The call that it placed, and how that stands at the end.
    pub placed: Option<(String, String)>,
}

/// A callback that was answered with 2xx.
#[derive(Debug, Clone)]
pub struct Told {
    pub attempt: Uuid,
    pub sid: String,
    pub status: String,
    /// The provider's number of the callback.
    pub sequence: i64,
}

#[derive(Debug, Clone)]
pub struct Attempt {
    pub campaign: Uuid,
    pub sid: Option<String>,
    pub status: Option<String>,
    /// Whether the provider told the status by itself, and in which callback of the call; none if it was asked.
    pub told_in: Option<i64>,
    pub outcome: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Contact {
    pub id: Uuid,
    pub state: String,
    pub is_due: bool,
    pub attempts: i32,
}

#[derive(Debug, Clone)]
pub struct Campaign {
    pub id: Uuid,
    pub state: String,
    /// Rows of its list, and contacts that there are.
    pub imported: i64,
    pub contacts: i64,
    /// Whether its hours were over all the time.
    pub is_closed: bool,
}

/// A step that the database saw.
#[derive(Debug, Clone)]
pub enum Audit {
    /// A campaign's owner changed.
    Owner { campaign: Uuid, epochs: (i64, i64), nodes: (Option<String>, Option<String>) },
    /// An attempt's status went back.
    StatusBack { attempt: Uuid, is_same_call: bool },
    /// An attempt was written under an epoch, while the campaign had one.
    Intent { attempt: Uuid, epoch: i64, campaign_s: i64 },
}

/// Somebody's wish that no request may pass over.
#[derive(Debug, Clone)]
pub struct Halt {
    pub of: Halted,
    pub from: f64,
    pub until: f64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halted {
    Campaign(Uuid),
    Number(String),
}

/// A promise that was broken, by the number it has among the invariants, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub promise: &'static str,
    pub what: String,
}

/// Judges a history after everything has come to rest.
pub fn judge(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut blame = |promise, what: String| found.push(Violation { promise, what });
    one_request_per_intent(history, &mut blame);
    nobody_is_forgotten(history, &mut blame);
    what_was_acknowledged_is_stored(history, &mut blame);
    attempts_are_bounded(history, &mut blame);
    the_rate_holds(history, &mut blame);
    halts_are_obeyed(history, &mut blame);
    ownership_only_grows(history, &mut blame);
    for what in &history.misbehaviour {
        blame("D1/I12", what.clone());
    }
    found
}

type Blame<'a> = dyn FnMut(&'static str, String) + 'a;

fn one_request_per_intent(history: &History, blame: &mut Blame<'_>) {
    let mut seen = HashSet::new();
    for asked in &history.asked {
        let Some((campaign, id)) = asked.ids else {
            if asked.placed.is_some() {
                blame("I1", format!("a call to {} was placed that names no attempt", asked.to));
            }
            continue;
        };
        if !seen.insert(id) {
            blame("I1", format!("two requests left for attempt {id}, the later at {:.3} s", asked.at));
        }
        let Some(attempt) = history.attempts.get(&id) else {
            blame("I1", format!("a request left for attempt {id}, which is not written"));
            continue;
        };
        if attempt.campaign != campaign {
            blame("I1", format!("attempt {id} was asked for in another campaign's name"));
        }
        let Some((sid, status)) = &asked.placed else { continue };
        // One that was called off before it was dialed has rightly not been placed.
        if attempt.outcome.as_deref() == Some("not-placed") && status != "canceled" {
            blame("I1", format!("attempt {id} counts as not placed, and call {sid} is {status}"));
        }
        if attempt.sid.as_ref().is_some_and(|known| known != sid) {
            blame("I1", format!("attempt {id} has taken another call for its own than {sid}"));
        }
    }
    for (number, most) in history.rings.iter().filter(|(_, most)| **most > 1) {
        blame("I1/I7", format!("{number} had {most} calls open at one time"));
    }
}

fn nobody_is_forgotten(history: &History, blame: &mut Blame<'_>) {
    for contact in &history.contacts {
        let is_final = ["completed", "failed", "suppressed"].contains(&contact.state.as_str());
        let is_waiting = contact.state == "pending" && contact.is_due;
        if !is_final && !is_waiting {
            blame("I2", format!("contact {} is {} and nothing will happen to it", contact.id, contact.state));
        }
    }
    for campaign in &history.campaigns {
        if campaign.imported != campaign.contacts {
            let (id, rows, contacts) = (campaign.id, campaign.imported, campaign.contacts);
            blame("I2", format!("campaign {id} has {contacts} contacts of {rows} rows"));
        }
        if !campaign.is_closed && !["completed", "draft"].contains(&campaign.state.as_str()) {
            blame("I2", format!("campaign {} has come to rest {}", campaign.id, campaign.state));
        }
    }
    for wrong in &history.wrong_counts {
        blame("I2", wrong.clone());
    }
}

/// A status's place in the fold's order.
fn rank(status: &str) -> usize {
    let order = ["queued", "initiated", "ringing", "in-progress"];
    order.iter().position(|known| *known == status).unwrap_or(order.len())
}

fn what_was_acknowledged_is_stored(history: &History, blame: &mut Blame<'_>) {
    for Told { attempt: id, sid, status, sequence } in &history.told {
        let stored = history.attempts.get(id);
        // A callback that was lost may have been made good by asking. It was lost all the same, and the row shows it:
        // what is told outranks what was asked.
        let is_stored = stored.is_some_and(|attempt| {
            let known = attempt.status.as_deref().map(rank);
            let is_it = known == Some(rank(status)) && attempt.told_in.is_some_and(|told| told >= *sequence);
            attempt.sid.as_ref() == Some(sid) && (known > Some(rank(status)) || is_it)
        });
        if !is_stored {
            blame("I3", format!("{status} of {sid} was acknowledged, and attempt {id} is {stored:?}"));
        }
    }
    for asked in &history.asked {
        let (Some((_, id)), Some((sid, status))) = (asked.ids, &asked.placed) else { continue };
        let Some(attempt) = history.attempts.get(&id) else { continue };
        let is_known = attempt.sid.is_some() && attempt.outcome.as_deref() != Some("unknown");
        if is_known && attempt.outcome.is_some() && attempt.status.as_ref() != Some(status) {
            blame("I4", format!("{sid} is {status}, and attempt {id} says {:?}", attempt.status));
        }
    }
    for audit in &history.audit {
        if let Audit::StatusBack { attempt, is_same_call: true } = audit {
            blame("I4", format!("the status of attempt {attempt} went back"));
        }
    }
}

fn attempts_are_bounded(history: &History, blame: &mut Blame<'_>) {
    for contact in history.contacts.iter().filter(|contact| contact.attempts > history.most_attempts) {
        let (id, attempts, most) = (contact.id, contact.attempts, history.most_attempts);
        blame("I5", format!("contact {id} had {attempts} attempts, {most} were allowed"));
    }
    let mut last: HashMap<(Uuid, &str), f64> = HashMap::new();
    let placed = history.asked.iter().filter(|asked| asked.placed.is_some());
    for (asked, (campaign, _)) in placed.filter_map(|asked| Some((asked, asked.ids?))) {
        if let Some(before) = last.insert((campaign, &asked.to), asked.at)
            && asked.at - before < history.backoff - CLOCKS_DIFFER_BY
        {
            let pause = asked.at - before;
            blame("I5", format!("{} was called again after {pause:.3} s, in campaign {campaign}", asked.to));
        }
    }
}

fn the_rate_holds(history: &History, blame: &mut Blame<'_>) {
    let allowed = (history.cps * (1.0 + A_PLACE_IS_UNSURE_BY)).floor() as usize + 1;
    let mut told_until = f64::NEG_INFINITY;
    for (since, within) in full_seconds(history) {
        // One burst is one violation.
        if within > allowed && since > told_until {
            told_until = since + 1.0;
            blame(
                "I6",
                format!("{within} requests within the second from {since:.3} s, {allowed} were allowed"),
            );
        }
    }
}

/// The seconds that end with a request: when each began, and how many requests arrived within it.
fn full_seconds(history: &History) -> Vec<(f64, usize)> {
    let mut arrivals: Vec<f64> = history.asked.iter().map(|asked| asked.at).collect();
    arrivals.sort_by(f64::total_cmp);
    let mut from = 0;
    let second = |(upto, arrival): (usize, &f64)| {
        while arrival - arrivals[from] >= 1.0 {
            from += 1;
        }
        (arrivals[from], upto + 1 - from)
    };
    arrivals.iter().enumerate().map(second).collect()
}

/// The most requests that arrived within a second, wherever it begins, and in how many of the seconds that end with a
/// request there were more than the rate and one.
pub fn busiest_second(history: &History) -> (usize, usize) {
    let seconds = full_seconds(history);
    let most = seconds.iter().map(|(_, within)| *within).max().unwrap_or(0);
    let above = seconds.iter().filter(|(_, within)| *within > history.cps.ceil() as usize + 1).count();
    (most, above)
}

fn halts_are_obeyed(history: &History, blame: &mut Blame<'_>) {
    for asked in &history.asked {
        let Some((campaign, id)) = asked.ids else { continue };
        for halt in &history.halts {
            let concerns = match &halt.of {
                Halted::Campaign(halted) => *halted == campaign,
                Halted::Number(number) => *number == asked.to,
            };
            if concerns && asked.at > halt.from + TAKES_EFFECT_WITHIN && asked.at < halt.until {
                let late = asked.at - halt.from;
                blame("I9", format!("attempt {id} left {late:.3} s after {:?} was in force", halt.of));
            }
        }
        if history.campaigns.iter().any(|known| known.id == campaign && known.is_closed) {
            blame("I8", format!("attempt {id} left outside the hours of campaign {campaign}"));
        }
    }
}

fn ownership_only_grows(history: &History, blame: &mut Blame<'_>) {
    for audit in &history.audit {
        match audit {
            Audit::Owner { campaign, epochs: (old, new), .. } if new < old => {
                blame("I10", format!("the epoch of campaign {campaign} fell from {old} to {new}"));
            }
            Audit::Owner { campaign, epochs: (old, new), nodes: (_, Some(node)) } if new == old => {
                blame("I10", format!("node {node} took campaign {campaign} without a new epoch"));
            }
            Audit::Intent { attempt, epoch, campaign_s } if epoch != campaign_s => {
                blame("I10", format!("attempt {attempt} was written under epoch {epoch} of {campaign_s}"));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn asked(attempt: u128, at: f64) -> Asked {
        Asked {
            at,
            to: format!("+120255501{attempt:02}"),
            ids: Some((id(1000), id(attempt))),
            placed: Some((format!("CA{attempt}"), "completed".to_owned())),
        }
    }

    fn attempt(number: u128) -> (Uuid, Attempt) {
        let attempt = Attempt {
            campaign: id(1000),
            sid: Some(format!("CA{number}")),
            status: Some("completed".to_owned()),
            told_in: Some(3),
            outcome: Some("answered".to_owned()),
        };
        (id(number), attempt)
    }

    /// Three calls, as they should go.
    fn good() -> History {
        let told = |number: u128| Told {
            attempt: id(number),
            sid: format!("CA{number}"),
            status: "completed".into(),
            sequence: 3,
        };
        let contact = |number: u128| Contact {
            id: id(100 + number),
            state: "completed".into(),
            is_due: false,
            attempts: 1,
        };
        History {
            cps: 2.0,
            most_attempts: 3,
            backoff: 9.0,
            asked: vec![asked(1, 0.0), asked(2, 0.4), asked(3, 0.8)],
            told: (1..=3).map(told).collect(),
            rings: BTreeMap::from([("+12025550101".to_owned(), 1)]),
            attempts: (1..=3).map(attempt).collect(),
            contacts: (1..=3).map(contact).collect(),
            campaigns: vec![Campaign {
                id: id(1000),
                state: "completed".into(),
                imported: 3,
                contacts: 3,
                is_closed: false,
            }],
            audit: vec![
                Audit::Owner { campaign: id(1000), epochs: (1, 2), nodes: (None, Some("a".into())) },
                Audit::Owner { campaign: id(1000), epochs: (2, 2), nodes: (Some("a".into()), None) },
                Audit::Intent { attempt: id(1), epoch: 2, campaign_s: 2 },
                Audit::StatusBack { attempt: id(1), is_same_call: false },
            ],
            wrong_counts: Vec::new(),
            halts: vec![Halt { of: Halted::Campaign(id(1000)), from: 1.0, until: 5.0 }],
            misbehaviour: Vec::new(),
        }
    }

    fn blamed(spoil: impl FnOnce(&mut History)) -> Vec<&'static str> {
        let mut history = good();
        spoil(&mut history);
        judge(&history).into_iter().map(|violation| violation.promise).collect()
    }

    #[test]
    fn a_good_history_is_not_blamed() {
        assert_eq!(judge(&good()), []);
    }

    #[test]
    fn two_rings_for_one_intent_are_seen() {
        assert!(blamed(|bad| bad.asked.push(asked(1, 20.0))).contains(&"I1"));
        assert!(blamed(|bad| *bad.rings.get_mut("+12025550101").unwrap() = 2).contains(&"I1/I7"));
    }

    #[test]
    fn a_request_without_its_intent_is_seen() {
        assert!(blamed(|bad| drop(bad.attempts.remove(&id(2)))).contains(&"I1"));
        assert_eq!(blamed(|bad| bad.attempts.get_mut(&id(2)).unwrap().campaign = id(7)), ["I1"]);
        assert_eq!(blamed(|bad| bad.asked[0].ids = None), ["I1"]);
        let truncated = Asked { ids: None, placed: None, ..asked(1, 9.0) };
        assert_eq!(blamed(|bad| bad.asked.push(truncated)), [] as [&str; 0]);
    }

    #[test]
    fn a_call_that_is_taken_for_none_or_for_another_s_is_seen() {
        let not_placed = |bad: &mut History| {
            bad.attempts.get_mut(&id(2)).unwrap().outcome = Some("not-placed".into());
        };
        assert!(blamed(not_placed).contains(&"I1"));
        assert!(blamed(|bad| bad.attempts.get_mut(&id(2)).unwrap().sid = Some("CA9".into())).contains(&"I1"));
    }

    #[test]
    fn whoever_is_forgotten_is_seen() {
        assert_eq!(blamed(|bad| bad.contacts[0].state = "calling".into()), ["I2"]);
        assert_eq!(blamed(|bad| bad.contacts[0].state = "pending".into()), ["I2"]);
        assert_eq!(blamed(|bad| bad.campaigns[0].contacts = 2), ["I2"]);
        assert_eq!(blamed(|bad| bad.campaigns[0].state = "running".into()), ["I2"]);
        assert_eq!(blamed(|bad| bad.wrong_counts.push("3 kept, 2 counted".into())), ["I2"]);
    }

    #[test]
    fn a_callback_that_was_acknowledged_and_lost_is_seen() {
        let lost = |bad: &mut History| {
            let attempt = bad.attempts.get_mut(&id(2)).unwrap();
            (attempt.status, attempt.outcome) = (Some("queued".into()), None);
        };
        assert_eq!(blamed(lost), ["I3"]);
        let never_heard_of = |bad: &mut History| {
            let attempt = bad.attempts.get_mut(&id(2)).unwrap();
            (attempt.sid, attempt.status, attempt.outcome) = (None, None, Some("unknown".into()));
        };
        assert_eq!(blamed(never_heard_of), ["I3"]);
        let made_good_by_asking = |bad: &mut History| bad.attempts.get_mut(&id(2)).unwrap().told_in = None;
        assert_eq!(blamed(made_good_by_asking), ["I3"]);
        let superseded = |good: &mut History| good.told[0].status = "ringing".into();
        assert_eq!(blamed(superseded), [] as [&str; 0]);
    }

    #[test]
    fn a_status_that_goes_back_or_ends_otherwise_is_seen() {
        let back = Audit::StatusBack { attempt: id(1), is_same_call: true };
        assert_eq!(blamed(|bad| bad.audit.push(back)), ["I4"]);
        let busy = |bad: &mut History| bad.attempts.get_mut(&id(2)).unwrap().status = Some("busy".into());
        assert_eq!(blamed(busy), ["I4"]);
    }

    #[test]
    fn too_many_attempts_and_a_backoff_that_is_cut_short_are_seen() {
        assert_eq!(blamed(|bad| bad.contacts[0].attempts = 4), ["I5"]);
        let again = |at| {
            move |bad: &mut History| {
                bad.attempts.extend([attempt(4)]);
                bad.asked.push(Asked { to: "+12025550101".into(), ..asked(4, at) });
            }
        };
        assert_eq!(blamed(again(8.4)), ["I5"]);
        assert_eq!(blamed(again(9.1)), [] as [&str; 0]);
    }

    #[test]
    fn a_second_that_is_too_full_is_seen_once() {
        let burst = |bad: &mut History| {
            bad.attempts.extend((4..=9).map(attempt));
            bad.asked.extend((4..=8).map(|number| asked(number, 20.5 + number as f64 / 100.0)));
            bad.asked.push(asked(9, 21.2));
        };
        assert_eq!(blamed(burst), ["I6"]);
    }

    #[test]
    fn a_request_after_a_pause_an_opt_out_or_the_hours_is_seen() {
        let late = |at| {
            move |bad: &mut History| {
                bad.attempts.extend([attempt(4)]);
                bad.asked.push(asked(4, at));
            }
        };
        assert_eq!(blamed(late(2.2)), [] as [&str; 0], "within the second");
        assert_eq!(blamed(late(2.3)), ["I9"]);
        assert_eq!(blamed(late(5.1)), [] as [&str; 0], "resumed");
        let opted_out = Halt { of: Halted::Number("+12025550103".into()), from: -1.0, until: f64::INFINITY };
        assert_eq!(blamed(|bad| bad.halts.push(opted_out)), ["I9"]);
        let closed = |bad: &mut History| {
            bad.campaigns[0].is_closed = true;
            bad.asked.truncate(1);
        };
        assert_eq!(blamed(closed), ["I8"]);
    }

    #[test]
    fn an_ownership_that_does_not_grow_is_seen() {
        let owner = |epochs, nodes| Audit::Owner { campaign: id(1000), epochs, nodes };
        assert_eq!(blamed(|bad| bad.audit.push(owner((3, 2), (None, None)))), ["I10"]);
        let taken = owner((3, 3), (Some("a".into()), Some("b".into())));
        assert_eq!(blamed(|bad| bad.audit.push(taken)), ["I10"]);
        let stale = Audit::Intent { attempt: id(1), epoch: 1, campaign_s: 2 };
        assert_eq!(blamed(|bad| bad.audit.push(stale)), ["I10"]);
    }

    #[test]
    fn a_process_that_gave_up_by_itself_is_seen() {
        assert_eq!(blamed(|bad| bad.misbehaviour.push("node 1 ended by itself".into())), ["D1/I12"]);
    }
}
