//! What looks odd about the phone column as a whole: signs are counted row by row, and judged in the end.

use super::fields::is_whole_number;
use crate::domain::names::names;
use crate::domain::phone::Region;

names! {
    /// What looks odd about a list.
    pub enum WarningKind: "warning" {
        /// Most values look like dates.
        LooksLikeDates = "looks-like-dates",
        /// Most values look like ids.
        LooksLikeIds = "looks-like-ids",
        /// Most values look like prices.
        LooksLikePrices = "looks-like-prices",
        /// Most numbers are in another country than the list's own.
        OtherCountry = "other-country",
        /// Many rows came before.
        ManyDuplicates = "many-duplicates",
        /// Most rows are refused.
        MostlyRefused = "mostly-refused",
        /// Another column holds more numbers.
        BetterColumn = "better-column",
        /// A column's title says what it holds, and it holds something else.
        ColumnNotUsed = "column-not-used",
        /// A column seems to say who does not want to be called, and is not obeyed.
        DoNotCallColumn = "do-not-call-column",
        /// Rows name a time zone that their numbers are not in.
        ZoneElsewhere = "zone-elsewhere",
        /// The sheets before the one that is read have no column of numbers.
        SheetsPassedOver = "sheets-passed-over",
        /// There is something above the header.
        RowsAboveHeader = "rows-above-header",
    }
}

/// What looks odd about a list, as a sentence to its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// What was seen.
    pub sentence: String,
}

/// So many rows have to be alike for anything to be said about them.
const ENOUGH: usize = 5;

/// So many values have to follow each other to be more than chance.
const ENOUGH_IN_SEQUENCE: usize = 10;

/// The most digits whose lengths are told apart.
const LONGEST: usize = 24;

/// What was counted in the phone column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Signs {
    /// Cells with something in them.
    filled: usize,
    dates: usize,
    prices: usize,
    /// Refused cells of nothing but digits, by how many these are.
    lengths: [usize; LONGEST],
    /// The first and the last whole number, and how often one was the number before and one.
    ends: Option<(u64, u64)>,
    steps: usize,
    /// Where the contacts' numbers are.
    regions: Counts,
    /// Where refused numbers would be, had they their country code's sign.
    elsewhere: Counts,
    /// How many rows name a zone that their number is not in, and the first of them.
    contradictions: usize,
    contradiction: Option<Contradiction>,
}

/// A row that names a zone in which its number is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contradiction {
    /// The line or sheet row.
    pub(super) row: u32,
    /// The number, masked.
    pub(super) number: String,
    /// The zone that the row names.
    pub(super) named: String,
    /// The zones that the number may be in.
    pub(super) number_in: String,
}

/// What a cell of the phone column came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A number of this region.
    Number(Region),
    /// It might be one of this region.
    Elsewhere(Region),
    /// No number.
    Nothing,
}

impl Signs {
    /// Counts a cell.
    pub(super) fn note(&mut self, text: &str, sign: Sign) {
        if text.is_empty() {
            return;
        }
        self.filled += 1;
        if is_whole_number(text) {
            if let Ok(number) = text.parse() {
                self.follow(number, number, 0);
            }
            if sign == Sign::Nothing {
                self.lengths[text.len().min(LONGEST - 1)] += 1;
            }
        } else {
            self.dates += usize::from(looks_like_a_date(text));
            self.prices += usize::from(looks_like_a_price(text));
        }
        match sign {
            Sign::Number(region) => self.regions.add(region, 1),
            Sign::Elsewhere(region) => self.elsewhere.add(region, 1),
            Sign::Nothing => {}
        }
    }

    /// Counts a row whose zone is none of its number's; how it reads matters only for the first.
    pub(super) fn note_contradiction(&mut self, example: impl FnOnce() -> Contradiction) {
        self.contradictions += 1;
        self.contradiction.get_or_insert_with(example);
    }

    /// Adds what was counted in the rows that follow.
    pub(super) fn join(&mut self, next: Self) {
        self.filled += next.filled;
        self.dates += next.dates;
        self.prices += next.prices;
        for (own, more) in self.lengths.iter_mut().zip(next.lengths) {
            *own += more;
        }
        if let Some((first, last)) = next.ends {
            self.follow(first, last, next.steps);
        }
        self.contradictions += next.contradictions;
        self.contradiction = self.contradiction.take().or(next.contradiction);
        next.regions.0.into_iter().for_each(|(region, count)| self.regions.add(region, count));
        next.elsewhere.0.into_iter().for_each(|(region, count)| self.elsewhere.add(region, count));
    }

    fn follow(&mut self, first: u64, last: u64, steps: usize) {
        let is_step = self.ends.is_some_and(|(_, before)| before.checked_add(1) == Some(first));
        self.steps += steps + usize::from(is_step);
        self.ends = Some((self.ends.map_or(first, |(start, _)| start), last));
    }

    /// Where the contacts' numbers are, the most frequent first.
    pub(super) fn regions(&self) -> Vec<(Region, usize)> {
        let mut regions = self.regions.0.clone();
        regions.sort_by_key(|(region, count)| (std::cmp::Reverse(*count), *region));
        regions
    }

    /// What looks odd about the column, where `home` is the country of numbers without a country code.
    pub(super) fn warnings(&self, column: &str, home: Region) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |kind, sentence| warnings.push(Warning { kind, sentence });
        let filled = self.filled;
        let is_most = |count: usize| count >= ENOUGH && count * 2 > filled;
        if is_most(self.dates) {
            let sentence = format!("{} of {filled} values of {column:?} look like dates", self.dates);
            warn(WarningKind::LooksLikeDates, sentence);
        }
        if is_most(self.prices) {
            let sentence = format!("{} of {filled} values of {column:?} look like prices", self.prices);
            warn(WarningKind::LooksLikePrices, sentence);
        }
        let of_one_length = self.lengths.iter().copied().max().unwrap_or(0);
        if filled >= ENOUGH_IN_SEQUENCE && self.steps * 5 >= filled * 4 {
            let sentence = format!("the values of {column:?} follow each other; they look like ids");
            warn(WarningKind::LooksLikeIds, sentence);
        } else if of_one_length >= ENOUGH && of_one_length * 10 >= filled * 9 {
            let sentence = format!(
                "{of_one_length} of {filled} values of {column:?} have the same length and are no phone numbers; they look like ids"
            );
            warn(WarningKind::LooksLikeIds, sentence);
        }
        let numbers: usize = self.regions.0.iter().map(|(_, count)| count).sum();
        let abroad = self.regions().into_iter().next();
        let missing = self.elsewhere.0.iter().max_by_key(|(_, count)| *count);
        match (abroad, missing) {
            (_, Some((region, count))) if is_most(*count) => {
                let sentence = format!(
                    "{count} of {filled} values of {column:?} look like numbers in {region} whose + is missing"
                );
                warn(WarningKind::OtherCountry, sentence);
            }
            (Some((region, count)), _) if region != home && count >= ENOUGH && count * 2 > numbers => {
                let sentence =
                    format!("{count} of {numbers} numbers are in {region}; the default region is {home}");
                warn(WarningKind::OtherCountry, sentence);
            }
            (_, _) => {}
        }
        if let Some(Contradiction { row, number, named, number_in }) = &self.contradiction {
            let rows = match self.contradictions {
                1 => "1 row names a time zone that its number is not in".to_owned(),
                count => format!("{count} rows name a time zone that their number is not in"),
            };
            let sentence = format!(
                "{rows}, such as row {row}: {named}, while {number} is in {number_in}; the row counts, not the number"
            );
            warn(WarningKind::ZoneElsewhere, sentence);
        }
        warnings
    }
}

/// What the counts of all rows that are not blank say.
pub(super) fn of_counts(rows: usize, duplicates: usize, rejected: usize) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if duplicates >= ENOUGH && duplicates * 5 >= rows {
        let sentence = format!("{duplicates} of {rows} rows repeat a number that came before");
        warnings.push(Warning { kind: WarningKind::ManyDuplicates, sentence });
    }
    if rejected >= ENOUGH && rejected * 2 > rows {
        let sentence = format!("{rejected} of {rows} rows are refused");
        warnings.push(Warning { kind: WarningKind::MostlyRefused, sentence });
    }
    warnings
}

/// Counts of a few regions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Counts(Vec<(Region, usize)>);

impl Counts {
    fn add(&mut self, region: Region, count: usize) {
        match self.0.iter_mut().find(|(known, _)| *known == region) {
            Some((_, known)) => *known += count,
            None => self.0.push((region, count)),
        }
    }
}

/// Two separators of one kind between three numbers that can be year, month and day in some order; a time may follow.
fn looks_like_a_date(text: &str) -> bool {
    let date = text.split([' ', 'T', ',']).next().unwrap_or_default();
    let Some(separator) = date.bytes().find(|c| !c.is_ascii_digit()).filter(|c| b"-/.".contains(c)) else {
        return false;
    };
    let mut parts = date.split(char::from(separator));
    let (Some(first), Some(second), Some(third), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let number = |part: &str| is_whole_number(part).then(|| part.parse::<u16>().ok()).flatten();
    let (Some(one), Some(two), Some(three)) = (number(first), number(second), number(third)) else {
        return false;
    };
    let is_day_and_month = |one: u16, two: u16| one.min(two) >= 1 && one.min(two) <= 12 && one.max(two) <= 31;
    match (first.len(), second.len(), third.len()) {
        (4, 1..=2, 1..=2) => is_day_and_month(two, three),
        (1..=2, 1..=2, 2 | 4) => is_day_and_month(one, two),
        _ => false,
    }
}

/// A currency beside a number, or a number with two decimals.
fn looks_like_a_price(text: &str) -> bool {
    const CURRENCIES: [&str; 9] = ["R$", "$", "€", "£", "¥", "USD", "EUR", "GBP", "CHF"];
    let trimmed = text.trim_start_matches('-');
    let amount =
        CURRENCIES.iter().find_map(|sign| trimmed.strip_prefix(sign).or_else(|| trimmed.strip_suffix(sign)));
    let number = amount.unwrap_or(trimmed).trim();
    let is_amount = |text: &str| {
        (1..=12).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit() || c == b',' || c == b'.')
    };
    let has_cents = || {
        let (whole, cents) = number.rsplit_once(['.', ',']).unwrap_or_default();
        is_amount(whole)
            && whole.len() <= 9
            && cents.len() == 2
            && is_whole_number(cents)
            && has_thousands(whole)
    };
    if amount.is_some() { is_amount(number) } else { has_cents() }
}

/// Digits, in groups of three if in groups at all: `12.34.56` is none.
fn has_thousands(whole: &str) -> bool {
    whole.split(['.', ',']).skip(1).all(|group| group.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Region = Region::US;

    fn kinds(values: &[&str], sign: Sign) -> Vec<WarningKind> {
        let mut signs = Signs::default();
        values.iter().for_each(|value| signs.note(value, sign));
        signs.warnings("Phone", US).into_iter().map(|warning| warning.kind).collect()
    }

    #[test]
    fn dates_and_prices_are_told_from_numbers() {
        for text in ["2026-03-02", "03/02/2026", "2.3.26", "2026/03/02 09:30", "2026-03-02T09:30:00"] {
            assert!(looks_like_a_date(text) && !looks_like_a_price(text), "{text}");
        }
        for text in ["$12", "12.50", "1,234.50", "1.234,50", "€ 5", "45,00 EUR", "-3.10"] {
            assert!(looks_like_a_price(text) && !looks_like_a_date(text), "{text}");
        }
        for text in [
            "202-555-0101",
            "202.555.0101",
            "2025550101",
            "+1 202 555 0101",
            "01.23.45.67.89",
            "12.34.56",
            "13/14/2026",
            "12025550101.0",
            "",
            "-",
            "555.01.",
        ] {
            assert!(!looks_like_a_date(text) && !looks_like_a_price(text), "{text}");
        }
    }

    #[test]
    fn a_column_of_something_else_says_what_it_looks_like() {
        let dates = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"];
        assert_eq!(kinds(&dates, Sign::Nothing), [WarningKind::LooksLikeDates]);
        assert_eq!(kinds(&dates[..4], Sign::Nothing), [], "four are no column");
        let prices = ["$1", "$2.50", "$3", "12.00", "1,000.00"];
        assert_eq!(kinds(&prices, Sign::Nothing), [WarningKind::LooksLikePrices]);
        let ids = ["482915", "193847", "582910", "573829", "992810"];
        assert_eq!(kinds(&ids, Sign::Nothing), [WarningKind::LooksLikeIds]);
        assert_eq!(kinds(&ids, Sign::Number(US)), []);
        let sequence: Vec<String> =
            (2_025_550_100_u64..2_025_550_120).map(|number| number.to_string()).collect();
        let sequence: Vec<&str> = sequence.iter().map(String::as_str).collect();
        assert_eq!(kinds(&sequence, Sign::Number(US)), [WarningKind::LooksLikeIds]);
    }

    #[test]
    fn numbers_of_another_country_say_so() {
        let canada = Region::parse("CA").unwrap();
        let numbers = ["1", "3", "5", "7", "9"];
        assert_eq!(kinds(&numbers, Sign::Number(canada)), [WarningKind::OtherCountry]);
        assert_eq!(kinds(&numbers, Sign::Elsewhere(canada)), [WarningKind::OtherCountry]);
        assert_eq!(kinds(&numbers, Sign::Number(US)), []);
    }

    #[test]
    fn a_zone_that_is_not_the_number_s_is_told_with_the_first_row() {
        let of_row = |row| {
            let mut signs = Signs::default();
            signs.note_contradiction(|| Contradiction {
                row,
                number: "202•••3".to_owned(),
                named: "Europe/Berlin".to_owned(),
                number_in: "America/New_York".to_owned(),
            });
            signs
        };
        let mut signs = of_row(4);
        let sentence = |signs: &Signs| signs.warnings("Phone", US)[0].sentence.clone();
        assert!(
            sentence(&signs)
                .starts_with("1 row names a time zone that its number is not in, such as row 4: ")
        );
        signs.join(of_row(9));
        assert_eq!(
            sentence(&signs),
            "2 rows name a time zone that their number is not in, such as row 4: Europe/Berlin, while 202•••3 is in \
             America/New_York; the row counts, not the number"
        );
    }

    #[test]
    fn counts_speak_when_they_are_high() {
        let kinds = |rows, duplicates, rejected| -> Vec<WarningKind> {
            of_counts(rows, duplicates, rejected).into_iter().map(|warning| warning.kind).collect()
        };
        assert_eq!(kinds(25, 5, 0), [WarningKind::ManyDuplicates]);
        assert_eq!(kinds(26, 5, 13), []);
        assert_eq!(kinds(26, 0, 14), [WarningKind::MostlyRefused]);
        assert_eq!(kinds(4, 4, 4), []);
    }

    proptest::proptest! {
        #[test]
        fn signs_are_the_same_however_the_rows_are_split(values in proptest::collection::vec(0_u64..6, 0..40), cut in 0_usize..40) {
            let note = |signs: &mut Signs, value: &u64| signs.note(&value.to_string(), Sign::Nothing);
            let (mut whole, mut one, mut other) = (Signs::default(), Signs::default(), Signs::default());
            let cut = cut.min(values.len());
            values.iter().for_each(|value| note(&mut whole, value));
            values[..cut].iter().for_each(|value| note(&mut one, value));
            values[cut..].iter().for_each(|value| note(&mut other, value));
            one.join(other);
            proptest::prop_assert_eq!(one, whole);
        }
    }
}
