//! What the tables themselves refuse, whoever writes to them: a second open call, and a number that is used again.

use super::*;

impl Bench {
    /// Writes a second attempt beside this one, past all code, and returns the constraint that refuses it.
    async fn refuses(
        &self,
        beside: &ClaimedAttempt,
        (campaign, contact): (Uuid, Uuid),
        number: i32,
        phone: &str,
    ) -> Option<String> {
        const SQL: &str = "
            INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone,
                                  from_phone, intended_at)
            SELECT $2, team_id, $3, $4, $5, epoch, settings_version, $6, from_phone, intended_at
            FROM attempts WHERE id = $1";
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&beside.id, &Uuid::now_v7(), &campaign, &contact, &number, &phone];
        let refused = self.psql().await.execute(SQL, &params).await.err()?;
        refused.as_db_error()?.constraint().map(str::to_owned)
    }
}

#[tokio::test]
async fn the_table_itself_refuses_a_second_open_call_of_a_campaign_or_a_number() {
    let bench = Bench::new().await;
    let one = bench.running(&["+12025550101", "+12025550102"]).await;
    let other = bench.running(&["+12025550101"]).await;
    let open = bench.claimed(one).await;
    let (first, second) =
        (bench.contacts(one.campaign).await[0].id, bench.contacts(one.campaign).await[1].id);
    let stranger = bench.contacts(other.campaign).await[0].id;
    let refuses = async |owner: Ownership, contact, number, phone| {
        bench.refuses(&open, (owner.campaign, contact), number, phone).await
    };
    let refused = refuses(one, second, 1, "+12025550102").await;
    assert_eq!(refused.as_deref(), Some("one_open_call_per_campaign"));
    let refused = refuses(other, stranger, 1, "+12025550101").await;
    assert_eq!(refused.as_deref(), Some("one_open_call_per_number"));
    let refused = refuses(other, first, 1, "+12025550109").await;
    assert_eq!(refused.as_deref(), Some("numbers_are_not_reused"));
    let by_hand = "UPDATE campaigns SET calling = 2, pending = 0 WHERE id = $1";
    let refused = bench.psql().await.execute(by_hand, &[&one.campaign]).await.unwrap_err();
    let constraint = refused.as_db_error().unwrap().constraint();
    assert_eq!(constraint, Some("a_campaign_calls_one_contact_at_a_time"));
    assert_eq!(refuses(other, stranger, 1, "+12025550109").await, None, "nothing speaks against it");
}
