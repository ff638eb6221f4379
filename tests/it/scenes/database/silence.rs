//! A node that no longer hears the database, and is not told: nothing is refused, nothing is cut, no answer comes.

use actix_web::rt::{spawn, task::JoinHandle};
use outdial::actors::Delivery;
use outdial::app::{App, BuildError};
use outdial::config::Listen;
use outdial::db::{Database, Tls};
use serde_json::json;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{answering, asked, assert_all_were_reached};
use crate::chaos::proxy::{Proxy, Upstream, Weather};
use crate::support::eventually;
use crate::support::scene::{API_TOKEN, Scene, Setting, free_port};

/// A second node, in this process, behind a proxy of its own. Callbacks go to the first one.
struct Node {
    url: String,
    id: Uuid,
    way: Proxy,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), BuildError>>,
}

impl Node {
    async fn start(scene: &Scene) -> Self {
        let tokio_postgres::config::Host::Unix(sockets) = &scene.database.get_hosts()[0] else {
            panic!("a socket")
        };
        let socket = sockets.join(format!(".s.PGSQL.{}", scene.database.get_ports()[0]));
        let way = Proxy::start(Upstream::Unix(socket), 1).await;
        let mut through = tokio_postgres::Config::new();
        through.host("127.0.0.1").port(way.port()).ssl_mode(tokio_postgres::config::SslMode::Disable);
        through.user(scene.database.get_user().unwrap()).dbname(scene.database.get_dbname().unwrap());
        let mut config = scene.config.clone();
        config.listen = Listen { host: "127.0.0.1".to_owned(), port: free_port() };
        let url = format!("http://{}", config.listen);
        let database = Database::new(through, Tls::Off).unwrap();
        let app = App::build_on(config, database, None, Delivery::default()).await.unwrap();
        let id = app.board().node;
        let (stop, stopped) = oneshot::channel();
        let ended = spawn(async move { app.run_until(async { drop(stopped.await) }).await });
        Self { url, id, way, stop, ended }
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        self.ended.await.unwrap().unwrap();
    }

    async fn is_ready(&self, scene: &Scene) -> bool {
        let answer = scene.stranger().get(format!("{}/health/ready", self.url)).send().await;
        answer.unwrap().status().is_success()
    }
}

#[actix_web::test]
async fn a_node_that_is_cut_off_from_the_database_dials_no_more_and_another_goes_on() {
    let scene = Scene::with(Setting { speed: 20, ..answering() }).await;
    let psql = scene.psql().await;
    let node = Node::start(&scene).await;
    let numbers: Vec<String> = (101..113).map(|line| format!("+12025550{line}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let campaign = scene.upload(json!({"pacing": {"delay_seconds": 5}}), &numbers).await;
    // Whoever is told to start it has it.
    let start = scene.stranger().post(format!("{}{campaign}/start", node.url)).bearer_auth(API_TOKEN);
    assert_eq!(start.send().await.unwrap().status(), 200);
    let owner = || async {
        let row = psql.query_one("SELECT node, epoch FROM campaigns", &[]).await.unwrap();
        (row.get::<_, Option<Uuid>>(0), row.get::<_, i64>(1))
    };
    eventually("it dials", || async { (asked(&scene) >= 3).then_some(()) }).await;
    let (first_owner, epoch) = owner().await;
    assert_eq!(first_owner, Some(node.id));
    node.way.set_weather(Weather::Silent);
    let before = asked(&scene);
    eventually("it says that it is not ready", || async { (!node.is_ready(&scene).await).then_some(()) })
        .await;
    eventually("the other node has the campaign", || async {
        (owner().await == (Some(scene.board().node), epoch + 1)).then_some(())
    })
    .await;
    // One that was written down may have been sent just then.
    let late = asked(&scene) - before;
    assert!(late <= 1, "{late} requests left a node that could write nothing");
    let taken_over = asked(&scene);
    eventually("the other node dials", || async { (asked(&scene) >= taken_over + 2).then_some(()) }).await;
    node.way.set_weather(Weather::Fair);
    eventually("the node is ready again", || async { node.is_ready(&scene).await.then_some(()) }).await;
    assert_all_were_reached(&scene, &campaign).await;
    assert_eq!(owner().await, (Some(scene.board().node), epoch + 1), "the one that was away took it back");
    node.stop().await;
    scene.end().await;
}
