//! The page of figures: as a Prometheus server reads it, and as people are called.

use std::collections::{BTreeMap, BTreeSet};

use outdial::simulator::{Outcome, Scenario};
use outdial::telemetry::names::{self, Kind};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::eventually;
use crate::support::process::{Process, Variables};
use crate::support::scene::{API_TOKEN, Scene, Setting};

const TOKEN: &str = "a-token-of-a-prometheus-server";

/// A page, read by the letter of the text format.
/// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details>
#[derive(Debug, Default)]
struct Page {
    help: BTreeMap<String, String>,
    kinds: BTreeMap<String, String>,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Page {
    fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has no end");
        let mut page = Self::default();
        let mut seen = BTreeSet::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help");
                assert!(page.help.insert(name.to_owned(), help.to_owned()).is_none(), "two helps: {line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(page.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "two types: {line}");
            } else {
                assert!(!line.starts_with('#'), "a comment that says nothing: {line}");
                let sample = Sample::read(line);
                assert!(
                    page.kinds.contains_key(page.family(&sample.name)),
                    "a sample before its type: {line}"
                );
                assert!(seen.insert(format!("{}{:?}", sample.name, sample.labels)), "twice: {line}");
                page.samples.push(sample);
            }
        }
        page
    }

    /// The name under which a sample's help and type stand.
    fn family<'a>(&self, sample: &'a str) -> &'a str {
        let parts = ["_bucket", "_sum", "_count"].iter().filter_map(|part| sample.strip_suffix(part));
        let is_histogram = |name: &&str| self.kinds.get(*name).is_some_and(|kind| kind == "histogram");
        parts.into_iter().find(is_histogram).unwrap_or(sample)
    }

    /// The sum over all samples of a name that have these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &&Sample| {
            sample.name == name
                && labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|is| is == value))
        };
        self.samples.iter().filter(fits).map(|sample| sample.value).sum()
    }

    /// Buckets grow, the last is all, and the count says the same.
    fn assert_histograms_add_up(&self) {
        for (name, _) in self.kinds.iter().filter(|(_, kind)| *kind == "histogram") {
            let mut series: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
            for sample in self.samples.iter().filter(|sample| sample.name == format!("{name}_bucket")) {
                let mut labels = sample.labels.clone();
                let edge = labels.remove("le").expect("an edge");
                let edge = if edge == "+Inf" { f64::INFINITY } else { edge.parse().expect("a number") };
                series.entry(format!("{labels:?}")).or_default().push((edge, sample.value));
            }
            assert!(!series.is_empty(), "{name} has no buckets");
            for (labels, buckets) in series {
                assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name}{labels}: {buckets:?}");
                let count = self.samples.iter().find(|sample| {
                    sample.name == format!("{name}_count") && format!("{:?}", sample.labels) == labels
                });
                let (edge, all) = buckets.last().expect("a bucket");
                assert!(
                    edge.is_infinite() && count.is_some_and(|count| count.value == *all),
                    "{name}{labels}"
                );
            }
        }
    }
}

impl Sample {
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let value = match value {
            "+Inf" => f64::INFINITY,
            value => value.parse().expect("a number"),
        };
        let (name, rest) = series.split_once('{').unwrap_or((series, "}"));
        let is_name = |name: &str| {
            let mut letters = name.chars();
            letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        assert!(is_name(name), "{line}");
        let mut rest = rest.strip_suffix('}').expect("the labels' end");
        let mut labels = BTreeMap::new();
        while !rest.is_empty() {
            let (label, value) = rest.split_once("=\"").expect("a label");
            assert!(is_name(label), "{line}");
            let end = end_of(value).expect("a closing quote");
            assert!(labels.insert(label.to_owned(), value[..end].to_owned()).is_none(), "{line}");
            rest = value[end + 1..].trim_start_matches(',');
        }
        Self { name: name.to_owned(), labels, value }
    }
}

/// Where a quoted text ends: at the first quote that is not escaped.
fn end_of(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let ends = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends.then_some(at)
    })
}

async fn fetch(scene: &Scene, token: &str) -> (StatusCode, String) {
    let request = scene.stranger().get(scene.url("/metrics")).bearer_auth(token);
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    if status.is_success() {
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    }
    (status, answer.text().await.expect("a text"))
}

#[actix_web::test]
async fn the_figures_of_a_node_say_whom_it_called_and_name_nobody() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::without_program(&Setting { scenario, ..Setting::default() }).await;
    let variables = Variables::of(&scene)
        .with("OUTDIAL_METRICS_TOKEN", TOKEN)
        .with("OUTDIAL_METRIC_TOKEN", "a slip")
        .with("OUTDIAL_LOG", "info");
    let mut program = Process::run("serve", &variables);
    program.is_ready(&scene).await;
    let slip = "OUTDIAL_METRIC_TOKEN is no variable that outdial reads: is OUTDIAL_METRICS_TOKEN meant?";
    assert!(program.said().contains(slip), "{}", program.said());

    for wrong in [API_TOKEN, "", "a-token-of-a-prometheus-serve"] {
        assert_eq!(fetch(&scene, wrong).await.0, StatusCode::UNAUTHORIZED);
    }
    let campaign = scene.call(json!({}), &["+12025550141", "+12025550142", "+12025550143"]).await;
    scene.until_completed(&campaign).await;
    let forged = scene.post_form("/webhooks/twilio/status/a/b", &[], Some("forged")).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        scene.stranger().get(scene.url("/of-a-stranger/2025550149")).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );

    let (status, text) = fetch(&scene, TOKEN).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let page = Page::read(&text);
    page.assert_histograms_add_up();
    for metric in names::ALL {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        assert_eq!(page.kinds.get(metric.name).map(String::as_str), Some(kind), "{}", metric.name);
        assert_eq!(page.help.get(metric.name).map(String::as_str), Some(metric.help), "{}", metric.name);
    }
    assert_eq!(page.kinds.len(), names::ALL.len(), "figures that have no name in the code");
    assert_eq!(page.sum("outdial_calls_total", &[("outcome", "answered")]), 3.0);
    assert_eq!(page.sum("outdial_provider_requests_total", &[("kind", "create"), ("result", "ok")]), 3.0);
    assert_eq!(page.sum("outdial_wake_to_dial_seconds_count", &[]), 3.0);
    assert_eq!(page.sum("outdial_callbacks_total", &[("result", "refused")]), 1.0);
    let stored = page.sum("outdial_callbacks_total", &[("result", "stored")]);
    assert!(stored >= 3.0, "{stored}");
    assert!(page.sum("outdial_inbox_batch_callbacks_sum", &[]) >= stored);
    assert_eq!(page.sum("outdial_imported_rows_total", &[("result", "imported")]), 3.0);
    assert_eq!(page.sum("outdial_attempts_open", &[]), 0.0);
    assert!(page.sum("outdial_lease_seconds", &[]) > 0.0);
    assert_eq!(page.sum("outdial_pool_connections_max", &[]), 13.0);
    let starts = [("route", "/api/v1/campaigns/{id}/start"), ("method", "POST"), ("status", "200")];
    assert_eq!(page.sum("outdial_http_requests_total", &starts), 1.0, "{text}");
    let strangers = [("route", "none"), ("status", "404")];
    assert_eq!(page.sum("outdial_http_requests_total", &strangers), 1.0, "{text}");
    let id = campaign.rsplit('/').next().unwrap();
    for secret in ["20255501", "Person", TOKEN, API_TOKEN, id, "of-a-stranger"] {
        assert!(!text.contains(secret), "{secret} is on the page");
    }
    assert!(program.stop().await.success(), "{}", program.said());
    scene.end().await;
}

#[actix_web::test]
async fn without_a_token_of_its_own_the_page_is_closed_and_without_the_database_it_is_there() {
    let mut scene = Scene::without_program(&Setting::default()).await;
    scene.start_program().await;
    assert_eq!(fetch(&scene, API_TOKEN).await.0, StatusCode::UNAUTHORIZED);
    scene.stop_program().await;

    scene.config.operations.metrics_token = Some(outdial::config::Secret::new(TOKEN));
    scene.start_program().await;
    let psql = scene.psql().await;
    psql.batch_execute("ALTER TABLE attempts RENAME TO attempts_elsewhere").await.unwrap();
    let (status, text) = fetch(&scene, TOKEN).await;
    psql.batch_execute("ALTER TABLE attempts_elsewhere RENAME TO attempts").await.unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    eventually("the failed statement is counted", || async {
        let page = Page::read(&fetch(&scene, TOKEN).await.1);
        (page.sum("outdial_database_errors_total", &[("kind", "statement")]) >= 1.0).then_some(())
    })
    .await;
    scene.end().await;
}

/// The files that are shipped for operators.
fn shipped(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("ops").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every word of a text that begins as our figures do, without what histograms add.
fn figures_in(text: &str) -> BTreeSet<String> {
    let histograms: Vec<&str> = names::ALL
        .iter()
        .filter(|metric| matches!(metric.kind, Kind::Histogram(_)))
        .map(|metric| metric.name)
        .collect();
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words
        .filter(|word| word.starts_with("outdial_"))
        .map(|word| {
            let parts = ["_bucket", "_sum", "_count"].iter().filter_map(|part| word.strip_suffix(part));
            parts.into_iter().find(|name| histograms.contains(name)).unwrap_or(word).to_owned()
        })
        .collect()
}

#[test]
fn the_dashboard_and_the_alerts_use_only_figures_that_are_there() {
    let known: BTreeSet<String> = names::ALL.iter().map(|metric| metric.name.to_owned()).collect();
    for (file, at_least) in [("grafana/outdial.json", 28), ("prometheus/alerts.yml", 12)] {
        let used = figures_in(&shipped(file));
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} uses {unknown:?}");
        assert!(used.len() >= at_least, "{file} uses {used:?} only");
    }
}

#[test]
fn the_dashboard_is_json_whose_panels_have_names_places_and_questions_of_their_own() {
    let dashboard: serde_json::Value = serde_json::from_str(&shipped("grafana/outdial.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut seen = BTreeSet::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().unwrap();
        assert!(seen.insert(panel["id"].as_u64().unwrap()), "{title}");
        assert!(panel["gridPos"]["w"].as_u64().is_some_and(|width| width <= 24), "{title}");
        assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{title}");
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{title}");
    }
    assert!(seen.len() >= 12, "{}", seen.len());
}

#[test]
fn every_alert_says_what_to_do() {
    let alerts = shipped("prometheus/alerts.yml");
    let rules: Vec<&str> = alerts.split("      - alert: ").skip(1).collect();
    assert!(rules.len() >= 9, "{}", rules.len());
    for rule in rules {
        let name = rule.lines().next().unwrap();
        for part in [
            "        expr: ",
            "        for: ",
            "          severity: ",
            "          summary: ",
            "          do: ",
        ] {
            assert!(rule.contains(&format!("\n{part}")), "{name} lacks {}", part.trim());
        }
    }
}
