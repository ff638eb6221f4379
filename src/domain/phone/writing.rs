//! How people and spreadsheets write numbers: odd characters, wrappings, labels, artefacts of a numeric cell,
//! several numbers in one text. What is undone here has one meaning; nothing here knows what is valid.

use std::borrow::Cow;

use rlibphonenumber::PHONE_NUMBER_UTIL;

use super::PhoneError;

/// The most bytes of a text that may be a number, or a few: longer ones are notes in the wrong column.
const LONGEST_TEXT: usize = 250;

/// Words before or after a number that say what line it is and nothing else. `fax` is not among them.
const LABELS: [&str; 19] = [
    "whatsapp",
    "telephone",
    "cellphone",
    "telefon",
    "mobile",
    "office",
    "phone",
    "handy",
    "mobil",
    "home",
    "work",
    "cell",
    "main",
    "tel",
    "mob",
    "fon",
    "ph",
    "wa",
    "t",
];

/// Words between two numbers, with the spaces around them.
const CONJUNCTIONS: [&str; 8] = [" or ", " and ", " oder ", " und ", " ou ", " et ", " o ", " y "];

/// Words before an extension, longest first.
const EXTENSION_LABELS: [&str; 9] = ["extension", "anexo", "extn", "xtn", "ext", "int", "доб", "#", "x"];

/// The text without what only hides its number, or the reason why there is none.
pub(super) fn clean(raw: &str) -> Result<String, PhoneError> {
    if raw.len() > LONGEST_TEXT {
        return Err(PhoneError::NotANumber);
    }
    let folded = fold(raw);
    let text = strip_quotes(&folded);
    if text.is_empty() {
        return Err(PhoneError::Empty);
    }
    if text.starts_with('#') || text.contains('*') {
        return Err(PhoneError::ServiceCode);
    }
    if is_date(text) {
        return Err(PhoneError::Date);
    }
    if let Some(expanded) = expand_scientific(text) {
        return expanded;
    }
    if let Some(joined) = join_thousands(text) {
        return Ok(joined);
    }
    Ok(strip_labels(strip_fraction(text)).to_owned())
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
        '\n' | '\r' => Some('\n'),
        ' '..='~' => Some(c),
        // Bidirectional marks, zero-width spaces and joiners, soft hyphens, byte-order marks.
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => None,
        '\u{2060}'..='\u{206f}' | '\u{feff}' => None,
        // Full-width forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' | '\u{fe58}' | '\u{fe63}' => Some('-'),
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
    let date = text.split(['T', ' ']).next().unwrap_or(text);
    let parts: Vec<&str> = date.split(['-', '.', '/']).collect();
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        (digits.contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit()))
            .then(|| part.parse::<u16>().ok())
            .flatten()
    };
    let [first, second, third] = parts[..] else { return false };
    let is_year = |part| number(part, 4..=4).is_some_and(|year| (1900..2100).contains(&year));
    let is_day = |part| number(part, 1..=2).is_some_and(|day| (1..=31).contains(&day));
    is_day(second) && (is_year(first) && is_day(third) || is_day(first) && is_year(third))
}

/// `1.2025550143E+10` is exact if the mantissa holds all digits, and lost otherwise.
fn expand_scientific(text: &str) -> Option<Result<String, PhoneError>> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let is_number = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    if whole.len() != 1 || !is_number(whole) || !is_number(fraction) || !is_number(exponent) {
        return None;
    }
    let exponent: usize = exponent.parse().ok()?;
    Some(if fraction.len() == exponent {
        Ok(format!("{whole}{fraction}"))
    } else {
        Err(PhoneError::LossyScientific)
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
    match text.split_once('.') {
        Some((whole, fraction))
            if whole.len() >= 7
                && whole.strip_prefix('+').unwrap_or(whole).bytes().all(|c| c.is_ascii_digit())
                && !fraction.is_empty()
                && fraction.bytes().all(|c| c == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

/// `Mobile: …`, `whatsapp:…`, `… (home)`. What else is said about a number is not for us to pass over.
fn strip_labels(text: &str) -> &str {
    // RFC 3966 gives a meaning to what follows; libphonenumber knows it.
    if starts_with_ignoring_case(text, "tel:") && text.contains(';') {
        return text;
    }
    let mut text = text;
    for label in LABELS {
        if starts_with_ignoring_case(text, label) {
            let rest = &text[label.len()..];
            if !rest.starts_with(|c: char| c.is_alphanumeric()) {
                text = rest.trim_start_matches([':', '.', ' ', '-']);
                break;
            }
        }
    }
    let bare = text.trim_end_matches([')', ']', ' ']);
    for label in LABELS {
        if label.len() > 1 && ends_with_ignoring_case(bare, label) {
            let rest = &bare[..bare.len() - label.len()];
            if rest.ends_with([' ', '(', '[']) {
                return rest.trim_end_matches([' ', '(', '[', '-']);
            }
        }
    }
    text
}

/// The numbers that one text holds, each still as it was written. A slash does not part them here: in some countries
/// it stands behind the area code.
pub(super) fn split(text: &str) -> Vec<&str> {
    if starts_with_ignoring_case(text, "tel:") || text.contains(";ext=") {
        return vec![text];
    }
    let mut pieces = vec![text];
    if !text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'+' | b'-' | b' ' | b'(' | b')' | b'.')) {
        pieces = text.split(['\n', ';', '|', '&']).collect();
        for word in CONJUNCTIONS {
            pieces = pieces.into_iter().flat_map(|piece| split_at_word(piece, word)).collect();
        }
        pieces = pieces.into_iter().flat_map(split_at_commas).collect();
    }
    pieces.into_iter().map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

fn split_at_word<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((at, _)) =
        rest.char_indices().find(|(at, _)| starts_with_ignoring_case(&rest[*at..], word))
    {
        pieces.push(&rest[..at]);
        rest = &rest[at + word.len()..];
    }
    pieces.push(rest);
    pieces
}

/// A comma parts two numbers if each side could be one; else it stands before an extension.
fn split_at_commas(text: &str) -> Vec<&str> {
    let pieces: Vec<&str> = text.split(',').filter(|piece| !piece.trim().is_empty()).collect();
    if pieces.iter().all(|piece| digits_or_letters(piece) >= 7) { pieces } else { vec![text] }
}

/// The number and what follows a word for an extension.
pub(super) fn split_extension(text: &str) -> (&str, Option<&str>) {
    if text.contains(";ext=") || starts_with_ignoring_case(text, "tel:") {
        return (text, None);
    }
    let bare = text.trim_end_matches(['#', ' ', '.', ')', ']']);
    let digits = bare.len() - bare.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (before, extension) = bare.split_at(bare.len() - digits);
    let before = before.trim_end_matches([' ', '.', ':', '-']);
    if extension.is_empty() {
        return (text, None);
    }
    for label in EXTENSION_LABELS {
        if ends_with_ignoring_case(before, label) {
            let number =
                before[..before.len() - label.len()].trim_end_matches([' ', ',', ';', '(', '[', '/']);
            if number.ends_with(|c: char| c.is_ascii_digit() || c == ')') {
                return (number, Some(extension));
            }
        }
    }
    (text, None)
}

/// `030 1234567/68`: the last digits of a second number, which would be taken for more digits of the first.
pub(super) fn ends_in_a_variation(text: &str) -> bool {
    text.rsplit_once('/').is_some_and(|(before, after)| {
        let after = after.trim();
        (1..=2).contains(&after.len())
            && after.bytes().all(|c| c.is_ascii_digit())
            && digits_or_letters(before) >= 7
    })
}

/// Whether letters stand in the number itself.
pub(super) fn has_letters(text: &str) -> bool {
    let text = if starts_with_ignoring_case(text, "tel:") { &text[4..] } else { text };
    let number = text.split(';').next().unwrap_or(text);
    number.chars().any(char::is_alphabetic)
}

/// How many digits the number has, and letters that may stand for some.
pub(super) fn digits_or_letters(text: &str) -> usize {
    let text = if starts_with_ignoring_case(text, "tel:") { &text[4..] } else { text };
    let number = text.split(';').next().unwrap_or(text);
    number.chars().filter(char::is_ascii_alphanumeric).count()
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}

fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    text.len() >= end.len()
        && text.get(text.len() - end.len()..).is_some_and(|found| found.eq_ignore_ascii_case(end))
}
