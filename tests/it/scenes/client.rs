//! The command line, by running it against a server.

use std::path::Path;

use outdial::simulator::{Outcome, Scenario};
use serde_json::Value;

use crate::support::process::{Process, Variables};
use crate::support::scene::{API_TOKEN, Scene, Setting};

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

/// What is said of a campaign, with and without a server, is the same but for what a server alone knows.
#[actix_web::test]
async fn without_a_server_campaigns_are_seen_and_stopped_on_the_database() {
    let scene = Scene::start().await;
    let terminal = Terminal::of(&scene);
    let alone = Terminal(Variables::of(&scene));
    let later = serde_json::json!({"name": "Reminders", "starts_at": "2026-06-01T00:00:00Z"});
    let campaign = scene.call(later, &["+12025550101"]).await;
    let other = scene.upload(serde_json::json!({"name": "Reminders, too"}), &["+12025550101"]).await;
    let other = other.rsplit('/').next().unwrap();
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
        (&["campaign", "pause", &uuid::Uuid::nil().to_string()], 4, "no such id"),
        (
            &["campaign", "resume", other],
            5,
            "cannot resume a draft campaign, only one that is paused; start it (409)",
        ),
        (
            &["campaign", "start", other],
            3,
            "only a running server can start a campaign: expected its address in OUTDIAL_URL",
        ),
        (&["campaign", "watch", other], 3, "an API key in OUTDIAL_KEY"),
    ] {
        let (was, said) = alone.types(line).await;
        assert_eq!(was, status, "{line:?}: {said}");
        assert!(said.contains(expected), "{line:?}: {said}");
    }
    alone.does(&["campaign", "cancel", "Reminders"]).await;
    let (_, trail) = scene.ask(reqwest::Method::GET, "/api/v1/audit?limit=1000").await;
    let done: Vec<&Value> =
        trail["audit"].as_array().unwrap().iter().filter(|entry| entry["source"] == "command-line").collect();
    let of = |action: &str| {
        done.iter().filter(|entry| entry["action"] == format!("outdial campaign {action}")).count()
    };
    assert_eq!((of("pause"), of("resume"), of("cancel")), (2, 2, 1), "{trail}");
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
    let teams = alone.reads(&["teams", "list"]).await;
    assert_eq!((&teams[0]["name"], &teams[1]["name"]), (&"default".into(), &"night".into()));
    assert!(alone.does(&["teams", "list"]).await.contains(teams[1]["id"].as_str().unwrap()));
    alone.does(&["keys", "create", "reports", "--role", "viewer", "--team", "night"]).await;
    let keys = alone.does(&["keys", "list", "--team", teams[1]["id"].as_str().unwrap()]).await;
    assert!(keys.contains("reports") && keys.contains("made with the team"), "{keys}");
    for (line, status, expected) in [
        (&["campaign", "list"][..], 4, "there are 2 teams, expected --team and one of default, night"),
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
