//! The world in which the shells run: the time, the agenda of what is to come, and everything outside the process.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::attempt::Report;
use crate::domain::before_call::{HookStanding, Word};
use crate::domain::campaign::Move;
use crate::domain::dialer::{AccountView, Closure};
use crate::domain::settings::Settings;

use super::chance::Chance;
use super::flaw::Flaw;
use super::ledger::Ledger;
use super::provider::Provider;
use super::store::{Owner, Phone, Sid, Store};
use super::weather::Weather;
use super::year::Watch;

/// Beyond so many processes at a time none is started beside the others.
const MOST_NODES: usize = 3;

/// Something that is to happen.
#[derive(Debug)]
pub(super) enum Event {
    /// What a shell's step waited for has come.
    Resume {
        shell: usize,
    },
    /// A shell's timer runs out, if it was not set anew since.
    Timer {
        shell: usize,
        setting: u64,
    },
    /// A message reaches whoever runs the campaign.
    Wake {
        campaign: usize,
    },
    /// The next place among the account's calls per second may be given.
    Grant,
    /// A request to place a call arrives at the provider.
    Arrive {
        attempt: usize,
        sid: Sid,
    },
    Callback {
        attempt: usize,
        sid: Sid,
        report: Report,
    },
    Command {
        campaign: usize,
        given: Move,
    },
    /// A person edits a campaign's settings.
    Edit {
        campaign: usize,
        settings: Arc<Settings>,
    },
    Suppress {
        phone: Phone,
    },
    /// Somebody asks to be called at an instant.
    AskForCallback {
        contact: usize,
        at: DateTime<Utc>,
    },
    Crash {
        node: usize,
    },
    Freeze {
        node: usize,
    },
    /// A new process starts.
    Successor,
    /// A process is told to stop.
    Stop {
        node: usize,
    },
    /// It leaves when no call is being placed any more, or at this instant.
    Leave {
        node: usize,
        at_last: DateTime<Utc>,
    },
    /// A node renews its lease and takes over what has no living owner.
    Renew {
        node: usize,
    },
    Tick,
    /// From here on nothing goes wrong any more.
    Calm,
}

/// A process.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) is_up: bool,
    pub(super) frozen_until: DateTime<Utc>,
    /// Until when it is sure of its lease itself.
    pub(super) lease_until: DateTime<Utc>,
    /// Whether it was told to stop, and neither renews its lease nor dials any more.
    pub(super) is_stopping: bool,
    /// Calls that are being placed.
    pub(super) placing: u32,
    /// Whether it is to renew its lease before long.
    pub(super) renews: bool,
}

/// The provider account's row.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) next_place_at: DateTime<Utc>,
    pub(super) closed: Option<(DateTime<Utc>, Closure)>,
    /// Since when it has been closed without a break.
    pub(super) closed_since: DateTime<Utc>,
    troubles: u32,
    spacing: TimeDelta,
}

impl Account {
    /// How long a place lasts: a second at least as long as nobody knows whether the provider works again.
    pub(super) fn spacing(&self) -> TimeDelta {
        if self.troubles > 0 { self.spacing.max(TimeDelta::seconds(1)) } else { self.spacing }
    }
}

pub(super) struct World {
    pub(super) now: DateTime<Utc>,
    pub(super) chance: Chance,
    pub(super) weather: Weather,
    pub(super) flaw: Option<Flaw>,
    pub(super) store: Store,
    pub(super) account: Account,
    pub(super) provider: Provider,
    pub(super) ledger: Ledger,
    /// How things stand with the server that some campaigns want to be asked before each call.
    pub(super) hook: HookStanding,
    /// Who judges the hours of each request, where the ledger leaves it to somebody else.
    pub(super) watch: Option<Watch>,
    pub(super) nodes: Vec<Node>,
    /// Shells that wait for a place, the first one longest.
    pub(super) waiting: VecDeque<usize>,
    pub(super) agenda: BTreeMap<(DateTime<Utc>, u64), Event>,
    entries: u64,
    /// Until when the shell that was just polled sleeps.
    pub(super) sleeps_until: Option<DateTime<Utc>>,
}

pub(super) type Shared = Rc<RefCell<World>>;

impl World {
    pub(super) fn new(seed: u64, flaw: Option<Flaw>) -> Self {
        let mut chance = Chance::from_seed(seed);
        // A fortnight around the night in which New York's clocks are set forward.
        let now = DateTime::from_timestamp(1_772_323_200 + chance.between(0, 14 * 86_400), 0)
            .expect("an instant of March 2026");
        let weather = Weather::draw(&mut chance);
        Self::at(now, chance, weather, flaw)
    }

    pub(super) fn at(now: DateTime<Utc>, mut chance: Chance, weather: Weather, flaw: Option<Flaw>) -> Self {
        let spacing = chance.pick(&[TimeDelta::milliseconds(200), TimeDelta::seconds(1)]);
        Self {
            now,
            chance,
            weather,
            flaw,
            store: Store::new(flaw),
            account: Account { next_place_at: now, closed: None, closed_since: now, troubles: 0, spacing },
            provider: Provider::default(),
            ledger: Ledger::default(),
            hook: HookStanding::Answers,
            watch: None,
            nodes: Vec::new(),
            waiting: VecDeque::new(),
            agenda: BTreeMap::new(),
            entries: 0,
            sleeps_until: None,
        }
    }

    pub(super) fn schedule(&mut self, at: DateTime<Utc>, event: Event) {
        self.entries += 1;
        self.agenda.insert((at.max(self.now), self.entries), event);
    }

    pub(super) fn schedule_in(&mut self, low: i64, high: i64, event: Event) {
        let at = self.now + self.chance.millis(low, high);
        self.schedule(at, event);
    }

    /// Sends a wake-up, which may be lost.
    pub(super) fn send_wake(&mut self, campaign: usize) {
        if !self.chance.happens(self.weather.lost_wakes) {
            self.schedule_in(0, 20, Event::Wake { campaign });
        }
        if self.chance.happens(0.05) {
            self.schedule_in(0, 2_000, Event::Wake { campaign });
        }
    }

    /// What people and fate do to a campaign that is about to dial.
    pub(super) fn disturb(&mut self, Owner { campaign, node, .. }: Owner) {
        if self.chance.happens(self.weather.pauses) {
            self.schedule_in(0, 1_500, Event::Command { campaign, given: Move::Pause });
        }
        if self.chance.happens(self.weather.pauses / 20.0) {
            self.schedule_in(0, 60_000, Event::Command { campaign, given: Move::Cancel });
        }
        if self.chance.happens(self.weather.crashes) {
            self.schedule_in(0, 1_500, Event::Crash { node });
        }
        if self.chance.happens(self.weather.freezes) {
            self.schedule_in(0, 1_000, Event::Freeze { node });
        }
        if self.chance.happens(self.weather.joins) && self.living().count() < MOST_NODES {
            self.schedule_in(0, 5_000, Event::Successor);
        }
        if self.chance.happens(self.weather.stops) {
            self.schedule_in(0, 1_500, Event::Stop { node });
        }
    }

    /// A contact that has just been claimed may opt out, before the telephone rings or while it does.
    pub(super) fn perhaps_opt_out(&mut self, attempt: usize) {
        let phone = self.store.attempts[attempt].phone;
        if self.chance.happens(self.weather.suppressions) {
            self.schedule_in(0, 1_500, Event::Suppress { phone });
        }
    }

    /// Or it may ask to be called at another time, before, during or after its call.
    pub(super) fn perhaps_ask_for_callback(&mut self, attempt: usize) {
        let contact = self.store.attempts[attempt].contact;
        if self.chance.happens(self.weather.callbacks_asked_for) {
            let at = self.now + self.chance.millis(0, 7_200_000);
            let soon = self.chance.pick(&[20_000, 3_600_000]);
            self.schedule_in(0, soon, Event::AskForCallback { contact, at });
        }
    }

    /// The processes that are up.
    pub(super) fn living(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].is_up)
    }

    /// A node renews its lease, hands over what is more than its share, and takes what has no living owner. Returns false
    /// if it is down or about to be.
    pub(super) fn renew(&mut self, node: usize) -> bool {
        self.nodes[node].renews = false;
        if !self.nodes[node].is_up || self.nodes[node].is_stopping {
            return false;
        }
        let (now, forever) = (self.now, DateTime::<Utc>::MAX_UTC);
        (self.nodes[node].lease_until, self.store.alive_until[node]) = (forever, forever);
        if self.store.hand_over(node, now) {
            self.ledger.saw("handed over");
        }
        if self.store.take_over(node, now) {
            self.ledger.saw("taken over");
        }
        let dying =
            self.store.alive_until.iter().filter(|until| (now..forever).contains(*until) && **until > now);
        match dying.min().copied() {
            _ if !self.store.is_evenly_shared(now) => self.expect_renewals(now),
            Some(dies_at) => self.expect_renewals(dies_at),
            None => {}
        }
        true
    }

    /// Every process renews its lease every five seconds. That it does is an event only where it may change something.
    pub(super) fn expect_renewals(&mut self, from: DateTime<Utc>) {
        for node in self.living().collect::<Vec<_>>() {
            if !std::mem::replace(&mut self.nodes[node].renews, true) {
                let at = from + self.chance.millis(1, 5_000);
                self.schedule(at, Event::Renew { node });
            }
        }
    }

    pub(super) fn lease_is_held(&self, node: usize) -> bool {
        self.nodes[node].lease_until > self.now
    }

    pub(super) fn account_view(&self) -> AccountView {
        match self.account.closed.filter(|_| self.flaw != Some(Flaw::IgnoresClosures)) {
            Some((until, because)) if until > self.now => AccountView::Closed { until, because },
            _ => AccountView::Open { next_place_at: self.account.next_place_at },
        }
    }

    /// For as long as the provider has asked for, or else ever longer.
    pub(super) fn close_account(&mut self, because: Closure, asked_for: Option<TimeDelta>) {
        let seconds = asked_for.map_or(60.min(1 << self.account.troubles.min(10)), |span| span.num_seconds());
        self.account.troubles += 1;
        if self.account.closed.is_none_or(|(until, _)| until <= self.now) {
            self.account.closed_since = self.now;
        }
        let until = self.now + TimeDelta::seconds(seconds);
        let known = self.account.closed.map_or(until, |(known, _)| known);
        self.account.closed = Some((until.max(known), because));
    }

    /// What the server says that is asked before a call, if it says anything, and how long that takes.
    pub(super) fn draw_word(&mut self) -> (Option<Word>, TimeDelta) {
        let takes = self.chance.millis(5, 900);
        let word = match self.chance.share() {
            draw if draw < self.weather.silent_servers => None,
            draw if draw < self.weather.silent_servers + self.weather.vetoes => {
                Some(Word::Veto { reason: None })
            }
            draw if draw < self.weather.silent_servers + 2.0 * self.weather.vetoes => {
                let until = self.now + self.chance.millis(0, 7_200_000);
                Some(Word::Postpone { until, reason: None })
            }
            _ => Some(Word::Call),
        };
        self.ledger.saw(match &word {
            None => "no word",
            Some(Word::Call) => "agreed to a call",
            Some(Word::Veto { .. }) => "vetoed",
            Some(Word::Postpone { .. }) => "postponed",
        });
        (word, takes)
    }

    /// It is left alone until then, unless it already is.
    pub(super) fn hook_is_silent(&mut self, until: DateTime<Utc>) {
        if !matches!(self.hook, HookStanding::Silent { until, .. } if until > self.now) {
            self.hook = HookStanding::Silent { until, why: "no answer".to_owned() };
        }
    }

    pub(super) fn clear_troubles(&mut self) {
        if matches!(self.account_view(), AccountView::Open { .. }) {
            (self.account.troubles, self.account.closed) = (0, None);
        }
    }
}

/// Sleeps in the world's time.
pub(super) struct Sleep<'a> {
    pub(super) world: &'a Shared,
    pub(super) until: DateTime<Utc>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut world = self.world.borrow_mut();
        if world.now >= self.until {
            return Poll::Ready(());
        }
        world.sleeps_until = Some(self.until);
        Poll::Pending
    }
}
