//! Words around a number: which line it is, by which service, and what somebody has noted about it.

use super::{PhoneError, Repair};

/// Words beside a number that say what line it is and nothing else, in lower case.
const LABELS: [&str; 84] = [
    "phone",
    "telephone",
    "tel",
    "telephone number",
    "number",
    "num",
    "nr",
    "no",
    "nbr",
    "mobile",
    "mob",
    "cell",
    "cellphone",
    "cellular",
    "home",
    "work",
    "office",
    "business",
    "main",
    "direct",
    "landline",
    "line",
    "contact",
    "personal",
    "private",
    "primary",
    "secondary",
    "day",
    "evening",
    "ph",
    "phn",
    "call",
    "voice",
    "whatsapp",
    "wa",
    "sms",
    "text",
    "telefon",
    "mobil",
    "mobiltelefon",
    "handy",
    "mobilnummer",
    "telefonnummer",
    "rufnummer",
    "festnetz",
    "privat",
    "arbeit",
    "büro",
    "buero",
    "zuhause",
    "dienstlich",
    "geschäftlich",
    "fon",
    "telefono",
    "teléfono",
    "tfno",
    "tlf",
    "movil",
    "móvil",
    "celular",
    "cel",
    "fijo",
    "casa",
    "trabajo",
    "oficina",
    "número",
    "numero",
    "tél",
    "téléphone",
    "portable",
    "fixe",
    "domicile",
    "bureau",
    "travail",
    "telefone",
    "telemóvel",
    "fixo",
    "trabalho",
    "cellulare",
    "ufficio",
    "telefoon",
    "mobiel",
    "тел",
    "моб",
];

/// The same of one letter, which need a mark behind them: telephone, mobile, phone, home, work, office, cell, direct.
const LETTERS: [&str; 8] = ["t", "m", "p", "h", "w", "o", "c", "d"];

/// Words for an extension, which some programs write also where there is none.
const WITHOUT_EXTENSION: [&str; 4] = ["x", "ext", "extn", "extension"];

/// A machine that answers with a whistle.
const FAX: [&str; 6] = ["fax", "telefax", "faxnummer", "téléfax", "facsimile", "f"];

/// Words that speak against calling the number, or against its being right.
const AGAINST: [&str; 66] = [
    "not",
    "don",
    "dont",
    "never",
    "no",
    "nope",
    "wrong",
    "bad",
    "old",
    "former",
    "previous",
    "invalid",
    "incorrect",
    "disconnected",
    "disconnect",
    "dead",
    "deceased",
    "died",
    "stop",
    "dnc",
    "optout",
    "opt",
    "unsubscribe",
    "unsubscribed",
    "inactive",
    "expired",
    "blocked",
    "emergency",
    "refuses",
    "refused",
    "nicht",
    "kein",
    "keine",
    "falsch",
    "falsche",
    "alt",
    "alte",
    "verstorben",
    "notfall",
    "ungültig",
    "non",
    "pas",
    "ne",
    "faux",
    "ancien",
    "mauvais",
    "décédé",
    "urgence",
    "invalide",
    "nunca",
    "sin",
    "equivocado",
    "viejo",
    "antiguo",
    "fallecido",
    "emergencia",
    "incorrecto",
    "não",
    "nao",
    "errado",
    "antigo",
    "falecido",
    "vecchio",
    "sbagliato",
    "deceduto",
    "urgent",
];

/// Services whose addresses are phone numbers, as in Twilio's `whatsapp:+12025550143`.
const CHANNELS: [&str; 8] = ["whatsapp:", "sms:", "smsto:", "mms:", "callto:", "viber:", "rcs:", "imessage:"];

/// The text without the words around its number, and what of them was more than spelling.
pub(super) fn strip(text: &str) -> Result<(&str, Option<Repair>), PhoneError> {
    let (text, channel) = strip_channel(text);
    let (text, label) = strip_leading(text)?;
    let (text, trailing) = strip_trailing(text)?;
    Ok((text, channel.or(trailing).or(label)))
}

/// What letters that are left over say.
pub(super) fn meaning(text: &str) -> PhoneError {
    verdict(text).unwrap_or(PhoneError::Letters)
}

fn strip_channel(text: &str) -> (&str, Option<Repair>) {
    if let Some(rest) = strip_prefix_ignoring_case(text, "tel:").filter(|rest| !rest.starts_with(' ')) {
        return (rest.trim_start_matches('/'), None);
    }
    let rest = CHANNELS.iter().find_map(|channel| strip_prefix_ignoring_case(text, channel));
    rest.map_or((text, None), |rest| {
        let number = rest.trim_start_matches(['/', ' ']);
        (number.split_once('?').map_or(number, |(number, _)| number), Some(Repair::ChannelRemoved))
    })
}

fn strip_leading(text: &str) -> Result<(&str, Option<Repair>), PhoneError> {
    let mut text = text.trim_start();
    let mut repair = None;
    loop {
        let inside = text.trim_start_matches(['(', '[', '<', ' ']);
        let word = &inside[..inside.len() - inside.trim_start_matches(char::is_alphabetic).len()];
        let rest = &inside[word.len()..];
        if word.is_empty() {
            return Ok((text, repair));
        }
        let lower = word.to_lowercase();
        let is_marked = rest.starts_with([':', '.', ')', ']', ' ', '=']);
        if FAX.contains(&&*lower) && (lower.len() > 1 || is_marked) {
            return Err(PhoneError::Fax);
        }
        let is_label = LABELS.contains(&&*lower) || LETTERS.contains(&&*lower) && is_marked;
        if !is_label {
            return Ok((text, repair));
        }
        let rest = rest.trim_start_matches([':', '.', ' ', '-', '=', '#', '№', 'º', '°', '>']);
        let rest =
            if inside.len() < text.len() { rest.trim_start_matches([')', ']', ':', ' ']) } else { rest };
        text = strip_ordinal(rest);
        repair = Some(Repair::LabelRemoved);
    }
}

/// `Phone 1: …`: the 1 is no digit of the number.
fn strip_ordinal(text: &str) -> &str {
    let mut characters = text.chars();
    let is_digit = characters.next().is_some_and(|c| c.is_ascii_digit());
    let rest = characters.as_str().trim_start_matches([' ', ')', ']']);
    rest.strip_prefix(':').filter(|_| is_digit).map_or(text, str::trim_start)
}

fn strip_trailing(text: &str) -> Result<(&str, Option<Repair>), PhoneError> {
    let mut text = text;
    let mut repair = None;
    loop {
        text = text.trim_end_matches([' ', ',', ';', '.', ':', '-', '/', '>']);
        if let Some((number, comment)) = split_bracketed(text) {
            if let Some(error) = verdict(comment) {
                return Err(error);
            }
            repair = Some(if comment.split_whitespace().all(is_label) {
                Repair::LabelRemoved
            } else {
                Repair::CommentRemoved
            });
            text = number;
            continue;
        }
        match text.rsplit_once(' ') {
            Some((number, word)) if is_label(word) || is_one_of(word, &WITHOUT_EXTENSION) => {
                text = number;
                repair = Some(Repair::LabelRemoved);
            }
            _ => return Ok((text, repair)),
        }
    }
}

/// A comment at the end in brackets, in which no digit stands: what has digits may belong to the number.
fn split_bracketed(text: &str) -> Option<(&str, &str)> {
    let (open, inside) = match text.strip_suffix(')') {
        Some(inside) => ('(', inside),
        None => ('[', text.strip_suffix(']')?),
    };
    let (number, comment) = inside.rsplit_once(open)?;
    (!comment.contains(|c: char| c.is_ascii_digit()) && number.contains(|c: char| c.is_ascii_digit()))
        .then_some((number, comment))
}

/// What speaks against a number with these words beside it. In a script that nobody here reads, everything does.
fn verdict(words: &str) -> Option<PhoneError> {
    let mut words_of = words.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    if words_of.clone().any(|word| is_one_of(word, &FAX) && word.len() > 1) {
        return Some(PhoneError::Fax);
    }
    let is_unread = |word: &str| word.chars().any(|c| c > '\u{24f}') && !is_label(word);
    words_of.any(|word| is_one_of(word, &AGAINST) || is_unread(word)).then_some(PhoneError::Remark)
}

fn is_label(word: &str) -> bool {
    word != "no" && is_one_of(word, &LABELS)
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    let lower = word.to_lowercase();
    words.contains(&&*lower)
}

fn strip_prefix_ignoring_case<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    let found = text.get(..start.len())?;
    found.eq_ignore_ascii_case(start).then(|| &text[start.len()..])
}
