//! What a list's owner says about it: the country of its numbers, the countries that may be called, its columns, its
//! sheet.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::phone::{Countries, Region};
use crate::import::{ColumnMapping, Limits, Options};

use super::Problem;

/// The country of numbers without a country code, where nothing else is said.
pub(super) const DEFAULT_REGION: &str = "US";

/// What is said about a list. All of it is optional.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListForm {
    /// The country of numbers without a country code (ISO 3166-1), US unless it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "US")]
    pub(super) default_region: Option<String>,
    /// The countries that may be called (ISO 3166-1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["US", "CA"]))]
    pub(super) countries: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) columns: Option<ColumnsForm>,
    /// The sheet of a workbook, by its name; the first visible one with data unless it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "March")]
    pub(super) sheet: Option<String>,
}

/// Which columns are what, by their titles, where that is not found out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ColumnsForm {
    /// The numbers.
    #[schema(example = "Mobile")]
    phone: Option<String>,
    /// The names.
    #[schema(example = "Customer")]
    name: Option<String>,
    /// The country of each number.
    #[schema(example = "Country")]
    country: Option<String>,
    /// The time zone of each person.
    #[schema(example = "Time zone")]
    timezone: Option<String>,
    /// Who is called first.
    #[schema(example = "Priority")]
    priority: Option<String>,
    /// What is dialed after a call is taken.
    #[schema(example = "Ext.")]
    extension: Option<String>,
}

impl ListForm {
    /// What is said here, and for the rest what was said before.
    pub(super) fn over(self, before: Self) -> Self {
        Self {
            default_region: self.default_region.or(before.default_region),
            countries: self.countries.or(before.countries),
            columns: self.columns.or(before.columns),
            sheet: self.sheet.or(before.sheet),
        }
    }

    /// What is kept with the import.
    pub(super) fn to_json(&self) -> Result<Value, Problem> {
        serde_json::to_value(self).map_err(|error| Problem::malformed(error.to_string()))
    }

    /// The region of numbers written nationally.
    pub(super) fn region(&self) -> Result<Region, Problem> {
        Region::parse(self.default_region.as_deref().unwrap_or(DEFAULT_REGION))
            .map_err(|error| Problem::invalid("bad-settings", format!("default_region: {error}")))
    }

    /// How the list is read.
    pub fn options(&self, limits: &Limits) -> Result<Options, Problem> {
        let home = self.region()?;
        let countries = match &self.countries {
            None => Countries::default_for(home),
            Some(codes) => Countries::parse(codes.iter().map(String::as_str))
                .map_err(|error| Problem::invalid("bad-settings", format!("countries: {error}")))?,
        };
        let columns = self.columns.clone().unwrap_or_default();
        Ok(Options {
            default_region: home,
            countries,
            columns: ColumnMapping {
                phone: columns.phone,
                name: columns.name,
                country: columns.country,
                timezone: columns.timezone,
                priority: columns.priority,
                extension: columns.extension,
            },
            sheet: self.sheet.clone(),
            limits: *limits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_one_list_outranks_what_was_said_before() {
        let form = |text: &str| serde_json::from_str::<ListForm>(text).unwrap();
        let over = form(r#"{"sheet":"New"}"#).over(form(r#"{"sheet":"Old","default_region":"GB"}"#));
        assert_eq!((over.sheet.as_deref(), over.default_region.as_deref()), (Some("New"), Some("GB")));
    }

    #[test]
    fn countries_and_regions_that_are_none_are_refused_by_name() {
        let refused = |text: &str| {
            let form: ListForm = serde_json::from_str(text).unwrap();
            form.options(&Limits::default()).unwrap_err().to_string()
        };
        assert!(refused(r#"{"default_region":"XX"}"#).contains("default_region: unknown region \"XX\""));
        assert!(refused(r#"{"countries":["US","Atlantis"]}"#).contains("countries: unknown region"));
        assert!(refused(r#"{"countries":[]}"#).contains("countries: no country is named"));
        assert!(serde_json::from_str::<ListForm>(r#"{"colums":{}}"#).is_err());
    }
}
