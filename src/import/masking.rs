//! What may be shown of a refused value: enough to find it, too little to know it.

/// The value with its middle hidden: at most the first four and the last two characters stay, and never more than
/// half of it. Control characters become a mark.
pub fn mask(value: &str) -> String {
    let count = value.chars().count();
    let head = (count / 3).min(4);
    let tail = (count / 6).min(2);
    if count == 0 {
        return String::new();
    }
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let start = value.chars().take(head).map(visible);
    let end = value.chars().skip(count - tail).map(visible);
    start.chain("•••".chars()).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn a_masked_value_shows_at_most_half_of_itself() {
        for (value, masked) in [
            ("", ""),
            ("9", "•••"),
            ("911", "9•••"),
            ("555-1234", "55•••4"),
            ("2025550143", "202•••3"),
            ("+1 202 555 0143", "+1 2•••43"),
            ("a\u{0}b\ncdefghijkl", "a\u{fffd}b\u{fffd}•••kl"),
        ] {
            assert_eq!(mask(value), masked);
        }
    }
}
