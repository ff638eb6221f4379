//! The demo's person against a server that plays the API, so that the two ends are held to one shape.

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::header::AUTHORIZATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use chrono::{Datelike, Weekday};

use super::*;

/// What the server has been asked for.
#[derive(Default)]
struct Asked {
    looks: AtomicUsize,
    uploads: AtomicUsize,
    starts: AtomicUsize,
}

async fn upload(request: HttpRequest, body: String, asked: web::Data<Asked>) -> HttpResponse {
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if token != Some("Bearer a-token") {
        return HttpResponse::Unauthorized().body("expected a token");
    }
    let parts = [
        "name=\"settings\"",
        "Content-Type: application/json",
        "\"say\":\"Hello.\"",
        "name=\"file\"; filename=\"list.csv\"",
        "phone\r\n+12025550123\r\n",
    ];
    for part in parts {
        assert!(body.contains(part), "{part} is missing in {body}");
    }
    asked.uploads.fetch_add(1, Ordering::SeqCst);
    HttpResponse::Created().json(json!({
        "id": "c1", "rows": 1, "imported": 1, "duplicates": 0, "rejected": 0, "blank": 0, "refused": []
    }))
}

async fn start(asked: web::Data<Asked>) -> HttpResponse {
    asked.starts.fetch_add(1, Ordering::SeqCst);
    HttpResponse::Ok().json(json!({ "id": "c1" }))
}

/// Running at the first look, completed at the second.
async fn campaign(asked: web::Data<Asked>) -> HttpResponse {
    let is_over = asked.looks.fetch_add(1, Ordering::SeqCst) > 0;
    let done = u64::from(is_over);
    HttpResponse::Ok().json(json!({
        "id": "c1", "name": "Demo", "state": if is_over { "completed" } else { "running" },
        "average_duration_seconds": 12.0, "success_rate": done, "waiting": null,
        "counts": {"contacts": 1, "pending": 0, "calling": 1 - done, "completed": done, "failed": 0,
                   "suppressed": 0, "attempts": 1, "retries": 0, "outcomes": {"answered": done}},
    }))
}

/// A server that plays the API, and its address.
fn serve(asked: &web::Data<Asked>) -> String {
    let asked = asked.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(asked.clone())
            .route("/api/v1/campaigns", web::post().to(upload))
            .route("/api/v1/campaigns/c1/start", web::post().to(start))
            .route("/api/v1/campaigns/c1", web::get().to(campaign))
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    url
}

fn list() -> ContactList {
    ContactList { name: "list.csv".into(), content: b"phone\r\n+12025550123\r\n".into(), greeting: "Hello." }
}

/// reqwest wants a provider of cryptography even for plain HTTP. Whoever comes first installs it.
fn api(url: &str, token: &str) -> Api {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Api::new(url, Secret::new(token)).unwrap()
}

#[actix_web::test]
async fn the_list_is_uploaded_started_and_followed_until_it_is_over() {
    let asked = web::Data::new(Asked::default());
    let api = api(&serve(&asked), "a-token");
    let report = play(&api, list(), PATIENCE).await.unwrap();
    assert!(report.is_complete(), "{:?}", report.missing());
    let counted = [&asked.uploads, &asked.starts, &asked.looks].map(|count| count.load(Ordering::SeqCst));
    assert_eq!(counted, [1, 1, 2]);
}

#[actix_web::test]
async fn the_patience_ends_before_a_campaign_that_does_not() {
    let asked = web::Data::new(Asked::default());
    let api = api(&serve(&asked), "a-token");
    let report = play(&api, list(), Duration::ZERO).await.unwrap();
    assert!(report.missing().unwrap().starts_with("0 of 1 contacts are final; the campaign is running"));
}

#[actix_web::test]
async fn a_refusal_is_shown_with_the_servers_words() {
    let asked = web::Data::new(Asked::default());
    let api = api(&serve(&asked), "another-token");
    let error = play(&api, list(), PATIENCE).await.unwrap_err().to_string();
    assert_eq!(error, "cannot upload the list: the server answers 401: expected a token");
}

#[test]
fn the_demos_day_begins_on_a_working_morning() {
    assert_eq!(morning().weekday(), Weekday::Mon);
}

#[test]
fn what_the_demo_makes_up_would_be_accepted_by_the_configuration() {
    let (token, other) = (made_up(), made_up());
    assert_ne!(token.expose(), other.expose());
    let read = |name: &str| match name {
        "OUTDIAL_API_TOKEN" => Some(token.expose().to_owned()),
        "OUTDIAL_DATA_DIR" => Some("/data".to_owned()),
        "TWILIO_ACCOUNT_SID" => Some(ACCOUNT_SID.to_owned()),
        "TWILIO_AUTH_TOKEN" => Some(other.expose().to_owned()),
        "TWILIO_FROM" => Some(FROM.to_owned()),
        "OUTDIAL_TWILIO_URL" => Some(local_url(4010).to_string()),
        "OUTDIAL_PUBLIC_URL" => Some(local_url(8080).to_string()),
        _ => None,
    };
    let config = Config::read(read).unwrap();
    assert!(matches!(config.provider, Provider::Twilio(account) if account.is_simulated()));
}
