//! Finds what is on a page by what the browser tells those who cannot see it: its role and its name. It is the browser that
//! computes both, as for a screen reader; what it does not tell cannot be found here either.

use serde_json::{Value, json};
use thirtyfour::WebElement;
use thirtyfour::prelude::*;

/// Something on a page, as the browser tells it.
#[derive(Debug, Clone)]
pub struct Named {
    /// What it is, in Chromium's words: `button`, `link`, `textbox`, …
    pub role: String,
    /// What it is called.
    pub name: String,
    /// Whether it can be used just now.
    pub is_enabled: bool,
    /// What is typed or shown in it, where it has something like that.
    pub value: Option<String>,
    /// How Chromium calls its node.
    node: i64,
}

impl Named {
    fn of(told: &Value) -> Option<Self> {
        if told["ignored"] != json!(false) {
            return None;
        }
        let text = |key: &str| match &told[key]["value"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let is_disabled = told["properties"].as_array().is_some_and(|properties| {
            properties
                .iter()
                .any(|property| property["name"] == "disabled" && property["value"]["value"] == json!(true))
        });
        Some(Self {
            role: text("role")?,
            // Where a name may be broken into lines is nothing that anybody reads.
            name: text("name").unwrap_or_default().replace('\u{200b}', ""),
            is_enabled: !is_disabled,
            value: text("value"),
            node: told["backendDOMNodeId"].as_i64()?,
        })
    }
}

/// A script that gives the smallest part of the page, such as a card, a row or a form, in which this can be read.
const PART_WITH: &str = "text => {
    const kinds = 'article, section, li, tr, fieldset, dialog, form, nav, aside, main, [role=region], [role=group], ' +
        '[role=article], [role=listitem], [role=row], [role=dialog], [role=tabpanel]';
    const parts = [...document.querySelectorAll(kinds)].filter(part => part.innerText?.includes(text));
    return parts.find(part => !parts.some(other => other !== part && part.contains(other)));
}";

/// The expression of a script for the part of the page in which this can be read, or for all of it.
fn part(with: Option<&str>) -> String {
    match with {
        Some(text) => format!("({PART_WITH})({})", json!(text)),
        None => "document.documentElement".to_owned(),
    }
}

/// All that the browser tells of a page, or of the part of it in which this can be read.
pub async fn everything_told(driver: &WebDriver, inside: Option<&str>) -> Result<Vec<Named>, String> {
    let told = told_of(driver, &part(inside)).await?;
    told.ok_or_else(|| format!("no part of the page has the text {inside:?}"))
}

/// What the browser tells of where somebody is who has only a keyboard.
pub async fn told_of_the_focus(driver: &WebDriver) -> Result<Named, String> {
    let told = told_of(driver, "document.activeElement").await?.unwrap_or_default();
    told.into_iter().next().ok_or_else(|| "the focus is on nothing".to_owned())
}

/// What the browser tells of the element that an expression gives, itself first, if there is one.
async fn told_of(driver: &WebDriver, expression: &str) -> Result<Option<Vec<Named>>, String> {
    let cdp = driver.cdp();
    let send =
        async |method, parameters| cdp.send_raw(method, parameters).await.map_err(|error| error.to_string());
    let root = send("Runtime.evaluate", json!({ "expression": expression })).await?;
    let Some(root) = root["result"]["objectId"].as_str() else { return Ok(None) };
    let told = send("Accessibility.queryAXTree", json!({ "objectId": root })).await?;
    let told = told["nodes"].as_array().ok_or("the browser tells nothing")?;
    Ok(Some(told.iter().filter_map(Named::of).collect()))
}

/// What can be read of a page, or of the part of it in which this can be read, with one space for each gap.
pub async fn text(driver: &WebDriver, inside: Option<&str>) -> Result<String, String> {
    let script = format!("return {}?.innerText ?? null", part(inside));
    let found = driver.execute(script, vec![]).await.map_err(|error| error.to_string())?;
    let text = found.json().as_str().ok_or_else(|| format!("no part of the page has the text {inside:?}"))?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The part of the page in which this can be read, or all of it, as an element that can be used.
pub async fn part_itself(driver: &WebDriver, inside: Option<&str>) -> Result<WebElement, String> {
    let found = driver.execute(format!("return {}", part(inside)), vec![]).await;
    found.and_then(|found| found.element()).map_err(|error| error.to_string())
}

/// What is named, as an element that can be used.
pub async fn element(driver: &WebDriver, named: &Named) -> Result<WebElement, String> {
    let find = async || {
        let cdp = driver.cdp();
        let object = cdp.send_raw("DOM.resolveNode", json!({ "backendNodeId": named.node })).await?;
        // The two languages that the browser is spoken to have no common word for an element, but the page's own.
        let point = "function () { window.pointedAt = this instanceof Element ? this : this.parentElement; }";
        let call = json!({ "objectId": object["object"]["objectId"], "functionDeclaration": point });
        cdp.send_raw("Runtime.callFunctionOn", call).await?;
        let take = "const element = window.pointedAt; delete window.pointedAt; return element;";
        driver.execute(take, vec![]).await?.element()
    };
    find().await.map_err(|error| error.to_string())
}
