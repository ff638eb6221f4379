//! The command line: reads what was typed, sets up what a process needs once, and hands over.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{CommandFactory, Parser};
use outdial::app::{
    App, join_database, judge_by, limits, open_database, reopen_database, whole_calls_per_second,
};
use outdial::cli::stop::{asked_to_stop, stdin_closed};
use outdial::cli::{
    Cli, Command, DemoOptions, ImportOptions, KeysOptions, ServerOptions, SimulateOptions, TeamsOptions,
};
use outdial::client::{self, CampaignCommand, ClientError, Desk, Server, Shown};
use outdial::clock::Clock;
use outdial::config::{self, Config, ListLimits, Log, LogFormat, Misspelled, Secret, Surroundings};
use outdial::db::{self, Database, nodes::list_nodes};
use outdial::demo::{ContactList, Demo};
use outdial::embedded::Embedded;
use outdial::keys::{CannotDo, KeysCommand, NoTeam, TeamsCommand, WhichTeam, run_teams};
use outdial::list_command;
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
        Command::Nodes => nodes().await,
        Command::Keys { what, team } => keys(what, team).await,
        Command::Teams { what } => teams(what).await,
        Command::Campaign { what, server, database } if database.are_meant(&server) => {
            without_server(what.into(), database.team, server.json).await
        }
        Command::Campaign { what, server, database: _ } => {
            ask(&server, async |asked: &Server| client::campaign(asked, what.into()).await).await
        }
        Command::Contacts { which, server } => {
            ask(&server, async |asked: &Server| client::contacts(asked, which.into()).await).await
        }
        Command::Suppress { who, server } => {
            ask(&server, async |asked: &Server| client::suppress(asked, who.into()).await).await
        }
        Command::Agents { what, server } => {
            ask(&server, async |asked: &Server| client::agents(asked, what.into()).await).await
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "outdial", &mut std::io::stdout());
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
    if config::listens_everywhere_by_port() {
        let port = config.listen.port;
        warn!(
            "*** PORT is set and OUTDIAL_HOST is not, so that port {port} is open on ALL addresses of this machine, as platforms \
             want it; OUTDIAL_HOST=127.0.0.1 lets in only who is on this machine ***"
        );
    }
    let app = App::build(config).await?;
    if let Some(key) = app.first_key() {
        // Whoever closed the standard output cannot be told, and gets in by OUTDIAL_API_TOKEN.
        let _ =
            writeln!(std::io::stdout(), "The API key, shown this once and kept only as a hash:\n\n  {key}\n");
    }
    app.run_until_stopped().await?;
    Ok(ExitCode::SUCCESS)
}

async fn migrate_database() -> anyhow::Result<ExitCode> {
    let config = Config::from_env()?;
    start_log(&config.log, BoxMakeWriter::new(std::io::stderr))?;
    let (database, embedded) = open_database(&config.database).await?;
    let applied = db::migrate(&database).await?;
    drop(database);
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    println!("{applied} migrations applied, the tables are up to date");
    Ok(ExitCode::SUCCESS)
}

async fn simulate(options: SimulateOptions) -> anyhow::Result<ExitCode> {
    start_log(&Log::from_env()?, BoxMakeWriter::new(std::io::stderr))?;
    let until_stdin_closes = options.until_stdin_closes;
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
        asked = asked_to_stop() => asked?,
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
    // Until the server runs, which takes care of it, a Ctrl-C only has to leave nothing running behind.
    let demo = tokio::select! {
        demo = Demo::prepare(&data_dir, options.speed, Log::from_env()?) => demo?,
        asked = asked_to_stop() => return asked.map(|()| ExitCode::FAILURE).context("cannot watch for Ctrl-C"),
    };
    start_log(&demo.config().log, log_file(&data_dir.join("outdial.log"))?)?;
    let played = play(&demo, list, &options).await;
    let ended = demo.end().await;
    let code = played?;
    ended?;
    Ok(code)
}

async fn play(demo: &Demo, list: ContactList, options: &DemoOptions) -> anyhow::Result<ExitCode> {
    let app = App::build(demo.config()).await?;
    let url = app.url().to_string();
    eprintln!("Calling {} from {url}, {} times as fast as life.\n", list.name, options.speed);
    let report = tokio::select! {
        report = demo.play(&url, list) => report?,
        stopped = app.run_until_stopped() => {
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
    let ImportOptions { file, settings, campaign, server, .. } = options;
    let table = match &campaign {
        None => list_command::check(&file, &settings, &limits(&ListLimits::from_env()?)),
        Some(campaign) => {
            let asked = match Server::new(server.url(), Secret::new(server.key.clone())) {
                Ok(asked) => client::find_campaign(&asked, campaign).await.map(|id| (asked, id)),
                Err(error) => Err(error),
            };
            match asked {
                Ok((asked, id)) => list_command::send(&file, &settings, &asked, id).await,
                Err(error) => return Ok(refused(error.exit_status(), error)),
            }
        }
    };
    let table = match table {
        Ok(table) => table,
        Err(error) => {
            let status = error.exit_status();
            return Ok(refused(status, anyhow::Error::from(error).context(file.display().to_string())));
        }
    };
    match server.json {
        true => println!("{}", table.report()),
        false => print!("{table}"),
    }
    Ok(if table.has_contacts() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says why something was not done, by a sentence and by the exit status.
fn refused(status: u8, error: impl Into<anyhow::Error>) -> ExitCode {
    eprintln!("outdial: {:#}", error.into());
    ExitCode::from(status)
}

/// Asks a server for something, and shows what it answers. What it refuses is told by the exit status as well.
async fn ask(
    options: &ServerOptions,
    asked: impl AsyncFnOnce(&Server) -> Result<Shown, ClientError>,
) -> anyhow::Result<ExitCode> {
    let answered = match Server::new(options.url(), Secret::new(options.key.clone())) {
        Ok(server) => asked(&server).await,
        Err(error) => Err(error),
    };
    Ok(show(answered, options.json))
}

/// Shows what came of a command, to a person or to a program.
fn show(answered: Result<Shown, ClientError>, as_json: bool) -> ExitCode {
    let shown = match answered {
        Ok(shown) => shown,
        Err(error) => return refused(error.exit_status(), error),
    };
    let text = if as_json { format!("{}\n", shown.json) } else { shown.text };
    // Whoever reads only the beginning, as head does, has what it wanted.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(shown.exit_status)
}

/// Does something with campaigns on the database itself.
async fn without_server(
    command: CampaignCommand,
    team: Option<String>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    start_log(&Log::from_env_or("warn")?, BoxMakeWriter::new(std::io::stderr))?;
    let (database, embedded) = match reopen_database(&config::Database::from_env()?).await {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(show(Err(ClientError::NoDatabase), as_json)),
        Err(error) => return Ok(refused(DATABASE_IN_TROUBLE, error)),
    };
    let answered = match sit_down(&database, team).await {
        Ok(desk) => client::campaign_without_server(&desk, command).await,
        Err(error) => {
            leave(database, embedded).await?;
            return Ok(refused(DATABASE_IN_TROUBLE, error));
        }
    };
    leave(database, embedded).await?;
    Ok(show(answered, as_json))
}

/// The exit status of whoever cannot reach the database: that of whoever cannot reach a server.
const DATABASE_IN_TROUBLE: u8 = 6;

async fn sit_down(database: &Database, team: Option<String>) -> anyhow::Result<Desk> {
    db::migrate(database).await?;
    let (clock, library) = judge_by(database, Surroundings::from_env()?).await?;
    let (database, dials_simulator) = (database.clone(), config::dials_simulator());
    Ok(Desk { database, clock, library, dials_simulator, team })
}

/// Lets go of the database, and stops the private PostgreSQL if nobody else uses it.
async fn leave(database: Database, embedded: Option<Embedded>) -> anyhow::Result<()> {
    drop(database);
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    Ok(())
}

async fn nodes() -> anyhow::Result<ExitCode> {
    start_log(&Log::from_env()?, BoxMakeWriter::new(std::io::stderr))?;
    let wanted = config::Database::from_env()?;
    let Some((database, embedded)) = join_database(&wanted).await? else {
        anyhow::bail!("the private PostgreSQL does not run, so no node can be alive");
    };
    let listed = list_nodes(&database).await.context("cannot list the nodes");
    drop(database);
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    let table = NodeTable::of(listed?);
    print!("{table}");
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
    let team = WhichTeam::from(team.as_deref());
    on_database(async |database: &Database, now| Ok(outdial::keys::run(database, team, command, now).await?))
        .await
}

async fn teams(what: TeamsOptions) -> anyhow::Result<ExitCode> {
    start_log(&Log::from_env()?, BoxMakeWriter::new(std::io::stderr))?;
    let command = match what {
        TeamsOptions::Create { name } => TeamsCommand::Create { name },
        TeamsOptions::List { json } => TeamsCommand::List { json },
    };
    on_database(async |database: &Database, now| Ok(run_teams(database, command, now).await?)).await
}

/// Does something on the database, whose tables are brought up to date before, and prints what came of it.
async fn on_database(
    work: impl AsyncFnOnce(&Database, DateTime<Utc>) -> anyhow::Result<String>,
) -> anyhow::Result<ExitCode> {
    let (database, embedded) = open_database(&config::Database::from_env()?).await?;
    let done = match db::migrate(&database).await {
        Ok(_) => work(&database, Clock::of_this_machine(None).now()).await,
        Err(error) => Err(error.into()),
    };
    leave(database, embedded).await?;
    print!("{}", done?);
    Ok(ExitCode::SUCCESS)
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
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let started = match log.format {
        LogFormat::Text => {
            subscriber.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init()
        }
        LogFormat::Json => subscriber.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))
}

/// A file for the log of the demo, whose bar has the terminal for itself.
fn log_file(path: &Path) -> anyhow::Result<BoxMakeWriter> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BoxMakeWriter::new(Arc::new(file)))
}
