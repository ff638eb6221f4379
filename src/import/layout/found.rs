//! What was recognised about a list's columns, as its owner sees it.

use crate::domain::names::names;

names! {
    /// What a column is for.
    pub enum Role: "role" {
        /// The numbers that are called.
        Phone = "phone",
        /// Further numbers of the same persons.
        Alternate = "alternate",
        /// Whole names.
        Name = "name",
        /// Given names, joined with the family names.
        GivenName = "given-name",
        /// Family names, joined with the given names.
        FamilyName = "family-name",
        /// The countries of numbers written nationally.
        Country = "country",
        /// The time zones of the persons.
        Timezone = "timezone",
        /// Who is called first.
        Priority = "priority",
        /// What is dialed once the call is taken.
        Extension = "extension",
    }
}

names! {
    /// How it was found out what a column is for.
    pub enum Why: "reason" {
        /// By its title.
        Header = "header",
        /// By what stands in it.
        Content = "content",
        /// Its owner said so.
        Mapping = "mapping",
    }
}

/// A column that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundColumn {
    /// What it is for.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// Its place, from 0.
    pub place: usize,
    /// How it was found out.
    pub why: Why,
}
