//! Hooks: whose they are, what they have to do, and what becomes of what they send.

use chrono::TimeDelta;
use outdial::db::events::place_events;
use outdial::db::hooks::deliveries::{
    HookView, Left, Redelivery, Tried, Turn, forget_delivery, list_deliveries, look_at_hook,
    record_delivered, record_try, redeliver, redeliver_dead, skip_to, sweep_deliveries,
};
use outdial::db::hooks::share::{
    HookOwner, HooksAtWork, hooks_at_work, leave_hooks, let_go_of_hooks, list_excess_hooks, list_owned_hooks,
    take_over_hooks,
};
use outdial::db::hooks::{Change, Made, NewHook, change_hook, delete_hook, find_hook, insert_hook};
use outdial::domain::event::EventKind;
use outdial::domain::hook::{DeliveryState, Stopped};

use super::*;

impl Bench {
    pub(super) async fn make_hook(&self, after: Option<i64>, most: i64) -> (Uuid, Made) {
        let id = Uuid::now_v7();
        let url = "https://receiver.example/";
        let hook = NewHook { id, name: None, url, kinds: None, secret: &[7; 32], after };
        (id, insert_hook(&self.database, self.team, &hook, (most, self.now)).await.unwrap())
    }

    /// A hook of this node's that begins at the beginning.
    async fn own_hook(&self) -> HookOwner {
        let (id, made) = self.make_hook(Some(0), 100).await;
        assert_eq!(made, Made::Done);
        take_over_hooks(&self.database, self.node).await.unwrap();
        let owned = list_owned_hooks(&self.database, self.node).await.unwrap();
        owned.iter().find(|owned| owned.owner.hook == id).expect("an owner").owner
    }

    /// Makes so many things happen, and returns the last one's position.
    async fn make_happen(&self, count: u32) -> i64 {
        for number in 0..count {
            self.draft(&[&phone(number)]).await;
        }
        while place_events(&self.database).await.unwrap().may_be_more {}
        outdial::db::events::last_position(&self.database).await.unwrap()
    }

    async fn view(&self, owner: HookOwner) -> Option<HookView> {
        look_at_hook(&self.database, owner, self.now).await.unwrap()
    }

    async fn try_it(
        &self,
        owner: HookOwner,
        turn: Turn,
        event: i64,
        left: Left,
        stop: Option<Stopped>,
    ) -> bool {
        let status = if left == Left::Delivered { 204 } else { 500 };
        let error = (left != Left::Delivered).then_some("no");
        let kind = EventKind::CampaignCreated;
        let tried = Tried { event, kind, status: Some(status), error, response: Some("x"), stop };
        record_try(&self.database, owner, turn, (&tried, left), self.now).await.unwrap().is_some()
    }

    async fn states(&self, owner: HookOwner) -> Vec<(i64, DeliveryState, u32)> {
        let hook = (self.team, owner.hook);
        let rows = list_deliveries(&self.database, hook, None, None, 100).await.unwrap();
        rows.iter().map(|row| (row.event, row.state, row.tries)).collect()
    }
}

#[tokio::test]
async fn the_living_share_the_hooks_and_whoever_has_lost_one_writes_no_more_of_it() {
    let bench = Bench::new().await;
    let last = bench.make_happen(2).await;
    let mine = bench.own_hook().await;
    let other = Uuid::now_v7();
    nodes::renew(&bench.database, oneself(other), Duration::from_secs(59)).await.unwrap();
    for _ in 0..3 {
        bench.own_hook_of_anybody().await;
    }
    // Four hooks, two nodes: two each.
    assert_eq!(take_over_hooks(&bench.database, bench.node).await.unwrap(), 1);
    assert_eq!(take_over_hooks(&bench.database, other).await.unwrap(), 2);
    assert_eq!(take_over_hooks(&bench.database, other).await.unwrap(), 0);
    leave_hooks(&bench.database, other).await.unwrap();
    assert_eq!(take_over_hooks(&bench.database, Uuid::now_v7()).await.unwrap(), 0, "it is not alive");
    nodes::leave(&bench.database, other).await.unwrap();
    assert_eq!(take_over_hooks(&bench.database, bench.node).await.unwrap(), 2);
    // A third one comes, and what is too much is let go of.
    nodes::renew(&bench.database, oneself(other), Duration::from_secs(59)).await.unwrap();
    let excess = list_excess_hooks(&bench.database, bench.node).await.unwrap();
    assert_eq!(excess.len(), 2);
    let_go_of_hooks(&bench.database, bench.node, &excess).await.unwrap();
    assert!(list_excess_hooks(&bench.database, bench.node).await.unwrap().is_empty());
    // A dead node's are free.
    let by_hand = "UPDATE nodes SET alive_until = clock_timestamp() - interval '1 second' WHERE id = $1";
    bench.psql().await.execute(by_hand, &[&bench.node]).await.unwrap();
    assert_eq!(take_over_hooks(&bench.database, other).await.unwrap(), 4);
    assert!(bench.view(mine).await.is_none());
    assert_eq!(record_delivered(&bench.database, mine, last, bench.now).await.unwrap(), None);
    assert!(!bench.try_it(mine, Turn::Its, last, Left::Dead, None).await);
    skip_to(&bench.database, mine, last).await.unwrap();
    let hook = find_hook(&bench.database, bench.team, mine.hook).await.unwrap().unwrap();
    assert_eq!((hook.delivered_position, hook.dead), (0, 0));
}

impl Bench {
    async fn own_hook_of_anybody(&self) {
        assert_eq!(self.make_hook(None, 100).await.1, Made::Done);
    }
}

#[tokio::test]
async fn a_hook_begins_with_the_present_or_after_an_event_that_has_happened() {
    let bench = Bench::new().await;
    let last = bench.make_happen(2).await;
    let begins = async |after| match bench.make_hook(after, 3).await {
        (id, Made::Done) => {
            let hook = find_hook(&bench.database, bench.team, id).await.unwrap().unwrap();
            Ok(hook.delivered_position)
        }
        (_, refused) => Err(refused),
    };
    assert_eq!(begins(None).await, Ok(last));
    assert_eq!(begins(Some(1)).await, Ok(1));
    assert_eq!(begins(Some(last + 1)).await, Err(Made::NotYet(last)));
    assert_eq!(begins(Some(last)).await, Ok(last));
    assert_eq!(begins(None).await, Err(Made::TooMany));
}

#[tokio::test]
async fn an_event_that_fails_is_the_next_until_it_is_delivered_or_given_up() {
    let bench = Bench::new().await;
    let last = bench.make_happen(3).await;
    let owner = bench.own_hook().await;
    let later = bench.now + TimeDelta::minutes(2);
    assert_eq!(record_delivered(&bench.database, owner, 1, bench.now).await.unwrap(), Some(0));
    assert_eq!(record_delivered(&bench.database, owner, 1, bench.now).await.unwrap(), None, "not twice");
    assert!(bench.states(owner).await.is_empty(), "what arrives at once leaves no row");
    for tries in 1..=2 {
        assert!(bench.try_it(owner, Turn::Its, 2, Left::Retrying(later), None).await);
        let view = bench.view(owner).await.unwrap();
        let retrying = view.retrying.unwrap();
        assert_eq!((retrying.event, retrying.tries, retrying.next_try_at), (2, tries, later));
        assert_eq!((view.delivered_position, view.failing_since), (1, Some(bench.now)));
    }
    assert!(bench.try_it(owner, Turn::Its, 2, Left::Delivered, None).await);
    let view = bench.view(owner).await.unwrap();
    assert_eq!((view.delivered_position, view.failing_since, view.last_position), (2, None, last));
    assert!(view.retrying.is_none());
    assert!(bench.try_it(owner, Turn::Its, 3, Left::Dead, None).await);
    assert_eq!(bench.view(owner).await.unwrap().delivered_position, 3);
    let states = [(3, DeliveryState::Dead, 1), (2, DeliveryState::Delivered, 3)];
    assert_eq!(bench.states(owner).await, states);
    // The table itself lets no second event be tried before the first is done with.
    bench.try_it(owner, Turn::Its, 4, Left::Retrying(later), None).await;
    let kind = EventKind::CampaignCreated;
    let tried = Tried { event: 5, kind, status: None, error: Some("no"), response: None, stop: None };
    let refused =
        record_try(&bench.database, owner, Turn::Its, (&tried, Left::Retrying(later)), bench.now).await;
    assert!(refused.unwrap_err().is_conflict_with("one_event_at_a_time"));
}

#[tokio::test]
async fn a_hook_that_is_stopped_has_nothing_to_do_and_begins_anew_when_it_is_enabled() {
    let bench = Bench::new().await;
    bench.make_happen(1).await;
    let owner = bench.own_hook().await;
    let stop = Some(Stopped::Gone);
    assert!(bench.try_it(owner, Turn::Its, 1, Left::Retrying(bench.minutes(60)), stop).await);
    assert!(bench.view(owner).await.is_none());
    assert!(list_owned_hooks(&bench.database, bench.node).await.unwrap().is_empty());
    let hook = (bench.team, owner.hook);
    let by_hand = Change { is_enabled: Some(false), ..Change::default() };
    let change =
        async |change: &Change<'_>, now| change_hook(&bench.database, hook, change, now).await.unwrap();
    assert!(change(&by_hand, bench.minutes(1)).await);
    let stopped = find_hook(&bench.database, hook.0, hook.1).await.unwrap().unwrap().stopped;
    assert_eq!(stopped, Some((Stopped::Gone, bench.now)), "the first reason stays");
    let enabled = Change { is_enabled: Some(true), ..Change::default() };
    assert!(change(&enabled, bench.minutes(5)).await);
    let view = bench.view(owner).await.unwrap();
    assert_eq!((view.working_since, view.failing_since), (bench.minutes(5), None));
    assert_eq!(view.retrying.unwrap().next_try_at, bench.minutes(5));
    assert!(!change_hook(&bench.database, (Uuid::now_v7(), hook.1), &enabled, bench.now).await.unwrap());
    assert!(!delete_hook(&bench.database, Uuid::now_v7(), hook.1).await.unwrap());
    assert!(delete_hook(&bench.database, hook.0, hook.1).await.unwrap());
    assert!(bench.states(owner).await.is_empty(), "its deliveries go with it");
}

#[tokio::test]
async fn what_was_given_up_or_delivered_can_be_asked_for_and_what_is_retried_is_hurried() {
    let bench = Bench::new().await;
    bench.make_happen(4).await;
    let owner = bench.own_hook().await;
    let ask =
        async |event| redeliver(&bench.database, (bench.team, owner.hook), event, bench.now).await.unwrap();
    assert_eq!(ask(1).await, Redelivery::NotYet);
    record_delivered(&bench.database, owner, 1, bench.now).await.unwrap();
    bench.try_it(owner, Turn::Its, 2, Left::Dead, None).await;
    bench.try_it(owner, Turn::Its, 3, Left::Retrying(bench.minutes(60)), None).await;
    for (event, came) in
        [(1, Redelivery::Asked), (3, Redelivery::Asked), (4, Redelivery::NotYet), (999, Redelivery::NoEvent)]
    {
        assert_eq!(ask(event).await, came, "{event}");
    }
    let view = bench.view(owner).await.unwrap();
    assert_eq!((view.asked, view.retrying.unwrap().next_try_at), (Some(1), bench.now));
    let strangers = redeliver(&bench.database, (Uuid::now_v7(), owner.hook), 1, bench.now).await.unwrap();
    assert_eq!(strangers, Redelivery::NoHook);
    assert_eq!(redeliver_dead(&bench.database, Uuid::now_v7(), owner.hook).await.unwrap(), None);
    assert_eq!(redeliver_dead(&bench.database, bench.team, owner.hook).await.unwrap(), Some(1));
    assert_eq!(redeliver_dead(&bench.database, bench.team, owner.hook).await.unwrap(), Some(0));
    // It is nobody's turn, so the position stays, and its failure says nothing of the others'.
    bench.try_it(owner, Turn::Asked, 1, Left::Delivered, None).await;
    bench.try_it(owner, Turn::Asked, 2, Left::Dead, None).await;
    let view = bench.view(owner).await.unwrap();
    assert_eq!((view.asked, view.delivered_position, view.failing_since), (None, 2, None));
    let states =
        [(3, DeliveryState::Retrying, 1), (2, DeliveryState::Dead, 2), (1, DeliveryState::Delivered, 1)];
    assert_eq!(bench.states(owner).await, states);
    // An event that is not kept any more is forgotten, and the next has its turn.
    forget_delivery(&bench.database, owner, 3, Turn::Its).await.unwrap();
    let view = bench.view(owner).await.unwrap();
    assert!(view.retrying.is_none() && view.delivered_position == 3);
}

#[tokio::test]
async fn what_is_long_over_is_forgotten() {
    let bench = Bench::new().await;
    bench.make_happen(2).await;
    let owner = bench.own_hook().await;
    bench.try_it(owner, Turn::Its, 1, Left::Delivered, None).await;
    bench.try_it(owner, Turn::Its, 2, Left::Dead, None).await;
    for (days, left) in [(6, 2), (8, 1), (29, 1), (31, 0)] {
        sweep_deliveries(&bench.database, bench.now + TimeDelta::days(days)).await.unwrap();
        assert_eq!(bench.states(owner).await.len(), left, "after {days} days");
    }
}

#[tokio::test]
async fn operators_see_how_hooks_stand_and_how_far_they_are_behind() {
    let bench = Bench::new().await;
    let last = bench.make_happen(2).await;
    let owner = bench.own_hook().await;
    let stands = async || hooks_at_work(&bench.database, bench.node).await.unwrap();
    let oldest_ahead = Some(bench.now);
    let behind = HooksAtWork { working: 1, failing: 0, stopped: 0, oldest_ahead };
    assert_eq!(stands().await, behind);
    assert!(bench.try_it(owner, Turn::Its, 1, Left::Retrying(bench.minutes(1)), None).await);
    assert_eq!(stands().await, HooksAtWork { working: 0, failing: 1, ..behind });
    assert!(bench.try_it(owner, Turn::Its, 1, Left::Delivered, None).await);
    skip_to(&bench.database, owner, last).await.unwrap();
    let is_there = HooksAtWork { oldest_ahead: None, ..behind };
    assert_eq!(stands().await, is_there);
    assert_eq!(
        hooks_at_work(&bench.database, Uuid::now_v7()).await.unwrap(),
        HooksAtWork { working: 0, ..is_there },
        "another node's"
    );
    for (why, stopped) in [(Stopped::ByHand, 0), (Stopped::Gone, 1)] {
        let sql = "UPDATE hooks SET stopped_because = $1, stopped_at = now()";
        bench.psql().await.execute(sql, &[&why.as_str()]).await.unwrap();
        assert_eq!(stands().await, HooksAtWork { working: 0, stopped, ..is_there }, "{why}");
    }
}
