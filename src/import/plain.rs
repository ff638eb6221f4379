//! Titles and country names in the form in which they are compared: lower case, without accents or punctuation, the
//! words one space apart.

/// No title or country is longer; what is longer is a text, and its beginning tells that.
const LONGEST: usize = 100;

/// The text as it is compared. A word that begins inside another, as in `phoneNumber`, stands for itself.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len().min(LONGEST));
    let mut is_after_lower = false;
    for c in text.chars().take(LONGEST) {
        if !c.is_alphanumeric() {
            is_after_lower = false;
            if !plain.ends_with(' ') && !plain.is_empty() && !matches!(c, '\u{300}'..='\u{36f}') {
                plain.push(' ');
            }
            continue;
        }
        if c.is_uppercase() && is_after_lower {
            plain.push(' ');
        }
        is_after_lower = c.is_lowercase();
        for lower in c.to_lowercase() {
            match without_accent(lower) {
                "" => plain.push(lower),
                base => plain.push_str(base),
            }
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// The letter without its accent, nothing for other letters.
fn without_accent(letter: char) -> &'static str {
    match letter {
        'à'..='å' => "a",
        'è'..='ë' => "e",
        'ì'..='ï' => "i",
        'ò'..='ö' | 'ø' => "o",
        'ù'..='ü' => "u",
        'ç' => "c",
        'ñ' => "n",
        'ß' => "ss",
        'œ' => "oe",
        'æ' => "ae",
        'º' => "o",
        'ª' => "a",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_is_written_differently_and_meant_alike_is_alike() {
        for (text, expected) in [
            ("  Phone_Number  ", "phone number"),
            ("phoneNumber", "phone number"),
            ("PHONE", "phone"),
            ("TELÉFONO", "telefono"),
            ("tele\u{301}fono", "telefono"),
            ("Größe", "grosse"),
            ("N.º de teléfono", "n o de telefono"),
            ("Phone #", "phone"),
            ("---", ""),
            ("電話", "電話"),
        ] {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }
}
