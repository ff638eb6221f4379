//! What the demo came to: the table at its end, and whether it may be called a success.

use std::fmt::{self, Display};
use std::time::Duration;

use super::api::{Campaign, Upload};

/// What the demo came to.
#[derive(Debug)]
pub struct Report {
    pub(super) upload: Upload,
    pub(super) campaign: Campaign,
    pub(super) took: Duration,
}

impl Report {
    /// Whether the campaign is over and every imported contact is final.
    pub fn is_complete(&self) -> bool {
        self.campaign.state == "completed"
            && self.campaign.counts.contacts == self.upload.imported
            && self.campaign.counts.done() == self.upload.imported
    }

    /// What is missing, as far as anything is.
    pub fn missing(&self) -> Option<String> {
        if self.is_complete() {
            return None;
        }
        let Campaign { state, counts, waiting, .. } = &self.campaign;
        let mut text = format!(
            "{} of {} contacts are final; the campaign is {state}, {} contacts pending, {} calling",
            counts.done(),
            self.upload.imported,
            counts.pending,
            counts.calling
        );
        if let Some(waiting) = waiting {
            let until = waiting.until.map(|until| format!(", until {until}")).unwrap_or_default();
            text.push_str(&format!("; it waits{until}: {}", waiting.message));
        }
        Some(text)
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { upload, campaign, took } = self;
        let counts = &campaign.counts;
        let mut line =
            |name: &str, value: &dyn Display, more: &str| writeln!(f, "  {name:<20}{value:>6}  {more}");
        let of_rows = format!(
            "of {} rows: {} imported, {} duplicates, {} refused, {} blank",
            upload.rows, upload.imported, upload.duplicates, upload.rejected, upload.blank
        );
        line("contacts", &counts.contacts, &of_rows)?;
        line("  completed", &counts.completed, "")?;
        line("  failed", &counts.failed, "")?;
        if counts.suppressed > 0 {
            line("  suppressed", &counts.suppressed, "")?;
        }
        line("attempts", &counts.attempts, &format!("in {} s", took.as_secs()))?;
        for (outcome, count) in &counts.outcomes {
            line(&format!("  {outcome}"), count, "")?;
        }
        line("retries", &counts.retries, "")?;
        let average = campaign.average_duration_seconds;
        let average = average.map_or("–".to_owned(), |seconds| format!("{seconds:.0} s"));
        line("average talk time", &average, "")?;
        if upload.refused.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n  refused rows")?;
        for row in &upload.refused {
            let place = row.column.as_deref().map(|column| format!(", {column}")).unwrap_or_default();
            let value = row.value.as_deref().map(|value| format!(" {value:?}")).unwrap_or_default();
            writeln!(f, "    row {}{place}{value}: {}", row.row, row.message)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report() -> Report {
        let upload = json!({
            "id": "x", "rows": 5, "imported": 3, "duplicates": 1, "rejected": 1, "blank": 0,
            "refused": [{"row": 4, "column": "Mobile", "value": "12**", "reason": "too-short",
                         "message": "the number is too short for US"}]
        });
        let campaign = json!({
            "id": "x", "name": "Demo", "state": "completed", "average_duration_seconds": 31.6, "success_rate": 0.67,
            "counts": {"contacts": 3, "pending": 0, "calling": 0, "completed": 2, "failed": 1, "suppressed": 0,
                       "attempts": 5, "retries": 2, "outcomes": {"answered": 2, "busy": 3}},
            "waiting": null
        });
        Report {
            upload: serde_json::from_value(upload).unwrap(),
            campaign: serde_json::from_value(campaign).unwrap(),
            took: Duration::from_secs(61),
        }
    }

    #[test]
    fn the_table_shows_people_attempts_outcomes_and_refused_rows() {
        let expected = "  contacts                 3  of 5 rows: 3 imported, 1 duplicates, 1 refused, 0 blank
    completed              2
    failed                 1
  attempts                 5  in 61 s
    answered               2
    busy                   3
  retries                  2
  average talk time     32 s

  refused rows
    row 4, Mobile \"12**\": the number is too short for US
";
        let shown: String =
            report().to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect();
        assert_eq!(shown, expected);
        assert_eq!(report().missing(), None);
    }

    #[test]
    fn a_campaign_that_is_not_over_says_what_is_missing() {
        let mut report = report();
        report.campaign.state = "paused".into();
        report.campaign.counts.failed = 0;
        report.campaign.counts.pending = 1;
        assert!(report.missing().unwrap().starts_with("2 of 3 contacts are final; the campaign is paused"));
    }

    #[test]
    fn a_lost_contact_is_no_success() {
        let mut report = report();
        report.campaign.counts.contacts = 2;
        report.campaign.counts.failed = 0;
        assert!(!report.is_complete());
    }
}
