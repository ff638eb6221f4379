//! API keys: who gets in with which, until when, and who can let others in.

use chrono::TimeDelta;
use outdial::db::keys::{
    Holder, NewKey, Revoked, ensure_key, find_holder, insert_key, list_keys, revoke_key,
};
use outdial::domain::access::Role;
use uuid::Uuid;

use super::Bench;

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
    let holder = Holder { team: bench.team, key: key.id, role: Role::Viewer };
    let find = async |at| find_holder(&bench.database, b"hash", at).await.unwrap();
    let last_used_at = async || list_keys(&bench.database, bench.team).await.unwrap()[0].last_used_at;
    assert_eq!(last_used_at().await, None);
    assert_eq!(find(bench.now).await, Some(holder));
    assert_eq!(find(bench.now + TimeDelta::seconds(59)).await, Some(holder));
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
