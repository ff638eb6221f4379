//! Claims, opt-outs and caps all at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// Area codes where it is the time to call.
const AREAS: [u32; 10] = [202, 212, 215, 216, 301, 302, 305, 315, 401, 404];

const CAMPAIGNS: usize = 10;

fn everybody() -> Vec<String> {
    AREAS.iter().flat_map(|area| (100..200).map(move |line| format!("+1{area}5550{line}"))).collect()
}

/// What happened, and in which order.
#[derive(Default)]
struct Seen {
    happened: AtomicU64,
    /// When a suppression was known to be there.
    suppressed_at: Mutex<BTreeMap<String, u64>>,
    /// When the last look was begun that let a request leave.
    left: Mutex<Vec<(String, u64)>>,
}

impl Seen {
    fn next(&self) -> u64 {
        self.happened.fetch_add(1, Ordering::SeqCst)
    }
}

impl Bench {
    /// Claims until nobody is left who may be called now, and returns how many claims that took.
    async fn call_everybody(&self, owner: Ownership, settings: &Settings, seen: &Seen) -> u32 {
        for claims in 1.. {
            match self.claim_by(owner, settings.clone()).await.unwrap() {
                Claim::Attempt(attempt) => {
                    let begun = seen.next();
                    let permission = look_once_more(&self.database, owner, &attempt, self.now).await.unwrap();
                    let (outcome, verdict) = match permission {
                        Permission::Granted => {
                            seen.left.lock().unwrap().push((attempt.phone.clone(), begun));
                            (Outcome::Busy, Verdict::Failed)
                        }
                        Permission::Suppressed => (Outcome::NotPlaced, Verdict::Due(self.now)),
                        Permission::Withdrawn => panic!("nobody touched the campaign"),
                    };
                    assert!(self.settle(owner, attempt.id, outcome, verdict).await);
                }
                Claim::Suppressed(_) | Claim::Capped(_) | Claim::PassedOver(_) => {}
                Claim::Nobody => return claims,
                other => panic!("expected a claim, got {other:?}"),
            }
        }
        unreachable!("somebody is always the last")
    }
}

/// Ten campaigns with the same thousand people, each of whom may be called once a day, and a third of whom opt out
/// meanwhile: 10,000 claims.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_called_too_often_or_after_his_opt_out_in_a_race_of_ten_thousand_claims() {
    let bench = Bench::new().await;
    let phones = everybody();
    let list: Vec<&str> = phones.iter().map(String::as_str).collect();
    let mut owners = Vec::new();
    for _ in 0..CAMPAIGNS {
        owners.push(bench.running(&list).await);
    }
    let mut settings = settings();
    settings.caps.per_day = Some(1);
    let seen = Seen::default();
    let calls = futures_util::future::join_all(
        owners.iter().map(|owner| bench.call_everybody(*owner, &settings, &seen)),
    );
    let opt_outs = async {
        for phone in phones.iter().step_by(3) {
            bench.suppress(phone).await;
            seen.suppressed_at.lock().unwrap().insert(phone.clone(), seen.next());
        }
    };
    let (claims, ()) = tokio::join!(calls, opt_outs);
    let claims: u32 = claims.into_iter().sum();
    assert!(claims as usize >= CAMPAIGNS * phones.len(), "{claims} claims");
    let left = seen.left.into_inner().unwrap();
    let different: BTreeSet<&String> = left.iter().map(|(phone, _)| phone).collect();
    assert_eq!(different.len(), left.len(), "somebody was called twice in a day");
    assert!(left.len() > phones.len() / 3, "only {} were called", left.len());
    let suppressed_at = seen.suppressed_at.into_inner().unwrap();
    for (phone, begun) in &left {
        assert!(suppressed_at.get(phone).is_none_or(|at| at > begun), "{phone} was called after the opt-out");
    }
    for owner in owners {
        assert_recounted(&bench, owner.campaign).await;
    }
}
