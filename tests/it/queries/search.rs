//! Looking for contacts.

use outdial::db::contacts::{
    Behind, Found, Order, Search, SortedBy, list_contacts_with, list_sorted, search_contacts,
};

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
        let filter =
            ContactFilter { state: Some(ContactState::Failed), outcome, after, ..ContactFilter::default() };
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

#[tokio::test]
async fn a_list_is_read_from_its_end_as_a_whole_and_in_parts() {
    let bench = Bench::new().await;
    let campaign = people(&bench).await;
    let backwards = |after| ContactFilter { after, backwards: true, ..ContactFilter::default() };
    let whole = async |after, limit| -> Vec<i32> {
        let listed = list_contacts(&bench.database, bench.team, campaign, &backwards(after), limit).await;
        listed.unwrap().iter().map(|contact| contact.position).collect()
    };
    assert_eq!(whole(0, 4).await, [6, 5, 4, 3]);
    assert_eq!(whole(3, 4).await, [2, 1]);
    let (mut after, mut found, mut pages) = (0, Vec::new(), 0);
    loop {
        let page = bench.search(campaign, Search::Name("o".to_owned()), backwards(after), (4, 50)).await;
        found.extend(page.contacts.iter().map(|contact| contact.position));
        pages += 1;
        match page.looked_to {
            Some(position) => after = position,
            None => break,
        }
    }
    assert_eq!((found, pages), (vec![6, 5, 2], 2));
    let by_number = bench.search(campaign, Search::Phone(phone(3)), backwards(0), (1, 50)).await;
    assert_eq!(by_number.contacts.len(), 1, "among all at once");
}

#[tokio::test]
async fn contacts_are_sorted_by_whatever_stands_in_their_columns_and_turned_over_without_loss() {
    let bench = Bench::new().await;
    let campaign = people(&bench).await;
    let psql = bench.psql().await;
    for (position, name, state, outcome, attempts, due) in [
        (1, Some("bea"), "completed", Some("answered"), 2, None),
        (2, None, "pending", None, 0, Some("2026-03-02T15:00:00Z")),
        (3, Some("Ada"), "failed", Some("busy"), 3, None),
        (4, Some("ada"), "pending", Some("busy"), 1, Some("2026-03-02T15:00:00.000001Z")),
        (5, Some("Zoë"), "suppressed", None, 0, None),
        (6, None, "completed", Some("machine"), 2, None),
    ] {
        let sql = "UPDATE contacts SET name = $3, state = $4, last_outcome = $5, attempts = $6, due_at = $7::text::timestamptz
                   WHERE campaign_id = $1 AND position = $2";
        psql.execute(sql, &[&campaign, &position, &name, &state, &outcome, &attempts, &due]).await.unwrap();
    }
    let twin = "
        INSERT INTO contacts (id, team_id, campaign_id, position, phone, extension, metadata, file_row, raw_phone, area, state,
                              updated_at)
        SELECT gen_random_uuid(), team_id, campaign_id, 7, phone, '12', '{}', 9, '', area, 'completed', updated_at
        FROM contacts WHERE campaign_id = $1 AND position = 3";
    psql.execute(twin, &[&campaign]).await.unwrap();
    let read = async |order: Order, search: &Search, filter: &ContactFilter, limit: i64| -> Vec<i32> {
        let (mut behind, mut all) = (None, Vec::new());
        loop {
            let place = (bench.team, campaign);
            let wanted = (filter, search);
            let page =
                list_sorted(&bench.database, place, wanted, (order, behind.as_ref()), limit).await.unwrap();
            let Some(last) = page.last() else { return all };
            behind = Some(Behind { position: last.position, mark: order.mark(last) });
            assert_eq!(order.check(&order.mark(last)), Ok(()));
            all.extend(page.iter().map(|contact| contact.position));
        }
    };
    let everybody = ContactFilter::default();
    for (by, ascending, descending) in [
        (SortedBy::Position, [1, 2, 3, 4, 5, 6, 7], [7, 6, 5, 4, 3, 2, 1]),
        (SortedBy::Phone, [1, 2, 3, 7, 4, 5, 6], [6, 5, 4, 7, 3, 2, 1]),
        (SortedBy::Name, [3, 4, 1, 5, 2, 6, 7], [5, 1, 4, 3, 7, 6, 2]),
        (SortedBy::State, [1, 6, 7, 3, 2, 4, 5], [5, 4, 2, 3, 7, 6, 1]),
        (SortedBy::Outcome, [1, 3, 4, 6, 2, 5, 7], [6, 4, 3, 1, 7, 5, 2]),
        (SortedBy::Attempts, [2, 5, 7, 4, 1, 6, 3], [3, 6, 1, 4, 7, 5, 2]),
        (SortedBy::Due, [2, 4, 1, 3, 5, 6, 7], [4, 2, 7, 6, 5, 3, 1]),
    ] {
        for (descending, expected) in [(false, ascending), (true, descending)] {
            for limit in [1, 3, 50] {
                let order = Order { by, descending };
                let read = read(order, &Search::Anybody, &everybody, limit).await;
                assert_eq!(read, expected, "{order:?}, {limit} at once");
            }
        }
    }
    let by_name = Order { by: SortedBy::Name, descending: true };
    assert_eq!(read(by_name, &Search::Name("a".to_owned()), &everybody, 1).await, [1, 4, 3]);
    let pending = ContactFilter { state: Some(ContactState::Pending), ..everybody };
    assert_eq!(read(by_name, &Search::Anybody, &pending, 1).await, [4, 2]);
}
