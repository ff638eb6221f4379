//! A faithful Twilio on loopback: the calls API, its callbacks and its queue, for the demo, dry runs and tests.
//!
//! A client cannot tell it from Twilio as far as calls go: it authenticates, validates in Twilio's order and words, queues at
//! the account's calls per second, acts TwiML out, detects machines, and signs what it sends. What people do comes from a
//! [`Scenario`] and a seed; what goes wrong, from [`Fault`]s; what was asked and told is in the [`Ledger`]. The same
//! controls are served under `/simulator/`.
//!
//! It stands alone: it speaks HTTP, and shares only Twilio's vocabulary, the signature and the clock with the dialer.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};
use tokio::sync::watch;

use crate::clock::Clock;

use world::World;

pub use behavior::{AnsweredBy, Behavior, Outcome};
pub use call::CallRecord;
pub use callbacks::Event;
pub use faults::{BadFault, Fault, FaultKind};
pub use ledger::{Callback, Gauge, Ledger, Request};
pub use scenario::{BadScenario, Scenario, Shares, Span};
pub use validate::Notice;

mod account;
mod api;
mod behavior;
mod call;
mod callbacks;
mod control;
mod faults;
mod ledger;
mod life;
mod list;
mod outgoing;
mod queue;
mod scenario;
mod stage;
mod twiml;
mod validate;
mod world;

/// How long an idle connection is kept: longer than clients keep theirs, so that no request is lost on a closing one.
const KEPT_FOR: Duration = Duration::from_secs(120);

/// The account that is simulated, and its world.
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    /// The port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// The one account there is: `AC` and 32 hex digits.
    pub account_sid: String,
    /// Its token, which opens it and signs callbacks.
    pub auth_token: String,
    /// A key that opens it as well: `SK…` and its secret.
    pub api_key: Option<(String, String)>,
    /// The numbers it owns; none: every valid number is ours.
    pub from_numbers: Option<Vec<String>>,
    /// How many calls leave the queue in a real second, at least 1.
    pub cps: u32,
    /// The time of calls; queue turns and HTTP timeouts are real.
    pub clock: Clock,
    /// What the called people do.
    pub scenario: Scenario,
    /// What chance grows from.
    pub seed: u64,
}

/// Why the simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port cannot be had.
    #[error("expected to listen on 127.0.0.1:{port}")]
    Listen {
        /// The port that was wanted.
        port: u16,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The scenario makes no sense.
    #[error("expected a scenario that makes sense")]
    Scenario(#[from] BadScenario),
    /// The account would never dial.
    #[error("expected at least 1 call a second")]
    NoCalls,
}

/// A running simulator. All clones are one simulator.
#[derive(Clone)]
pub struct Simulator {
    world: Arc<World>,
    server: ServerHandle,
    is_over: watch::Receiver<bool>,
}

impl Simulator {
    /// Starts it, on the runtime that this is called on.
    pub async fn start(config: SimulatorConfig) -> Result<Self, Error> {
        config.scenario.check()?;
        if config.cps == 0 {
            return Err(Error::NoCalls);
        }
        let port = config.port;
        let listen = |source| Error::Listen { port, source };
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?.port();
        let world = Arc::new(World::new(config, bound));
        let data = web::Data::from(world.clone());
        let server =
            HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(api::serve)))
                .workers(1)
                .disable_signals()
                .keep_alive(KEPT_FOR)
                .shutdown_timeout(0)
                .on_connect(|connection, data| {
                    let socket = connection.downcast_ref::<TcpStream>();
                    // Without a second hold on the socket a connection can only be answered, not cut.
                    if let Some(Ok(held)) = socket.map(|socket| socket.as_fd().try_clone_to_owned()) {
                        data.insert(api::Connection(held.into()));
                    }
                })
                .listen(listener)
                .map_err(listen)?
                .run();
        let handle = server.handle();
        let (over, is_over) = watch::channel(false);
        tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(error = %error, "the simulator's server failed");
            }
            // Nobody may be waiting.
            let _ = over.send(true);
        });
        Ok(Self { world, server: handle, is_over })
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.world.url()
    }

    /// What came in and went out until now.
    pub fn ledger(&self) -> Ledger {
        self.world.ledger()
    }

    /// Every call, in the order of placing.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.world.call_records()
    }

    /// Replaces the scenario for the calls that are placed from now on.
    pub fn set_scenario(&self, scenario: Scenario) -> Result<(), BadScenario> {
        self.world.set_scenario(scenario)
    }

    /// Sets what a number does from its next call on, call by call; the last repeats.
    pub fn fix(
        &self,
        number: &str,
        behaviors: impl IntoIterator<Item = Behavior>,
    ) -> Result<(), BadScenario> {
        self.world.fix(number, behaviors.into_iter().collect())
    }

    /// Adds a fault.
    pub fn fault(&self, fault: Fault) -> Result<(), BadFault> {
        self.world.add_fault(fault)
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.world.clear_faults();
    }

    /// Waits until it has stopped.
    pub async fn wait(&self) {
        // The sender goes away only after it has said so.
        let _ = self.is_over.clone().wait_for(|is_over| *is_over).await;
    }

    /// Stops it at once: connections and calls end where they are.
    pub async fn stop(self) {
        self.server.stop(false).await;
        self.wait().await;
    }
}

#[cfg(test)]
pub(super) mod tests;
