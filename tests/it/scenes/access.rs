//! Who gets in, and who may do what.

mod again;
mod limits;
mod record;
mod teams;

use outdial::domain::access::Role;
use outdial::http::{Needs, needs};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::process::{Process, Variables};
use crate::support::scene::{Scene, read};

/// Makes a key through the API.
pub(super) async fn key(scene: &Scene, role: Role) -> String {
    scene.key(role).await
}

/// Asks with a key for something of the API, with this id wherever one is needed.
async fn ask(scene: &Scene, key: &str, needs: &Needs, id: &str) -> (StatusCode, Value) {
    let path = needs.path.replace("{phone}", "%2B12025550199");
    let path = ["{id}", "{contact}", "{attempt}"].iter().fold(path, |path, part| path.replace(part, id));
    let method: Method = needs.method.as_str().parse().unwrap();
    let request = scene.stranger().request(method.clone(), scene.url(&path));
    let answer = request.bearer_auth(key).json(&json!({})).send().await.unwrap();
    let (status, mut body) = read(&method, answer).await;
    if let Some(members) = body.as_object_mut() {
        // What the request is called is another each time.
        members.remove("request_id");
    }
    (status, body)
}

#[actix_web::test]
async fn every_role_may_do_on_every_route_what_its_permissions_say_and_nothing_else() {
    let scene = Scene::start().await;
    let nothing = Uuid::now_v7().to_string();
    let all = needs();
    assert!(all.len() > 25, "only {} routes", all.len());
    for role in Role::ALL {
        let key = key(&scene, *role).await;
        for needs in &all {
            let (status, answer) = ask(&scene, &key, needs, &nothing).await;
            let is_refused = status == StatusCode::FORBIDDEN && answer["type"] == "urn:outdial:forbidden";
            assert_eq!(is_refused, !role.may(needs.permission), "{role}: {needs:?}: {status} {answer}");
            if is_refused {
                assert_eq!(answer["permission"], needs.permission.as_str());
            }
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{needs:?}");
            assert!(!status.is_server_error(), "{needs:?}: {answer}");
            assert_ne!(answer["detail"], "there is no such page", "{needs:?}");
        }
    }
    for needs in &all {
        let (status, _) = ask(&scene, "od_nobody-s-key", needs, &nothing).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{needs:?}");
    }
    scene.end().await;
}

/// Whatever has an id answers to another team as if it were not there.
#[actix_web::test]
async fn nothing_of_one_team_is_there_for_another() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let agent = json!({"name": "Ada", "script": {"say": "Hello"}});
    let (_, agent) = scene.send(Method::POST, "/api/v1/agents", &agent).await;
    let (_, contacts) = scene.ask(Method::GET, &format!("{campaign}/contacts")).await;
    let (_, imports) = scene.ask(Method::GET, &format!("{campaign}/imports")).await;
    let (_, keys) = scene.ask(Method::GET, "/api/v1/keys").await;
    let hook = json!({"url": "https://receiver.example/", "kinds": ["schedule.fired"]});
    let (_, hook) = scene.send(Method::POST, "/api/v1/hooks", &hook).await;
    let theirs = other_team(&scene).await;
    let campaign = campaign.rsplit('/').next().unwrap();
    let contact = contacts["contacts"][0]["id"].as_str().unwrap();
    let mut tried = 0;
    for needs in needs() {
        let id = match needs.path.split('/').nth(3) {
            Some("campaigns") => campaign,
            Some("agents") => agent["id"].as_str().unwrap(),
            Some("imports") => imports["imports"][0]["id"].as_str().unwrap(),
            Some("hooks") => hook["id"].as_str().unwrap(),
            Some("keys") => keys["keys"][0]["id"].as_str().unwrap(),
            _ => continue,
        };
        if !needs.path.contains("{id}") {
            continue;
        }
        let of_contact = Needs { path: needs.path.replace("{contact}", contact), ..needs };
        let (status, answer) = ask(&scene, &theirs, &of_contact, id).await;
        // What is said first about a body that cannot be read tells nothing of what is there.
        let is_hidden = status == StatusCode::NOT_FOUND || status == StatusCode::UNPROCESSABLE_ENTITY;
        assert!(is_hidden || status == StatusCode::BAD_REQUEST, "{of_contact:?}: {status} {answer}");
        let (of_nothing, answer_of_nothing) =
            ask(&scene, &theirs, &of_contact, &Uuid::now_v7().to_string()).await;
        assert_eq!((status, &answer), (of_nothing, &answer_of_nothing), "{of_contact:?} tells what is there");
        tried += 1;
    }
    assert!(tried > 15, "only {tried} routes were tried");
    let (_, mine) = scene.ask(Method::GET, "/api/v1/campaigns").await;
    assert_eq!(mine["campaigns"].as_array().map(Vec::len), Some(1));
    scene.end().await;
}

/// An admin's key of a team of its own, made past the API.
pub(super) async fn other_team(scene: &Scene) -> String {
    let (psql, team) = (scene.psql().await, Uuid::now_v7());
    psql.execute("INSERT INTO teams (id, name) VALUES ($1, 'others')", &[&team]).await.unwrap();
    let id = Uuid::now_v7();
    outdial::keys::make(&scene.board().database, team, id, "theirs", Role::Admin, None).await.unwrap()
}

#[actix_web::test]
async fn a_key_is_shown_once_listed_without_its_secret_and_opens_nothing_when_it_is_revoked() {
    let scene = Scene::start().await;
    let secret = key(&scene, Role::Viewer).await;
    let me = async |key: &str| {
        let answer = scene.stranger().get(scene.url("/api/v1/me")).bearer_auth(key).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let (status, viewer) = me(&secret).await;
    assert_eq!((status, &viewer["role"]), (StatusCode::OK, &json!("viewer")));
    assert!(viewer["permissions"].as_array().unwrap().contains(&json!("campaigns:read")), "{viewer}");
    let (_, listed) = scene.ask(Method::GET, "/api/v1/keys").await;
    assert!(!listed.to_string().contains(&secret), "the list shows a secret");
    let shown = &listed["keys"][0];
    assert_eq!((&shown["name"], &shown["is_this_one"]), (&json!("a viewer"), &json!(false)));
    assert!(
        secret.starts_with(shown["prefix"].as_str().unwrap()) && shown["last_used_at"].is_string(),
        "{shown}"
    );
    let path = format!("/api/v1/keys/{}", shown["id"].as_str().unwrap());
    assert_eq!(scene.ask(Method::DELETE, &path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(me(&secret).await.0, StatusCode::UNAUTHORIZED);
    let own = listed["keys"].as_array().unwrap().iter().find(|key| key["is_this_one"] == true).unwrap();
    let (status, refused) =
        scene.ask(Method::DELETE, &format!("/api/v1/keys/{}", own["id"].as_str().unwrap())).await;
    assert_eq!((status, &refused["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:last-admin-key")));
    for bad in [
        json!({"name": " ", "role": "viewer"}),
        json!({"name": "x", "role": "king"}),
        json!({"name": "from the environment", "role": "viewer"}),
        json!({"name": "x", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}),
        json!({"role": "viewer"}),
    ] {
        let (status, refused) = scene.send(Method::POST, "/api/v1/keys", &bad).await;
        assert_eq!(
            (status, &refused["type"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:bad-key")),
            "{bad}"
        );
    }
    scene.end().await;
}

/// Whoever has no key any more gets in by the database.
#[actix_web::test]
async fn keys_are_made_shown_and_revoked_from_the_command_line() {
    let scene = Scene::start().await;
    let variables = Variables::of(&scene);
    let keys = async |arguments: &[&str]| {
        let mut command = Process::run_with("keys", arguments, &variables);
        let status = command.end().await;
        (status.code(), command.said())
    };
    let (status, said) = keys(&["create", "the night shift", "--role", "operator"]).await;
    assert_eq!(status, Some(0), "{said}");
    let secret = said.trim();
    let list = scene.stranger().get(scene.url("/api/v1/campaigns")).bearer_auth(secret);
    assert_eq!(list.send().await.unwrap().status(), StatusCode::OK);
    let (_, table) = keys(&["list"]).await;
    assert!(
        table.contains("the night shift") && table.contains("operator") && !table.contains(secret),
        "{table}"
    );
    let revoked = format!("the key the night shift ({}…) lets nobody in any more\n", &secret[..11]);
    assert_eq!(keys(&["revoke", &secret[..11]]).await, (Some(0), revoked));
    let list = scene.stranger().get(scene.url("/api/v1/campaigns")).bearer_auth(secret);
    assert_eq!(list.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    for (arguments, exit_status, expected) in [
        (&["revoke", "od_nothing"][..], 4, "no key has the id"),
        (&["create", "x", "--role", "king"], 2, "expected one of viewer, operator, admin"),
        (
            &["create", "x", "--role", "viewer", "--expires", "2020-01-01T00:00:00Z"],
            2,
            "expected an expiry in the future",
        ),
        (
            &["create", "x", "--role", "viewer", "--expires", "tomorrow"],
            2,
            "expected an instant such as 2027-01-01T00:00:00Z",
        ),
        (&["create", "from the environment", "--role", "viewer"], 5, "expected another name"),
    ] {
        let (status, said) = keys(arguments).await;
        assert_eq!(status, Some(exit_status), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    scene.end().await;
}
