//! The numbers of one text, and of each what is dialed before and after it is answered.

use super::PhoneError;

/// The most digits of an extension; what is longer is another number, or a mistake.
const LONGEST_EXTENSION: usize = 7;

/// Digits or letters that may be a number on their own.
const WHOLE: usize = 7;

/// Words between two numbers, with the spaces around them.
const CONJUNCTIONS: [&str; 10] =
    [" or ", " and ", " oder ", " und ", " ou ", " et ", " o ", " y ", " e ", " & "];

/// Words before an extension; none ends in another that stands behind it.
const EXTENSION_LABELS: [&str; 17] = [
    "extension",
    "extensión",
    "extensao",
    "extensão",
    "anexo",
    "interno",
    "intern",
    "ramal",
    "poste",
    "toestel",
    "extn",
    "xtn",
    "ext",
    "int",
    "доб",
    "#",
    "x",
];

/// What may follow a number in a URI (RFC 3966, 5; the last is a telephone's).
const PARAMETERS: [&str; 4] = ["ext=", "phone-context=", "isub=", "postd="];

/// The numbers that one text holds, each still as it was written. A slash does not part them here: in some countries
/// it stands behind the area code.
pub(super) fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    split_at_semicolons(text, &mut pieces);
    pieces = pieces.into_iter().flat_map(|piece| piece.split(['\n', '|', '&'])).collect();
    for word in CONJUNCTIONS {
        if pieces.iter().any(|piece| piece.len() > word.len()) && text.contains(' ') {
            pieces = pieces.into_iter().flat_map(|piece| split_at_word(piece, word)).collect();
        }
    }
    pieces
        .into_iter()
        .flat_map(split_at_commas)
        .flat_map(split_at_plus)
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
        .collect()
}

/// A semicolon parts two numbers, unless a parameter of the first follows it.
fn split_at_semicolons<'t>(text: &'t str, pieces: &mut Vec<&'t str>) {
    let mut start = 0;
    for (at, _) in text.match_indices(';') {
        let rest = &text[at + 1..];
        if !PARAMETERS.iter().any(|parameter| starts_with_ignoring_case(rest, parameter)) {
            pieces.push(&text[start..at]);
            start = at + 1;
        }
    }
    pieces.push(&text[start..]);
}

fn split_at_word<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
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
    if !text.contains(',') {
        return vec![text];
    }
    let pieces: Vec<&str> = text.split(',').filter(|piece| !piece.trim().is_empty()).collect();
    if pieces.iter().all(|piece| digits_or_letters(piece) >= WHOLE) { pieces } else { vec![text] }
}

/// A `+` that follows a whole number begins another.
fn split_at_plus(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(" +") {
        if digits_or_letters(&text[start..at]) >= WHOLE {
            pieces.push(&text[start..at]);
            start = at;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// The pieces of a text with slashes, if each could be a number.
pub(super) fn split_at_slashes(text: &str) -> Option<Vec<&str>> {
    let pieces: Vec<&str> = text.split('/').map(str::trim).filter(|piece| !piece.is_empty()).collect();
    (pieces.len() > 1).then_some(pieces)
}

/// A number, the country code that a URI gives it, and its extension.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'t> {
    pub(super) number: &'t str,
    pub(super) context: Option<&'t str>,
    pub(super) extension: Option<&'t str>,
}

/// The parts of a text that holds one number.
pub(super) fn line(text: &str) -> Result<Line<'_>, PhoneError> {
    let mut parts = text.split(';');
    let number = parts.next().unwrap_or(text);
    let mut line = Line { number, context: None, extension: None };
    for part in parts {
        let Some((name, value)) = part.split_once('=') else { return Err(PhoneError::NotANumber) };
        if name.eq_ignore_ascii_case("ext") {
            line.extension = Some(value);
        } else if name.eq_ignore_ascii_case("phone-context") && value.starts_with('+') {
            line.context = Some(value);
        }
    }
    if line.extension.is_none() {
        (line.number, line.extension) = split_extension(number);
    }
    match line.extension {
        Some(extension) if extension.len() > LONGEST_EXTENSION => Err(PhoneError::ExtensionTooLong),
        Some(extension) if !extension.bytes().all(|c| c.is_ascii_digit()) || extension.is_empty() => {
            Err(PhoneError::NotANumber)
        }
        Some(_) | None => Ok(line),
    }
}

/// The number and what follows a word for an extension, or a comma.
fn split_extension(text: &str) -> (&str, Option<&str>) {
    let bare = text.trim_end_matches(['#', ' ', '.', ')', ']']);
    let before = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    let extension = &bare[before.len()..];
    let word = before.trim_end_matches([' ', '.', ':', '-', '=']);
    if extension.is_empty() || word.is_empty() {
        return (text, None);
    }
    for label in EXTENSION_LABELS {
        if let Some(number) = strip_suffix_ignoring_case(word, label) {
            let number = number.trim_end_matches([' ', ',', ';', '(', '[', '/', '-', '.']);
            if number.ends_with(|c: char| c.is_ascii_digit() || c == ')') {
                return (number, Some(extension));
            }
        }
    }
    if let Some(number) = word.strip_suffix([',', 'p', 'P', 'w', 'W']) {
        let paused = number.trim_end_matches([',', ' ', 'p', 'w']);
        // One comma and two digits may as well be a price.
        let is_certain = extension.len() > 2 || paused.len() < number.len() || !word.ends_with(',');
        if is_certain && paused.ends_with(|c: char| c.is_ascii_digit()) {
            return (paused, Some(extension));
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
            && digits_or_letters(before) >= WHOLE
    })
}

/// How many digits a number has, and letters that may stand for some.
fn digits_or_letters(text: &str) -> usize {
    let number = text.split(';').next().unwrap_or(text);
    number.bytes().filter(u8::is_ascii_alphanumeric).count()
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}

fn strip_suffix_ignoring_case<'t>(text: &'t str, end: &str) -> Option<&'t str> {
    let start = text.len().checked_sub(end.len())?;
    text.get(start..).filter(|found| found.eq_ignore_ascii_case(end))?;
    text.get(..start)
}
