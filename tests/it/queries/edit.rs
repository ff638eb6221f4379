//! Edits of campaigns, and the versions that they make.

use outdial::db::edit::{Edit, Edited, edit, list_versions};
use outdial::db::recurrence::{Expected, Fired, fire};
use outdial::domain::edit::{CannotEdit, Part};
use outdial::domain::pacing::Pacing;
use outdial::domain::recurrence::{Expression, Recurrence};

use super::*;

fn slower() -> Settings {
    Settings { pacing: Pacing { delay_seconds: 60 }, ..settings() }
}

fn at_nine() -> Settings {
    let cron = Expression::parse("0 9 * * MON-FRI").unwrap();
    Settings { schedule: Some(Recurrence { cron }), ..settings() }
}

/// An edit of these settings, by nobody in particular.
fn to(settings: &Settings, of_version: i32) -> Edit<'_> {
    Edit { of_version, name: "recall", settings, agent: None, starts_at: None, key: Some(Uuid::nil()) }
}

fn done(version: i32, parts: &[Part]) -> Edited {
    Edited::Done { version, parts: parts.to_vec() }
}

impl Bench {
    async fn edit(&self, campaign: Uuid, wanted: &Edit<'_>) -> Edited {
        edit(&self.database, self.team, campaign, wanted, self.now).await.unwrap()
    }

    async fn starts_at(&self, campaign: Uuid) -> Option<DateTime<Utc>> {
        campaigns::find_campaign(&self.database, self.team, campaign).await.unwrap().unwrap().starts_at
    }
}

#[tokio::test]
async fn every_version_is_kept_from_the_first_on() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101"]).await;
    assert_eq!(bench.edit(campaign, &to(&slower(), 1)).await, done(2, &[Part::Pacing]));
    let other = json!({"name": "Bob", "script": {"say": "Hi"}});
    let (slower, id) = (slower(), Uuid::now_v7());
    let wanted = Edit { agent: Some((Some(id), &other)), name: "renamed", key: Some(id), ..to(&slower, 2) };
    assert_eq!(bench.edit(campaign, &wanted).await, done(3, &[Part::Agent]));
    assert_eq!(bench.edit(campaign, &Edit { of_version: 3, ..wanted }).await, Edited::Unchanged);
    let versions = list_versions(&bench.database, bench.team, campaign, None, 10).await.unwrap();
    let told: Vec<_> =
        versions.iter().map(|one| (one.version, one.settings.pacing.delay_seconds, one.key)).collect();
    assert_eq!(told, [(3, 60, Some(id)), (2, 60, Some(Uuid::nil())), (1, 10, None)]);
    assert_eq!((versions[0].agent_id, &versions[0].agent), (Some(id), &other));
    assert_eq!((versions[1].agent_id, &versions[1].agent), (None, &agent()));
    assert!(versions.iter().all(|one| one.at == bench.now));
    let before = list_versions(&bench.database, bench.team, campaign, Some(2), 10).await.unwrap();
    assert_eq!(before.len(), 1);
    assert!(list_versions(&bench.database, Uuid::now_v7(), campaign, None, 10).await.unwrap().is_empty());
    let sql =
        "SELECT data - 'by' FROM events WHERE campaign_id = $1 AND kind = 'campaign.edited' ORDER BY id";
    let rows = bench.psql().await.query(sql, &[&campaign]).await.unwrap();
    let told: Vec<serde_json::Value> = rows.iter().map(|row| row.get(0)).collect();
    let expected =
        [json!({"version": 2, "changed": ["pacing"]}), json!({"version": 3, "changed": ["name", "agent"]})];
    assert_eq!(told, expected);
    let shown = campaigns::find_campaign(&bench.database, bench.team, campaign).await.unwrap().unwrap();
    assert_eq!((shown.name.as_str(), shown.settings_version), ("renamed", 3));
}

#[tokio::test]
async fn an_edit_of_another_version_changes_nothing_and_of_two_at_once_one_is_made() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101"]).await;
    let (one, other) = (slower(), Settings { ring_seconds: 20, ..settings() });
    let (one, other) = (to(&one, 1), to(&other, 1));
    let both = futures_util::future::join(bench.edit(campaign, &one), bench.edit(campaign, &other)).await;
    let overtaken = Edited::Overtaken { version: 2 };
    assert!((both.0 == overtaken) != (both.1 == overtaken), "{both:?}");
    let stranger = edit(&bench.database, Uuid::now_v7(), campaign, &one, bench.now).await.unwrap();
    assert_eq!(stranger, Edited::NotFound);
}

#[tokio::test]
async fn an_attempt_that_was_claimed_before_an_edit_does_not_leave() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    let permission = async || look_once_more(&bench.database, owner, &attempt, bench.now).await.unwrap();
    assert_eq!(permission().await, Permission::Granted);
    // A name is no setting.
    let same = settings();
    let renamed = Edit { name: "other", ..to(&same, 1) };
    assert_eq!(bench.edit(owner.campaign, &renamed).await, done(1, &[]));
    assert_eq!(permission().await, Permission::Granted);
    assert_eq!(bench.edit(owner.campaign, &to(&slower(), 1)).await, done(2, &[Part::Pacing]));
    assert_eq!(permission().await, Permission::Withdrawn);
    assert!(bench.settle(owner, attempt.id, Outcome::NotPlaced, Verdict::Due(bench.minutes(-1))).await);
    assert_eq!(bench.claimed(owner).await.settings_version, 2);
}

#[tokio::test]
async fn what_a_campaign_at_work_or_a_call_goes_by_waits() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    bench.claimed(owner).await;
    let longer = Settings { ring_seconds: 40, ..slower() };
    let refused = bench.edit(owner.campaign, &to(&longer, 1)).await;
    let at_work = CannotEdit::AtWork { state: State::Running, parts: vec![Part::RingSeconds] };
    assert_eq!(refused, Edited::Refused(at_work));
    assert_eq!(bench.command(owner.campaign, Command::Pause).await, Moved::Done);
    let refused = bench.edit(owner.campaign, &to(&longer, 1)).await;
    assert_eq!(refused, Edited::Refused(CannotEdit::CallOpen(vec![Part::RingSeconds])));
    let versions = list_versions(&bench.database, bench.team, owner.campaign, None, 10).await.unwrap();
    assert_eq!(versions.len(), 1);
}

#[tokio::test]
async fn a_schedule_that_is_edited_counts_from_its_next_firing_on() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101"]).await;
    assert_eq!(bench.edit(campaign, &to(&at_nine(), 1)).await, done(2, &[Part::Schedule]));
    let start = Command::Start { account_sid: ACCOUNT, limit: Limited::AsBefore };
    assert_eq!(bench.command(campaign, start).await, Moved::Done);
    let nine: DateTime<Utc> = "2026-03-03T14:00:00Z".parse().unwrap();
    assert_eq!(bench.starts_at(campaign).await, Some(nine));
    let owner = bench.owner(campaign).await;
    let due = at_nine().schedule.unwrap().due(&settings().timezone, nine, nine).unwrap();
    let stale = Expected { firing_at: nine, due, settings_version: 2 };
    // The clock of the same schedule is set otherwise: half past eight would be the next, were it not for the zone.
    let cron = Expression::parse("30 9 * * *").unwrap();
    let later =
        Settings { schedule: Some(Recurrence { cron }), from: "+12025550199".to_owned(), ..settings() };
    assert_eq!(bench.edit(campaign, &to(&later, 2)).await, done(3, &[Part::From, Part::Schedule]));
    let half_past: DateTime<Utc> = "2026-03-03T14:30:00Z".parse().unwrap();
    assert_eq!(bench.starts_at(campaign).await, Some(half_past));
    // Another number is no reason to wait for another firing.
    let back = Settings { from: FROM.to_owned(), ..later.clone() };
    assert_eq!(bench.edit(campaign, &to(&back, 3)).await, done(4, &[Part::From]));
    assert_eq!(bench.starts_at(campaign).await, Some(half_past));
    let stale_run = fire(&bench.database, owner, &stale, Uuid::now_v7(), nine).await.unwrap();
    assert_eq!(stale_run, Fired::Overtaken);
    let due = later.schedule.unwrap().due(&settings().timezone, half_past, half_past).unwrap();
    let old = Expected { firing_at: half_past, due, settings_version: 3 };
    assert_eq!(
        fire(&bench.database, owner, &old, Uuid::now_v7(), half_past).await.unwrap(),
        Fired::Overtaken
    );
    let new = Expected { settings_version: 4, ..old };
    let Fired::Run { run, .. } = fire(&bench.database, owner, &new, Uuid::now_v7(), half_past).await.unwrap()
    else {
        panic!("no run")
    };
    let versions = list_versions(&bench.database, bench.team, run, None, 10).await.unwrap();
    assert_eq!((versions.len(), versions[0].version), (1, 1));
    assert_eq!(versions[0].settings, Settings { schedule: None, ..back });
    // A run is a campaign of its own, and has no schedule.
    assert_eq!(bench.command(run, Command::Pause).await, Moved::Done);
    assert_eq!(bench.edit(run, &to(&at_nine(), 1)).await, Edited::Refused(CannotEdit::RunsHaveNone));
}

#[tokio::test]
async fn a_paused_schedule_that_is_edited_forgets_the_firing_that_it_waited_for() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101"]).await;
    bench.edit(campaign, &to(&at_nine(), 1)).await;
    let start = Command::Start { account_sid: ACCOUNT, limit: Limited::AsBefore };
    assert_eq!(bench.command(campaign, start).await, Moved::Done);
    assert_eq!(bench.command(campaign, Command::Pause).await, Moved::Done);
    let cron = Expression::parse("30 * * * *").unwrap();
    let hourly = Settings { schedule: Some(Recurrence { cron }), ..settings() };
    assert_eq!(bench.edit(campaign, &to(&hourly, 2)).await, done(3, &[Part::Schedule]));
    assert_eq!(bench.starts_at(campaign).await, None);
    assert_eq!(bench.command(campaign, Command::Resume { limit: Limited::AsBefore }).await, Moved::Done);
    assert_eq!(bench.starts_at(campaign).await, Some(bench.minutes(30)));
}
