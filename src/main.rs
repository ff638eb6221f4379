//! The command line: reads what was typed, sets up what a process needs once, and hands over.

use std::fmt::Display;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use outdial::app::{
    App, BuildError, join_database, limits, open_database, reopen_database, whole_calls_per_second,
};
use outdial::cli::stop::{StopSignals, stdin_closed};
use outdial::cli::{
    Cli, Command, DatabaseOptions, DemoOptions, ExpectsCalls, ImportOptions, KeysOptions, ServerOptions,
    SimulateOptions, TeamsOptions, Typed,
};
use outdial::client::{self, ClientError, Server, Shown};
use outdial::clock::Clock;
use outdial::config::{self, Config, ListLimits, Log, LogFormat, Misspelled, Secret};
use outdial::db::{self, Database, nodes::list_nodes};
use outdial::demo::{ContactList, Demo};
use outdial::desk::{Desk, Told};
use outdial::embedded::Embedded;
use outdial::keys::{CannotDo, KeysCommand, NoTeam, TeamsCommand, WhichTeam, run_teams};
use outdial::list_command::{self, ListError, Table};
use outdial::node_table::NodeTable;
use outdial::simulator::{Scenario, Simulator, SimulatorConfig};
use tracing::warn;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

#[actix_web::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // Whoever speaks TLS in this process finds its cryptography here. This is the only place that installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = match cli.command {
        Command::Serve => serve().await,
        Command::Migrate => migrate_database().await,
        Command::Simulate(options) => simulate(options).await,
        Command::Demo(options) => demo(options).await,
        Command::Import(options) => import(options).await,
        Command::Nodes { json } => nodes(json).await,
        Command::Keys { what, team } => keys(what, team).await,
        Command::Teams { what } => teams(what).await,
        Command::Campaign { what, server, database } => {
            let typed = what.typed();
            let work = async |asked: &Server| client::campaign(asked, what.into()).await;
            carry_out(typed, &server, &database, work).await
        }
        Command::Contacts { which, server, database } => {
            let work = async |asked: &Server| client::contacts(asked, which.into()).await;
            carry_out(Typed::plain("outdial contacts"), &server, &database, work).await
        }
        Command::Suppress { who, server, database } => {
            let typed = who.typed();
            let work = async |asked: &Server| client::suppress(asked, who.into()).await;
            carry_out(typed, &server, &database, work).await
        }
        Command::Agents { what, server, database } => {
            let typed = what.typed();
            let work = async |asked: &Server| client::agents(asked, what.into()).await;
            carry_out(typed, &server, &database, work).await
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "outdial", &mut script);
            put(&script);
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| refused(status_of(&error), error))
}

/// The exit status of what was not done for this reason.
fn status_of(reason: &anyhow::Error) -> u8 {
    let about_keys = reason.downcast_ref().map(CannotDo::exit_status);
    about_keys.or_else(|| reason.downcast_ref().map(NoTeam::exit_status)).unwrap_or(1)
}

async fn serve() -> anyhow::Result<ExitCode> {
    let config = Config::from_env()?;
    start_log(&config.log, BoxMakeWriter::new(std::io::stderr))?;
    warn_of_misspelled();
    if let Some(course) = &config.course {
        warn!(
            "*** OUTDIAL_CLOCK is in force: people are called by a clock that goes as {course} says, and not by the present. The log's \
             own times are real ***"
        );
    }
    if config::listens_everywhere_by_port() {
        let port = config.listen.port;
        warn!(
            "*** PORT is set and OUTDIAL_HOST is not, so that port {port} is open on ALL addresses of this machine, as platforms \
             want it; OUTDIAL_HOST=127.0.0.1 lets in only who is on this machine ***"
        );
    }
    let stop = StopSignals::listen().context(CANNOT_LISTEN)?;
    let app = tokio::select! {
        app = App::build(config) => app?,
        // What was built so far is dropped, and stops what it has started.
        () = stop.asked(1) => return Ok(ExitCode::SUCCESS),
    };
    if let Some(key) = app.first_key() {
        // Whoever closed the standard output cannot be told, and gets in by OUTDIAL_API_TOKEN.
        let _ =
            writeln!(std::io::stdout(), "The API key, shown this once and kept only as a hash:\n\n  {key}\n");
    }
    app.run_until(stop.asked(1)).await?;
    Ok(ExitCode::SUCCESS)
}

async fn migrate_database() -> anyhow::Result<ExitCode> {
    let config = Config::from_env()?;
    start_log(&config.log, BoxMakeWriter::new(std::io::stderr))?;
    let migrate = async |database: &Database| {
        let applied = db::migrate(database).await?;
        anyhow::Ok(format!("{applied} migrations applied, the tables are up to date\n"))
    };
    on_database(&config.database, migrate).await
}

async fn simulate(options: SimulateOptions) -> anyhow::Result<ExitCode> {
    start_log(&Log::from_env()?, BoxMakeWriter::new(std::io::stderr))?;
    let until_stdin_closes = options.until_stdin_closes;
    let stop = StopSignals::listen().context(CANNOT_LISTEN)?;
    let scenario = match &options.scenario {
        None => Scenario::default(),
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Scenario::parse(&text).with_context(|| format!("cannot use {}", path.display()))?
        }
    };
    let simulator = Simulator::start(SimulatorConfig {
        port: options.port,
        account_sid: options.account_sid.clone(),
        auth_token: options.auth_token.clone(),
        api_key: None,
        from_numbers: None,
        cps: whole_calls_per_second(options.cps),
        clock: Clock::of_this_machine(options.clock.clone()),
        scenario,
        seed: options.seed,
    })
    .await?;
    print!("{}", options.variables(&simulator.url()));
    tokio::select! {
        () = stop.asked(1) => {}
        () = stdin_closed(), if until_stdin_closes => {}
        () = simulator.wait() => anyhow::bail!("the simulator's server has ended"),
    }
    simulator.stop().await;
    Ok(ExitCode::SUCCESS)
}

async fn demo(options: DemoOptions) -> anyhow::Result<ExitCode> {
    let list = match &options.contacts {
        Some(path) => ContactList::read(path)?,
        None => ContactList::sixty_people(),
    };
    let data_dir = config::data_dir_from_env()?.join("demo");
    eprintln!("*** This is a demonstration: it dials the SIMULATOR. Nobody is really called. ***\n");
    eprintln!("Starting a database in {} and the simulator …", data_dir.display());
    let stop = StopSignals::listen().context(CANNOT_LISTEN)?;
    // Until the server runs, which takes care of it, a Ctrl-C only has to leave nothing running behind.
    let demo = tokio::select! {
        demo = Demo::prepare(&data_dir, options.speed, Log::from_env()?) => demo?,
        () = stop.asked(1) => return Ok(ExitCode::FAILURE),
    };
    start_log(&demo.config().log, log_file(&data_dir.join("outdial.log"))?)?;
    let played = play(&demo, list, &options, &stop).await;
    let ended = demo.end().await;
    let code = played?;
    ended?;
    Ok(code)
}

async fn play(
    demo: &Demo,
    list: ContactList,
    options: &DemoOptions,
    stop: &StopSignals,
) -> anyhow::Result<ExitCode> {
    let app = App::build(demo.config()).await?;
    let url = app.url().to_string();
    eprintln!("Calling {} from {url}, {} times as fast as life.\n", list.name, options.speed);
    let report = tokio::select! {
        report = demo.play(&url, list) => report?,
        stopped = app.run_until(stop.asked(1)) => {
            stopped?;
            anyhow::bail!("stopped before everybody was called");
        }
    };
    println!("\n{report}");
    Ok(match report.missing() {
        None => {
            eprintln!("Everybody is final. All of it was simulated: nobody was really called.");
            ExitCode::SUCCESS
        }
        Some(missing) => {
            eprintln!("outdial: not everybody is final: {missing}");
            ExitCode::FAILURE
        }
    })
}

async fn import(options: ImportOptions) -> anyhow::Result<ExitCode> {
    let ImportOptions { file, settings, campaign, server, database, check: _ } = options;
    let as_json = server.json;
    match campaign {
        None => {
            let checked = list_command::check(&file, &settings, &limits(&ListLimits::from_env()?));
            Ok(show_list(&file, checked, as_json))
        }
        Some(campaign) => {
            let work = async |asked: &Server| match client::find_campaign(asked, &campaign).await {
                Ok(id) => {
                    let sent = list_command::send(&file, &settings, asked, id).await;
                    show_list(&file, sent, as_json)
                }
                Err(error) => refused(error.exit_status(), error),
            };
            ask(Typed::import(), &server, &database, work).await
        }
    }
}

/// Shows what became of a list, to a person or to a program.
fn show_list(file: &Path, read: Result<Table, ListError>, as_json: bool) -> ExitCode {
    let table = match read {
        Ok(table) => table,
        Err(error) => {
            let status = error.exit_status();
            return refused(status, anyhow::Error::from(error).context(file.display().to_string()));
        }
    };
    let text = if as_json { format!("{}\n", table.report()) } else { table.to_string() };
    put(text.as_bytes());
    if table.has_contacts() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Writes a result. Whoever reads only the beginning, as head does, has what it wanted.
fn put(text: &[u8]) {
    let _ = std::io::stdout().write_all(text);
}

/// Says something beside the results. The terminal may be gone, and then nobody has to hear it.
fn say(words: impl Display) {
    let _ = writeln!(std::io::stderr(), "outdial: {words}");
}

/// Says why something was not done, by a sentence and by the exit status.
fn refused(status: u8, error: impl Into<anyhow::Error>) -> ExitCode {
    say(format_args!("{:#}", error.into()));
    ExitCode::from(status)
}

/// Carries out a command, and shows what came of it.
async fn carry_out(
    typed: Typed,
    server: &ServerOptions,
    database: &DatabaseOptions,
    work: impl AsyncFnOnce(&Server) -> Result<Shown, ClientError>,
) -> anyhow::Result<ExitCode> {
    let work = async |asked: &Server| {
        let answered = work(asked).await;
        if answered.is_err() {
            tell_what_was_done(asked);
        }
        show(answered, server.json)
    };
    ask(typed, server, database, work).await
}

/// Does something with the server that was named, or, if none was, with the API in this process, on the database.
async fn ask(
    typed: Typed,
    server: &ServerOptions,
    database: &DatabaseOptions,
    work: impl AsyncFnOnce(&Server) -> ExitCode,
) -> anyhow::Result<ExitCode> {
    let stop = StopSignals::listen().context(CANNOT_LISTEN)?;
    let on_database = match database.are_meant(server) {
        Ok(on_database) => on_database,
        Err(error) => return Ok(refused(error.exit_status(), error)),
    };
    if on_database {
        return without_server(typed, database.team.as_deref(), &stop, work).await;
    }
    Ok(match Server::new(server.url(), Secret::new(server.key.clone())) {
        Ok(asked) => unless_broken_off(typed, &asked, &stop, work).await,
        Err(error) => refused(error.exit_status(), error),
    })
}

/// Works until it is done, or until somebody has enough. What was done by then stays, and is told.
async fn unless_broken_off(
    typed: Typed,
    asked: &Server,
    stop: &StopSignals,
    work: impl AsyncFnOnce(&Server) -> ExitCode,
) -> ExitCode {
    tokio::select! {
        code = work(asked) => code,
        () = stop.asked(1) => {
            tell_what_was_done(asked);
            if let Some(words) = typed.when_broken_off {
                say(format_args!("broken off; {words}"));
            }
            ExitCode::from(BROKEN_OFF)
        }
    }
}

/// Tells the steps that were done of a command that comes to no end.
fn tell_what_was_done(asked: &Server) {
    for step in asked.done_so_far() {
        let _ = write!(std::io::stderr(), "{step}");
    }
}

/// Shows what came of a command, to a person or to a program.
fn show(answered: Result<Shown, ClientError>, as_json: bool) -> ExitCode {
    let shown = match answered {
        Ok(shown) => shown,
        Err(error) => return refused(error.exit_status(), error),
    };
    let text = if as_json { format!("{}\n", shown.json) } else { shown.text };
    put(text.as_bytes());
    ExitCode::from(shown.exit_status)
}

/// Does something on the database itself. Whoever breaks it off leaves no PostgreSQL behind that nobody uses.
async fn without_server(
    typed: Typed,
    team: Option<&str>,
    stop: &StopSignals,
    work: impl AsyncFnOnce(&Server) -> ExitCode,
) -> anyhow::Result<ExitCode> {
    start_log(&Log::from_env_or("warn")?, BoxMakeWriter::new(std::io::stderr))?;
    let told = Told::from_env()?;
    let (database, embedded) = match open(stop, reopen_database(&config::Database::from_env()?)).await {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(refused(ClientError::NoDatabase.exit_status(), ClientError::NoDatabase)),
        Err(error) => return Ok(refused(DATABASE_IN_TROUBLE, error)),
    };
    let opening = Desk::open(&database, told, team.into(), typed.words.to_owned());
    let code = match unless_asked(stop, opening).await {
        None => ExitCode::from(BROKEN_OFF),
        Some(Err(error)) => refused(error.exit_status(), error),
        Some(Ok(desk)) => {
            let nobody_calls = "no server is alive, so that nobody is called before one runs";
            if typed.expects_calls == ExpectsCalls::Meanwhile && !desk.has_servers() {
                say(nobody_calls);
            }
            let code = unless_broken_off(typed, desk.server(), stop, work).await;
            let is_done = code == ExitCode::SUCCESS;
            if is_done && typed.expects_calls == ExpectsCalls::Afterwards && !desk.has_servers() {
                say(nobody_calls);
            }
            desk.close().await;
            code
        }
    };
    leave(database, embedded).await?;
    Ok(code)
}

/// The exit status of whoever cannot reach the database: that of whoever cannot reach a server.
const DATABASE_IN_TROUBLE: u8 = 6;

/// The exit status of a command that was broken off, as shells have it: 128 and the number of SIGINT.
const BROKEN_OFF: u8 = 130;

const CANNOT_LISTEN: &str = "cannot listen for Ctrl-C";

/// Waits for a database that is being opened. A private PostgreSQL that is being started when somebody has enough has to be
/// waited for: it does not end with this process, so that it is stopped once it runs. Who is asked twice does not wait, then
/// or later.
async fn open<T>(
    stop: &StopSignals,
    opening: impl Future<Output = Result<T, BuildError>>,
) -> Result<T, BuildError> {
    let insisting = stop.clone();
    tokio::task::spawn_local(async move {
        insisting.asked(2).await;
        say("left at once; a private PostgreSQL may still run, and the next outdial joins it");
        std::process::exit(BROKEN_OFF.into());
    });
    let mut opening = std::pin::pin!(opening);
    tokio::select! {
        opened = &mut opening => return opened,
        () = stop.asked(1) => {}
    }
    say("the private PostgreSQL is stopped as soon as it has started; once more leaves at once");
    opening.await
}

/// Waits for something, unless the process has been asked to stop, or is before that comes.
async fn unless_asked<T>(stop: &StopSignals, something: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = stop.asked(1) => None,
        something = something => Some(something),
    }
}

/// Lets go of the database, and stops the private PostgreSQL if nobody else uses it.
async fn leave(database: Database, embedded: Option<Embedded>) -> anyhow::Result<()> {
    drop(database);
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    Ok(())
}

async fn nodes(as_json: bool) -> anyhow::Result<ExitCode> {
    start_log(&Log::from_env()?, BoxMakeWriter::new(std::io::stderr))?;
    let stop = StopSignals::listen().context(CANNOT_LISTEN)?;
    let (database, embedded) = match open(&stop, join_database(&config::Database::from_env()?)).await {
        Ok(Some(opened)) => opened,
        Ok(None) => anyhow::bail!("the private PostgreSQL does not run, so no node can be alive"),
        Err(error) => return Ok(refused(DATABASE_IN_TROUBLE, error)),
    };
    let listed = unless_asked(&stop, list_nodes(&database)).await;
    leave(database, embedded).await?;
    let table = match listed {
        None => return Ok(ExitCode::from(BROKEN_OFF)),
        Some(Err(error)) => return Ok(refused(DATABASE_IN_TROUBLE, error)),
        Some(Ok(nodes)) => NodeTable::of(nodes),
    };
    put(if as_json { table.to_json() } else { table.to_string() }.as_bytes());
    Ok(if table.somebody_is_alive() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn keys(what: KeysOptions, team: Option<String>) -> anyhow::Result<ExitCode> {
    start_log(&Log::from_env()?, BoxMakeWriter::new(std::io::stderr))?;
    let command = match what {
        KeysOptions::Create { name, role, expires } => {
            KeysCommand::Create { name, role, expires_at: expires }
        }
        KeysOptions::List => KeysCommand::List,
        KeysOptions::Revoke { key } => KeysCommand::Revoke { which: key },
    };
    let makes_key = matches!(command, KeysCommand::Create { .. });
    let team = WhichTeam::from(team.as_deref());
    let work = async |database: &Database| {
        let done = outdial::keys::run(database, team, command, Clock::of_this_machine(None).now()).await?;
        if makes_key {
            say_what_is_shown("the key");
        }
        anyhow::Ok(done)
    };
    on_database(&config::Database::from_env()?, work).await
}

async fn teams(what: TeamsOptions) -> anyhow::Result<ExitCode> {
    start_log(&Log::from_env()?, BoxMakeWriter::new(std::io::stderr))?;
    let command = match what {
        TeamsOptions::Create { name } => TeamsCommand::Create { name },
        TeamsOptions::List { json } => TeamsCommand::List { json },
    };
    let makes_team = matches!(command, TeamsCommand::Create { .. });
    let work = async |database: &Database| {
        let done = run_teams(database, command, Clock::of_this_machine(None).now()).await?;
        if makes_team {
            say_what_is_shown("the key of its first admin");
        }
        anyhow::Ok(done)
    };
    on_database(&config::Database::from_env()?, work).await
}

/// Says to a person what a secret is. A script reads the secret alone.
fn say_what_is_shown(key: &str) {
    if std::io::stderr().is_terminal() {
        say(format_args!("{key}, shown this once and kept only as a hash:"));
    }
}

/// Does something on the database, whose schema is brought up to date before, and prints what came of it.
async fn on_database(
    wanted: &config::Database,
    work: impl AsyncFnOnce(&Database) -> anyhow::Result<String>,
) -> anyhow::Result<ExitCode> {
    let stop = StopSignals::listen().context(CANNOT_LISTEN)?;
    let (database, embedded) = match open(&stop, open_database(wanted)).await {
        Ok(opened) => opened,
        Err(error) => return Ok(refused(DATABASE_IN_TROUBLE, error)),
    };
    let working = async {
        match db::migrate(&database).await {
            Ok(_) => work(&database).await.map_err(|error| (status_of(&error), error)),
            Err(error) => Err((DATABASE_IN_TROUBLE, error.into())),
        }
    };
    let done = unless_asked(&stop, working).await;
    leave(database, embedded).await?;
    Ok(match done {
        None => {
            say("broken off; it may have been done all the same");
            ExitCode::from(BROKEN_OFF)
        }
        Some(Err((status, error))) => refused(status, error),
        Some(Ok(shown)) => {
            put(shown.as_bytes());
            ExitCode::SUCCESS
        }
    })
}

/// Says which variables look like ours and are none.
fn warn_of_misspelled() {
    for Misspelled { name, meant } in config::misspelled_in_env() {
        match meant {
            Some(meant) => {
                warn!("*** {name} is no variable that outdial reads: is {meant} meant? It is IGNORED. ***")
            }
            None => warn!("*** {name} is no variable that outdial reads, and it is IGNORED; see --help ***"),
        }
    }
}

/// Below these levels libraries log what they are given: names and numbers, whatever OUTDIAL_LOG says.
const SILENCED: &[&str] = &[
    "tokio_postgres=warn",
    "deadpool_postgres=warn",
    // Connections that end because the database is stopped: what matters of it is told by whoever needs one.
    "deadpool.postgres=error",
    "rlibphonenumber=info",
];

/// Logs to this writer from now on.
fn start_log(log: &Log, writer: BoxMakeWriter) -> anyhow::Result<()> {
    let mut filter = EnvFilter::try_new(&log.filter).context("cannot read OUTDIAL_LOG")?;
    for directive in SILENCED {
        filter = filter.add_directive(directive.parse().context("cannot silence a library")?);
    }
    // What cannot be written, as to a terminal that is gone, is no reason to end: said on the same terminal it would be one.
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).log_internal_errors(false);
    let started = match log.format {
        LogFormat::Text => subscriber.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))
}

/// A file for the log of the demo, whose bar has the terminal for itself.
fn log_file(path: &Path) -> anyhow::Result<BoxMakeWriter> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BoxMakeWriter::new(Arc::new(file)))
}
