//! The browser's programs: one driver for all tests of a run, and a browser of its own for each test, two at once at most.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Once};
use std::time::Duration;

use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, LoggingPrefsLogLevel};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use crate::support::eventually;

/// Two, as many as the machine of the checks has cores.
static PLACES: Semaphore = Semaphore::const_new(2);

static DRIVER: OnceCell<Driver> = OnceCell::const_new();

/// What a browser is started with: it has no screen, no sandbox, since root has none, nothing of another test, and asks nobody
/// in the network for anything of its own.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-proxy-server",
    "--lang=en-US",
    "--window-size=1280,900",
];

/// A browser. It ends with its owner.
pub struct Browser {
    // First, so that nothing of it runs any more when the others go.
    pub driver: WebDriver,
    profile: tempfile::TempDir,
    _place: SemaphorePermit<'static>,
}

impl Browser {
    /// Starts one. None, and a line that says why, where there are no programs for it; in CI that is a failure.
    pub async fn start() -> Option<Self> {
        let programs = match &*PROGRAMS {
            Ok(programs) => programs,
            Err(missing) => {
                assert!(!is_in_ci(), "there is no {missing}, which `make browser` installs");
                say_once(missing);
                return None;
            }
        };
        let place = PLACES.acquire().await.expect("places for browsers");
        let driver = DRIVER.get_or_init(|| Driver::start(programs)).await;
        let profile = tempfile::TempDir::with_prefix_in("profile-", &driver.directory).expect("a directory");
        // A pooled connection would belong to the test's own course of events, and hang when its end closes the browser.
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let client = client.timeout(Duration::from_secs(60)).build().expect("an HTTP client");
        let capabilities = capabilities(programs, profile.path()).expect("what a browser can do");
        let session = WebDriver::builder(&driver.url, capabilities).client(client).await;
        Some(Self { driver: session.expect("a browser"), profile, _place: place })
    }

    /// Ends it.
    pub async fn end(self) {
        self.driver.quit().await.expect("the browser's end");
        drop(self.profile);
    }
}

fn capabilities(programs: &Programs, profile: &Path) -> WebDriverResult<ChromeCapabilities> {
    let mut capabilities = DesiredCapabilities::chrome();
    capabilities.set_binary(&programs.browser)?;
    for flag in FLAGS {
        capabilities.add_arg(flag)?;
    }
    capabilities.add_arg(&format!("--user-data-dir={}", profile.display()))?;
    capabilities.set_logging_prefs("browser", LoggingPrefsLogLevel::All)?;
    capabilities.set_logging_prefs("performance", LoggingPrefsLogLevel::All)?;
    Ok(capabilities)
}

/// The paths of what is needed.
struct Programs {
    browser: String,
    driver: String,
}

/// Where they are, or what is missing.
static PROGRAMS: LazyLock<Result<Programs, &'static str>> = LazyLock::new(|| {
    let browser = first_of(&["chromium", "chromium-browser", "google-chrome"]).ok_or("chromium")?;
    let driver = first_of(&["chromedriver"]).ok_or("chromedriver (of Debian's chromium-driver)")?;
    Ok(Programs { browser, driver })
});

/// The path of the first of these programs that is there.
fn first_of(names: &[&str]) -> Option<String> {
    let look = |name: &&str| Command::new("sh").args(["-c", &format!("command -v {name}")]).output().ok();
    let found = names.iter().filter_map(look).find(|looked| looked.status.success())?;
    String::from_utf8(found.stdout).ok().map(|path| path.trim().to_owned())
}

#[expect(clippy::disallowed_methods, reason = "a variable of the tests, which no program reads")]
fn is_in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// What the test runner cannot swallow, as it does what passing tests print.
fn say_once(missing: &str) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let line =
            format!("SKIPPED: no page is tried in a browser: there is no {missing}. Try `make browser`.");
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    });
}

/// The process that starts and leads browsers.
struct Driver {
    url: String,
    directory: PathBuf,
    _keeper: Child,
}

impl Driver {
    async fn start(programs: &Programs) -> Self {
        let directory = PathBuf::from(format!("/tmp/outdial-browsers-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let said = directory.join("driver.log");
        let keeper = keep(&programs.driver, &directory, &said);
        let port = eventually("the browser's driver listens", || async {
            let said = std::fs::read_to_string(&said).ok()?;
            let (_, rest) = said.split_once("started successfully on port ")?;
            rest.split_once('.')?.0.parse::<u16>().ok()
        })
        .await;
        Self { url: format!("http://127.0.0.1:{port}"), directory, _keeper: keeper }
    }
}

/// Starts the driver, and ends it when this process ends, however it ends: it reads until nobody can write to it any more. A
/// browser that is left over then is ended by the process id that it has left in its profile. What both leave lying about lies
/// in the directory.
fn keep(driver: &str, directory: &Path, said: &Path) -> Child {
    let (directory, said) = (directory.display(), said.display());
    let script = format!(
        "TMPDIR={directory} {driver} --port=0 >{said} 2>&1 & driver=$!
        cat >/dev/null
        kill $driver
        for lock in {directory}/*/SingletonLock; do
            browser=$(readlink \"$lock\") && kill \"${{browser##*-}}\"
        done
        sleep 1
        rm -rf {directory}"
    );
    Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell")
}
