//! What somebody does with a page, or a part of it, and what they see there.

use std::path::Path;

use serde_json::json;
use thirtyfour::WebElement;
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;

use super::named::{Named, element, everything_told, part_itself, text};
use super::page::Page;

/// What can be pressed.
const PRESSED: &[&str] =
    &["button", "link", "tab", "checkbox", "radio", "switch", "menuitem", "DisclosureTriangle"];

/// What can be filled in.
const FILLED: &[&str] =
    &["textbox", "searchbox", "spinbutton", "combobox", "listbox", "slider", "Date", "DateTime", "InputTime"];

/// A page, or the smallest part of it in which this can be read.
pub struct Part<'a> {
    pub page: &'a Page,
    pub with: Option<&'a str>,
}

impl Part<'_> {
    /// Presses what has this name, as soon as it is there and can be pressed.
    pub async fn press(&self, name: &str) {
        self.page
            .until(&format!("{name:?} is pressed"), async || {
                let element = self.find(PRESSED, name).await?;
                let pressed = done(element.click().await);
                if pressed.is_err() {
                    // Something may lie over it where the driver has brought it: a person scrolls on.
                    let bring = "arguments[0].scrollIntoView({ block: 'center' })";
                    let _ = self.page.script(bring, vec![json_of(&element)]).await;
                }
                pressed
            })
            .await;
    }

    /// Fills in the field of this label; what stood there goes. Of a choice, the one of this text is taken.
    pub async fn fill(&self, label: &str, with: &str) {
        self.page
            .until(&format!("{label:?} is filled in"), async || {
                let field = self.find(FILLED, label).await?;
                let property = async |name: &str| field.prop(name).await.ok().flatten().unwrap_or_default();
                match (property("tagName").await.as_str(), property("type").await.as_str()) {
                    ("SELECT", _) => {
                        let choose = "const [field, text] = arguments;
                        const option = [...field.options].find(option => option.text.trim() === text);
                        if (!option) { return false; }
                        option.selected = true;
                        field.dispatchEvent(new Event('input', { bubbles: true }));
                        field.dispatchEvent(new Event('change', { bubbles: true }));
                        return true;";
                        let chosen = self.page.script(choose, vec![json_of(&field), json!(with)]).await?;
                        if chosen == json!(true) { Ok(()) } else { Err(format!("no choice is {with:?}")) }
                    }
                    // What is typed into these depends on the reader's language.
                    (_, "date" | "time" | "datetime-local" | "month" | "week" | "range" | "color") => {
                        let set = "const [field, value] = arguments;
                        field.value = value;
                        field.dispatchEvent(new Event('input', { bubbles: true }));
                        field.dispatchEvent(new Event('change', { bubbles: true }));";
                        self.page.script(set, vec![json_of(&field), json!(with)]).await.map(drop)
                    }
                    _ => {
                        done(field.clear().await)?;
                        done(field.send_keys(with).await)
                    }
                }
            })
            .await;
    }

    /// Takes a file for the only place that takes one.
    pub async fn upload(&self, path: &Path) {
        let path = path.canonicalize().expect("a file");
        self.page
            .until("a file is taken", async || {
                let found = self.page.driver().find(By::Css("input[type=file]")).await;
                let field = found.map_err(|error| error.to_string())?;
                done(field.send_keys(path.to_str().expect("a path in UTF-8")).await)
            })
            .await;
    }

    /// Drags a file of this name and text from the desk and drops it on what can be read here.
    pub async fn drops(&self, name: &str, text: &str) {
        let script = "const [part, words, name, text] = arguments;
            const over = [part, ...part.querySelectorAll('*')].filter(each => each.innerText?.includes(words)).pop();
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([text], name));
            for (const kind of ['dragenter', 'dragover', 'drop']) {
                over.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer }));
            }";
        self.page
            .until("a file is dropped", async || {
                let part = part_itself(self.page.driver(), self.with).await?;
                let words = self.with.unwrap_or_default();
                let arguments = vec![json_of(&part), json!(words), json!(name), json!(text)];
                self.page.script(script, arguments).await.map(drop)
            })
            .await;
    }

    /// Waits until the field of this label holds this.
    pub async fn holds(&self, label: &str, expected: &str) {
        self.page
            .until(&format!("{label:?} holds {expected:?}"), async || {
                let field = self.find(FILLED, label).await?;
                let held = field.prop("value").await.map_err(|error| error.to_string())?.unwrap_or_default();
                if held == expected { Ok(()) } else { Err(format!("it holds {held:?}")) }
            })
            .await;
    }

    /// Waits until this can be read.
    pub async fn sees(&self, expected: &str) {
        self.page
            .until(&format!("{expected:?} can be read"), async || {
                let read = text(self.page.driver(), self.with).await?;
                if read.contains(expected) { Ok(()) } else { Err(format!("what can be read is: {read}")) }
            })
            .await;
    }

    /// Waits until this cannot be read any more.
    pub async fn sees_no_more(&self, expected: &str) {
        self.page
            .until(&format!("{expected:?} cannot be read any more"), async || {
                let read = text(self.page.driver(), self.with).await?;
                if read.contains(expected) { Err(format!("what can be read is: {read}")) } else { Ok(()) }
            })
            .await;
    }

    /// What can be read just now, with one space for each gap.
    pub async fn reads(&self) -> String {
        self.page.until("something can be read", async || text(self.page.driver(), self.with).await).await
    }

    /// Whether there is something just now that can be pressed and has this name.
    pub async fn offers(&self, name: &str) -> bool {
        let told = self.page.until("the page tells what is there", async || self.told().await).await;
        told.iter().any(|named| is(named, PRESSED, name))
    }

    /// How far the only bar of progress has come, by its own measure.
    pub async fn progress(&self) -> f64 {
        self.page
            .until("there is a bar of progress", async || {
                let told = self.told().await?;
                let mut bars = told.iter().filter(|named| named.role == "progressbar");
                let bar = bars.next().ok_or("there is none")?;
                if bars.next().is_some() {
                    return Err("there are several".to_owned());
                }
                let value = bar.value.as_deref().unwrap_or_default();
                value.trim_end_matches('%').trim().parse().map_err(|_| format!("it says {value:?}"))
            })
            .await
    }

    async fn told(&self) -> Result<Vec<Named>, String> {
        everything_told(self.page.driver(), self.with).await
    }

    /// The only element of these roles that has this name and can be used.
    async fn find(&self, roles: &[&str], name: &str) -> Result<WebElement, String> {
        let told = self.told().await?;
        let found: Vec<&Named> = told.iter().filter(|named| is(named, roles, name)).collect();
        match found[..] {
            [named] if named.is_enabled => element(self.page.driver(), named).await,
            [_] => Err("it is there, and cannot be used".to_owned()),
            [] => {
                let others = told.iter().filter(|named| roles.contains(&named.role.as_str()));
                let others: Vec<&str> = others.map(|named| named.name.as_str()).collect();
                Err(format!("there are only {others:?}"))
            }
            _ => Err(format!("there are {}: say within what", found.len())),
        }
    }
}

fn is(named: &Named, roles: &[&str], name: &str) -> bool {
    roles.contains(&named.role.as_str()) && named.name.split_whitespace().eq(name.split_whitespace())
}

fn json_of(element: &WebElement) -> serde_json::Value {
    element.to_json().expect("an element that can be named")
}

/// What came of using an element. What only says that it could not be reached just now is tried again.
fn done(result: WebDriverResult<()>) -> Result<(), String> {
    let Err(error) = result else { return Ok(()) };
    match &*error {
        WebDriverErrorInner::ElementClickIntercepted(_)
        | WebDriverErrorInner::ElementNotInteractable(_)
        | WebDriverErrorInner::InvalidElementState(_)
        | WebDriverErrorInner::NoSuchElement(_)
        | WebDriverErrorInner::StaleElementReference(_) => Err(short(&error)),
        _ => panic!("the browser fails: {error}"),
    }
}

/// What an error says, without where in the browser's own code it came up.
fn short(error: &WebDriverError) -> String {
    let told = error.to_string();
    told.split("Stacktrace").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}
