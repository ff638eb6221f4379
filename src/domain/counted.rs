//! Numbers with what they count, as people read them: `1 contact`, `2 contacts`.

/// So many of these.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// What so many do: `1 of 3 numbers is …`, `2 of 3 numbers are …`.
pub fn be(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_several() {
        let said = [0, 1, 2].map(|number| format!("{} {} there", counted(number, "row"), be(number)));
        assert_eq!(said, ["0 rows are there", "1 row is there", "2 rows are there"]);
    }
}
