//! Pages of the dashboard, as a browser asks for them, with the large campaign beside them and as many others at work as a page
//! shows.

use tokio_postgres::Client;

use super::list;
use super::readers::{self, Latencies};
use super::server::Server;
use super::support::{Spread, print_table};
use super::{READERS, READINGS, ROUNDS};

/// What is opened: its name and its address.
const PAGES: [(&str, &str); 19] = [
    ("campaigns, twelve of them at work", "/"),
    ("campaigns by a part of their name", "/?search=bench"),
    ("a card", "/campaigns/01900000-0000-7000-8000-00000000000c/card"),
    ("the last 50 calls", "/calls"),
    ("a new campaign", "/campaigns/new"),
    ("the large campaign", "/campaigns/@campaign"),
    ("its figures of 200 days", "/campaigns/@campaign/figures"),
    ("its settings", "/campaigns/@campaign/edit"),
    ("its contacts", "/campaigns/@campaign/contacts"),
    ("its contacts from the middle on", "/campaigns/@campaign/contacts?after=500000"),
    ("its contacts who failed", "/campaigns/@campaign/contacts?state=failed"),
    ("a number among them", "/campaigns/@campaign/contacts?search=2125550199"),
    ("a contact", "/campaigns/@campaign/contacts/01900000-0000-7000-9000-000000000007"),
    ("agents", "/agents"),
    ("the suppression list", "/suppressions"),
    ("keys", "/keys"),
    ("hooks", "/hooks"),
    ("nodes and health", "/nodes/health"),
    ("who did what", "/audit"),
];

/// Adds campaigns at work that have a contact in each of twenty zones, and the events of the large one's last calls.
pub async fn insert(psql: &Client) {
    const SQL: &str = "
        INSERT INTO campaigns (id, team_id, name, state, state_reason, settings, agent, import, created_at, account_sid,
                               pending, outcomes)
            SELECT ('01900000-0000-7000-8000-00000000000' || to_hex(n))::uuid, team_id, 'at work ' || n,
                   CASE WHEN n % 2 = 0 THEN 'paused' ELSE 'running' END, 'by-person', settings, agent, import, created_at,
                   'AC', 20, '{}'
            FROM campaigns CROSS JOIN generate_series(2, 13) n WHERE name = 'bench';
        INSERT INTO areas (campaign_id, team_id, number, zones, told_by, places)
            SELECT id, team_id, n, 'America/New_York', 'campaign', 'US-' || chr(65 + n) || 'Y'
            FROM campaigns CROSS JOIN generate_series(0, 19) n WHERE name LIKE 'at work%';
        INSERT INTO contacts (id, team_id, campaign_id, position, phone, metadata, file_row, raw_phone, area, state, due_at,
                              updated_at)
            SELECT gen_random_uuid(), team_id, id, n + 1, '+1' || 2125550100 + n, '{}', n + 2, '', n, 'pending', now(), now()
            FROM campaigns CROSS JOIN generate_series(0, 19) n WHERE name LIKE 'at work%';
        INSERT INTO events (team_id, campaign_id, kind, at, contact_id, attempt_id, position)
            SELECT team_id, campaign_id, kind, intended_at, contact_id, id, last_position + row_number() OVER (ORDER BY id, kind DESC)
            FROM (SELECT * FROM attempts ORDER BY id DESC LIMIT 10000) last
            CROSS JOIN (VALUES ('attempt.started'), ('attempt.ended'), ('contact.completed')) kinds (kind) CROSS JOIN relay;
        UPDATE relay SET last_position = (SELECT max(position) FROM events);";
    psql.batch_execute(SQL).await.expect("campaigns at work");
    psql.batch_execute("VACUUM ANALYZE").await.expect("statistics");
}

/// Opens each of them, by several at once.
pub async fn readings(server: &Server) {
    let mut rows = Vec::new();
    for (name, path) in PAGES {
        let (path, mut bytes) = (&list::of_campaign(path), 0);
        let (mut medians, mut lates) = (Spread::default(), Spread::default());
        for _ in 0..ROUNDS {
            let Latencies { median, late } = readers::through(server, path, READERS, READINGS).await;
            medians.add(median);
            lates.add(late);
            bytes = server.get(path).await;
        }
        rows.push(vec![name.to_owned(), medians.show(1), lates.show(1), bytes.to_string()]);
    }
    print_table(&["pages opened by 4 at once, ms", "median", "99th percentile", "bytes"], &rows);
}
