//! Puts the parts together: the database, the clock, the provider, the actors and the HTTP server.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use actix_web::dev::{Server, ServerHandle};
use actix_web::{HttpServer, web};
use chrono::{NaiveDate, TimeDelta};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};
use url::Url;
use uuid::Uuid;

use crate::actors::{
    Delivery, DispenserActor, InboxActor, Lease, Leaving, Pace, Placing, Retire, SupervisorActor,
    Switchboard, TakenBack, speech::Speeches,
};
use crate::clock::{Clock, Deadline, Stopwatch};
use crate::config::{self, Config, ListLimits, Provider, RequestLimit, Secret, TwilioAccount};
use crate::dashboard;
use crate::db::accounts::OwnAccount;
use crate::db::words::Word;
use crate::db::{self, Database};
use crate::domain::hook::receiver::Reach;
use crate::domain::zone::Database as ZoneDatabase;
use crate::embedded::{Embedded, EmbeddedError};
use crate::events::{Feed, relay};
use crate::hooks::{Ground, Hooks};
use crate::http::{
    Admits, Api, Board, Gate, HEAD_WITHIN, HooksDesk, KeyLimit, LISTS_AT_ONCE, Line, LongAnswers, READERS,
    Runners, Spool, Station, most_connections, site,
};
use crate::import::Limits;
use crate::keys::ensure_access;
use crate::receivers::{BadPoster, Poster};
use crate::rules::{Approved, BadPack, Library};
use crate::simulator::{self, Scenario, Simulator, SimulatorConfig};
use crate::telemetry::{BadCollector, Collector, Meters, Tracer, start_exporter};
use crate::twilio::callbacks::CallbackUrls;
use crate::twilio::client::{AccountStatus, BadClient, Client, ClientConfig, ReadError};
use crate::zone_files::{self, ZoneFilesError};

/// The database's name in a private PostgreSQL.
const DATABASE: &str = "outdial";

/// The account and the number of the program's own simulator. Twilio's test credentials know the number, too.
pub const SIMULATED_ACCOUNT: &str = "AC00000000000000000000000000000000";
pub(crate) const SIMULATED_FROM: &str = "+15005550006";

/// Threads that serve HTTP. The actors have one of their own.
const HTTP_WORKERS: usize = 2;

/// How long a graceful stop waits for calls that are being placed: for the answers, and until they are written.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// How long it waits then for requests that are being answered. Idle connections would be waited for as well.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// How long it waits at last for the collector of traces.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// How often the private PostgreSQL is looked after.
const LOOK_AFTER_DATABASE: Duration = Duration::from_secs(2);

/// How often what was measured is put into its buckets.
const TIDY_UP_FIGURES: Duration = Duration::from_secs(5);

/// How often it is seen whether the parts are alive that nothing could bring back.
const LOOK_AFTER_PARTS: Duration = Duration::from_secs(1);

/// A running outdial.
pub struct App {
    url: Url,
    server: Server,
    board: Switchboard,
    supervisor: Addr<SupervisorActor>,
    inbox: Addr<InboxActor>,
    dispenser: Addr<DispenserActor>,
    relay: JoinHandle<()>,
    hooks: Hooks,
    first_key: Option<String>,
    embedded: Option<Embedded>,
}

/// Why outdial could not start, or not go on.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The private PostgreSQL could not be started.
    #[error("the private PostgreSQL could not be started")]
    Embedded(#[from] EmbeddedError),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Database(#[from] db::Error),
    /// The zone data that was asked for cannot be used.
    #[error("OUTDIAL_ZONEINFO cannot be used")]
    Zones(#[from] ZoneFilesError),
    /// A pack of rules cannot be gone by.
    #[error("the packs of calling rules cannot be used")]
    Rules(#[from] BadPack),
    /// Lists cannot be kept on the disk.
    #[error(
        "no file can be made in the directory that OUTDIAL_SPOOL_DIR names, or else in the system's temporary one"
    )]
    Spool(#[source] std::io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server could not be started.
    #[error("the server could not be started")]
    Server(#[from] std::io::Error),
    /// The program's own simulator could not be started.
    #[error("the simulator could not be started")]
    Simulator(#[from] simulator::Error),
    /// The provider's client could not be made.
    #[error("the provider's client could not be made")]
    Client(#[from] BadClient),
    /// Events cannot be sent.
    #[error("the client that sends events to hooks could not be made")]
    Poster(#[from] BadPoster),
    /// The provider does not know the account, or not with this secret.
    #[error("the provider refuses the account {account}; check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")]
    Refused {
        /// The account.
        account: String,
        /// What the provider said.
        source: ReadError,
    },
    /// Nothing can be sent to the collector of traces.
    #[error("the collector of traces cannot be used")]
    Collector(#[from] BadCollector),
    /// A part that nothing in the program could bring back.
    #[error("the {0} has died; start the program again")]
    PartLost(&'static str),
    /// The provider has stopped the account.
    #[error("the account {account} is {status} at the provider; nothing can be called with it")]
    NotActive {
        /// The account.
        account: String,
        /// How it stands.
        status: &'static str,
    },
}

/// The provider as the parts need it.
struct Connected {
    client: Client,
    account: TwilioAccount,
    is_simulated: bool,
}

impl App {
    /// Builds everything and begins to work. With port 0, [`App::url`] tells where.
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let (database, embedded) = open_database(&config.database).await?;
        Self::build_on(config, database, embedded, Delivery::default()).await
    }

    /// [`App::build`] on a database that is open already, with a choice of how callbacks are grouped.
    pub async fn build_on(
        config: Config,
        database: Database,
        embedded: Option<Embedded>,
        delivery: Delivery,
    ) -> Result<Self, BuildError> {
        let clock = Clock::to_be_set(config.course.clone());
        choose_zones(config.zoneinfo.as_deref(), clock.now().date_naive())?;
        let library = Arc::new(choose_rules(config.rules.as_deref())?);
        let spool = Spool::open(config.lists.spool_dir.as_deref()).map_err(BuildError::Spool)?;
        let applied = db::migrate(&database).await?;
        info!(applied, "the schema is up to date");
        let address = config.listen.to_string();
        let unusable = |source| BuildError::Listen { address: address.clone(), source };
        let listener = TcpListener::bind(&address).map_err(unusable)?;
        let port = listener.local_addr().map_err(unusable)?.port();
        let url = local_url(&config.listen.host, port);
        let line = connect(&config, &url, &clock).await?;
        let first_key = ensure_access(&database, config.api_token.as_ref().map(Secret::expose)).await?;
        let own = OwnAccount {
            sid: &line.account.account_sid,
            default_from: &line.account.from,
            is_simulated: line.is_simulated,
        };
        db::accounts::ensure(&database, own).await?;
        let (node, meters) = (Uuid::now_v7(), meters());
        let reach = if config.hooks_to_private { Reach::Anywhere } else { Reach::Public };
        let board = Switchboard {
            database: database.clone(),
            clock: clock.clone(),
            client: line.client,
            poster: Poster::new(reach)?,
            urls: CallbackUrls::below(&line.account.public_url),
            account_sid: line.account.account_sid.clone(),
            pace: Pace::of(config.cps),
            node,
            lease: Lease::default(),
            leaving: Leaving::default(),
            placing: Placing::default(),
            library,
            speeches: Speeches::default(),
            keep: keep(config.operations.keep),
            tracer: tracer(&config, node, &meters)?,
            meters,
        };
        let dispenser =
            DispenserActor::new(database.urgent(), board.account_sid.clone(), board.pace.clone()).start();
        let supervisor = SupervisorActor::new(board.clone(), node_name(), dispenser.clone()).start();
        let inbox = InboxActor::new(
            database,
            clock,
            supervisor.clone(),
            delivery,
            (board.meters.clone(), board.tracer.clone()),
        )
        .start();
        let events = Feed::default();
        let relay = tokio::task::spawn_local(relay(board.database.clone(), events.clone()));
        let hooks = Hooks::start(Ground {
            database: board.database.clone(),
            clock: board.clock.clone(),
            node: board.node,
            lease: board.lease.clone(),
            feed: events.clone(),
            poster: board.poster.clone(),
            meters: board.meters.clone(),
        });
        let account = line.account;
        let station = web::Data::new(Station {
            switchboard: board.clone(),
            inbox: inbox.clone(),
            supervisor: supervisor.clone(),
            public_url: account.public_url.clone(),
            webhook_tokens: std::iter::once(&account.auth_token)
                .chain(&account.secondary_auth_token)
                .map(|token| token.expose().to_owned())
                .collect(),
            is_simulated: line.is_simulated,
            provider: Default::default(),
            metrics_token: config.operations.metrics_token.as_ref().map(|token| token.expose().to_owned()),
        });
        let desk = web::Data::new(HooksDesk { poster: board.poster.clone(), doorbell: hooks.doorbell() });
        let api = web::Data::new(Api {
            board: Board {
                database: board.database.clone(),
                clock: board.clock.clone(),
                library: board.library.clone(),
                meters: board.meters.clone(),
                line: Line::Known { account_sid: account.account_sid, default_from: Some(account.from) },
                runners: Runners::Here { node: board.node, supervisor: supervisor.clone() },
            },
            admits: Admits::Keys,
            public_url: account.public_url,
            is_simulated: Some(line.is_simulated),
            limits: limits(&config.lists),
            spool,
            previews: config.lists.previews,
            turns: Semaphore::new(LISTS_AT_ONCE),
            events: events.clone(),
            readers: Semaphore::new(READERS),
            gate: Gate::new(config.requests.map(key_limit)),
            long_answers: LongAnswers::new(most_connections() / 2, config.streams_of_a_key),
            mask_for_viewers: config.mask_for_viewers,
            overdue: Default::default(),
        });
        let parts = (api, station, desk);
        let server = HttpServer::new(move || site(parts.clone(), dashboard::routes))
            .workers(HTTP_WORKERS)
            .max_connections(most_connections().div_ceil(HTTP_WORKERS))
            .client_request_timeout(HEAD_WITHIN)
            .disable_signals()
            .shutdown_timeout(LAST_REQUESTS.as_secs())
            .listen(listener)?
            .run();
        info!(%url, node = %board.node, "listening");
        Ok(Self { url, server, board, supervisor, inbox, dispenser, relay, hooks, first_key, embedded })
    }

    /// Where it listens.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The API key that was made because there was none: to be shown now and never again.
    pub fn first_key(&self) -> Option<&str> {
        self.first_key.as_deref()
    }

    /// The supervisor, whose doors tests and operators use.
    pub fn supervisor(&self) -> Addr<SupervisorActor> {
        self.supervisor.clone()
    }

    /// What the node works with.
    pub fn board(&self) -> &Switchboard {
        &self.board
    }

    /// Stops the server from elsewhere.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Works until `stop` comes or the server ends, and stops gracefully: no new calls, those that are being placed
    /// are waited for, and the campaigns are free for others at once. It also ends, with an error, when one of the
    /// parts has died that all campaigns need.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), BuildError> {
        let handle = self.server.handle();
        let server = tokio::task::spawn_local(self.server);
        let lost = tokio::select! {
            () = stop => {
                info!("stopping");
                None
            }
            () = ended(&server) => None,
            () = keep_running(self.embedded.as_ref()) => None,
            () = keep_tidy(&self.board.meters) => None,
            part = lost_part(&self.supervisor, &self.inbox, &self.dispenser, &self.relay, &self.hooks) => {
                error!(part, "a part has died, stopping");
                Some(part)
            }
        };
        let hooks = tokio::task::spawn_local(self.hooks.stop());
        // Nobody renews the lease any more, and without it nobody dials.
        let _ = self.supervisor.send(Retire).await;
        self.board.lease.give_up();
        let patience = Deadline::within(LAST_ANSWERS);
        while self.board.placing.count() > 0 && !patience.has_passed() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let _ = hooks.await;
        if let Err(error) = release(&self.board).await {
            warn!(error = &error as &dyn std::error::Error, "the campaigns could not be released");
        }
        handle.stop(true).await;
        self.relay.abort();
        let _ = tokio::time::timeout(LAST_SPANS, self.board.tracer.flush()).await;
        if let Some(embedded) = self.embedded {
            embedded.stop().await?;
        }
        lost.map_or(Ok(()), |part| Err(BuildError::PartLost(part)))
    }
}

/// Lets go of the campaigns, and says so to whoever is left.
async fn release(board: &Switchboard) -> Result<(), db::Error> {
    db::nodes::leave(&board.database, board.node).await?;
    db::words::tell(&board.database, board.node, &Word::Ownerless).await
}

/// Starts the private PostgreSQL again whenever it has died. Never returns.
async fn keep_running(embedded: Option<&Embedded>) {
    let Some(embedded) = embedded else { return std::future::pending().await };
    loop {
        tokio::time::sleep(LOOK_AFTER_DATABASE).await;
        if let Err(error) = embedded.ensure_running().await {
            warn!(
                error = &error as &dyn std::error::Error,
                "the private PostgreSQL could not be started again"
            );
        }
    }
}

/// Keeps the figures small, whether or not anybody fetches them. Never returns.
async fn keep_tidy(meters: &Meters) {
    loop {
        tokio::time::sleep(TIDY_UP_FIGURES).await;
        meters.tidy_up();
    }
}

/// For how long what is known of people is kept.
fn keep(days: config::Keep) -> db::retention::Keep {
    let span = |days: Option<u32>| days.map(|days| TimeDelta::days(i64::from(days)));
    db::retention::Keep {
        contacts: span(days.contacts),
        attempts: span(days.attempts),
        events: span(days.events),
    }
}

/// Tells a collector of the calls' lives, if one was named.
fn tracer(config: &Config, node: Uuid, meters: &Meters) -> Result<Tracer, BadCollector> {
    let Some(traces) = &config.operations.traces else { return Ok(Tracer::default()) };
    let headers = traces.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned()));
    let collector = Collector {
        url: traces.url.clone(),
        headers: headers.collect(),
        timeout: traces.timeout,
        service: traces.service.clone(),
        version: env!("CARGO_PKG_VERSION"),
        instance: node.to_string(),
    };
    info!(host = traces.url.host_str(), "traces are sent to a collector");
    start_exporter(collector, meters.clone())
}

/// The figures of a process.
pub(crate) fn meters() -> Meters {
    Meters::new(env!("CARGO_PKG_VERSION"), TakenBack::ALL.iter().map(|why| why.as_str()))
}

/// Returns the name of a part that has died: a panicking handler kills its actor for good. Without the supervisor the
/// lease runs out, without the inbox no webhook is stored, without the dispenser nobody is called, without the relay nobody
/// is told, and without the hooks' office no receiver.
async fn lost_part(
    supervisor: &Addr<SupervisorActor>,
    inbox: &Addr<InboxActor>,
    dispenser: &Addr<DispenserActor>,
    relay: &JoinHandle<()>,
    hooks: &Hooks,
) -> &'static str {
    loop {
        tokio::time::sleep(LOOK_AFTER_PARTS).await;
        let parts = [
            ("supervisor", supervisor.connected()),
            ("inbox", inbox.connected()),
            ("dispenser", dispenser.connected()),
            ("relay", !relay.is_finished()),
            ("hooks' office", hooks.lives()),
        ];
        if let Some((part, _)) = parts.iter().find(|(_, lives)| !lives) {
            return part;
        }
    }
}

async fn ended<T>(task: &JoinHandle<T>) {
    while !task.is_finished() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Puts the zone data of this directory to use, or what is bundled, and warns if it is old: governments change their
/// clocks at short notice, and outdial would call people at the wrong hour.
fn choose_zones(directory: Option<&Path>, today: NaiveDate) -> Result<(), ZoneFilesError> {
    let zones = directory.map_or_else(|| Ok(ZoneDatabase::in_use()), zone_files::put_to_use)?;
    let version = zones.version().unwrap_or("unknown");
    match zones.release() {
        Some(release) if !release.is_old(today) => info!(version, "the time zones are up to date"),
        Some(release) => {
            let months = release.age_in_months(today);
            warn!(version, months, "the time zones are old; name a newer directory in OUTDIAL_ZONEINFO");
        }
        None => warn!("nobody knows how old the time zones are that OUTDIAL_ZONEINFO names"),
    }
    if zones.release().is_some() && zones.release() < ZoneDatabase::bundled().release() {
        warn!(version, "the time zones that OUTDIAL_ZONEINFO names are older than those that are bundled");
    }
    Ok(())
}

/// The packs that are shipped, with those of this directory. What these allow beyond the shipped ones is said, together
/// with whoever answers for it.
fn choose_rules(directory: Option<&Path>) -> Result<Library, BadPack> {
    let Some(directory) = directory else { return Library::shipped() };
    let loaded = Library::with_directory(directory)?;
    for Approved { loosening, by } in &loaded.loosened {
        warn!(%loosening, approved_by = by, "the packs in OUTDIAL_RULES are looser than those that are shipped");
    }
    info!(directory = %directory.display(), "the packs of rules are read");
    Ok(loaded.library)
}

/// Opens the given database, or starts the private one.
pub async fn open_database(wanted: &config::Database) -> Result<(Database, Option<Embedded>), BuildError> {
    match wanted {
        config::Database::Given { config, tls } => Ok((given_database(config, *tls)?, None)),
        config::Database::Embedded { data_dir } => {
            let embedded = Embedded::start(data_dir).await?;
            embedded.ensure_database(DATABASE).await?;
            let database = Database::new(embedded.config(DATABASE), db::Tls::Off)?;
            Ok((database, Some(embedded)))
        }
    }
}

/// Opens the given database, or starts the private one if it has ever been made; none if it has not.
pub async fn reopen_database(
    wanted: &config::Database,
) -> Result<Option<(Database, Option<Embedded>)>, BuildError> {
    match wanted {
        config::Database::Embedded { data_dir } if !Embedded::is_made(data_dir) => Ok(None),
        config::Database::Embedded { .. } | config::Database::Given { .. } => {
            open_database(wanted).await.map(Some)
        }
    }
}

/// What campaigns are judged by where no server is asked: a clock that goes by the database's time, as a server's does, the zone
/// data, and the packs of rules.
pub async fn judge_by(
    database: &Database,
    surroundings: config::Surroundings,
) -> Result<(Clock, Library), BuildError> {
    let config::Surroundings { course, zoneinfo, rules } = surroundings;
    let clock = Clock::to_be_set(course);
    let asked = Stopwatch::start();
    clock.set(db::nodes::find_time(database).await?, asked);
    choose_zones(zoneinfo.as_deref(), clock.now().date_naive())?;
    Ok((clock, choose_rules(rules.as_deref())?))
}

/// Opens the given database, or the private one if it runs; none if it does not.
pub async fn join_database(
    wanted: &config::Database,
) -> Result<Option<(Database, Option<Embedded>)>, BuildError> {
    match wanted {
        config::Database::Given { config, tls } => Ok(Some((given_database(config, *tls)?, None))),
        config::Database::Embedded { data_dir } => {
            let Some(embedded) = Embedded::join(data_dir).await? else { return Ok(None) };
            let database = Database::new(embedded.config(DATABASE), db::Tls::Off)?;
            Ok(Some((database, Some(embedded))))
        }
    }
}

fn given_database(config: &tokio_postgres::Config, tls: config::Tls) -> Result<Database, db::Error> {
    let tls = match tls {
        config::Tls::Disable => db::Tls::Off,
        config::Tls::Prefer | config::Tls::Require => db::Tls::Encrypted,
        config::Tls::VerifyFull => db::Tls::Verified,
    };
    Database::new(config.clone(), tls)
}

fn key_limit(limit: RequestLimit) -> KeyLimit {
    let RequestLimit { per_second, burst } = limit;
    KeyLimit { per_second, burst }
}

/// How much a contact list may hold, as the import counts it.
pub fn limits(lists: &ListLimits) -> Limits {
    Limits {
        bytes: lists.megabytes << 20,
        inflated_bytes: lists.unpacked_megabytes << 20,
        rows: lists.rows,
        columns: lists.columns,
        cells: lists.cells,
        cell_chars: lists.cell_chars,
    }
}

/// A simulator of the program's own, for an environment that names no account: it forgets its calls at the end, and
/// its webhooks are signed with a token that nobody else knows.
async fn simulate(config: &Config, url: &Url, clock: &Clock) -> Result<TwilioAccount, BuildError> {
    let token = Uuid::new_v4().simple().to_string();
    let simulator = Simulator::start(SimulatorConfig {
        port: 0,
        account_sid: SIMULATED_ACCOUNT.to_owned(),
        auth_token: token.clone(),
        api_key: None,
        from_numbers: None,
        cps: whole_calls_per_second(config.cps),
        clock: Clock::of_this_machine(clock.course().cloned()),
        scenario: Scenario::default(),
        seed: 1,
    })
    .await?;
    Ok(TwilioAccount {
        account_sid: SIMULATED_ACCOUNT.to_owned(),
        auth_token: Secret::new(token),
        secondary_auth_token: None,
        api_key: None,
        from: SIMULATED_FROM.to_owned(),
        public_url: url.clone(),
        base_url: Url::parse(&simulator.url()).expect("the simulator has a URL"),
    })
}

/// The simulator's rate for ours: it takes whole calls a second, and must not be the slower of the two.
pub fn whole_calls_per_second(cps: f64) -> u32 {
    cps.ceil().max(1.0) as u32
}

async fn connect(config: &Config, url: &Url, clock: &Clock) -> Result<Connected, BuildError> {
    let (account, is_simulated) = match &config.provider {
        Provider::Twilio(account) => ((**account).clone(), account.is_simulated()),
        Provider::Simulator => (simulate(config, url, clock).await?, true),
    };
    let (user, secret) = match &account.api_key {
        Some((key, secret)) => (key.clone(), secret.expose().to_owned()),
        None => (account.account_sid.clone(), account.auth_token.expose().to_owned()),
    };
    let client = Client::new(ClientConfig {
        base_url: account.base_url.clone(),
        account_sid: account.account_sid.clone(),
        user,
        secret,
    })?;
    if is_simulated {
        warn!("dialing the SIMULATOR: nobody is really called");
    }
    check(&client, &account.account_sid).await?;
    Ok(Connected { client, account, is_simulated })
}

/// Finds out at start what would otherwise be found out at the first call.
async fn check(client: &Client, account: &str) -> Result<(), BuildError> {
    let account = account.to_owned();
    match client.check_account().await {
        Ok(AccountStatus::Active { is_trial: true }) => {
            warn!("the account is a trial: it can call only numbers that are verified with it");
            Ok(())
        }
        Ok(AccountStatus::Active { is_trial: false } | AccountStatus::Hidden) => Ok(()),
        Ok(AccountStatus::Suspended) => Err(BuildError::NotActive { account, status: "suspended" }),
        Ok(AccountStatus::Closed) => Err(BuildError::NotActive { account, status: "closed" }),
        Err(source @ ReadError::Unauthorized { .. }) => Err(BuildError::Refused { account, source }),
        Err(error) => {
            // It may be away for a moment only; calls that cannot be placed wait for it.
            warn!(
                error = &error as &dyn std::error::Error,
                "the provider could not be asked about the account"
            );
            Ok(())
        }
    }
}

fn local_url(host: &str, port: u16) -> Url {
    let host = match host {
        "0.0.0.0" | "::" => "127.0.0.1",
        host => host,
    };
    let listen = config::Listen { host: host.to_owned(), port };
    Url::parse(&format!("http://{listen}/")).expect("an address that is listened on makes a URL")
}

fn node_name() -> String {
    std::fs::read_to_string("/etc/hostname")
        .map_or_else(|_| "outdial".to_owned(), |name| name.trim().to_owned())
}
