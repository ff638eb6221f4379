//! Phone numbers: the one way from what people type to a number that may be dialed.
//!
//! It never guesses. A repair is made where it has one possible result and that result is valid; everything else is
//! refused with a reason that has a fixed name and a sentence that says what was expected, and with a suggestion
//! where there is a likely one. What is valid, where and of which type comes from libphonenumber's metadata.
//!
//! A text goes through these stages, in this order: [`cleaning`] undoes what spreadsheets did to it, [`pieces`] parts
//! the numbers that it holds and their extensions, [`words`] takes away what stands beside them, and [`single`] reads
//! one number, by way of a [`repair`] or towards a [`suggestion`]. Plain numbers take a short cut past all but the
//! last.

mod cleaning;
mod countries;
mod digits;
mod emergency;
mod error;
mod pieces;
mod region;
mod repair;
mod single;
mod suggestion;
mod vanity;
mod words;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};

pub use self::countries::{BadCountries, Countries};
use self::digits::Digits;
pub use self::error::{PhoneError, Refusal};
pub use self::region::{Region, UnknownRegion};
pub use self::repair::Repair;
use super::names;

/// The fewest national digits of a number that is dialed: what is shorter is an emergency or service number
/// somewhere. It costs the subscribers of a few very small countries.
const FEWEST_NATIONAL_DIGITS: usize = 7;

/// The most digits of an E.164 number, the country code included (ITU-T E.164, 6.1).
const MOST_DIGITS: usize = 15;

/// The numbers that Twilio keeps for tests begin like this. They look like personal numbers and ring nowhere.
const TEST_NUMBERS: &str = "+1500555";

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
    /// Takes a text that is E.164 already: what the database holds, a caller id, a number about to be dialed. Refused
    /// is what must never be dialed, wherever it comes from: emergency and other short numbers, satellites and global
    /// services, and every kind of number at a price or without a person. Whether the number can exist is not asked,
    /// so that what was valid once can still be read; test numbers of the provider are taken.
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        let is_written_so =
            text.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|c| c.is_ascii_digit()));
        if !is_written_so || text.len() > MOST_DIGITS + 1 {
            return Err(PhoneError::NotE164);
        }
        let number = PHONE_NUMBER_UTIL.parse(text, None).map_err(|_| PhoneError::NotE164)?;
        if text != &*number.format_as(PhoneNumberFormat::E164) {
            return Err(PhoneError::NotE164);
        }
        if single::is_global(&number) {
            return Err(PhoneError::SatelliteOrGlobal);
        }
        let national = number.get_national_significant_number();
        if national.len() < FEWEST_NATIONAL_DIGITS {
            let region = PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code).map(Region);
            return Err(
                region.map_or(PhoneError::NotE164, |region| single::emergency_or_short(region, &national))
            );
        }
        match number.get_type() {
            PhoneNumberType::Unknown => {}
            PhoneNumberType::PersonalNumber if text.starts_with(TEST_NUMBERS) => {}
            kind => {
                single::callable(kind)?;
            }
        }
        Ok(Self(text.into()))
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

    /// The digits without the country's, as files write them in a row, however they write them.
    pub fn national_digits(&self) -> String {
        let number = PHONE_NUMBER_UTIL.parse(&*self.0, None);
        number.map_or_else(
            |_| self.0[1..].to_owned(),
            |number| number.get_national_significant_number().to_string(),
        )
    }

    /// The region that the number belongs to, if it can exist. North America's toll-free numbers belong to all of its
    /// countries; here they are in the United States.
    pub fn region(&self) -> Option<Region> {
        let number = PHONE_NUMBER_UTIL.parse(&*self.0, None).ok()?;
        number.get_region_code().filter(|region| *region != rlibphonenumber::Region::World).map(Region)
    }
}

/// A number in E.164 as people read it: `+1 202-555-0143`. A text that is none stays as it is.
pub fn in_groups(e164: &str) -> String {
    let number = PHONE_NUMBER_UTIL.parse(e164, None);
    number.map_or_else(
        |_| e164.to_owned(),
        |number| number.format_as(PhoneNumberFormat::International).into_owned(),
    )
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
    /// What had to be repaired; none where the number is as it was written, however it was written.
    pub repair: Option<Repair>,
}

/// [`read_phone`] where no countries are named, without the suggestion.
pub fn parse_phone(raw: &str, default: Region) -> Result<Parsed, PhoneError> {
    read_phone(raw, default, &Countries::default_for(default)).map_err(|refusal| refusal.error)
}

/// Reads what somebody typed, or a spreadsheet made of it, where `home` is the country of numbers without a country
/// code. The number is valid, of a type that is called and in a country that may be called; nothing is invented.
pub fn read_phone(text: &str, home: Region, countries: &Countries) -> Result<Parsed, Refusal> {
    if let Some(digits) = Digits::of_plain(text) {
        return single::read(&digits, home, countries).map(|found| parsed(found, None));
    }
    let cleaned = cleaning::clean(text).map_err(|unclean| Refusal {
        error: unclean.error,
        suggestion: single::acceptable(unclean.meant, home, countries),
    })?;
    let reading = Reading { home, countries };
    let mut parsed = match &pieces::split(&cleaned.text)[..] {
        [] => return Err(PhoneError::NotANumber.into()),
        [only] => reading.one_or_slashed(only)?,
        several => reading.several(several)?,
    };
    parsed.repair = parsed.repair.or(cleaned.repair);
    Ok(parsed)
}

fn parsed(found: single::Found, extension: Option<String>) -> Parsed {
    let single::Found { phone, number_type, region, repair } = found;
    Parsed { phone, extension, number_type, region, alternates: Vec::new(), repair }
}

/// How the numbers of a text are read.
struct Reading<'c> {
    home: Region,
    countries: &'c Countries,
}

impl Reading<'_> {
    /// A slash parts two numbers if each is one; else it stands inside of one, or of none.
    fn one_or_slashed(&self, text: &str) -> Result<Parsed, Refusal> {
        let Some(pieces) = pieces::split_at_slashes(text) else { return self.one(text) };
        self.several(&pieces).or_else(|several| {
            if pieces::ends_in_a_variation(text) {
                return Err(several);
            }
            self.one(text)
        })
    }

    /// Each piece has to be a number on its own: half of a number may change what the other half means. Those that
    /// are none to call are left out, if the first is one.
    fn several(&self, pieces: &[&str]) -> Result<Parsed, Refusal> {
        let mut numbers: Vec<Result<Parsed, Refusal>> = pieces.iter().map(|piece| self.one(piece)).collect();
        let callable = numbers.iter().flatten().map(|parsed| parsed.phone.clone()).next();
        let is_whole = |number: &Result<Parsed, Refusal>| {
            number.as_ref().err().is_none_or(|refusal| refusal.error.is_of_a_whole_number())
        };
        if !numbers.iter().all(is_whole) {
            return Err(Refusal { error: PhoneError::SeveralNumbers, suggestion: callable });
        }
        let mut first = numbers
            .remove(0)
            .map_err(|refusal| Refusal { suggestion: refusal.suggestion.or(callable), ..refusal })?;
        for number in numbers.into_iter().flatten() {
            if number.phone != first.phone && !first.alternates.contains(&number.phone) {
                first.alternates.push(number.phone);
            }
        }
        Ok(first)
    }

    fn one(&self, text: &str) -> Result<Parsed, Refusal> {
        let (text, words) = words::strip(text)?;
        let line = pieces::line(text)?;
        // What stands between a number and its extension.
        let (number, inner) = words::strip_trailing(line.number)?;
        let (line, words) = (pieces::Line { number, ..line }, words.or(inner));
        if number.contains(char::is_alphabetic) {
            return self.vanity(&line, words);
        }
        if pieces::ends_in_a_variation(number) {
            return Err(PhoneError::SeveralNumbers.into());
        }
        let found = match line.context.filter(|_| !number.contains('+')) {
            Some(context) => {
                let international = format!("{context}{number}");
                single::read(&Digits::of(&international)?, self.home, self.countries)?
            }
            None => single::read(&Digits::of(number)?, self.home, self.countries)?,
        };
        let parsed = parsed(found, line.extension.map(str::to_owned));
        Ok(Parsed { repair: parsed.repair.or(words), ..parsed })
    }

    /// Letters are digits only where that is certainly meant.
    fn vanity(&self, line: &pieces::Line<'_>, words: Option<Repair>) -> Result<Parsed, Refusal> {
        let Some((digits, repair)) = vanity::spell_toll_free(line.number, self.home) else {
            let meant = [vanity::spell(line.number), Some(suggestion::without_look_alikes(line.number))];
            return Err(Refusal {
                error: words::meaning(line.number),
                suggestion: single::acceptable(meant.into_iter().flatten(), self.home, self.countries),
            });
        };
        let found = single::read(&Digits::of(&digits)?, self.home, self.countries)?;
        let parsed = parsed(found, line.extension.map(str::to_owned));
        Ok(Parsed { repair: parsed.repair.or(Some(repair)).or(words), ..parsed })
    }
}

#[cfg(test)]
mod tests;
