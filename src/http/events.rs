//! `/api/v1/events` and `/api/v1/campaigns/{id}/events`: what happened, a page at a time, or as it happens as server-sent
//! events (HTML Living Standard, 9.2), to whoever asks for `text/event-stream`.
//!
//! A stream is read from the outbox up to the present, and then follows on with what this node tells all who follow. Whoever
//! comes again with `Last-Event-ID` misses nothing and is told nothing twice.

use std::collections::BTreeSet;
use std::time::Duration;

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, HeaderName};
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::debug;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db::Error;
use crate::db::campaigns::find_campaign;
use crate::db::events::{EventFilter, last_position, list_events, list_progress};
use crate::db::keys::is_still_good;
use crate::db::sessions::is_open;
use crate::domain::access::Permission;
use crate::domain::event::EventKind;
use crate::events::{News, Portion, Told, ToldEvent, ToldProgress};

use super::auth::Caller;
use super::body::Query;
use super::openapi::describe;
use super::page::{self, Page};
use super::resource::{Methods, resource};
use super::{Api, Problem};

/// How long nothing is said at most: proxies cut connections that are silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Events that are read at once from the outbox.
const READ_AT_ONCE: i64 = 500;

/// How many read from the outbox at the same time. A thousand who come back together must not take the database from those
/// who call people.
pub const READERS: usize = 2;

/// How long a reader waits after the database failed.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// After how many milliseconds whoever lost the connection should come again.
const COME_AGAIN_AFTER: u32 = 2000;

/// What is said of a campaign's progress, which is no event of the outbox.
const PROGRESS: &str = "campaign.progress";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/events").get(Permission::EventsRead, of_team).described(describe![of_team]),
        resource("/campaigns/{id}/events")
            .get(Permission::EventsRead, of_campaign)
            .described(describe![of_campaign]),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// The event after which others are wanted. Without it, pages begin with the very first, and streams with what happens
    /// from now on.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// How many a page holds, 50 unless it is said. Streams have none.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// The kinds that are wanted, with commas between; all unless it is said. `campaign.progress` is one of streams only.
    #[param(example = "attempt.ended,contact.completed")]
    kinds: Option<String>,
}

/// Tells what happens
///
/// With `Accept: text/event-stream` as server-sent events, as it happens: each with its `id`, its kind as `event` and itself
/// as `data`. Whoever comes again with `Last-Event-ID` misses nothing and is told nothing twice. `campaign.progress` has no
/// `id`: it comes twice a second at most while something happens, and is not told again.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "list_events", tag = "events",
    params(
        EventsQuery,
        ("Last-Event-ID" = Option<i64>, Header, description = "The last event that was heard; goes before `after`"),
    ),
    responses((status = 200, description = "A page of events, or all that happen", content(
        (EventsPage<'static> = "application/json"), (String = "text/event-stream"),
    ))),
)]
async fn of_team(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    Query(query): Query<EventsQuery>,
) -> Result<HttpResponse, Problem> {
    tell(api, caller, &request, query, None).await
}

/// Tells what happens to a campaign
///
/// As for the whole team. A stream begins with how far it is.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/events", operation_id = "list_events_of_campaign", tag = "events",
    params(
        EventsQuery,
        ("Last-Event-ID" = Option<i64>, Header, description = "The last event that was heard; goes before `after`"),
    ),
    responses((status = 200, description = "A page of its events, or all that happen", content(
        (EventsPage<'static> = "application/json"), (String = "text/event-stream"),
    ))),
)]
async fn of_campaign(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    request: HttpRequest,
    Query(query): Query<EventsQuery>,
) -> Result<HttpResponse, Problem> {
    if find_campaign(&api.board.database, caller.team, *id).await?.is_none() {
        return Err(Problem::not_found("campaign"));
    }
    tell(api, caller, &request, query, Some(*id)).await
}

async fn tell(
    api: web::Data<Api>,
    caller: Caller,
    request: &HttpRequest,
    query: EventsQuery,
    campaign: Option<Uuid>,
) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::parse(query.kinds.as_deref())?;
    if !wants_stream(request) {
        let filter = EventFilter { team: Some(caller.team), campaign, kinds: wanted.kinds };
        let page = read_page(&api, &filter, query.after.unwrap_or(0), page::limit(query.limit)?).await?;
        return Ok(page.respond_to(request));
    }
    if query.limit.is_some() {
        return Err(Problem::invalid("bad-limit", "expected no limit with a stream"));
    }
    let seen = match last_event_id(request)? {
        Some(id) => Some(id),
        None => query.after,
    };
    let under_way = api.long_answers.begin(caller.key)?;
    let news = api.events.follow();
    let present = last_position(&api.board.database).await?;
    let after = match seen {
        None => present,
        Some(after @ 0..) if after <= present => after,
        Some(other) => {
            let detail = format!("the last event is {other}, expected one from 0 to {present}");
            return Err(Problem::invalid("bad-last-event-id", detail));
        }
    };
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let reading = Reading::Outbox;
    let follower = Follower { api, caller, campaign, wanted, after, news, reading, heartbeat, is_new: true };
    let chunks = futures_util::stream::unfold(follower, |mut follower| async move {
        let chunk = follower.next_chunk().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), follower))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies that collect answers before they pass them on, such as nginx, do not with this one.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(under_way.of(chunks)))
}

fn wants_stream(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(header) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let id = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    id.map(Some).ok_or_else(|| {
        Problem::invalid("bad-last-event-id", "expected in Last-Event-ID the number that an event came with")
    })
}

/// A page of events.
#[derive(Serialize, ToSchema)]
struct EventsPage<'a> {
    /// The events, in the order of their ids.
    events: Vec<ToldEvent<'a>>,
    /// What to ask for next. There is always more to come, so this is null only where nothing has happened yet.
    next: Option<After>,
}

/// The place after which the next page begins.
#[derive(Serialize, ToSchema)]
#[schema(as = AfterEvent)]
struct After {
    /// The query's `after`: the last event that was shown.
    after: i64,
}

async fn read_page(api: &Api, filter: &EventFilter, after: i64, limit: i64) -> Result<Page, Problem> {
    let read = list_events(&api.board.database, filter, after, limit).await?;
    let last = Some(read.until).filter(|until| *until > 0);
    let events = read.events.iter().map(ToldEvent::from).collect();
    let page = EventsPage { events, next: last.map(|after| After { after }) };
    Ok(Page::of(&page, page.next.as_ref()))
}

/// The kinds that somebody wants to hear of.
#[derive(Debug)]
struct Wanted {
    kinds: Option<Vec<EventKind>>,
    progress: bool,
}

impl Wanted {
    fn parse(kinds: Option<&str>) -> Result<Self, Problem> {
        let Some(kinds) = kinds else { return Ok(Self { kinds: None, progress: true }) };
        let mut wanted = Self { kinds: Some(Vec::new()), progress: false };
        for kind in kinds.split(',').map(str::trim) {
            if kind == PROGRESS {
                wanted.progress = true;
                continue;
            }
            let kind = EventKind::parse(kind);
            let kind = kind.map_err(|unknown| Problem::invalid("bad-filter", unknown.to_string()))?;
            wanted.kinds.get_or_insert_default().push(kind);
        }
        Ok(wanted)
    }

    fn has(&self, kind: EventKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// Where a follower reads on.
enum Reading {
    /// In the outbox: it has not come to the present yet, or has fallen behind.
    Outbox,
    /// In what is told as it happens.
    News,
}

/// Somebody who follows, and how far he has heard.
struct Follower {
    api: web::Data<Api>,
    caller: Caller,
    campaign: Option<Uuid>,
    wanted: Wanted,
    /// The position up to which all that he wants is told.
    after: i64,
    news: Receiver<News>,
    reading: Reading,
    heartbeat: Interval,
    is_new: bool,
}

impl Follower {
    /// What is said next; nothing if there is no more to be said to him.
    async fn next_chunk(&mut self) -> Option<web::Bytes> {
        if std::mem::take(&mut self.is_new) {
            // The first tick comes at once.
            self.heartbeat.tick().await;
            return Some(format!("retry: {COME_AGAIN_AFTER}\n\n").into());
        }
        loop {
            let chunk = match self.reading {
                Reading::Outbox => {
                    let api = self.api.clone();
                    let Some(_turn) = turn_before_beat(&api.readers, &mut self.heartbeat).await else {
                        return self.beat().await;
                    };
                    match self.read_on().await {
                        Ok(chunk) => chunk,
                        Err(error) => {
                            debug!(
                                error = &error as &dyn std::error::Error,
                                "a follower cannot be told for now"
                            );
                            tokio::time::sleep(READ_AGAIN_AFTER).await;
                            continue;
                        }
                    }
                }
                Reading::News => tokio::select! {
                    news = self.news.recv() => self.hear(news)?,
                    _ = self.heartbeat.tick() => return self.beat().await,
                },
            };
            if !chunk.is_empty() {
                return Some(chunk.into());
            }
        }
    }

    /// Reads on in the outbox, up to the present if that is not far. It is his turn.
    async fn read_on(&mut self) -> Result<Vec<u8>, Error> {
        let database = &self.api.board.database;
        let kinds = self.wanted.kinds.clone();
        let filter = EventFilter { team: Some(self.caller.team), campaign: self.campaign, kinds };
        // Whatever is placed after this is told as news.
        let present = last_position(database).await?;
        let read = list_events(database, &filter, self.after, READ_AT_ONCE).await?;
        let (events, has_come_to_present) = (read.events, !read.may_be_more);
        self.after = self.after.max(read.until);
        if has_come_to_present {
            self.after = self.after.max(present);
            self.reading = Reading::News;
        }
        let mut chunk = Vec::new();
        for event in &events {
            write_event(&mut chunk, &Told::from(event));
        }
        if has_come_to_present && self.wanted.progress {
            // What was told of their progress meanwhile, he may not have heard.
            let concerned: BTreeSet<Uuid> =
                events.iter().map(|event| event.campaign).chain(self.campaign).collect();
            let concerned: Vec<Uuid> = concerned.into_iter().collect();
            // It is told anew with the next event, and what was read of these must not be lost for it.
            for progress in list_progress(database, &concerned).await.unwrap_or_default() {
                write_progress(&mut chunk, &ToldProgress::from(&progress));
            }
        }
        Ok(chunk)
    }

    /// What is to be said of the news; nothing at all if there will be no more.
    fn hear(&mut self, news: Result<News, RecvError>) -> Option<Vec<u8>> {
        let mut chunk = Vec::new();
        match news {
            Ok(News::Events(portion)) => self.hear_events(&portion, &mut chunk),
            Ok(News::Progress(progress)) if self.wanted.progress => {
                for progress in
                    progress.iter().filter(|progress| self.is_concerned(progress.team, progress.campaign))
                {
                    write_progress(&mut chunk, &ToldProgress::from(progress));
                }
            }
            Ok(News::Progress(_)) => {}
            Err(RecvError::Lagged(_)) => self.reading = Reading::Outbox,
            Err(RecvError::Closed) => return None,
        }
        Some(chunk)
    }

    fn hear_events(&mut self, portion: &Portion, chunk: &mut Vec<u8>) {
        if portion.after > self.after {
            self.reading = Reading::Outbox;
            return;
        }
        for told in portion.events.iter().filter(|told| told.position > self.after) {
            if self.is_concerned(told.team, told.campaign) && self.wanted.has(told.kind) {
                write_event(chunk, told);
            }
        }
        self.after = self.after.max(portion.until());
    }

    fn is_concerned(&self, team: Uuid, campaign: Uuid) -> bool {
        team == self.caller.team && self.campaign.is_none_or(|wanted| wanted == campaign)
    }

    /// Says that the connection is alive, and how far all has been told. Who has no good key any more, or has signed out, hears
    /// nothing more.
    async fn beat(&mut self) -> Option<web::Bytes> {
        // While the database cannot be asked there is nothing to be told either.
        let may_hear = self.may_hear().await.unwrap_or(true);
        may_hear.then(|| format!(": heartbeat\nid: {}\n\n", self.after).into())
    }

    async fn may_hear(&self) -> Result<bool, Error> {
        let board = &self.api.board;
        if let Some(key) = self.caller.key
            && !is_still_good(&board.database, key, board.clock.now()).await?
        {
            return Ok(false);
        }
        match &self.caller.session {
            Some(session) => is_open(&board.database, session.as_bytes()).await,
            None => Ok(true),
        }
    }
}

/// Waits for the turn to read in the outbox, or until it is time to say that the connection is alive, which goes before:
/// nothing then. Many may wait for a turn, and whoever hears nothing for long takes the connection for dead.
async fn turn_before_beat<'a>(
    readers: &'a Semaphore,
    heartbeat: &mut Interval,
) -> Option<SemaphorePermit<'a>> {
    tokio::select! {
        biased;
        _ = heartbeat.tick() => None,
        turn = readers.acquire() => turn.ok(),
    }
}

fn write_event(chunk: &mut Vec<u8>, told: &Told) {
    chunk.extend_from_slice(format!("id: {}\nevent: {}\ndata: ", told.position, told.kind).as_bytes());
    // JSON has no line ends of its own.
    chunk.extend_from_slice(&told.json);
    chunk.extend_from_slice(b"\n\n");
}

fn write_progress(chunk: &mut Vec<u8>, progress: &ToldProgress) {
    let json = serde_json::to_string(progress).expect("progress has only text for keys");
    chunk.extend_from_slice(format!("event: {PROGRESS}\ndata: {json}\n\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn who_waits_for_a_turn_is_told_meanwhile_that_the_connection_is_alive() {
        let readers = Semaphore::new(1);
        let (mut seldom, mut often) =
            (interval(Duration::from_secs(3600)), interval(Duration::from_millis(5)));
        seldom.tick().await;
        let reads = turn_before_beat(&readers, &mut seldom).await;
        assert!(reads.is_some(), "nobody else reads");
        for _ in 0..3 {
            assert!(turn_before_beat(&readers, &mut often).await.is_none(), "somebody reads");
        }
        drop(reads);
        assert!(turn_before_beat(&readers, &mut seldom).await.is_some());
    }
}
