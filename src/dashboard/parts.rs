//! What pages are made of, each with a template of its own in `templates/dashboard/parts`. What a part shows is escaped by
//! it, so that it can stand in any page as it is.

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

use crate::domain::access::Role;
use crate::domain::attempt::Status;
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;
use crate::domain::phone;
use crate::domain::zone::Zone;
use crate::http::Api;
use crate::http::show::Counts;

use super::words;

/// A word with a colour that says how good or bad it is.
#[derive(Template)]
#[template(path = "dashboard/parts/badge.html")]
pub(super) struct Badge {
    word: String,
    tone: &'static str,
}

impl HtmlSafe for Badge {}

impl From<State> for Badge {
    fn from(state: State) -> Self {
        let tone = match state {
            State::Draft | State::Canceled => "gray",
            State::Pending | State::Running => "blue",
            State::Paused => "amber",
            State::Completed => "green",
            State::Failed => "red",
        };
        Self { word: words::sentence(state.as_str()), tone }
    }
}

impl Badge {
    /// A word in one of the tones: gray, blue, amber, green, red.
    pub(super) fn new(word: &str, tone: &'static str) -> Self {
        Self { word: words::sentence(word), tone }
    }

    /// How a contact stands.
    pub(super) fn of_contact(state: ContactState) -> Self {
        let tone = match state {
            ContactState::Pending | ContactState::Suppressed => "gray",
            ContactState::Calling => "blue",
            ContactState::Completed => "green",
            ContactState::Failed => "red",
        };
        Self { word: words::sentence(state.as_str()), tone }
    }

    /// How a call stands: what it came to, or what the provider says of it as long as it is open.
    pub(super) fn of_call(outcome: Option<Outcome>, status: Option<Status>) -> Self {
        let (word, tone) = match outcome {
            None => (status.map_or("being placed", Status::as_str), "blue"),
            Some(outcome @ Outcome::Answered) => (outcome.as_str(), "green"),
            Some(outcome @ (Outcome::NoAnswer | Outcome::Busy)) => (outcome.as_str(), "amber"),
            Some(outcome @ (Outcome::Failed | Outcome::InvalidNumber | Outcome::Blocked)) => {
                (outcome.as_str(), "red")
            }
            Some(
                outcome @ (Outcome::Machine | Outcome::Canceled | Outcome::NotPlaced | Outcome::Unknown),
            ) => (outcome.as_str(), "gray"),
        };
        Self { word: words::sentence(&word.replace('-', " ")), tone }
    }
}

/// An instant on the clock of a zone. The script adds the reader's own.
#[derive(Template)]
#[template(path = "dashboard/parts/when.html")]
pub(super) struct When {
    datetime: String,
    shown: String,
}

impl HtmlSafe for When {}

impl When {
    /// As far as it has to be told now.
    pub(super) fn at(at: DateTime<Utc>, zone: &Zone, now: DateTime<Utc>) -> Self {
        Self { datetime: rfc3339(at), shown: words::instant(at, zone, now) }
    }

    /// Where no campaign's clock counts.
    pub(super) fn utc(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self::at(at, &Zone::parse("UTC").expect("there is UTC everywhere"), now)
    }

    /// Only the day.
    pub(super) fn on(at: DateTime<Utc>, zone: &Zone) -> Self {
        Self { datetime: rfc3339(at), shown: words::day(at, zone) }
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// How many of a campaign's contacts are final, as a bar.
#[derive(Template)]
#[template(path = "dashboard/parts/progress.html")]
pub(super) struct Progress {
    total: u32,
    done: u32,
    completed: u32,
    failed: u32,
    suppressed: u32,
    text: String,
}

impl HtmlSafe for Progress {}

impl Progress {
    /// Of these counts.
    pub(super) fn of(counts: &Counts) -> Self {
        let Counts { contacts: total, completed, failed, suppressed, .. } = *counts;
        let done = completed + failed + suppressed;
        let share = if total == 0 { 0.0 } else { f64::from(done) / f64::from(total) };
        let text =
            format!("{} of {} done, {}", words::number(done), words::number(total), words::percent(share));
        Self { total, done, completed, failed, suppressed, text }
    }
}

/// The foot of a table that has several pages: back to where it begins, and on.
#[derive(Template)]
#[template(path = "dashboard/parts/pages.html")]
pub(super) struct Pages {
    back: Option<PageLink>,
    on: Option<PageLink>,
}

impl HtmlSafe for Pages {}

/// A page of a table.
struct PageLink {
    label: &'static str,
    address: String,
}

impl Pages {
    /// Of what stands with the newest first: where the newest are, if these are others, and where older ones are.
    pub(super) fn by_age(newest: Option<String>, older: Option<String>) -> Self {
        Self::of(("Newest", newest), ("Older", older))
    }

    /// Of what stands in an order of its own: where it begins, if this is another page, and where it goes on.
    pub(super) fn in_order(first: Option<String>, next: Option<String>) -> Self {
        Self::of(("First", first), ("Next", next))
    }

    fn of(back: (&'static str, Option<String>), on: (&'static str, Option<String>)) -> Self {
        let link = |(label, address): (_, Option<String>)| address.map(|address| PageLink { label, address });
        Self { back: link(back), on: link(on) }
    }
}

/// What stands above a table of which only some is wanted: a search, and choices. The table follows what is typed.
#[derive(Template)]
#[template(path = "dashboard/parts/filters.html")]
pub(super) struct Filters {
    /// The page.
    pub(super) action: String,
    /// What of it follows, as a selector.
    pub(super) shows: &'static str,
    /// What the search looks for, for whoever sees it empty.
    pub(super) placeholder: &'static str,
    /// What is looked for.
    pub(super) search: String,
    pub(super) choices: Vec<FilterBy>,
    /// What else stays in the address, by its names.
    pub(super) kept: Vec<(&'static str, String)>,
}

impl HtmlSafe for Filters {}

/// What can be filtered by.
pub(super) struct FilterBy {
    /// As the address has it.
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) options: Vec<FilterOption>,
}

/// A choice among several.
pub(super) struct FilterOption {
    pub(super) value: &'static str,
    pub(super) label: String,
    pub(super) is_chosen: bool,
}

/// A telephone number, as far as whoever looks may see it.
pub(super) fn phone(api: &Api, role: Role, e164: &str) -> String {
    const SHOWN_AT_THE_ENDS: usize = 2;
    // In place of what retention has taken away stands a text that is no number.
    if !e164.starts_with('+') {
        return "erased".to_owned();
    }
    let is_masked = api.mask_for_viewers && role == Role::Viewer;
    match (is_masked, e164.get(..SHOWN_AT_THE_ENDS), e164.get(e164.len().saturating_sub(SHOWN_AT_THE_ENDS)..))
    {
        (false, ..) => phone::in_groups(e164),
        (true, Some(head), Some(tail)) => format!("{head}•••{tail}"),
        (true, ..) => "•••".to_owned(),
    }
}
