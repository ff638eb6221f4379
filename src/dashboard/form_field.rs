//! A field of a form: its label, what is in it, its unit, and a sentence about it. Its name is the path of a member of the API's
//! JSON, and its id as well.

use askama::Template;

/// A field for a text, a number or a list.
#[derive(Template)]
#[template(path = "dashboard/form_field.html")]
pub(super) struct Field {
    name: String,
    label: &'static str,
    hint: &'static str,
    value: String,
    unit: Option<&'static str>,
    range: Option<(u32, u32)>,
    /// What the text is read as, as `assets/dashboard/script/forms.js` has it.
    reads: Option<&'static str>,
    /// The JSON that is sent if it is empty.
    empty: Option<&'static str>,
    placeholder: Option<String>,
}

impl askama::filters::HtmlSafe for Field {}

impl Field {
    /// For a text.
    pub(super) fn text(name: &str, label: &'static str, value: String, hint: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            label,
            hint,
            value,
            unit: None,
            range: None,
            reads: None,
            empty: None,
            placeholder: None,
        }
    }

    /// It holds a whole number of these.
    pub(super) fn number(self, unit: &'static str, least: u32, most: u32) -> Self {
        Self { unit: Some(unit), range: Some((least, most)), reads: Some("number"), ..self }
    }

    /// It is read as this.
    pub(super) fn read_as(self, reads: &'static str) -> Self {
        Self { reads: Some(reads), ..self }
    }

    /// If it is empty, it is said that there is none.
    pub(super) fn or_none(self) -> Self {
        self.or("null")
    }

    /// If it is empty, this JSON is sent.
    pub(super) fn or(self, empty: &'static str) -> Self {
        Self { empty: Some(empty), ..self }
    }

    /// If it is empty, that is sent, and told to be too little.
    pub(super) fn or_empty(self) -> Self {
        self.or("\"\"")
    }

    /// What it looks like, for whoever sees it empty.
    pub(super) fn like(self, placeholder: impl Into<String>) -> Self {
        Self { placeholder: Some(placeholder.into()), ..self }
    }
}
