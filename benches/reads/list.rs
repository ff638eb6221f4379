//! The campaign that is read: its contacts, and two attempts for each.

use tokio_postgres::Client;

/// Its contacts.
pub const CONTACTS: u32 = 1_000_000;

/// Its attempts.
pub const ATTEMPTS: u32 = 2_000_000;

/// Its id.
pub const CAMPAIGN: &str = "01900000-0000-7000-8000-000000000001";

/// A statement about it.
pub fn of_campaign(sql: &str) -> String {
    sql.replace("@campaign", CAMPAIGN).replace("'@team'", "(SELECT id FROM teams LIMIT 1)")
}

/// Inserts it, for the team that is there.
pub async fn insert(psql: &Client) {
    const SQL: &str = "
        INSERT INTO campaigns (id, team_id, name, state, settings, agent, import, created_at, pending, completed, failed,
                               attempts, retries, outcomes, talk_seconds, currency)
            VALUES ('@campaign', '@team', 'bench', 'canceled', '@settings', '{\"name\": \"Ada\", \"script\": {\"say\": \"Hello\"}}',
                    '{\"columns\": [\"Company\", \"Plan\", \"City\"]}', now(), 200000, 700000, 100000,
                    1980000, 1000000, '{}', 42000000, 'USD');
        INSERT INTO areas (campaign_id, team_id, number, zones, told_by, places)
            VALUES ('@campaign', '@team', 0, 'America/New_York', 'campaign', '');
        INSERT INTO contacts (id, team_id, campaign_id, position, phone, name, metadata, file_row, raw_phone, region,
                              number_type, area, state, due_at, attempts, last_number, last_outcome, updated_at)
            SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, '@team', '@campaign', n,
                   '+1' || 2125000000 + n, 'Person ' || n,
                   jsonb_build_object('Company', 'Acme ' || n, 'Plan', 'gold', 'City', 'Springfield'), n + 1, '', 'US',
                   'mobile', 0, CASE WHEN n % 10 < 7 THEN 'completed' WHEN n % 10 = 7 THEN 'failed' ELSE 'pending' END,
                   CASE WHEN n % 10 > 7 THEN now() END, 2, 2, 'answered', now()
            FROM generate_series(1, @contacts) n;
        INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone, from_phone,
                              sid, status, status_key, duration_seconds, intended_at, placed_at, ringing_at, answered_at,
                              ended_at, settled_at, outcome, price, price_unit)
            SELECT ('01900000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, '@team', '@campaign',
                   ('01900000-0000-7000-9000-' || lpad(to_hex(1 + n * 13 % @contacts), 12, '0'))::uuid,
                   1 + n / @contacts, 1, 1, '+1' || 2125000001 + n * 13 % @contacts, '+13125550100', 'CA' || md5(n::text),
                   'completed', 5, CASE WHEN n % 20 < 7 THEN 60 END, at, at + interval '1 s', at + interval '2 s',
                   CASE WHEN n % 20 < 7 THEN at + interval '12 s' END, at + interval '1 min', at + interval '1 min',
                   (ARRAY['answered', 'machine', 'no-answer', 'busy', 'failed', 'not-placed'])
                       [CASE WHEN n % 20 < 6 THEN 1 WHEN n % 20 = 6 THEN 2 WHEN n % 20 < 16 THEN 3 WHEN n % 20 < 18 THEN 4
                             WHEN n % 100 = 99 THEN 6 ELSE 5 END],
                   CASE WHEN n % 20 < 7 THEN 14000 END, CASE WHEN n % 20 < 7 THEN 'USD' END
            FROM (SELECT n, now() - interval '200 days' + make_interval(secs => n * 8.5) AS at
                  FROM generate_series(0, @attempts - 1) n) made;
        UPDATE campaigns SET outcomes =
            (SELECT jsonb_object_agg(outcome, n) FROM (SELECT outcome, count(*) AS n FROM attempts GROUP BY outcome) o);";
    let team: uuid::Uuid = psql.query_one("SELECT id FROM teams", &[]).await.expect("a team").get(0);
    let settings = r#"{"from": "+13125550100", "default_region": "US", "timezone": "America/New_York", "pacing": {},
        "business_hours": {"enabled": false}, "retry_policy": {}, "ring_seconds": 30, "max_call_seconds": 1800}"#;
    let sql = SQL
        .replace("@campaign", CAMPAIGN)
        .replace("@team", &team.to_string())
        .replace("@settings", settings)
        .replace("@contacts", &CONTACTS.to_string())
        .replace("@attempts", &ATTEMPTS.to_string());
    psql.batch_execute(&sql).await.expect("a campaign");
    psql.batch_execute("VACUUM ANALYZE").await.expect("statistics");
}
