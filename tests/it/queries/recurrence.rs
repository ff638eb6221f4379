//! Runs of campaigns that repeat themselves.

use std::collections::BTreeSet;

use outdial::db::callbacks::{Asked, ask_for_callback};
use outdial::db::recurrence::{
    Expected, Fired, Skipped, SkippedFiring, columns_of_a_run, find_last_skipped, fire,
};
use outdial::db::retention::{Erasure, Person, erase_person};
use outdial::domain::callback::{Callback, NoCallback};
use outdial::domain::recurrence::{Expression, Recurrence};

use super::*;

/// The bench's list is called every working day at nine in New York; it is a Monday, ten o'clock there.
const NINE_ON_TUESDAY: &str = "2026-03-03T14:00:00Z";

fn every_working_day() -> Recurrence {
    Recurrence { cron: Expression::parse("0 9 * * MON-FRI").unwrap() }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Bench {
    /// A draft with a schedule and these numbers.
    async fn repeating_draft(&self, phones: &[&str]) -> Uuid {
        let id = Uuid::now_v7();
        let (settings, agent) = (Settings { schedule: Some(every_working_day()), ..settings() }, agent());
        let new = new_campaign(self.team, id, &settings, &agent);
        let mut client = self.database.list_client().await.unwrap();
        let making = begin_campaign(&mut client, &new, &upload(Uuid::now_v7()), self.now).await.unwrap();
        let mut making = making.unwrap();
        making.take(batch(phones).by(&mut making.encoder())).await.unwrap();
        making.finish(&json!({"rows": phones.len()}), &json!({})).await.unwrap();
        id
    }

    /// The same, started: it waits for nine on Tuesday.
    async fn repeating(&self, phones: &[&str]) -> Ownership {
        let id = self.repeating_draft(phones).await;
        let start = Command::Start { account_sid: ACCOUNT, limit: Limited::AsBefore };
        assert_eq!(self.command(id, start).await, Moved::Done);
        self.owner(id).await
    }

    async fn next_firing(&self, campaign: Uuid) -> DateTime<Utc> {
        self.shown(campaign).await.starts_at.expect("a next firing")
    }

    async fn shown(&self, campaign: Uuid) -> campaigns::Campaign {
        campaigns::find_campaign(&self.database, self.team, campaign).await.unwrap().expect("a campaign")
    }

    /// What comes of looking at the campaign at this instant.
    async fn fire_at(&self, owner: Ownership, now: &str) -> Fired {
        let expected = self.expected(owner, now).await;
        fire(&self.database, owner, &expected, Uuid::now_v7(), at(now)).await.unwrap()
    }

    async fn expected(&self, owner: Ownership, now: &str) -> Expected {
        let firing_at = self.next_firing(owner.campaign).await;
        let due = every_working_day()
            .due(&settings().timezone, firing_at, at(now))
            .expect("a firing that has come");
        let settings_version = self.shown(owner.campaign).await.settings_version;
        Expected { firing_at, due, settings_version }
    }

    async fn run_at(&self, owner: Ownership, now: &str) -> Uuid {
        match self.fire_at(owner, now).await {
            Fired::Run { run, .. } => run,
            other => panic!("expected a run, got {other:?}"),
        }
    }

    async fn runs(&self, campaign: Uuid) -> Vec<campaigns::Campaign> {
        campaigns::list_campaigns(&self.database, self.team, None, Some(campaign), None, 100).await.unwrap()
    }

    /// The kinds of a campaign's events, and what is told of each.
    async fn happened(&self, campaign: Uuid) -> Vec<(String, serde_json::Value)> {
        let sql = "SELECT kind, data FROM events WHERE campaign_id = $1 ORDER BY id";
        let rows = self.psql().await.query(sql, &[&campaign]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

#[tokio::test]
async fn every_column_of_what_a_run_is_copied_from_is_thought_of() {
    let bench = Bench::new().await;
    let sql = "SELECT column_name::text FROM information_schema.columns
               WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'";
    for (table, mut thought_of) in columns_of_a_run() {
        let rows = bench.psql().await.query(sql, &[&table]).await.unwrap();
        let mut there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        there.sort_unstable();
        thought_of.sort_unstable();
        assert_eq!(
            thought_of, there,
            "{table}: say in db/recurrence.rs what becomes of each column in a run"
        );
    }
    // What hangs on a campaign is copied or left behind on purpose.
    let sql = "SELECT DISTINCT table_name::text FROM information_schema.columns
               WHERE table_schema = 'public' AND column_name = 'campaign_id'";
    let rows = bench.psql().await.query(sql, &[]).await.unwrap();
    let there: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let (copied, left) = (
        ["areas", "contacts"],
        [
            "attempts",
            "audit",
            "call_sums",
            "calls_summed_up",
            "events",
            "imports",
            "revived_attempts",
            "settings_versions",
        ],
    );
    assert_eq!(there, copied.into_iter().chain(left).map(str::to_owned).collect());
}

#[tokio::test]
async fn a_run_is_a_fresh_copy_that_remembers_where_it_comes_from() {
    let mut bench = Bench::new().await;
    let owner = bench.repeating(&["+12025550101", "+12025550102", "+14155550103"]).await;
    assert_eq!(bench.next_firing(owner.campaign).await, at(NINE_ON_TUESDAY));
    let run = bench.run_at(owner, "2026-03-03T14:00:01Z").await;
    assert_eq!(bench.next_firing(owner.campaign).await, at("2026-03-04T14:00:00Z"));

    let (template, shown) = (bench.shown(owner.campaign).await, bench.shown(run).await);
    assert_eq!(shown.run_of, Some((owner.campaign, at(NINE_ON_TUESDAY))));
    assert_eq!((shown.state, shown.starts_at), (State::Pending, Some(at(NINE_ON_TUESDAY))));
    assert_eq!((shown.settings, shown.settings_version), (settings(), 1));
    assert_eq!((shown.name, shown.agent, shown.import), (template.name, template.agent, template.import));
    assert_eq!(shown.counts, Counts { pending: 3, ..Counts::default() });
    assert_recounted(&bench, run).await;
    assert_recounted(&bench, owner.campaign).await;

    let (ours, theirs) = (bench.contacts(run).await, bench.contacts(owner.campaign).await);
    for (one, other) in ours.iter().zip(&theirs) {
        assert_ne!(one.id, other.id);
        assert_eq!(one.id.get_version_num(), 7);
        assert_eq!((one.position, &one.phone, &one.name), (other.position, &other.phone, &other.name));
        assert_eq!(
            (&one.metadata, one.import, one.due_at),
            (&other.metadata, other.import, Some(at("2026-03-03T14:00:01Z")))
        );
    }
    let kinds = |events: Vec<(String, serde_json::Value)>| {
        events.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(bench.happened(run).await), ["campaign.created", "campaign.started"]);
    assert_eq!(
        kinds(bench.happened(owner.campaign).await),
        ["campaign.created", "campaign.started", "schedule.fired"]
    );
    // It is called like any other.
    bench.now = at("2026-03-03T14:00:02Z");
    let owner = bench.owner(run).await;
    assert!(campaigns::make_move(&bench.database, owner, Move::Begin, None, bench.now).await.unwrap());
    assert_eq!(bench.claimed(owner).await.phone, "+12025550101");
}

#[tokio::test]
async fn a_firing_while_a_run_still_goes_is_skipped_and_told() {
    let bench = Bench::new().await;
    let owner = bench.repeating(&["+12025550101"]).await;
    let first = bench.run_at(owner, "2026-03-03T14:00:00Z").await;
    let still_going = Fired::Skipped(Skipped::StillGoing { run: first });
    assert_eq!(bench.fire_at(owner, "2026-03-04T14:00:00Z").await, still_going);
    let told = bench.happened(owner.campaign).await.pop().unwrap();
    let expected = json!({"reason": "still-going", "firing_at": "2026-03-04T14:00:00Z", "run": first});
    assert_eq!(told, ("schedule.skipped".to_owned(), expected));
    let last_skipped = async |team| find_last_skipped(&bench.database, team, owner.campaign).await.unwrap();
    let skipped = |firing_at: &str| {
        let (firing_at, reason) = (at(firing_at), "still-going".to_owned());
        Some(SkippedFiring { firing_at, reason, run: Some(first) })
    };
    assert_eq!(last_skipped(bench.team).await, skipped("2026-03-04T14:00:00Z"));
    assert_eq!(last_skipped(Uuid::now_v7()).await, None);
    // Somebody paused it and forgot.
    assert_eq!(bench.command(first, Command::Pause).await, Moved::Done);
    assert_eq!(bench.fire_at(owner, "2026-03-05T14:00:00Z").await, still_going);
    assert_eq!(bench.command(first, Command::Cancel).await, Moved::Done);
    let second = bench.run_at(owner, "2026-03-06T14:00:00Z").await;
    assert_eq!(
        last_skipped(bench.team).await,
        skipped("2026-03-05T14:00:00Z"),
        "also after the next was made"
    );
    // Friday's was made; the next one is on Monday, when clocks have been set forward.
    assert_eq!(bench.next_firing(owner.campaign).await, at("2026-03-09T13:00:00Z"));
    let runs: Vec<_> = bench.runs(owner.campaign).await.into_iter().map(|run| run.id).collect();
    assert_eq!(runs, [second, first]);
}

#[tokio::test]
async fn a_firing_has_one_run_however_many_make_it_at_once() {
    let bench = Bench::new().await;
    let phones: Vec<String> = (0..200).map(phone).collect();
    let owner = bench.repeating(&phones.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let now = "2026-03-03T14:00:00Z";
    let expected = bench.expected(owner, now).await;
    let fire = || fire(&bench.database, owner, &expected, Uuid::now_v7(), at(now));
    let fired = futures_util::future::join_all((0..8).map(|_| fire())).await;
    let runs = fired.iter().filter(|fired| matches!(fired, Ok(Fired::Run { contacts: 200, .. })));
    assert_eq!(runs.count(), 1, "{fired:?}");
    assert!(fired.iter().all(Result::is_ok), "{fired:?}");
    assert_eq!(bench.runs(owner.campaign).await.len(), 1);
    assert_eq!(bench.next_firing(owner.campaign).await, at("2026-03-04T14:00:00Z"));
    // The constraint says it, whoever writes.
    let twice = "INSERT INTO campaigns (id, team_id, name, state, settings, agent, import, created_at, repeats_of, firing_at)
                 SELECT gen_random_uuid(), team_id, name, 'draft', settings, agent, import, created_at, repeats_of, firing_at
                 FROM campaigns WHERE repeats_of IS NOT NULL";
    let refused = bench.psql().await.execute(twice, &[]).await.unwrap_err();
    assert_eq!(refused.as_db_error().and_then(|error| error.constraint()), Some("one_run_per_firing"));
}

#[tokio::test]
async fn nobody_makes_a_run_for_a_campaign_that_was_paused_or_taken_over() {
    let bench = Bench::new().await;
    let owner = bench.repeating(&["+12025550101"]).await;
    let now = "2026-03-03T14:00:00Z";
    let expected = bench.expected(owner, now).await;
    let late = Ownership { epoch: owner.epoch - 1, ..owner };
    let fire = async |owner| fire(&bench.database, owner, &expected, Uuid::now_v7(), at(now)).await.unwrap();
    assert_eq!(fire(late).await, Fired::Overtaken);
    assert_eq!(bench.command(owner.campaign, Command::Pause).await, Moved::Done);
    assert_eq!(fire(owner).await, Fired::Overtaken);
    assert!(bench.runs(owner.campaign).await.is_empty());
    let left = "SELECT count(*) FROM contacts WHERE campaign_id <> $1";
    assert_eq!(bench.psql().await.query_one(left, &[&owner.campaign]).await.unwrap().get::<_, i64>(0), 0);
    // Who resumes it at noon does not get the run of nine o'clock.
    let noon = at("2026-03-03T17:00:00Z");
    let resumed = campaigns::command(
        &bench.database,
        bench.team,
        owner.campaign,
        Command::Resume { limit: Limited::AsBefore },
        (None, Some(bench.node)),
        noon,
    )
    .await;
    assert_eq!(resumed.unwrap(), Moved::Done);
    assert_eq!(bench.next_firing(owner.campaign).await, at("2026-03-04T14:00:00Z"));
}

#[tokio::test]
async fn a_firing_that_was_missed_by_hours_makes_no_run() {
    let bench = Bench::new().await;
    let owner = bench.repeating(&["+12025550101"]).await;
    assert_eq!(bench.fire_at(owner, "2026-03-03T21:00:00Z").await, Fired::Skipped(Skipped::Missed));
    assert!(bench.runs(owner.campaign).await.is_empty());
    assert_eq!(bench.next_firing(owner.campaign).await, at("2026-03-04T14:00:00Z"));
    let told = bench.happened(owner.campaign).await.pop().unwrap();
    assert_eq!(told.1, json!({"reason": "missed", "firing_at": NINE_ON_TUESDAY}));
    // Half an hour is made up for, and the run is that of nine o'clock.
    let run = bench.run_at(owner, "2026-03-04T14:30:00Z").await;
    assert_eq!(bench.shown(run).await.run_of, Some((owner.campaign, at("2026-03-04T14:00:00Z"))));
}

#[tokio::test]
async fn a_campaign_with_a_schedule_calls_nobody_itself_and_promises_no_callback() {
    let bench = Bench::new().await;
    let owner = bench.repeating(&["+12025550101"]).await;
    let refused =
        campaigns::make_move(&bench.database, owner, Move::Begin, None, bench.now).await.unwrap_err();
    assert!(refused.to_string().contains("a_campaign_with_a_schedule_calls_nobody_itself"), "{refused}");
    let contact = bench.contacts(owner.campaign).await[0].id;
    let wanted = Callback { at: bench.minutes(60), note: None };
    let ids = (owner.campaign, contact);
    let asked = ask_for_callback(&bench.database, bench.team, ids, &wanted, Some(bench.node), bench.now)
        .await
        .unwrap();
    assert_eq!(asked, Asked::Refused(NoCallback::OnlyItsRunsCall));
}

#[tokio::test]
async fn runs_outlive_the_campaign_that_they_repeat() {
    let bench = Bench::new().await;
    let owner = bench.repeating(&["+12025550101"]).await;
    let run = bench.run_at(owner, "2026-03-03T14:00:00Z").await;
    let delete = async || {
        campaigns::delete_campaign(&bench.database, bench.team, owner.campaign, None, bench.now)
            .await
            .unwrap()
    };
    assert_eq!(delete().await, campaigns::Deleted::Busy(State::Pending));
    assert_eq!(bench.command(owner.campaign, Command::Cancel).await, Moved::Done);
    assert_eq!(delete().await, campaigns::Deleted::Done);
    assert_eq!(bench.shown(run).await.run_of, Some((owner.campaign, at(NINE_ON_TUESDAY))));
    assert_eq!(bench.contacts(run).await.len(), 1);
}

#[tokio::test]
async fn somebody_who_was_erased_is_in_no_run_that_is_made_afterwards() {
    let bench = Bench::new().await;
    let repeating = bench.repeating(&["+12025550141", "+12025550142"]).await;
    let person = Person { phone: "+12025550141", national: "2025550141" };
    let erased = erase_person(&bench.database, bench.team, person, bench.now).await.unwrap();
    assert!(matches!(erased, Erasure::Done(_)), "{erased:?}");
    assert!(matches!(bench.fire_at(repeating, NINE_ON_TUESDAY).await, Fired::Run { contacts: 1, .. }));
}
