//! What the steps of all campaigns of a node are carried out with.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use uuid::Uuid;

use crate::clock::{Clock, Stopwatch};
use crate::db::attempts::{Settlement, settle};
use crate::db::look::Look;
use crate::db::retention::Keep;
use crate::db::{Database, Error, Ownership};
use crate::domain::Moment;
use crate::domain::dialer::{AccountView, CampaignView};
use crate::domain::outcome::Outcome;
use crate::domain::rules::Rules;
use crate::domain::settings::Settings;
use crate::domain::spend::PriceQuestion;
use crate::receivers::Poster;
use crate::rules::{Library, UnknownPack};
use crate::telemetry::{Meters, Part, Said, Tracer};
use crate::twilio::callbacks::CallbackUrls;
use crate::twilio::client::{Client, ReadError};

use super::lease::Lease;
use super::place::Pace;
use super::speech::Speeches;
use super::turn::Memory;

/// What the steps of all campaigns of a node are carried out with.
#[derive(Clone)]
pub struct Switchboard {
    /// Where everything is kept.
    pub database: Database,
    /// What time it is.
    pub clock: Clock,
    /// The way to the provider.
    pub client: Client,
    /// Where the provider reports to.
    pub urls: CallbackUrls,
    /// The way to the servers of others.
    pub poster: Poster,
    /// The provider account.
    pub account_sid: String,
    /// How fast its calls may follow each other.
    pub pace: Pace,
    /// This node.
    pub node: Uuid,
    /// Whether this node is surely alive to the others.
    pub lease: Lease,
    /// The campaigns that are another node's share, and are let go of when their call is over.
    pub leaving: Leaving,
    /// The calls that are being placed.
    pub placing: Placing,
    /// Every pack of rules that a campaign may name.
    pub library: Arc<Library>,
    /// What is heard in the calls that are under way here.
    pub speeches: Speeches,
    /// For how long what is known of people is kept.
    pub keep: Keep,
    /// What operators see of the node.
    pub meters: Meters,
    /// Where the parts of a call's life are told.
    pub tracer: Tracer,
}

/// The campaigns that this node hands over as soon as nobody is on the phone.
#[derive(Debug, Clone, Default)]
pub struct Leaving(Arc<Mutex<HashSet<Uuid>>>);

impl Leaving {
    /// From now on it is these.
    pub(super) fn set(&self, campaigns: impl IntoIterator<Item = Uuid>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = campaigns.into_iter().collect();
    }

    /// Whether a campaign is one of them.
    pub(super) fn contains(&self, campaign: Uuid) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&campaign)
    }
}

/// Counts the calls that are being placed, from before the claim until what came of the request is written, so that a
/// graceful stop can wait for them.
#[derive(Debug, Clone, Default)]
pub struct Placing(Arc<AtomicUsize>);

impl Placing {
    /// One more is under way, until the guard is dropped.
    pub(super) fn begin(&self) -> UnderWay {
        self.0.fetch_add(1, Ordering::AcqRel);
        UnderWay(self.0.clone())
    }

    /// How many are under way.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// A call is being placed as long as this is there.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// When an attempt was intended, as its id says.
fn instant_of(attempt: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = attempt.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

impl Switchboard {
    /// This moment, with a fresh draw of chance.
    pub fn moment(&self) -> Moment {
        Moment { now: self.clock.now(), jitter: rand::rng().random_range(0.0..1.0) }
    }

    /// Settles an attempt, and counts it. Returns what [`settle`] returns.
    pub(super) async fn settle(
        &self,
        owner: Ownership,
        settlement: &Settlement,
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let since = Stopwatch::start();
        let settled = settle(&self.database, owner, settlement, now).await?;
        if settled {
            self.settled(owner, settlement.attempt, settlement.outcome, since);
        }
        Ok(settled)
    }

    /// Counts a settled attempt, and tells the end of its life.
    pub(super) fn settled(&self, owner: Ownership, attempt: Uuid, outcome: Outcome, since: Stopwatch) {
        self.meters.settled(outcome);
        if self.tracer.is_on() {
            let said = [("campaign.id", Said::Id(owner.campaign)), ("outcome", Said::Word(outcome.as_str()))];
            let (begun, ended) = self.span(since);
            self.tracer.tell(attempt, Part::Settle, (begun, ended), &said);
            let intended_at = instant_of(attempt).unwrap_or(begun);
            self.tracer.tell(attempt, Part::Call, (intended_at, ended), &said);
        }
    }

    /// From when a stopwatch was started until now, on the clock's course.
    pub(super) fn span(&self, since: Stopwatch) -> (DateTime<Utc>, DateTime<Utc>) {
        let now = self.clock.now();
        let ago = TimeDelta::from_std(since.elapsed() * self.clock.speed()).unwrap_or_default();
        (now - ago, now)
    }

    /// Measures what may be asked of the provider more than once, by its kind.
    pub async fn reads<T>(
        &self,
        kind: &'static str,
        asked: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        let since = Stopwatch::start();
        let answer = asked.await;
        let result = answer.as_ref().map_or_else(ReadError::as_word, |_| "ok");
        self.meters.asked_provider(kind, result, since.elapsed());
        answer
    }

    /// The rules that settings name.
    pub fn rules(&self, settings: &Settings) -> Result<Rules, UnknownPack> {
        self.onlooker().rules(settings)
    }

    /// What `next_step` sees of a look, for the actor that looked under `epoch`.
    pub(super) fn view(&self, look: &Look, epoch: i64, memory: &Memory) -> CampaignView {
        let owned = look.node == Some(self.node) && look.epoch == epoch;
        let lease_held = self.lease.is_held() && self.clock.is_set();
        let (said_yes, place_in_hand) = (memory.consent.is_some(), memory.place.is_some());
        let seen = self.onlooker().view_of_anybody(look);
        CampaignView { owned, said_yes, place_in_hand, lease_held, ..seen }
    }

    /// Whoever looks at campaigns beside this node.
    pub fn onlooker(&self) -> Onlooker<'_> {
        Onlooker { clock: &self.clock, library: &self.library, account_sid: Some(&self.account_sid) }
    }
}

/// Whoever looks at campaigns that may be anybody's, and what he judges them by.
#[derive(Debug, Clone, Copy)]
pub struct Onlooker<'a> {
    /// What time it is.
    pub clock: &'a Clock,
    /// Every pack of rules that a campaign may name.
    pub library: &'a Library,
    /// The provider account; none if it is not known which one will call.
    pub account_sid: Option<&'a str>,
}

impl Onlooker<'_> {
    /// The rules that settings name, if they are all there.
    pub fn rules(&self, settings: &Settings) -> Result<Rules, UnknownPack> {
        self.library.select(settings.rules.iter().map(String::as_str))
    }

    /// What `next_step` would see if the campaign were here and had a place: for those who ask what it waits for.
    pub fn view_of_anybody(&self, look: &Look) -> CampaignView {
        let now = self.clock.now();
        let ahead =
            |span: Duration| now + TimeDelta::from_std(span * self.clock.speed()).unwrap_or(TimeDelta::MAX);
        let account = match look.closed {
            Some((span, because)) => AccountView::Closed { until: ahead(span), because },
            None => AccountView::Open { next_place_at: ahead(look.next_place_in) },
        };
        CampaignView {
            state: look.state,
            owned: true,
            same_account: match (look.account_sid.as_deref(), self.account_sid) {
                (Some(started_with), Some(ours)) => started_with == ours,
                (None, _) | (_, None) => true,
            },
            settings: look.known.settings.clone(),
            rules: self.rules(&look.known.settings).ok(),
            zone_missing: !look.missing_zones.is_empty(),
            starts_at: look.starts_at,
            open: look.open.clone(),
            revived: look.revived,
            last_call_ended_at: look.last_call_ended_at,
            call_day: look.call_day,
            limit_left: look.limit_left,
            spend: look.spend,
            price_question: look
                .unpriced
                .as_ref()
                .map(|call| PriceQuestion { attempt: call.attempt, ask_at: call.ask_at }),
            recent: look.recent.clone(),
            queues: look.queues.clone(),
            has_unfinished: look.has_unfinished,
            account,
            lease_held: true,
            hook: look.hook.clone(),
            said_yes: false,
            place_in_hand: true,
        }
    }
}
