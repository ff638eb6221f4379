//! Phone numbers: the one way from what people type to a number that may be dialed.
//!
//! It never guesses. A repair is made where it has one possible result and that result is valid; everything else is
//! refused with a reason that has a fixed name and a sentence that says what was expected. What is valid, where and
//! of which type comes from libphonenumber's metadata.

mod error;
mod repair;
mod writing;

use rlibphonenumber::{
    CountryCodeSource, NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat,
    PhoneNumberType, ValidationError,
};

pub use self::error::PhoneError;
use super::names;

/// The most digits of an extension; what is longer is another number, or a mistake.
const LONGEST_EXTENSION: usize = 7;

/// The fewest national digits of a number that is dialed: what is shorter is an emergency or service number
/// somewhere. It costs the subscribers of a few very small countries.
const FEWEST_NATIONAL_DIGITS: usize = 7;

/// The most digits of an E.164 number, the country code included (ITU-T E.164, 6.1).
const MOST_DIGITS: usize = 15;

/// A country or territory, ISO 3166-1 alpha-2, that has phone numbers of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(rlibphonenumber::Region);

/// A text that is no [`Region`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown region {0:?}, expected two letters of ISO 3166-1 such as US or GB")]
pub struct UnknownRegion(pub String);

impl Region {
    /// The United States.
    pub const US: Self = Self(rlibphonenumber::Region::US);

    /// The region of two letters, in either case.
    pub fn parse(code: &str) -> Result<Self, UnknownRegion> {
        rlibphonenumber::Region::from_code(code)
            .ok()
            .filter(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(*region).is_some())
            .map(Self)
            .ok_or_else(|| UnknownRegion(code.to_owned()))
    }

    /// Whether the region shares country code 1.
    fn is_north_american(self) -> bool {
        PHONE_NUMBER_UTIL.is_nanpa_country(self.0)
    }

    /// Whether calls to the region cost about as much as calls inside the United States and Canada. The rest of
    /// country code 1 looks domestic and is not, which is a well-known trap of toll fraud.
    fn is_domestic_to_the_us_and_canada(self) -> bool {
        use rlibphonenumber::Region as R;
        matches!(self.0, R::US | R::CA | R::PR | R::VI | R::GU | R::AS | R::MP)
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.as_region_str())
    }
}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.as_region_str())
    }
}

impl std::str::FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(code: &str) -> Result<Self, UnknownRegion> {
        Self::parse(code)
    }
}

names! {
    /// What kind of line a number is, as far as the number itself tells.
    pub enum NumberType: "number type" {
        /// A landline.
        FixedLine = "fixed-line",
        /// A mobile phone.
        Mobile = "mobile",
        /// One of the two; the country's numbers do not tell which.
        FixedLineOrMobile = "fixed-line-or-mobile",
        /// Free for the caller.
        TollFree = "toll-free",
        /// A line over the internet.
        Voip = "voip",
    }
}

/// A phone number in E.164: `+`, country code, national number. It is not necessarily one that exists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(Box<str>);

impl Phone {
    /// Takes a text that is E.164 already: what the database holds, a caller id, a test number. Whether such a
    /// number can exist is not asked, only that it has a known country code and is no short number.
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        let number = PHONE_NUMBER_UTIL.parse(text, None).map_err(|_| PhoneError::NotE164)?;
        let national = number.get_national_significant_number().len();
        let is_same = text == &*number.format_as(PhoneNumberFormat::E164);
        if is_same && national >= FEWEST_NATIONAL_DIGITS && text.len() <= MOST_DIGITS + 1 {
            Ok(Self(text.into()))
        } else {
            Err(PhoneError::NotE164)
        }
    }

    /// The number, as `+12025550143`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number with its middle hidden, as `+1202•••0143`; at least three digits are.
    pub fn masked(&self) -> String {
        let (head, tail) = if self.0.len() >= 12 { (5, 4) } else { (3, 2) };
        format!("{}•••{}", &self.0[..head], &self.0[self.0.len() - tail..])
    }

    /// The region that the number belongs to, if it can exist.
    pub fn region(&self) -> Option<Region> {
        let number = PHONE_NUMBER_UTIL.parse(&*self.0, None).ok()?;
        region_of(&number)
    }
}

impl std::fmt::Debug for Phone {
    /// Masked, so that no number gets into a log by accident.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

/// What a text said that holds a phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The number.
    pub phone: Phone,
    /// What to dial once it is answered: at most seven digits.
    pub extension: Option<String>,
    /// What kind of line it is.
    pub number_type: NumberType,
    /// Where it is. Jersey is not the United Kingdom here, nor Jamaica the United States.
    pub region: Region,
    /// Further numbers that the same text held.
    pub alternates: Vec<Phone>,
}

/// Reads what somebody typed, or a spreadsheet made of it, where `default` is the country of numbers without a
/// country code. The number is valid and of a type that is called; nothing is invented.
pub fn parse_phone(raw: &str, default: Region) -> Result<Parsed, PhoneError> {
    let text = writing::clean(raw)?;
    match &writing::split(&text)[..] {
        [] => Err(PhoneError::NotANumber),
        [only] => parse_one(only, default).or_else(|error| {
            let pieces: Vec<_> = only.split('/').collect();
            if pieces.len() > 1 { parse_several(&pieces, default).map_err(|_| error) } else { Err(error) }
        }),
        several => parse_several(several, default),
    }
}

/// Each piece has to be a number on its own: half of a number may change what the other half means.
fn parse_several(pieces: &[&str], default: Region) -> Result<Parsed, PhoneError> {
    let mut numbers = pieces.iter().map(|piece| parse_one(piece, default));
    let mut first = numbers.next().ok_or(PhoneError::NotANumber)?.map_err(|_| PhoneError::SeveralNumbers)?;
    for number in numbers {
        let phone = number.map_err(|_| PhoneError::SeveralNumbers)?.phone;
        if phone != first.phone && !first.alternates.contains(&phone) {
            first.alternates.push(phone);
        }
    }
    Ok(first)
}

fn parse_one(text: &str, default: Region) -> Result<Parsed, PhoneError> {
    let (body, extension) = writing::split_extension(text);
    if writing::ends_in_a_variation(body) {
        return Err(PhoneError::SeveralNumbers);
    }
    if writing::has_letters(body) && !is_vanity(body, default) {
        return Err(PhoneError::Letters);
    }
    match writing::digits_or_letters(body) {
        0 => return Err(PhoneError::NotANumber),
        count if count < FEWEST_NATIONAL_DIGITS => return Err(PhoneError::EmergencyOrShort),
        _ => {}
    }
    let number = parse_valid(body, default)?;
    let extension = extension.map(str::to_owned).or_else(|| number.extension.clone());
    if extension.as_ref().is_some_and(|digits| digits.len() > LONGEST_EXTENSION) {
        return Err(PhoneError::ExtensionTooLong);
    }
    let (region, number_type) = policy(&number, default)?;
    let phone = Phone(number.format_as(PhoneNumberFormat::E164).into());
    Ok(Parsed { phone, extension, number_type, region, alternates: Vec::new() })
}

/// The number as the metadata knows it, if need be after a repair that is itself valid.
fn parse_valid(body: &str, default: Region) -> Result<PhoneNumber, PhoneError> {
    let parsed = PHONE_NUMBER_UTIL.parse_and_keep_raw_input(body, Some(default.0));
    if let Ok(number) = &parsed
        && number.is_valid()
    {
        return parsed.map_err(|_| PhoneError::NotANumber);
    }
    for candidate in repair::candidates(body, default.0) {
        if let Ok(number) = PHONE_NUMBER_UTIL.parse_and_keep_raw_input(&candidate, Some(default.0))
            && number.is_valid()
        {
            return Ok(number);
        }
    }
    Err(diagnosis(body, default, parsed))
}

/// Why a number that no repair could save is refused.
fn diagnosis(body: &str, default: Region, parsed: Result<PhoneNumber, ParseError>) -> PhoneError {
    if let Some(region) = region_if_it_had_a_plus(body) {
        return PhoneError::MissingPlus { region };
    }
    let number = match parsed {
        Ok(number) => number,
        Err(ParseError::InvalidCountryCode) => return PhoneError::UnknownCountryCode,
        Err(ParseError::NotANumber(_)) => return PhoneError::NotANumber,
        Err(ParseError::TooShortAfterIdd | ParseError::TooShortNsn) => return PhoneError::TooShort,
        Err(ParseError::TooLongNsn) => return PhoneError::TooLong,
    };
    match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => PhoneError::TooShort,
        Err(ValidationError::TooLong) => PhoneError::TooLong,
        Err(ValidationError::InvalidCountryCode) => PhoneError::UnknownCountryCode,
        Ok(NumberLengthType::IsPossible) | Err(ValidationError::InvalidLength) => {
            let region = PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code);
            PhoneError::Invalid { region: region.map_or(default, Region) }
        }
    }
}

fn region_if_it_had_a_plus(body: &str) -> Option<Region> {
    if body.contains('+') || body.trim_start().starts_with('0') {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(format!("+{body}"), None).ok()?;
    number.is_valid().then(|| region_of(&number)).flatten()
}

/// Whether a number of this kind, written like this, is one to call at all.
fn policy(number: &PhoneNumber, default: Region) -> Result<(Region, NumberType), PhoneError> {
    let number_type = match number.get_type() {
        PhoneNumberType::FixedLine => NumberType::FixedLine,
        PhoneNumberType::Mobile => NumberType::Mobile,
        PhoneNumberType::FixedLineOrMobile => NumberType::FixedLineOrMobile,
        PhoneNumberType::TollFree => NumberType::TollFree,
        PhoneNumberType::VoIP => NumberType::Voip,
        PhoneNumberType::PremiumRate => return Err(PhoneError::PremiumRate),
        PhoneNumberType::SharedCost => return Err(PhoneError::SharedCost),
        PhoneNumberType::PersonalNumber => return Err(PhoneError::PersonalNumber),
        PhoneNumberType::Pager => return Err(PhoneError::Pager),
        PhoneNumberType::UAN => return Err(PhoneError::UniversalAccess),
        PhoneNumberType::VoiceMail => return Err(PhoneError::Voicemail),
        PhoneNumberType::Unknown => return Err(PhoneError::Invalid { region: default }),
    };
    let region = region_of(number).ok_or(PhoneError::SatelliteOrGlobal)?;
    let national = number.get_national_significant_number().len();
    if national < FEWEST_NATIONAL_DIGITS {
        return Err(PhoneError::EmergencyOrShort);
    }
    if number.format_as(PhoneNumberFormat::E164).len() > MOST_DIGITS + 1 {
        return Err(PhoneError::TooLong);
    }
    let is_abroad = region.is_north_american()
        && region != default
        && !region.is_domestic_to_the_us_and_canada()
        && !says_its_country(number);
    if is_abroad {
        return Err(PhoneError::OtherCountry { region });
    }
    Ok((region, number_type))
}

/// Whether the country code was written as such, by `+` or the prefix for calls abroad. A bare leading 1 was not:
/// between the countries that share it, it is how national numbers are dialed.
fn says_its_country(number: &PhoneNumber) -> bool {
    matches!(
        number.country_code_source(),
        CountryCodeSource::FromNumberWithPlusSign | CountryCodeSource::FromNumberWithIdd
    )
}

fn region_of(number: &PhoneNumber) -> Option<Region> {
    number.get_region_code().filter(|region| *region != rlibphonenumber::Region::World).map(Region)
}

/// Letters stand for digits only where that is certainly meant: at the end of a complete toll-free number.
fn is_vanity(body: &str, default: Region) -> bool {
    const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];
    let word: String = body.chars().filter(char::is_ascii_alphanumeric).collect();
    let national = if word.len() == 11 { word.strip_prefix('1').unwrap_or(&word) } else { &word };
    let digits = national.len() - national.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let letters = &national[digits..];
    default.is_north_american()
        && body.is_ascii()
        && national.len() == 10
        && TOLL_FREE.iter().any(|area| national.starts_with(area))
        && letters.len() >= 3
        && letters.bytes().all(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests;
