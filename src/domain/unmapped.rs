//! What a campaign does about people whose time zone neither the list nor their number tells: numbers that are free for
//! the caller, area codes that are newer than the tables.

use serde::{Deserialize, Serialize};

use super::hours::{Schedule, Week, Window};
use super::zone::Zone;

/// What is done about people whose zone nothing tells; on the wire `"block"`, `"campaign-zone"`, or
/// `{"safe-window": {"timezone": "America/New_York", "window": ["14:00", "20:00"]}}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnUnmapped {
    /// They are not called.
    #[default]
    Block,
    /// They are taken to be in the campaign's zone.
    CampaignZone,
    /// They are called in a window that is narrow enough for wherever they may be.
    SafeWindow(SafeWindow),
}

/// A window on every day, on the clock of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafeWindow {
    /// The zone.
    pub timezone: Zone,
    /// When it is open.
    pub window: Window,
}

impl SafeWindow {
    /// The window as a schedule.
    pub fn schedule(&self) -> Schedule {
        Schedule::weekly(Week::daily(self.window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_nothing_else_is() {
        for text in [
            r#""block""#,
            r#""campaign-zone""#,
            r#"{"safe-window":{"timezone":"America/New_York","window":["14:00","20:00"]}}"#,
        ] {
            let read: OnUnmapped = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        for text in [
            r#""allow""#,
            r#"{"safe-window":{"timezone":"Mars/Olympus","window":["14:00","20:00"]}}"#,
            r#"{"safe-window":{"timezone":"America/New_York","window":["14:00","14:00"]}}"#,
            r#"{"safe-window":{"timezone":"America/New_York"}}"#,
        ] {
            assert!(serde_json::from_str::<OnUnmapped>(text).is_err(), "{text}");
        }
    }
}
