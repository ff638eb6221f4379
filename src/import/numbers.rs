//! The way from a cell to a number, in the shape in which the intake asks for it. It only hands on to
//! [`crate::domain::phone`].

use crate::domain::phone::{NumberType, Phone, PhoneError, Region, parse_phone};

/// Which countries may be called.
#[derive(Debug, Clone)]
pub struct Countries(());

impl Countries {
    /// What is called from a country when nothing else was said.
    pub fn default_for(_home: Region) -> Self {
        Self(())
    }
}

/// What a cell said.
pub(super) struct Parsed {
    pub(super) phone: Phone,
    pub(super) extension: Option<String>,
    pub(super) number_type: NumberType,
    pub(super) region: Region,
    pub(super) alternates: Vec<Phone>,
    pub(super) repair: Option<Repair>,
}

/// What was repaired about a number before it could be read. So far nothing is said about it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Repair {}

impl Repair {
    /// The stable name.
    pub(super) fn as_str(self) -> &'static str {
        match self {}
    }

    /// What was done, as a sentence.
    pub(super) fn sentence(self) -> &'static str {
        match self {}
    }
}

/// Why a cell's number is refused, and what could be meant but is not certain.
pub(super) struct Refusal {
    pub(super) error: PhoneError,
    pub(super) suggestion: Option<Phone>,
}

/// Reads a cell's number, where `home` is the country of numbers without a country code.
pub(super) fn read_phone(text: &str, home: Region, _countries: &Countries) -> Result<Parsed, Refusal> {
    match parse_phone(text, home) {
        Ok(parsed) => Ok(Parsed {
            phone: parsed.phone,
            extension: parsed.extension,
            number_type: parsed.number_type,
            region: parsed.region,
            alternates: parsed.alternates,
            repair: None,
        }),
        Err(error) => Err(Refusal { error, suggestion: None }),
    }
}
