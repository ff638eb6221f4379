//! Two teams that try everything with each other's ids: whatever they do, in whatever order, nothing of the one is shown to
//! the other, and nothing of it changed.

use std::collections::BTreeMap;

use outdial::simulator::{Outcome, Scenario};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::support::eventually;
use crate::support::scene::{API_TOKEN, Setting, settings};

/// What is tried.
const OPERATIONS: usize = 400;

/// Nothing is called before: what actors do by themselves must not be taken for what somebody did.
const LATER: &str = "2026-06-01T00:00:00Z";

/// What changes by itself: places of events, nodes and keys at work.
const VOLATILE: &str =
    "ARRAY['position', 'node', 'epoch', 'told_waiting', 'last_used_at', 'delivered_position']";

struct Team {
    id: Uuid,
    key: String,
    /// It stands in the name of everything that is the team's.
    marker: &'static str,
    /// Ids by what they are of. A contact's and an attempt's come behind their campaign's.
    things: BTreeMap<&'static str, Vec<Vec<String>>>,
}

impl Team {
    /// Sends, and returns status, headers as they are written, and body.
    async fn sends(
        &self,
        scene: &Scene,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> (StatusCode, String) {
        let request = scene.stranger().request(method.clone(), scene.url(path)).bearer_auth(&self.key);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let headers = format!("{:?}", answer.headers());
        let bytes = answer.bytes().await.expect("a body");
        (status, format!("{headers}\n{}", String::from_utf8_lossy(&bytes)))
    }

    async fn makes(&mut self, scene: &Scene, what: &'static str, path: &str, body: Value) -> String {
        let (status, said) = self.sends(scene, &Method::POST, path, Some(&body)).await;
        assert_eq!(status, StatusCode::CREATED, "{said}");
        let id = id_in(&said).expect("an id");
        self.things.entry(what).or_default().push(vec![id.clone()]);
        id
    }

    /// A campaign of two numbers that both teams call.
    async fn uploads(&mut self, scene: &Scene, starts_at: Option<&str>) -> String {
        let form = settings(json!({"name": format!("{} campaign", self.marker), "starts_at": starts_at}));
        let list = format!("name,phone\n{0} Ada,+12025550101\n{0} Bob,+12025550102\n", self.marker);
        let part = reqwest::multipart::Part::bytes(list.into_bytes()).file_name("list.csv");
        let form = reqwest::multipart::Form::new().text("settings", form.to_string()).part("file", part);
        let request = scene.stranger().post(scene.url("/api/v1/campaigns")).bearer_auth(&self.key);
        let made: Value = request.multipart(form).send().await.unwrap().json().await.unwrap();
        let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        self.things.entry("campaigns").or_default().push(vec![id.clone()]);
        let import = made["import_id"].as_str().expect("an import").to_owned();
        self.things.entry("imports").or_default().push(vec![import]);
        self.learns(scene, &id, "contacts").await;
        id
    }

    /// Notes a campaign's contacts or attempts.
    async fn learns(&mut self, scene: &Scene, campaign: &str, what: &'static str) {
        let path = format!("/api/v1/campaigns/{campaign}/{what}");
        let request = scene.stranger().get(scene.url(&path)).bearer_auth(&self.key);
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        for one in page[what].as_array().expect("a page") {
            let ids = vec![campaign.to_owned(), one["id"].as_str().unwrap().to_owned()];
            self.things.entry(what).or_default().push(ids);
        }
    }

    /// Everything that there is of it, with one of each kind, a campaign that has called, and one that has not.
    async fn settles_in(&mut self, scene: &Scene) {
        let marker = self.marker;
        let called = self.uploads(scene, None).await;
        let command = async |team: &Self, what: &str| {
            let path = format!("/api/v1/campaigns/{called}/{what}");
            team.sends(scene, &Method::POST, &path, None).await
        };
        assert_eq!(command(self, "start").await.0, StatusCode::OK);
        eventually("somebody was called", || async {
            let (_, said) =
                self.sends(scene, &Method::GET, &format!("/api/v1/campaigns/{called}"), None).await;
            said.contains("\"completed\":2").then_some(())
        })
        .await;
        self.learns(scene, &called, "attempts").await;
        self.uploads(scene, Some(LATER)).await;
        let script = json!({"say": "Hello"});
        self.makes(
            scene,
            "agents",
            "/api/v1/agents",
            json!({"name": format!("{marker} agent"), "script": script}),
        )
        .await;
        let hook = json!({"url": "https://receiver.example/", "name": format!("{marker} hook"), "kinds": ["schedule.fired"]});
        self.makes(scene, "hooks", "/api/v1/hooks", hook).await;
        self.makes(scene, "keys", "/api/v1/keys", json!({"name": format!("{marker} key"), "role": "viewer"}))
            .await;
        let number = json!({"phone": "+12025550107", "reason": format!("{marker} reason")});
        assert_eq!(
            self.sends(scene, &Method::POST, "/api/v1/suppressions", Some(&number)).await.0,
            StatusCode::CREATED
        );
    }

    fn one(&self, what: &str, chance: &mut StdRng) -> Vec<String> {
        self.things.get(what).and_then(|all| all.choose(chance)).cloned().unwrap_or_else(nobody)
    }

    /// What there is of it, as one text that is another if anything is changed.
    async fn digest(&self, psql: &tokio_postgres::Client) -> String {
        const TABLES: &str = "
            SELECT tables.table_name::text FROM information_schema.tables JOIN information_schema.columns
                USING (table_schema, table_name)
            WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND column_name = 'team_id' ORDER BY 1";
        let tables: Vec<String> =
            psql.query(TABLES, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        assert!(tables.len() > 12, "{tables:?}");
        let of = |table: &String| {
            let ours = match table.as_str() {
                "events" => "AND kind <> 'campaign.waiting'",
                // Who delivers writes there whenever a receiver lets him wait.
                "hook_deliveries" => "AND state = 'asked' AND tries = 0",
                _ => "",
            };
            format!(
                "SELECT '{table}: ' || md5(coalesce(string_agg(line, '|' ORDER BY line), '')) AS told
                 FROM (SELECT (to_jsonb(t) - {VOLATILE})::text AS line FROM {table} t WHERE team_id = $1 {ours}) lines"
            )
        };
        let sql = tables.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ");
        let told = psql.query(&sql, &[&self.id]).await.unwrap();
        told.iter().map(|row| row.get::<_, String>(0) + "\n").collect()
    }
}

/// The id in an answer that says what was made.
fn id_in(said: &str) -> Option<String> {
    let body: Value = serde_json::from_str(said.split_once('\n')?.1).ok()?;
    Some(body["id"].as_str()?.to_owned())
}

fn nobody() -> Vec<String> {
    vec![Uuid::now_v7().to_string(), Uuid::now_v7().to_string()]
}

/// What the ids in a route's path are of.
fn subject(path: &str) -> &str {
    match path {
        _ if path.contains("{contact}") => "contacts",
        _ if path.contains("{attempt}") => "attempts",
        _ => path.split('/').nth(3).unwrap_or_default(),
    }
}

/// A body that the route may take, with an agent and an import of whomever.
fn body(route: &Needs, maker: &Team, others: &Team, chance: &mut StdRng) -> Value {
    let (marker, number) = (maker.marker, chance.random_range(0..1000));
    let name = format!("{marker} {number}");
    let [agent, import] = ["agents", "imports"].map(|what| others.one(what, chance)[0].clone());
    let script = json!({"say": format!("Hello from {marker}")});
    let choices = match (route.method.as_str(), route.path.trim_start_matches("/api/v1")) {
        ("POST", "/campaigns") => vec![
            json!({"name": name, "agent_id": agent, "import_id": import, "starts_at": LATER}),
            json!({"name": name, "agent": {"name": name, "script": script}, "import_id": import, "starts_at": LATER}),
        ],
        ("PATCH", "/campaigns/{id}") => vec![json!({"name": name}), json!({"agent_id": agent})],
        ("POST", path) if path.ends_with("/duplicate") => vec![
            json!({"name": name, "settings": {"starts_at": LATER}}),
            json!({"name": name, "settings": {"starts_at": LATER, "agent_id": agent}}),
        ],
        ("POST", path) if path.ends_with("/start") => vec![json!({}), json!({"dry_run": true})],
        ("POST", path) if path.ends_with("/retry") => vec![json!({"outcomes": ["no-answer", "busy"]})],
        ("POST", path) if path.ends_with("/callback") => {
            vec![json!({"at": "2026-04-01T15:00:00Z", "note": name})]
        }
        ("POST", path) if path.ends_with("/contacts") => {
            vec![json!([{"name": name, "phone": "+12025550103"}])]
        }
        ("POST", path) if path.ends_with("/erase") => vec![json!({"phone": "+12025550102"})],
        ("POST", path) if path.ends_with("/opt-out") => vec![json!({"note": name})],
        ("POST", "/suppressions") => vec![json!({"phone": "+12025550101", "reason": name})],
        (_, path) if path.starts_with("/agents") => vec![json!({"name": name, "script": script})],
        ("POST", "/keys") => vec![json!({"name": name, "role": "admin"})],
        ("POST" | "PATCH", path) if path.starts_with("/hooks") => vec![
            json!({"name": name, "url": "https://receiver.example/", "kinds": ["schedule.fired"]}),
            json!({"name": name}),
            json!({}),
        ],
        _ => vec![json!({})],
    };
    choices.choose(chance).expect("a body").clone()
}

/// A question that names something of whomever, for the routes that have such parameters.
fn question(path: &str, others: &Team, chance: &mut StdRng) -> String {
    let of = |what: &str, chance: &mut StdRng| others.one(what, chance);
    match path.trim_start_matches("/api/v1") {
        "/audit" => format!("?campaign={}&key={}", of("campaigns", chance)[0], of("keys", chance)[0]),
        "/campaigns" => format!("?repeats_of={}", of("campaigns", chance)[0]),
        "/campaigns/{id}/attempts" => format!("?contact={}", of("contacts", chance).last().unwrap()),
        "/events" => "?after=0&limit=1000".to_owned(),
        "/contacts" => "?search=2025550101".to_owned(),
        _ => String::new(),
    }
}

#[actix_web::test]
async fn whatever_two_teams_do_neither_sees_or_changes_anything_of_the_other() {
    let setting = Setting { scenario: Scenario::instant(Outcome::Answer), ..Setting::default() };
    let mut scene = Scene::with(setting).await;
    let psql = scene.psql().await;
    let first = psql.query_one("SELECT id FROM teams", &[]).await.unwrap().get(0);
    let theirs = other_team(&scene).await;
    let second = psql.query_one("SELECT id FROM teams WHERE name = 'others'", &[]).await.unwrap().get(0);
    let team = |id, key: &str, marker| Team { id, key: key.to_owned(), marker, things: BTreeMap::new() };
    let mut teams = [team(first, API_TOKEN, "amaranth"), team(second, &theirs, "bergamot")];
    for team in &mut teams {
        team.settles_in(&scene).await;
    }
    // They would go on with whoever is added. So nobody is called from here on, and whatever changes was changed by whoever asked.
    let over = "UPDATE campaigns SET state = 'canceled', completed_at = NULL WHERE state = 'completed'";
    assert_eq!(psql.execute(over, &[]).await.unwrap(), 2);
    let routes = needs();
    let (mut chance, mut tried, mut done, mut crossed) = (StdRng::seed_from_u64(2026), BTreeMap::new(), 0, 0);
    for number in 0..OPERATIONS {
        let by = number % 2;
        let (maker, other) = (&teams[by], &teams[1 - by]);
        // Each route once, and then by chance.
        let route = routes.get(number / 2).unwrap_or_else(|| routes.choose(&mut chance).unwrap());
        let is_theirs = chance.random_bool(0.5);
        let others = if is_theirs { other } else { maker };
        let ids = others.one(subject(&route.path), &mut chance);
        let path =
            route.path.replace("{id}", &ids[0]).replace("{phone}", "%2B12025550107").replace("{event}", "1");
        let path = ["{contact}", "{attempt}"]
            .iter()
            .fold(path, |path, part| path.replace(part, ids.last().unwrap()));
        let path = format!("{path}{}", question(&route.path, others, &mut chance));
        let method: Method = route.method.as_str().parse().unwrap();
        let body = (method != Method::GET).then(|| body(route, maker, others, &mut chance));
        let before = other.digest(&psql).await;
        let (status, said) = maker.sends(&scene, &method, &path, body.as_ref()).await;
        let case = format!("{number}: {} {method} {path} {body:?}: {status} {said}", maker.marker);
        assert!(!status.is_server_error() && status != StatusCode::UNAUTHORIZED, "{case}");
        assert_eq!(other.digest(&psql).await, before, "{case}");
        assert!(!said.contains(other.marker), "{case}");
        let sent = format!("{path} {body:?}");
        for id in other.things.values().flatten().flatten().chain([&other.id.to_string()]) {
            assert!(!said.contains(id.as_str()) || sent.contains(id.as_str()), "{id}: {case}");
        }
        if is_theirs && route.path.contains("{id}") {
            assert!(status.is_client_error(), "{case}");
            crossed += 1;
        }
        done += usize::from(status.is_success());
        *tried.entry((route.method.clone().to_string(), route.path.clone())).or_insert(0) += 1;
        let made = (status == StatusCode::CREATED).then(|| id_in(&said)).flatten();
        let kind =
            ["campaigns", "agents", "hooks", "keys"].into_iter().find(|kind| subject(&route.path) == *kind);
        if let (Some(id), Some(kind), false) = (made, kind, path.contains("/contacts")) {
            teams[by].things.entry(kind).or_default().push(vec![id]);
        }
    }
    assert_eq!(tried.len(), routes.len(), "every route is tried");
    assert!(done > OPERATIONS / 4 && crossed > OPERATIONS / 8, "{done} done, {crossed} across");
    // Who deletes a campaign deletes the attempts that the provider's ledger would be held to.
    scene.stop_program().await;
}
