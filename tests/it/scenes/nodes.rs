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
use serde_json::json;
use tokio::sync::oneshot;

use crate::support::eventually;
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
