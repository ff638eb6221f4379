//! The packs of calling rules as a form offers them: whom each protects, and what it says, in a line for all places that it says
//! the same of.

use std::collections::BTreeSet;

use crate::domain::hours::OnHolidays;
use crate::domain::rules::{Cap, Pack, Rule};
use crate::http::{ALWAYS, Api};

use super::form_values::{Values, week_in_words};

/// So many places are named in a line.
const FEW: usize = 9;

/// A pack that can be chosen, or that always holds.
pub(super) struct OfferedPack {
    pub(super) name: String,
    /// Whether it holds whatever is chosen.
    pub(super) is_always: bool,
    pub(super) is_chosen: bool,
    /// What it says, in short.
    pub(super) summary: String,
    /// The same place by place, with where it comes from.
    pub(super) lines: Vec<Line>,
}

/// What holds in some places.
pub(super) struct Line {
    pub(super) places: String,
    pub(super) says: String,
    pub(super) source: String,
}

/// All packs, the one that always holds first.
pub(super) fn packs(api: &Api, values: &Values) -> Vec<OfferedPack> {
    let mut packs: Vec<OfferedPack> =
        api.board.library.packs().map(|pack| OfferedPack::of(pack, values)).collect();
    packs.sort_by_key(|pack| !pack.is_always);
    packs
}

impl OfferedPack {
    fn of(pack: &Pack, values: &Values) -> Self {
        let lines = lines(pack);
        let places: BTreeSet<String> = pack.rules.iter().map(|rule| rule.jurisdiction.to_string()).collect();
        let summary = match &lines[..] {
            [line] if places.len() <= FEW => format!("{}: {}", line.places, line.says),
            [line] => format!("{} places: {}", places.len(), line.says),
            lines => format!("{} places, {} kinds of hours", places.len(), lines.len()),
        };
        let is_always = pack.id == ALWAYS;
        Self { is_always, is_chosen: values.has("rules", &pack.id), summary, lines, name: pack.id.clone() }
    }
}

/// Rules that say the same, together.
fn lines(pack: &Pack) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for rule in &pack.rules {
        let (place, says) = (rule.jurisdiction.to_string(), says(rule));
        match lines.iter_mut().find(|line| line.says == says && line.source == rule.source) {
            Some(line) if line.places.split(", ").any(|known| known == place) => {}
            Some(line) => line.places = format!("{}, {place}", line.places),
            None => lines.push(Line { places: place, says, source: rule.source.clone() }),
        }
    }
    lines
}

/// What a rule says, in a line.
fn says(rule: &Rule) -> String {
    let schedule = &rule.schedule;
    let mut parts = vec![week_in_words(&schedule.week)];
    if !schedule.holidays.is_empty() {
        parts.push(match &schedule.on_holidays {
            OnHolidays::Closed => "not on holidays".to_owned(),
            OnHolidays::Windows(windows) => {
                let windows: Vec<String> = windows.iter().map(ToString::to_string).collect();
                format!("on holidays {}", windows.join(" and "))
            }
        });
    }
    parts.extend(rule.caps.iter().map(cap));
    parts.extend(rule.minimum_gap.map(|gap| format!("{} h between two calls", gap.num_hours())));
    parts.extend(rule.zone.as_ref().map(|zone| format!("also by the clock of {}", zone.name())));
    parts.join("; ")
}

fn cap(cap: &Cap) -> String {
    let hours = cap.within.num_hours();
    let within =
        if hours % 24 == 0 && hours > 24 { format!("{} days", hours / 24) } else { format!("{hours} h") };
    let calls = if cap.calls == 1 { "call" } else { "calls" };
    format!("{} {calls} in {within}", cap.calls)
}
