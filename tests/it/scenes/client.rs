//! The command line, by running it: against a server, and straight on the database.

mod broken_off;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;

use outdial::client::{self, CampaignCommand};
use outdial::config::{Provider, Surroundings};
use outdial::db::{Database, Tls};
use outdial::desk::{Desk, Told};
use outdial::keys::WhichTeam;
use outdial::simulator::{Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::eventually;
use crate::support::process::{Process, Variables};
use crate::support::scene::{ACCOUNT, API_TOKEN, Scene, Setting};

/// A person at a terminal.
struct Terminal(Variables);

impl Terminal {
    fn of(scene: &Scene) -> Self {
        Self(Variables::of(scene).with("OUTDIAL_URL", scene.url("")).with("OUTDIAL_KEY", API_TOKEN))
    }

    /// Types a command, and returns its exit status and what it said.
    async fn types(&self, line: &[&str]) -> (i32, String) {
        let mut command = Process::run_with(line[0], &line[1..], &self.0);
        let status = command.end().await;
        (status.code().expect("an exit status"), command.said())
    }

    /// Types a command that must be carried out.
    async fn does(&self, line: &[&str]) -> String {
        let (status, said) = self.types(line).await;
        assert_eq!(status, 0, "{line:?}: {said}");
        said
    }

    /// The same, for what a program reads of it.
    async fn reads(&self, line: &[&str]) -> Value {
        let said = self.does(&[line, &["--json"]].concat()).await;
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line:?}: {error}: {said}"))
    }
}

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

const AROUND_THE_CLOCK: &str = r#"{"business_hours": {"enabled": false}, "pacing": {"delay_seconds": 1}}"#;

#[actix_web::test]
async fn a_campaign_is_made_started_watched_and_exported_by_its_name() {
    let setting = Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() };
    let scene = Scene::with(setting).await;
    let terminal = Terminal::of(&scene);
    let directory = tempfile::tempdir().unwrap();
    let list =
        write(directory.path(), "list.csv", "name,phone\nAda,+12025550101\nBob,+12025550102\nEve,12\n");
    let settings = format!("@{}", write(directory.path(), "settings.json", AROUND_THE_CLOCK));
    let create = [
        "campaign",
        "create",
        &list,
        "--name",
        "Reminders",
        "--say",
        "Hello {{name}}",
        "--settings",
        &settings,
    ];
    let said = terminal.does(&create).await;
    assert!(said.contains("2 of 3 rows are contacts, 0 duplicates, 1 refused, 0 blank"), "{said}");
    assert!(said.contains("row 4") && said.contains("Reminders is a draft"), "{said}");
    let said = terminal.does(&["campaign", "list"]).await;
    assert!(said.contains("Reminders") && said.contains("draft"), "{said}");
    terminal.does(&["campaign", "start", "Reminders"]).await;
    let said = terminal.does(&["campaign", "watch", "Reminders"]).await;
    assert!(said.contains("Reminders is completed"), "{said}");
    let shown = terminal.reads(&["campaign", "show", "Reminders"]).await;
    assert_eq!((&shown["state"], &shown["counts"]["completed"]), (&"completed".into(), &2.into()));
    let contacts = terminal.reads(&["contacts", "Reminders", "--state", "completed", "--limit", "1"]).await;
    assert_eq!(contacts.as_array().unwrap().len(), 1);
    let table = terminal.does(&["contacts", "Reminders"]).await;
    assert!(table.contains("Ada") && table.contains("+12025550102") && table.contains("answered"), "{table}");
    scene.end().await;
}

#[actix_web::test]
async fn what_is_not_carried_out_is_told_by_a_sentence_and_an_exit_status() {
    let scene = Scene::start().await;
    let terminal = Terminal::of(&scene);
    let campaign = scene.upload(serde_json::json!({"name": "Twice"}), &["+12025550101"]).await;
    scene.upload(serde_json::json!({"name": "Twice"}), &["+12025550101"]).await;
    let id = campaign.rsplit('/').next().unwrap();
    let strange = Terminal(terminal.0.with("OUTDIAL_KEY", "od_nobody-s"));
    let keyless = Terminal(terminal.0.with("OUTDIAL_KEY", ""));
    let directory = tempfile::tempdir().unwrap();
    let empty = write(directory.path(), "empty.csv", "phone\n12\n");
    let list = write(directory.path(), "list.csv", "phone\n+12025550103\n");
    let lost = Terminal(terminal.0.with("OUTDIAL_URL", "http://127.0.0.1:9"));
    let unreachable = Terminal(terminal.0.with("DATABASE_URL", "postgres://nobody@127.0.0.1:9/nothing"));
    let no_list = write(directory.path(), "nothing.csv", "");
    let titled = write(directory.path(), "titled.csv", "Patient,Phone\nAda,+12025550103\n");
    let apart = format!("{id} (draft, made at ");
    for (terminal, line, status, expected) in [
        (&terminal, &["campaign", "show", "Nobody"][..], 4, "there is no campaign named \"Nobody\""),
        (&terminal, &["campaign", "show", "Twice"], 4, "expected one of their ids"),
        (&terminal, &["campaign", "show", "Twice"], 4, &apart),
        (
            &terminal,
            &["campaign", "create", &list, "--name", "Twice", "--say", "Hi"],
            0,
            "2 other campaigns of the same name: name this one by its id",
        ),
        (
            &terminal,
            &["campaign", "create", &empty, "--name", "x", "--say", "Hi"],
            5,
            "(422)\n  row 2: expected",
        ),
        (&terminal, &["campaign", "create", &empty, "--name", "x", "--say", "Hi"], 5, "/rejects.csv"),
        (&terminal, &["campaign", "create", &no_list, "--name", "x", "--say", "Hi"], 2, "(422)"),
        (&terminal, &["import", &no_list, "--check"], 2, "found an empty file"),
        (
            &terminal,
            &["campaign", "create", &titled, "--name", "x", "--say", "Hi {{patient}}"],
            5,
            "the column \"Patient\" was taken for {{name}}",
        ),
        (&terminal, &["campaign", "list", "--team", "default"], 2, "expected --team only with --database"),
        (&terminal, &["campaign", "list", "--team", "default", "--database"], 0, "Twice"),
        (&terminal, &["campaign", "pause", id], 5, "cannot pause a draft campaign"),
        (
            &terminal,
            &["campaign", "create", "/nowhere.csv", "--name", "x", "--say", "Hi"],
            2,
            "cannot use /nowhere.csv",
        ),
        (&terminal, &["campaign", "start", id, "--limit", "0"], 2, "--limit"),
        (&terminal, &["suppress", "12", "+12025550101"], 5, "called no more: 1 of 2 numbers\n  12: expected"),
        (&strange, &["campaign", "list"], 3, "lets nobody in with the key"),
        (&terminal, &["contacts", id, "--limit", "0"], 2, "expected a number from 1 on"),
        (&terminal, &["nodes", "--json"], 0, "\"alive\":true"),
        (&unreachable, &["nodes"], 6, "database"),
        (&unreachable, &["keys", "list"], 6, "database"),
        (&unreachable, &["teams", "list"], 6, "database"),
        (&terminal, &["campaign", "watch", id], 1, "Twice is a draft"),
        (&terminal, &["campaign", "create", "/", "--name", "x", "--say", "Hi"], 2, "cannot use /"),
        (&terminal, &["campaign", "create", "/dev/null", "--name", "x"], 2, "expected --say, --agent"),
        (&keyless, &["campaign", "list"], 3, "expected an API key in OUTDIAL_KEY"),
        (&lost, &["campaign", "list"], 6, "cannot reach the server at http://127.0.0.1:9/"),
        (&terminal, &["import", &empty, "--check"], 1, "refused            1"),
        (&terminal, &["import", &list, "--check"], 0, "contacts           1"),
        (&terminal, &["import", "/nowhere.csv", "--check"], 2, "cannot open the list"),
        (&terminal, &["import", &list, "--campaign", "Twice"], 4, "expected one of their ids"),
        (&terminal, &["import", &list, "--campaign", "Nobody"], 4, "there is no campaign named \"Nobody\""),
        (&terminal, &["import", &list, "--campaign", &uuid::Uuid::nil().to_string()], 4, "no such campaign"),
        (&strange, &["import", &list, "--campaign", id], 3, "does not take the list (401)"),
        (&lost, &["import", &list, "--campaign", id], 6, "cannot reach the server"),
    ] {
        let (was, said) = terminal.types(line).await;
        assert_eq!(was, status, "{line:?}: {said}");
        assert!(said.contains(expected), "{line:?}: {said}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn numbers_and_agents_are_kept_from_the_command_line() {
    let scene = Scene::start().await;
    let terminal = Terminal::of(&scene);
    terminal.does(&["suppress", "(202) 555-0101", "202.555.0102", "--reason", "asked for it"]).await;
    let table = terminal.does(&["suppress", "--list"]).await;
    assert!(table.contains("+12025550101") && table.contains("asked for it"), "{table}");
    terminal.does(&["suppress", "+12025550101", "--remove"]).await;
    let left = terminal.reads(&["suppress", "--list"]).await;
    assert_eq!(left.as_array().unwrap().len(), 1);
    terminal.does(&["agents", "create", r#"{"name": "Ada", "script": {"say": "Hello"}}"#]).await;
    assert_eq!(terminal.reads(&["agents", "show", "Ada"]).await["script"]["say"]["text"], "Hello");
    terminal.does(&["agents", "delete", "Ada"]).await;
    assert!(terminal.does(&["agents", "list"]).await.contains("there are no agents"));
    let completions = terminal.does(&["completions", "bash"]).await;
    assert!(completions.contains("duplicate") && completions.contains("suppress"));
    scene.end().await;
}

/// Whoever reads only the beginning hangs up, which is nothing to complain about.
#[test]
fn what_nobody_reads_to_its_end_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_outdial"));
    let ended = program.args(["completions", "zsh"]).stdout(writer).output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// A terminal without a key. Whatever it does, nobody is asked who could place a call.
struct Alone {
    terminal: Terminal,
    provider: TcpListener,
}

impl Alone {
    fn of(scene: &Scene) -> Self {
        let provider = TcpListener::bind("127.0.0.1:0").unwrap();
        provider.set_nonblocking(true).unwrap();
        let url = format!("http://{}", provider.local_addr().unwrap());
        Self { terminal: Terminal(Variables::of(scene).with("OUTDIAL_TWILIO_URL", url)), provider }
    }

    fn has_asked_no_provider(&self) {
        let asked = self.provider.accept();
        assert!(
            asked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock),
            "somebody has asked the provider"
        );
    }
}

/// What was done straight on the database, the first first.
async fn done_on_the_database(scene: &Scene) -> Vec<String> {
    let (_, trail) = scene.ask(Method::GET, "/api/v1/audit?limit=1000").await;
    let entries = trail["audit"].as_array().unwrap().iter().rev();
    let done = entries.filter(|entry| entry["source"] == "command-line" && entry["key"].is_null());
    done.map(|entry| format!("{} {}", entry["action"].as_str().unwrap(), entry["status"])).collect()
}

async fn account_of(scene: &Scene, campaign: &str) -> Option<String> {
    let sql = "SELECT account_sid FROM campaigns WHERE name = $1";
    scene.psql().await.query_one(sql, &[&campaign]).await.unwrap().get(0)
}

#[actix_web::test]
async fn without_a_key_all_is_done_on_the_database_and_the_servers_call() {
    let setting = Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() };
    let scene = Scene::with(setting).await;
    let (terminal, alone) = (Terminal::of(&scene), Alone::of(&scene));
    // It knows nothing of the account, and the servers that are alive do.
    let bare = Terminal(Variables::of(&scene).without_provider());
    let directory = tempfile::tempdir().unwrap();
    let list =
        write(directory.path(), "list.csv", "name,phone\nAda,+12025550101\nBob,+12025550102\nEve,12\n");
    let more = write(directory.path(), "more.csv", "name,phone\nEve,+12025550103\nBob,+12025550102\n");
    let other = write(directory.path(), "other.csv", "phone\n+12025550109\n");
    let dials =
        r#"{"business_hours": {"enabled": false}, "pacing": {"delay_seconds": 1}, "from": "+12025550100"}"#;
    bare.does(&["agents", "create", r#"{"name": "Ada", "script": {"say": "Hello {{name}}"}}"#]).await;
    // What the servers call from, and whether they really call, they have said.
    let create = ["campaign", "create", &other, "--name", "At once", "--agent", "Ada", "--start"];
    let said = bare.does(&[&create[..], &["--settings", AROUND_THE_CLOCK]].concat()).await;
    assert!(said.contains("1 of 1 row is a contact") && said.contains("At once is "), "{said}");
    let shown = bare.reads(&["campaign", "show", "At once"]).await;
    let Provider::Twilio(account) = &scene.config.provider else { panic!("an account") };
    assert_eq!(
        (shown["settings"]["from"].as_str(), &shown["simulated"]),
        (Some(&*account.from), &true.into())
    );
    let create = ["campaign", "create", &list, "--name", "Reminders", "--agent", "Ada", "--settings", dials];
    let said = bare.does(&create).await;
    assert!(said.contains("2 of 3 rows are contacts") && said.contains("Reminders is a draft"), "{said}");
    let said = bare.does(&["import", &more, "--campaign", "Reminders"]).await;
    assert!(said.contains("contacts           1"), "{said}");
    let said = bare.does(&["campaign", "start", "Reminders", "--dry-run"]).await;
    assert!(said.contains("contacts        3") && account_of(&scene, "Reminders").await.is_none(), "{said}");
    bare.does(&["campaign", "start", "Reminders"]).await;
    assert_eq!(account_of(&scene, "Reminders").await.as_deref(), Some(ACCOUNT));
    let said = bare.does(&["campaign", "watch", "Reminders"]).await;
    assert!(said.contains("Reminders is completed"), "{said}");
    let alone_does = &alone.terminal;
    for line in [
        &["campaign", "show", "Reminders"][..],
        &["contacts", "Reminders", "--search", "ada"],
        &["agents", "show", "Ada"],
        &["suppress", "--list"],
    ] {
        assert_eq!(alone_does.reads(line).await, terminal.reads(line).await, "{line:?}");
        assert_eq!(alone_does.does(line).await, terminal.does(line).await, "{line:?}");
    }
    let export = ["campaign", "export", "Reminders", "--attempts"];
    assert_eq!(alone_does.does(&export).await, terminal.does(&export).await);
    let book = directory.path().join("book.xlsx").display().to_string();
    let said = alone_does.does(&["campaign", "export", "Reminders", "--output", &book]).await;
    assert!(said.contains("book.xlsx written") && std::fs::read(&book).unwrap().starts_with(b"PK"), "{said}");
    let again = ["campaign", "duplicate", "Reminders", "--outcome", "answered", "--name", "Again"];
    assert!(alone_does.does(&again).await.starts_with("Again is a draft, 3 contacts"));
    alone_does.does(&["campaign", "delete", "Again", "--yes"]).await;
    let said = alone_does.does(&["campaign", "retry", "Reminders", "--outcome", "busy"]).await;
    assert!(said.contains("0 contacts are called again: nobody is given up whose"), "{said}");
    alone_does.does(&["suppress", "(202) 555-0101", "+12025550102", "--reason", "asked for it"]).await;
    alone_does.does(&["suppress", "+12025550101", "--remove"]).await;
    assert!(alone_does.does(&["suppress", "--list"]).await.contains("+12025550102  asked for it"));
    alone_does.does(&["agents", "delete", "Ada"]).await;
    assert!(alone_does.does(&["agents", "list"]).await.contains("there are no agents"));
    alone.has_asked_no_provider();
    let expected = [
        "outdial agents create: POST /api/v1/agents 201",
        "outdial campaign create --start: POST /api/v1/campaigns 201",
        "outdial campaign create --start: POST /api/v1/campaigns/{id}/start 200",
        "outdial campaign create: POST /api/v1/campaigns 201",
        "outdial import: POST /api/v1/campaigns/{id}/contacts 201",
        "outdial campaign start --dry-run: POST /api/v1/campaigns/{id}/start 200",
        "outdial campaign start: POST /api/v1/campaigns/{id}/start 200",
        "outdial campaign duplicate: POST /api/v1/campaigns/{id}/duplicate 201",
        "outdial campaign delete: DELETE /api/v1/campaigns/{id} 204",
        "outdial campaign retry: POST /api/v1/campaigns/{id}/retry 200",
        "outdial suppress: POST /api/v1/suppressions 200",
        "outdial suppress --remove: DELETE /api/v1/suppressions/{phone} 204",
        "outdial agents delete: DELETE /api/v1/agents/{id} 204",
    ];
    assert_eq!(done_on_the_database(&scene).await, expected);
    scene.end().await;
}

#[actix_web::test]
async fn while_no_server_is_alive_a_campaign_is_started_with_the_account_that_is_named_or_not_at_all() {
    let mut scene = Scene::start().await;
    scene.stop_program().await;
    let alone = Alone::of(&scene);
    let bare = Terminal(Variables::of(&scene).without_provider());
    let directory = tempfile::tempdir().unwrap();
    let list = write(directory.path(), "list.csv", "phone\n+12025550101\n");
    let create =
        ["campaign", "create", &list, "--name", "Reminders", "--say", "Hi", "--settings", AROUND_THE_CLOCK];
    alone.terminal.does(&create).await;
    // Nobody knows who will call: a draft can be made, and its number is the simulator's, as only that has ever been there.
    let made = bare.reads(&[&create[..4], &["Nobody's", "--say", "Hi"]].concat()).await;
    assert_eq!(made["simulated"], Value::Null);
    let shown = bare.reads(&["campaign", "show", "Nobody's"]).await;
    assert_eq!((&shown["settings"]["from"], &shown["simulated"]), (&"+15005550006".into(), &Value::Null));
    let start = ["campaign", "start", "Reminders"];
    let (status, said) = bare.types(&start).await;
    assert_eq!(status, 5, "{said}");
    assert!(said.contains("no server is alive, and no TWILIO_ variable is set here"), "{said}");
    assert!(said.contains("start outdial serve first"), "{said}");
    assert_eq!(
        (
            account_of(&scene, "Reminders").await,
            bare.reads(&["campaign", "show", "Reminders"]).await["state"].clone()
        ),
        (None, "draft".into())
    );
    let said = alone.terminal.does(&start).await;
    assert!(said.contains("Reminders is pending, 1 contact "), "{said}");
    assert!(said.contains("nobody is called before one runs"), "{said}");
    assert_eq!(account_of(&scene, "Reminders").await.as_deref(), Some(ACCOUNT));
    // It is known who will call now, and that nobody is really called so.
    assert_eq!(bare.reads(&["campaign", "show", "Reminders"]).await["simulated"], true);
    // Whoever watches is told what happens, though no server orders the events.
    let mut watch = Process::run_with("campaign", &["watch", "Reminders"], &bare.0);
    let mut number = 102;
    while !watch.said().contains("contacts added") {
        assert!(number < 160, "nothing is heard: {}", watch.said());
        let more = write(directory.path(), "more.csv", &format!("phone\n+12025550{number}\n"));
        bare.does(&["import", &more, "--campaign", "Reminders"]).await;
        number += 1;
    }
    assert_eq!(watch.stop().await.code(), Some(130), "{}", watch.said());
    // A database of a newer program is left alone.
    let newer = "INSERT INTO refinery_schema_history SELECT 9999, 'newer', applied_on, checksum
                 FROM refinery_schema_history WHERE version = 1";
    let psql = scene.psql().await;
    psql.execute(newer, &[]).await.unwrap();
    let (status, said) = bare.types(&["campaign", "pause", "Reminders"]).await;
    assert!(status == 6 && said.contains("run a newer outdial"), "{said}");
    psql.execute("DELETE FROM refinery_schema_history WHERE version = 9999", &[]).await.unwrap();
    alone.has_asked_no_provider();
    assert!(scene.simulator.ledger().creates().is_empty());
    scene.start_program().await;
    let id =
        alone.terminal.reads(&["campaign", "show", "Reminders"]).await["id"].as_str().unwrap().to_owned();
    scene.until_completed(&format!("/api/v1/campaigns/{id}")).await;
    scene.end().await;
}

#[actix_web::test]
async fn a_list_that_is_broken_off_has_not_been_stored() {
    let scene = Scene::start().await;
    let directory = tempfile::tempdir().unwrap();
    let phones: String = (0..100_000).map(|number| format!("+1202{}\n", 2_000_000 + number)).collect();
    let list = write(directory.path(), "list.csv", &format!("phone\n{phones}"));
    let create = ["create", &list, "--name", "Reminders", "--say", "Hi"];
    let mut creating = Process::run_with("campaign", &create, &Variables::of(&scene));
    let psql = scene.psql().await;
    eventually("the list is being stored", || async {
        let begun = "SELECT FROM audit WHERE action LIKE 'outdial campaign create: %' AND status IS NULL";
        psql.query_opt(begun, &[]).await.unwrap()
    })
    .await;
    assert_eq!(creating.stop().await.code(), Some(130), "{}", creating.said());
    assert!(creating.said().contains("outdial campaign list tells"), "{}", creating.said());
    let stored = "SELECT (SELECT count(*) FROM campaigns) + (SELECT count(*) FROM imports) + (SELECT count(*) FROM contacts)";
    assert_eq!(psql.query_one(stored, &[]).await.unwrap().get::<_, i64>(0), 0);
    assert_eq!(done_on_the_database(&scene).await, ["outdial campaign create: POST /api/v1/campaigns null"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_command_s_own_api_lets_nobody_else_in_and_has_nothing_that_calls() {
    let scene = Scene::start().await;
    let database = Database::new(scene.database.clone(), Tls::Off).unwrap();
    let told = Told {
        surroundings: Surroundings { course: scene.config.course.clone(), zoneinfo: None, rules: None },
        lists: scene.config.lists.clone(),
        provider: Ok(scene.config.provider.clone()),
    };
    let desk = Desk::open(&database, told, WhichTeam::TheOnly, "outdial test".to_owned()).await.unwrap();
    let answered = async |path: &str, key: Option<&str>| {
        let request = scene.stranger().get(desk.url().join(path).unwrap());
        let request = key.into_iter().fold(request, |request, key| request.bearer_auth(key));
        request.send().await.unwrap().status()
    };
    assert_eq!(answered("/api/v1/campaigns", None).await, StatusCode::UNAUTHORIZED);
    // A key that is good everywhere else.
    assert_eq!(answered("/api/v1/campaigns", Some(API_TOKEN)).await, StatusCode::UNAUTHORIZED);
    for path in ["/webhooks/twilio/status/a/b", "/health/supervisor", "/metrics", "/api/v1/hooks", "/"] {
        assert_eq!(answered(path, Some(API_TOKEN)).await, StatusCode::NOT_FOUND, "{path}");
    }
    let shown = client::campaign(desk.server(), CampaignCommand::List { state: None }).await.unwrap();
    assert_eq!(shown.text, "there are no campaigns\n");
    desk.close().await;
    scene.end().await;
}

/// What is said of a campaign, with and without a server, is the same.
#[actix_web::test]
async fn without_a_server_campaigns_are_seen_and_stopped_on_the_database() {
    let scene = Scene::start().await;
    let terminal = Terminal::of(&scene);
    let alone = Terminal(Variables::of(&scene));
    let later = serde_json::json!({"name": "Reminders", "starts_at": "2026-06-01T00:00:00Z"});
    let campaign = scene.call(later, &["+12025550101"]).await;
    let other = scene.upload(serde_json::json!({"name": "Reminders, too"}), &["+12025550101"]).await;
    let other = other.rsplit('/').next().unwrap();
    for terminal in [&terminal, &alone] {
        let mut watch = Process::run_with("campaign", &["watch", "Reminders"], &terminal.0);
        watch.says("waits: until 2026-06-01 00:00:00Z: ").await;
        assert_eq!(watch.stop().await.code(), Some(130), "{}", watch.said());
    }
    let card = terminal.does(&["campaign", "show", "Reminders"]).await;
    assert!(
        card.contains("  on its clock") && card.contains("2026-05-31 20:00:00 in America/New_York"),
        "{card}"
    );
    assert_eq!(alone.reads(&["campaign", "list"]).await, terminal.reads(&["campaign", "list"]).await);
    let table = alone.does(&["campaign", "list", "--state", "draft"]).await;
    assert!(table.contains("Reminders, too") && table.lines().count() == 2, "{table}");
    let said = alone.does(&["campaign", "pause", "Reminders"]).await;
    assert!(said.starts_with("Reminders is paused, 1 contact "), "{said}");
    assert_eq!(scene.look(&campaign).await["state"], "paused");
    let [without, with] =
        [&alone, &terminal].map(|terminal| terminal.reads(&["campaign", "show", "Reminders"]));
    assert_eq!(without.await, with.await);
    assert!(alone.does(&["campaign", "show", other, "--database"]).await.contains("it has not been started"));
    // A server finds what was done without it, at once.
    let said = alone.does(&["campaign", "resume", "Reminders", "--limit", "1"]).await;
    assert!(said.contains("\n  it calls 1 contact and is paused then\n  waits: until 2026-06-01"), "{said}");
    scene.until(&campaign, "it goes on", |campaign| campaign["state"] != "paused").await;
    for (line, status, expected) in [
        (&["campaign", "pause", "Nobody"][..], 4, "there is no campaign named \"Nobody\""),
        (&["campaign", "pause", &uuid::Uuid::nil().to_string()], 4, "there is no such campaign (404)"),
        (
            &["campaign", "resume", other],
            5,
            "cannot resume a draft campaign, only one that is paused; start it (409)",
        ),
        (&["campaign", "watch", other], 1, "Reminders, too is a draft"),
        (&["contacts", "Nobody"], 4, "there is no campaign named \"Nobody\""),
        (&["suppress", "12"], 5, "called no more: 0 of 1 number"),
        (&["agents", "show", "Nobody"], 4, "there is no agent named \"Nobody\""),
        (&["import", "/nowhere.csv", "--campaign", other], 2, "cannot open the list"),
    ] {
        let (was, said) = alone.types(line).await;
        assert_eq!(was, status, "{line:?}: {said}");
        assert!(said.contains(expected), "{line:?}: {said}");
    }
    alone.does(&["campaign", "cancel", "Reminders"]).await;
    let expected = [
        "outdial campaign pause: POST /api/v1/campaigns/{id}/pause 200",
        "outdial campaign resume: POST /api/v1/campaigns/{id}/resume 200",
        "outdial campaign pause: POST /api/v1/campaigns/{id}/pause 404",
        "outdial campaign resume: POST /api/v1/campaigns/{id}/resume 409",
        "outdial suppress: POST /api/v1/suppressions 200",
        "outdial campaign cancel: POST /api/v1/campaigns/{id}/cancel 200",
    ];
    assert_eq!(done_on_the_database(&scene).await, expected);
    scene.end().await;
}

#[actix_web::test]
async fn a_second_team_has_its_own_key_and_sees_nothing_of_the_first() {
    let scene = Scene::start().await;
    let alone = Terminal(Variables::of(&scene));
    scene.upload(serde_json::json!({"name": "Ours"}), &["+12025550101"]).await;
    let key = alone.does(&["teams", "create", " night "]).await;
    let night = Terminal(Terminal::of(&scene).0.with("OUTDIAL_KEY", key.trim()));
    assert!(night.does(&["campaign", "list"]).await.contains("there are no campaigns"));
    assert!(alone.does(&["campaign", "list", "--team", "night"]).await.contains("there are no campaigns"));
    assert!(alone.does(&["campaign", "list", "--team", "default"]).await.contains("Ours"));
    let agent = r#"{"name": "Ada", "script": {"say": "Hello"}}"#;
    alone.does(&["agents", "create", agent, "--team", "night"]).await;
    assert_eq!(night.reads(&["agents", "list"]).await.as_array().unwrap().len(), 1);
    assert!(Terminal::of(&scene).does(&["agents", "list"]).await.contains("there are no agents"));
    let teams = alone.reads(&["teams", "list"]).await;
    assert_eq!((&teams[0]["name"], &teams[1]["name"]), (&"default".into(), &"night".into()));
    assert!(alone.does(&["teams", "list"]).await.contains(teams[1]["id"].as_str().unwrap()));
    alone.does(&["keys", "create", "reports", "--role", "viewer", "--team", "night"]).await;
    let keys = alone.does(&["keys", "list", "--team", teams[1]["id"].as_str().unwrap()]).await;
    assert!(keys.contains("reports") && keys.contains("made with the team"), "{keys}");
    for (line, status, expected) in [
        (&["suppress", "--list"][..], 4, "there are 2 teams, expected --team and one of default, night"),
        (&["campaign", "list"], 4, "there are 2 teams, expected --team and one of default, night"),
        (&["campaign", "list", "--team", "day"], 4, "there is no team named \"day\""),
        (&["keys", "list"], 4, "there are 2 teams, expected --team"),
        (&["teams", "create", "night"], 5, "there is a team named \"night\" already"),
        (&["teams", "create", "a\u{1b}[2J"], 2, "the name has the control character U+001B"),
    ] {
        let (was, said) = alone.types(line).await;
        assert_eq!(was, status, "{line:?}: {said}");
        assert!(said.contains(expected), "{line:?}: {said}");
    }
    scene.end().await;
}
