//! A firing of a campaign with a schedule: the start that it waited for has come, and a run is made of it. The run is a
//! campaign like all others, with an actor of its own; here nobody is called.

use chrono::TimeDelta;
use tracing::{info, warn};
use uuid::Uuid;

use crate::db::look::Look;
use crate::db::recurrence::{Expected, Fired, Skipped, fire};
use crate::db::{Error, Ownership};
use crate::domain::dialer::Because;
use crate::domain::recurrence::Recurrence;

use super::statistics::know_of_many;
use super::switchboard::Switchboard;
use super::turn::Carried;

/// How long is waited where there is nothing to do after all, which only a clock that was set back could bring about.
const LOOK_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

pub(super) async fn recur(
    board: &Switchboard,
    owner: Ownership,
    recurrence: &Recurrence,
    look: &Look,
) -> Result<Carried, Error> {
    let now = board.clock.now();
    let firing = look.starts_at.and_then(|firing_at| {
        let due = recurrence.due(&look.known.settings.timezone, firing_at, now)?;
        Some(Expected { firing_at, due, settings_version: look.known.settings_version })
    });
    let Some(expected) = firing else {
        return Ok(Carried::NotYet { until: now + LOOK_AGAIN_AFTER, because: Because::NotStarted });
    };
    let next = expected.due.next;
    if expected.due.missed {
        warn!(since = %expected.firing_at, "firings of the schedule were missed, because nothing ran at that time");
    }
    match fire(&board.database, owner, &expected, Uuid::now_v7(), now).await? {
        Fired::Run { run, contacts } => {
            info!(run.id = %run, contacts, %next, "made a run");
            know_of_many(&board.database, contacts);
            Ok(Carried::Made { run })
        }
        Fired::Skipped(Skipped::Missed) => Ok(Carried::Out),
        Fired::Skipped(Skipped::StillGoing { run }) => {
            warn!(run.id = %run, %next, "skipped a firing, because the last run still goes");
            Ok(Carried::Out)
        }
        Fired::Skipped(Skipped::MadeBefore) => {
            warn!(%next, "skipped a firing, because its run was made before");
            Ok(Carried::Out)
        }
        Fired::Overtaken => Ok(Carried::Out),
    }
}
