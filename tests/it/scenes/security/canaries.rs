//! Secrets and people's data that would be recognised anywhere, sent through everything. Afterwards all that the program
//! has logged, at its most talkative, and all that it has said in errors and about its health is searched for them.

use outdial::simulator::{Behavior, Fault, FaultKind, Outcome, Scenario};
use outdial::twilio::signature::sign;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::eventually;
use crate::support::process::{Process, Variables, place};
use crate::support::scene::{API_TOKEN, AUTH_TOKEN, Scene, Setting, settings};

/// What nobody may be told who does not know it.
const SECRETS: &[&str] = &[
    AUTH_TOKEN,
    API_TOKEN,
    "canary-of-the-second-token",
    "canary-of-the-key",
    "canary-of-the-url",
    "canary-of-the-query",
];

/// What belongs to people and campaigns, and into no log.
const DATA: &[&str] = &[
    "Canary Quill",
    "2025550141",
    "2025550142",
    "2025550143",
    "2025550144",
    "2025550145",
    "2025550149",
    "canary-in-metadata",
    "canary-in-a-cell",
    "canary-in-the-script",
    "canary-in-the-prompt",
    "canary-in-a-note",
    "canary-in-a-name",
    "canary-of-the-provider",
];

const LIST: &str = "\
name,phone,city
Canary Quill,(202) 555-0141,canary-in-metadata
Canary Quill,202-555-0142,canary-in-metadata
Canary Quill,202-555-0143,canary-in-metadata
Canary Quill,202-555-0144,canary-in-metadata
Canary Quill,+12025550144,canary-in-metadata
Canary Quill,canary-in-a-cell,canary-in-metadata
";

/// Somebody who writes down what they are told.
struct Visitor<'a> {
    scene: &'a Scene,
    told: std::cell::RefCell<Vec<String>>,
}

impl<'a> Visitor<'a> {
    fn of(scene: &'a Scene) -> Self {
        Self { scene, told: std::cell::RefCell::default() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.scene.stranger().request(method, self.scene.url(path)).bearer_auth(API_TOKEN)
    }

    /// Asks, and writes down an error. What the request itself says may be said in its answer.
    async fn ask(&self, request: RequestBuilder, sent: &str) -> (StatusCode, Value) {
        self.note(request.send().await.expect("an answer"), sent).await
    }

    async fn note(&self, answer: Response, sent: &str) -> (StatusCode, Value) {
        let status = answer.status();
        let headers = format!("{:?}", answer.headers());
        let text = answer.text().await.expect("a body");
        if status.is_client_error() || status.is_server_error() {
            for told in [&headers, &text] {
                let leaks = found_in(told, DATA).into_iter().filter(|canary| !sent.contains(canary));
                let leaks: Vec<&str> = leaks.chain(found_in(told, SECRETS)).collect();
                assert!(leaks.is_empty(), "{status} tells {leaks:?}: {told}");
            }
            self.told.borrow_mut().push(text.clone());
        }
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask(self.request(Method::POST, path).json(&body), &body.to_string()).await
    }

    async fn upload(&self, path: &str, settings: &Value, list: &str) -> (StatusCode, Value) {
        let file =
            reqwest::multipart::Part::bytes(list.as_bytes().to_vec()).file_name("canary-in-a-name.csv");
        let form = reqwest::multipart::Form::new().text("settings", settings.to_string()).part("file", file);
        self.ask(self.request(Method::POST, path).multipart(form), &format!("{settings}{list}")).await
    }

    async fn health(&self) -> String {
        let answer = self.request(Method::GET, "/health/supervisor").send().await.expect("an answer");
        answer.text().await.expect("a body")
    }
}

fn found_in(text: &str, canaries: &[&'static str]) -> Vec<&'static str> {
    canaries.iter().filter(|canary| text.contains(**canary)).copied().collect()
}

/// Fails with the lines in which a canary sings.
fn assert_silent(what: &str, text: &str) {
    for line in text.lines() {
        let leaks: Vec<&str> = found_in(line, SECRETS).into_iter().chain(found_in(line, DATA)).collect();
        assert!(leaks.is_empty(), "{what} tells {leaks:?}: {line}");
    }
}

/// The URL of the scene's database, with as many passwords as a URL can have.
fn database_url(scene: &Scene) -> String {
    let user = scene.database.get_user().unwrap();
    let place = place(scene);
    format!("postgres://{user}:canary-of-the-url@{place}?password=canary-of-the-query&sslmode=disable")
}

fn campaign(changes: Value) -> Value {
    let script = json!({"say": "canary-in-the-script {{name}} {{city}}"});
    let agent = json!({"name": "Ada", "prompt_text": "canary-in-the-prompt", "script": script});
    let mut settings = settings(json!({"agent": agent}));
    for (key, value) in changes.as_object().expect("changes") {
        settings[key] = value.clone();
    }
    settings
}

#[actix_web::test]
async fn secrets_and_people_s_data_are_in_no_log_no_error_and_no_health() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::without_program(&Setting { scenario, ..Setting::default() }).await;
    let variables = Variables::of(&scene)
        .with("OUTDIAL_LOG", "trace")
        .with("DATABASE_URL", database_url(&scene))
        .with("TWILIO_AUTH_TOKEN_SECONDARY", "canary-of-the-second-token");
    let mut program = Process::run("serve", &variables);
    program.is_ready(&scene).await;
    let visitor = Visitor::of(&scene);

    people_are_called(&scene, &visitor).await;
    callbacks_are_forged(&scene, &visitor).await;
    what_is_sent_is_refused(&visitor).await;
    the_database_refuses(&scene, &visitor, &program).await;

    assert_silent("its health", &visitor.health().await);
    assert!(program.stop().await.success(), "{}", program.said());
    let log = program.said();
    // It did log, down to the libraries, and of all these things.
    for spoken in
        ["TRACE", "DEBUG outdial", "uploaded", "placed", "refused", "was lost", "a statement failed"]
    {
        assert!(log.contains(spoken), "nothing of {spoken:?} in the log");
    }
    assert_silent("the log", &log);
    assert!(!log.contains("ERROR forged"), "somebody has written a line of the log");
    assert!(visitor.told.borrow().len() > 20, "hardly anything went wrong");
    assert!(!visitor.told.borrow().iter().any(|told| told.contains("SELECT") || told.contains("src/")));
    scene.end().await;
}

/// A list is looked at, uploaded and called, with everything that the provider can do to its requests.
async fn people_are_called(scene: &Scene, visitor: &Visitor<'_>) {
    let echo = FaultKind::Refused {
        http: 400,
        code: 21211,
        message: "canary-of-the-provider: +12025550142 is not Canary Quill's".to_owned(),
    };
    scene.simulator.fault(Fault::once(echo).to("+12025550142")).unwrap();
    scene.simulator.fault(Fault::once(FaultKind::Dropped { placed: true }).to("+12025550143")).unwrap();
    let busy = FaultKind::TooManyRequests { retry_after: Some(1) };
    scene.simulator.fault(Fault::once(busy).to("+12025550144")).unwrap();
    scene.simulator.fix("+12025550143", [Behavior::answer().talking(5.0)]).unwrap();
    assert_eq!(visitor.upload("/api/v1/imports", &json!({}), LIST).await.0, StatusCode::CREATED);
    let (status, made) = visitor.upload("/api/v1/campaigns", &campaign(json!({})), LIST).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let path = format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap());
    scene.command(&path, "start").await;
    scene.until_completed(&path).await;
    let told = |attempt: &Value| attempt["error_message"].to_string().contains("canary-of-the-provider");
    assert!(scene.attempts(&path).await.iter().any(told), "the API is to tell what the provider said");
    let again = visitor.post(&format!("{path}/start"), json!({})).await;
    assert_eq!(again.0, StatusCode::CONFLICT);
}

/// Good, bad and nonsensical webhooks, all of which name people.
async fn callbacks_are_forged(scene: &Scene, visitor: &Visitor<'_>) {
    let ids = format!("{}/{}", Uuid::now_v7(), Uuid::now_v7());
    for (sid, status) in [
        ("CA000000000000000000000000000000ff", "completed"),
        ("CA00\r\n2026-11-21T00:00:00Z ERROR forged", "completed"),
        ("canary-in-a-note", "canary-in-a-note"),
    ] {
        let form: Vec<(String, String)> = [
            ("CallSid", sid),
            ("CallStatus", status),
            ("SequenceNumber", "1"),
            ("To", "+12025550141"),
            ("CallerName", "Canary Quill"),
            ("Digits", "2025550149"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        for kind in ["status", "machine", "answer", "keys", "sorry"] {
            let path = format!("/webhooks/twilio/{kind}/{ids}");
            for signature in
                [Some(sign(AUTH_TOKEN, &scene.url(&path), &form)), Some("canary-in-a-note".to_owned()), None]
            {
                let answer = scene.post_form(&path, &form, signature.as_deref()).await;
                visitor.note(answer, "").await;
            }
        }
    }
}

/// Requests that are wrong in every way that names somebody.
async fn what_is_sent_is_refused(visitor: &Visitor<'_>) {
    for changes in [
        json!({"timezone": "canary-in-a-note"}),
        json!({"canary-in-a-note": 1}),
        json!({"from": "canary-in-a-cell"}),
        json!({"agent": {"name": "Ada", "script": {"say": "{{canary-in-the-script}}"}}}),
        json!({"agent": {"name": "Ada", "script": {"url": "http://169.254.169.254/canary-in-the-script"}}}),
        json!({"columns": {"phone": "city"}}),
    ] {
        let (status, _) = visitor.upload("/api/v1/campaigns", &campaign(changes), LIST).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let nobody = "name,phone\nCanary Quill,canary-in-a-cell\n";
    let (status, _) = visitor.upload("/api/v1/campaigns", &campaign(json!({})), nobody).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = visitor.upload("/api/v1/imports", &json!({}), "Canary Quill\u{0}\u{1}PK\n").await;
    assert!(status.is_client_error() || status.is_success(), "{status}");
    for body in [
        json!({"phone": "canary-in-a-cell"}),
        json!({"phone": "+12025550149", "note": "canary-in-a-note", "expires_at": "Canary Quill"}),
        json!({"phone": "+12025550149", "reason": "canary-in-a-note".repeat(50)}),
    ] {
        let (status, told) = visitor.post("/api/v1/suppressions", body).await;
        assert!(status.is_client_error(), "{status}: {told}");
    }
    let good = json!({"phone": "+12025550149", "reason": "canary-in-a-note", "note": "Canary Quill"});
    assert!(visitor.post("/api/v1/suppressions", good).await.0.is_success());
    for path in
        ["/api/v1/suppressions/+12025550149x", "/api/v1/campaigns/Canary%20Quill", "/canary-in-a-note"]
    {
        let request = visitor.request(Method::GET, path);
        assert!(visitor.ask(request, path).await.0.is_client_error(), "{path}");
    }
    let key = visitor.scene.stranger().get(visitor.scene.url("/api/v1/agents")).bearer_auth(AUTH_TOKEN);
    assert_eq!(visitor.ask(key, "").await.0, StatusCode::UNAUTHORIZED);
}

/// The database refuses rows, in words that quote them, lacks a table, and closes connections.
async fn the_database_refuses(scene: &Scene, visitor: &Visitor<'_>, program: &Process) {
    const REFUSE: &str = "
        ALTER TABLE contacts ADD CONSTRAINT no_canaries CHECK (name <> 'Canary Quill') NOT VALID;
        ALTER TABLE suppressions ADD CONSTRAINT no_numbers CHECK (phone <> '+12025550145') NOT VALID;
        ALTER TABLE attempts ADD CONSTRAINT no_calls CHECK (to_phone <> '+12025550145') NOT VALID;
        ALTER TABLE agents RENAME TO agents_elsewhere";
    const ALLOW: &str = "
        ALTER TABLE contacts DROP CONSTRAINT no_canaries;
        ALTER TABLE suppressions DROP CONSTRAINT no_numbers;
        ALTER TABLE attempts DROP CONSTRAINT no_calls;
        ALTER TABLE agents_elsewhere RENAME TO agents";
    const CUT_OFF: &str = "
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'outdial' AND datname = current_database()";
    let psql = scene.psql().await;
    let list = "name,phone,city\nSomebody,+12025550145,canary-in-metadata\n";
    let (_, made) = visitor.upload("/api/v1/campaigns", &campaign(json!({})), list).await;
    let path = format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap());
    psql.batch_execute(REFUSE).await.unwrap();
    let (status, _) = visitor.upload("/api/v1/campaigns", &campaign(json!({})), LIST).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({"phone": "+12025550145", "reason": "canary-in-a-note", "note": "Canary Quill"});
    assert_eq!(visitor.post("/api/v1/suppressions", body.clone()).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    let agents = visitor.request(Method::GET, "/api/v1/agents");
    assert_eq!(visitor.ask(agents, "").await.0, StatusCode::INTERNAL_SERVER_ERROR);
    scene.command(&path, "start").await;
    eventually("the claim is refused", || async { program.said().contains("(no_calls)").then_some(()) })
        .await;
    psql.batch_execute(ALLOW).await.unwrap();
    for _ in 0..3 {
        psql.batch_execute(CUT_OFF).await.unwrap();
        let (status, _) = visitor.post("/api/v1/suppressions", body.clone()).await;
        assert!(status.is_success() || status == StatusCode::SERVICE_UNAVAILABLE, "{status}");
    }
    // A request may still meet a connection that is cut off, and be told so.
    eventually("they are called all the same", || async {
        let open =
            psql.query("SELECT FROM campaigns WHERE state IN ('pending', 'running')", &[]).await.unwrap();
        open.is_empty().then_some(())
    })
    .await;
}

#[actix_web::test]
async fn a_start_that_fails_tells_no_secret() {
    let scene = Scene::without_program(&Setting::default()).await;
    let variables = Variables::of(&scene)
        .with("OUTDIAL_LOG", "trace")
        .with("DATABASE_URL", database_url(&scene))
        .with("TWILIO_AUTH_TOKEN_SECONDARY", "canary-of-the-second-token");
    let user = scene.database.get_user().unwrap();
    let nowhere = "canary-of-the-url@nowhere.invalid/x?password=canary-of-the-query";
    let mistakes = [
        // The provider refuses the key.
        variables
            .with("TWILIO_API_KEY", "SK00000000000000000000000000000000")
            .with("TWILIO_API_SECRET", "canary-of-the-key"),
        // The environment is refused.
        variables.with("TWILIO_API_SECRET", "canary-of-the-key").with("OUTDIAL_CPS", "none"),
        variables.with("TWILIO_API_KEY", "canary-of-the-key"),
        variables.with("TWILIO_ACCOUNT_SID", "canary-of-the-key"),
        variables.with("OUTDIAL_API_TOKEN", "canary-of-the-key with blanks"),
        variables.with("OUTDIAL_PUBLIC_URL", "https://me:canary-of-the-url@example.com"),
        variables.with("OUTDIAL_TWILIO_URL", "http://me:canary-of-the-url@example.com"),
        // The database is not there, or not to be had.
        variables.with("DATABASE_URL", format!("postgres://{user}:{nowhere}")),
        variables.with("DATABASE_URL", database_url(&scene).replace("test_", "missing_")),
        // It is not a URL that can be read: what is special in a password has to be written with %.
        variables.with("DATABASE_URL", "postgres://o:canary-of-the-url/2@h/d"),
        variables.with("DATABASE_URL", "postgres://o:2?canary-of-the-url=3@h/d"),
        variables.with("DATABASE_URL", "postgres://o:2?canary-of-the-url@h/d"),
        variables.with("DATABASE_URL", "postgres://o:2#canary-of-the-url@h/d"),
        variables.with("DATABASE_URL", "postgres://o:2%canary-of-the-url@h/d"),
        variables.with("DATABASE_URL", "postgres://o:2@canary-of-the-url@h:x/d"),
        variables.with("DATABASE_URL", "postgres://o@h/d?sslmode=canary-of-the-query"),
        variables.with("DATABASE_URL", "postgres://o@h/d?password=canary-of-the-query&no_such=1"),
    ];
    for (place, mistake) in mistakes.iter().enumerate() {
        for command in ["serve", "migrate"] {
            let mut program = Process::run(command, mistake);
            let ended = program.end().await;
            // Only who calls somebody asks the provider.
            assert!(!ended.success() || (command, place) == ("migrate", 0), "{command}, mistake {place}");
            assert_silent(&format!("{command}, mistake {place},"), &program.said());
        }
    }
    scene.end().await;
}
