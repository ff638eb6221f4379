//! What somebody who only looks at a page does not see: what the browser complains of, and what keeps people out.

use std::collections::HashMap;

use serde_json::Value;
use thirtyfour::prelude::*;

/// How many of the elements that are at fault are named.
const FEW: usize = 5;

/// The part of a complaint that a test expects.
pub struct Expected {
    pub text: String,
    /// Whether a test has failed where there is no such complaint.
    pub is_certain: bool,
}

/// What the browser complains of and is not expected: errors and warnings of its console, which are also those of the
/// Content-Security-Policy; requests that failed, were refused, or went to others than the program; and what was expected for
/// certain and is not there.
pub async fn complaints(driver: &WebDriver, origin: &str, expected: &[Expected]) -> Vec<String> {
    let mut complaints = of_the_console(driver).await;
    complaints.extend(of_the_network(driver, origin).await);
    let missing = expected.iter().filter(|expected| expected.is_certain);
    let missing = missing.filter(|expected| !complaints.iter().any(|said| said.contains(&expected.text)));
    let missing: Vec<String> =
        missing.map(|expected| format!("{:?} was expected, and is not there", expected.text)).collect();
    complaints.retain(|said| !expected.iter().any(|expected| said.contains(&expected.text)));
    complaints.extend(missing);
    complaints
}

async fn of_the_console(driver: &WebDriver) -> Vec<String> {
    let entries = driver.browser_log().await.expect("the browser's log");
    let serious = entries.into_iter().filter(|entry| ["SEVERE", "WARNING"].contains(&entry.level.as_str()));
    serious.map(|entry| format!("the console: {}", entry.message)).collect()
}

/// A request of which nothing was heard before its end was sent before the log began: the browser's own, at its start.
async fn of_the_network(driver: &WebDriver, origin: &str) -> Vec<String> {
    let entries = driver.get_log("performance").await.expect("the browser's log of requests");
    let mut asked: HashMap<String, String> = HashMap::new();
    let mut complaints = Vec::new();
    for entry in entries {
        let event: Value = serde_json::from_str(&entry.message).expect("JSON");
        let (event, of) = (&event["message"], &event["message"]["params"]);
        let id = of["requestId"].as_str().unwrap_or_default().to_owned();
        match event["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => {
                let url = text(&of["request"]["url"]);
                let is_ours = url.strip_prefix(origin).is_some_and(|path| path.starts_with('/'));
                if !is_ours && url.starts_with("http") {
                    complaints.push(format!("a request leaves for somebody else: {url}"));
                }
                asked.insert(id, format!("{} {url}", text(&of["request"]["method"])));
            }
            "Network.responseReceived" => {
                let status = of["response"]["status"].as_i64().unwrap_or_default();
                if let Some(request) = asked.get(&id).filter(|_| status >= 400) {
                    complaints.push(format!("a request is refused: {request} {status}"));
                }
            }
            "Network.loadingFailed" if of["canceled"] != Value::Bool(true) => {
                let (why, blocked) = (text(&of["errorText"]), text(&of["blockedReason"]));
                if let Some(request) = asked.get(&id) {
                    complaints.push(format!("a request fails: {request} {why} {blocked}"));
                }
            }
            _ => {}
        }
    }
    complaints
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What keeps people from using the page that is shown, by axe-core's rules: each serious or critical violation, with some of
/// the elements that are at fault.
pub async fn barriers(driver: &WebDriver) -> Vec<String> {
    let is_there = driver.execute("return typeof window.axe === 'object'", vec![]).await.expect("an answer");
    if is_there.json() != &Value::Bool(true) {
        driver.execute(include_str!("../../assets/axe-core/axe.min.js"), vec![]).await.expect("axe-core");
    }
    let script = "const [done] = arguments;
        axe.run(document, { resultTypes: ['violations'] })
            .then(found => done(found.violations), error => done(String(error)));";
    let found = driver.execute_async(script, vec![]).await.expect("what axe-core finds");
    let violations = found.json().as_array().unwrap_or_else(|| panic!("axe-core fails: {}", found.json()));
    let serious = violations.iter().filter(|found| ["serious", "critical"].contains(&text(&found["impact"])));
    serious.map(told).collect()
}

fn told(violation: &Value) -> String {
    let nodes: Vec<&Value> = violation["nodes"].as_array().into_iter().flatten().collect();
    let some = nodes.iter().take(FEW);
    let some = some.map(|node| format!("\n    {}: {}", text(&node["html"]), text(&node["failureSummary"])));
    let (rule, impact, help) = (&violation["id"], &violation["impact"], &violation["help"]);
    let (rule, impact, help, count) = (text(rule), text(impact), text(help), nodes.len());
    format!("{rule} ({impact}), {count} times: {help}{}", some.collect::<String>())
}
