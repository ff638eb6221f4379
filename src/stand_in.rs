//! Stands in for the parts that main joins, with their signatures, until they are joined.

use outdial::cli::SimulateOptions;
use outdial::config::{Config, Database};

const NOT_JOINED: &str = "this part is not joined to the command line";

pub(crate) struct App;

impl App {
    pub(crate) async fn build(_: Config) -> anyhow::Result<Self> {
        anyhow::bail!(NOT_JOINED)
    }

    pub(crate) fn url(&self) -> String {
        String::new()
    }

    pub(crate) async fn run_until_stopped(self) -> anyhow::Result<()> {
        anyhow::bail!(NOT_JOINED)
    }
}

pub(crate) struct Simulator;

impl Simulator {
    pub(crate) async fn start(_: SimulateOptions) -> anyhow::Result<Self> {
        anyhow::bail!(NOT_JOINED)
    }

    pub(crate) fn url(&self) -> String {
        String::new()
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        anyhow::bail!(NOT_JOINED)
    }
}

pub(crate) async fn migrate(_: &Database) -> anyhow::Result<()> {
    anyhow::bail!(NOT_JOINED)
}
