//! API keys: who gets in with which, until when, and who can let others in.

use chrono::TimeDelta;
use futures_util::future::join_all;
use outdial::db::keys::{
    Holder, NewKey, Revoked, ensure_key, find_holder, insert_key, list_keys, revoke_key,
};
use outdial::domain::access::Role;
use tokio_postgres::NoTls;
use uuid::Uuid;

use super::Bench;
use crate::support::eventually;

fn key(hash: &[u8], role: Role) -> NewKey<'_> {
    NewKey {
        id: Uuid::now_v7(),
        name: "from the environment",
        prefix: "secret",
        hash,
        role,
        expires_at: None,
    }
}

#[tokio::test]
async fn a_key_that_is_changed_in_the_environment_opens_nothing_any_more() {
    let bench = Bench::new().await;
    let opens = async |hash: &[u8]| find_holder(&bench.database, hash, bench.now).await.unwrap().is_some();
    for (now, before) in [(b"one", b"two"), (b"two", b"one"), (b"one", b"two"), (b"one", b"two")] {
        ensure_key(&bench.database, bench.team, &key(now, Role::Admin)).await.unwrap();
        assert_eq!((opens(now).await, opens(before).await), (true, false));
    }
}

#[tokio::test]
async fn a_key_opens_until_it_expires_and_when_it_was_used_is_known_to_the_minute() {
    let bench = Bench::new().await;
    let good_until = bench.minutes(10);
    let key = NewKey { expires_at: Some(good_until), ..key(b"hash", Role::Viewer) };
    insert_key(&bench.database, bench.team, &key).await.unwrap();
    let (name, prefix) = (key.name.to_owned(), key.prefix.to_owned());
    let holder = Holder { team: bench.team, key: key.id, name, prefix, role: Role::Viewer };
    let find = async |at| find_holder(&bench.database, b"hash", at).await.unwrap();
    let last_used_at = async || list_keys(&bench.database, bench.team).await.unwrap()[0].last_used_at;
    assert_eq!(last_used_at().await, None);
    assert_eq!(find(bench.now).await.as_ref(), Some(&holder));
    assert_eq!(find(bench.now + TimeDelta::seconds(59)).await.as_ref(), Some(&holder));
    assert_eq!(last_used_at().await, Some(bench.now));
    assert_eq!(find(bench.minutes(2)).await, Some(holder));
    assert_eq!(last_used_at().await, Some(bench.minutes(2)));
    assert_eq!(find(good_until).await, None);
    assert_eq!(last_used_at().await, Some(bench.minutes(2)), "who does not get in has not used it");
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_and_the_last_that_can_let_others_in_is_not_revoked() {
    let bench = Bench::new().await;
    let (first, second, operator) =
        (key(b"first", Role::Admin), key(b"second", Role::Admin), key(b"operator", Role::Operator));
    for key in [&first, &second, &operator] {
        insert_key(&bench.database, bench.team, key).await.unwrap();
    }
    let revoke = async |team, id| revoke_key(&bench.database, team, id, bench.now).await.unwrap();
    assert_eq!(revoke(Uuid::now_v7(), first.id).await, Revoked::NotFound, "another team's");
    assert_eq!(revoke(bench.team, operator.id).await, Revoked::Done);
    assert_eq!(find_holder(&bench.database, b"operator", bench.now).await.unwrap(), None);
    // Two admins who would lock each other out.
    let (one, other) = tokio::join!(revoke(bench.team, first.id), revoke(bench.team, second.id));
    assert!(
        [one, other].contains(&Revoked::Done) && [one, other].contains(&Revoked::LastAdmin),
        "{one:?} {other:?}"
    );
    let gone = if one == Revoked::Done { first.id } else { second.id };
    assert_eq!(revoke(bench.team, gone).await, Revoked::Done, "again changes nothing");
}

#[tokio::test]
async fn of_a_burst_at_the_minute_s_turn_one_writes_that_the_key_was_used() {
    const COUNT_WRITES: &str = "
        CREATE TABLE writes (at timestamptz);
        CREATE FUNCTION count_write() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO writes VALUES (NEW.last_used_at); RETURN NEW; END $$;
        CREATE TRIGGER count_writes AFTER UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION count_write()";
    const WAITING: &str = "
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    const BURST: i64 = 5;
    let bench = Bench::new().await;
    insert_key(&bench.database, bench.team, &key(b"hash", Role::Viewer)).await.unwrap();
    let (mut psql, connection) = bench.config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let (onlooker, connection) = bench.config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    psql.batch_execute(COUNT_WRITES).await.unwrap();
    let holding = psql.transaction().await.unwrap();
    holding.execute("SELECT FROM api_keys FOR UPDATE", &[]).await.unwrap();
    let at = |n| bench.now + TimeDelta::milliseconds(n);
    let burst = join_all((0..BURST).map(|n| find_holder(&bench.database, b"hash", at(n))));
    let let_go = async {
        // All of them have seen that it is time to write.
        eventually("all wait for the row", || async {
            let waiting: i64 = onlooker.query_one(WAITING, &[]).await.unwrap().get(0);
            (waiting == BURST).then_some(())
        })
        .await;
        holding.commit().await.unwrap();
    };
    let (found, ()) = tokio::join!(burst, let_go);
    assert!(found.into_iter().all(|found| found.unwrap().is_some()));
    let writes: i64 = psql.query_one("SELECT count(*) FROM writes", &[]).await.unwrap().get(0);
    assert_eq!(writes, 1);
}
