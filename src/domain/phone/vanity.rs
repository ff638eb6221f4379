//! Letters that stand for digits, as on the keys of a telephone (ITU-T E.161).

use super::{Region, Repair};

/// North America's toll-free area codes.
const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];

/// The digits of an area code and a number in North America.
const AREA: usize = 3;
const NATIONAL: usize = 10;

/// The digits of a text in which letters certainly stand for digits: at the end of a complete toll-free number of
/// North America. The network ignores what is dialed after the last digit, so a word may be longer.
pub(super) fn spell_toll_free(text: &str, home: Region) -> Option<(String, Repair)> {
    if !home.is_north_american() && !text.starts_with("+1") {
        return None;
    }
    let word = squeeze(text)?;
    let word = word.strip_prefix('+').unwrap_or(&word);
    let national =
        if TOLL_FREE.iter().any(|area| word.starts_with(area)) { word } else { word.strip_prefix('1')? };
    let letters = national.bytes().filter(u8::is_ascii_alphabetic).count();
    if !TOLL_FREE.iter().any(|area| national.starts_with(area)) || letters < 3 || national.len() < NATIONAL {
        return None;
    }
    let spelled: String = national.bytes().map(key).take(NATIONAL).collect();
    let shortened = national.len() > NATIONAL;
    // Only letters may be left out: a digit was meant to be dialed.
    let rest_is_letters = national.bytes().skip(NATIONAL).all(|c| c.is_ascii_alphabetic());
    let repair = if shortened { Repair::VanityShortened } else { Repair::VanitySpelled };
    (rest_is_letters && national.bytes().skip(AREA).any(|c| c.is_ascii_alphabetic()))
        .then(|| (format!("+1{spelled}"), repair))
}

/// The text with its letters spelled, if they look as if they were meant to be: capitals, three or more, at the end.
pub(super) fn spell(text: &str) -> Option<String> {
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let word = squeeze(text)?;
    let is_meant = letters >= 3 && word.bytes().all(|c| !c.is_ascii_lowercase());
    is_meant.then(|| word.bytes().map(key).collect())
}

/// Digits and then letters, without what stands between them; none if the order is another.
fn squeeze(text: &str) -> Option<String> {
    let word: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let end = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '+');
    let is_word = !end.is_empty() && end.bytes().all(|c| c.is_ascii_alphanumeric());
    let digits_follow = end.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    (is_word && digits_follow.is_empty()).then_some(word)
}

fn key(letter: u8) -> char {
    match letter.to_ascii_uppercase() {
        b'A'..=b'C' => '2',
        b'D'..=b'F' => '3',
        b'G'..=b'I' => '4',
        b'J'..=b'L' => '5',
        b'M'..=b'O' => '6',
        b'P'..=b'S' => '7',
        b'T'..=b'V' => '8',
        b'W'..=b'Z' => '9',
        other => char::from(other),
    }
}
