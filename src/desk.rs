//! The API in the process of a command: what `outdial campaign` and its like ask where no server is asked, so that they do the
//! same with one and without. It has the database, the clock and the rules as a server has them, and nothing of what calls
//! people: no way to the provider, no actors, no webhooks. Whoever runs campaigns is told through the database.
//!
//! It listens on this machine, at a port that happens to be free, for as long as the command lasts, and lets in nobody but the
//! command itself, by a key that is kept nowhere.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, web};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use url::Url;

use crate::app::{BuildError, SIMULATED_FROM, judge_by, limits, meters};
use crate::client::{ClientError, Server};
use crate::config::{ConfigError, ListLimits, Provider, Secret, Surroundings, TwilioAccount};
use crate::db::accounts::{KnownAccount, list_accounts};
use crate::db::{self, Database};
use crate::events::{Feed, relay_when_followed};
use crate::http::{
    Admits, Api, Board, Gate, LISTS_AT_ONCE, Line, LongAnswers, READERS, Runners, Spool, site_of_command,
};
use crate::keys::{NoTeam, Pass, WhichTeam, choose_team};

/// What a command is told by its environment, beside where the database is.
#[derive(Debug)]
pub struct Told {
    /// What campaigns are judged by.
    pub surroundings: Surroundings,
    /// How much a contact list may hold.
    pub lists: ListLimits,
    /// Who would place the calls of a server that is set up like this, or why none could be.
    pub provider: Result<Provider, ConfigError>,
}

impl Told {
    /// Reads this process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            surroundings: Surroundings::from_env()?,
            lists: ListLimits::from_env()?,
            provider: Provider::from_env(),
        })
    }
}

/// The API, as long as the command lasts.
pub struct Desk {
    url: Url,
    server: Server,
    handle: ServerHandle,
    relay: JoinHandle<()>,
    has_servers: bool,
}

/// Why a command cannot work on the database.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpen {
    /// The database failed, or its tables are those of another version.
    #[error("the database cannot be used")]
    Database(#[from] db::Error),
    /// It is not known whose things are meant.
    #[error(transparent)]
    Team(#[from] NoTeam),
    /// Zone data, rules, or the place for lists.
    #[error(transparent)]
    Parts(#[from] BuildError),
    /// This machine lets nobody listen on itself.
    #[error("cannot listen on this machine")]
    Listen(#[from] std::io::Error),
    /// Nobody can be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl CannotOpen {
    /// The process's exit status: that of whoever cannot reach a server, or finds nothing of that name.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Team(NoTeam::Several(_) | NoTeam::NotFound { .. }) => 4,
            Self::Database(_) | Self::Team(_) | Self::Parts(_) | Self::Listen(_) | Self::Client(_) => 6,
        }
    }
}

impl Desk {
    /// Opens it on a database, whose tables are brought up to date before, for a command about the things of a team.
    pub async fn open(
        database: &Database,
        told: Told,
        team: WhichTeam<'_>,
        command: String,
    ) -> Result<Self, CannotOpen> {
        let Told { surroundings, lists, provider } = told;
        db::migrate(database).await?;
        let (clock, library) = judge_by(database, surroundings).await?;
        let pass = Pass::make(choose_team(database, team).await?, command);
        let accounts = list_accounts(database).await?;
        let (line, is_simulated) = line(&accounts, &provider);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let public_url = Url::parse(&format!("http://{}/", listener.local_addr()?))
            .expect("an address that is listened on makes a URL");
        let server = Server::new(public_url.as_str(), Secret::new(pass.key()))?;
        let events = Feed::default();
        let board = Board {
            database: database.clone(),
            clock,
            library: Arc::new(library),
            meters: meters(),
            line,
            runners: Runners::Others,
        };
        let api = web::Data::new(Api {
            board,
            admits: Admits::Command(pass),
            public_url: public_url.clone(),
            is_simulated,
            limits: limits(&lists),
            spool: Spool::open(lists.spool_dir.as_deref()).map_err(BuildError::Spool)?,
            previews: lists.previews,
            turns: Semaphore::new(LISTS_AT_ONCE),
            events: events.clone(),
            readers: Semaphore::new(READERS),
            gate: Gate::new(None),
            long_answers: LongAnswers::new(usize::MAX, usize::MAX),
            mask_for_viewers: false,
            overdue: Default::default(),
        });
        let listening = HttpServer::new(move || site_of_command(api.clone()))
            .workers(1)
            .disable_signals()
            .listen(listener)?
            .run();
        let handle = listening.handle();
        tokio::task::spawn_local(listening);
        let relay = tokio::task::spawn_local(relay_when_followed(database.clone(), events));
        let has_servers = accounts.iter().any(|account| account.is_alive);
        Ok(Self { url: public_url, server, handle, relay, has_servers })
    }

    /// Whom the command asks.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Where it listens.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether there is anybody who runs campaigns.
    pub fn has_servers(&self) -> bool {
        self.has_servers
    }

    /// Closes it. What is still under way is broken off: what it has not committed by then, the database takes back.
    pub async fn close(self) {
        self.relay.abort();
        self.handle.stop(false).await;
    }
}

/// With what campaigns are started here, and whether nobody is really called then, if that is known: as the servers do that are
/// alive; where there are none, as one would that is set up like this command. Never as the simulator only because nothing was
/// said: people are called by whoever has the account, and a campaign keeps the one that it was started with.
fn line(accounts: &[KnownAccount], provider: &Result<Provider, ConfigError>) -> (Line, Option<bool>) {
    let own = match provider {
        Ok(Provider::Twilio(account)) => Some(&**account),
        Ok(Provider::Simulator) | Err(_) => None,
    };
    let living: Vec<&KnownAccount> = accounts.iter().filter(|account| account.is_alive).collect();
    match (living.as_slice(), own) {
        ([only], _) => of_servers(only, own),
        ([], Some(own)) => {
            let line =
                Line::Known { account_sid: own.account_sid.clone(), default_from: Some(own.from.clone()) };
            (line, Some(own.is_simulated()))
        }
        ([], None) => {
            let (missing, default_from) = match provider {
                Err(wrong) => (format!("the TWILIO_ variables here cannot be used ({wrong})"), None),
                Ok(_) => ("no TWILIO_ variable is set here".to_owned(), number_of_drafts(accounts)),
            };
            let remedy = "start outdial serve first, or set its variables here, too";
            let why =
                format!("no server is alive, and {missing}, so it is not known who will call; {remedy}");
            (Line::Unknown { why, default_from }, None)
        }
        (several, own) => {
            let is_own = |account: &&&KnownAccount| own.is_some_and(|own| own.account_sid == account.sid);
            if let Some(account) = several.iter().find(is_own) {
                return of_servers(account, own);
            }
            let sids: Vec<&str> = several.iter().map(|account| account.sid.as_str()).collect();
            let why = format!(
                "servers of several accounts are alive, expected one of them in TWILIO_ACCOUNT_SID and the other variables of \
                 it: {}",
                sids.join(", ")
            );
            (Line::Unknown { why, default_from: None }, None)
        }
    }
}

/// The line of an account whose servers are alive: they know whether anybody is really called. The environment may have
/// another number of it.
fn of_servers(account: &KnownAccount, own: Option<&TwilioAccount>) -> (Line, Option<bool>) {
    let own = own.filter(|own| own.account_sid == account.sid);
    let default_from = own.map(|own| own.from.clone()).or_else(|| account.default_from.clone());
    let is_simulated = account.is_simulated.or_else(|| own.map(TwilioAccount::is_simulated));
    (Line::Known { account_sid: account.sid.clone(), default_from }, is_simulated)
}

/// The number of campaigns that are made while nobody knows who will call: that of the one account that really calls, or the
/// simulator's if none ever has. Between several, nobody can choose.
fn number_of_drafts(accounts: &[KnownAccount]) -> Option<String> {
    let mut real = accounts.iter().filter(|account| account.is_simulated != Some(true));
    match (real.next(), real.next()) {
        (None, _) => Some(SIMULATED_FROM.to_owned()),
        (Some(only), None) => only.default_from.clone(),
        (Some(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::SIMULATED_ACCOUNT;
    use crate::config::Config;

    const ONE: &str = "AC11111111111111111111111111111111";
    const OTHER: &str = "AC22222222222222222222222222222222";

    fn account(sid: &str) -> Result<Provider, ConfigError> {
        let variables = [
            ("DATABASE_URL", "postgres://o@h/d"),
            ("TWILIO_ACCOUNT_SID", sid),
            ("TWILIO_AUTH_TOKEN", "secret"),
            ("TWILIO_FROM", "+12025550199"),
            ("OUTDIAL_PUBLIC_URL", "https://dialer.example.com"),
        ];
        let value = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        Config::read(value).map(|config| config.provider)
    }

    /// An account whose servers call from a number, and perhaps nobody really.
    fn said(sid: &str, number: &str, is_simulated: bool, is_alive: bool) -> KnownAccount {
        let (default_from, is_simulated) = (Some(number.to_owned()), Some(is_simulated));
        KnownAccount { sid: sid.to_owned(), default_from, is_simulated, is_alive }
    }

    /// One whose servers are of a version that said nothing.
    fn silent(sid: &str, is_alive: bool) -> KnownAccount {
        KnownAccount { sid: sid.to_owned(), default_from: None, is_simulated: None, is_alive }
    }

    const THEIRS: &str = "+12025550188";
    const OURS: &str = "+12025550199";

    #[test]
    fn campaigns_are_started_with_the_account_of_the_servers_or_of_the_environment_and_never_with_none() {
        let nothing = || Ok(Provider::Simulator);
        let (one, other) = (said(ONE, THEIRS, false, true), said(OTHER, THEIRS, false, true));
        let played = said(ONE, THEIRS, true, true);
        let ours = said(SIMULATED_ACCOUNT, SIMULATED_FROM, true, true);
        let gone = said(OTHER, THEIRS, true, false);
        for (accounts, provider, sid, number, simulated) in [
            (vec![], account(ONE), ONE, Some(OURS), Some(false)),
            (vec![gone.clone()], account(ONE), ONE, Some(OURS), Some(false)),
            (vec![one.clone(), gone], nothing(), ONE, Some(THEIRS), Some(false)),
            // A server that is alive dials a simulator of which this shell knows nothing.
            (vec![played], nothing(), ONE, Some(THEIRS), Some(true)),
            (vec![silent(ONE, true)], nothing(), ONE, None, None),
            (vec![silent(ONE, true)], account(ONE), ONE, Some(OURS), Some(false)),
            (vec![one.clone()], account(ONE), ONE, Some(OURS), Some(false)),
            // Who runs the campaigns goes before what a shell happens to have.
            (vec![one.clone()], account(OTHER), ONE, Some(THEIRS), Some(false)),
            (vec![one, other], account(OTHER), OTHER, Some(OURS), Some(false)),
            (vec![ours.clone()], nothing(), SIMULATED_ACCOUNT, Some(SIMULATED_FROM), Some(true)),
            (vec![ours], account(ONE), SIMULATED_ACCOUNT, Some(SIMULATED_FROM), Some(true)),
        ] {
            let (line, is_simulated) = line(&accounts, &provider);
            let Line::Known { account_sid, default_from } = line else { panic!("{line:?} of {accounts:?}") };
            assert_eq!(
                (&*account_sid, default_from.as_deref(), is_simulated),
                (sid, number, simulated),
                "{accounts:?}"
            );
        }
    }

    #[test]
    fn where_it_is_not_known_who_will_call_it_is_said_what_to_do_and_a_draft_has_a_number_if_there_is_one() {
        let both = [said(ONE, THEIRS, false, true), said(OTHER, THEIRS, false, true)];
        let gone = [said(ONE, THEIRS, false, false)];
        let played = [said(ONE, THEIRS, true, false), said(OTHER, OURS, false, false)];
        let (none, bad) = ("no server is alive, and no TWILIO_ variable is set here", account("AC1"));
        for (accounts, provider, expected, number) in [
            (&[][..], Ok(Provider::Simulator), none, Some(SIMULATED_FROM)),
            (&[silent(ONE, false)], Ok(Provider::Simulator), none, None),
            (&gone, Ok(Provider::Simulator), none, Some(THEIRS)),
            (&played, Ok(Provider::Simulator), none, Some(OURS)),
            (&played[..1], Ok(Provider::Simulator), none, Some(SIMULATED_FROM)),
            (
                &both.clone().map(|account| KnownAccount { is_alive: false, ..account }),
                Ok(Provider::Simulator),
                none,
                None,
            ),
            (&[], bad, "the TWILIO_ variables here cannot be used", None),
            (&both, Ok(Provider::Simulator), "servers of several accounts are alive", None),
        ] {
            let (line, is_simulated) = line(accounts, &provider);
            let Line::Unknown { why, default_from } = line else { panic!("{line:?}") };
            assert!(why.contains(expected), "{why}");
            assert_eq!((default_from.as_deref(), is_simulated), (number, None), "{accounts:?}");
        }
    }
}
