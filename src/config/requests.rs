//! How often an API key may ask, and how much at a time.

use std::num::NonZeroU32;

use super::reader::Reader;

/// How often an API key may ask of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimit {
    /// Requests a second, in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once, after a rest.
    pub burst: NonZeroU32,
}

impl RequestLimit {
    /// What holds where nothing is said: more than people and pages ask, less than a loop that has run away.
    pub const USUAL: Self = Self {
        per_second: NonZeroU32::new(100).expect("it is not 0"),
        burst: NonZeroU32::new(1000).expect("it is not 0"),
    };
}

/// How many streams of events and downloads an API key may have open at a time at one server, where nothing is said.
pub const STREAMS_OF_A_KEY: usize = 1200;

/// More than that is as good as no limit.
const MOST: u32 = 1_000_000;

pub(super) fn read<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<RequestLimit> {
    let usual = RequestLimit::USUAL;
    let asked = reader.parse(
        "OUTDIAL_REQUESTS_PER_SECOND",
        "a whole number from 1 to 1000000, or 0 for no limit",
        |count: &u32| *count <= MOST,
    );
    let burst =
        reader.parse("OUTDIAL_REQUEST_BURST", "a whole number from 1 to 1000000", |count: &NonZeroU32| {
            count.get() <= MOST
        });
    let burst = burst.unwrap_or(usual.burst);
    let per_second = asked.map_or(Some(usual.per_second), NonZeroU32::new);
    per_second.map(|per_second| RequestLimit { per_second, burst })
}

pub(super) fn read_streams<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> usize {
    let asked = reader.parse("OUTDIAL_KEY_STREAMS", "a whole number from 1 to 1000000", |count: &u32| {
        (1..=MOST).contains(count)
    });
    asked.and_then(|count| usize::try_from(count).ok()).unwrap_or(STREAMS_OF_A_KEY)
}
