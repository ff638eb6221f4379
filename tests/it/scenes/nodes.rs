//! Several nodes on one database.

use actix_web::rt::spawn;
use actix_web::rt::task::JoinHandle;
use outdial::actors::Delivery;
use outdial::app::App;
use outdial::clock::Stopwatch;
use outdial::config::Provider;
use outdial::db::Database;
use outdial::simulator::{Behavior, Outcome, Scenario};
use outdial::twilio::signature::sign;
use outdial::twilio::wire::SIGNATURE_HEADER;
use reqwest::Method;
use serde_json::json;
use tokio::sync::oneshot;

use crate::support::eventually;
use crate::support::process::{Process, Variables};
use crate::support::scene::{AUTH_TOKEN, Scene, Setting, free_port};

/// A second node, in this process.
struct Neighbor {
    address: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Neighbor {
    async fn of(scene: &Scene) -> Self {
        let mut config = scene.config.clone();
        config.listen.port = free_port();
        let address = format!("http://{}", config.listen);
        if let Provider::Twilio(account) = &mut config.provider {
            account.public_url = address.parse().unwrap();
        }
        let database = Database::new(scene.database.clone(), outdial::db::Tls::Off).unwrap();
        let app = App::build_on(config, database, None, Delivery::default()).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = spawn(async move { app.run_until(async { drop(stopped.await) }).await.unwrap() });
        let neighbor = Self { address, stop, ended };
        eventually("the scene's node knows of the other", || async {
            let health = scene.look("/health/supervisor").await;
            (health["nodes"].as_array().map(Vec::len) == Some(2)).then_some(())
        })
        .await;
        neighbor
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        self.ended.await.unwrap();
    }
}

/// Nothing but a word of the other node tells the owner: its tick comes every 30 seconds, and it asks about an answered
/// call every minute.
#[actix_web::test]
async fn a_callback_that_comes_to_another_node_moves_the_campaign_on_at_once() {
    let scenario = Scenario::always(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, speed: 1, ..Setting::default() }).await;
    scene.simulator.fix("+12025550101", [Behavior::answer().ringing(0.1).talking(600.0)]).unwrap();
    let neighbor = Neighbor::of(&scene).await;
    let agent = json!({"name": "Ada", "script": {"connect": {"stream": {"url": "wss://voice.example/"}}}});
    let campaign = scene.call(json!({ "agent": agent }), &["+12025550101", "+12025550102"]).await;
    let attempt = eventually("they talk", || async {
        let attempts = scene.attempts(&campaign).await;
        attempts.into_iter().find(|attempt| attempt["status"] == "in-progress")
    })
    .await;
    let told = Stopwatch::start();
    let id = campaign.rsplit('/').next().unwrap();
    let url = format!("{}/webhooks/twilio/status/{id}/{}", neighbor.address, attempt["id"].as_str().unwrap());
    let form = [
        ("CallSid", attempt["sid"].as_str().unwrap()),
        ("CallStatus", "completed"),
        ("SequenceNumber", "3"),
        ("CallDuration", "12"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let signature = sign(AUTH_TOKEN, &url, &form);
    let request = scene.stranger().post(&url).header(SIGNATURE_HEADER, signature).form(&form);
    assert_eq!(request.send().await.unwrap().status(), 204);
    scene.until(&campaign, "its end is settled", |campaign| campaign["counts"]["completed"] == 1).await;
    assert!(told.elapsed().as_secs() < 10, "{:?}", told.elapsed());
    neighbor.stop().await;
    scene.end().await;
}

/// What `outdial nodes` prints, and whether it says that somebody is alive.
async fn nodes_command(scene: &Scene) -> (String, bool) {
    let mut command = Process::run("nodes", &Variables::of(scene));
    let status = command.end().await;
    (command.said(), status.success())
}

#[actix_web::test]
async fn two_programs_share_campaigns_and_everybody_who_asks_is_shown_both() {
    let scene = Scene::without_program(&Setting::default()).await;
    let first = Process::serve(&scene);
    first.is_ready(&scene).await;
    let later = json!({"starts_at": "2026-03-03T15:00:00Z"});
    for phone in ["+12025550101", "+12025550102"] {
        scene.call(later.clone(), &[phone]).await;
    }
    let mut second = Process::run("serve", &Variables::of(&scene).with("PORT", "0"));
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
    let (table, is_anybody_alive) = nodes_command(&scene).await;
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
    let (table, is_anybody_alive) = nodes_command(&scene).await;
    let row = table.lines().nth(2).expect("the dead node's row");
    assert!(is_anybody_alive && row.contains(dead) && row.contains("0  silent since 20"), "{table}");
    drop(first);
    scene.end().await;
}
