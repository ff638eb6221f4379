//! Repairs that have one possible result: an older or foreign way to dial what has one form today, and the marks
//! that programs leave on numbers. No digit is ever invented; the caller keeps a repair only if its result is valid.

use rlibphonenumber::{PhoneNumber, Region as Iso};

use super::Region;
use super::digits::Digits;
use crate::domain::names;

names! {
    /// What was repaired before the text was a number to call. Where a text needed several, the one that changed
    /// most.
    pub enum Repair: "repair" {
        /// `12025550143.0` passed through a floating-point cell.
        FractionRemoved = "fraction-removed",
        /// `2,025,550,143` is one number.
        ThousandsJoined = "thousands-joined",
        /// `1.2025550143E+10` has all its digits.
        ScientificExpanded = "scientific-expanded",
        /// `Mobile: …`, `… (home)`.
        LabelRemoved = "label-removed",
        /// `… (ask for Jane)`.
        CommentRemoved = "comment-removed",
        /// `whatsapp:…`, `sms:…`, `https://wa.me/…`.
        ChannelRemoved = "channel-removed",
        /// `1-800-FLOWERS`.
        VanitySpelled = "vanity-spelled",
        /// `1-800-FLOWERSHOP`: the network ignores what follows the seventh.
        VanityShortened = "vanity-shortened",
        /// `0049 …` where another prefix is dialed for calls abroad.
        ExitCodeReplaced = "exit-code-replaced",
        /// `+34 (0)912 …`: a trunk prefix in brackets that the country does not have.
        BracketedZeroRemoved = "bracketed-zero-removed",
        /// `+52 1 …`, `01 …`, `044 …`, `045 …`.
        MexicanPrefixRemoved = "mexican-prefix-removed",
        /// France's ten-digit plan is shared with territories that have country codes of their own.
        FrenchOverseas = "french-overseas",
    }
}

impl Repair {
    /// What was done, in a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::FractionRemoved => "took away the .0 that a numeric cell had added",
            Self::ThousandsJoined => "joined the groups that thousands separators had made",
            Self::ScientificExpanded => "wrote out a number in scientific notation that had all its digits",
            Self::LabelRemoved => "passed over a word that names the line",
            Self::CommentRemoved => "passed over a comment in brackets",
            Self::ChannelRemoved => "passed over the name of a messaging service",
            Self::VanitySpelled => "spelled the letters of a toll-free number with the digits of a keypad",
            Self::VanityShortened => {
                "spelled the letters of a toll-free number with the digits of a keypad, and left out those too many"
            }
            Self::ExitCodeReplaced => "read 00 as the prefix for calls abroad",
            Self::BracketedZeroRemoved => "left out a (0) that the country does not dial",
            Self::MexicanPrefixRemoved => "left out a prefix that Mexico gave up in 2019",
            Self::FrenchOverseas => "took the country code of the French territory that the number is in",
        }
    }
}

/// What the digits may have meant that made no valid number as they stand: each in E.164, and none checked yet.
/// `parsed` is what they mean by the metadata, if they mean anything.
pub(super) fn candidates(
    digits: &Digits<'_>,
    home: Region,
    parsed: Option<&PhoneNumber>,
) -> impl Iterator<Item = (Repair, String)> {
    let exit_code = exit_code(digits);
    let zero = bracketed_zero(digits);
    let mexican = mexican(digits, home);
    let french = parsed.and_then(french_overseas);
    [
        (Repair::ExitCodeReplaced, exit_code),
        (Repair::BracketedZeroRemoved, zero),
        (Repair::MexicanPrefixRemoved, mexican),
        (Repair::FrenchOverseas, french),
    ]
    .into_iter()
    .filter_map(|(repair, candidate)| Some((repair, candidate?)))
}

/// Most of the world dials 00 where the home region dials something else; no country code begins with it.
fn exit_code(digits: &Digits<'_>) -> Option<String> {
    digits.bare().strip_prefix("00").map(|rest| format!("+{rest}"))
}

/// `(0)` behind a country code says that the 0 is dialed inside the country only; here not even there.
fn bracketed_zero(digits: &Digits<'_>) -> Option<String> {
    let (before, after) = digits.text().split_once("(0)")?;
    let code = Digits::of(before).ok().filter(Digits::is_international)?;
    let national = Digits::of(after).ok()?;
    Some(format!("{}{}", code.as_str(), national.as_str()))
}

/// Mexico dropped the 1 of mobiles, and 01, 044 and 045 before ten digits, in 2019.
fn mexican(digits: &Digits<'_>, home: Region) -> Option<String> {
    let bare = digits.bare();
    let is_mexican = digits.is_international() || home.0 == Iso::MX && bare.len() > 10;
    let after_code = bare.strip_prefix("0052").or_else(|| bare.strip_prefix("52").filter(|_| is_mexican));
    let (national, trunks) = match after_code {
        Some(national) => (national, &["044", "045", "01", "1"][..]),
        // A bare 1 may as well be the country code of a number that lost its +.
        None if home.0 == Iso::MX && !digits.is_international() => (bare, &["044", "045", "01"][..]),
        None => return None,
    };
    let ten = trunks.iter().find_map(|trunk| national.strip_prefix(trunk).filter(|rest| rest.len() == 10))?;
    Some(format!("+52{ten}"))
}

/// The territories' numbers in France's own plan, by their first three digits.
fn french_overseas(parsed: &PhoneNumber) -> Option<String> {
    if parsed.country_code != 33 {
        return None;
    }
    let national = parsed.get_national_significant_number();
    let country_code = match national.get(..3)? {
        "262" | "263" | "269" | "639" | "692" | "693" | "976" => 262,
        "590" | "690" | "691" => 590,
        "594" | "694" => 594,
        "596" | "696" | "697" => 596,
        _ => return None,
    };
    (national.len() == 9).then(|| format!("+{country_code}{national}"))
}
