//! The only reader of the environment. It turns texts into what the rest of the program needs, or names all that is
//! wrong with them at once. Whether a password is right, or a number one's own, is found out by who uses them.
#![expect(clippy::disallowed_methods, reason = "this is the one module that reads the environment")]

mod database;
mod lists;
mod misspelled;
mod operations;
mod provider;
mod reader;
mod requests;
mod secret;
mod variables;

use std::fmt;
use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

pub use self::database::{Database, Tls};
pub use self::lists::ListLimits;
pub use self::misspelled::Misspelled;
pub use self::operations::{Keep, Operations, Traces};
pub use self::provider::{Provider, TwilioAccount};
pub use self::reader::ConfigError;
use self::reader::Reader;
pub use self::requests::{RequestLimit, STREAMS_OF_A_KEY};
pub use self::secret::Secret;
pub use self::variables::Variable;
use crate::clock::Course;

/// The fastest account: beyond it a figure is more likely a slip than a contract.
const FASTEST_CPS: f64 = 1000.0;

/// The shortest token that is worth having.
const SHORTEST_TOKEN: usize = 20;

/// All that a server is told from outside.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the database is.
    pub database: Database,
    /// Where the server listens.
    pub listen: Listen,
    /// Who places the calls.
    pub provider: Provider,
    /// Calls a second that the account may start.
    pub cps: f64,
    /// The API's token, if it is not to be made.
    pub api_token: Option<Secret>,
    /// How often an API key may ask, if it may not as often as it likes.
    pub requests: Option<RequestLimit>,
    /// How many streams of events and downloads an API key may have open at a time.
    pub streams_of_a_key: usize,
    /// How much a contact list may hold.
    pub lists: ListLimits,
    /// The course of time, if it is not the present.
    pub course: Option<Course>,
    /// A directory of zone data that takes the place of what is bundled.
    pub zoneinfo: Option<PathBuf>,
    /// A directory of packs of calling rules, beside or instead of those that are shipped.
    pub rules: Option<PathBuf>,
    /// Whether events may be sent to receivers that are not public.
    pub hooks_to_private: bool,
    /// Whether viewers see telephone numbers in the dashboard with their middle hidden.
    pub mask_for_viewers: bool,
    /// What is logged, and how.
    pub log: Log,
    /// What operators ask for.
    pub operations: Operations,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// An address or a host name.
    pub host: String,
    /// A port; 0 takes any that is free.
    pub port: u16,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Directives such as `info` or `outdial=debug,actix_server=warn`.
    pub filter: String,
    /// For people or for machines.
    pub format: LogFormat,
}

/// For whom a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, an object a line.
    Json,
}

impl Config {
    /// Every variable that is read, in the order of the documentation.
    pub const VARIABLES: &[Variable] = variables::VARIABLES;

    /// Reads this process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(environment)
    }

    /// Reads an environment.
    pub fn read(environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(environment);
        let config = read_config(&mut reader);
        reader.finish(config)
    }
}

/// What campaigns are judged by, beside what stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The course of time, if it is not the present.
    pub course: Option<Course>,
    /// A directory of zone data that takes the place of what is bundled.
    pub zoneinfo: Option<PathBuf>,
    /// A directory of packs of calling rules, beside or instead of those that are shipped.
    pub rules: Option<PathBuf>,
}

impl Surroundings {
    /// Reads only these from this process's environment: for commands that need nothing else.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut reader = Reader::new(environment);
        let surroundings = read_surroundings(&mut reader);
        reader.finish(Some(surroundings))
    }
}

impl Log {
    /// Reads only what concerns the log from this process's environment: for commands that need nothing else.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_env_or("info")
    }

    /// The same, with these directives where the environment has none.
    pub fn from_env_or(unset: &str) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(environment);
        let log = read_log(&mut reader, unset);
        reader.finish(Some(log))
    }
}

impl Database {
    /// Reads only where the database is from this process's environment: for commands that need nothing else.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut reader = Reader::new(environment);
        let database = database::read(&mut reader);
        reader.finish(database)
    }
}

impl Provider {
    /// Reads only who places the calls from this process's environment: for commands that need nothing else.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut reader = Reader::new(environment);
        let provider = provider::read(&mut reader);
        reader.finish(provider)
    }
}

impl ListLimits {
    /// Reads only what concerns lists from this process's environment: for commands that need nothing else.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut reader = Reader::new(environment);
        let limits = lists::read(&mut reader);
        reader.finish(Some(limits))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Whether a server listens on all addresses only because this process's environment gives a port and no host: a platform
/// wants it so, and on one's own machine it may be a surprise.
pub fn listens_everywhere_by_port() -> bool {
    let reader = Reader::new(environment);
    reader.text("PORT").is_some() && reader.text("OUTDIAL_HOST").is_none()
}

/// outdial's data directory by this process's environment, whether or not a database is given.
pub fn data_dir_from_env() -> Result<PathBuf, ConfigError> {
    let mut reader = Reader::new(environment);
    let found = database::data_dir(&mut reader);
    reader.finish(found)
}

/// The variables of this process's environment that look like ours and that nothing reads. Those that only a command line or
/// a test reads are known as well.
pub fn misspelled_in_env() -> Vec<Misspelled> {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let known: Vec<&str> = variables::VARIABLES
        .iter()
        .map(|variable| variable.name)
        .chain(variables::READ_ELSEWHERE.iter().copied())
        .collect();
    misspelled::misspelled(names, &known)
}

/// The directories in which the shell looks for programs.
pub fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

fn environment(name: &str) -> Option<String> {
    // A text that is not Unicode is none that any variable takes: its replacement is refused in its stead.
    std::env::var_os(name).map(|text| text.to_string_lossy().into_owned())
}

/// Reads everything, whatever is found wrong on the way.
fn read_config<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<Config> {
    let database = database::read(reader);
    let listen = read_listen(reader);
    let provider = provider::read(reader);
    let cps = reader
        .parse("OUTDIAL_CPS", "a number above 0, at most 1000", |cps| *cps > 0.0 && *cps <= FASTEST_CPS)
        .unwrap_or(1.0);
    let api_token = reader.read("OUTDIAL_API_TOKEN", token);
    let requests = requests::read(reader);
    let streams_of_a_key = requests::read_streams(reader);
    let lists = lists::read(reader);
    let Surroundings { course, zoneinfo, rules } = read_surroundings(reader);
    if let (Some(_), Some(Provider::Twilio(account))) = (&course, &provider)
        && !account.is_simulated()
    {
        reader.problem("OUTDIAL_CLOCK", "is only for the simulator: real people live in the present");
    }
    let hooks_to_private = reader.read("OUTDIAL_HOOKS_TO_PRIVATE", yes_or_no).unwrap_or(false);
    let mask_for_viewers = reader.read("OUTDIAL_MASK_FOR_VIEWERS", yes_or_no).unwrap_or(false);
    let log = read_log(reader, "info");
    let operations = operations::read(reader);
    let (database, provider) = (database?, provider?);
    Some(Config {
        database,
        listen,
        provider,
        cps,
        api_token,
        requests,
        streams_of_a_key,
        lists,
        course,
        zoneinfo,
        rules,
        hooks_to_private,
        mask_for_viewers,
        log,
        operations,
    })
}

fn read_surroundings<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Surroundings {
    let course = reader.read("OUTDIAL_CLOCK", str::parse::<Course>);
    let zoneinfo = reader.text("OUTDIAL_ZONEINFO").map(PathBuf::from);
    let rules = reader.text("OUTDIAL_RULES").map(PathBuf::from);
    Surroundings { course, zoneinfo, rules }
}

/// A platform that gives a port forwards to it from another machine; on one's own only this machine may come in.
fn read_listen<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Listen {
    let port = reader.parse("PORT", "a port from 0 to 65535", |_| true);
    let unset = if port.is_some() { "0.0.0.0" } else { "127.0.0.1" };
    Listen {
        host: reader.text("OUTDIAL_HOST").unwrap_or_else(|| unset.to_owned()),
        port: port.unwrap_or(8080),
    }
}

fn read_log<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>, unset: &str) -> Log {
    let filter = reader.read("OUTDIAL_LOG", |text| {
        EnvFilter::builder().parse(text).map(|_| text.to_owned()).map_err(|error| {
            format!("expected directives such as info or outdial=debug, got {text:?}: {error}")
        })
    });
    let format = reader.read("OUTDIAL_LOG_FORMAT", |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("expected text or json, got {text:?}")),
    });
    Log { filter: filter.unwrap_or_else(|| unset.to_owned()), format: format.unwrap_or(LogFormat::Text) }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("expected yes or no, got {text:?}")),
    }
}

/// The API's token, which travels in a header.
fn token(text: &str) -> Result<Secret, String> {
    if text.len() < SHORTEST_TOKEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("expected at least {SHORTEST_TOKEN} letters, digits and signs without blanks"));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests;
