//! Commands that are broken off, or are refused half-way: what was done stays and is told, and nothing is left running.

use std::fs::File;
use std::io::{Read, Write};

use rustix::process::Signal;

use super::*;
use crate::support::cluster::DataDir;

/// A terminal on a private PostgreSQL that no server runs, which knows nothing of who places calls.
struct Private {
    data: DataDir,
    terminal: Terminal,
    files: tempfile::TempDir,
}

impl Private {
    async fn new() -> Self {
        let data = DataDir::empty();
        let terminal = Terminal(Variables::private(data.path()));
        terminal.does(&["migrate"]).await;
        Self { data, terminal, files: tempfile::tempdir().unwrap() }
    }

    fn list(&self) -> String {
        write(self.files.path(), "list.csv", "name,phone\nAda,+12025550101\n")
    }

    /// The same terminal with an account, so that campaigns can be started.
    fn with_account(&self) -> Terminal {
        let variables = &self.terminal.0;
        let variables = variables.with("TWILIO_ACCOUNT_SID", ACCOUNT).with("TWILIO_AUTH_TOKEN", "secret");
        let variables = variables.with("TWILIO_FROM", "+12025550199");
        Terminal(variables.with("OUTDIAL_PUBLIC_URL", "https://dialer.example.com"))
    }

    fn watch(&self) -> Process {
        Process::run_with("campaign", &["watch", "Reminders"], &self.with_account().0)
    }

    /// Waits until its server has begun to start.
    async fn starts(&self) {
        eventually("PostgreSQL begins to start", || async { self.data.is_in_use().then_some(()) }).await;
    }
}

/// What tells a process to end. A terminal that is closed tells nothing to those whom nohup lets outlive it.
fn stops() -> Vec<Signal> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    match ignored {
        Some(set) if set & 1 == 0 => vec![Signal::INT, Signal::TERM, Signal::HUP],
        Some(_) | None => vec![Signal::INT, Signal::TERM],
    }
}

const WORKS: &str = "nobody is called before one runs";

#[actix_web::test]
async fn a_private_postgresql_does_not_outlive_whoever_started_it_whenever_he_is_told_to_end() {
    let private = Private::new().await;
    // A newcomer makes a draft before any server has ever run, as README has it.
    let list = private.list();
    let create = ["campaign", "create", &list, "--name", "Reminders", "--say", "Hello {{name}}"];
    assert_eq!(private.terminal.reads(&create).await["simulated"], Value::Null);
    let shown = private.terminal.reads(&["campaign", "show", "Reminders"]).await;
    assert_eq!((&shown["settings"]["from"], &shown["simulated"]), (&"+15005550006".into(), &Value::Null));
    let (status, said) = private.terminal.types(&["campaign", "start", "Reminders"]).await;
    assert!(status == 5 && said.contains("no server is alive"), "{said}");
    // What cannot be started has been made all the same, and is told.
    let at_once = ["campaign", "create", &list, "--name", "At once", "--say", "Hi", "--start"];
    let (status, said) = private.terminal.types(&at_once).await;
    assert!(status == 5 && said.contains("At once is a draft  "), "{said}");
    let made = private.terminal.reads(&["campaign", "show", "At once"]).await;
    assert!(said.contains(made["id"].as_str().unwrap()), "{said}");
    private.with_account().does(&["campaign", "start", "Reminders"]).await;
    assert!(!private.data.is_in_use());
    for signal in stops() {
        for is_opening in [true, false] {
            let mut watch = private.watch();
            match is_opening {
                true => private.starts().await,
                false => watch.says(WORKS).await,
            }
            watch.signal(signal);
            let status = watch.end().await;
            let told = format!("{signal:?}, opening: {is_opening}: {status}: {}", watch.said());
            assert_eq!((status.code(), private.data.is_in_use()), (Some(130), false), "{told}");
        }
    }
    for (is_opening, signal) in [true, false].into_iter().zip(stops().into_iter().rev()) {
        let mut server = Process::run("serve", &private.terminal.0);
        match is_opening {
            true => private.starts().await,
            false => server.says("listening").await,
        }
        server.signal(signal);
        let status = server.end().await;
        let told = format!("serve: {signal:?}, opening: {is_opening}: {status}: {}", server.said());
        assert_eq!((status.code(), private.data.is_in_use()), (Some(0), false), "{told}");
    }
}

#[actix_web::test]
async fn whoever_insists_does_not_wait_for_postgresql() {
    let private = Private::new().await;
    let list = private.list();
    let create = ["campaign", "create", &list, "--name", "Reminders", "--say", "Hello {{name}}"];
    private.terminal.does(&create).await;
    private.with_account().does(&["campaign", "start", "Reminders"]).await;
    let watch = private.watch();
    watch.says(WORKS).await;
    // Somebody else has it in hand to start or to stop it, and takes his time.
    let held = File::options().write(true).open(private.data.path().join("starting.lock")).unwrap();
    held.lock().unwrap();
    let ended = eventually("it does not wait", || async {
        watch.signal(Signal::INT);
        watch.ended()
    });
    assert_eq!(ended.await.code(), Some(130));
    assert!(watch.said().contains("left at once") && private.data.is_in_use(), "{}", watch.said());
    drop(held);
    private.terminal.does(&["campaign", "list"]).await;
    assert!(!private.data.is_in_use(), "the next one that leaves in good order stops it");
}

#[actix_web::test]
async fn a_file_that_does_not_become_whole_is_gone_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let begun =
            b"HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ntransfer-encoding: chunked\r\n\r\n5\r\nphone\r\n";
        stream.write_all(begun).unwrap();
        // Nothing more comes until whoever asked is gone.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("contacts.csv").display().to_string();
    let variables =
        Variables::private(directory.path()).with("OUTDIAL_URL", url).with("OUTDIAL_KEY", "od_a-key");
    let campaign = uuid::Uuid::nil().to_string();
    let mut export = Process::run_with("campaign", &["export", &campaign, "--output", &file], &variables);
    eventually("it is being written", || async {
        std::fs::read(format!("{file}.part")).ok().filter(|written| written == b"phone")
    })
    .await;
    assert_eq!(export.stop().await.code(), Some(130), "{}", export.said());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[actix_web::test]
async fn of_several_numbers_those_are_told_that_were_taken_off_before_one_was_refused() {
    let scene = Scene::start().await;
    for terminal in [Terminal::of(&scene), Terminal(Variables::of(&scene))] {
        terminal.does(&["suppress", "+12025550101"]).await;
        let (status, said) =
            terminal.types(&["suppress", "--remove", "+12025550101", "+12025550102", "+12025550103"]).await;
        assert!(status == 4 && said.starts_with("+12025550101 may be called again\n"), "{status}: {said}");
        assert!(!said.contains("+12025550102 may"), "{said}");
    }
    scene.end().await;
}
