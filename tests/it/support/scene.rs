//! A scene: the real program on a port, a PostgreSQL of its own, and the simulator as Twilio, all on one course of
//! time. At its end every scene is held to the promises: the counters equal a recount, the ledger shows no second
//! request for an attempt, no two open calls of a number, and no more calls a second than the account may place.

use std::net::TcpListener;
use std::time::Duration;

use actix::Addr;
use actix_web::rt::{spawn, task::JoinHandle};
use outdial::actors::{Delivery, SupervisorActor, Switchboard};
use outdial::app::{App, BuildError, whole_calls_per_second};
use outdial::clock::{Clock, Course};
use outdial::config::{
    Config, Database as Where, Listen, Log, LogFormat, Provider, Secret, Tls, TwilioAccount,
};
use outdial::db::Database;
use outdial::db::suppressions::{NewSuppression, suppress};
use outdial::domain::access::Role;
use outdial::domain::suppression::Source;
use outdial::simulator::{Scenario, Simulator, SimulatorConfig};
use outdial::twilio::signature::sign;
use outdial::twilio::wire::SIGNATURE_HEADER;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use url::Url;

use super::cluster::fresh_database;
use super::described::assert_described;
use super::eventually;
use super::recount::assert_counts_are_true;

pub const ACCOUNT: &str = "AC00000000000000000000000000005ce0";
pub const AUTH_TOKEN: &str = "the-scene-s-auth-token";
pub const FROM: &str = "+12025550100";
pub const API_TOKEN: &str = "the-scene-s-api-token";

/// Calls a second where a scene is not about them.
pub const PLENTY: f64 = 200.0;

/// How a scene is set up.
pub struct Setting {
    /// When it begins, by its own clock: a Monday, 10:00 in New York.
    pub begins_at: &'static str,
    /// How many times faster than life it goes.
    pub speed: u32,
    /// Calls a second that the account may place.
    pub cps: f64,
    /// What the called people do.
    pub scenario: Scenario,
    /// How callbacks are grouped into commits.
    pub delivery: Delivery,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            begins_at: "2026-03-02T15:00:00Z",
            speed: 100,
            cps: PLENTY,
            scenario: Scenario::default(),
            delivery: Delivery::default(),
        }
    }
}

/// The program, the simulator, and the person who uses them.
pub struct Scene {
    pub simulator: Simulator,
    pub config: Config,
    pub database: tokio_postgres::Config,
    pub clock: Clock,
    http: reqwest::Client,
    cps: f64,
    program: Option<Program>,
}

struct Program {
    supervisor: Addr<SupervisorActor>,
    board: Switchboard,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), BuildError>>,
}

impl Scene {
    /// A scene with the usual setting.
    pub async fn start() -> Self {
        Self::with(Setting::default()).await
    }

    /// A scene with this setting.
    pub async fn with(setting: Setting) -> Self {
        let mut scene = Self::without_program(&setting).await;
        scene.start_program_with(setting.delivery).await;
        scene
    }

    /// A scene on this database, with this setting.
    pub async fn at(database: tokio_postgres::Config, setting: Setting) -> Self {
        let mut scene = Self::without_program_at(database, &setting).await;
        scene.start_program_with(setting.delivery).await;
        scene
    }

    /// A scene whose program runs elsewhere, or later.
    pub async fn without_program(setting: &Setting) -> Self {
        let (_, database) = fresh_database().await;
        Self::without_program_at(database, setting).await
    }

    /// A scene on this database whose program runs elsewhere, or later.
    pub async fn without_program_at(database: tokio_postgres::Config, setting: &Setting) -> Self {
        // Tests of one process install it once; later ones find it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let course = Course::beginning_now(setting.begins_at.parse().expect("an instant"), setting.speed);
        let clock = Clock::of_this_machine(Some(course.clone()));
        let simulator = Simulator::start(SimulatorConfig {
            port: 0,
            account_sid: ACCOUNT.to_owned(),
            auth_token: AUTH_TOKEN.to_owned(),
            api_key: None,
            from_numbers: None,
            cps: whole_calls_per_second(setting.cps),
            clock: clock.clone(),
            scenario: setting.scenario.clone(),
            seed: 7,
        })
        .await
        .expect("a simulator");
        let port = free_port();
        let config = Config {
            database: Where::Given { config: Box::new(database.clone()), tls: Tls::Disable },
            listen: Listen { host: "127.0.0.1".to_owned(), port },
            provider: Provider::Twilio(Box::new(TwilioAccount {
                account_sid: ACCOUNT.to_owned(),
                auth_token: Secret::new(AUTH_TOKEN.to_owned()),
                secondary_auth_token: None,
                api_key: None,
                from: FROM.to_owned(),
                public_url: Url::parse(&format!("http://127.0.0.1:{port}")).expect("a URL"),
                base_url: Url::parse(&simulator.url()).expect("a URL"),
            })),
            cps: setting.cps,
            api_token: Some(Secret::new(API_TOKEN.to_owned())),
            requests: None,
            streams_of_a_key: outdial::config::STREAMS_OF_A_KEY,
            lists: Default::default(),
            course: Some(course),
            zoneinfo: None,
            rules: None,
            hooks_to_private: true,
            mask_for_viewers: false,
            log: Log { filter: "info".to_owned(), format: LogFormat::Text },
            operations: Default::default(),
        };
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { simulator, config, database, clock, http, cps: setting.cps, program: None }
    }

    /// Starts the program, in this process.
    pub async fn start_program(&mut self) {
        self.start_program_with(Delivery::default()).await;
    }

    async fn start_program_with(&mut self, delivery: Delivery) {
        let database = Database::new(self.database.clone(), outdial::db::Tls::Off).expect("a pool");
        let app = App::build_on(self.config.clone(), database, None, delivery).await.expect("an App");
        let (stop, stopped) = oneshot::channel();
        let (supervisor, board) = (app.supervisor(), app.board().clone());
        let ended = spawn(async move { app.run_until(async { drop(stopped.await) }).await });
        self.program = Some(Program { supervisor, board, stop, ended });
    }

    /// Stops the program gracefully.
    pub async fn stop_program(&mut self) {
        let program = self.program.take().expect("a running program");
        let _ = program.stop.send(());
        program.ended.await.expect("the program's end").expect("a graceful end");
    }

    /// Waits until the program ends by itself.
    pub async fn program_s_end(&mut self) -> Result<(), BuildError> {
        let program = self.program.take().expect("a running program");
        program.ended.await.expect("the program's end")
    }

    /// The supervisor of the program in this process.
    pub fn supervisor(&self) -> Addr<SupervisorActor> {
        self.program.as_ref().expect("a running program").supervisor.clone()
    }

    /// What the program in this process works with.
    pub fn board(&self) -> &Switchboard {
        &self.program.as_ref().expect("a running program").board
    }

    /// Where the program listens.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.config.listen)
    }

    /// A request of somebody with the API's key.
    pub async fn ask(&self, method: Method, path: &str) -> (StatusCode, Value) {
        let request = self.http.request(method.clone(), self.url(path)).bearer_auth(API_TOKEN);
        read(&method, request.send().await.expect("an answer")).await
    }

    /// The same with a JSON body.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.http.request(method.clone(), self.url(path)).bearer_auth(API_TOKEN).json(body);
        read(&method, request.send().await.expect("an answer")).await
    }

    /// An HTTP client that is nobody in particular.
    pub fn stranger(&self) -> &reqwest::Client {
        &self.http
    }

    /// Uploads a file with these settings.
    pub async fn upload_file(&self, settings: &Value, file: impl Into<Vec<u8>>) -> (StatusCode, Value) {
        self.send_list("/api/v1/campaigns", settings, file).await
    }

    /// Sends a list to whoever takes lists, with what is said about it.
    pub async fn send_list(
        &self,
        path: &str,
        settings: &Value,
        file: impl Into<Vec<u8>>,
    ) -> (StatusCode, Value) {
        let form = Form::new()
            .part("settings", Part::text(settings.to_string()))
            .part("file", Part::bytes(file.into()).file_name("list.csv"));
        self.upload_form(path, form).await
    }

    /// Uploads these parts.
    pub async fn upload_form(&self, path: &str, form: Form) -> (StatusCode, Value) {
        let request = self.http.post(self.url(path)).bearer_auth(API_TOKEN).multipart(form);
        read(&Method::POST, request.send().await.expect("an answer")).await
    }

    /// Makes a key through the API.
    pub async fn key(&self, role: Role) -> String {
        let form = json!({"name": format!("a {role}"), "role": role});
        let (status, made) = self.send(Method::POST, "/api/v1/keys", &form).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made["key"].as_str().expect("a key").to_owned()
    }

    /// What is there to download, as a text.
    pub async fn download(&self, path: &str) -> String {
        self.begin_download(path).await.text().await.expect("a text")
    }

    /// What is there to download, of which nothing is received yet.
    pub async fn begin_download(&self, path: &str) -> Response {
        let request = self.http.get(self.url(path)).bearer_auth(API_TOKEN);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer
    }

    /// Uploads a list of these numbers and returns the campaign's path. `changes` go over settings that call around
    /// the clock, with a second's pause and retries after minutes.
    pub async fn upload(&self, changes: Value, phones: &[&str]) -> String {
        let mut list = "name,phone\n".to_owned();
        for (phone, number) in phones.iter().zip(1..) {
            list.push_str(&format!("Person {number},{phone}\n"));
        }
        let (status, answer) = self.upload_file(&settings(changes), list).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        format!("/api/v1/campaigns/{}", answer["id"].as_str().expect("an id"))
    }

    /// Uploads a list of these numbers and starts calling it.
    pub async fn call(&self, changes: Value, phones: &[&str]) -> String {
        let campaign = self.upload(changes, phones).await;
        self.command(&campaign, "start").await;
        campaign
    }

    /// A command to a campaign, which must be carried out.
    pub async fn command(&self, campaign: &str, command: &str) {
        let (status, answer) = self.ask(Method::POST, &format!("{campaign}/{command}")).await;
        assert_eq!(status, StatusCode::OK, "{command}: {answer}");
    }

    /// How a campaign stands.
    pub async fn look(&self, campaign: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, campaign).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// Waits until a campaign stands so, and returns how it then stands.
    pub async fn until(&self, campaign: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || async { Some(self.look(campaign).await).filter(|campaign| is_so(campaign)) })
            .await
    }

    /// Waits until a campaign's first call is placed. Before that a pause, a stop or a death may rightly take it back.
    pub async fn until_placed(&self, campaign: &str) -> Value {
        eventually("its call is placed", || async {
            self.attempts(campaign).await.into_iter().find(|attempt| attempt["sid"].is_string())
        })
        .await
    }

    /// Waits until a campaign is completed.
    pub async fn until_completed(&self, campaign: &str) -> Value {
        self.until(campaign, "the campaign is completed", |campaign| campaign["state"] == "completed").await
    }

    /// A campaign's attempts, the first first.
    pub async fn attempts(&self, campaign: &str) -> Vec<Value> {
        let (_, answer) = self.ask(Method::GET, &format!("{campaign}/attempts?limit=1000")).await;
        let mut attempts = answer["attempts"].as_array().expect("attempts").clone();
        attempts.reverse();
        attempts
    }

    /// The outcomes of a campaign's attempts, the first first.
    pub async fn outcomes(&self, campaign: &str) -> Vec<String> {
        let outcome = |attempt: &Value| attempt["outcome"].as_str().unwrap_or("open").to_owned();
        self.attempts(campaign).await.iter().map(outcome).collect()
    }

    /// A status callback, signed as the provider signs it. Returns the answer's status.
    pub async fn call_back(
        &self,
        campaign: &str,
        attempt: &str,
        sid: &str,
        status: &str,
        number: u32,
    ) -> u16 {
        let id = campaign.rsplit('/').next().expect("an id");
        let path = format!("/webhooks/twilio/status/{id}/{attempt}");
        let mut form = vec![
            ("CallSid".to_owned(), sid.to_owned()),
            ("CallStatus".to_owned(), status.to_owned()),
            ("SequenceNumber".to_owned(), number.to_string()),
        ];
        if status == "completed" {
            form.push(("CallDuration".to_owned(), "12".to_owned()));
        }
        self.post_form(&path, &form, Some(&sign(AUTH_TOKEN, &self.url(&path), &form))).await.status().as_u16()
    }

    /// A form, posted to a webhook by whoever, with this signature.
    pub async fn post_form(
        &self,
        path: &str,
        form: &[(String, String)],
        signature: Option<&str>,
    ) -> Response {
        let mut request = self.http.post(self.url(path)).form(form);
        if let Some(signature) = signature {
            request = request.header(SIGNATURE_HEADER, signature);
        }
        request.send().await.expect("an answer")
    }

    /// Puts a number on the team's list of those that must not be contacted, past the API.
    pub async fn suppress(&self, phone: &str) {
        let team = self.psql().await.query_one("SELECT id FROM teams", &[]).await.expect("a team").get(0);
        let suppression = NewSuppression {
            phone: phone.to_owned(),
            reason: "asked".to_owned(),
            source: Source::Api,
            note: None,
            expires_at: None,
        };
        let now = self.clock.now();
        suppress(&self.board().database, team, &suppression, now).await.expect("a suppression");
    }

    /// A connection to the database, for looking behind the scenes.
    pub async fn psql(&self) -> tokio_postgres::Client {
        let (client, connection) = self.database.connect(tokio_postgres::NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client
    }

    /// Ends the scene, and holds it to the promises.
    pub async fn end(mut self) {
        if self.program.is_some() {
            self.stop_program().await;
        }
        let psql = self.psql().await;
        assert_counts_are_true(&psql, None).await;
        self.assert_ledger_is_lawful(&psql).await;
        self.simulator.stop().await;
    }

    async fn assert_ledger_is_lawful(&self, psql: &tokio_postgres::Client) {
        let ledger = self.simulator.ledger();
        let mut seen = std::collections::BTreeSet::new();
        for create in ledger.creates() {
            let callback = create.parameter("StatusCallback").expect("a status callback");
            assert!(seen.insert(callback.to_owned()), "two requests left for one attempt: {callback}");
            assert!(create.unknown_parameters.is_empty(), "{:?}", create.unknown_parameters);
        }
        let attempts: i64 =
            psql.query_one("SELECT count(*) FROM attempts", &[]).await.expect("a count").get(0);
        assert!(seen.len() as i64 <= attempts, "more requests than attempts were written");
        for (number, gauge) in &ledger.open_by_to {
            assert!(gauge.most <= 1, "{number} had {} calls open at once", gauge.most);
        }
        // A sliding second may hold one more than the rate: a request may arrive a little late, the next on time.
        let most = ledger.most_creates_in_a_second();
        let allowed = self.cps.ceil() as usize + 1;
        assert!(most <= allowed, "{most} requests within a second, at {} calls a second", self.cps);
    }
}

/// Settings that call around the clock, with a second's pause and retries after minutes, and these changes.
pub fn settings(changes: Value) -> Value {
    let mut settings = json!({
        "name": "a scene",
        "agent": {"name": "Ada", "script": {"say": "Hello {{name}}"}},
        "pacing": {"delay_seconds": 1},
        "business_hours": {"enabled": false},
        "retry_policy": {"max_retries": 3, "backoff_hours": [0.05]},
    });
    for (key, value) in changes.as_object().expect("an object of changes") {
        settings[key] = value.clone();
    }
    settings
}

/// Reads an answer of the API, and holds it to the API's description.
pub async fn read(method: &Method, response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let path = response.url().path().to_owned();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().expect("a text").to_owned());
    let text = response.text().await.expect("a body");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    assert_described(method, &path, status.as_u16(), kind.as_deref(), &body);
    (status, body)
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Waits for a while of real time in which something must not happen.
pub async fn for_a_while() {
    tokio::time::sleep(Duration::from_millis(400)).await;
}
