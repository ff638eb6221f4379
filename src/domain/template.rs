//! Texts with `{{variables}}` and nothing else: no calls, no loops, no filters. The names of variables come from a
//! contact list's columns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A text in which `{{name}}` stands for a contact's field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at character {at}, got {found:?}")]
pub struct BadTemplate {
    /// Where, counted in characters from 1.
    pub at: usize,
    /// What stands there.
    pub found: String,
    /// What should stand there.
    pub expected: String,
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = ["{{", "}}", "{%", "{#"].iter().filter_map(|sign| rest.find(sign)).min() {
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            let before = text.len() - rest.len() + start;
            let (name, after) = variable(&rest[start..]).map_err(|(found, expected)| BadTemplate {
                at: text[..before].chars().count() + 1,
                found: found.to_owned(),
                expected,
            })?;
            parts.push(Part::Variable(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The variables that it names, in order and as often as they stand there.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Fills in the variables. One without a value leaves nothing behind.
    pub fn render(&self, fields: &BTreeMap<String, String>) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Variable(name) => fields.get(name).map_or("", String::as_str),
        });
        parts.collect()
    }

    /// How many characters it has at least, whatever its variables hold.
    pub fn fixed_characters(&self) -> usize {
        self.render(&BTreeMap::new()).chars().count()
    }
}

/// Reads the variable that `text` begins with; gives its name and what follows it, or else what stands there and
/// what was expected.
fn variable(text: &str) -> Result<(&str, &str), (&str, String)> {
    let Some(inside) = text.strip_prefix("{{") else {
        return Err((&text[..2], "only {{variables}}".to_owned()));
    };
    let Some(end) = inside.find("}}") else {
        return Err((text, "}} after a variable".to_owned()));
    };
    let name = inside[..end].trim();
    let proper = variable_name(name);
    if name != proper {
        return Err((&text[..end + 4], format!("a variable, such as {{{{{proper}}}}},")));
    }
    Ok((name, &inside[end + 2..]))
}

impl TryFrom<String> for Template {
    type Error = BadTemplate;

    fn try_from(text: String) -> Result<Self, BadTemplate> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        let parts = template.0.into_iter().map(|part| match part {
            Part::Text(text) => text,
            Part::Variable(name) => format!("{{{{{name}}}}}"),
        });
        parts.collect()
    }
}

/// The variable that stands for a column: lower-cased, with `_` for each character that is neither letter nor digit,
/// none of them at its ends, and one before a leading digit. `First Name` is `first_name`, `2nd line` is `_2nd_line`.
pub fn variable_name(column: &str) -> String {
    let lower = column.to_lowercase();
    let name: String = lower.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let name = name.trim_matches('_');
    if name.starts_with(char::is_alphabetic) { name.to_owned() } else { format!("_{name}") }
}

/// Two columns that would be the same variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected columns with different names: {first:?} and {second:?} are both {{{{{variable}}}}} in a script"
)]
pub struct Collision {
    /// The variable.
    pub variable: String,
    /// The column that has it.
    pub first: String,
    /// The column that would have it too.
    pub second: String,
}

/// The variables of a list: from each to the column that it stands for.
pub fn variables_of<'a>(
    columns: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>, Collision> {
    let mut variables = BTreeMap::new();
    for column in columns {
        let variable = variable_name(column);
        if let Some(first) = variables.insert(variable.clone(), column.to_owned()) {
            return Err(Collision { variable, first, second: column.to_owned() });
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn rendered(text: &str) -> String {
        let fields = fields(&[("name", "Ann {{company}}"), ("company", "Acme & Co")]);
        Template::parse(text).unwrap().render(&fields)
    }

    #[test]
    fn variables_are_filled_in_and_all_else_stays_as_it_is() {
        assert_eq!(rendered("{{company}}: {{ company }}!"), "Acme & Co: Acme & Co!");
        assert_eq!(rendered("a {smile} {} } { \u{1f600}"), "a {smile} {} } { \u{1f600}");
        assert_eq!(rendered("[{{nobody}}]"), "[]", "a missing value leaves nothing behind");
        assert_eq!(rendered("{{name}}"), "Ann {{company}}", "values are not read as templates");
    }

    #[test]
    fn anything_but_a_variable_is_refused_with_its_place() {
        for (text, told) in [
            ("é {{a.b}}", r#"expected a variable, such as {{a_b}}, at character 3, got "{{a.b}}""#),
            ("{{ First Name }}", r#"a variable, such as {{first_name}}, at character 1"#),
            ("{{Name}}", "such as {{name}}"),
            ("{{f()}}", "such as {{f}}"),
            ("{{}}", "a variable"),
            ("{{ name | upper }}", "a variable"),
            ("{% if x %}", r#"expected only {{variables}} at character 1, got "{%""#),
            ("hi {# note #}", "at character 4"),
            ("hi {{name", "expected }} after a variable at character 4"),
            ("hi name}}", r#"at character 8, got "}}""#),
            ("{{{name}}}", "at character 1"),
        ] {
            let error = Template::parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn columns_become_identifiers() {
        for (column, variable) in [
            ("First Name", "first_name"),
            ("  E-Mail ", "e_mail"),
            ("Company (legal)", "company__legal"),
            ("2nd line", "_2nd_line"),
            ("Prénom", "prénom"),
            ("***", "_"),
            ("", "_"),
        ] {
            assert_eq!(variable_name(column), variable, "{column:?}");
        }
    }

    #[test]
    fn two_columns_of_one_name_are_refused_and_both_named() {
        let error = variables_of(["Name", "E-Mail", "e mail"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"expected columns with different names: "E-Mail" and "e mail" are both {{e_mail}} in a script"#
        );
        let variables = variables_of(["Name", "E-Mail"]).unwrap();
        assert_eq!(variables, fields(&[("name", "Name"), ("e_mail", "E-Mail")]));
    }

    proptest! {
        #[test]
        fn a_column_can_always_be_named_in_a_template(column in any::<String>()) {
            let variable = variable_name(&column);
            prop_assert_eq!(variable_name(&variable), variable.clone());
            let template = Template::parse(&format!("<{{{{{variable}}}}}>")).unwrap();
            let fields = BTreeMap::from([(variable, "x".to_owned())]);
            prop_assert_eq!(template.render(&fields), "<x>");
        }

        #[test]
        fn any_text_is_refused_or_means_the_same_when_written_back(text in "[{}%#a \u{e9}]{0,12}") {
            if let Ok(template) = Template::parse(&text) {
                prop_assert_eq!(Template::parse(&String::from(template.clone())).unwrap(), template);
            }
        }
    }
}
