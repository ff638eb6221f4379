//! Counts everything again from the rows: the counters that campaigns keep must say the same.

use tokio_postgres::Client;
use uuid::Uuid;

/// Fails where a counter of a campaign, or of all, is not what its rows say.
pub async fn assert_counts_are_true(client: &Client, campaign: Option<Uuid>) {
    let wrong = wrong_counts(client, campaign).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The campaigns, of one or of all, of which a counter is not what their rows say, and what is kept and counted.
pub async fn wrong_counts(client: &Client, campaign: Option<Uuid>) -> Vec<String> {
    const SQL: &str = "
        SELECT id, 'kept' AS side, pending, calling, completed, failed, suppressed, attempts, retries,
               coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(outcomes) WHERE value <> '0'), '{}')
                   AS outcomes,
               talk_seconds, day_calls, unpriced, spent, highest_price
        FROM campaigns WHERE $1::uuid IS NULL OR id = $1
        UNION ALL
        SELECT campaigns.id, 'counted', c.pending, c.calling, c.completed, c.failed, c.suppressed, c.attempts,
               c.retries,
               coalesce((SELECT jsonb_object_agg(outcome, n) FROM
                   (SELECT outcome, count(*) AS n FROM attempts
                    WHERE campaign_id = campaigns.id AND outcome IS NOT NULL GROUP BY outcome) o), '{}'),
               (SELECT coalesce(sum(duration_seconds), 0) FROM attempts
                WHERE campaign_id = campaigns.id AND outcome NOT IN ('unknown', 'not-placed')),
               (SELECT count(*)::int FROM attempts
                WHERE campaign_id = campaigns.id AND call_day = campaigns.call_day
                  AND outcome IS DISTINCT FROM 'not-placed'),
               p.unpriced, p.spent, p.highest
        FROM campaigns,
             LATERAL (SELECT (count(*) FILTER (WHERE ask_price_at IS NOT NULL))::int AS unpriced,
                             coalesce(sum(price), 0)::bigint AS spent, coalesce(max(price), 0) AS highest
                      FROM attempts WHERE campaign_id = campaigns.id) p,
             LATERAL (SELECT (count(*) FILTER (WHERE state = 'pending'))::int AS pending,
                             (count(*) FILTER (WHERE state = 'calling'))::int AS calling,
                             (count(*) FILTER (WHERE state = 'completed'))::int AS completed,
                             (count(*) FILTER (WHERE state = 'failed'))::int AS failed,
                             (count(*) FILTER (WHERE state = 'suppressed'))::int AS suppressed,
                             coalesce(sum(attempts), 0)::int AS attempts,
                             coalesce(sum(greatest(attempts - 1, 0)), 0)::int AS retries
                      FROM contacts WHERE campaign_id = campaigns.id) c
        WHERE $1::uuid IS NULL OR campaigns.id = $1
        ORDER BY id, side";
    let rows = client.query(SQL, &[&campaign]).await.expect("a recount");
    assert!(campaign.is_none() || rows.len() == 2, "no campaign to recount");
    let counts = |row: &tokio_postgres::Row| {
        let numbers: Vec<i32> = (2..9).map(|column| row.get(column)).collect();
        let prices = (row.get::<_, i32>(12), row.get::<_, i64>(13), row.get::<_, i64>(14));
        (numbers, row.get::<_, serde_json::Value>(9), row.get::<_, i64>(10), row.get::<_, i32>(11), prices)
    };
    let is_wrong = |pair: &&[tokio_postgres::Row]| counts(&pair[1]) != counts(&pair[0]);
    let told = |pair: &[tokio_postgres::Row]| {
        let id: Uuid = pair[0].get(0);
        format!("campaign {id}: kept {:?}, counted {:?}", counts(&pair[1]), counts(&pair[0]))
    };
    rows.chunks(2).filter(is_wrong).map(told).collect()
}
