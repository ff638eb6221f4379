//! How the campaign goes, while it goes: a bar where somebody watches, a line now and then where nobody does.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::api::Campaign;
use crate::clock::Stopwatch;

/// The pause between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows progress on the standard error.
pub(super) enum Progress {
    /// A bar that moves.
    Bar(ProgressBar),
    /// Lines, and how long ago the last was.
    Lines { last: Option<Stopwatch> },
}

impl Progress {
    pub(super) fn new(contacts: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { last: None };
        }
        let style = ProgressStyle::with_template("{elapsed:>4} {bar:30.green} {pos}/{len} {wide_msg}")
            .expect("the template is a constant that is well formed")
            .progress_chars("█▉▊▋▌▍▎▏ ");
        Self::Bar(ProgressBar::new(contacts).with_style(style))
    }

    pub(super) fn show(&mut self, campaign: &Campaign) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(campaign.counts.done());
                bar.set_message(sentence(campaign));
            }
            Self::Lines { last } => {
                if last.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
                    *last = Some(Stopwatch::start());
                    let counts = &campaign.counts;
                    eprintln!("{}/{} done: {}", counts.done(), counts.contacts, sentence(campaign));
                }
            }
        }
    }

    /// Ends the showing; what is printed next stands below it.
    pub(super) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.abandon();
        }
    }
}

/// The attempts by outcome, and what is going on.
fn sentence(campaign: &Campaign) -> String {
    let mut parts: Vec<String> =
        campaign.counts.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
    if campaign.counts.calling > 0 {
        parts.push("calling".to_owned());
    } else if let Some(waiting) = &campaign.waiting {
        parts.push(waiting.message.clone());
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_counts_outcomes_and_says_what_is_going_on() {
        let mut campaign: Campaign = serde_json::from_value(serde_json::json!({
            "id": "x", "name": "Demo", "state": "running", "average_duration_seconds": null, "success_rate": null,
            "counts": {"contacts": 3, "pending": 1, "calling": 1, "completed": 1, "failed": 0, "suppressed": 0,
                       "attempts": 3, "retries": 1, "outcomes": {"answered": 1, "busy": 1}},
            "waiting": {"until": "2026-03-02T15:05:00Z", "because": "nobody-due", "message": "nobody is due"}
        }))
        .unwrap();
        assert_eq!(sentence(&campaign), "1 answered · 1 busy · calling");
        campaign.counts.calling = 0;
        assert_eq!(sentence(&campaign), "1 answered · 1 busy · nobody is due");
    }
}
