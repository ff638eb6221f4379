//! Campaigns that are made of others.

use outdial::db::duplicate::{Chosen, Duplicated, duplicate};

use super::*;

impl Bench {
    async fn duplicate(&self, of: Uuid, chosen: &Chosen) -> Option<Uuid> {
        let (id, settings, agent) = (Uuid::now_v7(), settings(), agent());
        let new = NewCampaign { name: "again", ..new_campaign(self.team, id, &settings, &agent) };
        let contacts = match duplicate(&self.database, of, &new, chosen, self.now).await.unwrap() {
            Duplicated::Done { contacts } => contacts,
            Duplicated::Nobody => 0,
            Duplicated::NoTurn => panic!("nobody stores a list"),
        };
        let made = campaigns::find_campaign(&self.database, self.team, id).await.unwrap();
        assert_eq!(made.map_or(0, |made| made.counts.pending), contacts);
        (contacts > 0).then_some(id)
    }
}

fn with(outcomes: &[Outcome]) -> Chosen {
    Chosen { outcomes: Some(outcomes.to_vec()), states: None }
}

fn in_state(states: &[ContactState]) -> Chosen {
    Chosen { outcomes: None, states: Some(states.to_vec()) }
}

#[tokio::test]
async fn a_duplicate_has_everybody_or_those_who_were_chosen_and_all_of_them_anew() {
    let bench = Bench::new().await;
    let phones = ["+12025550101", "+12025550102", "+12125550103", "+12025550104"];
    let owner = bench.running(&phones).await;
    for outcome in [Outcome::NoAnswer, Outcome::Answered, Outcome::Busy] {
        let attempt = bench.claimed(owner).await;
        let verdict = if outcome == Outcome::Answered { Verdict::Completed } else { Verdict::Failed };
        assert!(bench.settle(owner, attempt.id, outcome, verdict).await);
    }
    let positions = async |chosen: &Chosen| {
        let id = bench.duplicate(owner.campaign, chosen).await.expect("a duplicate");
        assert_recounted(&bench, id).await;
        let contacts = bench.contacts(id).await;
        for contact in &contacts {
            assert_eq!((contact.state, contact.attempts), (ContactState::Pending, 0));
            assert_eq!((contact.last_outcome, contact.due_at), (None, Some(bench.now)));
        }
        contacts.iter().map(|contact| contact.position).collect::<Vec<_>>()
    };
    assert_eq!(positions(&Chosen::default()).await, [1, 2, 3, 4]);
    assert_eq!(positions(&with(&[Outcome::NoAnswer, Outcome::Busy])).await, [1, 3]);
    assert_eq!(positions(&in_state(&[ContactState::Pending, ContactState::Completed])).await, [2, 4]);
    let failed_busy = Chosen { states: Some(vec![ContactState::Failed]), ..with(&[Outcome::Busy]) };
    assert_eq!(positions(&failed_busy).await, [3]);
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_duplicate_can_be_called_and_its_contacts_know_where_they_are() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12125550102"]).await;
    let id = bench.duplicate(owner.campaign, &Chosen::default()).await.unwrap();
    let of = campaigns::find_campaign(&bench.database, bench.team, owner.campaign).await.unwrap().unwrap();
    let made = campaigns::find_campaign(&bench.database, bench.team, id).await.unwrap().unwrap();
    assert_eq!((made.name.as_str(), made.state, made.run_of), ("again", State::Draft, None));
    assert_eq!((made.settings, made.import), (of.settings, of.import));
    bench.suppress("+12025550101").await;
    let copy = bench.start(id).await;
    assert!(matches!(bench.claim(copy).await, Claim::Suppressed(_)));
    let attempt = bench.claimed(copy).await;
    assert_eq!((attempt.phone.as_str(), attempt.settings_version), ("+12125550102", 1));
    let (ours, theirs) = (bench.contacts(id).await, bench.contacts(owner.campaign).await);
    for (one, other) in ours.iter().zip(&theirs) {
        assert_ne!(one.id, other.id);
        assert_eq!((&one.metadata, one.area.whole()), (&other.metadata, other.area.whole()));
    }
}

#[tokio::test]
async fn there_is_no_duplicate_without_anybody_or_of_somebody_else_s_campaign() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101"]).await;
    assert_eq!(bench.duplicate(campaign, &with(&[Outcome::Busy])).await, None);
    assert_eq!(bench.duplicate(campaign, &in_state(&[])).await, None);
    assert_eq!(bench.duplicate(Uuid::now_v7(), &Chosen::default()).await, None);
    let psql = bench.psql().await;
    psql.execute("INSERT INTO teams (id, name) VALUES ($1, 'others')", &[&Uuid::nil()]).await.unwrap();
    let (settings, agent) = (settings(), agent());
    let theirs = new_campaign(Uuid::nil(), Uuid::now_v7(), &settings, &agent);
    let contacts = duplicate(&bench.database, campaign, &theirs, &Chosen::default(), bench.now).await;
    assert_eq!(contacts.unwrap(), Duplicated::Nobody);
    let campaigns: i64 = psql.query_one("SELECT count(*) FROM campaigns", &[]).await.unwrap().get(0);
    assert_eq!(campaigns, 1);
}

#[tokio::test]
async fn a_small_duplicate_waits_for_no_upload_and_a_large_one_not_for_long() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101"]).await;
    let uploads = (bench.database.list_client().await.unwrap(), bench.database.list_client().await.unwrap());
    assert!(bench.duplicate(campaign, &Chosen::default()).await.is_some());
    let psql = bench.psql().await;
    psql.execute("UPDATE campaigns SET completed = 10001 WHERE id = $1", &[&campaign]).await.unwrap();
    let (settings, agent) = (settings(), agent());
    let new = new_campaign(bench.team, Uuid::now_v7(), &settings, &agent);
    let copied =
        async || duplicate(&bench.database, campaign, &new, &Chosen::default(), bench.now).await.unwrap();
    assert_eq!(copied().await, Duplicated::NoTurn);
    drop(uploads);
    assert_eq!(copied().await, Duplicated::Done { contacts: 1 });
}
