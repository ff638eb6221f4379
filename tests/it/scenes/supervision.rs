//! What becomes of campaigns when actors, processes and nodes die.

use std::process::{Child, Command, Stdio};
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

fn database_url(scene: &Scene) -> String {
    let hosts = scene.database.get_hosts();
    let tokio_postgres::config::Host::Unix(socket) = &hosts[0] else { panic!("a socket") };
    let socket = socket.display().to_string().replace('/', "%2F");
    let user = scene.database.get_user().unwrap();
    let name = scene.database.get_dbname().unwrap();
    format!("postgres://{user}@{socket}/{name}?sslmode=disable")
}

/// The program as a process of its own, which can be killed.
struct Process(Child);

impl Process {
    fn start(scene: &Scene) -> Self {
        Self::start_on(scene, scene.config.listen.port)
    }

    fn start_on(scene: &Scene, port: u16) -> Self {
        let outdial::config::Provider::Twilio(account) = &scene.config.provider else { panic!("an account") };
        let child = Command::new(env!("CARGO_BIN_EXE_outdial"))
            .arg("serve")
            .env("DATABASE_URL", database_url(scene))
            .env("PORT", port.to_string())
            .env("OUTDIAL_HOST", "127.0.0.1")
            .env("TWILIO_ACCOUNT_SID", &account.account_sid)
            .env("TWILIO_AUTH_TOKEN", account.auth_token.expose())
            .env("TWILIO_FROM", &account.from)
            .env("OUTDIAL_PUBLIC_URL", account.public_url.as_str())
            .env("OUTDIAL_TWILIO_URL", account.base_url.as_str())
            .env("OUTDIAL_CPS", scene.config.cps.to_string())
            .env("OUTDIAL_CLOCK", scene.config.course.as_ref().unwrap().to_string())
            .env("OUTDIAL_API_TOKEN", scene.config.api_token.as_ref().unwrap().expose())
            .env("OUTDIAL_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program");
        Self(child)
    }

    async fn is_ready(&self, scene: &Scene) {
        eventually("the program is ready", || async {
            let answer = scene.stranger().get(scene.url("/health/ready")).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    fn kill(&mut self) {
        self.0.kill().expect("a living process");
        self.0.wait().expect("its end");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[actix_web::test]
async fn a_program_that_is_killed_in_the_middle_of_a_call_finds_the_call_again() {
    let setting = Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() };
    let scene = Scene::without_program(&setting).await;
    scene.simulator.fix("+12025550101", [Behavior::answer().talking(60.0)]).unwrap();
    let mut first = Process::start(&scene);
    first.is_ready(&scene).await;
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    scene.until(&campaign, "a call is open", |campaign| campaign["counts"]["calling"] == 1).await;
    eventually("the request has arrived", || async {
        (scene.simulator.ledger().creates().len() == 1).then_some(())
    })
    .await;
    first.kill();
    let second = Process::start(&scene);
    second.is_ready(&scene).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered", "answered"]);
    assert_eq!(scene.simulator.ledger().creates().len(), 2);
    drop(second);
    scene.end().await;
}

/// What `outdial nodes` prints, and whether it says that somebody is alive.
fn nodes_command(scene: &Scene) -> (String, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outdial"));
    let done = command.arg("nodes").env("DATABASE_URL", database_url(scene)).output().expect("the program");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(errors, "");
    (String::from_utf8(done.stdout).expect("a text"), done.status.success())
}

#[actix_web::test]
async fn two_programs_share_campaigns_and_everybody_who_asks_is_shown_both() {
    let scene = Scene::without_program(&Setting::default()).await;
    let first = Process::start(&scene);
    first.is_ready(&scene).await;
    let later = json!({"starts_at": "2026-03-03T15:00:00Z"});
    for phone in ["+12025550101", "+12025550102"] {
        scene.call(later.clone(), &[phone]).await;
    }
    let mut second = Process::start_on(&scene, 0);
    let shown = async |campaigns: &[i64]| {
        let what = format!("nodes with {campaigns:?} campaigns");
        eventually(&what, || async {
            let (_, health) = scene.ask(Method::GET, "/health/supervisor").await;
            let nodes = health["nodes"].as_array().expect("nodes").clone();
            let owned: Vec<_> = nodes.iter().filter_map(|node| node["campaigns"].as_i64()).collect();
            (owned == campaigns).then_some(nodes)
        })
        .await
    };
    let nodes = shown(&[1, 1]).await;
    assert!(nodes.iter().all(|node| node["alive"] == true && node["silent_since"].is_null()), "{nodes:?}");
    let (table, is_anybody_alive) = nodes_command(&scene);
    assert!(is_anybody_alive, "{table}");
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert_eq!(rows.len(), 2, "{table}");
    for (row, node) in rows.iter().zip(&nodes) {
        assert!(row.contains(node["id"].as_str().unwrap()) && row.ends_with("1  alive"), "{table}");
    }
    second.kill();
    // As if its lease had run out.
    let dead = nodes[1]["id"].as_str().unwrap();
    let by_hand = "UPDATE nodes SET alive_until = clock_timestamp() WHERE id::text = $1";
    scene.psql().await.execute(by_hand, &[&dead]).await.unwrap();
    let nodes = shown(&[2, 0]).await;
    assert!(nodes[1]["alive"] == false && nodes[1]["silent_since"].is_string(), "{nodes:?}");
    let (table, is_anybody_alive) = nodes_command(&scene);
    let row = table.lines().nth(2).expect("the dead node's row");
    assert!(is_anybody_alive && row.contains(dead) && row.contains("0  silent since 20"), "{table}");
    drop(first);
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
