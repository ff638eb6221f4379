//! How soon the next call leaves: from the moment the simulator begins to send a call's terminal callback until the
//! campaign's next request arrives at the simulator, both on the simulator's one clock. That is the program's own time
//! and both ways over loopback, with everything in between made durable: the callback, the settling, the place among
//! the calls per second, the claim.
//!
//! Pacing is 0, and the account may place more calls a second than are wanted.

#![expect(unreachable_pub, reason = "nothing of a bench is reached from outside")]

#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::rt::{spawn, time::sleep};
use outdial::actors::Delivery;
use outdial::app::App;
use outdial::clock::Clock;
use outdial::db::Database;
use outdial::simulator::{Event, Ledger, Outcome, Scenario, Simulator, SimulatorConfig, Span};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use program::{ACCOUNT, API_TOKEN, AUTH_TOKEN};
use support::cluster::Cluster;
use support::{Spread, percentile};

const ROUNDS: usize = 3;

/// More than any load of this bench asks for.
const CALLS_PER_SECOND: f64 = 1000.0;

/// A load: how many campaigns of how many contacts, and what their calls are like.
struct Load {
    name: &'static str,
    campaigns: usize,
    contacts: usize,
    scenario: Scenario,
}

fn loads() -> [Load; 2] {
    let brief =
        Scenario { dial_seconds: Span::exactly(0.005), ring_seconds: Span::exactly(0.01), ..answered() };
    [
        Load {
            name: "one campaign, 1,000 calls",
            campaigns: 1,
            contacts: 1000,
            scenario: Scenario { talk_seconds: Span::exactly(0.015), ..brief.clone() },
        },
        Load {
            name: "200 campaigns, 2,000 calls, about 100 a second",
            campaigns: 200,
            contacts: 10,
            scenario: Scenario { talk_seconds: Span { min: 1.5, max: 2.5 }, ..brief },
        },
    ]
}

fn answered() -> Scenario {
    Scenario::instant(Outcome::Answer)
}

/// The program, its simulator and its user.
struct Stage {
    url: String,
    simulator: Simulator,
    psql: tokio_postgres::Client,
    http: reqwest::Client,
}

#[actix_web::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().expect("the first to be installed");
    let cluster = Cluster::start().await;
    let psql = cluster.connect().await;
    println!("\nnext_call: milliseconds from a terminal callback to the next call's request\n");
    support::machine::describe(&psql, cluster.directory()).await;

    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let course = program::course();
    let simulator = Simulator::start(SimulatorConfig {
        port: 0,
        account_sid: ACCOUNT.to_owned(),
        auth_token: AUTH_TOKEN.to_owned(),
        api_key: None,
        from_numbers: None,
        cps: CALLS_PER_SECOND as u32,
        clock: Clock::of_this_machine(Some(course.clone())),
        scenario: Scenario::default(),
        seed: 7,
    })
    .await
    .expect("a simulator");
    let config = program::config(&cluster.config(), port, CALLS_PER_SECOND, course, (&simulator.url(), &url));
    let database = Database::new(cluster.config(), outdial::db::Tls::Off).expect("a pool");
    let app = App::build_on(config, database, None, Delivery::default()).await.expect("the program");
    let (stop, stopped) = oneshot::channel();
    let program = spawn(app.run_until(async { drop::<Result<(), _>>(stopped.await) }));
    let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let stage = Stage { url, simulator, psql, http };

    let loads = loads();
    let mut figures = vec![(Spread::default(), Spread::default()); loads.len()];
    for _ in 0..ROUNDS {
        for (load, (median, late)) in loads.iter().zip(&mut figures) {
            let gaps = stage.gaps(load).await;
            median.add(percentile(&gaps, 0.5));
            late.add(percentile(&gaps, 0.99));
        }
    }
    let rows: Vec<_> = loads
        .iter()
        .zip(&figures)
        .map(|(load, (median, late))| vec![load.name.to_owned(), median.show(1), late.show(1)])
        .collect();
    support::print_table(&["load", "median, ms", "99th percentile, ms"], &rows);

    // The program may have ended by itself, which it says below.
    let _ = stop.send(());
    program.await.expect("the program's task").expect("a graceful end");
    stage.simulator.stop().await;
    drop(stage.psql);
    cluster.stop().await;
}

impl Stage {
    /// Plays a load once and returns its gaps in milliseconds, sorted.
    async fn gaps(&self, load: &Load) -> Vec<f64> {
        self.simulator.set_scenario(load.scenario.clone()).expect("a scenario");
        let mut campaigns = Vec::with_capacity(load.campaigns);
        for campaign in 0..load.campaigns {
            campaigns.push(self.upload(campaign * load.contacts, load.contacts).await);
        }
        for campaign in &campaigns {
            self.ask(self.http.post(format!("{}/api/v1/campaigns/{campaign}/start", self.url))).await;
        }
        let unfinished = "SELECT count(*) FROM campaigns WHERE state <> 'completed'";
        while self.psql.query_one(unfinished, &[]).await.expect("a count").get::<_, i64>(0) > 0 {
            sleep(Duration::from_millis(100)).await;
        }
        let gaps = gaps(&self.simulator.ledger(), &campaigns);
        assert_eq!(
            gaps.len(),
            load.campaigns * (load.contacts - 1),
            "every call but a campaign's last has a next"
        );
        gaps
    }

    /// Uploads a list of made-up numbers and returns the campaign's id.
    async fn upload(&self, first: usize, contacts: usize) -> String {
        // Where it is the time to call, whatever the numbers say.
        let mut list = "name,phone,timezone\n".to_owned();
        for person in first..first + contacts {
            list.push_str(&format!("Person {person},{},America/New_York\n", number(person)));
        }
        let settings = json!({
            "name": "a bench",
            "agent": {"name": "Ada", "script": {"say": "Hello {{name}}"}},
            "pacing": {"delay_seconds": 0},
            "business_hours": {"enabled": false},
        });
        let form = Form::new()
            .part("settings", Part::text(settings.to_string()))
            .part("file", Part::bytes(list.into_bytes()).file_name("list.csv"));
        let answer = self.ask(self.http.post(format!("{}/api/v1/campaigns", self.url)).multipart(form)).await;
        assert_eq!(answer["imported"], contacts, "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Value {
        let response = request.bearer_auth(API_TOKEN).send().await.expect("an answer");
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert!(status.is_success(), "{status}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }
}

/// From each call's terminal callback to the same campaign's next request, sorted.
fn gaps(ledger: &Ledger, campaigns: &[String]) -> Vec<f64> {
    let terminal = ledger.callbacks.iter().filter(|callback| callback.event == Event::Completed);
    let told_at: HashMap<&str, f64> =
        terminal.map(|callback| (callback.call_sid.as_str(), callback.real_ms)).collect();
    let mut told_last: HashMap<&str, f64> = HashMap::new();
    let mut gaps = Vec::new();
    for create in ledger.creates() {
        let url = create.parameter("StatusCallback").expect("a status callback");
        let Some(campaign) = campaigns.iter().find(|campaign| url.contains(campaign.as_str())) else {
            continue;
        };
        if let Some(told) = told_last.get(campaign.as_str()) {
            gaps.push(create.real_ms - told);
        }
        let Some(call) = create.placed.as_deref() else { panic!("a request placed no call: {create:?}") };
        told_last.insert(campaign, told_at[call]);
    }
    gaps.sort_by(f64::total_cmp);
    gaps
}

/// A number that is reserved for fiction: the last two digits count within an area code.
fn number(person: usize) -> String {
    const AREA_CODES: [u32; 20] =
        [202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229];
    format!("+1{}55501{:02}", AREA_CODES[person / 100], person % 100)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
