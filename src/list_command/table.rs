//! What came of a list, for the terminal.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

use crate::client::rejects_of;

/// How many refused rows are shown one by one.
const SHOWN: usize = 20;

/// What came of a list: the report that the API gives of it, as a table.
#[derive(Debug)]
pub struct Table {
    name: String,
    report: Value,
}

impl Table {
    pub(super) fn of(name: String, report: Value) -> Self {
        Self { name, report }
    }

    /// The report itself.
    pub fn report(&self) -> &Value {
        &self.report
    }

    /// Whether the list holds anybody to call.
    pub fn has_contacts(&self) -> bool {
        self.number("imported") + self.number("already_there") > 0
    }

    fn number(&self, key: &str) -> u64 {
        self.report[key].as_u64().unwrap_or(0)
    }

    fn list(&self, key: &str) -> &[Value] {
        self.report[key].as_array().map_or(&[], Vec::as_slice)
    }

    fn reasons(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.list("reasons").iter().filter(move |reason| reason["kind"] == kind)
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        for found in self.list("found") {
            let because = match text(&found["because"]) {
                "header" => "by its header",
                "content" => "by what stands in it",
                _ => "as you said",
            };
            writeln!(f, "  {:<12} column {:?}, {because}", text(&found["role"]), text(&found["column"]))?;
        }
        writeln!(f, "\n  rows       {:>9}", self.number("rows"))?;
        writeln!(f, "  contacts   {:>9}  {}", self.number("imported"), self.repaired())?;
        writeln!(f, "  duplicates {:>9}  {}", self.number("duplicates"), self.already_there())?;
        writeln!(f, "  refused    {:>9}", self.number("rejected"))?;
        writeln!(f, "  blank      {:>9}", self.number("blank"))?;
        self.write_reasons(f, "refused", "refused rows")?;
        if let Some(import) = self.report["import_id"].as_str().filter(|_| self.number("rejected") > 0) {
            writeln!(f, "    all of them as a file: {}", rejects_of(import))?;
        }
        self.write_reasons(f, "repaired", "repaired numbers")?;
        if !self.list("warnings").is_empty() {
            writeln!(f, "\n  warnings")?;
            for warning in self.list("warnings") {
                writeln!(f, "    {}", text(&warning["message"]))?;
            }
        }
        if !self.list("first").is_empty() {
            // A list that was only looked at has no import.
            let as_they_will_be = if self.report["import_id"].is_null() { ", as they will be" } else { "" };
            writeln!(f, "\n  the first contacts{as_they_will_be}")?;
            for contact in self.list("first") {
                let extension = contact["extension"].as_str().map(|extension| format!(" ext. {extension}"));
                let number = format!("{}{}", text(&contact["phone"]), extension.unwrap_or_default());
                let (kind, region) = (text(&contact["number_type"]), text(&contact["region"]));
                writeln!(f, "    {number:<20} {region} {kind:<21} {}", text(&contact["name"]))?;
            }
        }
        Ok(())
    }
}

impl Table {
    fn repaired(&self) -> String {
        match self.number("repaired") {
            0 => String::new(),
            repaired => format!("of which {repaired} after a repair"),
        }
    }

    fn already_there(&self) -> String {
        match self.number("already_there") {
            0 => String::new(),
            there => format!("of which {there} the campaign has already"),
        }
    }

    fn write_reasons(&self, f: &mut Formatter<'_>, kind: &str, title: &str) -> fmt::Result {
        let mut left = SHOWN;
        for (number, reason) in self.reasons(kind).enumerate() {
            if number == 0 {
                writeln!(f, "\n  {title}")?;
            }
            writeln!(f, "    {} × {}", reason["count"], text(&reason["reason"]))?;
            for row in reason["samples"].as_array().map_or(&[][..], Vec::as_slice).iter().take(left) {
                left -= 1;
                let place = format!("row {}, {} {:?}", row["row"], text(&row["column"]), text(&row["value"]));
                write!(f, "      {place}: {}", text(&row["message"]))?;
                match row["suggestion"].as_str() {
                    Some(suggestion) => writeln!(f, "; {suggestion}?")?,
                    None => writeln!(f)?,
                }
            }
        }
        Ok(())
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_shows_columns_counts_reasons_and_the_first_contacts() {
        let report = json!({
            "found": [{"role": "phone", "column": "Mobile", "because": "header"}],
            "rows": 4, "imported": 2, "duplicates": 1, "rejected": 1, "blank": 0, "repaired": 1, "already_there": 1,
            "reasons": [{"kind": "refused", "reason": "too-short", "count": 1, "samples": [
                {"row": 3, "column": "Mobile", "value": "5•••", "message": "expected more digits",
                 "suggestion": "+12025550143"}]}],
            "warnings": [{"message": "most numbers are in another country"}],
            "first": [{"phone": "+12025550101", "extension": "12", "region": "US", "name": "Ada",
                       "number_type": "fixed-line-or-mobile"}],
        });
        let table = Table::of("list.csv".to_owned(), report);
        assert!(table.has_contacts());
        let expected = "list.csv
  phone        column \"Mobile\", by its header

  rows               4
  contacts           2  of which 1 after a repair
  duplicates         1  of which 1 the campaign has already
  refused            1
  blank              0

  refused rows
    1 × too-short
      row 3, Mobile \"5•••\": expected more digits; +12025550143?

  warnings
    most numbers are in another country

  the first contacts, as they will be
    +12025550101 ext. 12 US fixed-line-or-mobile  Ada
";
        let lines = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert_eq!(lines(&table.to_string()), lines(expected));
        let stored = json!({"import_id": "7", "rejected": 1, "first": [{"phone": "+12025550101"}]});
        let stored = Table::of("list.csv".to_owned(), stored).to_string();
        assert!(stored.contains("all of them as a file: GET /api/v1/imports/7/rejects.csv"), "{stored}");
        assert!(stored.contains("the first contacts\n"), "{stored}");
    }
}
