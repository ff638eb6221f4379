//! Decisions, whose statements are sent together: what they see, what they hold, and how durable they are.

use super::*;

#[tokio::test]
async fn a_claim_sees_what_was_done_by_whoever_held_the_campaign_before() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    let holder = bench.psql().await;
    holder.batch_execute("BEGIN; SELECT FROM campaigns FOR UPDATE").await.unwrap();
    let psql = bench.psql().await;
    let decide = async {
        eventually("the claim waits for the campaign", || async {
            let waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
            psql.query(waits, &[]).await.unwrap().pop()
        })
        .await;
        let sql = "UPDATE contacts SET state = 'failed', due_at = NULL WHERE phone = '+12025550101';
                   UPDATE campaigns SET pending = pending - 1, failed = failed + 1; COMMIT";
        holder.batch_execute(sql).await.unwrap();
    };
    let (claimed, ()) = tokio::join!(bench.claimed(owner), decide);
    assert_eq!(claimed.phone, "+12025550102");
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn whoever_has_nothing_to_decide_holds_nobody_up() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    bench.settle(owner, attempt.id, Outcome::Busy, Verdict::Due(bench.minutes(60))).await;
    assert!(matches!(bench.claim(owner).await, Claim::Nobody));
    let psql = bench.psql().await;
    eventually("nobody holds the campaign", || async {
        psql.batch_execute("SELECT FROM campaigns FOR UPDATE NOWAIT").await.ok()
    })
    .await;
}

/// What only an answer of the provider has told, and what is decided because nobody could be told anything, is nowhere else.
#[tokio::test]
async fn a_settlement_is_on_the_disk_at_once_unless_it_would_be_made_again() {
    let bench = Bench::new().await;
    let phones = ["+12025550101", "+12025550102", "+12025550103", "+12025550104", "+12025550105"];
    let owner = bench.running(&phones).await;
    let psql = bench.psql().await;
    let noting = "
        CREATE TABLE noted (attempt uuid, setting text);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO noted VALUES (NEW.id, current_setting('synchronous_commit'));
            RETURN NULL;
        END $$;
        CREATE TRIGGER note AFTER UPDATE OF settled_at ON attempts FOR EACH ROW EXECUTE FUNCTION note()";
    psql.batch_execute(noting).await.unwrap();
    let refusal = Some((Some(21211), "no such number".to_owned()));
    for (outcome, call_ended_at, error, noted) in [
        (Outcome::Answered, Some(bench.now), None, "off"),
        (Outcome::Failed, Some(bench.now), None, "off"),
        (Outcome::InvalidNumber, Some(bench.now), refusal, "on"),
        (Outcome::NotPlaced, None, None, "on"),
        (Outcome::Unknown, None, None, "on"),
    ] {
        let attempt = bench.claimed(owner).await.id;
        let verdict = Verdict::Failed;
        let settlement = Settlement { attempt, outcome, verdict, call_ended_at, error, last_word: None };
        assert!(settle(&bench.database, owner, &settlement, bench.now).await.unwrap(), "{outcome}");
        let row = psql.query_one("SELECT setting FROM noted WHERE attempt = $1", &[&attempt]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), noted, "{outcome}");
    }
}

/// A settlement may be made durable by whatever is committed next, and only the settlement.
#[tokio::test]
async fn what_follows_a_settlement_on_its_connection_is_on_the_disk_at_once() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    for outcome in [Outcome::Answered, Outcome::Busy] {
        let attempt = bench.claimed(owner).await;
        assert!(bench.settle(owner, attempt.id, outcome, Verdict::Failed).await);
        // The connection that was used last is given to whoever asks next.
        let connection = bench.database.client().await.unwrap();
        let is_on = "DO $$ BEGIN ASSERT current_setting('synchronous_commit') = 'on'; END $$";
        connection.batch_execute(is_on).await.unwrap();
    }
}
