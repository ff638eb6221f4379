//! One run: campaigns drawn from a seed, the agenda worked off until all is quiet, and what came of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use chrono::{DateTime, TimeDelta, Timelike, Utc};

use crate::domain::answering_machine::{AnsweringMachine, Detect, OnMachine};
use crate::domain::area::Area;
use crate::domain::attempt::{Facts, Status};
use crate::domain::before_call::{BeforeCall, IfSilent};
use crate::domain::campaign::{Move, State};
use crate::domain::hours::{BusinessHours, SimpleHours, TimeOfDay};
use crate::domain::outcome::Outcome;
use crate::domain::pacing::Pacing;
use crate::domain::retry::{PolicyByOutcome, RetryPolicy, Rule, SimplePolicy, Span, WITH_RULES};
use crate::domain::roster;
use crate::domain::rules::tests::{around_the_clock, eight_to_nine};
use crate::domain::settings::Settings;
use crate::domain::settings::tests::settings;

use super::chance::Chance;
use super::flaw::Flaw;
use super::ledger::Promise;
use super::shell::{Desk, Memory, PLACE_GOOD_FOR, Turn};
use super::store::{Owner, Phone};
use super::world::{Event, Node, Shared, World};

const TICK: TimeDelta = TimeDelta::seconds(30);
const QUIET: TimeDelta = TimeDelta::minutes(2);

/// How long a stop in good order waits for calls that are being placed.
const STOPS_WITHIN: TimeDelta = TimeDelta::seconds(10);

/// The pause after a turn that failed.
const AFTER_FAILURE: TimeDelta = TimeDelta::milliseconds(500);

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) broken: Option<(Promise, String)>,
    pub(super) seen: BTreeMap<&'static str, u32>,
    pub(super) ended_at: DateTime<Utc>,
    pub(super) events: usize,
}

/// Runs the world of a seed. With `story`, everything that happens is printed.
pub(super) fn run(seed: u64, flaw: Option<Flaw>, story: bool) -> Report {
    let (world, events) =
        live(draw_world(seed, flaw), Limits { days: 90, events: 15_000, tick: TICK }, story);
    let world = world.borrow();
    Report {
        broken: world.ledger.broken.clone(),
        seen: world.ledger.seen().clone(),
        ended_at: world.now,
        events,
    }
}

/// Nobody's virtual life is longer: a run that is not quiet by then never will be.
pub(super) struct Limits {
    pub(super) days: i64,
    pub(super) events: usize,
    /// How soon after anything has happened the first tick comes.
    pub(super) tick: TimeDelta,
}

/// Works the agenda of a world off, and returns it with the number of events. With `story`, everything that happens is
/// printed.
pub(super) fn live(world: World, limits: Limits, story: bool) -> (Shared, usize) {
    let mut run = Run::begin(world, limits.tick);
    let begun_at = run.world.borrow().now;
    let mut events = 0;
    loop {
        let next = {
            let mut world = run.world.borrow_mut();
            let next = world.agenda.pop_first();
            next.map(|((at, _), event)| {
                world.now = at;
                event
            })
        };
        let Some(event) = next else {
            run.world.borrow_mut().check_end();
            break;
        };
        events += 1;
        if story {
            println!("{} {event:?}", run.world.borrow().now);
        }
        run.happen(event);
        let mut world = run.world.borrow_mut();
        if world.now - begun_at > TimeDelta::days(limits.days) || events > limits.events {
            world.ledger.accuse(Promise::NobodyForgotten, "it never comes to rest".to_owned());
        }
        if world.ledger.broken.is_some() {
            break;
        }
    }
    (run.world, events)
}

/// Campaigns that share numbers, and when they are started.
fn draw_world(seed: u64, flaw: Option<Flaw>) -> World {
    let mut world = World::new(seed, flaw);
    let numbers = world.chance.between(2, 8);
    for campaign in 0..world.chance.between(1, 3) as usize {
        let (mut settings, now) = (draw_settings(&mut world.chance), world.now);
        let (areas, mut rules) = (draw_areas(&mut world.chance), around_the_clock());
        let mut begins_at = now + world.chance.millis(0, 60_000);
        if world.chance.happens(0.2) {
            let closes_at = close_soon(&mut settings, now);
            let rings = TimeDelta::seconds(i64::from(settings.ring_seconds) + 6);
            begins_at = closes_at - rings - world.chance.millis(0, 1_500);
        } else if world.chance.happens(0.4) {
            // The hours of those who are called, and no others.
            settings.business_hours = BusinessHours::around_the_clock();
            rules = eight_to_nine();
        }
        let starts_at = world.chance.happens(0.3).then(|| now + world.chance.millis(0, 7_200_000));
        let mut phones: Vec<Phone> = (0..numbers as Phone).collect();
        phones.retain(|_| world.chance.happens(0.6));
        world.store.insert_campaign((settings, rules), starts_at, areas, &phones, now);
        world.schedule(begins_at, Event::Command { campaign, given: Move::Start });
    }
    world.schedule_in(3_600_000, 24 * 3_600_000, Event::Calm);
    world
}

type TurnUnderWay = Pin<Box<dyn Future<Output = (Turn, Memory)>>>;

/// A shell, and the turn that it is taking, if it is.
struct Shell {
    owner: Owner,
    turn: Option<TurnUnderWay>,
    look_again: bool,
    memory: Memory,
    /// Which setting of the timer counts.
    timer: u64,
}

struct Run {
    world: Shared,
    shells: BTreeMap<usize, Shell>,
    started: usize,
    granting: bool,
    tick_is_due: bool,
    tick: TimeDelta,
    next_tick_after: TimeDelta,
}

impl Run {
    fn begin(world: World, tick: TimeDelta) -> Self {
        let world = Rc::new(RefCell::new(world));
        let mut run = Self {
            world,
            shells: BTreeMap::new(),
            started: 0,
            granting: false,
            tick_is_due: false,
            tick,
            next_tick_after: tick,
        };
        run.start_node();
        run
    }

    fn happen(&mut self, event: Event) {
        if let Some(thaws_at) = self.frozen_until(&event) {
            self.world.borrow_mut().schedule(thaws_at, event);
            return;
        }
        match event {
            Event::Tick => {}
            Event::Resume { .. } | Event::Timer { .. } | Event::Wake { .. } | Event::Grant => {
                self.expect_tick()
            }
            _ => {
                self.next_tick_after = self.tick;
                self.expect_tick();
            }
        }
        match event {
            Event::Resume { shell } => self.poll(shell),
            Event::Timer { shell, setting } => {
                if self.shells.get(&shell).is_some_and(|shell| shell.timer == setting) {
                    self.wake(shell);
                }
            }
            Event::Wake { campaign } => self.wake_campaign(campaign),
            Event::Grant => self.grant(),
            Event::Arrive { attempt, sid } => self.world.borrow_mut().call_is_made(attempt, sid),
            Event::Callback { attempt, sid, report } => {
                if self.world.borrow().provider.went_through(sid, &report) {
                    self.hear(attempt, sid, &Facts::from(&report));
                }
            }
            Event::Command { campaign, given } => self.command(campaign, given),
            Event::Edit { campaign, settings } => {
                let world = &mut *self.world.borrow_mut();
                world.store.edit_settings(campaign, settings);
                world.send_wake(campaign);
            }
            Event::Suppress { phone } => {
                let world = &mut *self.world.borrow_mut();
                world.store.suppressions.entry(phone).or_insert(world.now);
                for campaign in world.store.list_campaigns_calling(phone) {
                    world.send_wake(campaign);
                }
            }
            Event::AskForCallback { contact, at } => self.ask_for_callback(contact, at),
            Event::Crash { node } => self.crash(node),
            Event::Freeze { node } => self.freeze(node),
            Event::Successor => self.start_node(),
            Event::Stop { node } => self.stop(node),
            Event::Leave { node, at_last } => self.leave(node, at_last),
            Event::Renew { node } => self.renew(node),
            Event::Tick => self.tick(),
            Event::Calm => self.calm_down(),
        }
    }

    /// A process that stands still does nothing, and everything in it happens when it goes on.
    fn frozen_until(&self, event: &Event) -> Option<DateTime<Utc>> {
        let world = self.world.borrow();
        let node = match event {
            Event::Resume { shell } | Event::Timer { shell, .. } => self.shells.get(shell)?.owner.node,
            Event::Renew { node } | Event::Stop { node } | Event::Leave { node, .. } => *node,
            _ => return None,
        };
        Some(world.nodes[node].frozen_until).filter(|thaws_at| *thaws_at > world.now)
    }

    /// After anything has happened a tick comes. While nothing comes in from outside they come ever less often: they
    /// would find what the last one found.
    fn expect_tick(&mut self) {
        if !std::mem::replace(&mut self.tick_is_due, true) {
            let at = self.world.borrow().now + self.next_tick_after;
            self.world.borrow_mut().schedule(at, Event::Tick);
        }
    }

    fn tick(&mut self) {
        self.tick_is_due = false;
        self.next_tick_after = (self.next_tick_after * 2).min(TimeDelta::hours(6));
        self.world.borrow_mut().check_rows();
        for node in self.nodes_at_work() {
            self.muster(node);
            let overdue = {
                let world = self.world.borrow();
                world.store.list_overdue(node, world.now, world.now - QUIET)
            };
            for campaign in overdue {
                self.expect_tick();
                self.wake_campaign(campaign);
            }
        }
        if self.nodes_at_work().len() < self.world.borrow().nodes.iter().filter(|node| node.is_up).count() {
            self.expect_tick();
        }
    }

    /// The processes that are up and do not stand still.
    fn nodes_at_work(&self) -> Vec<usize> {
        let world = self.world.borrow();
        let at_work = |node: &usize| {
            let Node { is_up, frozen_until, .. } = world.nodes[*node];
            is_up && frozen_until <= world.now
        };
        (0..world.nodes.len()).filter(at_work).collect()
    }

    /// A process that hears what comes in from outside, if there is one.
    fn somebody_at_work(&self) -> Option<usize> {
        let nodes = self.nodes_at_work();
        (!nodes.is_empty()).then(|| self.world.borrow_mut().chance.pick(&nodes))
    }

    fn start_node(&mut self) {
        let node = {
            let world = &mut *self.world.borrow_mut();
            let forever = DateTime::<Utc>::MAX_UTC;
            let now = world.now;
            world.nodes.push(Node {
                is_up: true,
                frozen_until: now,
                lease_until: forever,
                is_stopping: false,
                placing: 0,
                renews: false,
            });
            world.store.alive_until.push(forever);
            world.expect_renewals(now);
            world.nodes.len() - 1
        };
        self.renew(node);
    }

    fn renew(&mut self, node: usize) {
        if self.world.borrow_mut().renew(node) {
            self.muster(node);
        }
    }

    fn muster(&mut self, node: usize) {
        let owned = self.world.borrow().store.list_owned(node);
        let wanted = owned.iter().map(|owner| owner.campaign).map(campaign_id).collect();
        let here = self.shells.values().filter(|shell| shell.owner.node == node);
        let alive = here.map(|shell| campaign_id(shell.owner.campaign)).collect();
        let plan = roster::plan(&wanted, &alive);
        for owner in owned.into_iter().filter(|owner| plan.start.contains(&campaign_id(owner.campaign))) {
            self.started += 1;
            let shell = Shell { owner, turn: None, look_again: false, memory: Memory::default(), timer: 0 };
            self.shells.insert(self.started, shell);
            self.wake(self.started);
        }
        // One that is not wanted finds that out by looking, and stops by itself.
        let is_unwanted = |shell: &Shell| {
            shell.owner.node == node && plan.stop.contains(&campaign_id(shell.owner.campaign))
        };
        let unwanted: Vec<usize> =
            self.shells.iter().filter(|(_, shell)| is_unwanted(shell)).map(|(id, _)| *id).collect();
        for id in unwanted {
            self.wake(id);
        }
    }

    fn wake_campaign(&mut self, campaign: usize) {
        for node in self.nodes_at_work() {
            let here = |shell: &Shell| shell.owner.campaign == campaign && shell.owner.node == node;
            match self.shells.iter().find(|(_, shell)| here(shell)).map(|(id, _)| *id) {
                Some(shell) => self.wake(shell),
                None => self.muster(node),
            }
        }
    }

    fn wake(&mut self, id: usize) {
        let Some(shell) = self.shells.get_mut(&id) else { return };
        if shell.turn.is_some() {
            shell.look_again = true;
            return;
        }
        shell.timer += 1;
        shell.look_again = false;
        let desk = Desk { world: self.world.clone(), owner: shell.owner };
        let mut memory = std::mem::take(&mut shell.memory);
        shell.turn = Some(Box::pin(async move {
            let turn = desk.take_turn(&mut memory).await;
            (turn, memory)
        }));
        self.poll(id);
    }

    fn poll(&mut self, id: usize) {
        let Some(shell) = self.shells.get_mut(&id) else { return };
        let Some(turn) = &mut shell.turn else { return };
        match turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => {
                let world = &mut *self.world.borrow_mut();
                let until = world.sleeps_until.take().expect("a turn waits for nothing but time");
                world.schedule(until, Event::Resume { shell: id });
            }
            Poll::Ready((turn, memory)) => {
                shell.turn = None;
                shell.memory = memory;
                self.turned(id, turn);
            }
        }
    }

    fn turned(&mut self, id: usize, turn: Turn) {
        let now = self.world.borrow().now;
        let Some(shell) = self.shells.get_mut(&id) else { return };
        match turn {
            Turn::Failed => self.set_timer(id, now + AFTER_FAILURE),
            Turn::LookAgain => self.set_timer(id, now),
            _ if shell.look_again => self.set_timer(id, now),
            Turn::Wait { until, wants_place } => {
                shell.memory.place_good_until = None;
                if wants_place {
                    self.ask_for_place(id);
                }
                self.set_timer(id, until);
            }
            Turn::Stop => {
                let node = shell.owner.node;
                self.shells.remove(&id);
                self.muster(node);
            }
        }
    }

    fn set_timer(&mut self, id: usize, at: DateTime<Utc>) {
        let Some(shell) = self.shells.get_mut(&id) else { return };
        shell.timer += 1;
        let setting = shell.timer;
        self.world.borrow_mut().schedule(at, Event::Timer { shell: id, setting });
    }

    fn ask_for_place(&mut self, id: usize) {
        let world = &mut *self.world.borrow_mut();
        if !world.waiting.contains(&id) {
            world.waiting.push_back(id);
        }
        if !std::mem::replace(&mut self.granting, true) {
            let now = world.now;
            world.schedule(now, Event::Grant);
        }
    }

    /// Gives the next place to whoever has waited longest. One that finds him at work is lost.
    fn grant(&mut self) {
        let granted = {
            let world = &mut *self.world.borrow_mut();
            let closed = world.account.closed.filter(|_| world.flaw != Some(Flaw::IgnoresClosures));
            let closed_until = closed.map_or(world.now, |(until, _)| until);
            let free_at = world.account.next_place_at.max(closed_until);
            if world.waiting.is_empty() {
                self.granting = false;
                return;
            }
            let first = (free_at <= world.now).then(|| world.waiting.pop_front()).flatten();
            if first.is_some() {
                world.account.next_place_at = world.now + world.account.spacing();
            }
            let next_at = free_at.max(world.account.next_place_at);
            world.schedule(next_at, Event::Grant);
            first.map(|first| (first, world.now + PLACE_GOOD_FOR))
        };
        if let Some((first, good_until)) = granted
            && let Some(shell) = self.shells.get_mut(&first)
            && shell.turn.is_none()
        {
            shell.memory.place_good_until = Some(good_until);
            self.wake(first);
        }
    }

    /// A callback comes in, unless there is no process that hears it.
    fn hear(&mut self, attempt: usize, sid: usize, facts: &Facts) {
        if self.nodes_at_work().is_empty() {
            return;
        }
        let world = &mut *self.world.borrow_mut();
        let now = world.now;
        let settled = world.store.attempts[attempt].settled.is_some();
        world.ledger.saw(if settled { "callback after the settlement" } else { "callback" });
        if world.store.attempts[attempt].sid.is_none() {
            world.ledger.saw("callback before the answer");
        }
        let has_ended =
            world.store.attempts[attempt].facts.as_ref().is_some_and(|known| known.status.is_end());
        if has_ended && !settled && facts.status == Status::InProgress && facts.answered_by.is_some() {
            world.ledger.saw("verdict between the end and the settlement");
        }
        if world.store.record(attempt, sid, facts, true, now) {
            world.send_wake(world.store.attempts[attempt].campaign);
        }
    }

    fn command(&mut self, campaign: usize, given: Move) {
        let node = self.somebody_at_work();
        let world = &mut *self.world.borrow_mut();
        let Some(node) = node else {
            world.schedule_in(1_000, 5_000, Event::Command { campaign, given });
            return;
        };
        if !world.store.command(campaign, given, node, world.now) {
            return;
        }
        if given == Move::Pause {
            world.ledger.saw("paused by a person");
            world.schedule_in(200, 600_000, Event::Command { campaign, given: Move::Resume });
        }
        world.send_wake(campaign);
    }

    fn ask_for_callback(&mut self, contact: usize, at: DateTime<Utc>) {
        let node = self.somebody_at_work();
        let world = &mut *self.world.borrow_mut();
        let again = Event::AskForCallback { contact, at };
        let Some(node) = node else {
            world.schedule_in(1_000, 5_000, again);
            return;
        };
        world.callback_is_asked_for(contact, at, node);
        // Whoever got no answer asks again.
        if world.chance.happens(0.1) {
            world.schedule_in(0, 600_000, again);
        }
    }

    fn crash(&mut self, node: usize) {
        if !self.world.borrow().nodes[node].is_up {
            return;
        }
        let busy = self.shells.values().any(|shell| shell.owner.node == node && shell.turn.is_some());
        self.end_process(node);
        let world = &mut *self.world.borrow_mut();
        world.ledger.saw("crashes");
        if busy {
            world.ledger.saw("crashes in the middle of a turn");
        }
        let dies_at = world.now + world.chance.millis(10_000, 15_000);
        world.store.alive_until[node] = dies_at;
        world.schedule_in(200, 20_000, Event::Successor);
        world.expect_renewals(dies_at);
    }

    /// Nothing of a process is left but what it has written.
    fn end_process(&mut self, node: usize) {
        let world = &mut *self.world.borrow_mut();
        world.nodes[node].is_up = false;
        self.shells.retain(|_, shell| shell.owner.node != node);
        world.waiting.retain(|shell| self.shells.contains_key(shell));
    }

    /// Whoever is told to stop dials no more, and leaves when no call is being placed.
    fn stop(&mut self, node: usize) {
        let world = &mut *self.world.borrow_mut();
        let now = world.now;
        if world.nodes[node].is_up && !world.nodes[node].is_stopping {
            (world.nodes[node].is_stopping, world.nodes[node].lease_until) = (true, now);
            world.schedule_in(0, 50, Event::Leave { node, at_last: now + STOPS_WITHIN });
        }
    }

    fn leave(&mut self, node: usize, at_last: DateTime<Utc>) {
        {
            let world = &mut *self.world.borrow_mut();
            if !world.nodes[node].is_up {
                return;
            }
            if world.nodes[node].placing > 0 && world.now < at_last {
                world.schedule_in(50, 200, Event::Leave { node, at_last });
                return;
            }
        }
        self.end_process(node);
        let world = &mut *self.world.borrow_mut();
        world.ledger.saw("stopped in good order");
        let now = world.now;
        world.store.leave(node, now);
        world.schedule_in(200, 20_000, Event::Successor);
        world.expect_renewals(now);
    }

    /// The process stands still, and perhaps another takes over; then it goes on, and does not know.
    fn freeze(&mut self, node: usize) {
        let world = &mut *self.world.borrow_mut();
        if !world.nodes[node].is_up || world.nodes[node].frozen_until > world.now {
            return;
        }
        world.ledger.saw("standstills");
        let now = world.now;
        let lasts = if world.chance.happens(0.5) { 3_000 } else { 60_000 };
        let thaws_at = now + world.chance.millis(50, lasts);
        let sure_until = now + world.chance.millis(7_000, 12_000);
        world.nodes[node].frozen_until = thaws_at;
        if sure_until < thaws_at {
            world.nodes[node].lease_until = sure_until;
            world.store.alive_until[node] = sure_until + TimeDelta::seconds(3);
            world.expect_renewals(sure_until + TimeDelta::seconds(3));
            if world.chance.happens(0.7) {
                world.schedule_in(0, 20_000, Event::Successor);
            }
        }
        let renews_at = thaws_at + world.chance.millis(0, 1_000);
        world.nodes[node].renews = true;
        world.schedule(renews_at, Event::Renew { node });
    }

    fn calm_down(&mut self) {
        let world = &mut *self.world.borrow_mut();
        world.weather = Default::default();
        for campaign in 0..world.store.campaigns.len() {
            if world.store.campaigns[campaign].state == State::Paused {
                world.schedule_in(0, 60_000, Event::Command { campaign, given: Move::Resume });
            }
        }
    }
}

fn campaign_id(campaign: usize) -> uuid::Uuid {
    uuid::Uuid::from_u128(campaign as u128)
}

/// Where the people of a campaign may be: here and there, and some of them in either of two zones.
fn draw_areas(chance: &mut Chance) -> Vec<Area> {
    let zones = ["America/New_York", "America/Chicago,America/New_York", "Asia/Kolkata", "Pacific/Auckland"];
    let count = chance.between(1, zones.len() as i64) as usize;
    let area = |zones: &&str| Area::parse(Some(zones), "column", "").expect("zones that there are");
    zones[..count].iter().map(area).collect()
}

/// Lets the hours end soon: the first dial meets the last moment at which it may ring to its end.
fn close_soon(settings: &mut Settings, now: DateTime<Utc>) -> DateTime<Utc> {
    let rings_until = now.timestamp() + i64::from(settings.ring_seconds);
    let closes_at = now + TimeDelta::seconds(i64::from(settings.ring_seconds) + 120 - rings_until % 60);
    let local = settings.timezone.local(closes_at);
    let minute = i64::from(local.hour() * 60 + local.minute());
    settings.business_hours = BusinessHours::Simple(SimpleHours {
        enabled: true,
        days: (1..=7).collect(),
        start_time: time_of_day(minute + 16 * 60),
        end_time: time_of_day(minute),
    });
    closes_at
}

fn time_of_day(minute: i64) -> TimeOfDay {
    let text = format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    text.try_into().expect("hours and minutes are a time of day")
}

fn draw_rules(chance: &mut Chance) -> PolicyByOutcome {
    let steps: [&[&str]; 4] = [&["1s"], &["2m", "5m"], &["1h", "4h", "1d"], &["30s", "30m"]];
    let mut rules = BTreeMap::new();
    for outcome in WITH_RULES {
        if chance.happens(0.8) {
            let after = chance.pick(&steps).iter().map(|text| Span::parse(text).expect("a length of time"));
            let nobody_there = matches!(outcome, Outcome::NoAnswer | Outcome::Machine);
            let other_part_of_day = chance.happens(0.5) && nobody_there;
            rules.insert(outcome, Rule { after: after.collect(), other_part_of_day });
        }
    }
    PolicyByOutcome { max_attempts: chance.between(1, 4) as u32, rules }
}

fn draw_settings(chance: &mut Chance) -> Settings {
    let start = chance.between(0, 24 * 60 - 1);
    // Windows of a minute or three end in the middle of many a dial.
    let ring_seconds = chance.pick(&[15, 30, 300]);
    let rings = i64::from(ring_seconds) / 60 + 1;
    let length = if chance.happens(0.1) { rings + chance.between(0, 2) } else { chance.between(60, 12 * 60) };
    let mut days: Vec<u8> = (1..=7).collect();
    days.retain(|_| chance.happens(0.7));
    let business_hours = BusinessHours::Simple(SimpleHours {
        enabled: chance.happens(0.6) && !days.is_empty(),
        days,
        start_time: time_of_day(start),
        end_time: time_of_day(start + length),
    });
    let backoffs: [&[f64]; 4] = [&[0.02], &[0.05, 0.1], &[0.0], &[1.0, 4.0, 24.0]];
    let retry_policy = if chance.happens(0.5) {
        RetryPolicy::Simple(SimplePolicy {
            max_retries: chance.between(0, 3) as u32,
            backoff_hours: chance.pick(&backoffs).to_vec(),
            retryable_outcomes: vec![Outcome::NoAnswer, Outcome::Busy, Outcome::Failed, Outcome::Machine],
        })
    } else {
        RetryPolicy::ByOutcome(draw_rules(chance))
    };
    let hook = uuid::Uuid::from_u128(1);
    let before_call = BeforeCall { hook, timeout_seconds: 1, if_silent: IfSilent::Wait };
    let before_call = chance.happens(0.3).then_some(before_call);
    let detect = if chance.happens(0.3) { Detect::Fast } else { Detect::Off };
    Settings {
        business_hours,
        retry_policy,
        answering_machine: AnsweringMachine { detect, on_machine: OnMachine::Continue, message: None },
        pacing: Pacing { delay_seconds: chance.pick(&[0, 1, 10]) },
        ring_seconds,
        max_call_seconds: 900,
        before_call,
        ..settings()
    }
}
