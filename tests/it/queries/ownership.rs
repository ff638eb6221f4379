//! Which node a campaign belongs to, and that nobody else decides for it.

use super::*;

#[tokio::test]
async fn nobody_decides_for_a_campaign_that_was_taken_over() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    let attempt = bench.claimed(owner).await;
    bench.psql().await.execute("UPDATE nodes SET alive_until = now() - interval '1 s'", &[]).await.unwrap();
    let successor = Uuid::now_v7();
    nodes::renew(&bench.database, oneself(successor), Duration::from_secs(60)).await.unwrap();
    assert_eq!(nodes::take_over(&bench.database, oneself(successor)).await.unwrap().len(), 1);
    assert!(!bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    assert!(matches!(bench.claim(owner).await, Claim::NotOurs));
    let owned = nodes::list_owned(&bench.database, successor, ACCOUNT).await.unwrap();
    assert_eq!(owned[0].epoch, owner.epoch + 1);
    // A living node's campaigns are nobody's to take.
    assert_eq!(nodes::take_over(&bench.database, oneself(bench.node)).await.unwrap().len(), 0);
}

#[tokio::test]
async fn campaigns_are_shared_by_all_living_nodes_and_nobody_hands_over_one_that_is_on_the_phone() {
    let bench = Bench::new().await;
    let (first, second, database) = (bench.node, Uuid::now_v7(), &bench.database);
    let mut owners = Vec::new();
    for line in 101..106 {
        owners.push(bench.running(&[&format!("+12025550{line}")]).await);
    }
    let on_the_phone = bench.claimed(owners[4]).await;
    let owned = async |node| nodes::list_owned(database, node, ACCOUNT).await.unwrap().len();
    // Alone it keeps them all.
    assert_eq!(nodes::hand_over(database, oneself(first)).await.unwrap(), 0);
    nodes::renew(database, oneself(second), Duration::from_secs(60)).await.unwrap();
    assert_eq!(
        nodes::take_over(database, oneself(second)).await.unwrap().len(),
        0,
        "they have a living owner"
    );
    assert_eq!(nodes::hand_over(database, oneself(first)).await.unwrap(), 2);
    assert_eq!(nodes::take_over(database, oneself(first)).await.unwrap().len(), 0, "it has its share");
    assert_eq!((owned(first).await, owned(second).await), (3, 0));
    assert!(nodes::list_excess(database, oneself(first)).await.unwrap().is_empty(), "it has its share");
    assert!(matches!(bench.claim(owners[3]).await, Claim::NotOurs), "a campaign that was handed over");
    assert_eq!(nodes::take_over(database, oneself(second)).await.unwrap().len(), 2);
    assert_eq!(nodes::hand_over(database, oneself(second)).await.unwrap(), 0);
    assert_eq!((owned(first).await, owned(second).await), (3, 2));
    assert!(bench.settle(owners[4], on_the_phone.id, Outcome::Answered, Verdict::Completed).await);
    // The other one has died: whoever is left takes all.
    bench
        .psql()
        .await
        .execute("UPDATE nodes SET alive_until = now() WHERE id = $1", &[&first])
        .await
        .unwrap();
    assert_eq!(nodes::take_over(database, oneself(second)).await.unwrap().len(), 3);
    assert_eq!((owned(first).await, owned(second).await), (0, 5));
}

/// A campaign that calls without a pause is always on the phone when somebody looks.
#[tokio::test]
async fn campaigns_beyond_the_share_that_are_on_the_phone_are_let_go_of_when_it_is_hung_up() {
    let bench = Bench::new().await;
    let (database, us) = (&bench.database, oneself(bench.node));
    let owners = [bench.running(&[&phone(1)]).await, bench.running(&[&phone(2)]).await];
    let mut calls = Vec::new();
    for owner in owners {
        calls.push(bench.claimed(owner).await);
    }
    nodes::renew(database, oneself(Uuid::now_v7()), Duration::from_secs(60)).await.unwrap();
    assert_eq!(nodes::hand_over(database, us).await.unwrap(), 0);
    let excess = nodes::list_excess(database, us).await.unwrap();
    assert_eq!(excess, [owners[1].campaign]);
    assert!(!nodes::let_go(database, owners[1]).await.unwrap(), "it is on the phone");
    assert!(bench.settle(owners[1], calls[1].id, Outcome::Busy, Verdict::Due(bench.now)).await);
    assert!(nodes::let_go(database, owners[1]).await.unwrap());
    assert!(matches!(bench.claim(owners[1]).await, Claim::NotOurs));
    assert!(nodes::list_excess(database, us).await.unwrap().is_empty());
}

/// Whoever waits for a row that another has just taken sees it as it is then.
#[tokio::test]
async fn nodes_that_take_over_at_the_same_time_take_nothing_from_each_other() {
    let bench = Bench::new().await;
    let database = &bench.database;
    for line in 1..=20 {
        bench.running(&[&phone(line)]).await;
    }
    let (one, other) = (oneself(Uuid::now_v7()), oneself(Uuid::now_v7()));
    nodes::leave(database, bench.node).await.unwrap();
    for _ in 0..10 {
        for node in [one, other] {
            nodes::renew(database, node, Duration::from_secs(60)).await.unwrap();
        }
        bench.psql().await.execute("UPDATE campaigns SET node = NULL", &[]).await.unwrap();
        let (taken, by_the_other) =
            tokio::join!(nodes::take_over(database, one), nodes::take_over(database, other));
        let (taken, by_the_other) = (taken.unwrap(), by_the_other.unwrap());
        let owned = nodes::list_owned(database, one.id, ACCOUNT).await.unwrap().len();
        assert_eq!(owned, taken.len(), "what one had taken is the other's, who took {}", by_the_other.len());
    }
}

#[tokio::test]
async fn campaigns_go_to_nodes_of_their_own_account_as_long_as_one_lives() {
    let bench = Bench::new().await;
    let database = &bench.database;
    for line in 101..105 {
        bench.running(&[&format!("+12025550{line}")]).await;
    }
    let theirs = Oneself { account_sid: "AC00000000000000000000000000000002", ..oneself(Uuid::now_v7()) };
    let ours = oneself(Uuid::now_v7());
    for node in [theirs, ours] {
        nodes::renew(database, node, Duration::from_secs(60)).await.unwrap();
    }
    let owned = async |node: Oneself<'_>| nodes::list_owned(database, node.id, ACCOUNT).await.unwrap().len();
    assert_eq!(nodes::hand_over(database, oneself(bench.node)).await.unwrap(), 2, "a half, not two thirds");
    assert_eq!(nodes::take_over(database, theirs).await.unwrap().len(), 0);
    assert_eq!(nodes::take_over(database, ours).await.unwrap().len(), 2);
    nodes::leave(database, bench.node).await.unwrap();
    assert_eq!(nodes::take_over(database, theirs).await.unwrap().len(), 0, "one of their own account lives");
    nodes::leave(database, ours.id).await.unwrap();
    // Nobody is left who could call on it: who takes them says so.
    assert_eq!(nodes::take_over(database, theirs).await.unwrap().len(), 4);
    assert_eq!(owned(theirs).await, 4);
}

#[tokio::test]
async fn a_renewal_tells_how_long_the_others_surely_live() {
    let bench = Bench::new().await;
    let renew = async |node, seconds| {
        let lease = Duration::from_secs(seconds);
        nodes::renew(&bench.database, oneself(node), lease).await.unwrap().others_until
    };
    assert_eq!(renew(bench.node, 60).await, None);
    let until = renew(Uuid::now_v7(), 60).await.unwrap();
    assert!((59.0..=60.0).contains(&until.as_secs_f64()), "{until:?}");
    // Who is dead already is not waited for.
    nodes::leave(&bench.database, bench.node).await.unwrap();
    bench.psql().await.execute("UPDATE nodes SET alive_until = now()", &[]).await.unwrap();
    assert_eq!(renew(Uuid::now_v7(), 60).await, None);
}

/// By the new time, everything that was reckoned before lasts an hour longer than it was meant to.
#[tokio::test]
async fn a_database_whose_clock_is_set_back_by_an_hour_stops_nobody_for_an_hour() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    accounts::ensure(&bench.database, OWN_ACCOUNT).await.unwrap();
    let psql = bench.psql().await;
    psql.batch_execute("UPDATE nodes SET alive_until = alive_until + interval '1 hour'").await.unwrap();
    psql.batch_execute("UPDATE accounts SET next_place_at = next_place_at + interval '1 hour'")
        .await
        .unwrap();
    let successor = oneself(Uuid::now_v7());
    let renewed = nodes::renew(&bench.database, successor, Duration::from_secs(15)).await.unwrap();
    assert_eq!(renewed.others_until, None);
    assert_eq!(nodes::take_over(&bench.database, successor).await.unwrap().len(), 1);
    assert!(matches!(bench.claim(owner).await, Claim::NotOurs));
    let second = Duration::from_secs(1);
    let next = async || accounts::take_places(&bench.database, ACCOUNT, 1, second).await.unwrap();
    assert_eq!(next().await, Places::Granted { after: Duration::ZERO, spacing: second, count: 1 });
    // And no place is given twice for it.
    let Places::Granted { after, .. } = next().await else { panic!("the account is closed") };
    assert!(after > second * 9 / 10 && after <= second, "{after:?}");
}

#[tokio::test]
async fn what_a_dead_node_left_of_a_paused_campaign_is_taken_whatever_the_share() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    bench.claimed(owner).await;
    assert_eq!(bench.command(owner.campaign, Command::Pause).await, Moved::Done);
    bench.psql().await.execute("UPDATE nodes SET alive_until = now()", &[]).await.unwrap();
    let successor = Uuid::now_v7();
    nodes::renew(&bench.database, oneself(successor), Duration::from_secs(60)).await.unwrap();
    assert_eq!(nodes::take_over(&bench.database, oneself(successor)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nodes_that_start_together_for_the_first_time_make_one_team() {
    let (database, config) = fresh_database().await;
    let (other, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let (watcher, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let theirs = Uuid::now_v7();
    other.batch_execute(&format!("BEGIN; INSERT INTO teams VALUES ('{theirs}', 'default')")).await.unwrap();
    let other_commits = async {
        eventually("the second waits for the first", || somebody_waits(&watcher)).await;
        other.batch_execute("COMMIT").await.unwrap();
    };
    let (ours, ()) = tokio::join!(ensure_team(&database), other_commits);
    assert_eq!(ours.unwrap(), theirs);
}
