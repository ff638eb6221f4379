//! A page in a browser, and who looks at it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use outdial::clock::Deadline;
use serde_json::{Value, json};
use thirtyfour::support::base64_decode;
use thirtyfour::{Key, TypingData, WebDriver, WindowHandle};

use super::driver::Browser;
use super::named::told_of_the_focus;
use super::part::Part;
use super::verdict::{Expected, barriers, complaints};
use crate::support::scene::Scene;

/// How long something may take to show. Generous: it only matters when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it is between two looks at a page.
const BETWEEN_LOOKS: Duration = Duration::from_millis(30);

/// How often the tabulator key is pressed before what is looked for is taken for out of reach.
const MOST_STEPS: usize = 40;

/// The colours that a reader prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl fmt::Display for Theme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Light => "light",
            Self::Dark => "dark",
        })
    }
}

/// A tab of the browser.
#[derive(Debug, Clone)]
pub struct Tab(WindowHandle);

/// What a page weighs and measures.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// All that was received for it, with its parts, as it went over the wire.
    pub bytes: u64,
    /// When something could first be seen, in milliseconds after it was asked for.
    pub first_paint: f64,
    /// How wide it is, in CSS pixels.
    pub width: u32,
}

/// A browser that shows the scene's program, and the person before it.
pub struct Page {
    browser: Option<Browser>,
    origin: String,
    expected: RefCell<Vec<Expected>>,
    /// Why what keeps people out is not looked for in the end.
    excuse: Cell<Option<&'static str>>,
}

impl Page {
    /// A browser of a test's own that shows nothing yet. None where no browser can be started, which is then said.
    pub async fn of(scene: &Scene) -> Option<Self> {
        let browser = Browser::start().await?;
        Some(Self {
            browser: Some(browser),
            origin: scene.url(""),
            expected: RefCell::default(),
            excuse: Cell::default(),
        })
    }

    /// The browser.
    pub fn driver(&self) -> &WebDriver {
        &self.browser.as_ref().expect("a browser that has not ended").driver
    }

    /// Opens a page of the program.
    pub async fn open(&self, path: &str) {
        self.driver().goto(format!("{}{path}", self.origin)).await.expect("a page");
    }

    /// Signs in with a key.
    pub async fn sign_in(&self, key: &str) {
        self.open("/sign-in").await;
        self.fill("API key", key).await;
        self.press("Sign in").await;
        self.is_at("/").await;
    }

    /// Waits until the page of this path is shown.
    pub async fn is_at(&self, path: &str) {
        self.until(&format!("{path} is shown"), async || {
            let shown = self.path().await;
            if shown == path { Ok(()) } else { Err(format!("{shown} is: {}", self.reads().await)) }
        })
        .await;
    }

    /// Waits until a page is shown whose path begins and ends so, and returns what is between.
    pub async fn is_between(&self, begins: &str, ends: &str) -> String {
        self.until(&format!("{begins}…{ends} is shown"), async || {
            let shown = self.path().await;
            let between = shown.strip_prefix(begins).and_then(|rest| rest.strip_suffix(ends));
            let between = between.filter(|between| !between.contains('/') && *between != "new");
            match between {
                Some(between) => Ok(between.to_owned()),
                None => Err(format!("{shown} is: {}", self.reads().await)),
            }
        })
        .await
    }

    /// Leaves a mark in the page that goes if it is loaded anew.
    pub async fn stays_the_same(&self) {
        self.script("window.isTheSame = true", vec![]).await.expect("a mark");
    }

    /// Fails where the page was loaded anew, or left, since [`Self::stays_the_same`].
    pub async fn has_stayed_the_same(&self) {
        let is = self.script("return window.isTheSame === true", vec![]).await;
        assert_eq!(is, Ok(json!(true)), "the page was loaded anew");
    }

    /// The path of the page that is shown.
    pub async fn path(&self) -> String {
        self.driver().current_url().await.expect("an address").path().to_owned()
    }

    /// The smallest part of the page, such as a card or a row, in which this can be read.
    pub fn within<'a>(&'a self, text: &'a str) -> Part<'a> {
        Part { page: self, with: Some(text) }
    }

    fn whole(&self) -> Part<'_> {
        Part { page: self, with: None }
    }

    /// [`Part::press`] on the whole page.
    pub async fn press(&self, name: &str) {
        self.whole().press(name).await;
    }

    /// [`Part::fill`] on the whole page.
    pub async fn fill(&self, label: &str, with: &str) {
        self.whole().fill(label, with).await;
    }

    /// [`Part::upload`] on the whole page.
    pub async fn upload(&self, path: &Path) {
        self.whole().upload(path).await;
    }

    /// [`Part::holds`] on the whole page.
    pub async fn holds(&self, label: &str, expected: &str) {
        self.whole().holds(label, expected).await;
    }

    /// [`Part::sees`] on the whole page.
    pub async fn sees(&self, text: &str) {
        self.whole().sees(text).await;
    }

    /// [`Part::sees_no_more`] on the whole page.
    pub async fn sees_no_more(&self, text: &str) {
        self.whole().sees_no_more(text).await;
    }

    /// [`Part::reads`] on the whole page.
    pub async fn reads(&self) -> String {
        self.whole().reads().await
    }

    /// [`Part::offers`] on the whole page.
    pub async fn offers(&self, name: &str) -> bool {
        self.whole().offers(name).await
    }

    /// Types on the keyboard, wherever somebody is who has nothing else.
    pub async fn types(&self, keys: impl Into<TypingData>) {
        let here = self.driver().active_element().await.expect("an element that has the focus");
        here.send_keys(keys).await.expect("keys that are pressed");
    }

    /// Goes on with the tabulator key until the focus is on what has this name.
    pub async fn tabs_to(&self, name: &str) {
        let mut passed = Vec::new();
        while passed.len() < MOST_STEPS {
            self.types(Key::Tab).await;
            let here =
                told_of_the_focus(self.driver()).await.map_or_else(|nothing| nothing, |here| here.name);
            if here == name {
                return;
            }
            passed.push(here);
        }
        panic!("the focus never comes to {name:?}, only to {passed:?}");
    }

    /// Opens a page of the program in another tab, which is then the one that is looked at.
    pub async fn open_tab(&self, path: &str) -> Tab {
        let tab = Tab(self.driver().new_tab().await.expect("a tab"));
        self.look_at(&tab).await;
        self.open(path).await;
        tab
    }

    /// The tab that is looked at.
    pub async fn tab(&self) -> Tab {
        Tab(self.driver().window().await.expect("a tab"))
    }

    /// Looks at another tab.
    pub async fn look_at(&self, tab: &Tab) {
        self.driver().switch_to_window(tab.0.clone()).await.expect("a tab of this browser");
    }

    /// Makes the page so wide, for somebody who prefers these colours, and nothing that moves by itself.
    pub async fn at(&self, width: u32, theme: Theme) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": theme.to_string() },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.tell("Emulation.setEmulatedMedia", features).await;
    }

    /// Breaks the connection off, with all that is on its way; or has it back as it was.
    pub async fn loses_its_connection(&self, is_lost: bool) {
        let how =
            json!({ "offline": is_lost, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.tell("Network.emulateNetworkConditions", how).await;
    }

    /// Forgets what was received before, so that a page weighs what it weighs to somebody who comes for the first time.
    pub async fn forget_what_was_received(&self) {
        self.tell("Network.clearBrowserCache", json!({})).await;
    }

    /// Measures the page that is shown.
    pub async fn measure(&self) -> Measured {
        let script = "const entries = kind => performance.getEntriesByType(kind);
            const received = [...entries('navigation'), ...entries('resource')];
            const paint = entries('paint').find(paint => paint.name === 'first-contentful-paint');
            return {
                bytes: received.reduce((sum, entry) => sum + entry.transferSize, 0),
                first_paint: paint?.startTime ?? null,
                width: document.documentElement.scrollWidth,
            };";
        self.until("the page is painted", async || {
            let measured = self.script(script, vec![]).await?;
            let number = |name: &str| measured[name].as_f64().ok_or_else(|| format!("no {name}: {measured}"));
            Ok(Measured {
                bytes: number("bytes")? as u64,
                first_paint: number("first_paint")?,
                width: number("width")? as u32,
            })
        })
        .await
    }

    /// Keeps a picture of all of the page, from its top to its end, in the build's directory.
    pub async fn keep_picture(&self, name: &str) {
        self.picture(name).await.expect("a picture");
    }

    /// Keeps a picture. Where a test has failed, the browser may have failed first.
    async fn picture(&self, name: &str) -> Result<PathBuf, String> {
        let said = |error: &dyn std::error::Error| format!("there is no picture of it: {error}");
        let cdp = self.driver().cdp();
        let size = cdp.send_raw("Page.getLayoutMetrics", json!({})).await.map_err(|error| said(&error))?;
        let (width, height) = (&size["cssContentSize"]["width"], &size["cssContentSize"]["height"]);
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let how = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let taken = cdp.send_raw("Page.captureScreenshot", how).await.map_err(|error| said(&error))?;
        let picture =
            base64_decode(taken["data"].as_str().unwrap_or_default()).map_err(|error| said(&error))?;
        let path = pictures().join(format!("{name}.png"));
        std::fs::create_dir_all(path.parent().expect("a directory")).map_err(|error| said(&error))?;
        std::fs::write(&path, picture).map_err(|error| said(&error))?;
        Ok(path)
    }

    /// Says that the browser will complain, with this text, and rightly. It must.
    pub fn expects(&self, text: &str) {
        self.expected.borrow_mut().push(Expected { text: text.to_owned(), is_certain: true });
    }

    /// Says that the browser may complain, with this text, and rightly.
    pub fn tolerates(&self, text: &str) {
        self.expected.borrow_mut().push(Expected { text: text.to_owned(), is_certain: false });
    }

    /// Says why it is not ours to mend what keeps people out of the page.
    pub fn excuses_barriers(&self, why: &'static str) {
        self.excuse.set(Some(why));
    }

    /// Fails where something keeps people from using the page.
    pub async fn keeps_nobody_out(&self) {
        let barriers = barriers(self.driver()).await;
        assert!(barriers.is_empty(), "{} keeps people out: {}", self.path().await, barriers.join("\n"));
    }

    /// Ends it, and fails where the browser has complained or the page keeps people out.
    pub async fn end(mut self) {
        if self.excuse.get().is_none() {
            self.keeps_nobody_out().await;
        }
        let expected = self.expected.take();
        let complaints = complaints(self.driver(), &self.origin, &expected).await;
        assert!(complaints.is_empty(), "the browser complains:\n{}", complaints.join("\n"));
        let browser = self.browser.take().expect("a browser that has not ended");
        browser.end().await;
    }

    /// Waits until `look` finds something. If it never does, fails with what was seen last, and keeps a picture of it.
    pub async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Result<T, String>) -> T {
        let deadline = Deadline::within(PATIENCE);
        loop {
            match look().await {
                Ok(found) => return found,
                Err(_) if !deadline.has_passed() => tokio::time::sleep(BETWEEN_LOOKS).await,
                Err(seen) => {
                    let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
                    let picture = self.picture(&format!("failed/{test}")).await;
                    let picture = picture.map_or_else(|none| none, |path| path.display().to_string());
                    panic!("never happened: {what}; {seen}; {picture}");
                }
            }
        }
    }

    /// What a script in the page returns.
    pub async fn script(&self, script: &str, arguments: Vec<Value>) -> Result<Value, String> {
        let returned = self.driver().execute(script, arguments).await;
        returned.map(|returned| returned.json().clone()).map_err(|error| error.to_string())
    }

    /// Tells the browser something by its own protocol.
    async fn tell(&self, method: &str, parameters: Value) -> Value {
        self.driver().cdp().send_raw(method, parameters).await.expect("what Chromium knows")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let is_forgotten = self.browser.is_some() && !std::thread::panicking();
        assert!(!is_forgotten, "a test in a browser ends with Page::end, which looks for what nobody sees");
    }
}

/// Where pictures are kept.
pub fn pictures() -> PathBuf {
    let build = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the build's directory");
    build.join("screenshots")
}
