//! The dashboard as a browser asks for it: who gets in, for how long, and what pages are like.

use std::collections::BTreeSet;
use std::time::Duration;

use outdial::actors::Sweep;
use outdial::dashboard;
use outdial::domain::access::{Permission, Role};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::access::key;
use crate::support::eventually;
use crate::support::scene::{API_TOKEN, Scene, Setting, settings};

/// A browser with one window, whose cookies are its own.
pub(super) struct Browser<'s> {
    scene: &'s Scene,
    http: Client,
    cookie: String,
}

/// What a browser was answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    async fn of(answer: Response) -> Self {
        let (status, headers) = (answer.status(), answer.headers().clone());
        Self { status, headers, text: answer.text().await.expect("a text") }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text"))
    }

    fn leads_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.header("location")
    }

    /// What the page sends along, so that its requests are known to be its own.
    pub(super) fn csrf(&self) -> String {
        let (_, rest) = self.text.split_once("name=\"csrf-token\" content=\"").expect("a token");
        rest.split('"').next().expect("a token").to_owned()
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

impl<'s> Browser<'s> {
    fn of(scene: &'s Scene) -> Self {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client");
        Self { scene, http, cookie: String::new() }
    }

    /// One in which somebody has signed in with this key.
    pub(super) async fn signed_in(scene: &'s Scene, key: &str) -> Self {
        let mut browser = Self::of(scene);
        let answer = browser.sign_in(key, "/").await;
        assert_eq!(answer.leads_to(), "/");
        browser
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.scene.url(path)).header("Accept", "text/html,*/*;q=0.8");
        if self.cookie.is_empty() { request } else { request.header("Cookie", &self.cookie) }
    }

    pub(super) async fn open(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.expect("an answer")).await
    }

    /// A button of a page.
    async fn press(&self, path: &str, csrf: &str) -> Answer {
        let request = self.request(Method::POST, path).header("X-CSRF-Token", csrf);
        Answer::of(request.send().await.expect("an answer")).await
    }

    async fn sign_in(&mut self, key: &str, next: &str) -> Answer {
        let request = self.request(Method::POST, "/sign-in").form(&[("key", key), ("next", next)]);
        let answer = Answer::of(request.send().await.expect("an answer")).await;
        if let Some(cookie) = answer.headers.get("set-cookie") {
            self.cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        answer
    }
}

#[actix_web::test]
async fn a_key_opens_the_dashboard_and_who_signs_out_is_out() {
    let scene = Scene::start().await;
    let mut browser = Browser::of(&scene);
    assert_eq!(browser.open("/").await.leads_to(), "/sign-in");
    let led = browser.open("/?state=running&search=a%26b").await;
    assert_eq!(led.leads_to(), "/sign-in?next=%2F%3Fstate%3Drunning%26search%3Da%2526b");
    let form = browser.open("/sign-in?next=%2Fcalls").await;
    assert!(form.status == StatusCode::OK && form.has("value=\"/calls\""), "{}", form.text);

    let refused = browser.sign_in("od_somebody-s-guess", "/calls").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.has("This is no API key") && !refused.has("guess") && refused.has("value=\"/calls\""));
    assert!(browser.cookie.is_empty());

    let signed_in = browser.sign_in(API_TOKEN, "/calls").await;
    assert_eq!(signed_in.leads_to(), "/calls");
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"), "{cookie}");
    let home = browser.open("/").await;
    assert!(home.status == StatusCode::OK && home.has("from the environment"), "{}", home.text);
    let api = browser.open("/api/v1/campaigns").await;
    assert!(api.status == StatusCode::OK && api.has("\"campaigns\":[]"), "{}", api.text);
    let psql = scene.psql().await;
    let kept: String = psql.query_one("SELECT sessions::text FROM sessions", &[]).await.unwrap().get(0);
    assert!(!kept.contains(browser.cookie.split_once('=').unwrap().1), "only a hash is kept");

    assert_eq!(browser.press("/sign-out", "").await.status, StatusCode::FORBIDDEN);
    let signed_out = browser.press("/sign-out", &home.csrf()).await;
    assert_eq!((signed_out.status, signed_out.header("hx-redirect")), (StatusCode::NO_CONTENT, "/sign-in"));
    assert!(signed_out.header("set-cookie").starts_with("outdial_session=; Path=/; Max-Age=0;"));
    assert_eq!(browser.open("/").await.leads_to(), "/sign-in");
    assert_eq!(browser.open("/api/v1/campaigns").await.status, StatusCode::UNAUTHORIZED);
    let (_, audit) = scene.ask(Method::GET, "/api/v1/audit").await;
    let actions: Vec<&str> =
        audit["audit"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["POST /sign-out", "POST /sign-in"]);
    scene.end().await;
}

#[actix_web::test]
async fn what_is_told_as_it_happens_is_told_no_more_to_who_has_signed_out() {
    let scene = Scene::start().await;
    let (leaves, stays) =
        (Browser::signed_in(&scene, API_TOKEN).await, Browser::signed_in(&scene, API_TOKEN).await);
    let listen = async |browser: &Browser<'_>| {
        let request = browser.http.get(browser.scene.url("/api/v1/events")).header("Cookie", &browser.cookie);
        let answer = request.header("Accept", "text/event-stream").send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        answer
    };
    let (mut of_one, mut of_other) = (listen(&leaves).await, listen(&stays).await);
    let csrf = leaves.open("/").await.csrf();
    assert_eq!(leaves.press("/sign-out", &csrf).await.status, StatusCode::NO_CONTENT);
    let until_cut_off = async { while of_one.chunk().await.expect("an end").is_some() {} };
    timeout(Duration::from_secs(25), until_cut_off).await.expect("the stream ends with the session");
    scene.upload(json!({}), &["+12025550101"]).await;
    let until_told = async {
        loop {
            let chunk = of_other.chunk().await.expect("a chunk").expect("the other session goes on");
            if String::from_utf8_lossy(&chunk).contains("campaign.created") {
                return;
            }
        }
    };
    timeout(Duration::from_secs(25), until_told).await.expect("the other still hears of it");
    scene.end().await;
}

#[actix_web::test]
async fn one_is_led_back_to_pages_of_ours_only() {
    let scene = Scene::start().await;
    let mut browser = Browser::of(&scene);
    for other in ["//example.com", "https://example.com/", "/\\example.com", "/api/v1/me", "/sign-in", ""] {
        assert_eq!(browser.sign_in(API_TOKEN, other).await.leads_to(), "/", "{other}");
    }
    // Nobody is made to work under another's key by a form on somebody else's page.
    let forged = browser.request(Method::POST, "/sign-in").header("Sec-Fetch-Site", "cross-site");
    let forged = Answer::of(forged.form(&[("key", API_TOKEN)]).send().await.unwrap()).await;
    assert_eq!((forged.status, forged.headers.contains_key("set-cookie")), (StatusCode::FORBIDDEN, false));
    scene.end().await;
}

#[actix_web::test]
async fn a_cookie_that_comes_by_https_goes_by_https_only() {
    let mut scene = Scene::without_program(&Setting::default()).await;
    let outdial::config::Provider::Twilio(account) = &mut scene.config.provider else { panic!("an account") };
    account.public_url = "https://dialer.example.com".parse().unwrap();
    scene.start_program().await;
    let mut browser = Browser::of(&scene);
    assert!(browser.sign_in(API_TOKEN, "/").await.header("set-cookie").ends_with("; Secure"));
    scene.end().await;
}

#[actix_web::test]
async fn what_changes_something_has_to_come_from_one_of_our_own_pages() {
    let scene = Scene::start().await;
    let campaign = scene.call(json!({"starts_at": "2026-03-03T15:00:00Z"}), &["+12025550101"]).await;
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let csrf = browser.open("/").await.csrf();
    let other = Browser::signed_in(&scene, API_TOKEN).await;
    let others = other.open("/").await.csrf();
    assert_ne!(csrf, browser.open("/").await.csrf(), "it is written anew each time");

    let pause = format!("{campaign}/pause");
    let cases: [(&str, &[(&str, &str)]); 6] = [
        ("no token", &[]),
        ("no text", &[("X-CSRF-Token", "")]),
        ("another session's", &[("X-CSRF-Token", &others)]),
        ("another site", &[("X-CSRF-Token", &csrf), ("Sec-Fetch-Site", "cross-site")]),
        ("a sibling", &[("X-CSRF-Token", &csrf), ("Sec-Fetch-Site", "same-site")]),
        ("an origin", &[("X-CSRF-Token", &csrf), ("Origin", "https://example.com")]),
    ];
    for (what, headers) in cases {
        let request = browser.request(Method::POST, &pause);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
        let problem: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(problem["type"], "urn:outdial:not-our-page", "{what}");
    }
    assert_eq!(scene.look(&campaign).await["state"], "pending");
    let request = browser.request(Method::POST, &pause).header("X-CSRF-Token", &csrf);
    let answer = request.header("Sec-Fetch-Site", "same-origin").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(scene.look(&campaign).await["state"], "paused");
    // Who brings a key is no browser that was led astray, whatever cookies come with it.
    let resume = browser.request(Method::POST, &format!("{campaign}/resume")).bearer_auth(API_TOKEN);
    assert_eq!(resume.send().await.unwrap().status(), StatusCode::OK);
    scene.end().await;
}

#[actix_web::test]
async fn a_session_ends_with_its_key_and_with_its_time() {
    let scene = Scene::start().await;
    let psql = scene.psql().await;
    let viewer = Browser::signed_in(&scene, &key(&scene, Role::Viewer).await).await;
    let admin = Browser::signed_in(&scene, API_TOKEN).await;
    assert_eq!(viewer.open("/").await.status, StatusCode::OK);
    let (_, keys) = scene.ask(Method::GET, "/api/v1/keys").await;
    let id =
        keys["keys"].as_array().unwrap().iter().find(|key| key["role"] == "viewer").unwrap()["id"].clone();
    let (status, _) = scene.ask(Method::DELETE, &format!("/api/v1/keys/{}", id.as_str().unwrap())).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(viewer.open("/").await.leads_to(), "/sign-in");
    assert_eq!(viewer.open("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);

    // Used a while ago, it lasts longer when it is used again, but never longer than a week from its beginning.
    let until = async || -> f64 {
        let sql = "SELECT extract(epoch FROM sessions.expires_at - now())::float8 FROM sessions JOIN api_keys ON api_keys.id = key_id
                   WHERE role = 'admin'";
        psql.query_one(sql, &[]).await.unwrap().get(0)
    };
    let past = "UPDATE sessions SET last_used_at = now() - interval '11 hours', expires_at = now() + interval '1 hour'";
    psql.execute(past, &[]).await.unwrap();
    assert_eq!(admin.open("/").await.status, StatusCode::OK);
    assert!((until().await - 12.0 * 3600.0).abs() < 60.0);
    let old = "UPDATE sessions SET last_used_at = now() - interval '1 hour',
                                   created_at = now() - interval '6 days 23 hours'";
    psql.execute(old, &[]).await.unwrap();
    assert_eq!(admin.open("/").await.status, StatusCode::OK);
    assert!((until().await - 3600.0).abs() < 60.0);
    psql.execute("UPDATE sessions SET expires_at = now()", &[]).await.unwrap();
    assert_eq!(admin.open("/").await.leads_to(), "/sign-in");
    scene.supervisor().send(Sweep).await.unwrap();
    eventually("sessions that are over are forgotten", || async {
        let left: i64 = psql.query_one("SELECT count(*) FROM sessions", &[]).await.unwrap().get(0);
        (left == 0).then_some(())
    })
    .await;
    scene.end().await;
}

/// Opens a page as each role, and without having signed in.
#[actix_web::test]
async fn every_page_shows_itself_to_those_who_may_see_it_and_says_what_browsers_may_do_with_it() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let id = campaign.rsplit('/').next().unwrap();
    let (_, contacts) = scene.ask(Method::GET, &format!("{campaign}/contacts")).await;
    let contact = contacts["contacts"][0]["id"].as_str().unwrap();
    let (_, imports) = scene.ask(Method::GET, &format!("{campaign}/imports")).await;
    let import = imports["imports"][0]["id"].as_str().unwrap();
    let made = async |path: &str, form: Value| {
        let (status, made) = scene.send(Method::POST, path, &form).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let agent = made("/api/v1/agents", json!({"name": "Ada", "script": {"say": "Hello"}})).await;
    let hook = made("/api/v1/hooks", json!({"url": "https://receiver.example.com/", "kinds": []})).await;
    let filled = |path: &str| {
        let id = match path.split('/').nth(1) {
            Some("agents") => &agent,
            Some("hooks") => &hook,
            _ => id,
        };
        path.replace("{id}", id).replace("{contact}", contact).replace("{import}", import)
    };
    let all = dashboard::needs();
    assert!(all.len() >= 4, "only {} pages", all.len());
    let pages = all.iter().filter(|needs| needs.method == "GET");
    let pages: Vec<(String, Permission)> =
        pages.map(|needs| (filled(&needs.path), needs.permission)).collect();
    let nobody = Browser::of(&scene);
    for role in Role::ALL {
        let browser = Browser::signed_in(&scene, &key(&scene, *role).await).await;
        for (path, needs) in &pages {
            let page = browser.open(path).await;
            let expected = if role.may(*needs) { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(page.status, expected, "{role}: {path}: {}", page.text);
            held_to_the_rules(path, &page);
            assert!(nobody.open(path).await.leads_to().starts_with("/sign-in"), "{path}");
        }
    }
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let strange = format!("/campaigns/{}/card", Uuid::now_v7());
    for (path, expected) in [
        ("/nothing", StatusCode::NOT_FOUND),
        (&strange, StatusCode::NOT_FOUND),
        ("/campaigns/x/card", StatusCode::NOT_FOUND),
        ("/?state=sleeping", StatusCode::UNPROCESSABLE_ENTITY),
        ("/?colour=red", StatusCode::UNPROCESSABLE_ENTITY),
        ("/sign-in", StatusCode::OK),
    ] {
        let page = browser.open(path).await;
        assert_eq!(page.status, expected, "{path}");
        held_to_the_rules(path, &page);
    }
    // A part of a page leads the whole page to where one signs in, and back to where it was.
    let part = nobody.request(Method::GET, "/glance").header("HX-Request", "true");
    let part = part.header("HX-Current-URL", scene.url("/calls?before=7")).send().await.unwrap();
    assert_eq!(part.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(part.headers()["hx-redirect"], "/sign-in?next=%2Fcalls%3Fbefore%3D7");
    // Programs are told in their own words.
    let program = scene.stranger().get(scene.url("/nothing")).send().await.unwrap();
    assert_eq!(program.headers()["content-type"], "application/problem+json");
    scene.end().await;
}

fn held_to_the_rules(path: &str, page: &Answer) {
    let policy = page.header("content-security-policy");
    for rule in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{path}: {policy}");
    assert_eq!(page.header("cache-control"), "no-store", "{path}");
    assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
    assert!(!page.has("<script>") && !page.has("<style") && !page.has(" style="), "{path}: {}", page.text);
    assert!(!page.has(" onclick=") && !page.has("javascript:"), "{path}: {}", page.text);
}

#[actix_web::test]
async fn a_viewer_has_no_buttons_and_what_he_forges_is_refused() {
    let scene = Scene::start().await;
    let campaign = scene.call(json!({"starts_at": "2026-03-03T15:00:00Z"}), &["+12025550101"]).await;
    let viewer = Browser::signed_in(&scene, &key(&scene, Role::Viewer).await).await;
    let operator = Browser::signed_in(&scene, &key(&scene, Role::Operator).await).await;
    let (seen, own) = (viewer.open("/").await, operator.open("/").await);
    for page in [&seen, &own] {
        assert!(page.has("a scene") && page.has("Its start time is yet to come"), "{}", page.text);
    }
    assert!(own.has(">Pause</button>") && own.has(">Cancel</button>") && !own.has(">Resume</button>"));
    assert!(!seen.has("/pause") && !seen.has("/cancel"), "{}", seen.text);
    let forged = viewer.press(&format!("{campaign}/pause"), &seen.csrf()).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(forged.has("campaigns:pause"), "{}", forged.text);
    assert_eq!(operator.press(&format!("{campaign}/pause"), &own.csrf()).await.status, StatusCode::OK);
    let card = operator.open(&format!("{}/card", campaign.trim_start_matches("/api/v1"))).await;
    assert!(card.has(">Resume</button>") && card.has(">Paused</span>"), "{}", card.text);
    scene.end().await;
}

#[actix_web::test]
async fn what_comes_from_outside_is_text_and_nothing_else() {
    const MARKUP: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>";
    let mut scene = Scene::without_program(&Setting::default()).await;
    scene.config.mask_for_viewers = true;
    scene.start_program().await;
    let list = format!("name,phone\n\"{}\",+12025550101\n", MARKUP.replace('"', "\"\""));
    let (status, made) = scene.upload_file(&settings(json!({"name": MARKUP})), list).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let campaign = format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap());
    let form = json!({"name": MARKUP, "role": "viewer"});
    let (_, made) = scene.send(Method::POST, "/api/v1/keys", &form).await;
    let viewer = Browser::signed_in(&scene, made["key"].as_str().unwrap()).await;
    let operator = Browser::signed_in(&scene, &key(&scene, Role::Operator).await).await;
    let draft = operator.open("/").await;
    assert!(
        draft.has("hx-confirm=\"Start “&#60;script&#62;") || draft.has("hx-confirm=\"Start “&lt;script"),
        "{}",
        draft.text
    );
    scene.command(&campaign, "start").await;
    scene.until_completed(&campaign).await;
    eventually("the call is shown", || async {
        let calls = operator.open("/calls").await;
        (calls.has("+1 202-555-0101") && calls.has("Answered")).then_some(())
    })
    .await;
    let mut seen = BTreeSet::new();
    for path in
        ["/", "/calls", "/?search=%3Cscript%3Ealert", "/?search=%22%3E%3Cscript%3Ealert(3)%3C/script%3E"]
    {
        for browser in [&viewer, &operator] {
            let page = browser.open(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(!page.has("<script>") && !page.has("<img src=x"), "{path}: {}", page.text);
            seen.extend(page.has("alert(1)").then_some(path));
        }
    }
    assert_eq!(seen.len(), 4, "it is shown as text: {seen:?}");
    for (path, status) in [("/?search=a%00b", 422), ("/campaigns/%00", 404)] {
        assert_eq!(
            operator.open(path).await.status.as_u16(),
            status,
            "{path}: no text of the database holds that"
        );
    }
    let masked = viewer.open("/calls").await;
    assert!(masked.has("+1•••01") && !masked.has("555"), "{}", masked.text);
    scene.end().await;
}

#[actix_web::test]
async fn a_page_with_all_that_it_loads_is_small_and_what_it_loads_may_be_kept() {
    const MOST: usize = 100_000;
    let scene = Scene::start().await;
    scene.upload(json!({"name": "spring"}), &["+12025550101"]).await;
    let psql = scene.psql().await;
    // As many as a page shows, and more.
    let copy = "
        INSERT INTO campaigns (id, team_id, name, state, settings, agent, import, created_at, pending, account_sid, state_reason)
        SELECT gen_random_uuid(), team_id, name || n, CASE WHEN n % 2 = 0 THEN 'canceled' ELSE 'draft' END, settings, agent,
               import, created_at, pending, 'AC', NULL
        FROM campaigns CROSS JOIN generate_series(1, 60) n";
    psql.execute(copy, &[]).await.unwrap();
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let mut largest = 0;
    for path in ["/", "/calls", "/campaigns/new", "/sign-in"] {
        let ask = |path: &str| browser.request(Method::GET, path).header("Accept-Encoding", "gzip").send();
        let plain = browser.open(path).await;
        let page = ask(path).await.unwrap();
        assert_eq!(page.headers()["content-encoding"], "gzip", "{path}");
        let mut size = page.bytes().await.unwrap().len();
        assert!(size < plain.text.len(), "{path}: {size}");
        let named = plain.text.split('"').filter(|text| text.starts_with("/assets/"));
        let named: BTreeSet<&str> = named.collect();
        assert!(named.len() >= 3, "{named:?}");
        for file in named {
            let file = ask(file).await.unwrap();
            assert_eq!(file.status(), StatusCode::OK);
            assert_eq!(file.headers()["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(file.headers()["x-content-type-options"], "nosniff");
            size += file.bytes().await.unwrap().len();
        }
        largest = largest.max(size);
    }
    assert!(largest < MOST, "{largest} bytes");
    let home = browser.open("/").await;
    assert!(home.has("rel=\"next\""), "there are more");
    let (_, older) = home.text.split_once("rel=\"next\" href=\"").unwrap();
    let older =
        browser.open(&older.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&")).await;
    assert!(older.status == StatusCode::OK && !older.has("At work"));
    // Addresses of another version lead to what there is, which is then not kept.
    let former = browser.open("/assets/000000000000/style.css").await;
    assert_eq!((former.status, former.header("cache-control")), (StatusCode::OK, "no-cache"));
    assert_eq!(browser.open("/assets/000000000000/passwd").await.status, StatusCode::NOT_FOUND);
    psql.execute("DELETE FROM campaigns WHERE name <> 'spring'", &[]).await.unwrap();
    scene.end().await;
}
