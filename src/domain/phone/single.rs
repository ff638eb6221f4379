//! One number: from its digits to what the metadata knows of it, by way of a repair if need be, and the policy on
//! which kinds of numbers are called at all.

use rlibphonenumber::{
    CountryCodeSource, NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat,
    PhoneNumberType, Region as Iso, ValidationError,
};

use super::countries::{Countries, Verdict};
use super::digits::Digits;
use super::{FEWEST_NATIONAL_DIGITS, MOST_DIGITS, NumberType, Phone, PhoneError, Refusal, Region, Repair};
use super::{emergency, repair, suggestion};

/// A number to call.
pub(super) struct Found {
    pub(super) phone: Phone,
    pub(super) number_type: NumberType,
    pub(super) region: Region,
    pub(super) repair: Option<Repair>,
}

/// Reads the digits of one number.
pub(super) fn read(digits: &Digits<'_>, home: Region, countries: &Countries) -> Result<Found, Refusal> {
    let bare = digits.bare();
    if bare.len() < FEWEST_NATIONAL_DIGITS {
        return Err(short(digits, home, countries).into());
    }
    let parsed = PHONE_NUMBER_UTIL.parse(digits.as_str(), Some(home.0));
    if let Ok(number) = &parsed {
        let kind = number.get_type();
        if kind != PhoneNumberType::Unknown {
            let is_international = || digits.is_international() || says_its_country(digits, home);
            return judge(number, kind, home, countries, is_international)
                .map_err(|error| with_country_code(error, number, home, countries));
        }
    }
    for (repair, candidate) in repair::candidates(digits, home, parsed.as_ref().ok()) {
        if let Ok(number) = PHONE_NUMBER_UTIL.parse(&candidate, Some(home.0))
            && let kind @ (PhoneNumberType::FixedLine
            | PhoneNumberType::Mobile
            | PhoneNumberType::FixedLineOrMobile
            | PhoneNumberType::VoIP
            | PhoneNumberType::TollFree) = number.get_type()
        {
            let found = judge(&number, kind, home, countries, || true)?;
            return Ok(Found { repair: Some(repair), ..found });
        }
    }
    let error = diagnosis(digits, home, countries, parsed.as_ref());
    let suggestion = match error {
        // These are not mistyped.
        PhoneError::Placeholder | PhoneError::Emergency | PhoneError::SatelliteOrGlobal => None,
        _ => acceptable(suggestion::candidates(digits, parsed.as_ref().ok()), home, countries),
    };
    Err(Refusal { error, suggestion })
}

/// The first of the texts that is a number to call as it stands, in E.164.
pub(super) fn acceptable(
    texts: impl IntoIterator<Item = String>,
    home: Region,
    countries: &Countries,
) -> Option<Phone> {
    texts.into_iter().find_map(|text| {
        let digits = Digits::of(&text).ok()?;
        let number = PHONE_NUMBER_UTIL.parse(digits.as_str(), Some(home.0)).ok()?;
        let kind = number.get_type();
        judge(&number, kind, home, countries, || true).ok().map(|found| found.phone)
    })
}

/// Whether a number of this kind is one to call, in this country, written like this.
fn judge(
    number: &PhoneNumber,
    kind: PhoneNumberType,
    home: Region,
    countries: &Countries,
    is_international: impl Fn() -> bool,
) -> Result<Found, PhoneError> {
    if is_global(number) {
        return Err(PhoneError::SatelliteOrGlobal);
    }
    let number_type = callable(kind)?;
    let region = region_of(number, number_type, home).ok_or(PhoneError::Invalid { region: home })?;
    let phone = e164(number);
    let code_digits = number.country_code.ilog10() as usize + 1;
    let national = &phone.as_str()[1 + code_digits..];
    if national.len() < FEWEST_NATIONAL_DIGITS {
        return Err(emergency_or_short(region, national));
    }
    if phone.as_str().len() > MOST_DIGITS + 1 {
        return Err(PhoneError::TooLong);
    }
    if is_placeholder(national) {
        return Err(PhoneError::Placeholder);
    }
    match countries.judge(region, home) {
        Verdict::Refused => Err(PhoneError::OtherCountry { region }),
        Verdict::IfInternational if !is_international() => Err(PhoneError::WrittenNationally { region }),
        _ if number_type == NumberType::TollFree && !region.is_one_country_with(home) => {
            Err(PhoneError::ForeignTollFree { region })
        }
        Verdict::Allowed | Verdict::IfInternational => Ok(Found { phone, number_type, region, repair: None }),
    }
}

/// Which kinds are called.
pub(super) fn callable(kind: PhoneNumberType) -> Result<NumberType, PhoneError> {
    match kind {
        PhoneNumberType::FixedLine => Ok(NumberType::FixedLine),
        PhoneNumberType::Mobile => Ok(NumberType::Mobile),
        PhoneNumberType::FixedLineOrMobile => Ok(NumberType::FixedLineOrMobile),
        PhoneNumberType::TollFree => Ok(NumberType::TollFree),
        PhoneNumberType::VoIP => Ok(NumberType::Voip),
        PhoneNumberType::PremiumRate => Err(PhoneError::PremiumRate),
        PhoneNumberType::SharedCost => Err(PhoneError::SharedCost),
        PhoneNumberType::PersonalNumber => Err(PhoneError::PersonalNumber),
        PhoneNumberType::Pager => Err(PhoneError::Pager),
        PhoneNumberType::UAN => Err(PhoneError::UniversalAccess),
        PhoneNumberType::VoiceMail => Err(PhoneError::Voicemail),
        PhoneNumberType::Unknown => Err(PhoneError::NotANumber),
    }
}

/// Satellites, freephone and premium services of the world: country codes that are no country's, such as +870,
/// +881 or +979.
pub(super) fn is_global(number: &PhoneNumber) -> bool {
    PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code) == Some(Iso::World)
}

/// Where a valid number is. North America's toll-free numbers are at home in all of its countries.
fn region_of(number: &PhoneNumber, number_type: NumberType, home: Region) -> Option<Region> {
    if number.country_code == 1 && number_type == NumberType::TollFree && home.is_north_american() {
        return Some(home);
    }
    number.get_region_code().map(Region)
}

fn e164(number: &PhoneNumber) -> Phone {
    Phone(number.format_as(PhoneNumberFormat::E164).into())
}

/// Whether the prefix for calls abroad was dialed. A bare country code does not say so: between the countries that
/// share 1, it is how national numbers are dialed.
fn says_its_country(digits: &Digits<'_>, home: Region) -> bool {
    PHONE_NUMBER_UTIL.parse_and_keep_raw_input(digits.as_str(), Some(home.0)).is_ok_and(|number| {
        matches!(
            number.country_code_source(),
            CountryCodeSource::FromNumberWithPlusSign | CountryCodeSource::FromNumberWithIdd
        )
    })
}

/// A number that would be called if only its country code stood before it.
fn with_country_code(
    error: PhoneError,
    number: &PhoneNumber,
    home: Region,
    countries: &Countries,
) -> Refusal {
    let suggestion = match error {
        PhoneError::WrittenNationally { .. } => {
            acceptable([e164(number).as_str().to_owned()], home, countries)
        }
        _ => None,
    };
    Refusal { error, suggestion }
}

/// Why a number that no repair could save is refused.
fn diagnosis(
    digits: &Digits<'_>,
    home: Region,
    countries: &Countries,
    parsed: Result<&PhoneNumber, &ParseError>,
) -> PhoneError {
    let bare = digits.bare();
    if is_placeholder(bare) {
        return PhoneError::Placeholder;
    }
    if let Ok(number) = parsed {
        if is_global(number) {
            return PhoneError::SatelliteOrGlobal;
        }
        let national = number.get_national_significant_number();
        let main = PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code).map(Region);
        if let Some(region) = main
            && emergency::is_emergency_in(region, &national)
        {
            return PhoneError::Emergency;
        }
    }
    if let Some(region) = region_if_it_had_a_plus(digits) {
        return PhoneError::MissingPlus { region };
    }
    let number = match parsed {
        Ok(number) => number,
        Err(ParseError::InvalidCountryCode) => return PhoneError::UnknownCountryCode,
        Err(ParseError::NotANumber(_)) => return PhoneError::NotANumber,
        Err(ParseError::TooShortAfterIdd | ParseError::TooShortNsn) => {
            return match short(digits, home, countries) {
                PhoneError::Emergency => PhoneError::Emergency,
                _ => PhoneError::TooShort,
            };
        }
        Err(ParseError::TooLongNsn) => return PhoneError::TooLong,
    };
    match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => PhoneError::TooShort,
        Err(ValidationError::TooLong) => PhoneError::TooLong,
        Err(ValidationError::InvalidCountryCode) => PhoneError::UnknownCountryCode,
        Ok(NumberLengthType::IsPossible) | Err(ValidationError::InvalidLength) => {
            let region = PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code);
            PhoneError::Invalid { region: region.map_or(home, Region) }
        }
    }
}

fn region_if_it_had_a_plus(digits: &Digits<'_>) -> Option<Region> {
    if digits.is_international() || digits.bare().starts_with('0') {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(format!("+{}", digits.bare()), None).ok()?;
    (number.is_valid() && !is_global(&number)).then(|| number.get_region_code().map(Region)).flatten()
}

/// What a number of few digits is, where it may be dialed: at home, in the countries that are called, and with a
/// country code in front.
fn short(digits: &Digits<'_>, home: Region, countries: &Countries) -> PhoneError {
    let bare = digits.bare();
    if bare.bytes().all(|c| c == b'0') && bare.len() != 3 {
        return PhoneError::Placeholder;
    }
    let is_called = || {
        let named = countries.named()?;
        Some(named.iter().chain([&home]).any(|region| emergency::is_emergency_in(*region, bare)))
    };
    let is_emergency = emergency::is_emergency_somewhere(bare) && is_called().unwrap_or(true);
    let code = PHONE_NUMBER_UTIL.get_country_code_for_region(home.0).unwrap_or_default();
    let without_code = bare.strip_prefix(&*code.to_string());
    if is_emergency || without_code.is_some_and(|rest| emergency::is_emergency_in(home, rest)) {
        return PhoneError::Emergency;
    }
    let abroad = PHONE_NUMBER_UTIL.parse(format!("+{bare}"), None).ok().filter(|_| digits.is_international());
    let region =
        abroad.as_ref().and_then(|number| PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code));
    match (abroad, region) {
        (Some(number), Some(region)) => {
            emergency_or_short(Region(region), &number.get_national_significant_number())
        }
        _ => PhoneError::ShortNumber,
    }
}

/// What a national number of few digits is in its own country.
pub(super) fn emergency_or_short(region: Region, national: &str) -> PhoneError {
    if emergency::is_emergency_in(region, national) { PhoneError::Emergency } else { PhoneError::ShortNumber }
}

/// One digit over and over, or the digits in their order: what people fill in to get past a form. Some of them are
/// somebody's number, who has been called by machines often enough.
fn is_placeholder(digits: &str) -> bool {
    const ORDERS: [&str; 3] = ["1234567890", "0123456789", "9876543210"];
    let first = digits.as_bytes()[0];
    digits.len() >= FEWEST_NATIONAL_DIGITS
        && (digits.bytes().all(|c| c == first) || ORDERS.iter().any(|order| order.starts_with(digits)))
}
