//! Which numbers came before, and in which row: a million of them in about thirty megabytes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::domain::phone::Phone;

/// A number and its extension as bits. An E.164 number has at most 15 digits and so fewer than 50 bits; an extension
/// has at most seven, of which leading zeros count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NumberKey {
    number: u64,
    /// The extension's digits behind a one, so that `012` is not `12`; 0 if there is none.
    extension: u32,
}

impl NumberKey {
    /// The key of a number and its extension.
    pub(super) fn of(phone: &Phone, extension: Option<&str>) -> Self {
        let digits = |text: &str, start: u64| {
            text.bytes()
                .filter(u8::is_ascii_digit)
                .fold(start, |number, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
        };
        let extension = extension.map_or(0, |extension| digits(extension, 1));
        Self { number: digits(phone.as_str(), 0), extension: u32::try_from(extension).unwrap_or(u32::MAX) }
    }
}

/// The numbers of a list so far, each with the row in which it came first.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Most numbers have no extension: two halves instead of one `u64` make an entry twelve bytes and not sixteen.
    plain: HashMap<[u32; 2], u32>,
    extended: HashMap<NumberKey, u32>,
}

impl Seen {
    /// Remembers the number of a row, or else says which row had it before.
    pub(super) fn insert(&mut self, key: NumberKey, row: u32) -> Result<(), u32> {
        if key.extension == 0 {
            #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
            let halves = [(key.number >> 32) as u32, key.number as u32];
            remember(self.plain.entry(halves), row)
        } else {
            remember(self.extended.entry(key), row)
        }
    }
}

fn remember<K>(entry: Entry<'_, K, u32>, row: u32) -> Result<(), u32> {
    match entry {
        Entry::Occupied(first) => Err(*first.get()),
        Entry::Vacant(place) => {
            place.insert(row);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_only_with_the_same_extension() {
        let (one, other) =
            (Phone::from_e164("+12025550101").unwrap(), Phone::from_e164("+12025550102").unwrap());
        let mut seen = Seen::default();
        assert_eq!(seen.insert(NumberKey::of(&one, None), 2), Ok(()));
        for (row, extension) in [(3, "12"), (4, "012"), (5, "0"), (6, "00"), (7, "9999999")] {
            assert_eq!(seen.insert(NumberKey::of(&one, Some(extension)), row), Ok(()), "{extension}");
        }
        assert_eq!(seen.insert(NumberKey::of(&other, None), 8), Ok(()));
        assert_eq!(seen.insert(NumberKey::of(&one, None), 9), Err(2));
        assert_eq!(seen.insert(NumberKey::of(&one, Some("012")), 10), Err(4));
        assert_eq!(seen.insert(NumberKey::of(&one, Some("9999999")), 11), Err(7));
    }
}
