//! One test for each promise of a statement, on a real PostgreSQL.

mod audit;
mod before_call;
mod breaker;
mod callbacks;
mod caps;
mod connection;
mod daily_cap;
mod decision;
mod duplicate;
mod edit;
mod events;
mod export;
mod facts;
mod forecast;
mod home;
mod hooks;
mod idempotency;
mod imports;
mod keys;
mod last_calls;
mod limit;
mod metrics;
mod open_calls;
mod ownership;
mod poison;
mod race;
mod recurrence;
mod retention;
mod retry;
mod search;
mod spend_cap;
mod suppressions;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use outdial::db::accounts::Places;
use outdial::db::attempts::{
    Claim, ClaimedAttempt, Heard, Permission, Recorded, Settlement, Whose, adopt, claim_next, look_once_more,
    record, reopen, settle, settle_and_halt,
};
use outdial::db::campaigns::{self, Command, Counts, Limited, Moved, NewCampaign};
use outdial::db::contacts::{ContactFilter, Encoder, NewContact, Portion, begin_campaign, list_contacts};
use outdial::db::imports::{NewImport, Origin, Remark};
use outdial::db::keys::ensure_team;
use outdial::db::look::look;
use outdial::db::nodes::{self, Oneself};
use outdial::db::suppressions::suppress;
use outdial::db::{Database, Error, Ownership, accounts, watchdog};
use outdial::domain::attempt::{AnsweredBy, Facts, Report, Source, Status};
use outdial::domain::campaign::{Move, State};
use outdial::domain::contact::ContactState;
use outdial::domain::contactable::Terms;
use outdial::domain::dialer::{Closure, HaltReason, Queue, Stage, ready_queues};
use outdial::domain::outcome::Outcome;
use outdial::domain::phone::{NumberType, Phone, Region};
use outdial::domain::retry::Verdict;
use outdial::domain::settings::Settings;
use outdial::rules::Library;
use serde_json::json;
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::support::cluster::fresh_database;
use crate::support::eventually;

const ACCOUNT: &str = "AC00000000000000000000000000000000";
const OWN_ACCOUNT: accounts::OwnAccount<'_> =
    accounts::OwnAccount { sid: ACCOUNT, default_from: "+15005550006", is_simulated: true };
const FROM: &str = "+12025550100";

/// A node with a database of its own.
struct Bench {
    database: Database,
    config: tokio_postgres::Config,
    team: Uuid,
    node: Uuid,
    now: DateTime<Utc>,
}

fn settings() -> Settings {
    serde_json::from_value(json!({
        "from": FROM, "default_region": "US", "timezone": "America/New_York",
        "pacing": {}, "business_hours": {}, "retry_policy": {}, "ring_seconds": 30, "max_call_seconds": 1800,
    }))
    .unwrap()
}

fn agent() -> serde_json::Value {
    json!({"name": "Ada", "script": {"say": "Hello"}})
}

fn new_campaign<'a>(
    team: Uuid,
    id: Uuid,
    settings: &'a Settings,
    agent: &'a serde_json::Value,
) -> NewCampaign<'a> {
    NewCampaign { id, team, name: "recall", settings, agent_id: None, agent, starts_at: None, by: None }
}

/// A list that has just been uploaded.
fn upload(id: Uuid) -> Origin<'static> {
    static OPTIONS: serde_json::Value = serde_json::Value::Null;
    let file_name = Some("list.csv");
    Origin::Upload(NewImport { id, file_name, digest: [7; 32], bytes: 100, options: &OPTIONS })
}

/// Some rows of a list.
struct Batch {
    contacts: Vec<NewContact>,
    remarks: Vec<Remark>,
}

impl Batch {
    /// The portion that an encoder makes of it.
    fn by(self, encoder: &mut Encoder) -> Portion {
        encoder.portion(&self.contacts, self.remarks).unwrap()
    }
}

/// These numbers as a list with a header.
fn batch(phones: &[&str]) -> Batch {
    let contacts = phones.iter().zip(1..).map(|(phone, position)| new_contact(phone, position));
    Batch { contacts: contacts.collect(), remarks: Vec::new() }
}

fn new_contact(phone: &str, position: u32) -> NewContact {
    NewContact {
        file_row: position + 1,
        phone: Phone::from_e164(phone).unwrap(),
        extension: None,
        region: Region::US,
        number_type: NumberType::FixedLineOrMobile,
        alternates: Vec::new(),
        name: Some(format!("person {position}")),
        raw_phone: phone.to_owned(),
        timezone: None,
        priority: 0,
        repair: None,
        metadata: serde_json::from_value(json!({"Company": "Acme"})).unwrap(),
    }
}

/// A node of the account on which campaigns are started here.
fn oneself(id: Uuid) -> Oneself<'static> {
    Oneself { id, name: "a node", account_sid: ACCOUNT }
}

impl Bench {
    async fn new() -> Self {
        let (database, config) = fresh_database().await;
        let team = ensure_team(&database).await.unwrap();
        let node = Uuid::now_v7();
        nodes::renew(&database, oneself(node), Duration::from_secs(59)).await.unwrap();
        Self { database, config, team, node, now: "2026-03-02T15:00:00Z".parse().unwrap() }
    }

    /// A running campaign with these numbers, owned by the bench's node.
    async fn running(&self, phones: &[&str]) -> Ownership {
        let id = self.draft(phones).await;
        self.start(id).await
    }

    /// A draft with these numbers.
    async fn draft(&self, phones: &[&str]) -> Uuid {
        let id = Uuid::now_v7();
        let settings = settings();
        let agent = agent();
        let new = new_campaign(self.team, id, &settings, &agent);
        let mut client = self.database.list_client().await.unwrap();
        let origin = upload(Uuid::now_v7());
        let making = begin_campaign(&mut client, &new, &origin, self.now).await.unwrap();
        let mut making = making.unwrap();
        making.take(batch(phones).by(&mut making.encoder())).await.unwrap();
        making.finish(&json!({}), &json!({})).await.unwrap();
        id
    }

    /// Starts a draft, and begins with it.
    async fn start(&self, id: Uuid) -> Ownership {
        let start = Command::Start { account_sid: ACCOUNT, limit: Limited::AsBefore };
        assert_eq!(self.command(id, start).await, Moved::Done);
        let owner = self.owner(id).await;
        assert!(campaigns::make_move(&self.database, owner, Move::Begin, None, self.now).await.unwrap());
        owner
    }

    async fn command(&self, campaign: Uuid, command: Command<'_>) -> Moved {
        campaigns::command(&self.database, self.team, campaign, command, (None, Some(self.node)), self.now)
            .await
            .unwrap()
    }

    async fn owner(&self, campaign: Uuid) -> Ownership {
        let owned = nodes::list_owned(&self.database, self.node, ACCOUNT).await.unwrap();
        *owned.iter().find(|owner| owner.campaign == campaign).expect("the campaign is the node's")
    }

    async fn claim(&self, owner: Ownership) -> Claim {
        self.try_claim(owner).await.unwrap()
    }

    /// Claims from all areas in which somebody waits, at the terms of every campaign here.
    async fn try_claim(&self, owner: Ownership) -> Result<Claim, Error> {
        self.claim_by(owner, settings()).await
    }

    /// The same by other settings.
    async fn claim_by(&self, owner: Ownership, settings: Settings) -> Result<Claim, Error> {
        let library = Library::shipped().unwrap();
        let rules = library.select([]).unwrap();
        let seen = look(&self.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
        let open: Vec<&Queue> = seen.queues.iter().collect();
        claim_next(
            &self.database,
            (owner, self.team),
            &Terms::of(&settings, &rules),
            (&open, Whose::Anybody),
            (Uuid::now_v7(), self.now),
        )
        .await
    }

    async fn claimed(&self, owner: Ownership) -> ClaimedAttempt {
        match self.claim(owner).await {
            Claim::Attempt(attempt) => *attempt,
            other => panic!("expected an attempt, got {other:?}"),
        }
    }

    async fn suppress(&self, phone: &str) {
        let asked = suppressions::asked(phone);
        suppress(&self.database, self.team, &asked, self.now).await.unwrap();
    }

    async fn settle(&self, owner: Ownership, attempt: Uuid, outcome: Outcome, verdict: Verdict) -> bool {
        let (call_ended_at, last_word) = (Some(self.now), None);
        let settlement = Settlement { attempt, outcome, verdict, call_ended_at, error: None, last_word };
        settle(&self.database, owner, &settlement, self.now).await.unwrap()
    }

    async fn record(&self, heard: &[Heard]) -> Vec<Recorded> {
        // What is heard is heard after what was settled.
        let now = self.now + TimeDelta::seconds(1);
        let recorded = record(&self.database, heard, now).await.unwrap();
        recorded.into_iter().map(|one| one.unwrap()).collect()
    }

    async fn counts(&self, campaign: Uuid) -> Counts {
        campaigns::find_campaign(&self.database, self.team, campaign).await.unwrap().unwrap().counts
    }

    async fn contacts(&self, campaign: Uuid) -> Vec<outdial::db::contacts::Contact> {
        list_contacts(&self.database, self.team, campaign, &ContactFilter::default(), 1000).await.unwrap()
    }

    /// A connection beside the pool, for looking behind the scenes.
    async fn psql(&self) -> tokio_postgres::Client {
        let (client, connection) = self.config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    fn minutes(&self, minutes: i64) -> DateTime<Utc> {
        self.now + TimeDelta::minutes(minutes)
    }
}

fn phone(n: u32) -> String {
    format!("+1202555{:04}", 100 + n)
}

fn heard(owner: Ownership, attempt: Uuid, sid: &str, reports: &[Report]) -> Heard {
    let facts = reports.iter().map(Facts::from).reduce(Facts::merge).unwrap();
    Heard { campaign: owner.campaign, attempt, sid: sid.to_owned(), facts }
}

fn report(status: Status, source: Source, sequence: u32, at: DateTime<Utc>) -> Report {
    Report {
        status,
        source,
        sequence,
        at,
        duration_seconds: status.is_end().then_some(10 + sequence),
        answered_by: None,
        sip_code: None,
    }
}

#[tokio::test]
async fn contacts_are_claimed_in_the_order_of_the_list_and_due_retries_before_them() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102", "+12025550103"]).await;
    let first = bench.claimed(owner).await;
    assert_eq!(first.phone, "+12025550101");
    assert!(bench.settle(owner, first.id, Outcome::Busy, Verdict::Due(bench.minutes(-1))).await);
    let retry = bench.claimed(owner).await;
    assert_eq!(retry.phone, "+12025550101");
    assert_eq!(retry.tries_before, 1);
    assert!(bench.settle(owner, retry.id, Outcome::Busy, Verdict::Due(bench.minutes(60))).await);
    assert_eq!(bench.claimed(owner).await.phone, "+12025550102");
}

#[tokio::test]
async fn a_campaign_never_has_two_open_attempts() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    bench.claimed(owner).await;
    let refused = bench.try_claim(owner).await.unwrap_err();
    assert!(!refused.is_outage(), "{refused:?}");
    assert_eq!(bench.counts(owner.campaign).await.calling, 1);
}

#[tokio::test]
async fn a_number_that_another_campaign_is_calling_is_passed_over_for_a_minute() {
    let bench = Bench::new().await;
    let one = bench.running(&["+12025550101"]).await;
    let other = bench.running(&["+12025550101", "+12025550102"]).await;
    bench.claimed(one).await;
    assert!(matches!(bench.claim(other).await, Claim::PassedOver(_)));
    assert_eq!(bench.claimed(other).await.phone, "+12025550102");
    let passed_over = &bench.contacts(other.campaign).await[0];
    assert_eq!(passed_over.due_at, Some(bench.minutes(1)));
}

#[tokio::test]
async fn a_suppressed_number_is_never_claimed_and_its_contact_is_final() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    bench.suppress("+12025550101").await;
    assert!(matches!(bench.claim(owner).await, Claim::Suppressed(_)));
    let attempt = bench.claimed(owner).await;
    assert_eq!(attempt.phone, "+12025550102");
    assert_eq!(bench.contacts(owner.campaign).await[0].state, ContactState::Suppressed);
    // An opt-out between the claim and the request still counts.
    bench.suppress("+12025550102").await;
    let permission = look_once_more(&bench.database, owner, &attempt, bench.now).await.unwrap();
    assert_eq!(permission, Permission::Suppressed);
}

#[tokio::test]
async fn a_pause_between_the_claim_and_the_request_withdraws_it() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    let granted = look_once_more(&bench.database, owner, &attempt, bench.now).await.unwrap();
    assert_eq!(granted, Permission::Granted);
    assert_eq!(bench.command(owner.campaign, Command::Pause).await, Moved::Done);
    let withdrawn = look_once_more(&bench.database, owner, &attempt, bench.now).await.unwrap();
    assert_eq!(withdrawn, Permission::Withdrawn);
}

#[tokio::test]
async fn settling_happens_once_and_the_counters_say_what_the_rows_say() {
    let bench = Bench::new().await;
    let phones: Vec<String> = (0..4).map(phone).collect();
    let owner = bench.running(&phones.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let steps = [
        (Outcome::Answered, Verdict::Completed),
        (Outcome::Busy, Verdict::Due(bench.minutes(-1))),
        (Outcome::NotPlaced, Verdict::Due(bench.minutes(-1))),
        (Outcome::NoAnswer, Verdict::Failed),
        (Outcome::InvalidNumber, Verdict::Failed),
    ];
    for (outcome, verdict) in steps {
        let attempt = bench.claimed(owner).await;
        assert!(bench.settle(owner, attempt.id, outcome, verdict).await);
        assert!(!bench.settle(owner, attempt.id, outcome, verdict).await, "settled twice");
    }
    let counts = bench.counts(owner.campaign).await;
    assert_eq!((counts.completed, counts.failed, counts.pending, counts.calling), (1, 2, 1, 0));
    assert_eq!((counts.attempts, counts.retries), (4, 1));
    assert_eq!(counts.outcomes.get("not-placed"), Some(&1));
    assert_recounted(&bench, owner.campaign).await;
}

/// Counts everything again from the rows.
async fn assert_recounted(bench: &Bench, campaign: Uuid) {
    crate::support::recount::assert_counts_are_true(&bench.psql().await, Some(campaign)).await;
}

#[tokio::test]
async fn an_account_s_fault_takes_the_attempt_back_and_pauses_in_one_transaction() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    let settlement = Settlement {
        attempt: attempt.id,
        outcome: Outcome::NotPlaced,
        verdict: Verdict::Due(bench.minutes(0)),
        call_ended_at: None,
        error: Some((Some(20003), "Authenticate".to_owned())),
        last_word: None,
    };
    let reason = (HaltReason::AccountRefused, "check the token");
    assert!(
        settle_and_halt(&bench.database, owner, &settlement, Move::Pause, reason, bench.now).await.unwrap()
    );
    let campaign =
        campaigns::find_campaign(&bench.database, bench.team, owner.campaign).await.unwrap().unwrap();
    assert_eq!(campaign.state, State::Paused);
    assert_eq!(campaign.state_reason.as_deref(), Some("account-refused"));
    assert_eq!(campaign.counts.attempts, 0);
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn an_unknown_that_proves_alive_leaves_the_queue_and_is_settled_anew() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    assert!(bench.settle(owner, attempt.id, Outcome::Unknown, Verdict::Due(bench.minutes(60))).await);
    let seen = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
    assert_eq!(seen.revived, None);
    let sid = "CA0000000000000000000000000000000a";
    let rings = heard(owner, attempt.id, sid, &[report(Status::Ringing, Source::Callback, 1, bench.now)]);
    assert_eq!(bench.record(&[rings]).await, [Recorded::Known { matters: true }]);
    let seen = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
    assert_eq!(seen.revived, Some(attempt.id));
    assert!(reopen(&bench.database, owner, attempt.id, bench.now).await.unwrap());
    assert_recounted(&bench, owner.campaign).await;
    assert_eq!(bench.contacts(owner.campaign).await[0].state, ContactState::Calling);
    assert!(bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    let counts = bench.counts(owner.campaign).await;
    assert_eq!((counts.completed, counts.attempts, counts.outcomes.get("unknown")), (1, 1, Some(&0)));
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_call_that_was_heard_of_meanwhile_is_not_given_up() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    let sid = "CA0000000000000000000000000000000a";
    let rings = heard(owner, attempt.id, sid, &[report(Status::Ringing, Source::Callback, 1, bench.now)]);
    bench.record(&[rings]).await;
    // The search for it began before, and what it found belongs to the attempt already.
    assert!(!adopt(&bench.database, attempt.id, sid, bench.now).await.unwrap());
    assert!(!bench.settle(owner, attempt.id, Outcome::Unknown, Verdict::Due(bench.minutes(60))).await);
    assert_eq!(bench.contacts(owner.campaign).await[0].state, ContactState::Calling);
    // Nor is one whose last word was repeated since.
    let look = async || look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
    let give_up = async |last_word| {
        let (outcome, verdict) = (Outcome::Unknown, Verdict::Due(bench.minutes(60)));
        let settlement =
            Settlement { attempt: attempt.id, outcome, verdict, call_ended_at: None, error: None, last_word };
        settle(&bench.database, owner, &settlement, bench.now).await.unwrap()
    };
    let first = look().await.open.unwrap().stage.heard_at();
    let earlier = bench.now - TimeDelta::minutes(1);
    let again = heard(owner, attempt.id, sid, &[report(Status::Ringing, Source::Callback, 1, earlier)]);
    record(&bench.database, &[again], earlier).await.unwrap();
    assert!(!give_up(first).await);
    assert!(give_up(look().await.open.unwrap().stage.heard_at()).await);
}

#[tokio::test]
async fn a_campaign_is_completed_only_when_nobody_is_left() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let finish = || campaigns::make_move(&bench.database, owner, Move::Finish, None, bench.now);
    assert!(!finish().await.unwrap());
    let attempt = bench.claimed(owner).await;
    assert!(!finish().await.unwrap());
    bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await;
    assert!(finish().await.unwrap());
    assert!(!finish().await.unwrap(), "completed twice");
}

#[tokio::test]
async fn a_campaign_at_work_or_with_an_open_call_is_not_deleted() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let delete = || campaigns::delete_campaign(&bench.database, bench.team, owner.campaign, None, bench.now);
    assert_eq!(delete().await.unwrap(), campaigns::Deleted::Busy(State::Running));
    let attempt = bench.claimed(owner).await;
    bench.command(owner.campaign, Command::Pause).await;
    assert_eq!(delete().await.unwrap(), campaigns::Deleted::Busy(State::Paused));
    assert!(bench.settle(owner, attempt.id, Outcome::Busy, Verdict::Failed).await);
    assert_eq!(delete().await.unwrap(), campaigns::Deleted::Done);
    assert_eq!(delete().await.unwrap(), campaigns::Deleted::NotFound);
}

#[tokio::test]
async fn contacts_that_are_stranded_are_found_and_due_again() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    assert!(watchdog::list_with_stranded_contacts(&bench.database, bench.node).await.unwrap().is_empty());
    let by_hand = "UPDATE attempts SET outcome = 'failed', settled_at = now() WHERE id = $1";
    bench.psql().await.execute(by_hand, &[&attempt.id]).await.unwrap();
    assert_eq!(watchdog::list_with_stranded_contacts(&bench.database, bench.node).await.unwrap(), [owner]);
    assert_eq!(watchdog::free_stranded_contacts(&bench.database, owner, bench.now).await.unwrap(), 1);
    assert_eq!(bench.claimed(owner).await.phone, "+12025550101");
}

#[tokio::test]
async fn counters_that_a_hand_in_the_database_left_wrong_are_counted_anew() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    let attempt = bench.claimed(owner).await;
    let by_hand = "UPDATE contacts SET state = 'failed' WHERE state = 'calling'";
    bench.psql().await.execute(by_hand, &[]).await.unwrap();
    assert!(!bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    assert_eq!(bench.counts(owner.campaign).await.calling, 1, "nobody was there to be settled");
    assert_eq!(watchdog::free_stranded_contacts(&bench.database, owner, bench.now).await.unwrap(), 0);
    let counts = bench.counts(owner.campaign).await;
    assert_eq!((counts.pending, counts.calling, counts.failed), (1, 0, 1));
    assert_eq!(bench.claimed(owner).await.phone, "+12025550102");
}

/// The claim's cost must not grow with the list, nor with those who wait for a retry: it reads index entries from
/// its cursors on, and never the table from one end to the other.
#[tokio::test]
async fn a_claim_is_a_few_index_probes_however_long_the_list() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let psql = bench.psql().await;
    psql.execute(
        "INSERT INTO contacts (id, team_id, campaign_id, position, phone, metadata, file_row, raw_phone, area,
                               state, due_at, timed, updated_at)
         SELECT gen_random_uuid(), $1, $2, n, '+1999' || n, '{}', n, '', 0, 'pending',
                CASE WHEN n % 2 = 0 THEN timestamptz '2027-01-01' ELSE timestamptz '2026-01-01' END, n % 2 = 0, now()
         FROM generate_series(2, 20000) n",
        &[&bench.team, &owner.campaign],
    )
    .await
    .unwrap();
    psql.execute("UPDATE campaigns SET pending = 20000", &[]).await.unwrap();
    // Nobody has analysed the table yet, as after an upload; then somebody has.
    for analyse in [false, true] {
        if analyse {
            psql.batch_execute("ANALYZE").await.unwrap();
        }
        let attempt = bench.claimed(owner).await;
        bench.settle(owner, attempt.id, Outcome::Busy, Verdict::Failed).await;
        let read_before = rows_read(&psql, "contacts").await;
        for _ in 0..20 {
            let attempt = bench.claimed(owner).await;
            bench.settle(owner, attempt.id, Outcome::Busy, Verdict::Failed).await;
        }
        let read = rows_read(&psql, "contacts").await - read_before;
        assert!(read < 20 * 20, "20 claims read {read} rows of contacts, analysed: {analyse}");
    }
}

/// Rows of a table that were read, by whatever way.
async fn rows_read(psql: &tokio_postgres::Client, table: &str) -> i64 {
    // Statistics of other sessions arrive when those are idle for a second, or are made to.
    let sql = "SELECT (seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE relname = $1";
    psql.batch_execute("SELECT pg_stat_clear_snapshot()").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    psql.query_one(sql, &[&table]).await.unwrap().get(0)
}

/// Whether somebody waits for a lock in this database; other tests do so in their own. Asked within a transaction it
/// would always be told the same.
async fn somebody_waits(watcher: &tokio_postgres::Client) -> Option<()> {
    let waits = "SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1";
    watcher.query_opt(waits, &[]).await.unwrap().map(drop)
}

/// An instant in a callback is somebody else's word: the backoff and the pacing run from no earlier than the intent.
#[tokio::test]
async fn no_call_ends_before_it_was_intended() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    let long_ago = report(Status::Busy, Source::Callback, 2, "1900-01-01T00:00:00Z".parse().unwrap());
    bench.record(&[heard(owner, attempt.id, "CA0000000000000000000000000000000a", &[long_ago])]).await;
    let look = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
    let Some(Stage::Ended { at, .. }) = look.open.map(|open| open.stage) else { panic!("it has ended") };
    assert_eq!(at, bench.now);
}

#[tokio::test]
async fn no_provider_closes_its_account_for_ever() {
    let bench = Bench::new().await;
    accounts::ensure(&bench.database, OWN_ACCOUNT).await.unwrap();
    for asked_for in [Duration::from_secs(u64::MAX), Duration::from_secs(400_000_000)] {
        let closed =
            accounts::close(&bench.database, ACCOUNT, Closure::RateLimited, Some(asked_for)).await.unwrap();
        assert!(closed <= Duration::from_secs(3600), "closed for {closed:?}");
    }
}

/// What the claim cannot see because it stands before a cursor, nobody would ever call: a hand in the database, or
/// a clock that was set back, leaves such a contact.
#[tokio::test]
async fn a_contact_that_stands_before_the_cursors_is_found_again() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    let attempt = bench.claimed(owner).await;
    bench.settle(owner, attempt.id, Outcome::Busy, Verdict::Due(bench.minutes(-1))).await;
    assert!(watchdog::reset_blind_cursors(&bench.database, bench.node).await.unwrap().is_empty());
    let by_hand = "UPDATE areas SET due_cursor = $1, order_cursor = 7";
    bench.psql().await.execute(by_hand, &[&bench.minutes(9)]).await.unwrap();
    assert!(matches!(bench.claim(owner).await, Claim::Nobody));
    let found = watchdog::reset_blind_cursors(&bench.database, bench.node).await.unwrap();
    assert_eq!(found, [owner.campaign]);
    assert_eq!(bench.claimed(owner).await.phone, "+12025550101");
}

/// Contacts that came before areas were kept were taken to be where their campaign is. Nobody is called by that.
#[tokio::test]
async fn a_contact_from_before_areas_were_kept_is_put_into_its_own_before_it_is_called() {
    let bench = Bench::new().await;
    let (honolulu, new_york) = ("+18085550101", "+12025550102");
    let owner = bench.running(&[honolulu, new_york]).await;
    let psql = bench.psql().await;
    psql.batch_execute(
        "DELETE FROM areas WHERE number > 0;
         UPDATE areas SET zones = 'America/New_York', told_by = 'campaign', places = '';
         UPDATE contacts SET area = 0",
    )
    .await
    .unwrap();
    let (settings, library) = (settings(), Library::shipped().unwrap());
    let rules = library.select([]).unwrap();
    let terms = Terms::of(&settings, &rules);
    let claim = async || {
        let seen = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
        let ready = ready_queues(&seen.queues, &terms, bench.now);
        claim_next(
            &bench.database,
            (owner, bench.team),
            &terms,
            (&ready, Whose::Anybody),
            (Uuid::now_v7(), bench.now),
        )
        .await
        .unwrap()
    };
    for _ in 0..2 {
        assert!(matches!(claim().await, Claim::Refiled(_)));
    }
    let sql = "SELECT zones FROM contacts JOIN areas USING (campaign_id) WHERE area = number AND phone = $1";
    for (phone, zone) in [(honolulu, "Pacific/Honolulu"), (new_york, "America/New_York")] {
        assert_eq!(psql.query_one(sql, &[&phone]).await.unwrap().get::<_, &str>(0), zone);
    }
    // It is ten in New York and five in Honolulu.
    let claimed = claim().await;
    let Claim::Attempt(attempt) = claimed else { panic!("expected an attempt, got {claimed:?}") };
    assert_eq!(attempt.phone, new_york);
}

/// PostgreSQL's details of a refused row quote it. Logs show an error with all its causes.
#[tokio::test]
async fn no_error_of_the_database_tells_a_number_or_a_name() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    bench.claimed(owner).await;
    let client = bench.database.client().await.unwrap();
    for refused in [
        "UPDATE contacts SET state = 'asleep'",
        "INSERT INTO suppressions (team_id, phone, reason, source, created_at)
         SELECT team_id, phone, 'twice', 'api', now() FROM contacts, generate_series(1, 2)",
    ] {
        let error = client.batch_execute(refused).await.unwrap_err();
        let mut told = String::new();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            told.push_str(&error.to_string());
            cause = error.source();
        }
        assert!(!told.contains("2025550101") && !told.contains("person 1"), "{told}");
        assert!(
            told.contains("known_contact_state") || told.contains("one_suppression_per_number"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn an_unknown_that_proves_alive_waits_for_another_campaign_s_call_and_stops_nobody_meanwhile() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    let other = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    assert!(bench.settle(owner, attempt.id, Outcome::Unknown, Verdict::Due(bench.minutes(60))).await);
    let theirs = bench.claimed(other).await;
    let sid = "CA0000000000000000000000000000000a";
    bench
        .record(&[heard(owner, attempt.id, sid, &[report(Status::Ringing, Source::Callback, 1, bench.now)])])
        .await;
    assert!(!reopen(&bench.database, owner, attempt.id, bench.now).await.unwrap());
    let revived =
        async || look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap().revived;
    assert_eq!(revived().await, None);
    bench.settle(other, theirs.id, Outcome::Busy, Verdict::Failed).await;
    assert_eq!(revived().await, Some(attempt.id));
    // Whoever missed the word of it is told by the tick.
    let next = bench.claimed(owner).await;
    bench.settle(owner, next.id, Outcome::Busy, Verdict::Failed).await;
    let overdue = watchdog::list_overdue(&bench.database, bench.node, bench.now, bench.now).await.unwrap();
    assert!(overdue.contains(&owner.campaign));
}
