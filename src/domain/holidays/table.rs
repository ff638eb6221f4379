//! The bundled tables of public holidays: `data/holidays/*.txt`, whose header says where they come from, and
//! `data/make_holidays.py`, which writes them.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use chrono::NaiveDate;

/// The files by country.
const FILES: &[(&str, &str)] = &[
    ("AT", include_str!("../../../data/holidays/AT.txt")),
    ("AU", include_str!("../../../data/holidays/AU.txt")),
    ("BE", include_str!("../../../data/holidays/BE.txt")),
    ("BR", include_str!("../../../data/holidays/BR.txt")),
    ("CA", include_str!("../../../data/holidays/CA.txt")),
    ("CH", include_str!("../../../data/holidays/CH.txt")),
    ("DE", include_str!("../../../data/holidays/DE.txt")),
    ("DK", include_str!("../../../data/holidays/DK.txt")),
    ("ES", include_str!("../../../data/holidays/ES.txt")),
    ("FI", include_str!("../../../data/holidays/FI.txt")),
    ("FR", include_str!("../../../data/holidays/FR.txt")),
    ("GB", include_str!("../../../data/holidays/GB.txt")),
    ("IE", include_str!("../../../data/holidays/IE.txt")),
    ("IT", include_str!("../../../data/holidays/IT.txt")),
    ("JP", include_str!("../../../data/holidays/JP.txt")),
    ("MX", include_str!("../../../data/holidays/MX.txt")),
    ("NL", include_str!("../../../data/holidays/NL.txt")),
    ("NO", include_str!("../../../data/holidays/NO.txt")),
    ("NZ", include_str!("../../../data/holidays/NZ.txt")),
    ("PL", include_str!("../../../data/holidays/PL.txt")),
    ("PT", include_str!("../../../data/holidays/PT.txt")),
    ("SE", include_str!("../../../data/holidays/SE.txt")),
    ("US", include_str!("../../../data/holidays/US.txt")),
];

static LISTS: LazyLock<Vec<List>> = LazyLock::new(|| {
    let read = |(country, text): &(&'static str, &'static str)| {
        read(country, text).expect("the bundled tables are well-formed, which a test holds")
    };
    FILES.iter().flat_map(read).collect()
});

static BY_CODE: LazyLock<HashMap<&'static str, &'static List>> =
    LazyLock::new(|| LISTS.iter().map(|list| (list.code(), list)).collect());

/// The public holidays of a country or a subdivision, including those of the country that it keeps.
pub(super) struct List {
    code: String,
    years: RangeInclusive<i32>,
    /// By date.
    days: Vec<(NaiveDate, &'static str)>,
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.code)
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for List {}

impl List {
    /// `US`, or `US-TX`.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// The years that it holds.
    pub(super) fn years(&self) -> RangeInclusive<i32> {
        self.years.clone()
    }

    /// The name of the holiday on a day.
    pub(super) fn name_of(&self, date: NaiveDate) -> Option<&'static str> {
        let found = self.days.binary_search_by_key(&date, |(day, _)| *day).ok()?;
        Some(self.days[found].1)
    }
}

/// Every list.
pub(super) fn lists() -> &'static [List] {
    &LISTS
}

/// The list of a code.
pub(super) fn list(code: &str) -> Option<&'static List> {
    BY_CODE.get(code).copied()
}

/// The countries that have a list.
pub(super) fn countries() -> Vec<&'static str> {
    FILES.iter().map(|(country, _)| *country).collect()
}

/// Reads one file. Its header names the years and the lists; each line after it is `date<TAB>where<TAB>name`.
fn read(country: &str, text: &'static str) -> Option<Vec<List>> {
    let header = |key: &str| text.lines().find_map(|line| line.strip_prefix("# ")?.strip_prefix(key));
    let (first, last) = header("years: ")?.split_once(' ')?;
    let years = first.parse().ok()?..=last.parse().ok()?;
    let names: Vec<&str> = header("lists: ")?.split(',').collect();
    let code = |name: &str| if name == country { country.to_owned() } else { format!("{country}-{name}") };
    let mut lists: Vec<List> =
        names.iter().map(|name| List { code: code(name), years: years.clone(), days: Vec::new() }).collect();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [date, whose, name] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
        let date = date.parse().ok()?;
        if whose == "all" {
            lists.iter_mut().for_each(|list| list.days.push((date, name)));
            continue;
        }
        for whose in whose.split(',') {
            let index = names.iter().position(|name| *name == whose)?;
            lists[index].days.push((date, name));
        }
    }
    let is_sorted = |list: &List| list.days.is_sorted_by(|one, other| one.0 < other.0);
    lists.iter().all(|list| is_sorted(list) && !list.days.is_empty()).then_some(lists)
}
