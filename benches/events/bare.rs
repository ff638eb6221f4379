//! The same stream of the same bytes, from a server that has nothing but them.

use std::convert::Infallible;
use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use actix_web::rt::spawn;
use actix_web::{App, HttpResponse, HttpServer, web};
use futures_util::stream::{StreamExt, iter, unfold};
use tokio::sync::broadcast;

/// A server that tells what it is given.
pub struct Bare {
    url: String,
    news: broadcast::Sender<web::Bytes>,
    handle: ServerHandle,
}

impl Bare {
    /// Starts it.
    pub fn start() -> Self {
        let news = broadcast::Sender::<web::Bytes>::new(64);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let told = web::Data::new(news.clone());
        let server =
            HttpServer::new(move || App::new().app_data(told.clone()).route("/", web::get().to(follow)))
                .workers(2)
                .disable_signals()
                .listen(listener)
                .expect("a server")
                .run();
        let handle = server.handle();
        spawn(server);
        Self { url, news, handle }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Tells everybody so many events, numbered from here on.
    pub fn tell(&self, from: usize, events: usize) {
        let bytes: String = (from..from + events).map(event).collect();
        self.news.send(bytes.into()).expect("somebody who follows");
    }

    /// Stops it.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn follow(news: web::Data<broadcast::Sender<web::Bytes>>) -> HttpResponse {
    let told = unfold(news.subscribe(), async |mut news| Some((Ok(news.recv().await.ok()?), news)));
    let begins = iter([Ok::<_, Infallible>(web::Bytes::from_static(b"retry: 2000\n\n"))]);
    HttpResponse::Ok().content_type("text/event-stream").streaming(begins.chain(told))
}

/// An event as the program tells it.
fn event(n: usize) -> String {
    let id = "019cae5b-7c00-7000-8000-000000000001";
    format!(
        "id: {n}\nevent: campaign.edited\ndata: {{\"id\":{n},\"kind\":\"campaign.edited\",\"at\":\"2026-03-02T15:00:00.123456Z\",\
         \"campaign\":{{\"id\":\"{id}\",\"name\":null}},\"data\":{{\"n\":{n}}}}}\n\n"
    )
}
