//! Lists on their way into the database: campaigns made of them, contacts added, previews kept.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::TryStreamExt;
use outdial::db::contacts::{Added, AlreadyThere, CannotAdd, begin_addition, renew_statistics};
use outdial::db::imports::{
    Kind, KindName, RefusedRow, Remark, RemarkFilter, RemarkOfRow, Standing, begin_preview, delete_expired,
    find_import, find_piece, list_remarks, stream_refused,
};
use outdial::domain::campaign::TakesNoContacts;
use outdial::domain::zone::Zone;

use super::*;

const ANN: &str = "+12025550101";
const BOB: &str = "+12025550102";
const CAT: &str = "+12025550103";

fn remark(file_row: u32, kind: Kind) -> Remark {
    Remark {
        file_row,
        column: "Phone".into(),
        value: "+120•••01".to_owned(),
        reason: "too-short",
        sentence: "expected more digits".into(),
        kind,
    }
}

fn refused(file_row: u32, cells: &[&str]) -> Remark {
    let cells = cells.iter().map(|cell| (*cell).to_owned()).collect();
    remark(file_row, Kind::Refused { suggestion: Some(ANN.to_owned()), cells })
}

fn there_already(there: &AlreadyThere) -> Remark {
    Remark { reason: "in-the-campaign", ..remark(there.file_row, Kind::Duplicate { repeats: None }) }
}

/// A preview, to be read as the best of lists.
fn preview_of(id: Uuid) -> Origin<'static> {
    static OPTIONS: serde_json::Value = serde_json::Value::Bool(true);
    Origin::Preview(id, &OPTIONS)
}

fn only_contacts(phones: &[String]) -> Batch {
    batch(&phones.iter().map(String::as_str).collect::<Vec<_>>())
}

impl Bench {
    async fn add_from(&self, campaign: Uuid, origin: &Origin<'_>, batch: Batch) -> Result<Added, CannotAdd> {
        let mut client = self.database.list_client().await.unwrap();
        let adding = begin_addition(&mut client, self.team, campaign, origin, self.now).await.unwrap();
        let mut adding = adding?;
        adding.take(batch.by(&mut adding.encoder())).await.unwrap();
        let merged = adding.merge(there_already).await.unwrap()?;
        merged.commit(&json!({"rows": 1}), Some(self.node)).await.unwrap()
    }

    async fn add(&self, campaign: Uuid, phones: &[&str]) -> Result<Added, CannotAdd> {
        self.add_from(campaign, &upload(Uuid::now_v7()), batch(phones)).await
    }

    async fn remarks(&self, import: Uuid) -> Vec<RemarkOfRow> {
        list_remarks(&self.database, self.team, import, &RemarkFilter::default(), 1000).await.unwrap()
    }

    async fn phones(&self, campaign: Uuid) -> Vec<String> {
        self.contacts(campaign).await.into_iter().map(|contact| contact.phone).collect()
    }

    async fn state(&self, campaign: Uuid) -> State {
        campaigns::find_campaign(&self.database, self.team, campaign).await.unwrap().unwrap().state
    }

    async fn rows_in(&self, table: &str) -> i64 {
        self.psql().await.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
    }

    async fn assert_nothing_is_stored(&self) {
        for table in ["campaigns", "contacts", "imports", "import_rows", "import_pieces"] {
            assert_eq!(self.rows_in(table).await, 0, "{table}");
        }
    }

    /// A preview of two pieces and one remark.
    async fn preview(&self) -> Uuid {
        let id = Uuid::now_v7();
        let Origin::Upload(new) = upload(id) else { unreachable!("an upload") };
        let mut client = self.database.list_client().await.unwrap();
        let mut previewing = begin_preview(&mut client, self.team, &new, self.now).await.unwrap();
        previewing.keep(b"phone\n").await.unwrap();
        previewing.keep(ANN.as_bytes()).await.unwrap();
        previewing.take(vec![refused(2, &["12"])]).await.unwrap();
        previewing.finish(&json!({"rows": 1}), 50).await.unwrap();
        id
    }

    async fn standing(&self, import: Uuid) -> Option<Standing> {
        let found = find_import(&self.database, self.team, import, self.now).await.unwrap();
        found.map(|import| import.standing)
    }
}

#[tokio::test]
async fn a_list_is_stored_as_it_was_read_with_what_was_said_about_its_rows() {
    let bench = Bench::new().await;
    let (id, import) = (Uuid::now_v7(), Uuid::now_v7());
    let mut client = bench.database.list_client().await.unwrap();
    let (settings, agent) = (settings(), agent());
    let new = new_campaign(bench.team, id, &settings, &agent);
    let making = begin_campaign(&mut client, &new, &upload(import), bench.now).await.unwrap();
    let mut making = making.unwrap();
    let metadata = r#"{"Größe":"\"x\" \\ \u0001","Leer":""}"#;
    let whole = NewContact {
        extension: Some("42".to_owned()),
        alternates: vec![Phone::from_e164(BOB).unwrap(), Phone::from_e164(CAT).unwrap()],
        timezone: Some(Zone::parse("America/Denver").unwrap()),
        priority: -7,
        repair: Some("label-removed"),
        metadata: serde_json::from_str(metadata).unwrap(),
        ..new_contact(ANN, 1)
    };
    let bare = NewContact { name: None, ..new_contact(ANN, 2) };
    let remarks = vec![remark(2, Kind::Repaired), refused(4, &["12", "a\0b"])];
    let mut encoder = making.encoder();
    making.take(Batch { contacts: vec![whole], remarks }.by(&mut encoder)).await.unwrap();
    let remarks = vec![remark(5, Kind::Duplicate { repeats: Some(2) })];
    making.take(Batch { contacts: vec![bare], remarks }.by(&mut encoder)).await.unwrap();
    assert_eq!(making.finish(&json!({"columns": []}), &json!({"rows": 4})).await.unwrap(), 2);

    let contacts = bench.contacts(id).await;
    assert_eq!(contacts.iter().map(|contact| contact.position).collect::<Vec<_>>(), [1, 2]);
    let contact = &contacts[0];
    assert_eq!((contact.phone.as_str(), contact.extension.as_str(), contact.file_row), (ANN, "42", 2));
    assert_eq!(contact.metadata, serde_json::from_str::<serde_json::Value>(metadata).unwrap());
    assert_eq!((contact.timezone.as_deref(), contact.priority), (Some("America/Denver"), -7));
    assert_eq!((contact.repair.as_deref(), contact.due_at), (Some("label-removed"), Some(bench.now)));
    let row = bench.psql().await.query_one("SELECT * FROM contacts WHERE position = 1", &[]).await.unwrap();
    assert_eq!(row.get::<_, serde_json::Value>("alternates"), json!([BOB, CAT]));
    assert_eq!(row.get::<_, Uuid>("import_id"), import);
    assert_eq!((row.get("region"), row.get("number_type")), ("US", "fixed-line-or-mobile"));
    assert_eq!((contacts[1].name.as_deref(), contacts[1].extension.as_str()), (None, ""));

    assert_eq!(bench.counts(id).await.pending, 2);
    assert_recounted(&bench, id).await;
    let campaign = campaigns::find_campaign(&bench.database, bench.team, id).await.unwrap().unwrap();
    assert_eq!((campaign.state, campaign.import), (State::Draft, json!({"columns": []})));
    let stored = find_import(&bench.database, bench.team, import, bench.now).await.unwrap().unwrap();
    assert_eq!((stored.bytes, stored.report), (100, json!({"rows": 4})));
    assert_eq!(stored.standing, Standing::Stored { campaign: id, stored_at: bench.now });
    let remarks = bench.remarks(import).await;
    let said: Vec<_> = remarks.iter().map(|remark| (remark.place.0, remark.kind, remark.repeats)).collect();
    let (repaired, refused, duplicate) = (KindName::Repaired, KindName::Refused, KindName::Duplicate);
    assert_eq!(said, [(2, repaired, None), (4, refused, None), (5, duplicate, Some(2))]);
    let rejects = stream_refused(&bench.database, bench.team, import).try_concat().await.unwrap();
    assert_eq!(rejects[0].cells, ["12", "a\u{fffd}b"]);
}

#[tokio::test]
async fn a_list_that_fails_half_way_leaves_nothing_and_a_usable_connection() {
    let bench = Bench::new().await;
    let (settings, agent) = (settings(), agent());
    let many: Vec<String> = (0..12_000).map(|n| format!("+1202{:07}", 5_550_000 + n)).collect();
    for round in 0..3 {
        let id = Uuid::now_v7();
        let new = new_campaign(bench.team, id, &settings, &agent);
        let mut client = bench.database.list_client().await.unwrap();
        let making = begin_campaign(&mut client, &new, &upload(Uuid::now_v7()), bench.now).await.unwrap();
        let mut making = making.unwrap();
        let mut encoder = making.encoder();
        let whole = Batch { remarks: vec![refused(1, &[])], ..only_contacts(&many) };
        making.take(whole.by(&mut encoder)).await.unwrap();
        match round {
            // Whoever reads the list has failed.
            0 => drop(making),
            // The list names somebody twice.
            1 => {
                making.take(batch(&[&many[3]]).by(&mut encoder)).await.unwrap();
                let refused = making.finish(&json!({}), &json!({})).await.unwrap_err();
                assert!(refused.is_conflict_with("one_contact_per_number"), "{refused:?}");
            }
            // A text that no table takes.
            _ => {
                let metadata = serde_json::from_str(r#"{"a":"\u0000"}"#).unwrap();
                let hostile = NewContact { metadata, ..new_contact("+12035550100", 1) };
                let batch = Batch { contacts: vec![hostile], remarks: vec![] };
                let taken = making.take(batch.by(&mut encoder)).await;
                assert!(taken.is_err() || making.finish(&json!({}), &json!({})).await.is_err());
            }
        }
        bench.assert_nothing_is_stored().await;
        assert_eq!(bench.rows_in("events").await, 0);
    }
    assert_eq!(bench.phones(bench.draft(&[ANN]).await).await, [ANN]);
}

#[tokio::test]
async fn the_same_list_twice_adds_nothing_and_says_which_rows_were_there() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&[ANN, BOB]).await;
    let import = Uuid::now_v7();
    let added = bench.add_from(campaign, &upload(import), batch(&[BOB, CAT, ANN])).await.unwrap();
    assert_eq!((added.added, added.already_there), (1, 2));
    let places: Vec<i32> = bench.remarks(import).await.iter().map(|remark| remark.place.0).collect();
    assert_eq!(places, [2, 4]);
    let again = bench.add(campaign, &[BOB, CAT, ANN]).await.unwrap();
    assert_eq!((again.added, again.already_there, again.wakes), (0, 3, false));
    assert_eq!(bench.phones(campaign).await, [ANN, BOB, CAT]);
    assert_recounted(&bench, campaign).await;
    let events = "SELECT data ->> 'contacts' FROM events WHERE kind = 'contacts.added'";
    let events = bench.psql().await.query(events, &[]).await.unwrap();
    assert_eq!(events.iter().map(|row| row.get::<_, &str>(0)).collect::<Vec<_>>(), ["1"]);
}

#[tokio::test]
async fn a_number_with_another_extension_is_somebody_else() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&[ANN]).await;
    let colleague = NewContact { extension: Some("7".to_owned()), ..new_contact(ANN, 1) };
    let batch = Batch { contacts: vec![colleague], remarks: vec![] };
    let added = bench.add_from(campaign, &upload(Uuid::now_v7()), batch).await.unwrap();
    assert_eq!((added.added, added.already_there), (1, 0));
}

#[tokio::test]
async fn who_is_added_to_a_running_campaign_is_claimed_after_the_others() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    let ann = bench.claimed(owner).await;
    bench.settle(owner, ann.id, Outcome::Answered, Verdict::Completed).await;
    assert!(matches!(bench.claim(owner).await, Claim::Nobody));
    let added = bench.add(owner.campaign, &[ANN, BOB]).await.unwrap();
    assert_eq!((added.added, added.state, added.wakes), (1, State::Running, true));
    assert_eq!(bench.claimed(owner).await.phone, BOB);
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_completed_campaign_runs_again_for_new_contacts_and_only_for_them() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    let ann = bench.claimed(owner).await;
    bench.settle(owner, ann.id, Outcome::Answered, Verdict::Completed).await;
    assert!(campaigns::make_move(&bench.database, owner, Move::Finish, None, bench.now).await.unwrap());
    let nobody_new = bench.add(owner.campaign, &[ANN]).await.unwrap();
    assert_eq!((nobody_new.state, nobody_new.wakes), (State::Completed, false));
    assert_eq!(bench.state(owner.campaign).await, State::Completed);
    // Its node is gone by now.
    bench.psql().await.execute("UPDATE campaigns SET node = NULL", &[]).await.unwrap();
    let added = bench.add(owner.campaign, &[BOB]).await.unwrap();
    assert_eq!((added.state, added.wakes), (State::Running, true));
    let owner = bench.owner(owner.campaign).await;
    assert_eq!(bench.claimed(owner).await.phone, BOB);
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_campaign_at_its_end_takes_no_contacts_even_if_it_ends_meanwhile() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    let mut client = bench.database.list_client().await.unwrap();
    let origin = upload(Uuid::now_v7());
    let adding = begin_addition(&mut client, bench.team, owner.campaign, &origin, bench.now).await.unwrap();
    let mut adding = adding.unwrap();
    adding.take(batch(&[BOB]).by(&mut adding.encoder())).await.unwrap();
    let merged = adding.merge(there_already).await.unwrap().unwrap();
    // Nothing that a person commands waits for the addition.
    assert_eq!(bench.command(owner.campaign, Command::Cancel).await, Moved::Done);
    let at_its_end = CannotAdd::AtItsEnd(TakesNoContacts(State::Canceled));
    let committed = merged.commit(&json!({}), Some(bench.node)).await.unwrap();
    assert_eq!(committed, Err(at_its_end.clone()));
    drop(client);
    assert_eq!(bench.phones(owner.campaign).await, [ANN]);
    assert_eq!(bench.add(owner.campaign, &[BOB]).await, Err(at_its_end));
    assert_eq!(bench.add(Uuid::now_v7(), &[BOB]).await, Err(CannotAdd::NotFound));
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn neither_the_dialer_nor_a_person_waits_for_an_addition() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN, BOB]).await;
    let mut client = bench.database.list_client().await.unwrap();
    let origin = upload(Uuid::now_v7());
    let adding = begin_addition(&mut client, bench.team, owner.campaign, &origin, bench.now).await.unwrap();
    let mut adding = adding.unwrap();
    adding.take(batch(&[BOB, CAT]).by(&mut adding.encoder())).await.unwrap();
    let merged = adding.merge(there_already).await.unwrap().unwrap();
    for phone in [ANN, BOB] {
        let attempt = bench.claimed(owner).await;
        assert_eq!(attempt.phone, phone);
        bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await;
    }
    assert!(matches!(bench.claim(owner).await, Claim::Nobody));
    assert!(campaigns::make_move(&bench.database, owner, Move::Finish, None, bench.now).await.unwrap());
    let added = merged.commit(&json!({}), Some(bench.node)).await.unwrap().unwrap();
    assert_eq!((added.added, added.state, added.wakes), (1, State::Running, true));
    assert_eq!(bench.command(owner.campaign, Command::Pause).await, Moved::Done);
    let added = bench.add(owner.campaign, &["+12025550104"]).await.unwrap();
    assert_eq!((added.state, added.wakes), (State::Paused, false));
    assert_eq!(bench.counts(owner.campaign).await.pending, 2);
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_campaign_that_is_deleted_meanwhile_takes_nobody() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&[ANN]).await;
    let mut client = bench.database.list_client().await.unwrap();
    let origin = upload(Uuid::now_v7());
    let adding = begin_addition(&mut client, bench.team, campaign, &origin, bench.now).await.unwrap();
    let mut adding = adding.unwrap();
    adding.take(batch(&[BOB]).by(&mut adding.encoder())).await.unwrap();
    let deleted =
        campaigns::delete_campaign(&bench.database, bench.team, campaign, None, bench.now).await.unwrap();
    assert_eq!(deleted, campaigns::Deleted::Done);
    assert_eq!(adding.merge(there_already).await.unwrap().err(), Some(CannotAdd::NotFound));
    drop(client);
    bench.assert_nothing_is_stored().await;
}

#[tokio::test]
async fn two_additions_at_once_give_everybody_one_place_while_the_dialer_claims() {
    let bench = Bench::new().await;
    for round in 0..5 {
        let base = round * 1000;
        let number = |n: u32| format!("+1202555{:04}", base + n);
        let first = number(0);
        let owner = bench.running(&[&first]).await;
        let evens: Vec<String> = (1..300).filter(|n| n % 2 == 0 || n % 5 == 0).map(number).collect();
        let odds: Vec<String> = (1..300).rev().filter(|n| n % 2 == 1 || n % 3 == 0).map(number).collect();
        let everybody: BTreeSet<String> = evens.iter().chain(&odds).chain([&first]).cloned().collect();
        let origins = [upload(Uuid::now_v7()), upload(Uuid::now_v7())];
        let one = bench.add_from(owner.campaign, &origins[0], only_contacts(&evens));
        let other = bench.add_from(owner.campaign, &origins[1], only_contacts(&odds));
        let mut claimed = Vec::new();
        let dialer = async {
            while claimed.len() < everybody.len() {
                match bench.claim(owner).await {
                    Claim::Attempt(attempt) => {
                        bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await;
                        claimed.push(attempt.phone);
                    }
                    Claim::Nobody => tokio::time::sleep(Duration::from_millis(1)).await,
                    other => panic!("expected an attempt, got {other:?}"),
                }
            }
        };
        let all = async { tokio::join!(one, other, dialer) };
        let (one, other, ()) = tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!((one.added + other.added) as usize, everybody.len() - 1);
        assert_eq!((one.added + one.already_there) as usize, evens.len());
        assert_eq!((other.added + other.already_there) as usize, odds.len());
        assert_eq!(claimed.iter().cloned().collect::<BTreeSet<_>>(), everybody);
        assert_eq!(claimed.len(), everybody.len(), "somebody was claimed twice");
        assert_recounted(&bench, owner.campaign).await;
    }
}

#[tokio::test]
async fn a_preview_is_made_a_campaign_once_on_whatever_node() {
    let bench = Bench::new().await;
    let import = bench.preview().await;
    let expires_at = bench.now + TimeDelta::hours(24);
    assert_eq!(bench.standing(import).await, Some(Standing::Preview { expires_at }));
    let piece = async |number| find_piece(&bench.database, bench.team, import, number).await.unwrap();
    assert_eq!(piece(0).await.as_deref(), Some(&b"phone\n"[..]));
    assert_eq!(piece(1).await.as_deref(), Some(ANN.as_bytes()));
    assert_eq!(piece(2).await, None);
    assert_eq!(bench.remarks(import).await[0].suggestion.as_deref(), Some(ANN));

    let (settings, agent) = (settings(), agent());
    let origin = preview_of(import);
    let mut client = bench.database.list_client().await.unwrap();
    let nobodys = NewCampaign { team: Uuid::now_v7(), ..new_campaign(bench.team, import, &settings, &agent) };
    assert!(begin_campaign(&mut client, &nobodys, &origin, bench.now).await.unwrap().is_none());
    // A campaign that fails leaves the preview as it was.
    let new = new_campaign(bench.team, Uuid::now_v7(), &settings, &agent);
    let mut making = begin_campaign(&mut client, &new, &origin, bench.now).await.unwrap().unwrap();
    making.take(batch(&[ANN]).by(&mut making.encoder())).await.unwrap();
    drop(making);
    assert_eq!((piece(1).await.is_some(), bench.remarks(import).await.len()), (true, 1));

    let mut making = begin_campaign(&mut client, &new, &origin, bench.now).await.unwrap().unwrap();
    let remarks = vec![refused(7, &["12"]), refused(8, &["13"])];
    making.take(Batch { remarks, ..batch(&[ANN]) }.by(&mut making.encoder())).await.unwrap();
    making.finish(&json!({}), &json!({"rows": 3})).await.unwrap();
    let stored = Standing::Stored { campaign: new.id, stored_at: bench.now };
    assert_eq!(bench.standing(import).await, Some(stored));
    let kept = find_import(&bench.database, bench.team, import, bench.now).await.unwrap().unwrap();
    assert_eq!(kept.options, json!(true), "how it was read at last");
    assert_eq!(piece(0).await, None);
    let places: Vec<i32> = bench.remarks(import).await.iter().map(|remark| remark.place.0).collect();
    assert_eq!(places, [7, 8]);

    let again = new_campaign(bench.team, Uuid::now_v7(), &settings, &agent);
    assert!(begin_campaign(&mut client, &again, &origin, bench.now).await.unwrap().is_none());
    drop(client);
    let added = bench.add_from(new.id, &origin, batch(&[BOB])).await;
    assert_eq!(added, Err(CannotAdd::NoPreview));
}

#[tokio::test]
async fn a_preview_is_added_to_a_campaign_like_a_file() {
    let bench = Bench::new().await;
    let (campaign, import) = (bench.draft(&[BOB]).await, bench.preview().await);
    let added = bench.add_from(campaign, &preview_of(import), batch(&[ANN])).await.unwrap();
    assert_eq!(added.added, 1);
    assert_eq!(bench.standing(import).await, Some(Standing::Stored { campaign, stored_at: bench.now }));
}

#[tokio::test]
async fn previews_are_gone_after_a_day_but_not_while_they_are_being_stored() {
    let bench = Bench::new().await;
    let (used, unused) = (bench.preview().await, bench.preview().await);
    let (settings, agent) = (settings(), agent());
    let mut client = bench.database.list_client().await.unwrap();
    let new = new_campaign(bench.team, Uuid::now_v7(), &settings, &agent);
    let (last_moment, expiry) = (bench.minutes(24 * 60 - 1), bench.minutes(24 * 60));
    let making = begin_campaign(&mut client, &new, &preview_of(used), last_moment).await.unwrap();
    let making = making.unwrap();
    assert_eq!(delete_expired(&bench.database, last_moment).await.unwrap().deleted, 0);
    assert!(find_import(&bench.database, bench.team, unused, expiry).await.unwrap().is_none());
    assert_eq!(delete_expired(&bench.database, expiry).await.unwrap().deleted, 1);
    assert_eq!(bench.standing(unused).await, None);
    assert!(bench.remarks(unused).await.is_empty());
    assert_eq!(find_piece(&bench.database, bench.team, unused, 0).await.unwrap(), None);
    making.finish(&json!({}), &json!({})).await.unwrap();
    assert_eq!(delete_expired(&bench.database, bench.minutes(48 * 60)).await.unwrap().deleted, 0);
    // What has expired can be used no more, even before it is deleted.
    let origin = preview_of(bench.preview().await);
    let late = new_campaign(bench.team, Uuid::now_v7(), &settings, &agent);
    assert!(begin_campaign(&mut client, &late, &origin, expiry).await.unwrap().is_none());
}

/// Lets the database refuse what these statements say.
async fn refuse(bench: &Bench, on: &str, of: &str, unless: &str) {
    let sql = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF {unless} THEN RETURN NULL; END IF; RAISE EXCEPTION 'refused by the test'; END $$;
         CREATE TRIGGER refuse AFTER DELETE ON {on} {of} EXECUTE FUNCTION refuse()"
    );
    bench.psql().await.batch_execute(&sql).await.unwrap();
}

#[tokio::test]
async fn however_much_an_expired_preview_holds_no_statement_deletes_more_than_a_slice_of_it() {
    let bench = Bench::new().await;
    let id = Uuid::now_v7();
    let Origin::Upload(new) = upload(id) else { unreachable!("an upload") };
    let mut client = bench.database.list_client().await.unwrap();
    let mut previewing = begin_preview(&mut client, bench.team, &new, bench.now).await.unwrap();
    previewing.take((1..=12_000).map(|row| refused(row, &["12"])).collect()).await.unwrap();
    for _ in 0..130 {
        previewing.keep(b"phone\n").await.unwrap();
    }
    previewing.finish(&json!({}), 50).await.unwrap();
    let slice = "REFERENCING OLD TABLE AS gone FOR EACH STATEMENT";
    refuse(&bench, "import_rows", slice, "(SELECT count(*) FROM gone) <= 5000").await;
    let deleted = delete_expired(&bench.database, bench.minutes(24 * 60)).await.unwrap();
    assert_eq!((deleted.deleted, deleted.failed.len()), (1, 0), "{:?}", deleted.failed);
    for table in ["imports", "import_rows", "import_pieces"] {
        assert_eq!(bench.rows_in(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_preview_that_cannot_be_deleted_keeps_no_other_from_it() {
    let bench = Bench::new().await;
    let (stuck, other) = (bench.preview().await, bench.preview().await);
    refuse(&bench, "import_pieces", "FOR EACH ROW", &format!("OLD.import_id <> '{stuck}'")).await;
    let expired = delete_expired(&bench.database, bench.minutes(24 * 60)).await.unwrap();
    assert_eq!(expired.deleted, 1);
    assert_eq!(expired.failed.iter().map(|(import, _)| *import).collect::<Vec<_>>(), [stuck]);
    assert_eq!(bench.standing(other).await, None);
    bench.psql().await.batch_execute("DROP TRIGGER refuse ON import_pieces").await.unwrap();
    assert_eq!(delete_expired(&bench.database, bench.minutes(24 * 60)).await.unwrap().deleted, 1);
}

#[tokio::test]
async fn of_a_team_s_previews_the_oldest_give_way_but_not_what_is_being_stored() {
    let bench = Bench::new().await;
    let (stored, oldest, newer) = (bench.preview().await, bench.preview().await, bench.preview().await);
    let (settings, agent) = (settings(), agent());
    let new = new_campaign(bench.team, Uuid::now_v7(), &settings, &agent);
    let mut client = bench.database.list_client().await.unwrap();
    let making = begin_campaign(&mut client, &new, &preview_of(stored), bench.now).await.unwrap();
    let newest = Uuid::now_v7();
    let Origin::Upload(import) = upload(newest) else { unreachable!("an upload") };
    let mut other = bench.database.list_client().await.unwrap();
    let previewing = begin_preview(&mut other, bench.team, &import, bench.now).await.unwrap();
    assert_eq!(previewing.finish(&json!({}), 2).await.unwrap(), 1);
    drop(other);
    assert!(bench.standing(stored).await.is_some() && bench.standing(newer).await.is_some());
    assert!(bench.standing(newest).await.is_some());
    assert_eq!(bench.standing(oldest).await, None);
    making.unwrap().finish(&json!({}), &json!({})).await.unwrap();
    drop(client);
    assert_eq!(delete_expired(&bench.database, bench.now).await.unwrap().deleted, 1);
}

#[tokio::test]
async fn a_campaign_of_very_many_contacts_is_deleted_in_whatever_time_it_takes() {
    let bench = Bench::new().await;
    let many: Vec<String> = (0..10_001).map(|n| format!("+1202{:07}", 5_550_000 + n)).collect();
    let large = bench.draft(&many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    refuse(&bench, "contacts", "FOR EACH STATEMENT", "current_setting('statement_timeout') = '30min'").await;
    let deleted =
        campaigns::delete_campaign(&bench.database, bench.team, large, None, bench.now).await.unwrap();
    assert_eq!(deleted, campaigns::Deleted::Done);
    assert_eq!(bench.rows_in("contacts").await, 0);
}

#[tokio::test]
async fn remarks_are_read_in_pages_and_the_refused_as_a_stream_in_the_order_of_the_file() {
    let bench = Bench::new().await;
    let id = Uuid::now_v7();
    let Origin::Upload(new) = upload(id) else { unreachable!("an upload") };
    let mut client = bench.database.list_client().await.unwrap();
    let mut previewing = begin_preview(&mut client, bench.team, &new, bench.now).await.unwrap();
    let remarks = |rows: std::ops::Range<u32>| {
        rows.map(|row| match row % 3 {
            0 => remark(row, Kind::Repaired),
            _ => refused(row, &[&row.to_string()]),
        })
        .collect::<Vec<_>>()
    };
    // The second part comes first, as what an addition finds comes last.
    previewing.take(remarks(5_000..12_000)).await.unwrap();
    previewing.take(remarks(1..5_000)).await.unwrap();
    previewing.finish(&json!({}), 50).await.unwrap();

    let mut filter = RemarkFilter { kind: Some(KindName::Repaired), ..RemarkFilter::default() };
    let mut rows = Vec::new();
    loop {
        let page = list_remarks(&bench.database, bench.team, id, &filter, 1000).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.after = last.place;
        rows.extend(page.iter().map(|remark| remark.place.0));
    }
    assert_eq!(rows, (1..12_000).filter(|row| row % 3 == 0).collect::<Vec<_>>());
    let refused: Vec<RefusedRow> =
        stream_refused(&bench.database, bench.team, id).try_concat().await.unwrap();
    let rows: Vec<String> = refused.into_iter().map(|row| row.cells[0].clone()).collect();
    assert_eq!(rows, (1..12_000).filter(|row| row % 3 != 0).map(|row| row.to_string()).collect::<Vec<_>>());
    let all = RemarkFilter::default();
    let nobodys = list_remarks(&bench.database, Uuid::now_v7(), id, &all, 10).await.unwrap();
    assert!(nobodys.is_empty(), "another team's remarks");
}

#[tokio::test]
async fn large_refused_rows_come_few_at_a_time() {
    let bench = Bench::new().await;
    let id = Uuid::now_v7();
    let Origin::Upload(new) = upload(id) else { unreachable!("an upload") };
    let mut client = bench.database.list_client().await.unwrap();
    let mut previewing = begin_preview(&mut client, bench.team, &new, bench.now).await.unwrap();
    let large = "x".repeat(3 << 20);
    previewing.take((1..=5).map(|row| refused(row, &[&large])).collect()).await.unwrap();
    previewing.take((6..=20).map(|row| refused(row, &["12"])).collect()).await.unwrap();
    previewing.finish(&json!({}), 50).await.unwrap();
    let pages: Vec<Vec<RefusedRow>> =
        stream_refused(&bench.database, bench.team, id).try_collect().await.unwrap();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 16]);
}

#[tokio::test]
async fn a_contact_belongs_to_a_campaign_for_as_long_as_there_is_one() {
    let bench = Bench::new().await;
    let (one, other) = (bench.draft(&[ANN, BOB]).await, bench.draft(&[ANN]).await);
    let psql = bench.psql().await;
    for (refused, because) in [
        (
            "INSERT INTO contacts (id, team_id, campaign_id, position, phone, metadata, file_row, raw_phone, area,
                                   state, updated_at)
             SELECT gen_random_uuid(), team_id, gen_random_uuid(), 1, '+12025550109', '{}', 1, '', 0, 'failed', now()
             FROM campaigns",
            "contacts_belong_to_a_campaign",
        ),
        ("UPDATE contacts SET campaign_id = gen_random_uuid()", "contacts_stay_in_their_campaign"),
    ] {
        let error = psql.execute(refused, &[]).await.unwrap_err();
        assert_eq!(error.as_db_error().unwrap().constraint(), Some(because));
    }
    // A statement without rows concerns no campaign.
    psql.execute("INSERT INTO contacts (id) SELECT id FROM contacts WHERE false", &[]).await.unwrap();
    campaigns::delete_campaign(&bench.database, bench.team, one, None, bench.now).await.unwrap();
    assert_eq!(bench.rows_in("contacts").await, 1);
    assert_eq!(bench.phones(other).await, [ANN]);
    assert_eq!(bench.rows_in("imports").await, 1);
}

#[tokio::test]
async fn many_new_contacts_are_made_known_to_the_planner() {
    let bench = Bench::new().await;
    bench.draft(&[ANN]).await;
    assert!(!renew_statistics(&bench.database, 10_000).await.unwrap());
    assert!(renew_statistics(&bench.database, 10_001).await.unwrap());
    let known = "SELECT reltuples FROM pg_class WHERE relname = 'contacts'";
    assert_eq!(bench.psql().await.query_one(known, &[]).await.unwrap().get::<_, f32>(0), 1.0);
}

#[tokio::test]
async fn lists_take_no_connection_from_the_dialer() {
    let bench = Bench::new().await;
    let lists = [bench.database.list_client().await.unwrap(), bench.database.list_client().await.unwrap()];
    bench.database.ping().await.unwrap();
    let third = tokio::time::timeout(Duration::from_millis(50), bench.database.list_client());
    assert!(third.await.is_err(), "a third list did not wait");
    drop(lists);
    assert!(bench.database.list_client().await.is_ok());
}
