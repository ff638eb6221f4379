//! The provider account's row: its places among the calls per second, and when and why it gives none.
//!
//! Places are real time by the database's clock on every node, so spans go in and out and instants stay inside.

use std::time::Duration;

use crate::domain::dialer::Closure;

use super::{Database, Error, execute, query, query_one, query_opt};

/// For how long an account is closed at most, whatever the provider asks for: afterwards it is asked again.
const LONGEST_CLOSURE: Duration = Duration::from_secs(3600);

/// The account that a server calls with, as the server knows it.
#[derive(Debug, Clone, Copy)]
pub struct OwnAccount<'a> {
    /// The account.
    pub sid: &'a str,
    /// The number that calls where a campaign names none.
    pub default_from: &'a str,
    /// Whether nobody is really called.
    pub is_simulated: bool,
}

/// Makes sure that the account has its row, which says what its servers say of it.
pub async fn ensure(database: &Database, own: OwnAccount<'_>) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO accounts (sid, next_place_at, default_from, is_simulated)
        VALUES ($1, clock_timestamp(), $2, $3)
        ON CONFLICT (sid) DO UPDATE SET default_from = excluded.default_from, is_simulated = excluded.is_simulated";
    let OwnAccount { sid, default_from, is_simulated } = own;
    execute(&database.client().await?, SQL, &[&sid, &default_from, &is_simulated]).await?;
    Ok(())
}

/// An account that a server has called with, or is about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAccount {
    /// The account.
    pub sid: String,
    /// The number that its servers call from where a campaign names none; none if none has said it yet.
    pub default_from: Option<String>,
    /// Whether nobody is really called with it; none if no server has said it yet.
    pub is_simulated: Option<bool>,
    /// Whether a server of it is alive.
    pub is_alive: bool,
}

/// All accounts.
pub async fn list_accounts(database: &Database) -> Result<Vec<KnownAccount>, Error> {
    const SQL: &str = "
        SELECT sid, default_from, is_simulated,
               EXISTS (SELECT FROM living_nodes WHERE account_sid = sid) AS is_alive
        FROM accounts ORDER BY sid";
    let rows = query(&database.client().await?, SQL, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(KnownAccount {
                sid: row.try_get("sid")?,
                default_from: row.try_get("default_from")?,
                is_simulated: row.try_get("is_simulated")?,
                is_alive: row.try_get("is_alive")?,
            })
        })
        .collect()
}

/// Whether nobody is really called with an account; none if no server has said it.
pub async fn find_simulated(database: &Database, sid: &str) -> Result<Option<bool>, Error> {
    const SQL: &str = "SELECT is_simulated FROM accounts WHERE sid = $1";
    let row = query_opt(&database.client().await?, SQL, &[&sid]).await?;
    Ok(row.map(|row| row.try_get::<_, Option<bool>>("is_simulated")).transpose()?.flatten())
}

/// What came of asking for places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Places {
    /// The first place comes after this span, each further one a spacing later.
    Granted {
        /// How long from now.
        after: Duration,
        /// How long each of them lasts.
        spacing: Duration,
        /// How many they are.
        count: u32,
    },
    /// The account gives no places for so long.
    Closed {
        /// How long from now.
        for_another: Duration,
    },
}

/// Takes the account's next `count` places, each of which lasts `spacing`. As long as nobody knows whether the provider works
/// again it is one at a time, of a second at least: the calls that find out do not all come at once.
///
/// Places are taken shortly before they come, and no account is closed for more than an hour. What lies further ahead was
/// reckoned before the database's clock was set back, and is not waited for.
pub async fn take_places(
    database: &Database,
    sid: &str,
    count: u32,
    spacing: Duration,
) -> Result<Places, Error> {
    const TAKE: &str = "
        UPDATE accounts
        SET next_place_at = make_interval(secs => now.count * spacing) + greatest(
                clock_timestamp(),
                CASE WHEN next_place_at <= clock_timestamp() + interval '1 minute' + make_interval(secs => 10 * spacing)
                THEN next_place_at END
            )
        FROM (SELECT CASE WHEN troubles > 0 THEN greatest($2::float8, 1) ELSE $2::float8 END AS spacing,
                     CASE WHEN troubles > 0 THEN 1 ELSE $3::int END AS count
              FROM accounts WHERE sid = $1) AS now
        WHERE sid = $1 AND (closed_until IS NULL OR NOT closed_until BETWEEN clock_timestamp() AND clock_timestamp() + interval '1 hour')
        RETURNING extract(epoch FROM next_place_at - clock_timestamp())::float8 - now.count * spacing AS after, spacing,
                  now.count";
    const CLOSED: &str = "
        SELECT coalesce(extract(epoch FROM closed_until - clock_timestamp()), 0)::float8 AS left
        FROM accounts WHERE sid = $1";
    let client = database.client().await?;
    let most = i32::try_from(count).unwrap_or(i32::MAX);
    if let Some(row) = query_opt(&client, TAKE, &[&sid, &spacing.as_secs_f64(), &most]).await? {
        return Ok(Places::Granted {
            after: span(row.try_get("after")?),
            spacing: span(row.try_get("spacing")?),
            count: crate::db::count(&row, "count")?,
        });
    }
    let row = query_one(&client, CLOSED, &[&sid]).await?;
    Ok(Places::Closed { for_another: span(row.try_get("left")?) })
}

/// Closes the account: for as long as the provider asked, an hour at most, or else for a span that doubles with every
/// trouble in a row, from one second to a minute. What was under way when it was closed is no further trouble: many
/// campaigns meet the same one together. Returns for how long.
pub async fn close(
    database: &Database,
    sid: &str,
    because: Closure,
    asked_for: Option<Duration>,
) -> Result<Duration, Error> {
    const SQL: &str = "
        UPDATE accounts
        SET troubles = troubles + is_new::int,
            closed_because = $2,
            closed_until = greatest(
                closed_until,
                clock_timestamp()
                    + make_interval(secs => coalesce($3, least(2 ^ least(troubles + is_new::int - 1, 10), 60)))
            )
        FROM (SELECT troubles = 0 OR coalesce(closed_until <= clock_timestamp(), true) AS is_new
              FROM accounts WHERE sid = $1 FOR UPDATE) AS now
        WHERE sid = $1
        RETURNING extract(epoch FROM closed_until - clock_timestamp())::float8 AS left";
    let seconds = asked_for.map(|span| span.min(LONGEST_CLOSURE).as_secs_f64());
    let client = database.client().await?;
    let row = query_one(&client, SQL, &[&sid, &because.as_str(), &seconds]).await?;
    Ok(span(row.try_get("left")?))
}

/// Notes that the provider works again.
pub async fn clear_troubles(database: &Database, sid: &str) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE accounts SET troubles = 0, closed_until = NULL, closed_because = NULL
        WHERE sid = $1 AND troubles > 0
          AND (closed_until IS NULL OR NOT closed_until BETWEEN clock_timestamp() AND clock_timestamp() + interval '1 hour')";
    execute(&database.client().await?, SQL, &[&sid]).await?;
    Ok(())
}

fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}
