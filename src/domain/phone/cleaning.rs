//! What spreadsheets, exports and messengers make of a number before anybody reads it: odd characters, quotation
//! marks, the artefacts of a numeric cell, links. What is undone here has one meaning; nothing here knows what is
//! valid.

use std::borrow::Cow;

use rlibphonenumber::PHONE_NUMBER_UTIL;

use super::{PhoneError, Repair};

/// The most bytes of a text that may be a number, or a few: longer ones are notes in the wrong column.
const LONGEST_TEXT: usize = 250;

/// How many invisible bytes may hide in it besides.
const LONGEST_RAW: usize = 8 * LONGEST_TEXT;

/// Words that stand where a number is missing.
const PLACEHOLDERS: [&str; 46] = [
    "n/a",
    "n.a",
    "na",
    "none",
    "null",
    "nil",
    "nan",
    "no",
    "unknown",
    "undefined",
    "missing",
    "empty",
    "blank",
    "tbd",
    "tba",
    "test",
    "no phone",
    "no number",
    "no phone number",
    "not available",
    "not provided",
    "not given",
    "not known",
    "withheld",
    "private",
    "anonymous",
    "unlisted",
    "unbekannt",
    "keine",
    "kein telefon",
    "k.a",
    "k. a",
    "fehlt",
    "ninguno",
    "desconocido",
    "sin telefono",
    "sin teléfono",
    "no tiene",
    "inconnu",
    "aucun",
    "non renseigné",
    "desconhecido",
    "nenhum",
    "não tem",
    "sconosciuto",
    "nessuno",
];

/// A text without what only hides its number.
pub(super) struct Cleaned {
    pub(super) text: String,
    pub(super) repair: Option<Repair>,
}

/// Why there is no number in a text, and what may have been meant all the same.
pub(super) struct Unclean {
    pub(super) error: PhoneError,
    pub(super) meant: Option<String>,
}

impl From<PhoneError> for Unclean {
    fn from(error: PhoneError) -> Self {
        Self { error, meant: None }
    }
}

/// The text without what only hides its number, or the reason why there is none.
pub(super) fn clean(raw: &str) -> Result<Cleaned, Unclean> {
    if raw.len() > LONGEST_RAW {
        return Err(PhoneError::NotANumber.into());
    }
    let folded = fold(raw);
    let text = strip_quotes(&folded);
    if text.is_empty() {
        return Err(PhoneError::Empty.into());
    }
    if text.len() > LONGEST_TEXT {
        return Err(PhoneError::NotANumber.into());
    }
    if let Some(error) = no_number(text) {
        return Err(error.into());
    }
    let done = |text: String, repair| Cleaned { text, repair: Some(repair) };
    if let Some(number) = from_link(text) {
        return Ok(done(number?, Repair::ChannelRemoved));
    }
    if let Some(expanded) = expand_scientific(text) {
        return expanded.map(|digits| done(digits, Repair::ScientificExpanded));
    }
    let whole = strip_fraction(text);
    if let Some(joined) = join_thousands(whole) {
        return Ok(done(joined, Repair::ThousandsJoined));
    }
    let repair = (whole.len() < text.len()).then_some(Repair::FractionRemoved);
    Ok(Cleaned { text: whole.to_owned(), repair })
}

/// What is certainly something else.
fn no_number(text: &str) -> Option<PhoneError> {
    let is_cell_error = text.strip_prefix('#').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_alphabetic() || c == '¡' || c == '¿')
            && rest.ends_with(['!', '?', 'A', 'V', 'D'])
    });
    if is_cell_error || text.strip_prefix("Err:").is_some_and(|code| code.len() == 3) {
        return Some(PhoneError::CellError);
    }
    if is_placeholder(text) {
        return Some(PhoneError::Placeholder);
    }
    if text.starts_with('#') || text.contains('*') {
        return Some(PhoneError::ServiceCode);
    }
    let is_address = |(name, host): (&str, &str)| {
        name.ends_with(|c: char| !c.is_whitespace()) && host.starts_with(|c: char| !c.is_whitespace())
    };
    if text.split_once('@').is_some_and(is_address) {
        return Some(PhoneError::Email);
    }
    is_date(text).then_some(PhoneError::Date)
}

/// `N/A`, `unknown`, `-`, `???`, `xxx-xxx-xxxx`.
fn is_placeholder(text: &str) -> bool {
    if text.contains(|c: char| c.is_ascii_digit()) || text.starts_with('#') {
        return false;
    }
    let word = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    word.chars().filter(|c| c.is_alphanumeric()).all(|c| c == 'x') || PLACEHOLDERS.contains(&&*word)
}

/// Compatibility forms become the plain ones, digits of all scripts ASCII, invisible characters nothing.
fn fold(raw: &str) -> Cow<'_, str> {
    if raw.bytes().all(|c| matches!(c, b' '..=b'~')) {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.chars().filter_map(fold_char).collect())
}

fn fold_char(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        ' '..='~' => Some(c),
        // Bidirectional marks, zero-width spaces and joiners, soft hyphens, variation selectors, byte-order marks.
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' => None,
        '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => None,
        // Pictures of telephones.
        '☎' | '☏' | '✆' | '\u{1f4de}' | '\u{1f4df}' | '\u{1f4f1}' | '\u{1f4f2}' | '\u{1f57f}' => None,
        // Full-width forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{30fc}' | '\u{fe58}' | '\u{fe63}' => Some('-'),
        '\u{b7}' | '\u{2022}' | '\u{2024}' | '\u{2027}' | '\u{2219}' | '\u{22c5}' | '\u{fe52}' => Some('.'),
        '\u{207a}' | '\u{fe62}' => Some('+'),
        '\u{fe59}' => Some('('),
        '\u{fe5a}' => Some(')'),
        '\u{2044}' | '\u{2215}' => Some('/'),
        '\u{60c}' | '\u{3001}' | '\u{fe50}' => Some(','),
        '\u{61b}' | '\u{fe54}' => Some(';'),
        '\u{2018}' | '\u{2019}' => Some('\''),
        '\u{201c}' | '\u{201d}' => Some('"'),
        '\t' => Some(' '),
        _ if c.is_whitespace() => Some(' '),
        _ if c.is_numeric() => {
            let mut buffer = [0; 4];
            let digit = PHONE_NUMBER_UTIL.normalize_digits_only(c.encode_utf8(&mut buffer));
            Some(digit.chars().next().unwrap_or(c))
        }
        _ => Some(c),
    }
}

/// Spreadsheets keep a number a text by `'…`, `="…"` or `=…`.
fn strip_quotes(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '=' | '`'))
}

/// An ISO, European or American date, with or without a time. Some are valid numbers in countries with eight digits.
fn is_date(text: &str) -> bool {
    let date = text.split('T').next().unwrap_or(text);
    let with_day = || is_date_of(date.split(['-', '.', '/', ' ', ',']).filter(|part| !part.is_empty()));
    let alone = || is_date_of(date.split(' ').next().unwrap_or(date).split(['-', '.', '/']));
    date.len() <= 40 && (alone() || date.contains(|c: char| c.is_ascii_alphabetic()) && with_day())
}

fn is_date_of<'p>(mut parts: impl Iterator<Item = &'p str>) -> bool {
    let (Some(first), Some(second), Some(third)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        (digits.contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit()))
            .then(|| part.parse::<u16>().ok())
            .flatten()
    };
    let is_year = |part| number(part, 4..=4).is_some_and(|year| (1900..2100).contains(&year));
    let is_day = |part| number(part, 1..=2).is_some_and(|day| (1..=31).contains(&day));
    let is_month =
        |part| number(part, 1..=2).is_some_and(|month| (1..=12).contains(&month)) || is_month_name(part);
    if parts.next().is_some_and(|part| !part.contains(':')) {
        return false;
    }
    let is_pair = |one, other| is_day(one) && is_month(other) || is_month(one) && is_day(other);
    is_year(first) && is_pair(second, third) || is_year(third) && is_pair(first, second)
}

fn is_month_name(part: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    part.get(..3).is_some_and(|start| MONTHS.iter().any(|month| start.eq_ignore_ascii_case(month)))
        && part.bytes().all(|c| c.is_ascii_alphabetic())
}

/// Links of a messenger, whose numbers are always international.
fn from_link(text: &str) -> Option<Result<String, PhoneError>> {
    let lower = text.to_ascii_lowercase();
    let bare = ["https://", "http://"].iter().find_map(|scheme| lower.strip_prefix(scheme)).unwrap_or(&lower);
    let bare = bare.strip_prefix("www.").unwrap_or(bare);
    let start = ["wa.me/", "api.whatsapp.com/send", "web.whatsapp.com/send", "whatsapp://send"]
        .iter()
        .find_map(|start| bare.strip_prefix(start));
    let Some(rest) = start else {
        return lower
            .contains("://")
            .then_some(Err(PhoneError::NotANumber))
            .filter(|_| lower.starts_with("http"));
    };
    let number = rest.split_once("phone=").map_or(rest, |(_, number)| number);
    let number = number.split(['&', '?', '/']).next().unwrap_or(number).replace("%2b", "+");
    let digits = number.strip_prefix('+').unwrap_or(&number);
    let is_number = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    Some(if is_number { Ok(format!("+{digits}")) } else { Err(PhoneError::NotANumber) })
}

/// `1.2025550143E+10` is exact if the mantissa holds all digits, and lost otherwise.
fn expand_scientific(text: &str) -> Option<Result<String, Unclean>> {
    /// Some programs leave out the last digits if they are 0; with more of them gone, it is rounding.
    const FEW: usize = 2;
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let mantissa = mantissa.strip_prefix('+').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let is_number = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    if whole.is_empty() || exponent.is_empty() || ![whole, fraction, exponent].into_iter().all(is_number) {
        return None;
    }
    let exponent: usize = exponent.parse().ok()?;
    Some(match fraction.split_at_checked(exponent) {
        Some((digits, rest)) if rest.bytes().all(|c| c == b'0') => Ok(format!("{whole}{digits}")),
        Some(_) => Err(PhoneError::NotANumber.into()),
        None => {
            let lost = exponent - fraction.len();
            let meant = (lost <= FEW).then(|| format!("{whole}{fraction}{}", "0".repeat(lost)));
            Err(Unclean { error: PhoneError::LossyScientific, meant })
        }
    })
}

/// `2,025,550,143` is one number; the pattern has to be exact.
fn join_thousands(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let is_group = |group: &str| group.bytes().all(|c| c.is_ascii_digit());
    let is_exact = text.contains(',')
        && (1..=3).contains(&first.len())
        && is_group(first)
        && groups.all(|group| group.len() == 3 && is_group(group));
    is_exact.then(|| text.replace(',', ""))
}

/// `12025550143.0` is a number that passed through a floating-point cell. Its 0 would become a digit.
fn strip_fraction(text: &str) -> &str {
    let Some((whole, fraction)) = text.rsplit_once(['.', ',']) else { return text };
    let is_decimal_point = text.as_bytes()[whole.len()] == b'.';
    let digits = whole.strip_prefix('+').unwrap_or(whole);
    let is_whole = digits.len() >= 7
        && digits.bytes().all(|c| c.is_ascii_digit() || c == b',' && is_decimal_point)
        // Two groups of zeros are digits, however they are parted.
        && (is_decimal_point || fraction.len() < 3);
    if is_whole && !fraction.is_empty() && fraction.bytes().all(|c| c == b'0') { whole } else { text }
}
