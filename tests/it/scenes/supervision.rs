//! What becomes of campaigns when actors, processes and nodes die.

use std::time::Duration;

use actix::{Handler, Message};
use chrono::TimeDelta;
use outdial::actors::{CampaignActor, FindActor, SupervisorActor, Tick, Watch};
use outdial::db::imports::{NewImport, PREVIEW_LASTS, begin_preview};
use outdial::db::keys;
use outdial::simulator::{Behavior, Fault, FaultKind, Outcome, Scenario};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::eventually;
use crate::support::process::Process;
use crate::support::scene::{Scene, Setting, for_a_while};

fn id(campaign: &str) -> Uuid {
    campaign.rsplit('/').next().unwrap().parse().unwrap()
}

/// A message that no campaign survives.
#[derive(Message)]
#[rtype(result = "()")]
struct Panic;

impl Handler<Panic> for CampaignActor {
    type Result = ();

    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("a campaign's actor dies, as the scene wants");
    }
}

#[actix_web::test]
async fn a_campaign_whose_actor_panics_is_back_after_a_tick() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await;
    scene.simulator.fix("+12025550101", [Behavior::answer().talking(60.0)]).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    let supervisor = scene.supervisor();
    let find = FindActor { campaign: id(&campaign) };
    let actor =
        eventually("the campaign has an actor", || async { supervisor.send(find).await.unwrap() }).await;
    // An actor that dies before its request has left makes the attempt end as unknown: another scene.
    scene.until_placed(&campaign).await;
    actor.do_send(Panic);
    eventually("the actor is dead", || async { (!actor.connected()).then_some(()) }).await;
    supervisor.send(Tick).await.unwrap().expect("a tick that goes through");
    let reborn = supervisor.send(find).await.unwrap().expect("an actor after the tick");
    assert!(reborn != actor);
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered", "answered"]);
    scene.end().await;
}

#[actix_web::test]
async fn the_watchdog_has_a_preview_deleted_that_nobody_came_back_for_and_waits_for_nothing() {
    let scene = Scene::start().await;
    let team = keys::ensure_team(&scene.board().database).await.unwrap();
    let preview = async |age| {
        let id = Uuid::now_v7();
        let import =
            NewImport { id, file_name: None, digest: [0; 32], bytes: 1, options: &serde_json::Value::Null };
        let mut client = scene.board().database.list_client().await.unwrap();
        let previewing = begin_preview(&mut client, team, &import, scene.clock.now() - age).await.unwrap();
        previewing.finish(&json!({}), 50).await.unwrap();
        id
    };
    preview(PREVIEW_LASTS).await;
    let fresh = preview(TimeDelta::zero()).await;
    let psql = scene.psql().await;
    psql.batch_execute("BEGIN; LOCK TABLE import_rows").await.unwrap();
    let look = tokio::time::timeout(Duration::from_secs(3), scene.supervisor().send(Watch)).await;
    look.expect("a look that waits for no deletion").unwrap().expect("a look");
    psql.batch_execute("ROLLBACK").await.unwrap();
    eventually("the old preview is gone", || async {
        let left = psql.query("SELECT id FROM imports", &[]).await.unwrap();
        (left.iter().map(|row| row.get::<_, Uuid>(0)).collect::<Vec<_>>() == [fresh]).then_some(())
    })
    .await;
    scene.end().await;
}

#[actix_web::test]
async fn the_watchdog_frees_a_contact_that_was_left_behind() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let by_hand = "
        WITH contact AS (UPDATE contacts SET state = 'calling', due_at = NULL RETURNING id)
        UPDATE campaigns SET pending = 0, calling = 1 FROM contact";
    scene.psql().await.execute(by_hand, &[]).await.unwrap();
    scene.command(&campaign, "start").await;
    scene.until(&campaign, "it runs", |campaign| campaign["state"] == "running").await;
    let found = scene.supervisor().send(Watch).await.unwrap().expect("a look that goes through");
    assert_eq!(found.freed, 1);
    scene.until_completed(&campaign).await;
    scene.end().await;
}

#[actix_web::test]
async fn the_supervisor_s_health_tells_what_it_sees() {
    let scene = Scene::start().await;
    scene.supervisor().send(Tick).await.unwrap().expect("a tick");
    scene.supervisor().send(Watch).await.unwrap().expect("a look");
    let (status, health) = scene.ask(Method::GET, "/health/supervisor").await;
    assert_eq!(status, 200, "{health}");
    assert_eq!(health["simulated"], true);
    assert_eq!(health["database"]["answers"], true);
    assert_eq!(health["provider"]["answers"], true);
    assert_eq!(health["attempts"], json!({"open": 0, "silent": 0}));
    assert!(health["tick"]["at"].is_string() && health["watchdog"]["at"].is_string(), "{health}");
    assert!(health["zone_data"]["version"].as_str().unwrap().starts_with("20"), "{health}");
    assert_eq!(health["zone_data"]["from"], "bundled");
    assert_eq!(health["nodes"].as_array().unwrap().len(), 1);
    let open = scene.stranger().get(scene.url("/health/supervisor")).send().await.unwrap();
    assert_eq!(open.status(), 401);
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(scene.stranger().get(scene.url(path)).send().await.unwrap().status(), 200, "{path}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_program_that_is_stopped_and_started_again_goes_on_where_it_was() {
    let scenario = Scenario::always(Outcome::Answer);
    let mut scene = Scene::with(Setting { scenario, ..Setting::default() }).await;
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102", "+12025550103"]).await;
    scene.until_placed(&campaign).await;
    scene.stop_program().await;
    scene.start_program().await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered", "answered", "answered"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_program_that_is_killed_in_the_middle_of_a_call_finds_the_call_again() {
    let setting = Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() };
    let scene = Scene::without_program(&setting).await;
    scene.simulator.fix("+12025550101", [Behavior::answer().talking(60.0)]).unwrap();
    let mut first = Process::serve(&scene);
    first.is_ready(&scene).await;
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    scene.until(&campaign, "a call is open", |campaign| campaign["counts"]["calling"] == 1).await;
    eventually("the request has arrived", || async {
        (scene.simulator.ledger().creates().len() == 1).then_some(())
    })
    .await;
    first.kill();
    let second = Process::serve(&scene);
    second.is_ready(&scene).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered", "answered"]);
    assert_eq!(scene.simulator.ledger().creates().len(), 2);
    drop(second);
    scene.end().await;
}

impl Handler<Panic> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("the supervisor dies, as the scene wants");
    }
}

/// Nothing in the program could bring it back: whoever watches over the program starts it again.
#[actix_web::test]
async fn a_program_that_has_lost_one_of_its_parts_ends() {
    let mut scene = Scene::start().await;
    scene.supervisor().do_send(Panic);
    let error = scene.program_s_end().await.expect_err("an end that tells that something is wrong");
    assert!(error.to_string().contains("supervisor"), "{error}");
    scene.start_program().await;
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_completed(&campaign).await;
    scene.end().await;
}

/// A graceful stop lets go of the campaigns when no call is being placed any more, and afterwards nothing can be
/// decided about them.
#[actix_web::test]
async fn a_call_is_being_placed_until_what_came_of_it_is_written() {
    let scene = Scene::start().await;
    let psql = scene.psql().await;
    psql.batch_execute(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_sleep(1); RETURN NEW; END';
         CREATE TRIGGER linger BEFORE UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION linger()",
    )
    .await
    .unwrap();
    scene.simulator.fault(Fault::once(FaultKind::Unauthorized)).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    eventually("the request was refused", || async {
        (scene.simulator.ledger().creates().len() == 1).then_some(())
    })
    .await;
    for_a_while().await;
    assert_eq!(scene.board().placing.count(), 1);
    scene.until(&campaign, "it is paused", |campaign| campaign["state"] == "paused").await;
    eventually("nothing is under way", || async { (scene.board().placing.count() == 0).then_some(()) }).await;
    scene.end().await;
}
