//! How often somebody may ask: each key as often as is set, and whoever tries keys that nobody here has seen good only
//! slowly. It is kept in memory, by each node for itself. What no key is needed for is never limited.
//!
//! Who tries keys is told by the address that the connection comes from, and by nothing that a request says of itself.
//! Behind a proxy that is one address for all: so a key that was good lately is looked up whatever others try from there.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::mem::take;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, MonotonicClock, Reference};
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use uuid::Uuid;

use super::Problem;

/// Keys that an address may try at once, and how many a second from then on. Each costs a question to the database.
const TRIES_AT_ONCE: NonZeroU32 = NonZeroU32::new(120).expect("it is not 0");
const TRIES_PER_SECOND: NonZeroU32 = NonZeroU32::new(1).expect("it is not 0");

/// Addresses are put into so many boxes, by a hash that nobody outside can know, and share what their box may do: however
/// many there are, no more than this is remembered of them.
const BOXES: u64 = 4096;

/// Whoever has not asked for so long is forgotten, after twice that at the latest.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// The headers of draft-ietf-httpapi-ratelimit-headers-10: what is allowed, and what is left of it.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// How often a key may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLimit {
    /// Requests a second, in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once, after a rest.
    pub burst: NonZeroU32,
}

/// Counts who asks how often.
pub struct Gate<C: Clock = MonotonicClock> {
    keys: Option<Keys<C>>,
    strangers: RateLimiter<u64, HashMapStateStore<u64>, C, NoOpMiddleware<C::Instant>>,
    boxes: RandomState,
    known: Mutex<Known<C::Instant>>,
    clock: C,
}

struct Keys<C: Clock> {
    limit: KeyLimit,
    limiter: RateLimiter<Uuid, HashMapStateStore<Uuid>, C, StateInformationMiddleware>,
}

/// The hashes of keys that were good lately: of the present span, and of the one before.
struct Known<I> {
    present: HashSet<Vec<u8>>,
    past: HashSet<Vec<u8>>,
    turned_at: I,
}

/// How a key stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    limit: KeyLimit,
    left: u32,
}

impl Gate {
    /// Lets each key ask so often, or as often as it likes.
    pub fn new(limit: Option<KeyLimit>) -> Self {
        Self::with_clock(limit, MonotonicClock)
    }
}

impl<C: Clock + Clone> Gate<C> {
    fn with_clock(limit: Option<KeyLimit>, clock: C) -> Self {
        let keys = limit.map(|limit| {
            let quota = Quota::per_second(limit.per_second).allow_burst(limit.burst);
            Keys { limit, limiter: RateLimiter::hashmap_with_clock(quota, clock.clone()).with_middleware() }
        });
        let tries = Quota::per_second(TRIES_PER_SECOND).allow_burst(TRIES_AT_ONCE);
        Self {
            keys,
            strangers: RateLimiter::hashmap_with_clock(tries, clock.clone()),
            boxes: RandomState::new(),
            known: Mutex::new(Known {
                present: HashSet::new(),
                past: HashSet::new(),
                turned_at: clock.now(),
            }),
            clock,
        }
    }

    /// Whether the key with this hash may be looked up for somebody at this address.
    pub(super) fn may_try(&self, hash: &[u8], address: Option<IpAddr>) -> Result<(), Problem> {
        if self.known().has(hash) {
            return Ok(());
        }
        let tried = self.strangers.check_key(&self.box_of(address));
        tried.map_err(|until| {
            let detail =
                "too many API keys were tried from this address that are not known here; try again later";
            Problem::too_many(detail, until.wait_time_from(self.clock.now()))
        })
    }

    /// A key has proved good: it is looked up again whatever else comes from its address.
    pub(super) fn is_good(&self, hash: &[u8]) {
        let mut known = self.known();
        if !known.present.contains(hash) {
            known.present.insert(hash.to_vec());
        }
        let now = self.clock.now();
        if Duration::from(now.duration_since(known.turned_at)) >= FORGOTTEN_AFTER {
            known.turned_at = now;
            known.past = take(&mut known.present);
            drop(known);
            if let Some(keys) = &self.keys {
                keys.limiter.retain_recent();
                keys.limiter.shrink_to_fit();
            }
        }
    }

    /// A key has proved bad, though it may have been good before.
    pub(super) fn is_bad(&self, hash: &[u8]) {
        let mut known = self.known();
        known.present.remove(hash);
        known.past.remove(hash);
    }

    /// Counts a request of this key, and refuses it if there were too many. Says nothing if there is no limit.
    pub(crate) fn count(&self, key: Uuid) -> Result<Option<Standing>, Problem> {
        let Some(Keys { limit, limiter }) = &self.keys else { return Ok(None) };
        match limiter.check_key(&key) {
            Ok(state) => Ok(Some(Standing { limit: *limit, left: state.remaining_burst_capacity() })),
            Err(until) => {
                let KeyLimit { per_second, burst } = limit;
                let detail = format!(
                    "an API key may make {burst} requests at once and {per_second} a second in the long run; try again later"
                );
                Err(Problem::too_many(detail, until.wait_time_from(self.clock.now())))
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known<C::Instant>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever has an IPv6 address has 2^64 of them as a rule.
    fn box_of(&self, address: Option<IpAddr>) -> u64 {
        let network = match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => {
                Some(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))))
            }
            other => other,
        };
        self.boxes.hash_one(network) % BOXES
    }
}

impl<I> Known<I> {
    fn has(&self, hash: &[u8]) -> bool {
        self.present.contains(hash) || self.past.contains(hash)
    }
}

impl Standing {
    /// Tells whoever asks what is left.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        let KeyLimit { per_second, burst } = self.limit;
        let seconds = |requests: u32| requests.div_ceil(per_second.get());
        let policy = format!("\"key\";q={burst};w={}", seconds(burst.get()));
        let full_in = seconds(burst.get().saturating_sub(self.left));
        let left = format!("\"key\";r={};t={full_in}", self.left);
        for (name, text) in [(POLICY, policy), (LEFT, left)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn gate(per_second: u32, burst: u32) -> (Gate<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let limit = KeyLimit {
            per_second: NonZeroU32::new(per_second).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
        };
        (Gate::with_clock(Some(limit), clock.clone()), clock)
    }

    fn seconds_of(refused: Problem) -> u64 {
        let told: serde_json::Value = serde_json::from_str(&refused.to_json(None)).unwrap();
        assert_eq!((&told["status"], &told["type"]), (&429.into(), &"urn:outdial:too-many-requests".into()));
        told["retry_after_seconds"].as_u64().unwrap()
    }

    #[test]
    fn a_key_asks_in_bursts_and_in_the_long_run_as_often_as_is_set_and_another_key_for_itself() {
        let (gate, clock) = gate(2, 4);
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let left = |key| gate.count(key).map(|standing| standing.unwrap().left);
        assert_eq!([3, 2, 1, 0].map(|_| left(one).unwrap()), [3, 2, 1, 0]);
        assert_eq!(seconds_of(left(one).unwrap_err()), 1, "half a second, rounded up");
        assert_eq!(left(other).unwrap(), 3);
        clock.advance(Duration::from_millis(499));
        assert!(left(one).is_err());
        clock.advance(Duration::from_millis(1));
        assert_eq!(left(one).unwrap(), 0);
        clock.advance(Duration::from_secs(2));
        assert_eq!(left(one).unwrap(), 3);
        assert_eq!(Gate::new(None).count(one).unwrap(), None);
    }

    #[test]
    fn what_is_left_is_told_as_the_draft_has_it() {
        let (gate, _) = gate(2, 5);
        let mut headers = HeaderMap::new();
        gate.count(Uuid::nil()).unwrap().unwrap().tell(&mut headers);
        assert_eq!(headers.get(POLICY).unwrap(), "\"key\";q=5;w=3");
        assert_eq!(headers.get(LEFT).unwrap(), "\"key\";r=4;t=1");
    }

    #[test]
    fn whoever_tries_keys_becomes_slow_and_holds_up_nobody_whose_key_was_good_lately() {
        let (gate, clock) = gate(2, 4);
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let proxy = address("192.0.2.1");
        gate.may_try(b"good", proxy).unwrap();
        gate.is_good(b"good");
        let tries = (0..1000).take_while(|n: &u32| gate.may_try(&n.to_be_bytes(), proxy).is_ok()).count();
        assert_eq!(tries, 119, "one was the good one's");
        assert_eq!(seconds_of(gate.may_try(b"guess", proxy).unwrap_err()), 1);
        // The same one in other words.
        assert!(gate.may_try(b"guess", address("::ffff:192.0.2.1")).is_err());
        gate.may_try(b"good", proxy).unwrap();
        clock.advance(Duration::from_secs(1));
        gate.may_try(b"guess", proxy).unwrap();
        assert!(gate.may_try(b"guess", proxy).is_err());
        gate.is_bad(b"good");
        assert!(gate.may_try(b"good", proxy).is_err(), "it was revoked");
    }

    #[test]
    fn a_network_of_version_6_is_one_address_and_no_number_of_them_is_remembered() {
        let (gate, _) = gate(2, 4);
        let box_of = |text: &str| gate.box_of(Some(text.parse().unwrap()));
        assert_eq!(box_of("2001:db8::1"), box_of("2001:db8::ffff:1"));
        for n in 0..20_000 {
            let _ = gate.may_try(b"guess", Some(Ipv4Addr::from_bits(n).into()));
        }
        assert!(gate.strangers.len() <= 4096, "{}", gate.strangers.len());
    }

    #[test]
    fn keys_that_rest_are_forgotten() {
        let (gate, clock) = gate(2, 4);
        for n in 0..100 {
            gate.count(Uuid::from_u128(n)).unwrap();
            gate.is_good(&n.to_be_bytes());
        }
        for _ in 0..2 {
            clock.advance(FORGOTTEN_AFTER);
            gate.is_good(b"another");
        }
        assert_eq!(gate.keys.as_ref().unwrap().limiter.len(), 0);
        assert!(!gate.known().has(&7_u128.to_be_bytes()));
    }
}
