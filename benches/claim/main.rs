//! What a claim costs: whether it grows with the list, with those who wait for a retry, or with the zones that are
//! closed. Three campaigns of 10,000, 100,000 and 1,000,000 contacts share the table; half of each wait for a retry that
//! is due tomorrow, and five of the ten areas of each are closed.
//!
//! Commits are not waited for, so that nothing hides what the claim itself takes. Beside it: what the look before each
//! step takes, how many decisions a second the rules let one core make, and how long a forecast takes.

#![expect(unreachable_pub, reason = "nothing of a bench is reached from outside")]

#[path = "../support/mod.rs"]
mod support;

use std::hint::black_box;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use outdial::clock::Stopwatch;
use outdial::db::attempts::{Claim, Settlement, Whose, attempt_id, claim_next, settle};
use outdial::db::forecast::read_forecast;
use outdial::db::look::{KnownArea, look};
use outdial::db::{Database, Ownership, Tls};
use outdial::domain::area::Area;
use outdial::domain::contact::ContactState;
use outdial::domain::contactable::{Person, Terms};
use outdial::domain::dialer::ready_queues;
use outdial::domain::forecast::{Limits, estimate, forecast};
use outdial::domain::outcome::Outcome;
use outdial::domain::retry::Verdict;
use outdial::domain::rules::Rules;
use outdial::domain::settings::Settings;
use outdial::rules::Library;
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use support::Spread;
use support::cluster::Cluster;

const ROUNDS: usize = 5;

/// Claims of each campaign in each round.
const CLAIMS: u32 = 500;

const DECISIONS: u32 = 200_000;

/// Calls of the past, to other people: the server plans for a table that is in use, and not for an empty one.
const PAST_CALLS: u32 = 200_000;

const CONTACTS: [u32; 3] = [10_000, 100_000, 1_000_000];

const ACCOUNT: &str = "AC00000000000000000000000000000be7";

/// Noon in New York on a Monday: it is open in the first five areas, and night in the others.
const NOW: &str = "2026-03-02T17:00:00Z";

const ZONES: [&str; 10] = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Chicago,America/New_York",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Asia/Shanghai",
];

fn id(number: u32) -> Uuid {
    Uuid::from_u128(number.into())
}

#[actix_web::main]
async fn main() {
    let cluster = Cluster::start().await;
    let psql = cluster.connect().await;
    println!("\nclaim: what the next contact costs\n");
    support::machine::describe(&psql, cluster.directory()).await;
    let mut config = cluster.config();
    config.options("-c synchronous_commit=off");
    let database = Database::new(config, Tls::Off).expect("a pool");
    outdial::db::migrate(&database).await.expect("the schema");
    let now: DateTime<Utc> = NOW.parse().expect("an instant");
    let settings = settings();
    let library = Library::shipped().expect("the shipped packs");
    let rules = library.select(settings.rules.iter().map(String::as_str)).expect("packs that there are");
    for (campaign, contacts) in (1..).zip(CONTACTS) {
        insert(&psql, campaign, contacts, &settings, now).await;
    }
    insert_past(&psql).await;
    psql.batch_execute("VACUUM ANALYZE").await.expect("statistics");

    let mut claims: [Spread; 3] = Default::default();
    let mut looks: [Spread; 3] = Default::default();
    let mut growth = Spread::default();
    for _ in 0..ROUNDS {
        let mut seconds = [0.0; 3];
        for (place, campaign) in (1..=3).enumerate() {
            let campaign =
                Campaign { database: &database, id: id(campaign), settings: &settings, rules: &rules };
            let (claim, look) = campaign.measure(now).await;
            claims[place].add(f64::from(CLAIMS) / claim);
            looks[place].add(f64::from(CLAIMS) / look);
            seconds[place] = claim;
        }
        growth.add(seconds[2] / seconds[0]);
    }
    let rows: Vec<Vec<String>> = CONTACTS
        .iter()
        .zip(claims.iter().zip(&looks))
        .map(|(contacts, (claims, looks))| vec![contacts.to_string(), claims.show(0), looks.show(0)])
        .collect();
    support::print_table(&["contacts", "claims a second", "looks a second"], &rows);
    println!(
        "a claim among {} costs {} times as much as one among {} (aim: at most 1.3)",
        CONTACTS[2],
        growth.show(2),
        CONTACTS[0]
    );
    let decided = decisions(&database, &settings, &rules, now).await;
    println!("decisions a second on one core: {}", decided.show(0));
    let foreseen = forecasts(&database, &settings, &rules, now).await;
    println!("seconds for the forecast of {} contacts: {}\n", CONTACTS[2], foreseen.show(2));
    drop((psql, database));
    cluster.stop().await;
}

/// Settings that go by the rules of every state.
fn settings() -> Settings {
    serde_json::from_value(json!({
        "from": "+13125550100", "default_region": "US", "timezone": "America/New_York", "pacing": {},
        "business_hours": {"enabled": false}, "retry_policy": {}, "ring_seconds": 30, "max_call_seconds": 1800,
        "rules": ["us", "us-states"], "caps": {"per_day": 3},
    }))
    .expect("settings")
}

/// A running campaign of a node that lives, its contacts one after the other in each of the areas.
async fn insert(psql: &Client, campaign: u32, contacts: u32, settings: &Settings, now: DateTime<Utc>) {
    const SQL: &str = "
        INSERT INTO teams (id, name) VALUES ('@team', 'bench') ON CONFLICT DO NOTHING;
        INSERT INTO nodes (id, name, started_at, alive_until)
            VALUES ('@team', 'bench', now(), now() + interval '1 day') ON CONFLICT DO NOTHING;
        INSERT INTO campaigns (id, team_id, name, state, account_sid, settings, agent, import, created_at,
                               pending, node, epoch)
            VALUES ('@campaign', '@team', 'bench', 'running', '@account', '@settings', '{}', '{}', '@now',
                    @contacts, '@team', 1);
        INSERT INTO areas (campaign_id, team_id, number, zones, told_by, places)
            SELECT '@campaign', '@team', n - 1, zones, 'column', ''
            FROM unnest(ARRAY['@zones']) WITH ORDINALITY AS named (zones, n);
        INSERT INTO contacts (id, team_id, campaign_id, position, phone, metadata, file_row, raw_phone, area,
                              state, due_at, timed, updated_at)
            SELECT gen_random_uuid(), '@team', '@campaign', n, '+1@nth' || lpad(n::text, 9, '0'),
                   '{\"Company\": \"Acme\"}', n, '', n % 10, 'pending',
                   timestamptz '@now' + CASE WHEN n / 10 % 2 = 0 THEN interval '1 day' ELSE interval '0' END,
                   n / 10 % 2 = 0, '@now'
            FROM generate_series(1, @contacts) n;";
    let sql = SQL
        .replace("@team", &id(1).to_string())
        .replace("@campaign", &id(campaign).to_string())
        .replace("@account", ACCOUNT)
        .replace("@settings", &serde_json::to_string(settings).expect("settings"))
        .replace("@contacts", &contacts.to_string())
        .replace("@zones", &ZONES.join("','"))
        .replace("@nth", &campaign.to_string())
        .replace("@now", &now.to_rfc3339());
    psql.batch_execute(&sql).await.expect("the contacts");
}

async fn insert_past(psql: &Client) {
    const SQL: &str = "
        INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone,
                              from_phone, intended_at, outcome, settled_at)
            SELECT gen_random_uuid(), '@team', '@team', gen_random_uuid(), 1, 1, 1, '+19' || lpad(n::text, 9, '0'),
                   'us', timestamptz '@now' - interval '1 day', 'busy', '@now'
            FROM generate_series(1, @calls) n";
    let sql = SQL.replace("@team", &id(1).to_string()).replace("@now", NOW);
    psql.batch_execute(&sql.replace("@calls", &PAST_CALLS.to_string())).await.expect("the past");
}

struct Campaign<'a> {
    database: &'a Database,
    id: Uuid,
    settings: &'a Settings,
    rules: &'a Rules,
}

impl Campaign<'_> {
    /// Seconds that the claims took, and the looks before them. Each call comes to nothing and is not tried again.
    async fn measure(&self, now: DateTime<Utc>) -> (f64, f64) {
        let owner = Ownership { campaign: self.id, node: id(1), epoch: 1 };
        let terms = Terms::of(self.settings, self.rules);
        let (mut claimed, mut looked, mut known) = (0.0, 0.0, None);
        for _ in 0..CLAIMS {
            let watch = Stopwatch::start();
            let seen =
                look(self.database, self.id, ACCOUNT, known).await.expect("a look").expect("a campaign");
            let ready = ready_queues(&seen.queues, &terms, now);
            looked += watch.elapsed().as_secs_f64();
            let watch = Stopwatch::start();
            let claim = claim_next(
                self.database,
                (owner, seen.team),
                &terms,
                (&ready, Whose::Anybody),
                (attempt_id(now), now),
            )
            .await
            .expect("a claim");
            claimed += watch.elapsed().as_secs_f64();
            let Claim::Attempt(attempt) = claim else { panic!("expected an attempt, got {claim:?}") };
            let settlement = Settlement {
                attempt: attempt.id,
                outcome: Outcome::Busy,
                verdict: Verdict::Failed,
                call_ended_at: Some(now),
                error: None,
                last_word: None,
            };
            assert!(settle(self.database, owner, &settlement, now).await.expect("a settlement"));
            known = Some(seen.known);
        }
        (claimed, looked)
    }
}

/// What becomes of the longest list: read, judged, and how long it takes.
async fn forecasts(database: &Database, settings: &Settings, rules: &Rules, now: DateTime<Utc>) -> Spread {
    let terms = Terms::of(settings, rules);
    let limits = |_: &Settings, areas: &[Arc<Area>], at| Limits::of(&terms, areas, at);
    let mut seconds = Spread::default();
    for _ in 0..ROUNDS {
        let watch = Stopwatch::start();
        let reading = read_forecast(database, (id(1), id(3)), ACCOUNT, limits, now).await;
        let reading = reading.expect("a reading").expect("a campaign");
        black_box(forecast(&reading.standing, &terms, now, now));
        black_box(estimate(&reading.standing, &reading.past, &terms, now));
        seconds.add(watch.elapsed().as_secs_f64());
    }
    seconds
}

/// Whether somebody may be called, asked about people in all areas at all hours of a week.
async fn decisions(database: &Database, settings: &Settings, rules: &Rules, now: DateTime<Utc>) -> Spread {
    let seen = look(database, id(1), ACCOUNT, None).await.expect("a look").expect("a campaign");
    let known = |area: &KnownArea| match area {
        KnownArea::Whole(area) => area.clone(),
        KnownArea::ZoneMissing(zone) => panic!("{zone} is bundled"),
    };
    let areas: Vec<Arc<Area>> = seen.known.areas.iter().map(known).collect();
    let terms = Terms::of(settings, rules);
    let mut rate = Spread::default();
    for _ in 0..ROUNDS {
        let watch = Stopwatch::start();
        for number in 0..DECISIONS {
            let area = &areas[number as usize % areas.len()];
            let (state, calls) = (ContactState::Pending, [now - TimeDelta::hours(2)]);
            let at = now + TimeDelta::minutes(i64::from(number) % (7 * 24 * 60));
            let person = Person { state, due_at: Some(now), area, is_suppressed: false, calls: &calls };
            black_box(terms.decide(&person, at));
        }
        rate.add(f64::from(DECISIONS) / watch.elapsed().as_secs_f64());
    }
    rate
}
