//! The pause between the end of one call and the start of the next.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The longest pause that can be set: an hour.
pub const LONGEST_DELAY_SECONDS: u32 = 3600;

/// How a campaign paces its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pacing {
    /// Seconds from the end of one call to the start of the next.
    pub delay_seconds: u32,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { delay_seconds: 10 }
    }
}

impl Pacing {
    /// From when on the next call may start.
    pub fn ready_at(self, last_call_ended_at: DateTime<Utc>) -> DateTime<Utc> {
        last_call_ended_at + TimeDelta::seconds(i64::from(self.delay_seconds))
    }
}
