//! `/hooks`: who is told of what happens, and how each of them is. They are made by the API.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::hooks::{Hook, list_hooks};
use crate::domain::access::Permission;
use crate::domain::event::EventKind;
use crate::domain::hook::Stopped;
use crate::http::{Api, Methods, Problem, Visitor, resource};

use super::frame::Frame;
use super::parts::{Badge, When};
use super::{render, words};

pub(super) const PATH: &str = "/hooks";

pub(super) fn pages() -> Vec<Methods> {
    vec![resource(PATH).get(Permission::HooksRead, show)]
}

#[derive(Template)]
#[template(path = "dashboard/hooks.html")]
struct Page {
    frame: Frame,
    may_write: bool,
    hooks: Vec<Row>,
    kinds: Kinds,
}

/// A hook of the list.
struct Row {
    id: Uuid,
    label: String,
    /// Where it leads, if it has a name beside.
    url: Option<String>,
    tells: String,
    badge: Badge,
    remarks: Vec<Remark>,
    last_delivered: Option<When>,
    dead: i64,
}

/// Something that somebody should know of a hook.
pub(super) struct Remark {
    pub(super) text: String,
    pub(super) at: When,
}

/// The kinds of events that can be told of.
#[derive(Template)]
#[template(path = "dashboard/hook_kinds.html")]
pub(super) struct Kinds {
    /// `all`, `some` or `none`.
    tells: &'static str,
    kinds: Vec<(&'static str, bool)>,
}

impl askama::filters::HtmlSafe for Kinds {}

impl Kinds {
    /// The choice with what is chosen at first.
    pub(super) fn of(chosen: Option<&[EventKind]>) -> Self {
        let is_chosen = |kind: &EventKind| chosen.is_some_and(|chosen| chosen.contains(kind));
        Self {
            tells: match chosen {
                None => "all",
                Some([]) => "none",
                Some(_) => "some",
            },
            kinds: EventKind::ALL.iter().map(|kind| (kind.as_str(), is_chosen(kind))).collect(),
        }
    }
}

async fn show(api: web::Data<Api>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    let (caller, now) = (visitor.caller, api.board.clock.now());
    let hooks = list_hooks(&api.board.database, caller.team).await?;
    let page = Page {
        frame: Frame::new(&api, &visitor, "Hooks", PATH),
        may_write: caller.role.may(Permission::HooksWrite),
        hooks: hooks.into_iter().map(|hook| Row::of(hook, now)).collect(),
        kinds: Kinds::of(None),
    };
    render(&page)
}

impl Row {
    fn of(hook: Hook, now: DateTime<Utc>) -> Self {
        Self {
            id: hook.id,
            badge: badge(&hook, now),
            remarks: remarks(&hook, now),
            tells: tells(hook.kinds.as_deref()),
            last_delivered: hook.last_delivered_at.map(|at| When::utc(at, now)),
            dead: hook.dead,
            url: hook.name.is_some().then(|| hook.url.clone()),
            label: hook.name.unwrap_or(hook.url),
        }
    }
}

/// How a hook is, in a word.
pub(super) fn badge(hook: &Hook, now: DateTime<Utc>) -> Badge {
    let is_silent = hook.silent.as_ref().is_some_and(|(until, _)| *until > now);
    match hook.stopped {
        Some((Stopped::ByHand, _)) => Badge::new("stopped", "gray"),
        Some((Stopped::Gone | Stopped::Failing, _)) => Badge::new("stopped", "red"),
        None if hook.failing_since.is_some() => Badge::new("failing", "amber"),
        None if is_silent => Badge::new("silent", "amber"),
        None => Badge::new("works", "green"),
    }
}

/// What somebody should know of it, beyond that.
pub(super) fn remarks(hook: &Hook, now: DateTime<Utc>) -> Vec<Remark> {
    let remark = |text: &str, at| Remark { text: text.to_owned(), at: When::utc(at, now) };
    let stopped = hook.stopped.map(|(why, at)| {
        let why = match why {
            Stopped::ByHand => "Somebody stopped it,",
            Stopped::Gone => "Its receiver wants nothing any more (410), since",
            Stopped::Failing => "Nothing was delivered for days; stopped",
        };
        remark(why, at)
    });
    let failing = hook.failing_since.map(|at| remark("Nothing is delivered since", at));
    let silent = hook.silent.as_ref().filter(|(until, _)| *until > now);
    let silent = silent.map(|(until, why)| {
        remark(&format!("Asked before a call it gave no answer ({why}). It is not asked before"), *until)
    });
    [stopped, failing, silent].into_iter().flatten().collect()
}

/// What it tells of, in short.
pub(super) fn tells(kinds: Option<&[EventKind]>) -> String {
    const NAMED: usize = 2;
    match kinds {
        None => "everything".to_owned(),
        Some([]) => "nothing".to_owned(),
        Some(kinds) => {
            let named = kinds.iter().take(NAMED).map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
            match kinds.len().saturating_sub(NAMED) {
                0 => named,
                further => {
                    format!("{named} and {} more", words::number(i64::try_from(further).unwrap_or(i64::MAX)))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hook_tells_of_is_told_in_short() {
        use EventKind::{CampaignCanceled, CampaignPaused, CampaignStarted};
        for (kinds, told) in [
            (None, "everything"),
            (Some(&[] as &[EventKind]), "nothing"),
            (Some(&[CampaignStarted, CampaignPaused]), "campaign.started, campaign.paused"),
            (
                Some(&[CampaignStarted, CampaignPaused, CampaignCanceled]),
                "campaign.started, campaign.paused and 1 more",
            ),
        ] {
            assert_eq!(tells(kinds), told);
        }
    }
}
