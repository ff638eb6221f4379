//! What a refused number could have been. A suggestion may add what is missing, which a repair never does; that is
//! why a person has to say yes to it.

use rlibphonenumber::PhoneNumber;

use super::digits::Digits;

/// Texts that could have been meant by digits that are no valid number, the likeliest first; none is checked yet.
/// `parsed` is what the digits mean by the metadata, if they mean anything.
pub(super) fn candidates(digits: &Digits<'_>, parsed: Option<&PhoneNumber>) -> Vec<String> {
    let mut meant: Vec<String> = parsed.and_then(missing_digits).into_iter().collect();
    let bare = digits.bare();
    if digits.is_international() {
        // A + in front of a national number.
        meant.push(bare.to_owned());
    } else {
        meant.extend(exit_code_of_another_country(bare));
        if !bare.starts_with('0') {
            meant.push(format!("+{bare}"));
        }
    }
    meant.extend(first_of_several(digits.text()));
    meant
}

/// Digits that a country has added to its numbers, or that people and spreadsheets leave out.
fn missing_digits(parsed: &PhoneNumber) -> Option<String> {
    let national = parsed.get_national_significant_number();
    match parsed.country_code {
        // Argentina's mobiles have a 9 before the area code from abroad.
        54 if national.len() == 10 => Some(format!("+549{national}")),
        // Brazil's mobiles have had a ninth digit behind the area code since 2016.
        55 if national.len() == 10 => {
            let (area, subscriber) = national.split_at_checked(2)?;
            subscriber.starts_with(['6', '7', '8', '9']).then(|| format!("+55{area}9{subscriber}"))
        }
        // Italy's landlines begin with a 0 that belongs to them; spreadsheets take it away.
        39 if !national.starts_with('0') => Some(format!("+390{national}")),
        // Benin's numbers have begun with 01 since 2024.
        229 if national.len() == 8 => Some(format!("+22901{national}")),
        _ => None,
    }
}

/// `011` from North America and `0011` from Australia are something else where other prefixes are dialed.
fn exit_code_of_another_country(bare: &str) -> Option<String> {
    let rest = bare.strip_prefix("0011").or_else(|| bare.strip_prefix("011"))?;
    Some(format!("+{rest}"))
}

/// Two numbers with a space between them, if they are as long as each other: where one ends is still a guess.
fn first_of_several(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let (first, second) = words.split_at(words.len() / 2);
    let count =
        |words: &[&str]| words.iter().map(|word| Digits::of(word).map_or(0, |word| word.bare().len())).sum();
    let (first_digits, second_digits): (usize, usize) = (count(first), count(second));
    (first_digits >= 7 && first_digits == second_digits).then(|| first.join(" "))
}

/// The digit that a letter looks like, in a number with such letters: O for 0, I and l for 1.
pub(super) fn without_look_alikes(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'O' | 'o' => '0',
            'I' | 'l' => '1',
            other => other,
        })
        .collect()
}
