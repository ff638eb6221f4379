//! The server as a role that owns nothing: it does everything that it does, and nothing else.

use outdial::actors::{Tick, Watch};
use outdial::config::Database as Where;
use outdial::db::{self, Database, Error, Tls, WrongSchema};
use outdial::simulator::{Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use crate::support::cluster::empty_database;
use crate::support::process::{Process, Variables};
use crate::support::scene::{Scene, Setting, settings};

const ROLES: &str = include_str!("../../../../docs/roles.sql");

/// What the program itself never does, and whoever has taken it over must not be able to do.
const FORBIDDEN: &[&str] = &[
    "CREATE TABLE loot (a text)",
    "CREATE TABLE elsewhere.loot (a text)",
    "CREATE SCHEMA loot",
    "CREATE EXTENSION pgcrypto",
    "CREATE FUNCTION loot() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE loot",
    "ALTER TABLE contacts ADD COLUMN loot text",
    "ALTER TABLE attempts DISABLE TRIGGER ALL",
    "ALTER TABLE campaigns OWNER TO outdial_runtime",
    "DROP INDEX one_open_call_per_number",
    "DROP TABLE contacts",
    "TRUNCATE contacts",
    "INSERT INTO refinery_schema_history VALUES (999, 'loot', '', '0')",
    "DELETE FROM refinery_schema_history",
    "SELECT * FROM elsewhere.secrets",
    "SELECT * FROM pg_authid",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY contacts TO PROGRAM 'cat'",
    "COPY contacts FROM '/etc/passwd'",
    "SET ROLE outdial_owner",
    "SET ROLE outdial_migrator",
    "SET SESSION AUTHORIZATION outdial_owner",
    "ALTER ROLE outdial_runtime CREATEROLE",
];

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

fn as_role(config: &Config, role: &str) -> Config {
    let mut config = config.clone();
    config.user(role);
    config
}

fn pool(config: &Config) -> Database {
    Database::new(config.clone(), Tls::Off).expect("a pool")
}

/// An empty database with the roles and somebody else's table, and how its administrator connects.
async fn with_roles() -> Config {
    // The roles belong to all databases of the tests' cluster: two that make them at one time would collide.
    static ONE_AFTER_THE_OTHER: Mutex<()> = Mutex::const_new(());
    let config = empty_database().await;
    let admin = connect(&config).await;
    let turn = ONE_AFTER_THE_OTHER.lock().await;
    // Twice, because the file says that it may be.
    for _ in 0..2 {
        admin.batch_execute(ROLES).await.expect("docs/roles.sql");
    }
    drop(turn);
    let elsewhere = "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.secrets (secret text)";
    admin.batch_execute(elsewhere).await.unwrap();
    config
}

#[actix_web::test]
async fn the_server_lives_its_whole_life_as_a_role_that_owns_nothing() {
    let admin = with_roles().await;
    let scenario = Scenario::instant(Outcome::Answer);
    let mut scene = Scene::without_program(&Setting { scenario, ..Setting::default() }).await;
    scene.database = as_role(&admin, "outdial_runtime");
    let variables = Variables::of(&scene).with("OUTDIAL_LOG", "info");

    // Before the tables are there, it says what to do.
    for command in ["serve", "migrate"] {
        let mut refused = Process::run(command, &variables);
        assert!(!refused.end().await.success());
        assert!(refused.said().contains("run `outdial migrate` as the role that does"), "{}", refused.said());
    }
    scene.database = as_role(&admin, "outdial_migrator");
    let mut migrates = Process::run("migrate", &Variables::of(&scene));
    assert!(migrates.end().await.success(), "{}", migrates.said());
    scene.database = as_role(&admin, "outdial_runtime");

    let mut program = Process::run("serve", &variables);
    program.is_ready(&scene).await;
    everything_is_used(&scene).await;
    assert!(program.stop().await.success(), "{}", program.said());
    let said = program.said();
    for refused in ["42501", "permission denied", "must be owner"] {
        assert!(!said.contains(refused), "the role lacks a right: {said}");
    }

    // What wakes up only now and then.
    scene.config.database =
        Where::Given { config: Box::new(scene.database.clone()), tls: outdial::config::Tls::Disable };
    scene.start_program().await;
    scene.supervisor().send(Tick).await.unwrap().expect("a tick");
    scene.supervisor().send(Watch).await.unwrap().expect("a look");
    scene.stop_program().await;
    // Not held to what every scene is: its campaign was deleted, and the attempts with it.
    scene.simulator.stop().await;
}

/// A request of each kind that reads or writes tables of its own.
async fn everything_is_used(scene: &Scene) {
    let (status, preview) = scene.send_list("/api/v1/imports", &json!({}), list()).await;
    assert_eq!(status, StatusCode::CREATED, "{preview}");
    let (status, agent) = scene
        .send(Method::POST, "/api/v1/agents", &json!({"name": "Ada", "script": {"say": "Hello {{name}}"}}))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{agent}");
    let suppressed = json!({"phone": "+12025550149", "reason": "asked"});
    assert!(scene.send(Method::POST, "/api/v1/suppressions", &suppressed).await.0.is_success());
    let numbers = "phone\n+12025550148\n";
    assert!(scene.send_list("/api/v1/suppressions/import", &json!({}), numbers).await.0.is_success());
    assert!(scene.download("/api/v1/suppressions.csv").await.contains("2025550148"));
    let mut wanted = settings(json!({"caps": {"per_day": 3}}));
    wanted["agent_id"] = agent["id"].clone();
    wanted.as_object_mut().unwrap().remove("agent");
    let (status, made) = scene.upload_file(&wanted, list()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let campaign = format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap());
    let more = "name,phone\nDora,+12025550105\nAda,+12025550101\nEve,+12025550149\n";
    let added = scene.send_list(&format!("{campaign}/contacts"), &json!({}), more).await;
    assert_eq!(added.0, StatusCode::CREATED, "{}", added.1);
    scene.command(&campaign, "start").await;
    scene.command(&campaign, "pause").await;
    scene.command(&campaign, "resume").await;
    scene.until_completed(&campaign).await;
    let attempts = scene.attempts(&campaign).await;
    let attempt = attempts[0]["id"].as_str().unwrap();
    let opt_out = format!("{campaign}/attempts/{attempt}/opt-out");
    assert_eq!(scene.send(Method::POST, &opt_out, &json!({"note": "asked"})).await.0, StatusCode::OK);
    let (_, contacts) = scene.ask(Method::GET, &format!("{campaign}/contacts")).await;
    let contact = contacts["contacts"][1]["id"].as_str().expect("a contact");
    let wish = json!({"at": scene.clock.now() + chrono::TimeDelta::minutes(2), "note": "later"});
    let called = scene.look(&campaign).await["counts"]["attempts"].as_u64();
    let asked = scene.send(Method::POST, &format!("{campaign}/contacts/{contact}/callback"), &wish).await;
    assert_eq!(asked.0, StatusCode::OK, "{}", asked.1);
    scene
        .until(&campaign, "it was called back", |campaign| campaign["counts"]["attempts"].as_u64() > called)
        .await;
    scene.until_completed(&campaign).await;
    let import = made["import_id"].as_str().unwrap();
    let mut readable: Vec<String> = ["", "/forecast", "/contacts", "/attempts", "/imports"]
        .map(|part| format!("{campaign}{part}"))
        .to_vec();
    readable.extend(["", "/rows", "/rejects.csv"].map(|part| format!("/api/v1/imports/{import}{part}")));
    readable.extend(["/api/v1/campaigns", "/api/v1/agents", "/health/supervisor"].map(str::to_owned));
    for path in readable {
        let (status, answer) = scene.ask(Method::GET, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    }
    let (_, repeated) =
        scene.upload_file(&settings(json!({"schedule": {"cron": "0 9 * * *"}})), list()).await;
    let repeated = format!("/api/v1/campaigns/{}", repeated["id"].as_str().unwrap());
    scene.command(&repeated, "start").await;
    scene.command(&repeated, "cancel").await;
    for (path, gone) in [
        (campaign, StatusCode::NO_CONTENT),
        (repeated, StatusCode::NO_CONTENT),
        (format!("/api/v1/agents/{}", agent["id"].as_str().unwrap()), StatusCode::NO_CONTENT),
        ("/api/v1/suppressions/+12025550149".to_owned(), StatusCode::NO_CONTENT),
    ] {
        let (status, answer): (StatusCode, Value) = scene.ask(Method::DELETE, &path).await;
        assert_eq!(status, gone, "{path}: {answer}");
    }
}

fn list() -> &'static str {
    "name,phone\nAda,+12025550101\nBob,+12025550102\nBob again,+12025550102\nnobody,none\n"
}

#[actix_web::test]
async fn the_server_s_role_can_change_no_table_and_look_nowhere_else() {
    let admin = with_roles().await;
    assert!(db::migrate(&pool(&as_role(&admin, "outdial_migrator"))).await.unwrap() > 0);
    let runtime = connect(&as_role(&admin, "outdial_runtime")).await;
    for statement in FORBIDDEN {
        let refused = runtime.batch_execute(statement).await.expect_err(statement);
        assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{statement}: {refused:?}");
    }
    // Every table, also one that a later version makes.
    let owner = connect(&as_role(&admin, "outdial_migrator")).await;
    owner.batch_execute("CREATE TABLE made_later (a int)").await.unwrap();
    const TABLES: &str = "
        SELECT relname, pg_get_userbyid(relowner) AS owner,
               has_table_privilege('outdial_runtime', oid, 'SELECT, INSERT, UPDATE, DELETE') AS any_right,
               has_table_privilege('outdial_runtime', oid, 'SELECT')
                   AND has_table_privilege('outdial_runtime', oid, 'INSERT')
                   AND has_table_privilege('outdial_runtime', oid, 'UPDATE')
                   AND has_table_privilege('outdial_runtime', oid, 'DELETE') AS every_right
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')";
    let tables = owner.query(TABLES, &[]).await.unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        let name: &str = table.get("relname");
        assert_eq!(table.get::<_, &str>("owner"), "outdial_owner", "{name}");
        assert!(table.get::<_, bool>("any_right"), "{name}");
        assert_eq!(table.get::<_, bool>("every_right"), name != "refinery_schema_history", "{name}");
    }
}

#[actix_web::test]
async fn tables_of_another_version_are_refused_with_what_to_do() {
    let admin = with_roles().await;
    let (owner, runtime) = (as_role(&admin, "outdial_migrator"), as_role(&admin, "outdial_runtime"));
    let wrong = |refused: Result<usize, Error>| match refused {
        Err(Error::Schema(wrong)) => wrong,
        other => panic!("expected a refusal of the tables, got {other:?}"),
    };
    let WrongSchema::Behind { is: 0, needed } = wrong(db::migrate(&pool(&runtime)).await) else {
        panic!("the tables are not there")
    };
    let applied = db::migrate(&pool(&owner)).await.unwrap();
    for who in [&owner, &runtime] {
        assert_eq!(db::migrate(&pool(who)).await.unwrap(), 0, "they are up to date, whoever asks");
    }
    let psql = connect(&admin).await;
    psql.batch_execute("UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1").await.unwrap();
    assert_eq!(wrong(db::migrate(&pool(&runtime)).await), WrongSchema::Foreign(1));
    let newer = "INSERT INTO refinery_schema_history SELECT 9999, 'newer', applied_on, checksum
                 FROM refinery_schema_history WHERE version = 1";
    psql.batch_execute(newer).await.unwrap();
    for who in [&owner, &runtime] {
        let ahead = wrong(db::migrate(&pool(who)).await);
        assert_eq!(ahead, WrongSchema::Ahead { is: 9999, known: needed });
    }
    assert_eq!(i64::try_from(applied).unwrap(), needed, "one migration for each version");
}
