//! A length of time in words, in the largest unit that says it exactly: `90 minutes`, `24 hours`, `7 days`.

use chrono::TimeDelta;

/// A length of time, to be shown.
pub(super) struct Length(pub(super) TimeDelta);

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.num_seconds();
        let (number, unit) = if seconds % 86_400 == 0 && seconds > 86_400 {
            (seconds / 86_400, "day")
        } else if seconds % 3_600 == 0 {
            // What is counted by the day is called 24 hours, because it begins at no midnight.
            (seconds / 3_600, "hour")
        } else if seconds % 60 == 0 {
            (seconds / 60, "minute")
        } else {
            (seconds, "second")
        };
        write!(f, "{number} {unit}{}", if number == 1 { "" } else { "s" })
    }
}
