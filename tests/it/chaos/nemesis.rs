//! The one who breaks things: each fault is done to the house, undone again, and written down with its times.

use std::sync::Mutex;
use std::time::Duration;

use outdial::simulator::{Event, Fault as Trouble, FaultKind};
use rand::RngExt;
use rand::rngs::StdRng;
use rustix::process::{Signal, kill_process};
use uuid::Uuid;

use super::house::{House, Node, Process};
use super::people::list_of;
use super::proxy::{Then, Weather};
use super::sniff::{CLAIM, Point, RECORD, SETTLE};

/// Longer than a node's lease of 15 s, its renewal by others included.
const PAST_THE_LEASE: Duration = Duration::from_secs(22);

/// A graceful stop waits 10 s for calls that are being placed, and 2 s for requests.
const GRACE: Duration = Duration::from_secs(15);

/// How long a named point is waited for: a node that owns nothing never comes to one.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What can be done to the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    KillAtRandom,
    /// A kill at a point of faults P1 to P6.
    KillAt(Moment),
    /// SIGSTOP past the lease, then SIGCONT.
    Freeze,
    /// SIGTERM under load, and a start.
    Terminate,
    /// SIGTERM, and SIGKILL before it is done.
    TerminateAndKill,
    PostmasterKilled,
    PostgresStoppedAtOnce,
    BackendKilled,
    BackendFrozen,
    ConnectionsTerminated,
    ConnectionsExhausted,
    SnapshotHeld,
    ContactsLocked,
    /// A node and the database no longer hear each other, past the lease; the provider stays in reach.
    DatabaseSilent,
    DatabaseSlow,
    /// The connection is reset just after a COMMIT was passed on.
    CommitUnanswered,
    ProviderSilent,
    AnswerCut,
    AnswerHalfClosed,
    AnswerReset,
    Throttled,
    FailsAfterPlacing,
    Hangs,
    CallbacksLost,
    CallbacksMixedUp,
    /// No webhook gets through, and nobody is told.
    WebhooksSilent,
}

/// A point of a call's life, or of a list's, at which a node is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    BeforeClaimCommits,
    AfterClaimCommits,
    CallAskedFor,
    CallAnswered,
    BeforeCallbackIsStored,
    AfterCallbackIsStored,
    BeforeSettlementCommits,
    AfterSettlementCommits,
    ListIsCopied,
}

pub const MOMENTS: [Moment; 9] = [
    Moment::BeforeClaimCommits,
    Moment::AfterClaimCommits,
    Moment::CallAskedFor,
    Moment::CallAnswered,
    Moment::BeforeCallbackIsStored,
    Moment::AfterCallbackIsStored,
    Moment::BeforeSettlementCommits,
    Moment::AfterSettlementCommits,
    Moment::ListIsCopied,
];

/// Everything but the kills, which have a stream of their own in a storm.
pub const OTHERS: [Fault; 24] = [
    Fault::Freeze,
    Fault::Terminate,
    Fault::TerminateAndKill,
    Fault::PostmasterKilled,
    Fault::PostgresStoppedAtOnce,
    Fault::BackendKilled,
    Fault::BackendFrozen,
    Fault::ConnectionsTerminated,
    Fault::ConnectionsExhausted,
    Fault::SnapshotHeld,
    Fault::ContactsLocked,
    Fault::DatabaseSilent,
    Fault::DatabaseSlow,
    Fault::CommitUnanswered,
    Fault::ProviderSilent,
    Fault::AnswerCut,
    Fault::AnswerHalfClosed,
    Fault::AnswerReset,
    Fault::Throttled,
    Fault::FailsAfterPlacing,
    Fault::Hangs,
    Fault::CallbacksLost,
    Fault::CallbacksMixedUp,
    Fault::WebhooksSilent,
];

/// What was done, and when, in real seconds since the beginning.
#[derive(Debug, Clone)]
pub struct Injected {
    pub name: String,
    pub at: f64,
    pub healed_at: f64,
    /// The node that died or lost its lease by it.
    pub victim: Option<Uuid>,
    /// Since when PostgreSQL took connections again.
    pub accepts_at: Option<f64>,
    /// Whether anything else was broken at that time.
    pub is_alone: bool,
    pub kills: u32,
}

/// Does the breaking, and remembers.
pub struct Nemesis<'a> {
    house: &'a House,
    injected: Mutex<Vec<Injected>>,
    misbehaviour: Mutex<Vec<String>>,
}

/// What a fault left to be written down.
#[derive(Default)]
struct Done {
    name: String,
    victim: Option<Uuid>,
    accepts_at: Option<f64>,
    kills: u32,
}

impl<'a> Nemesis<'a> {
    pub fn of(house: &'a House) -> Self {
        Self { house, injected: Mutex::default(), misbehaviour: Mutex::default() }
    }

    pub fn injected(&self) -> Vec<Injected> {
        self.injected.lock().expect("a list").clone()
    }

    pub fn misbehaviour(&self) -> Vec<String> {
        self.misbehaviour.lock().expect("a list").clone()
    }

    /// Writes down what no process may do.
    pub fn blame(&self, what: String) {
        self.misbehaviour.lock().expect("a list").push(what);
    }

    /// Does this to the house, and undoes it.
    pub async fn inject(&self, fault: Fault, chance: &mut StdRng, is_alone: bool) {
        let at = self.house.now();
        let done = match fault {
            Fault::KillAtRandom => self.kill_at_random(chance).await,
            Fault::KillAt(moment) => self.kill_at(moment, chance).await,
            Fault::Freeze => self.freeze().await,
            Fault::Terminate => self.terminate(GRACE, is_alone).await,
            Fault::TerminateAndKill => {
                let grace = Duration::from_millis(chance.random_range(0..60));
                self.terminate(grace, is_alone).await
            }
            Fault::PostmasterKilled => self.stop_postgres(Signal::KILL, chance).await,
            Fault::PostgresStoppedAtOnce => self.stop_postgres(Signal::QUIT, chance).await,
            Fault::BackendKilled => self.kill_backend().await,
            Fault::BackendFrozen => self.freeze_backend().await,
            Fault::ConnectionsTerminated => self.terminate_connections().await,
            Fault::ConnectionsExhausted => self.exhaust_connections().await,
            Fault::SnapshotHeld => {
                let sql = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM contacts";
                self.hold_transaction(sql, Duration::from_secs(10)).await
            }
            Fault::ContactsLocked => {
                self.hold_transaction("BEGIN; LOCK TABLE contacts", Duration::from_secs(7)).await
            }
            Fault::DatabaseSilent => self.silence_database(chance).await,
            Fault::DatabaseSlow => {
                let slow = Weather::Slow { millis: 60, jitter: 60 };
                self.weather(|node| &node.to_database, slow, Duration::from_secs(8)).await
            }
            Fault::CommitUnanswered => {
                let point = Point::CommitOf(if chance.random() { CLAIM } else { SETTLE });
                self.strike(|node| &node.to_database, point, Then::Reset).await
            }
            Fault::ProviderSilent => {
                self.weather(|node| &node.to_provider, Weather::Silent, Duration::from_secs(4)).await
            }
            Fault::AnswerCut => {
                let bytes = chance.random_range(0..1500);
                let cut = Then::CutAnswer(bytes);
                self.strike(|node| &node.to_provider, Point::CallAskedFor, cut).await
            }
            Fault::AnswerHalfClosed => {
                let then = Then::HalfClose;
                self.strike(|node| &node.to_provider, Point::CallAskedFor, then).await
            }
            Fault::AnswerReset => {
                self.strike(|node| &node.to_provider, Point::CallAskedFor, Then::Reset).await
            }
            Fault::WebhooksSilent => {
                let gateway = &self.house.gateway;
                gateway.set_weather(Weather::Silent);
                tokio::time::sleep(Duration::from_secs(5)).await;
                // Twilio has given them up by now.
                gateway.reset_all();
                gateway.set_weather(Weather::Fair);
                Some(Done::default())
            }
            Fault::Throttled => {
                let kind = FaultKind::TooManyRequests { retry_after: Some(1) };
                self.trouble(&[Trouble { times: Some(3), ..Trouble::always(kind) }]).await
            }
            Fault::FailsAfterPlacing => {
                let troubles = [true, false].map(|placed| Trouble {
                    times: Some(10),
                    share: Some(0.3),
                    ..Trouble::always(FaultKind::ServerError { placed })
                });
                self.trouble(&troubles).await
            }
            Fault::Hangs => {
                let kinds = [
                    FaultKind::Hang { placed: true, seconds: 12.0 },
                    FaultKind::Hang { placed: false, seconds: 12.0 },
                    FaultKind::Dropped { placed: true },
                    FaultKind::Dropped { placed: false },
                ];
                self.trouble(&kinds.map(Trouble::once)).await
            }
            Fault::CallbacksLost => {
                let lost = Trouble { share: Some(0.5), ..Trouble::always(FaultKind::Lost) };
                self.trouble(&[lost]).await
            }
            Fault::CallbacksMixedUp => {
                let late = Trouble {
                    share: Some(0.3),
                    ..Trouble::always(FaultKind::Late { seconds: 60.0 }).on(Event::Ringing)
                };
                let doubled = Trouble { share: Some(0.5), ..Trouble::always(FaultKind::Doubled) };
                let reordered = Trouble { share: Some(0.5), ..Trouble::always(FaultKind::Reordered) };
                let before =
                    Trouble { share: Some(0.5), ..Trouble::always(FaultKind::CallbacksBeforeAnswer) };
                self.trouble(&[late, doubled, reordered, before]).await
            }
        };
        // What found nobody to befall was no fault.
        let Some(Done { name, victim, accepts_at, kills }) = done else { return };
        let name = if name.is_empty() { format!("{fault:?}") } else { name };
        let healed_at = self.house.now();
        let injected = Injected { name, at, healed_at, victim, accepts_at, is_alone, kills };
        self.injected.lock().expect("a list").push(injected);
    }

    /// A node that nobody else is doing something to, and that owns campaigns if there is one.
    async fn a_busy_node(&self) -> Option<(&'a Node, tokio::sync::MutexGuard<'a, Process>)> {
        let owners = self.owners().await;
        let free: Vec<_> =
            self.house.nodes.iter().filter_map(|node| Some((node, node.process.try_lock().ok()?))).collect();
        let place = |id: Option<Uuid>| owners.iter().position(|owner| Some(*owner) == id);
        free.into_iter().min_by_key(|(_, process)| place(process.id).unwrap_or(usize::MAX))
    }

    /// The nodes that own campaigns which run, those with the most first. Nobody if the database is away.
    async fn owners(&self) -> Vec<Uuid> {
        const SQL: &str = "
            SELECT node FROM campaigns WHERE state = 'running' AND node IS NOT NULL
            GROUP BY node ORDER BY count(*) DESC";
        let Ok(psql) = self.house.postgres.psql().await else { return Vec::new() };
        let rows = psql.query(SQL, &[]).await.unwrap_or_default();
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn a_random_node(&self, chance: &mut StdRng) -> Option<(&'a Node, tokio::sync::MutexGuard<'a, Process>)> {
        let node = &self.house.nodes[chance.random_range(0..self.house.nodes.len())];
        Some((node, node.process.try_lock().ok()?))
    }

    /// A process that has ended without anybody's doing is blamed for it, and started again.
    pub async fn look_after_processes(&self) {
        for node in &self.house.nodes {
            let Ok(mut process) = node.process.try_lock() else { continue };
            if let Some(status) = process.has_ended() {
                let at = self.house.now();
                self.blame(format!("node {} ended by itself at {at:.3} s, {status}", node.number));
                self.house.start(node, &mut process).await;
            }
        }
    }

    async fn kill_at_random(&self, chance: &mut StdRng) -> Option<Done> {
        let (node, mut process) = self.a_random_node(chance)?;
        Some(self.kill(node, &mut process, String::new()).await)
    }

    async fn kill(&self, node: &Node, process: &mut Process, name: String) -> Done {
        let victim = process.id;
        process.kill();
        self.house.start(node, process).await;
        Done { name, victim, kills: 1, ..Done::default() }
    }

    async fn kill_at(&self, moment: Moment, chance: &mut StdRng) -> Option<Done> {
        let (node, mut process) = self.a_busy_node().await?;
        let (database, provider) = (&node.to_database, &node.to_provider);
        let strike = |proxy: &'a super::proxy::Proxy, point, then| proxy.strike(point, then, PATIENCE);
        let came = match moment {
            Moment::BeforeClaimCommits => strike(database, Point::CommitOf(CLAIM), Then::KeepBack).await,
            Moment::AfterClaimCommits => strike(database, Point::CommitOf(CLAIM), Then::HoldAnswer).await,
            Moment::BeforeSettlementCommits => {
                strike(database, Point::CommitOf(SETTLE), Then::KeepBack).await
            }
            Moment::AfterSettlementCommits => {
                strike(database, Point::CommitOf(SETTLE), Then::HoldAnswer).await
            }
            Moment::BeforeCallbackIsStored => strike(database, Point::RunOf(RECORD), Then::KeepBack).await,
            Moment::AfterCallbackIsStored => strike(database, Point::RunOf(RECORD), Then::HoldAnswer).await,
            Moment::CallAskedFor => strike(provider, Point::CallAskedFor, Then::HoldAnswer).await,
            Moment::CallAnswered => {
                let came = strike(provider, Point::CallAskedFor, Then::Pass).await;
                tokio::time::sleep(Duration::from_millis(chance.random_range(0..8))).await;
                came
            }
            Moment::ListIsCopied => {
                let url = format!("http://127.0.0.1:{}/api/v1/campaigns", node.port);
                let (settings, list) = list_of("a list that is cut off", chance.random_range(0..50), 100);
                // What is killed in the middle answers nobody; the list is there in full, as a draft, or not at all.
                let upload = self.house.upload(&url, &settings, &list);
                tokio::select! {
                    came = strike(database, Point::Copying, Then::KeepBack) => came,
                    _ = upload => false,
                }
            }
        };
        if moment == Moment::AfterClaimCommits || moment == Moment::AfterCallbackIsStored {
            // What was passed on is to be done before its sender dies.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let name = if came { format!("KillAt{moment:?}") } else { "KillAtRandom".to_owned() };
        Some(self.kill(node, &mut process, name).await)
    }

    async fn freeze(&self) -> Option<Done> {
        let (node, mut process) = self.a_busy_node().await?;
        let victim = process.id;
        process.signal(Signal::STOP);
        tokio::time::sleep(PAST_THE_LEASE).await;
        process.signal(Signal::CONT);
        let end = process.end_within(Duration::from_secs(1)).await;
        if let Some(status) = end {
            self.blame(format!("node {} was frozen and ended by itself, {status}", node.number));
            self.house.start(node, &mut process).await;
        }
        Some(Done { victim, ..Done::default() })
    }

    async fn terminate(&self, grace: Duration, is_alone: bool) -> Option<Done> {
        let (node, mut process) = self.a_busy_node().await?;
        let victim = process.id;
        process.signal(Signal::TERM);
        let ended = process.end_within(grace).await;
        let owners_after = self.owners().await;
        match ended {
            Some(status) if !status.success() => {
                self.blame(format!("node {} was told to stop, and ended with {status}", node.number));
            }
            None if grace == GRACE => {
                self.blame(format!("node {} was told to stop, and did not within {grace:?}", node.number));
            }
            _ => {}
        }
        let kills = u32::from(ended.is_none());
        process.kill();
        // With a database that is away, too, there is nobody to whom anything could be handed over.
        if is_alone && ended.is_some() && victim.is_some_and(|victim| owners_after.contains(&victim)) {
            self.blame(format!("node {} has stopped, and campaigns are still its own", node.number));
        }
        self.house.start(node, &mut process).await;
        Some(Done { victim, kills, ..Done::default() })
    }

    async fn stop_postgres(&self, signal: Signal, chance: &mut StdRng) -> Option<Done> {
        self.house.postgres.signal(signal);
        tokio::time::sleep(Duration::from_millis(chance.random_range(500..3000))).await;
        self.house.postgres.restart().await;
        let accepts_at = Some(self.house.now());
        self.until_somebody_is_called().await;
        Some(Done { accepts_at, ..Done::default() })
    }

    /// PostgreSQL ends all others as well, as one that died may have spoilt what they share, and recovers by itself.
    async fn kill_backend(&self) -> Option<Done> {
        let backend = self.house.postgres.a_backend().await?;
        kill_process(backend, Signal::KILL).ok()?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.house.postgres.restart().await;
        let accepts_at = Some(self.house.now());
        self.until_somebody_is_called().await;
        Some(Done { accepts_at, ..Done::default() })
    }

    async fn freeze_backend(&self) -> Option<Done> {
        let backend = self.house.postgres.a_backend().await?;
        kill_process(backend, Signal::STOP).ok()?;
        tokio::time::sleep(Duration::from_secs(8)).await;
        let _ = kill_process(backend, Signal::CONT);
        Some(Done::default())
    }

    /// Five a second.
    async fn terminate_connections(&self) -> Option<Done> {
        const SQL: &str = "
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'outdial' ORDER BY random() LIMIT 1";
        for _ in 0..25 {
            if let Ok(psql) = self.house.postgres.psql().await {
                let _ = psql.query(SQL, &[]).await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Some(Done::default())
    }

    /// Takes all connections that there are, and the nodes' own with them.
    async fn exhaust_connections(&self) -> Option<Done> {
        let mut held = Vec::new();
        while let Ok(psql) = self.house.postgres.psql().await {
            held.push(psql);
            if held.len() == 250 {
                let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'outdial'";
                let _ = held[0].query(sql, &[]).await;
            }
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        drop(held);
        Some(Done::default())
    }

    async fn hold_transaction(&self, sql: &str, span: Duration) -> Option<Done> {
        let psql = self.house.postgres.psql().await.ok()?;
        psql.batch_execute(sql).await.ok()?;
        tokio::time::sleep(span).await;
        let _ = psql.batch_execute("ROLLBACK").await;
        Some(Done::default())
    }

    async fn silence_database(&self, chance: &mut StdRng) -> Option<Done> {
        let (node, process) = self.a_busy_node().await?;
        let victim = process.id;
        node.to_database.set_weather(Weather::Silent);
        tokio::time::sleep(PAST_THE_LEASE).await;
        // What was held comes late, or never.
        let name = if chance.random() {
            node.to_database.reset_all();
            "DatabaseSilentThenReset"
        } else {
            "DatabaseSilentThenLate"
        };
        node.to_database.set_weather(Weather::Fair);
        Some(Done { victim, name: name.to_owned(), ..Done::default() })
    }

    async fn weather(
        &self,
        way: impl Fn(&Node) -> &super::proxy::Proxy,
        weather: Weather,
        span: Duration,
    ) -> Option<Done> {
        for node in &self.house.nodes {
            way(node).set_weather(weather);
        }
        tokio::time::sleep(span).await;
        for node in &self.house.nodes {
            // What was held for so long does not arrive any more: its sender may have given it up.
            if weather == Weather::Silent {
                way(node).reset_all();
            }
            way(node).set_weather(Weather::Fair);
        }
        Some(Done::default())
    }

    /// Strikes once at each node that comes to this point.
    async fn strike(
        &self,
        way: impl Fn(&'a Node) -> &'a super::proxy::Proxy,
        point: Point,
        then: Then,
    ) -> Option<Done> {
        let strikes = self.house.nodes.iter().map(|node| way(node).strike(point, then, PATIENCE));
        let struck = futures_util::future::join_all(strikes).await;
        struck.contains(&true).then(Done::default)
    }

    async fn trouble(&self, troubles: &[Trouble]) -> Option<Done> {
        for trouble in troubles {
            self.house.simulator.fault(trouble.clone()).expect("a fault that can be");
        }
        tokio::time::sleep(Duration::from_secs(4)).await;
        self.house.simulator.clear_faults();
        Some(Done::default())
    }

    /// Waits until another request arrives, though not for ever: it may be that nobody is left to be called.
    async fn until_somebody_is_called(&self) {
        let before = self.house.simulator.ledger().creates().len();
        for _ in 0..100 {
            if self.house.simulator.ledger().creates().len() > before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Everything works again: no fault waits, every way is open, every process runs.
    pub async fn heal(&self) {
        self.house.simulator.clear_faults();
        for node in &self.house.nodes {
            node.to_database.set_weather(Weather::Fair);
            node.to_provider.set_weather(Weather::Fair);
        }
        self.house.gateway.set_weather(Weather::Fair);
        self.look_after_processes().await;
    }
}
