//! What all handlers of the API work with, in a server as well as at a command line that works without one. Nothing here leads
//! out of the house but to the database: whoever has only this can call nobody.

use std::sync::Arc;

use actix::Addr;
use tracing::debug;
use uuid::Uuid;

use crate::actors::{Onlooker, SupervisorActor, Sweep, WakeCampaign};
use crate::clock::Clock;
use crate::db::Database;
use crate::db::words::{Word, tell};
use crate::domain::rules::Rules;
use crate::domain::settings::Settings;
use crate::rules::{Library, UnknownPack};
use crate::telemetry::Meters;

use super::Problem;

/// What all handlers of the API work with.
pub struct Board {
    /// Where everything is kept.
    pub database: Database,
    /// What time it is.
    pub clock: Clock,
    /// Every pack of rules that a campaign may name.
    pub library: Arc<Library>,
    /// What operators see.
    pub meters: Meters,
    /// With what campaigns will call.
    pub line: Line,
    /// Who runs the campaigns.
    pub runners: Runners,
}

/// With what campaigns will call: the account that they are started with, and the number of those that name none.
#[derive(Debug, Clone)]
pub enum Line {
    /// An account that is known.
    Known {
        /// The account.
        account_sid: String,
        /// The number; none if only servers know it.
        default_from: Option<String>,
    },
    /// It cannot be known. A server always knows.
    Unknown {
        /// Why, and what is to be done.
        why: String,
        /// The number of campaigns that are made meanwhile, if there is one that will do. They are drafts: none is started.
        default_from: Option<String>,
    },
}

/// Who runs the campaigns, and is told when there is something new about one.
#[derive(Debug, Clone)]
pub enum Runners {
    /// This process, as this node. It tells the others.
    Here {
        /// The node.
        node: Uuid,
        /// Which knows all campaigns that run here.
        supervisor: Addr<SupervisorActor>,
    },
    /// Others, if there are any.
    Others,
}

impl Board {
    /// The rules that settings name.
    pub(crate) fn rules(&self, settings: &Settings) -> Result<Rules, UnknownPack> {
        self.onlooker().rules(settings)
    }

    /// Whoever looks at campaigns here.
    pub(crate) fn onlooker(&self) -> Onlooker<'_> {
        let account_sid = match &self.line {
            Line::Known { account_sid, .. } => Some(account_sid.as_str()),
            Line::Unknown { .. } => None,
        };
        Onlooker { clock: &self.clock, library: &self.library, account_sid }
    }

    /// This node, to which campaigns may be given; none where nobody runs any.
    pub(super) fn node(&self) -> Option<Uuid> {
        match &self.runners {
            Runners::Here { node, .. } => Some(*node),
            Runners::Others => None,
        }
    }

    /// The account that a campaign is started with.
    pub(super) fn account_to_start_with(&self) -> Result<&str, Problem> {
        match &self.line {
            Line::Known { account_sid, .. } => Ok(account_sid),
            Line::Unknown { why, .. } => Err(Problem::invalid("bad-start", why)),
        }
    }

    /// The number that calls where a campaign names none.
    pub(crate) fn default_from(&self) -> Result<&str, Problem> {
        let why = match &self.line {
            Line::Known { default_from: Some(number), .. }
            | Line::Unknown { default_from: Some(number), .. } => return Ok(number),
            Line::Known { account_sid, default_from: None } => {
                format!("only the servers know the number that {account_sid} calls from")
            }
            Line::Unknown { why, default_from: None } => why.clone(),
        };
        let detail = format!("from: expected the number that calls, such as \"+12025550123\"; {why}");
        Err(Problem::invalid("bad-settings", detail))
    }

    /// Lets those look who run these campaigns. Whoever misses it finds out by itself within seconds.
    pub(super) async fn wake(&self, campaigns: &[Uuid]) {
        match &self.runners {
            Runners::Here { supervisor, .. } => {
                for campaign in campaigns {
                    supervisor.do_send(WakeCampaign { campaign: *campaign });
                }
            }
            Runners::Others => {
                let nobody = Uuid::now_v7();
                for word in [Word::Wake(campaigns.to_vec()), Word::Ownerless] {
                    if let Err(error) = tell(&self.database, nobody, &word).await {
                        let error = &error as &dyn std::error::Error;
                        debug!(error, "the servers could not be told");
                    }
                }
            }
        }
    }

    /// Lets what has been deleted be swept away. Servers do so by themselves every few minutes, too.
    pub(super) fn sweep(&self) {
        match &self.runners {
            Runners::Here { supervisor, .. } => supervisor.do_send(Sweep),
            Runners::Others => {}
        }
    }
}
