//! The words by which people call a column of numbers or names.

/// Titles of phone columns that leave no doubt.
const PHONES: [&str; 44] = [
    "phone",
    "phones",
    "phone number",
    "phone numbers",
    "phone no",
    "phonenumber",
    "telephone",
    "telephone number",
    "telephone no",
    "tel",
    "tel no",
    "tel number",
    "mobile",
    "mobile number",
    "mobile no",
    "mobile phone",
    "mobilephone",
    "cell",
    "cell phone",
    "cell number",
    "cellphone",
    "cellular",
    "contact number",
    "contact no",
    "contact phone",
    "primary phone",
    "main phone",
    "whatsapp",
    "whatsapp number",
    "msisdn",
    "e164",
    "telefon",
    "telefonnummer",
    "rufnummer",
    "handy",
    "handynummer",
    "mobil",
    "telefono",
    "teléfono",
    "celular",
    "móvil",
    "téléphone",
    "portable",
    "telefone",
];

/// Words that make a title a phone column's unless it says otherwise.
const PHONE_PARTS: [&str; 17] = [
    "phone",
    "phones",
    "telephone",
    "tel",
    "mobile",
    "cell",
    "cellphone",
    "cellular",
    "whatsapp",
    "telefon",
    "handy",
    "telefono",
    "teléfono",
    "celular",
    "móvil",
    "téléphone",
    "telefone",
];

/// Titles that may mean a phone column.
const MAYBE_PHONES: [&str; 7] = ["number", "numbers", "contact", "nummer", "número", "numero", "call"];

/// Words that make a title that of something about a phone, or of another line.
const NOT_PHONES: [&str; 16] = [
    "type",
    "ext",
    "extension",
    "code",
    "country",
    "id",
    "consent",
    "status",
    "verified",
    "fax",
    "valid",
    "carrier",
    "model",
    "opt",
    "notes",
    "provider",
];

const FULL_NAMES: [&str; 13] = [
    "name",
    "names",
    "full name",
    "fullname",
    "contact name",
    "contact",
    "customer name",
    "client name",
    "lead name",
    "person",
    "nombre",
    "nom",
    "nome",
];
const GIVEN_NAMES: [&str; 8] =
    ["first name", "firstname", "first", "given name", "forename", "fname", "vorname", "prénom"];
const FAMILY_NAMES: [&str; 9] =
    ["last name", "lastname", "last", "family name", "surname", "lname", "nachname", "apellido", "apellidos"];

/// Whose name it is not.
const NOT_PERSONS: [&str; 23] = [
    "company",
    "business",
    "organisation",
    "organization",
    "account",
    "user",
    "username",
    "school",
    "product",
    "file",
    "agent",
    "campaign",
    "event",
    "list",
    "domain",
    "middle",
    "brand",
    "store",
    "project",
    "firm",
    "employer",
    "street",
    "city",
];

/// How well a title says that its column holds phone numbers; the higher the better.
pub(super) fn phone_rank(title: &str) -> Option<u8> {
    let title = plain(title);
    let has = |words: &[&str]| {
        title.split(' ').any(|word| words.contains(&word.trim_end_matches(char::is_numeric)))
    };
    if PHONES.contains(&title.as_str()) {
        Some(3)
    } else if has(&NOT_PHONES) {
        None
    } else if has(&PHONE_PARTS) {
        Some(2)
    } else if MAYBE_PHONES.contains(&title.as_str()) {
        Some(1)
    } else {
        None
    }
}

/// Whether a title is one that this module knows.
pub(super) fn is_known(title: &str) -> bool {
    phone_rank(title).is_some() || is_full_name(title) || is_given_name(title) || is_family_name(title)
}

/// Whether the column holds whole names.
pub(super) fn is_full_name(title: &str) -> bool {
    FULL_NAMES.contains(&plain(title).as_str())
}

/// Whether the column holds given names.
pub(super) fn is_given_name(title: &str) -> bool {
    GIVEN_NAMES.contains(&plain(title).as_str())
}

/// Whether the column holds family names.
pub(super) fn is_family_name(title: &str) -> bool {
    FAMILY_NAMES.contains(&plain(title).as_str())
}

/// Whether the column holds names of persons under a title of its own, such as "Patient name".
pub(super) fn is_some_name(title: &str) -> bool {
    let title = plain(title);
    title.split(' ').any(|word| word == "name") && !title.split(' ').any(|word| NOT_PERSONS.contains(&word))
}

/// Whether a text may be a person's name: one to four words of letters.
pub(super) fn looks_like_a_name(text: &str) -> bool {
    (1..=4).contains(&text.split_whitespace().count())
        && text.chars().any(char::is_alphabetic)
        && text.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '.' | '\'' | '’' | '-' | ','))
}

/// Lower case, and single spaces for everything but letters and digits.
fn plain(title: &str) -> String {
    let spaced: String = title
        .chars()
        .take(100)
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect::<String>()
        .to_lowercase();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_understood_in_any_case_and_punctuation() {
        for (title, rank) in [
            ("Phone", Some(3)),
            ("PHONE_NUMBER", Some(3)),
            ("Phone #", Some(3)),
            ("Cell-Phone", Some(3)),
            ("Work phone", Some(2)),
            ("Phone 1", Some(2)),
            ("Phone2", Some(2)),
            ("Number", Some(1)),
            ("Phone type", None),
            ("Fax number", None),
            ("Country code", None),
            ("Company", None),
            ("", None),
        ] {
            assert_eq!(phone_rank(title), rank, "{title:?}");
        }
    }

    #[test]
    fn a_companys_name_is_not_a_persons() {
        assert!(is_some_name("Patient Name"));
        assert!(!is_some_name("Company name"));
    }
}
