//! Looking for contacts.

use outdial::db::contacts::{Found, Search, list_contacts_with, search_contacts};

use super::*;

const NAMES: [&str; 6] = ["Ada Müller", "BOB MÜLLER", "100% sure", "a_b", "O'Neil \\ \"x\"", "Zoë"];

/// A campaign of people with these names.
async fn people(bench: &Bench) -> Uuid {
    let phones: Vec<String> = (1..=6).map(phone).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let campaign = bench.draft(&phones).await;
    let psql = bench.psql().await;
    for (name, position) in NAMES.iter().zip(1..) {
        let sql = "UPDATE contacts SET name = $3 WHERE campaign_id = $1 AND position = $2";
        psql.execute(sql, &[&campaign, &position, name]).await.unwrap();
    }
    campaign
}

impl Bench {
    async fn search(
        &self,
        campaign: Uuid,
        search: Search,
        filter: ContactFilter,
        extent: (i32, i64),
    ) -> Found {
        search_contacts(&self.database, (self.team, campaign), &filter, &search, extent).await.unwrap()
    }

    /// The positions of those that are found.
    async fn find(&self, campaign: Uuid, search: Search) -> Vec<i32> {
        let found = self.search(campaign, search, ContactFilter::default(), (1000, 50)).await;
        assert_eq!(found.looked_to, None);
        found.contacts.iter().map(|contact| contact.position).collect()
    }
}

#[tokio::test]
async fn a_part_of_a_name_finds_it_whatever_is_in_it() {
    let bench = Bench::new().await;
    let campaign = people(&bench).await;
    for (text, expected) in [
        ("müller", &[1, 2][..]),
        ("MÜLL", &[1, 2]),
        ("bob", &[2]),
        ("%", &[3]),
        ("_", &[4]),
        ("\\", &[5]),
        ("'", &[5]),
        ("zoË", &[6]),
        ("nobody", &[]),
        ("' OR true --", &[]),
    ] {
        assert_eq!(bench.find(campaign, Search::Name(text.to_owned())).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_number_is_found_whole_or_by_its_end() {
    let bench = Bench::new().await;
    let campaign = people(&bench).await;
    assert_eq!(bench.find(campaign, Search::Phone(phone(3))).await, [3]);
    assert_eq!(bench.find(campaign, Search::Phone(phone(9))).await, [0; 0]);
    assert_eq!(bench.find(campaign, Search::LastDigits("0103".to_owned())).await, [3]);
    assert_eq!(bench.find(campaign, Search::LastDigits("010".to_owned())).await, [0; 0]);
}

#[tokio::test]
async fn a_search_looks_through_so_many_at_once_and_says_where_to_go_on() {
    let bench = Bench::new().await;
    let campaign = people(&bench).await;
    let (mut after, mut found, mut pages) = (0, Vec::new(), 0);
    loop {
        let filter = ContactFilter { after, ..ContactFilter::default() };
        let page = bench.search(campaign, Search::Name("o".to_owned()), filter, (2, 50)).await;
        found.extend(page.contacts.iter().map(|contact| contact.position));
        pages += 1;
        match page.looked_to {
            Some(position) => after = position,
            None => break,
        }
    }
    assert_eq!((found, pages), (vec![2, 5, 6], 3));
    let filter = ContactFilter { state: Some(ContactState::Failed), ..ContactFilter::default() };
    let failed = bench.search(campaign, Search::Name("o".to_owned()), filter, (1000, 50)).await;
    assert!(failed.contacts.is_empty());
}

#[tokio::test]
async fn those_in_a_state_are_looked_for_in_parts_of_the_list_too() {
    let bench = Bench::new().await;
    let campaign = people(&bench).await;
    let psql = bench.psql().await;
    let fail = "UPDATE contacts SET state = 'failed', due_at = NULL, last_outcome = 'busy'
                WHERE campaign_id = $1 AND position IN (2, 5)";
    psql.execute(fail, &[&campaign]).await.unwrap();
    let looked = async |after, outcome| {
        let filter = ContactFilter { state: Some(ContactState::Failed), outcome, after };
        let found = bench.search(campaign, Search::Anybody, filter, (3, 50)).await;
        let positions: Vec<i32> = found.contacts.iter().map(|contact| contact.position).collect();
        (positions, found.looked_to)
    };
    assert_eq!(looked(0, None).await, (vec![2], Some(3)));
    assert_eq!(looked(3, Some(Outcome::Busy)).await, (vec![5], None));
    assert_eq!(looked(0, Some(Outcome::Machine)).await, (vec![], Some(3)));
}

#[tokio::test]
async fn a_number_is_found_in_all_campaigns_of_its_team_and_of_no_other() {
    let bench = Bench::new().await;
    let mut campaigns = Vec::new();
    for _ in 0..3 {
        campaigns.push(bench.draft(&["+12025550101", "+12025550102"]).await);
    }
    let psql = bench.psql().await;
    let twin = "
        INSERT INTO contacts (id, team_id, campaign_id, position, phone, extension, metadata, file_row, raw_phone, area, state,
                              due_at, updated_at)
        SELECT gen_random_uuid(), team_id, campaign_id, 9, phone, '12', '{}', 9, '', area, state, due_at, updated_at
        FROM contacts WHERE campaign_id = $1 AND phone = '+12025550101'";
    psql.execute(twin, &[&campaigns[1]]).await.unwrap();
    let (mut before, mut found) = (None, Vec::new());
    loop {
        let page = list_contacts_with(&bench.database, bench.team, "+12025550101", before, 1).await.unwrap();
        let Some(one) = page.into_iter().next() else { break };
        before = Some(one.id);
        found.push((one.campaign, one.extension));
    }
    let of = |campaign: usize, extension: &str| (campaigns[campaign], extension.to_owned());
    assert_eq!(found, [of(2, ""), of(1, "12"), of(1, ""), of(0, "")]);
    let theirs = list_contacts_with(&bench.database, Uuid::now_v7(), "+12025550101", None, 9).await.unwrap();
    assert!(theirs.is_empty());
}
