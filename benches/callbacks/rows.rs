//! Open attempts to hear about, made by arithmetic so that the load, `pgbench` and the table agree on their ids.

use tokio_postgres::Client;
use uuid::Uuid;

/// The id of the campaign, and of the attempt, with this number.
pub fn id(number: u32) -> Uuid {
    Uuid::from_u128(number.into())
}

/// The call of the attempt with this number.
pub fn sid(number: u32) -> String {
    format!("CA{number:032x}")
}

/// Lets the other node live on: nobody is believed who wants to live for longer than a minute.
pub async fn keep_alive(psql: &Client) {
    const SQL: &str =
        "UPDATE nodes SET alive_until = clock_timestamp() + interval '50 seconds' WHERE id = $1";
    psql.execute(SQL, &[&id(1)]).await.expect("the other node");
}

/// Inserts the attempts 1 to `count`, each in a campaign of its own, for another node that lives: the measured
/// program only hears of them.
pub async fn insert(psql: &Client, count: u32) {
    const SQL: &str = "
        CREATE FUNCTION id(number int) RETURNS uuid LANGUAGE sql IMMUTABLE AS
            $$ SELECT lpad(to_hex(number), 32, '0')::uuid $$;
        INSERT INTO teams (id, name) VALUES (id(1), 'bench');
        INSERT INTO nodes (id, name, started_at, alive_until)
            VALUES (id(1), 'elsewhere', now(), now() + interval '50 seconds');
        INSERT INTO campaigns (id, team_id, name, state, account_sid, settings, agent, import, created_at,
                               calling, node, epoch)
            SELECT id(n), id(1), 'bench', 'running', '@account', '{}', '{}', '{}', now(), 1, id(1), 1
            FROM generate_series(1, @count) n;
        INSERT INTO contacts (id, team_id, campaign_id, position, phone, metadata, file_row, raw_phone, area, state,
                              last_number, updated_at)
            SELECT id(n), id(1), id(n), 1, 'somebody ' || n, '{}', 1, '', 0, 'calling', 1, now()
            FROM generate_series(1, @count) n;
        INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone,
                              from_phone, sid, status, status_key, intended_at, placed_at, heard_at)
            SELECT id(n), id(1), id(n), id(n), 1, 1, 1, 'somebody ' || n, 'us',
                   'CA' || lpad(to_hex(n), 32, '0'), 'queued', 1, now(), now(), now()
            FROM generate_series(1, @count) n;
        ANALYZE;";
    let sql = SQL.replace("@count", &count.to_string()).replace("@account", super::ACCOUNT);
    psql.batch_execute(&sql).await.expect("the attempts");
}
