//! `outdial campaign watch`: how a campaign goes, as it goes. A bar where somebody watches, a line for each thing that
//! happens where nobody does. A connection that is lost is taken up again where it was.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderName};
use serde_json::Value;

use super::campaigns::a_state;
use super::server::{ClientError, Server, Shown};
use super::stream::{Blocks, Sent};
use super::table::{plain, shown, told};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How long is waited before a lost connection is taken up again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Lost connections in a row after which it is given up.
const MOST_LOST: u32 = 30;

/// Watches the campaign of this name or id until it is over. It is good if everybody is final.
pub(super) async fn watch(server: &Server, name: &str) -> Result<Shown, ClientError> {
    let id = patiently(async || server.find("campaign", name).await).await?.to_string();
    let campaign = id.as_str();
    let mut view = View::of(&patiently(async || server.get(&["campaigns", campaign]).await).await?);
    let (mut blocks, mut lost) = (Blocks::default(), 0);
    loop {
        let mut pause = AGAIN_AFTER;
        match follow(server, campaign, &mut blocks, &mut view).await {
            Ok(heard) if heard > 0 => lost = 0,
            Ok(_) => lost += 1,
            Err(ClientError::Refused { status: 429, again_after, .. }) => {
                pause = again_after.unwrap_or(pause).max(pause);
            }
            Err(away @ (ClientError::Unreachable { .. } | ClientError::Refused { status: 500.., .. })) => {
                lost += 1;
                view.wait(&format!("{away}; it is tried again"));
            }
            Err(refused) => return Err(refused),
        }
        match server.get(&["campaigns", campaign]).await {
            Ok(now) if is_over(&now) => {
                view.end();
                let why =
                    now["state_detail"].as_str().map(|why| format!(": {}", plain(why))).unwrap_or_default();
                let text = format!("{} is {}{why}\n", told(&now["name"]), a_state(&now["state"]));
                return Ok(Shown { text, exit_status: u8::from(now["state"] != "completed"), json: now });
            }
            Ok(now) => view.show(&now),
            Err(error) if lost >= MOST_LOST => return Err(error),
            Err(_) => {}
        }
        tokio::time::sleep(pause).await;
    }
}

/// Asks until it is told no more to come again later.
async fn patiently<T>(ask: impl AsyncFn() -> Result<T, ClientError>) -> Result<T, ClientError> {
    loop {
        match ask().await {
            Err(ClientError::Refused { status: 429, again_after, .. }) => {
                tokio::time::sleep(again_after.unwrap_or(AGAIN_AFTER)).await;
            }
            answered => return answered,
        }
    }
}

/// Whether nothing more happens to it by itself.
fn is_over(campaign: &Value) -> bool {
    ["draft", "paused", "completed", "canceled", "failed"].iter().any(|state| campaign["state"] == *state)
}

/// Follows until the campaign is over or the connection is lost. Returns how many events were heard.
async fn follow(
    server: &Server,
    campaign: &str,
    blocks: &mut Blocks,
    view: &mut View,
) -> Result<u32, ClientError> {
    let mut request =
        server.request(Method::GET, &["campaigns", campaign, "events"]).header(ACCEPT, "text/event-stream");
    if let Some(id) = &blocks.last_event_id {
        request = request.header(LAST_EVENT_ID, id);
    }
    let mut answer = server.send(request).await?;
    // What happened since it was looked at, and before the stream began.
    let now = server.get(&["campaigns", campaign]).await?;
    view.show(&now);
    if is_over(&now) {
        return Ok(1);
    }
    let mut heard = 0;
    while let Some(some) = blocks.read(&mut answer).await {
        for sent in some {
            heard += 1;
            view.hear(&sent);
            if ["campaign.paused", "campaign.completed", "campaign.canceled", "campaign.failed"]
                .contains(&sent.kind.as_str())
            {
                return Ok(heard);
            }
        }
    }
    Ok(heard)
}

/// What is shown on the standard error.
enum View {
    Bar(ProgressBar),
    /// What it waits for, as it was told last: it is told again when it is something else.
    Lines(Option<String>),
}

impl View {
    fn of(campaign: &Value) -> Self {
        if !std::io::stderr().is_terminal() {
            let mut view = Self::Lines(None);
            view.show(campaign);
            return view;
        }
        // What it waits for has a line of its own: beside the bar it would be cut.
        let style = ProgressStyle::with_template("{prefix} {bar:30.green} {pos}/{len}\n{wide_msg}")
            .expect("the template is a constant that is well formed")
            .progress_chars("█▉▊▋▌▍▎▏ ");
        let bar = ProgressBar::new(0).with_style(style).with_prefix(told(&campaign["name"]));
        let mut view = Self::Bar(bar);
        view.show(campaign);
        view
    }

    /// How the campaign stands now.
    fn show(&mut self, campaign: &Value) {
        let waits = &campaign["waiting"];
        if let Self::Bar(bar) = self {
            set(bar, &campaign["counts"]);
            bar.set_message(standing(campaign));
        } else if waits["message"].is_string() {
            self.wait(&waiting(waits));
        } else {
            *self = Self::Lines(None);
        }
    }

    /// Why nothing happens.
    fn wait(&mut self, why: &str) {
        match self {
            Self::Bar(bar) => bar.set_message(plain(why)),
            Self::Lines(last) if last.as_deref() == Some(why) => {}
            Self::Lines(last) => {
                say(&format!("waits: {}", plain(why)));
                *last = Some(why.to_owned());
            }
        }
    }

    fn hear(&mut self, Sent { kind, data }: &Sent) {
        let said = sentence(kind, data);
        match self {
            Self::Bar(bar) if kind == "campaign.progress" => set(bar, data),
            Self::Bar(bar) => bar.set_message(said),
            Self::Lines(_) if kind == "campaign.progress" => {}
            Self::Lines(last) => {
                say(&format!("{}  {said}", told(&data["at"])));
                *last = (kind == "campaign.waiting").then_some(said);
            }
        }
    }

    fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.abandon();
        }
    }
}

/// Says it to whoever reads along; if nobody does any more, it is watched to its end all the same.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn set(bar: &ProgressBar, counts: &Value) {
    let of = |name: &str| counts[name].as_u64().unwrap_or(0);
    bar.set_length(of("contacts"));
    bar.set_position(of("completed") + of("failed") + of("suppressed"));
}

/// What happened, in words.
fn sentence(kind: &str, event: &Value) -> String {
    let data = &event["data"];
    match kind {
        "campaign.waiting" => waiting(data),
        "attempt.started" => format!("calling {}", whom(event)),
        "attempt.answered" => format!("{} is on the phone", whom(event)),
        "attempt.ended" => format!("{}: {}", whom(event), told(&data["outcome"])),
        "contact.completed" | "contact.failed" | "contact.suppressed" => {
            format!("{} is {}", whom(event), kind.trim_start_matches("contact."))
        }
        "campaign.paused" | "campaign.failed" => {
            format!("{}: {}", kind.trim_start_matches("campaign."), told(&data["detail"]))
        }
        other => plain(other).replace(['.', '-'], " "),
    }
}

/// How a campaign stands: what it waits for, or its state.
fn standing(campaign: &Value) -> String {
    match &campaign["waiting"] {
        waits if waits["message"].is_string() => waiting(waits),
        _ => told(&campaign["state"]),
    }
}

/// What is waited for, and until when: that first, as a narrow terminal cuts the end.
pub(super) fn waiting(waits: &Value) -> String {
    let until = match waits["until"].is_string() {
        true => format!("until {}: ", plain(&shown(waits, "/until"))),
        false => String::new(),
    };
    let rule = waits["rule"].as_str().map(|rule| format!(" ({})", plain(rule))).unwrap_or_default();
    format!("{until}{}{rule}", told(&waits["message"]))
}

fn whom(event: &Value) -> String {
    let contact = &event["contact"];
    plain(contact["name"].as_str().or(contact["phone"].as_str()).unwrap_or("a contact"))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_happens_is_told_in_words() {
        let event = json!({"contact": {"name": "Ada", "phone": "+12025550101"},
                           "data": {"outcome": "no-answer", "message": "it is outside its business hours",
                                    "until": "2026-03-02T14:00:00Z", "rule": "business_hours, Europe/Rome",
                                    "detail": "paused by a person"}});
        for (kind, expected) in [
            ("attempt.started", "calling Ada"),
            ("attempt.ended", "Ada: no-answer"),
            ("contact.failed", "Ada is failed"),
            (
                "campaign.waiting",
                "until 2026-03-02 14:00:00Z: it is outside its business hours (business_hours, Europe/Rome)",
            ),
            ("campaign.paused", "paused: paused by a person"),
            ("contacts.added", "contacts added"),
        ] {
            assert_eq!(sentence(kind, &event), expected);
        }
    }

    #[actix_web::test]
    async fn whoever_is_told_to_come_again_later_does_so() {
        let asked = Cell::new(0);
        let ask = async || {
            asked.set(asked.get() + 1);
            let (kind, detail, rows) = (String::new(), String::new(), String::new());
            let status = if asked.get() < 3 { 429 } else { 409 };
            Err(ClientError::Refused { status, kind, detail, rows, again_after: Some(Duration::ZERO) })
        };
        let refused: Result<(), _> = patiently(ask).await;
        assert!(matches!(refused, Err(ClientError::Refused { status: 409, .. })) && asked.get() == 3);
    }

    #[test]
    fn what_a_server_says_controls_no_terminal() {
        let text = "on\u{1b}[2J\u{9b}e\r";
        let event = json!({"contact": {"name": text}, "data": {"outcome": text, "message": text, "until": text, "detail": text}});
        for kind in ["attempt.started", "attempt.ended", "campaign.waiting", "campaign.failed", text] {
            let told = sentence(kind, &event);
            assert!(told.contains("on [2J e ") && !told.contains(char::is_control), "{kind}: {told:?}");
        }
        for campaign in [json!({"waiting": {"message": text, "until": text}}), json!({"state": text})] {
            let told = standing(&campaign);
            assert!(told.contains("on [2J e ") && !told.contains(char::is_control), "{told:?}");
        }
    }
}
