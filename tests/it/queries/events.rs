//! The outbox: told in one order, of which nobody misses anything.

use std::collections::BTreeSet;

use outdial::db::events::{
    EventFilter, last_position, list_events, list_last_events, list_progress, note_waiting, place_events,
};
use outdial::domain::attempt::{Source, Status};
use outdial::domain::campaign::Move;
use outdial::domain::dialer::Because;
use outdial::domain::event::EventKind;
use outdial::domain::outcome::Outcome;
use outdial::domain::retry::Verdict;
use serde_json::json;

use super::*;

impl Bench {
    /// All that is told of a campaign, once it has its positions.
    async fn told_of(&self, campaign: Uuid) -> Vec<outdial::db::events::Event> {
        while place_events(&self.database).await.unwrap().may_be_more {}
        let filter = EventFilter { campaign: Some(campaign), ..EventFilter::default() };
        list_events(&self.database, &filter, 0, 1000).await.unwrap().events
    }
}

fn kinds_of(events: &[outdial::db::events::Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

#[tokio::test]
async fn the_table_takes_the_kinds_of_events_that_there_are_and_no_others() {
    let bench = Bench::new().await;
    let sql = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'known_event_kind'";
    let definition: String = bench.psql().await.query_one(sql, &[]).await.unwrap().get(0);
    let in_table: BTreeSet<&str> = definition.split('\'').skip(1).step_by(2).collect();
    assert_eq!(in_table, EventKind::ALL.iter().map(|kind| kind.as_str()).collect());
}

#[tokio::test]
async fn the_last_events_of_a_campaign_come_the_newest_first_and_page_by_page() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let other = bench.running(&["+12025550102"]).await;
    let attempt = bench.claimed(owner).await;
    assert!(bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    assert!(campaigns::make_move(&bench.database, owner, Move::Finish, None, bench.now).await.unwrap());
    while place_events(&bench.database).await.unwrap().may_be_more {}
    let kinds: Vec<EventKind> =
        EventKind::ALL.iter().copied().filter(|kind| kind.as_str().starts_with("campaign.")).collect();
    let page = async |team, campaign, before, limit| {
        let page = (before, limit);
        let (events, next) = list_last_events(&bench.database, team, campaign, &kinds, page).await.unwrap();
        (kinds_of(&events).join(" "), next)
    };
    let all = "campaign.completed campaign.running campaign.started campaign.created";
    assert_eq!(page(bench.team, owner.campaign, None, 10).await, (all.to_owned(), None));
    let (newest, next) = page(bench.team, owner.campaign, None, 2).await;
    assert_eq!(newest, "campaign.completed campaign.running");
    let rest = page(bench.team, owner.campaign, next, 3).await;
    assert_eq!(rest, ("campaign.started campaign.created".to_owned(), None));
    assert!(!page(bench.team, other.campaign, None, 10).await.0.contains("completed"));
    assert_eq!(page(Uuid::now_v7(), owner.campaign, None, 10).await, (String::new(), None));
}

#[tokio::test]
async fn a_campaign_s_life_is_told_in_the_order_in_which_it_happened() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    let taken = report(Status::InProgress, Source::Callback, 2, bench.now);
    for _ in 0..2 {
        bench.record(&[heard(owner, attempt.id, "CA1", std::slice::from_ref(&taken))]).await;
    }
    assert!(bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    // What is heard of it later is no news.
    bench.record(&[heard(owner, attempt.id, "CA1", std::slice::from_ref(&taken))]).await;
    assert!(campaigns::make_move(&bench.database, owner, Move::Finish, None, bench.now).await.unwrap());
    let told = bench.told_of(owner.campaign).await;
    assert_eq!(
        kinds_of(&told),
        [
            "campaign.created",
            "campaign.started",
            "campaign.running",
            "attempt.started",
            "attempt.answered",
            "attempt.ended",
            "contact.completed",
            "campaign.completed"
        ]
    );
    assert!(told.windows(2).all(|pair| pair[0].position < pair[1].position));
    let ended = &told[5];
    assert_eq!((ended.attempt, ended.campaign_name.as_deref()), (Some(attempt.id), Some("recall")));
    assert_eq!(ended.data["outcome"], "answered");
    let known = ended.contact.as_ref().unwrap().known.as_ref().unwrap();
    assert_eq!((known.phone.as_str(), known.name.as_deref()), ("+12025550101", Some("person 1")));
    assert_eq!(known.metadata, json!({"Company": "Acme"}));
    let progress = list_progress(&bench.database, &[owner.campaign]).await.unwrap();
    assert_eq!((progress[0].completed, progress[0].pending, progress[0].attempts), (1, 0, 1));
}

#[tokio::test]
async fn a_contact_that_is_to_be_called_again_has_come_to_no_end() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    assert!(bench.settle(owner, attempt.id, Outcome::Busy, Verdict::Due(bench.minutes(5))).await);
    let told = bench.told_of(owner.campaign).await;
    assert_eq!(kinds_of(&told)[3..], ["attempt.started", "attempt.ended"]);
    assert_eq!(told[4].data["contact"], "pending");
    assert!(told[4].data["due_at"].is_string());
}

/// Whoever wants what is rare is brought forward as well, a bounded step at a time.
#[tokio::test]
async fn what_is_rare_is_found_behind_much_else_and_nothing_is_another_team_s() {
    let bench = Bench::new().await;
    let draft = bench.draft(&["+12025550101"]).await;
    let sql = "
        INSERT INTO events (team_id, campaign_id, kind, at)
        SELECT CASE WHEN n % 2 = 0 THEN $1::uuid ELSE $2 END, $2, CASE n WHEN 12000 THEN 'contact.failed' ELSE 'campaign.edited' END, now()
        FROM generate_series(1, 12000) n";
    bench.psql().await.execute(sql, &[&bench.team, &draft]).await.unwrap();
    while place_events(&bench.database).await.unwrap().may_be_more {}
    let kinds = Some(vec![EventKind::ContactFailed]);
    let filter = EventFilter { team: Some(bench.team), campaign: None, kinds };
    let first = list_events(&bench.database, &filter, 0, 10).await.unwrap();
    assert!(first.events.is_empty() && first.may_be_more && first.until > 9000, "{}", first.until);
    let second = list_events(&bench.database, &filter, first.until, 10).await.unwrap();
    assert_eq!(kinds_of(&second.events), ["contact.failed"]);
    assert!(!second.may_be_more);
    assert_eq!(second.until, last_position(&bench.database).await.unwrap());
    let filter = EventFilter { team: Some(draft), ..EventFilter::default() };
    let theirs = list_events(&bench.database, &filter, 0, 1000).await.unwrap();
    assert!(theirs.may_be_more && theirs.events.iter().all(|event| event.team == draft));
}

#[tokio::test]
async fn what_was_told_of_a_deleted_campaign_is_still_told() {
    let bench = Bench::new().await;
    let draft = bench.draft(&["+12025550101"]).await;
    campaigns::delete_campaign(&bench.database, bench.team, draft, None, bench.now).await.unwrap();
    let told = bench.told_of(draft).await;
    assert_eq!(kinds_of(&told), ["campaign.created", "campaign.deleted"]);
    assert_eq!((&told[1].campaign_name, &told[1].data), (&None, &json!({"name": "recall"})));
}

#[tokio::test]
async fn why_a_campaign_waits_is_told_once_and_again_after_a_call() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    let nine = bench.minutes(60);
    let note = |because, until| note_waiting(&bench.database, owner, (because, until), bench.now);
    assert!(note(Because::OutsideHours, nine).await.unwrap());
    assert!(!note(Because::OutsideHours, nine).await.unwrap());
    assert!(note(Because::NobodyDue, nine).await.unwrap());
    let attempt = bench.claimed(owner).await;
    assert!(!note(Because::NobodyDue, nine).await.unwrap(), "it calls somebody again");
    assert!(bench.settle(owner, attempt.id, Outcome::Busy, Verdict::Due(nine)).await);
    assert!(note(Because::NobodyDue, nine).await.unwrap());
    assert_eq!(bench.command(owner.campaign, Command::Pause).await, Moved::Done);
    assert!(!note(Because::OutsideHours, nine).await.unwrap(), "a paused campaign says so itself");
    let told = bench.told_of(owner.campaign).await;
    let waits = told.iter().filter(|event| event.kind == EventKind::CampaignWaiting);
    let because: Vec<_> = waits.map(|event| event.data["because"].clone()).collect();
    assert_eq!(because, ["outside-hours", "nobody-due", "nobody-due"]);
}

/// Transactions of several campaigns commit in another order than that in which their events were numbered, while
/// several nodes give positions at the same time: whoever follows misses nothing and is told nothing twice.
#[tokio::test]
async fn whoever_follows_the_positions_misses_nothing_whatever_commits_when() {
    const WRITERS: u32 = 6;
    const EACH: u32 = 40;
    let bench = Bench::new().await;
    let mut writing = Vec::new();
    for writer in 0..WRITERS {
        let campaign = bench.draft(&[&phone(writer)]).await;
        let (mut psql, team) = (bench.psql().await, bench.team);
        writing.push(tokio::spawn(async move {
            for n in 0..EACH {
                let transaction = psql.transaction().await.unwrap();
                let sql = "
                    INSERT INTO events (team_id, campaign_id, kind, at, data)
                    VALUES ($1, $2, 'campaign.edited', now(), jsonb_build_object('n', $3::int))";
                transaction.execute(sql, &[&team, &campaign, &(n as i32)]).await.unwrap();
                // Some stay open over the commits of others, and some come to nothing.
                let pause = format!("SELECT pg_sleep({})", f64::from((n * 7 + writer * 3) % 11) / 1000.0);
                transaction.batch_execute(&pause).await.unwrap();
                match (n + writer) % 10 {
                    9 => transaction.rollback().await.unwrap(),
                    _ => transaction.commit().await.unwrap(),
                }
            }
        }));
    }
    let mut placing = Vec::new();
    for _ in 0..2 {
        let psql = bench.psql().await;
        placing.push(tokio::spawn(async move {
            loop {
                psql.execute("SELECT place_events(100)", &[]).await.unwrap();
            }
        }));
    }
    let (mut followed, mut after, mut over) = (Vec::new(), 0, false);
    loop {
        let page = list_events(&bench.database, &EventFilter::default(), after, 7).await.unwrap().events;
        match page.last() {
            Some(last) => after = last.position,
            None if over => break,
            None => {
                over = writing.iter().all(|writer| writer.is_finished())
                    && !place_events(&bench.database).await.unwrap().may_be_more
            }
        }
        followed.extend(page);
    }
    placing.iter().for_each(|placer| placer.abort());
    let sql = "SELECT count(*) FROM events";
    let written: i64 = bench.psql().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(followed.len() as i64, written);
    assert!(written > i64::from(WRITERS * EACH / 2), "{written}");
    assert!(followed.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(last_position(&bench.database).await.unwrap(), after);
    let mut latest: std::collections::BTreeMap<Uuid, i64> = std::collections::BTreeMap::new();
    for event in followed.iter().filter(|event| event.kind == EventKind::CampaignEdited) {
        let n = event.data["n"].as_i64().unwrap();
        let before = latest.insert(event.campaign, n);
        assert!(before < Some(n), "a campaign's events are told in its own order");
    }
}
