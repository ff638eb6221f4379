//! Personal data that is not kept for ever: what goes, what stays, and how much at a time.

use outdial::db::callbacks::{Asked, ask_for_callback};
use outdial::db::calls::{forget_calls, list_calls_to};
use outdial::db::contacts::begin_addition;
use outdial::db::duplicate::{Chosen, Duplicated, duplicate};
use outdial::db::events::place_events;
use outdial::db::imports::{Kind, begin_preview};
use outdial::db::retention::{
    AT_ONCE, Erased, Erasure, Keep, Person, Swept, Touched, erase_expired, erase_person,
};
use outdial::db::suppressions::{self, opt_out, remove_suppression};
use outdial::domain::callback::{Callback, NoCallback};
use outdial::domain::caps::Reach;

use crate::support::recount::assert_counts_are_true;

use super::*;

const ADA: &str = "+12025550141";
const BOB: &str = "+12025550142";
const EVE: &str = "+12025550143";

/// What nobody may find any more.
const CANARIES: [&str; 8] = [
    "202555014",
    "person 1",
    "Acme",
    "canary-of-the-provider",
    "canary-in-a-cell",
    "canary-in-a-note",
    "canary-in-a-detail",
    "canary-of-a-receiver",
];

fn keep(days: i64) -> Keep {
    let span = Some(TimeDelta::days(days));
    Keep { contacts: span, attempts: None, events: None }
}

impl Bench {
    async fn erase(&self, keep: Keep, days_later: i64) -> Erased {
        self.erase_but_count(keep, days_later, TimeDelta::zero()).await
    }

    /// Erases so many days later, when caps still count the calls of this span.
    async fn erase_but_count(&self, keep: Keep, days_later: i64, counted: TimeDelta) -> Erased {
        let now = self.now + TimeDelta::days(days_later);
        let Swept { erased, failed } = erase_expired(&self.database, keep, now - counted, now).await.unwrap();
        assert!(failed.is_empty(), "{failed:?}");
        erased
    }

    /// Erases whose number is ADA's.
    async fn erase_ada(&self) -> Erasure {
        erase_person(&self.database, self.team, ADA_S, self.now).await.unwrap()
    }

    /// Everything that is written of people beside their rows: in events, by receivers, and where suppressions were lifted.
    async fn write_everywhere(&self) {
        const WORDS: &str = "
            UPDATE events SET data = data || '{\"note\": \"canary-in-a-note\"}' WHERE contact_id IS NOT NULL;
            INSERT INTO events (team_id, campaign_id, kind, at, contact_id, data)
            SELECT team_id, campaign_id, 'contact.failed', now(), id, '{\"detail\": \"canary-in-a-detail\"}' FROM contacts;
            INSERT INTO hooks (id, team_id, url, secret, delivered_position, working_since, created_at)
            SELECT gen_random_uuid(), id, 'https://example.com', repeat('x', 24)::bytea, 0, now(), now() FROM teams";
        const RECEIVED: &str = "
            INSERT INTO hook_deliveries (hook_id, team_id, event, kind, state, tries, first_try_at, last_try_at, response)
            SELECT hooks.id, hooks.team_id, position, kind, 'dead', 1, now(), now(), 'canary-of-a-receiver'
            FROM hooks, events WHERE contact_id IS NOT NULL";
        let psql = self.psql().await;
        psql.batch_execute(WORDS).await.unwrap();
        while place_events(&self.database).await.unwrap().may_be_more {}
        assert!(psql.execute(RECEIVED, &[]).await.unwrap() > 0);
        self.suppress(ADA).await;
        assert!(remove_suppression(&self.database, self.team, ADA, None, self.now).await.unwrap());
    }

    async fn is_called_by(&self, phone: &str) -> i64 {
        let sql = "SELECT count(*) FROM contacts WHERE phone = $1";
        self.psql().await.query_one(sql, &[&phone]).await.unwrap().get(0)
    }

    /// A campaign that called these, each once and with an answer, and was completed.
    async fn completed(&self, phones: &[&str]) -> Uuid {
        let owner = self.running(phones).await;
        for _ in phones {
            let attempt = self.claimed(owner).await.id;
            let sid = format!("CA{}", attempt.simple());
            self.record(&[heard(
                owner,
                attempt,
                &sid,
                &[report(Status::Completed, Source::Callback, 3, self.now)],
            )])
            .await;
            let error = Some((Some(21211), "canary-of-the-provider".to_owned()));
            let settlement = Settlement {
                attempt,
                outcome: Outcome::Answered,
                verdict: Verdict::Completed,
                call_ended_at: Some(self.now),
                error,
                last_word: None,
            };
            assert!(settle(&self.database, owner, &settlement, self.now).await.unwrap());
        }
        assert!(
            campaigns::make_move(&self.database, owner, Move::Finish, None, self.now).await.unwrap(),
            "it is completed"
        );
        owner.campaign
    }

    /// Every row of every table but these, as text.
    async fn dump_without(&self, left_out: &[&str]) -> String {
        const TABLES: &str = "
            SELECT relname::text FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> ALL ($1)";
        let psql = self.psql().await;
        let mut dump = String::new();
        for table in psql.query(TABLES, &[&left_out]).await.unwrap() {
            let table: &str = table.get(0);
            for row in psql.query(&format!("SELECT t::text FROM {table} t"), &[]).await.unwrap() {
                dump.push_str(&format!("{table}: {}\n", row.get::<_, &str>(0)));
            }
        }
        dump
    }

    async fn assert_nowhere(&self, canaries: &[&str], left_out: &[&str]) {
        for line in self.dump_without(left_out).await.lines() {
            let found: Vec<_> = canaries.iter().filter(|canary| line.contains(**canary)).collect();
            assert!(found.is_empty(), "{found:?} in {line}");
        }
    }

    async fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str) -> T {
        self.psql().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

const ADA_S: Person<'_> = Person { phone: ADA, national: "2025550141" };

/// A remark on a refused row that says everything.
fn refused(row: u32, cell: &str) -> Remark {
    Remark {
        file_row: row,
        column: "Phone".into(),
        value: "2•••1".to_owned(),
        reason: "too-short",
        sentence: "expected more digits".into(),
        kind: Kind::Refused { suggestion: None, cells: vec![cell.to_owned(), "canary-in-a-cell".to_owned()] },
    }
}

#[tokio::test]
async fn a_while_after_its_end_a_campaign_says_of_nobody_who_they_were_and_counts_the_same() {
    let bench = Bench::new().await;
    let campaign = bench.completed(&[ADA, BOB]).await;
    let psql = bench.psql().await;
    let before = campaigns::find_campaign(&bench.database, bench.team, campaign).await.unwrap().unwrap();
    psql.batch_execute("UPDATE contacts SET callback_at = now(), callback_note = 'canary-in-a-note'")
        .await
        .unwrap();
    bench.write_everywhere().await;

    assert_eq!(bench.erase(keep(30), 30).await, Erased::default(), "its time is not over");
    let erased = bench.erase(keep(30), 31).await;
    assert_eq!((erased.contacts, erased.attempts), (2, 2));
    bench.assert_nowhere(&CANARIES, &[]).await;
    assert!(!bench.dump_without(&[]).await.contains("CA0"), "the provider's ids lead to people");

    let after = campaigns::find_campaign(&bench.database, bench.team, campaign).await.unwrap().unwrap();
    assert_eq!((before.counts, before.state), (after.counts, after.state));
    assert_counts_are_true(&psql, None).await;
    assert_eq!(bench.erase(keep(30), 32).await, Erased::default(), "there is nothing left to do");
}

#[tokio::test]
async fn what_a_campaign_that_is_not_at_its_end_holds_is_kept_however_old() {
    let bench = Bench::new().await;
    let running = bench.running(&[ADA]).await;
    let paused = bench.running(&[BOB]).await.campaign;
    assert_eq!(bench.command(paused, Command::Pause).await, Moved::Done);
    bench.draft(&[EVE]).await;
    let everything = Keep { attempts: keep(1).contacts, events: keep(1).contacts, ..keep(1) };
    while place_events(&bench.database).await.unwrap().may_be_more {}
    let dump = bench.dump_without(&[]).await;
    assert_eq!(bench.erase(everything, 4000).await, Erased::default());
    assert_eq!(bench.dump_without(&[]).await, dump);

    // A call that is open keeps a canceled one.
    let attempt = bench.claimed(running).await.id;
    assert_eq!(bench.command(running.campaign, Command::Cancel).await, Moved::Done);
    assert_eq!(bench.erase(keep(1), 4000).await.contacts, 0);
    assert!(bench.settle(running, attempt, Outcome::NoAnswer, Verdict::Due(bench.now)).await);
    assert_eq!(
        bench.erase(keep(1), 4000).await.contacts,
        1,
        "it is over now, though its contact was never final"
    );
    assert_counts_are_true(&bench.psql().await, None).await;
}

#[tokio::test]
async fn calls_that_caps_still_count_are_kept_until_no_cap_reaches_back_to_them() {
    let bench = Bench::new().await;
    bench.completed(&[ADA]).await;
    let reach = Reach { calls: 10, stretch: TimeDelta::days(90) };
    let counted = async || {
        let now = bench.now + TimeDelta::days(31);
        list_calls_to(&bench.database, bench.team, ADA, reach, now).await.unwrap().len()
    };
    assert_eq!(counted().await, 1);
    let erased = bench.erase_but_count(keep(30), 31, TimeDelta::days(90)).await;
    assert_eq!(erased.contacts, 1);
    assert_eq!(counted().await, 1, "its number may be called no more often than before");
    bench.assert_nowhere(&CANARIES, &["calls_of_deleted_campaigns"]).await;
    assert_eq!(forget_calls(&bench.database, bench.now + TimeDelta::seconds(1)).await.unwrap(), 1);
    bench.assert_nowhere(&CANARIES, &[]).await;
}

#[tokio::test]
async fn attempts_can_lose_their_numbers_before_their_contacts_do() {
    let bench = Bench::new().await;
    bench.completed(&[ADA]).await;
    let attempts = Keep { attempts: Some(TimeDelta::days(7)), ..Keep::default() };
    let erased = bench.erase(attempts, 8).await;
    assert_eq!(erased, Erased { attempts: 1, ..Erased::default() });
    bench.assert_nowhere(&CANARIES, &["contacts"]).await;
    assert_eq!(bench.one::<String>("SELECT phone FROM contacts").await, ADA);
    assert_eq!(bench.erase(attempts, 9).await, Erased::default());
}

#[tokio::test]
async fn remarks_and_examples_of_its_lists_go_with_a_campaign_s_contacts() {
    let bench = Bench::new().await;
    let settings = settings();
    let agent = agent();
    let id = Uuid::now_v7();
    let new = new_campaign(bench.team, id, &settings, &agent);
    let mut client = bench.database.list_client().await.unwrap();
    let mut making =
        begin_campaign(&mut client, &new, &upload(Uuid::now_v7()), bench.now).await.unwrap().unwrap();
    let with_remarks = Batch { remarks: vec![refused(9, "(202) 555-014")], ..batch(&[ADA]) };
    making.take(with_remarks.by(&mut making.encoder())).await.unwrap();
    let report = json!({
        "rows": 2, "first": [{"phone": ADA}],
        "reasons": [{"reason": "too-short", "count": 1, "samples": [{"value": "canary-in-a-cell"}]}],
    });
    making.finish(&json!({}), &report).await.unwrap();
    drop(client);
    bench.start(id).await;
    assert_eq!(bench.command(id, Command::Cancel).await, Moved::Done);
    let erased = bench.erase(keep(1), 2).await;
    assert_eq!((erased.contacts, erased.remarks), (1, 1));
    bench.assert_nowhere(&CANARIES, &[]).await;
    let report: serde_json::Value = bench.one("SELECT report FROM imports").await;
    assert_eq!(
        report,
        json!({
            "rows": 2, "first": [], "reasons": [{"reason": "too-short", "count": 1, "samples": []}],
        })
    );
}

#[tokio::test]
async fn events_go_when_their_campaign_has_been_at_its_end_for_long_enough_or_was_deleted() {
    let bench = Bench::new().await;
    let events = Keep { events: Some(TimeDelta::days(30)), ..Keep::default() };
    bench.completed(&[ADA]).await;
    let running = bench.running(&[BOB]).await.campaign;
    assert_eq!(bench.erase(events, 4000).await.events, 0, "nobody can have read those without a position");
    while place_events(&bench.database).await.unwrap().may_be_more {}
    assert_eq!(bench.erase(events, 29).await.events, 0);
    assert!(bench.erase(events, 31).await.events >= 4);
    let left: i64 = bench.one("SELECT count(*) FROM events").await;
    let of_running = format!("SELECT count(*) FROM events WHERE campaign_id = '{running}'");
    assert_eq!(bench.one::<i64>(&of_running).await, left);
    assert!(left > 0);
}

#[tokio::test]
async fn no_statement_of_the_sweep_changes_more_than_a_thousand_rows() {
    const LOG: &str = "
        CREATE TABLE changed (rows bigint);
        CREATE FUNCTION note_rows() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO changed SELECT count(*) FROM after;
            RETURN NULL;
        END $$;
        CREATE TRIGGER note_rows AFTER UPDATE ON contacts REFERENCING NEW TABLE AS after
            FOR EACH STATEMENT EXECUTE FUNCTION note_rows()";
    let bench = Bench::new().await;
    let phones: Vec<String> =
        (201..=222).flat_map(|area| (100..200).map(move |line| format!("+1{area}5550{line}"))).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let campaign = bench.running(&phones).await.campaign;
    assert_eq!(bench.command(campaign, Command::Cancel).await, Moved::Done);
    bench.psql().await.batch_execute(LOG).await.unwrap();
    assert_eq!(bench.erase(keep(1), 2).await.contacts, 2200);
    assert_eq!(bench.one::<i64>("SELECT sum(rows)::bigint FROM changed").await, 2200);
    assert!(bench.one::<i64>("SELECT max(rows) FROM changed").await <= AT_ONCE);
}

#[tokio::test]
async fn what_another_node_is_at_is_left_to_it() {
    let bench = Bench::new().await;
    let campaign = bench.completed(&[ADA]).await;
    let mut psql = bench.psql().await;
    let other = psql.transaction().await.unwrap();
    other.execute("SELECT FROM campaigns WHERE id = $1 FOR NO KEY UPDATE", &[&campaign]).await.unwrap();
    assert_eq!(bench.erase(keep(1), 2).await, Erased::default(), "it waits for nobody");
    other.rollback().await.unwrap();
    assert_eq!(bench.erase(keep(1), 2).await.contacts, 1);
}

#[tokio::test]
async fn somebody_who_asks_is_forgotten_everywhere_at_once_but_may_still_not_be_called() {
    let bench = Bench::new().await;
    let person = Person { phone: ADA, national: "2025550141" };
    let erase = async || erase_person(&bench.database, bench.team, person, bench.now).await.unwrap();
    bench.completed(&[ADA, BOB]).await;
    let waiting = bench.running(&[ADA, BOB]).await;
    let beside = bench.draft(&[EVE]).await;
    let psql = bench.psql().await;
    let alternates = json!([ADA, "+12025550144"]);
    psql.execute("UPDATE contacts SET alternates = $2 WHERE campaign_id = $1", &[&beside, &alternates])
        .await
        .unwrap();
    let told = outdial::db::suppressions::NewSuppression {
        phone: ADA.to_owned(),
        reason: "asked".to_owned(),
        source: outdial::domain::suppression::Source::Api,
        note: None,
        expires_at: None,
    };
    suppress(&bench.database, bench.team, &told, bench.now).await.unwrap();
    let mut client = bench.database.list_client().await.unwrap();
    let Origin::Upload(preview) = upload(Uuid::now_v7()) else { unreachable!() };
    let mut looked_at = begin_preview(&mut client, bench.team, &preview, bench.now).await.unwrap();
    looked_at.take(vec![refused(2, "202.555.0141"), refused(3, "202.555.0142")]).await.unwrap();
    looked_at.finish(&json!({}), 50).await.unwrap();
    drop(client);

    let Erasure::Done(touched) = erase().await else { panic!("no call is open") };
    assert_eq!((touched.contacts, touched.given_up, touched.attempts), (2, 1, 1));
    assert_eq!((touched.alternates, touched.remarks, touched.previews), (1, 1, 1));
    assert!(touched.is_suppressed);
    assert_eq!(touched.campaigns.len(), 3);
    bench.assert_nowhere(&["2025550141", "202.555.0141"], &["suppressions"]).await;
    let others: i64 =
        bench.one("SELECT count(*) FROM contacts WHERE phone = '+12025550142' AND name = 'person 2'").await;
    assert_eq!(others, 2, "nobody else is touched");
    assert_eq!(bench.one::<i64>("SELECT count(*) FROM suppressions").await, 1);
    assert_counts_are_true(&psql, None).await;
    let failed: String =
        bench.one("SELECT data ->> 'reason' FROM events WHERE kind = 'contact.failed'").await;
    assert_eq!(failed, "erased");
    // The other one is called, and then everybody is final.
    assert_eq!(bench.claimed(waiting).await.phone, BOB);

    let Erasure::Done(again) = erase().await else { panic!("no call is open") };
    assert_eq!((again.contacts, again.attempts, again.remarks, again.lists, again.previews), (0, 0, 0, 0, 0));
}

#[tokio::test]
async fn while_a_call_is_open_nothing_of_it_is_erased_and_another_team_s_people_never_are() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ADA]).await;
    let person = Person { phone: ADA, national: "2025550141" };
    let attempt = bench.claimed(owner).await.id;
    let dump = bench.dump_without(&[]).await;
    let erased = erase_person(&bench.database, bench.team, person, bench.now).await.unwrap();
    assert_eq!(erased, Erasure::CallOpen(Touched::default()));
    assert_eq!(bench.dump_without(&[]).await, dump);
    assert!(bench.settle(owner, attempt, Outcome::Answered, Verdict::Completed).await);
    let Erasure::Done(touched) =
        erase_person(&bench.database, Uuid::now_v7(), person, bench.now).await.unwrap()
    else {
        panic!("the other team calls nobody")
    };
    assert_eq!((touched.contacts, touched.attempts), (0, 0));
    let Erasure::Done(touched) = erase_person(&bench.database, bench.team, person, bench.now).await.unwrap()
    else {
        panic!("the call is over")
    };
    assert_eq!((touched.contacts, touched.attempts), (1, 1));
}

#[tokio::test]
async fn nothing_that_was_written_of_somebody_who_asks_is_left() {
    let bench = Bench::new().await;
    bench.completed(&[ADA]).await;
    bench.write_everywhere().await;
    let Erasure::Done(_) = bench.erase_ada().await else { panic!("no call is open") };
    bench.assert_nowhere(&CANARIES, &[]).await;
}

#[tokio::test]
async fn a_campaign_that_cannot_be_erased_keeps_no_other_from_it() {
    let bench = Bench::new().await;
    let poisoned = bench.completed(&[ADA]).await;
    let other = bench.completed(&[BOB]).await;
    let refuse = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON contacts FOR EACH ROW WHEN (OLD.campaign_id = '{poisoned}')
             EXECUTE FUNCTION refuse();
         UPDATE campaigns SET ended_at = ended_at - interval '1 hour' WHERE id = '{poisoned}'"
    );
    bench.psql().await.batch_execute(&refuse).await.unwrap();
    let now = bench.now + TimeDelta::days(2);
    let Swept { erased, failed } = erase_expired(&bench.database, keep(1), now, now).await.unwrap();
    assert_eq!((erased.contacts, failed.len()), (1, 1));
    assert_eq!(failed[0].0, poisoned);
    assert_eq!(bench.contacts(other).await[0].name, None);
}

#[tokio::test]
async fn no_campaign_waits_for_an_erasure_that_waits_for_lists_and_what_they_bring_is_erased_too() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ADA, BOB]).await;
    let (settings, agent, preview) = (settings(), agent(), Uuid::now_v7());
    let mut client = bench.database.list_client().await.unwrap();
    let Origin::Upload(import) = upload(preview) else { unreachable!() };
    let mut looked_at = begin_preview(&mut client, bench.team, &import, bench.now).await.unwrap();
    looked_at.take(vec![refused(2, "202.555.0141")]).await.unwrap();
    looked_at.finish(&json!({}), 50).await.unwrap();
    let stored = Origin::Preview(preview, &serde_json::Value::Null);
    let new = new_campaign(bench.team, Uuid::now_v7(), &settings, &agent);
    let mut making = begin_campaign(&mut client, &new, &stored, bench.now).await.unwrap().unwrap();
    making.take(batch(&[ADA, BOB]).by(&mut making.encoder())).await.unwrap();

    let erased = async {
        let erased = bench.erase_ada().await;
        let Erasure::Done(touched) = erased else { panic!("expected it to be done, got {erased:?}") };
        assert_eq!((touched.contacts, touched.given_up, touched.campaigns.len()), (2, 2, 2));
    };
    let others = async {
        let is_erased = async || (bench.is_called_by(ADA).await == 0).then_some(());
        eventually("what is there is erased", is_erased).await;
        // The campaign is in nobody's hands.
        assert_eq!(bench.claimed(owner).await.phone, BOB);
        making.finish(&json!({}), &json!({})).await.unwrap();
    };
    tokio::join!(erased, others);
    assert_eq!((bench.is_called_by(ADA).await, bench.is_called_by(BOB).await), (0, 2));
    assert_counts_are_true(&bench.psql().await, None).await;
}

#[tokio::test]
async fn copies_and_additions_on_their_way_bring_nobody_back() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ADA]).await;
    let (settings, agent) = (settings(), agent());
    let is_erased = async || (bench.is_called_by(ADA).await == 0).then_some(());
    let done = async || {
        let erased = bench.erase_ada().await;
        assert!(matches!(erased, Erasure::Done(_)), "{erased:?}");
    };
    // A duplicate that has copied the contacts and waits for its areas.
    let mut psql = bench.psql().await;
    let beside = bench.psql().await;
    let gate = psql.transaction().await.unwrap();
    gate.batch_execute("LOCK TABLE areas IN EXCLUSIVE MODE").await.unwrap();
    let new = new_campaign(bench.team, Uuid::now_v7(), &settings, &agent);
    let chosen = Chosen::default();
    let copied = async {
        let copied = duplicate(&bench.database, owner.campaign, &new, &chosen, bench.now).await;
        assert_eq!(copied.unwrap(), Duplicated::Done { contacts: 1 });
    };
    let erased = async {
        let waiting = "SELECT FROM pg_locks WHERE relation = 'areas'::regclass AND NOT granted";
        let is_waiting = async || (!beside.query(waiting, &[]).await.unwrap().is_empty()).then_some(());
        eventually("the duplicate waits", is_waiting).await;
        let opened = async {
            eventually("what is there is erased", is_erased).await;
            gate.rollback().await.unwrap();
        };
        tokio::join!(done(), opened);
    };
    tokio::join!(copied, erased);
    assert_eq!(bench.is_called_by(ADA).await, 0, "the copy has the number");
    assert_eq!(bench.counts(new.id).await.failed, 1);

    let adds_to = bench.running(&[BOB, ADA]).await.campaign;
    let into = bench.running(&[BOB]).await.campaign;
    let mut client = bench.database.list_client().await.unwrap();
    let origin = upload(Uuid::now_v7());
    let adding = begin_addition(&mut client, bench.team, into, &origin, bench.now).await.unwrap();
    let mut adding = adding.unwrap();
    adding.take(batch(&[ADA]).by(&mut adding.encoder())).await.unwrap();
    let merged = adding.merge(|_| unreachable!("nobody is there")).await.unwrap().unwrap();
    let added = async {
        eventually("what is there is erased", is_erased).await;
        merged.commit(&json!({}), Some(bench.node)).await.unwrap().unwrap();
    };
    tokio::join!(done(), added);
    assert_eq!(bench.is_called_by(ADA).await, 0, "the addition has the number");
    assert_eq!((bench.counts(into).await.failed, bench.counts(adds_to).await.failed), (1, 1));
}

#[tokio::test]
async fn whoever_waits_too_long_for_a_list_is_told_to_ask_again() {
    let bench = Bench::new().await;
    let draft = bench.draft(&[ADA]).await;
    let mut client = bench.database.list_client().await.unwrap();
    let Origin::Upload(import) = upload(Uuid::now_v7()) else { unreachable!() };
    let looked_at = begin_preview(&mut client, bench.team, &import, bench.now).await.unwrap();
    let Erasure::ListUnderWay(touched) = bench.erase_ada().await else { panic!("a list is on its way") };
    assert_eq!((touched.contacts, touched.campaigns), (1, vec![draft]));
    drop(looked_at);
    assert!(matches!(bench.erase_ada().await, Erasure::Done(_)));
}

#[tokio::test]
async fn nothing_is_promised_or_suppressed_for_somebody_of_whom_nobody_knows() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ADA, BOB]).await;
    let attempt = bench.claimed(owner).await;
    let sid = format!("CA{}", attempt.id.simple());
    let ended = heard(owner, attempt.id, &sid, &[report(Status::Completed, Source::Callback, 3, bench.now)]);
    assert!(bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    assert!(matches!(bench.erase_ada().await, Erasure::Done(_)));

    let wanted = Callback { at: bench.minutes(60), note: None };
    let ids = (owner.campaign, attempt.contact);
    let asked =
        ask_for_callback(&bench.database, bench.team, ids, &wanted, Some(bench.node), bench.now).await;
    assert_eq!(asked.unwrap(), Asked::Refused(NoCallback::Erased));
    let ids = (bench.team, owner.campaign, attempt.id);
    let told = opt_out(&bench.database, ids, None, false, bench.now).await.unwrap();
    assert_eq!(told, suppressions::Told::Erased);
    assert_eq!(bench.one::<i64>("SELECT count(*) FROM suppressions").await, 0);
    // What is heard late of the call counts, and brings its id back to nobody.
    assert!(matches!(bench.record(&[ended]).await[..], [Recorded::Known { .. }]));
    bench.assert_nowhere(&["2025550141", &sid], &[]).await;
    assert_eq!(bench.one::<i64>("SELECT count(*) FROM attempts WHERE heard_at IS NOT NULL").await, 1);
}

#[tokio::test]
async fn an_opt_out_is_taken_where_only_the_attempt_has_lost_its_number() {
    let bench = Bench::new().await;
    let campaign = bench.completed(&[ADA]).await;
    let attempts = Keep { attempts: Some(TimeDelta::days(7)), ..Keep::default() };
    assert_eq!(bench.erase(attempts, 8).await.attempts, 1);
    let attempt: Uuid = bench.one("SELECT id FROM attempts").await;
    let ids = (bench.team, campaign, attempt);
    let told = opt_out(&bench.database, ids, None, false, bench.now).await.unwrap();
    let suppressions::Told::OptedOut(told) = told else { panic!("the contact has the number") };
    assert_eq!(told.suppression.phone, ADA);
}

#[tokio::test]
async fn digits_of_several_cells_are_no_number_and_others_rows_stay() {
    let bench = Bench::new().await;
    let settings = settings();
    let agent = agent();
    let new = new_campaign(bench.team, Uuid::now_v7(), &settings, &agent);
    let mut client = bench.database.list_client().await.unwrap();
    let mut making =
        begin_campaign(&mut client, &new, &upload(Uuid::now_v7()), bench.now).await.unwrap().unwrap();
    let cells = |row, cells: [&str; 2]| {
        let cells = cells.map(str::to_owned).to_vec();
        Remark { kind: Kind::Refused { suggestion: None, cells }, ..refused(row, "") }
    };
    let remarks = vec![cells(7, ["20255", "50141"]), cells(8, ["Room 5", "(202) 555-0141"])];
    making.take(Batch { remarks, ..batch(&[BOB]) }.by(&mut making.encoder())).await.unwrap();
    let report = json!({"first": [{"phone": "20255"}, {"phone": "50141"}], "reasons": []});
    making.finish(&json!({}), &report).await.unwrap();
    drop(client);
    let Erasure::Done(touched) = bench.erase_ada().await else { panic!("no call is open") };
    assert_eq!((touched.remarks, touched.lists), (1, 0));
    assert_eq!(bench.one::<i32>("SELECT file_row FROM import_rows").await, 7);
}
