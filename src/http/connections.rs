//! How many may be connected at one time, and how long they may take to say what they want. Whoever holds connections
//! open without a word must not take from the dialer what it calls with.

use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

/// How long somebody may take to send the head of a request.
pub const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// How long somebody may take to send a body that is not an upload.
pub(super) const BODY_WITHIN: Duration = Duration::from_secs(5);

/// How long somebody may pause in the middle of an upload.
pub(super) const GOES_ON_WITHIN: Duration = Duration::from_secs(15);

/// More connections than this are not waited on at one time, whatever the system allows: others wait in its queue.
const MOST: u64 = 4096;

/// How many may be connected at one time. It first asks the system for as many open files as this process may have.
pub fn most_connections() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
        // Where it is not granted, what there is has to do.
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    share_of(limit.current)
}

/// Half of the files that may be open; the other half are the database's, the provider's and the lists'.
fn share_of(files: Option<u64>) -> usize {
    let share = files.map_or(MOST, |files| (files / 2).min(MOST)).max(1);
    usize::try_from(share).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_files_are_left_to_the_dialer() {
        assert_eq!(share_of(Some(1024)), 512);
        assert_eq!(share_of(Some(1)), 1);
        assert_eq!(share_of(Some(1 << 20)), 4096);
        assert_eq!(share_of(None), 4096);
    }
}
