//! The database left out: a server that checks and reads callbacks as the program does, and answers at once.

use std::net::TcpListener;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use outdial::twilio::callbacks::Callback;
use outdial::twilio::signature;
use outdial::twilio::wire::{SIGNATURE_HEADER, parse_form};
use uuid::Uuid;

use super::PUBLIC_URL;
use super::load::{Figures, Load};
use super::program::AUTH_TOKEN;

/// As many as the program has.
const WORKERS: usize = 2;

/// Plays the load against such a server.
pub async fn measure(load: &Load) -> Figures {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let route = "/webhooks/twilio/status/{campaign}/{attempt}";
    let server = HttpServer::new(move || App::new().route(route, web::post().to(status)))
        .workers(WORKERS)
        .disable_signals()
        .listen(listener)
        .expect("a server")
        .run();
    let handle = server.handle();
    let server = actix_web::rt::spawn(server);
    let figures = load.play(address).await;
    handle.stop(false).await;
    server.await.expect("the server's task").expect("the server's end");
    figures
}

async fn status(request: HttpRequest, ids: web::Path<(Uuid, Uuid)>, body: web::Bytes) -> HttpResponse {
    let form = parse_form(&body);
    let url = format!("{PUBLIC_URL}{}", request.path());
    let signature = request.headers().get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    let is_signed = signature.is_some_and(|given| signature::verify(&[AUTH_TOKEN], &url, &form, given));
    let is_callback = Callback::parse(&form).is_ok() && !ids.0.is_nil();
    match is_signed && is_callback {
        true => HttpResponse::NoContent().finish(),
        false => HttpResponse::Forbidden().finish(),
    }
}
