//! Those who use the house while it is shaken: they upload lists, pause and resume campaigns, and opt out, and remember
//! what they were told is in force.

use std::sync::Mutex;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::checker::{Halt, Halted};
use super::house::{House, settings};

/// Area codes of one time zone, with a hundred numbers each that are reserved for fiction: 555-0100 to 555-0199.
const AREA_CODES: [u16; 80] = [
    201, 202, 203, 212, 215, 216, 220, 223, 227, 229, 234, 240, 252, 267, 272, 301, 315, 330, 336, 339, 347,
    351, 380, 401, 404, 410, 412, 413, 419, 434, 440, 443, 470, 475, 478, 484, 508, 513, 516, 518, 540, 551,
    567, 570, 571, 585, 607, 609, 610, 614, 617, 631, 646, 667, 678, 703, 704, 706, 716, 717, 718, 724, 732,
    740, 743, 757, 762, 770, 774, 781, 803, 804, 814, 828, 843, 845, 848, 856, 857, 860,
];

/// Area codes of those who call, none of which is among them.
const CALLERS: [u16; 12] = [862, 863, 864, 878, 904, 908, 910, 912, 914, 917, 919, 929];

/// Contacts of one campaign.
pub const CONTACTS: usize = 25;

/// The people, and what they remember.
pub struct People<'a> {
    house: &'a House,
    lists: Mutex<usize>,
    halts: Mutex<Vec<Halt>>,
}

/// All numbers that anybody is called under.
pub fn all_numbers() -> Vec<String> {
    let of_area = |area: &u16| {
        let area = *area;
        (0..100).map(move |number| format!("+1{area}5550{:03}", 100 + number))
    };
    AREA_CODES.iter().flat_map(of_area).collect()
}

/// The settings and the file of the n-th list. Lists of neighbours have no number in common.
pub fn list_of(name: &str, nth: usize, contacts: usize) -> (Value, String) {
    let numbers = all_numbers();
    let caller = format!("+1{}5550{:03}", CALLERS[nth % CALLERS.len()], 100 + nth / CALLERS.len() % 100);
    let mut list = "name,phone\n".to_owned();
    for place in 0..contacts {
        let number = &numbers[(nth * contacts + place) % numbers.len()];
        list.push_str(&format!("Person {place},{number}\n"));
    }
    // Each campaign has a caller of its own, so that the ledger shows how many calls it has at one time.
    (settings(json!({"name": name, "from": caller})), list)
}

impl<'a> People<'a> {
    pub fn of(house: &'a House) -> Self {
        Self { house, lists: Mutex::new(0), halts: Mutex::default() }
    }

    pub fn halts(&self) -> Vec<Halt> {
        self.halts.lock().expect("a list").clone()
    }

    /// Uploads the next list and starts it; none if that was not confirmed.
    pub async fn begin_campaign(&self) -> Option<Uuid> {
        let nth = {
            let mut lists = self.lists.lock().expect("a number");
            *lists += 1;
            *lists
        };
        let (settings, list) = list_of("open", nth, CONTACTS);
        self.house.call(&settings, &list).await
    }

    /// A campaign whose hours are on Sundays; it is a Monday.
    pub async fn begin_closed_campaign(&self) {
        let (mut settings, list) = list_of("closed", 200, CONTACTS);
        settings["business_hours"] = json!({"enabled": true, "days": [7]});
        self.house.call(&settings, &list).await.expect("a campaign");
    }

    /// How many campaigns are still to be completed; none if the database is away.
    pub async fn unfinished(&self) -> Option<i64> {
        const SQL: &str = "
            SELECT count(*) FROM campaigns WHERE state IN ('pending', 'running', 'paused') AND name = 'open'";
        let row = self.house.postgres.psql().await.ok()?.query_one(SQL, &[]).await.ok()?;
        Some(row.get(0))
    }

    /// Somebody pauses a campaign and resumes it later, or opts out.
    pub async fn do_something(&self, chance: &mut StdRng) {
        if chance.random_bool(0.5) {
            self.pause_for_a_while(chance).await;
        } else {
            self.opt_out().await;
        }
    }

    async fn pause_for_a_while(&self, chance: &mut StdRng) {
        let sql =
            "SELECT id FROM campaigns WHERE state = 'running' AND name = 'open' ORDER BY random() LIMIT 1";
        let Some(campaign) = self.look_up::<Uuid>(sql).await else { return };
        let path = format!("/api/v1/campaigns/{campaign}");
        let paused = self.house.ask(Method::POST, &format!("{path}/pause"), None).await;
        let from = self.house.now();
        if paused.is_none_or(|(status, _)| !status.is_success()) {
            // It may be paused all the same.
            self.resume_all().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(chance.random_range(1500..3000))).await;
        let until = self.house.now();
        self.halts.lock().expect("a list").push(Halt { of: Halted::Campaign(campaign), from, until });
        let _ = self.house.ask(Method::POST, &format!("{path}/resume"), None).await;
    }

    async fn opt_out(&self) {
        const SQL: &str = "
            SELECT phone FROM contacts JOIN campaigns ON campaigns.id = campaign_id
            WHERE contacts.state = 'pending' AND campaigns.state = 'running' AND campaigns.name = 'open'
            ORDER BY timed DESC, due_at, position LIMIT 1";
        let Some(number) = self.look_up::<String>(SQL).await else { return };
        let body = json!({"phone": number});
        let told = self.house.ask(Method::POST, "/api/v1/suppressions", Some(&body)).await;
        let from = self.house.now();
        if told.is_some_and(|(status, _)| status.is_success()) {
            let halt = Halt { of: Halted::Number(number), from, until: f64::INFINITY };
            self.halts.lock().expect("a list").push(halt);
        }
    }

    async fn look_up<T: for<'b> tokio_postgres::types::FromSql<'b>>(&self, sql: &str) -> Option<T> {
        let row = self.house.postgres.psql().await.ok()?.query_opt(sql, &[]).await.ok()??;
        Some(row.get(0))
    }

    /// Resumes whatever is paused: a command whose answer was lost may have been carried out.
    pub async fn resume_all(&self) {
        let Ok(psql) = self.house.postgres.psql().await else { return };
        let sql = "SELECT id FROM campaigns WHERE state = 'paused'";
        for row in psql.query(sql, &[]).await.unwrap_or_default() {
            let path = format!("/api/v1/campaigns/{}/resume", row.get::<_, Uuid>(0));
            let _ = self.house.ask(Method::POST, &path, None).await;
        }
    }
}
