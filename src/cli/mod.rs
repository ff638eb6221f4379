//! The command line: what may be typed and what the help says. What the commands do is done elsewhere.

mod client;
pub mod stop;

use std::fmt::Write;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::clock::Course;
use crate::config::Config;
use crate::domain::access::Role;

pub use client::{
    AgentsOptions, CampaignOptions, ContactsOptions, DatabaseOptions, ExpectsCalls, ServerOptions,
    SuppressOptions, Typed,
};

/// The account that the simulator stands for unless told otherwise.
const SIMULATED_ACCOUNT: &str = "AC00000000000000000000000000000000";

/// What was typed.
#[derive(Debug, Parser)]
#[command(name = "outdial", version, about, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  outdial demo                          call sixty made-up people on the simulator, in about a minute
  outdial serve                         run the server; without TWILIO_ variables it dials the simulator
  DATABASE_URL=postgres://… outdial migrate
  outdial simulate --port 4010          stand in for Twilio on this machine
  outdial import list.xlsx --check      see what would become of a contact list
  outdial nodes                         see which servers work on the database
  outdial keys create reports --role viewer
  outdial teams create \"the night shift\"
  outdial campaign create list.csv --name Reminders --say \"Hello {{name}}\" --start
  outdial campaign watch Reminders

`outdial serve --help` lists the environment variables.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server: the API, the webhooks and the dialing
    ///
    /// It is set up by environment variables only. Without DATABASE_URL it runs a private PostgreSQL of its own;
    /// without any TWILIO_ variable it dials a simulator, and says so. Ctrl-C, SIGTERM or the end of its terminal ends
    /// it: no new call is started, and what Twilio still says about open calls is found again at the next start.
    #[command(verbatim_doc_comment, after_help = environment())]
    Serve,
    /// Bring the database's tables up to date, and end
    ///
    /// `outdial serve` does the same at its start, if its role owns the tables. It is a command of its own for
    /// platforms that want a release step, and for servers whose role may not change tables: docs/roles.sql has such
    /// roles. Several that run at once wait for each other.
    #[command(verbatim_doc_comment, after_help = "`outdial serve --help` lists the environment variables.")]
    Migrate,
    /// Stand in for Twilio on this machine: nobody is really called
    ///
    /// Answers the calls API as Twilio does, plays the called people, and posts signed webhooks. It prints the
    /// variables with which `outdial serve` dials it. Ctrl-C or SIGTERM ends it.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Examples:
  outdial simulate --seed 7                       the same people do the same each time
  outdial simulate --scenario busy-morning.json   who answers, how often, and for how long
  outdial simulate --clock 2026-03-02T14:00:00Z@2026-11-21T02:00:00Z*60"
    )]
    Simulate(SimulateOptions),
    /// Watch a contact list being called, on the simulator
    ///
    /// Runs a private PostgreSQL, a simulator and a server, uploads the list through the API, starts the campaign and
    /// shows how it goes. Its clock starts on a working morning and runs fast. Nobody is really called, whatever the
    /// environment says, and nothing of it touches the data of `outdial serve`.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Examples:
  outdial demo
  outdial demo --contacts my-list.csv --speed 120"
    )]
    Demo(DemoOptions),
    /// Read a contact list: to see what would become of it, or to add it to a campaign
    ///
    /// With --check nothing is stored: it shows which column is which, how many rows are contacts, and why the others are
    /// not. With --campaign it is added to a campaign, of a running server or straight on the database.
    #[command(
        verbatim_doc_comment,
        after_help = client::EXIT_STATUSES,
        after_long_help = format!("\
Examples:
  outdial import list.xlsx --check
  outdial import list.csv --check --settings '{{\"default_region\":\"GB\",\"columns\":{{\"phone\":\"Work\"}}}}'
  outdial import more.csv --campaign Reminders

{}", client::EXIT_STATUSES)
    )]
    Import(ImportOptions),
    /// Show who works on the database: every outdial serve of the last day
    ///
    /// Asks the database and no server, so it tells also when none answers. Set up as `outdial serve` is: by DATABASE_URL,
    /// or else it looks into the private PostgreSQL if that runs. It fails if no node is alive.
    #[command(verbatim_doc_comment, after_help = "`outdial serve --help` lists the environment variables.")]
    Nodes {
        /// Print JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Make, watch and command campaigns, on a running server or straight on the database
    ///
    /// The server and the key are said by OUTDIAL_URL and OUTDIAL_KEY. With neither of them, or with --database, no server is
    /// asked: the same is done on the database itself, which is found as `outdial serve` finds it. Nobody is called by that:
    /// what is started, the servers call as soon as one runs. Wherever a campaign is named, its name or its id will do.
    #[command(verbatim_doc_comment, after_help = client::EXIT_STATUSES, after_long_help = format!("\
Examples:
  outdial campaign create list.csv --name Reminders --say \"Hello {{{{name}}}}\"
  outdial campaign start Reminders --limit 50
  outdial campaign watch Reminders
  outdial campaign export Reminders --output reached.xlsx
  outdial campaign duplicate Reminders --outcome no-answer,busy --name \"Reminders again\"

{}", client::EXIT_STATUSES))]
    Campaign {
        /// What is to be done
        #[command(subcommand)]
        what: CampaignOptions,
        /// Which server
        #[command(flatten)]
        server: ServerOptions,
        /// Or none
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Show the contacts of a campaign
    #[command(after_help = client::EXIT_STATUSES)]
    Contacts {
        /// Whose, and which
        #[command(flatten)]
        which: ContactsOptions,
        /// Which server
        #[command(flatten)]
        server: ServerOptions,
        /// Or none
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Say who must not be called
    #[command(after_help = client::EXIT_STATUSES)]
    Suppress {
        /// Who
        #[command(flatten)]
        who: SuppressOptions,
        /// Which server
        #[command(flatten)]
        server: ServerOptions,
        /// Or none
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Show, make and delete agents
    #[command(after_help = client::EXIT_STATUSES)]
    Agents {
        /// What is to be done
        #[command(subcommand)]
        what: AgentsOptions,
        /// Which server
        #[command(flatten)]
        server: ServerOptions,
        /// Or none
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Print what lets a shell complete these commands
    #[command(after_help = "Example:\n  outdial completions bash > /etc/bash_completion.d/outdial")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Make, show and revoke API keys, straight on the database
    ///
    /// Set up as `outdial serve` is: by DATABASE_URL, or else it starts the private PostgreSQL if that does not run. Admins
    /// can do the same through the API; this is for whoever has no key any more, and for scripts that set a server up.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Examples:
  outdial keys create \"the night shift\" --role operator
  outdial keys create reports --role viewer --expires 2027-01-01T00:00:00Z
  outdial keys list
  outdial keys revoke od_3fK2a"
    )]
    Keys {
        /// What is to be done
        #[command(subcommand)]
        what: KeysOptions,
        /// Whose keys, by the team's name or id, if there are several teams
        #[arg(long, global = true, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Make and show teams, straight on the database
    ///
    /// A team sees nothing of another: its campaigns, keys, agents and lists are its own. Set up as `outdial serve` is: by
    /// DATABASE_URL, or else it starts the private PostgreSQL if that does not run.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Examples:
  outdial teams create \"the night shift\"      prints the key of its first admin, this once
  outdial keys create reports --role viewer --team \"the night shift\"
  outdial teams list"
    )]
    Teams {
        /// What is to be done
        #[command(subcommand)]
        what: TeamsOptions,
    },
}

/// What is to be done about teams.
#[derive(Debug, Clone, Subcommand)]
pub enum TeamsOptions {
    /// Make a team, and print the key of its first admin: it is shown this once
    Create {
        /// What people call it
        name: String,
    },
    /// Show all teams
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// What is to be done about keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysOptions {
    /// Make a key, and print it: it is shown this once
    Create {
        /// What people call it
        name: String,
        /// What it is for: a viewer sees, an operator calls people, an admin deletes and lets others in
        #[arg(long, value_parser = role)]
        role: Role,
        /// Until when it is good, such as 2027-01-01T00:00:00Z; for ever if it is not said
        #[arg(long, value_name = "INSTANT", value_parser = instant)]
        expires: Option<DateTime<Utc>>,
    },
    /// Show all keys, without their secrets
    List,
    /// Let nobody in with a key any more
    Revoke {
        /// The key's id, or its first characters
        key: String,
    },
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    text.parse().map_err(|_| "expected an instant such as 2027-01-01T00:00:00Z".to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).map_err(|unknown| unknown.to_string())
}

/// Which list, and what becomes of it.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["check", "campaign"]))]
pub struct ImportOptions {
    /// The list: CSV, TXT, JSON, XLSX, XLSB, XLS or ODS
    pub file: PathBuf,
    /// Show what would become of it, and store nothing
    #[arg(long)]
    pub check: bool,
    /// Add its contacts to this campaign, by its name or id
    #[arg(long, value_name = "CAMPAIGN")]
    pub campaign: Option<String>,
    /// What there is to say about it, as JSON: default_region, countries, columns, sheet
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub settings: String,
    /// The server to send it to
    #[command(flatten)]
    pub server: ServerOptions,
    /// Or none
    #[command(flatten)]
    pub database: DatabaseOptions,
}

/// How the simulator is set up.
#[derive(Debug, Clone, Args)]
pub struct SimulateOptions {
    /// The port to listen on, on this machine only; 0 takes any that is free
    #[arg(long, default_value_t = 4010)]
    pub port: u16,
    /// The account that it stands for
    #[arg(long, value_name = "SID", default_value = SIMULATED_ACCOUNT)]
    pub account_sid: String,
    /// The account's token: requests need it, webhooks are signed with it
    #[arg(long, value_name = "TOKEN", default_value = "simulated")]
    pub auth_token: String,
    /// Calls a second that the account may start; more are queued, as Twilio does
    #[arg(long, value_name = "N", default_value = "1", value_parser = cps)]
    pub cps: f64,
    /// Where chance begins: the same seed, the same people
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// What people do: shares of outcomes, ring and talk times, numbers
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// A course of time, START@ANCHOR*SPEED, if it is not the present
    #[arg(long, value_name = "COURSE")]
    pub clock: Option<Course>,
    /// End also when the standard input ends, as it does when the process that started this one dies
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
}

impl SimulateOptions {
    /// The variables with which `outdial serve` dials the simulator at this address, a line each, for a shell.
    pub fn variables(&self, url: &str) -> String {
        let Self { account_sid, auth_token, cps, .. } = self;
        let mut text = format!(
            "export {URL_VARIABLE}={url}\n\
             export TWILIO_ACCOUNT_SID={account_sid}\n\
             export TWILIO_AUTH_TOKEN={auth_token}\n\
             export TWILIO_FROM=+15005550006\n\
             export OUTDIAL_PUBLIC_URL=http://127.0.0.1:8080\n\
             export OUTDIAL_CPS={cps}\n"
        );
        if let Some(course) = &self.clock {
            // It stands in quotes because a shell would take its star for a pattern.
            let _ = writeln!(text, "export OUTDIAL_CLOCK='{course}'");
        }
        text
    }

    /// The simulator's address in what [`SimulateOptions::variables`] wrote.
    pub fn url_in(line: &str) -> Option<&str> {
        line.strip_prefix("export ")?.strip_prefix(URL_VARIABLE)?.strip_prefix('=')
    }
}

const URL_VARIABLE: &str = "OUTDIAL_TWILIO_URL";

/// How the demo goes.
#[derive(Debug, Clone, Args)]
pub struct DemoOptions {
    /// The list to call: CSV, XLSX, XLS or TXT; else sixty made-up people
    #[arg(long, value_name = "FILE")]
    pub contacts: Option<PathBuf>,
    /// How many times faster than real time it goes
    #[arg(long, value_name = "TIMES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub speed: u32,
}

fn cps(text: &str) -> Result<f64, String> {
    let cps = text.parse().ok().filter(|cps| *cps > 0.0 && *cps <= 1000.0);
    cps.ok_or_else(|| "expected a number above 0, at most 1000".to_owned())
}

fn server(text: &str) -> Result<String, String> {
    let is_web = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.has_host();
    match Url::parse(text) {
        Ok(url) if is_web(&url) => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err("expected the server's address, such as http://127.0.0.1:8080".to_owned()),
    }
}

/// The table of the environment, made from the list that the reader of the environment is held to.
fn environment() -> String {
    let widest = Config::VARIABLES.iter().map(|variable| variable.name.len()).max().unwrap_or(0);
    let mut text = "Environment:\n".to_owned();
    for variable in Config::VARIABLES {
        let _ = writeln!(text, "  {:widest$}  {}", variable.name, variable.meaning);
        if !variable.default.is_empty() {
            let _ = writeln!(text, "  {:widest$}  [default: {}]", "", variable.default);
        }
    }
    text.push_str(
        "\nExamples:\n  outdial serve\n  PORT=5000 DATABASE_URL='postgres://…?sslmode=require' outdial serve",
    );
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.command)
    }

    fn simulate(line: &str) -> SimulateOptions {
        match parse(line).unwrap() {
            Command::Simulate(options) => options,
            other => panic!("{other:?} is not simulate"),
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_serve_lists_every_variable() {
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("serve").unwrap().render_long_help().to_string();
        for variable in Config::VARIABLES {
            assert!(help.contains(variable.name), "{} is missing in\n{help}", variable.name);
        }
    }

    #[test]
    fn what_the_simulator_prints_sets_up_a_server_that_dials_it() {
        let course = "2026-03-02T14:00:00Z@2026-11-21T02:00:00Z*60";
        let printed = simulate(&format!("outdial simulate --cps 5 --clock {course}"))
            .variables("http://127.0.0.1:4010");
        let config = Config::read(|name| {
            printed.lines().find_map(|line| {
                let (found, value) = line.strip_prefix("export ")?.split_once('=')?;
                (found == name).then(|| value.trim_matches('\'').to_owned())
            })
        })
        .unwrap();
        assert!(
            matches!(config.provider, crate::config::Provider::Twilio(account) if account.is_simulated())
        );
        assert_eq!(config.cps, 5.0);
        assert_eq!(config.course.unwrap().to_string(), course);
        let url = printed.lines().find_map(SimulateOptions::url_in);
        assert_eq!(url, Some("http://127.0.0.1:4010"));
    }

    #[test]
    fn without_key_and_server_it_is_the_database_that_is_meant() {
        // Whoever runs the tests may have a server of his own.
        let asks_no_server = |url: Option<&str>, key: &str, rest: &str| {
            let Command::Campaign { mut server, database, .. } =
                parse(&format!("outdial campaign list {rest}")).unwrap()
            else {
                panic!("it is no campaign")
            };
            (server.url, server.key) = (url.map(str::to_owned), key.to_owned());
            database.are_meant(&server).map_err(|refused| refused.exit_status())
        };
        assert_eq!(asks_no_server(None, "", ""), Ok(true));
        assert_eq!(asks_no_server(None, "", "--team night"), Ok(true));
        assert_eq!(asks_no_server(None, "od_key", ""), Ok(false));
        assert_eq!(asks_no_server(Some("http://a"), "", ""), Ok(false));
        assert_eq!(asks_no_server(Some("http://a"), "od_key", "--database"), Ok(true));
        assert_eq!(asks_no_server(Some("http://a"), "od_key", "--database --team night"), Ok(true));
        // Another team's things on another database than the one that was named would be a surprise.
        assert_eq!(asks_no_server(Some("http://a"), "", "--team night"), Err(2));
        assert_eq!(asks_no_server(None, "od_key", "--team night"), Err(2));
    }

    #[test]
    fn slips_are_refused() {
        for slip in [
            "outdial",
            "outdial dial",
            "outdial simulate --cps 0",
            "outdial simulate --clock noon",
            "outdial demo --speed 0",
            "outdial serve --port 80",
            "outdial import list.csv",
            "outdial import --check",
            "outdial import list.csv --check --campaign a",
            "outdial teams create",
            "outdial import list.csv --check --url banana",
            "outdial import list.csv --check --url localhost:8080",
            "outdial campaign create list.csv",
            "outdial campaign create list.csv --name a --settings 7",
            "outdial campaign start a --limit 0",
            "outdial campaign list --state asleep",
            "outdial campaign retry a",
            "outdial campaign delete a",
            "outdial campaign export a --output a.xls",
            "outdial suppress",
            "outdial suppress --list +12025550101",
            "outdial contacts a --outcome dead",
        ] {
            assert!(parse(slip).is_err(), "{slip}");
        }
        let error = parse("outdial import list.csv --check --url banana").unwrap_err().to_string();
        assert!(error.contains("expected the server's address, such as http://127.0.0.1:8080"), "{error}");
        for (slip, expected) in [
            ("outdial campaign start a --limit abc", "expected contacts from 1 to"),
            ("outdial contacts a --limit abc", "expected a number from 1 on"),
            ("outdial agents create {name}", "expected a JSON object such as"),
            ("outdial keys create a --role viewer --expires tomorrow", "expected an instant such as 2027"),
        ] {
            let error = parse(slip).unwrap_err().to_string();
            assert!(error.contains(expected), "{slip}: {error}");
        }
        assert!(matches!(parse("outdial demo").unwrap(), Command::Demo(options) if options.speed == 60));
    }

    #[test]
    fn whoever_wants_people_called_is_told_if_nobody_can() {
        use ExpectsCalls::{Afterwards, Meanwhile, Never};
        for (line, expects_calls) in [
            ("outdial campaign create list.csv --name a --say Hi --start", Afterwards),
            ("outdial campaign create list.csv --name a --say Hi", Never),
            ("outdial campaign start a", Afterwards),
            ("outdial campaign start a --dry-run", Never),
            ("outdial campaign resume a", Afterwards),
            ("outdial campaign retry a --outcome busy", Afterwards),
            ("outdial campaign watch a", Meanwhile),
            ("outdial campaign duplicate a", Never),
            ("outdial campaign pause a", Never),
        ] {
            let Command::Campaign { what, .. } = parse(line).unwrap() else { panic!("{line}") };
            assert_eq!(what.typed().expects_calls, expects_calls, "{line}");
        }
    }
}
