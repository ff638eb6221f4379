//! What people call their things: campaigns, agents, keys, hooks and teams. One rule for all of them. That two of a kind are
//! not called the same is nobody's business here.

/// The longest name, in characters.
pub const LONGEST: usize = 200;

/// A text that is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Too short or too long.
    #[error("has {0} characters, expected 1 to {LONGEST}")]
    Length(usize),
    /// It moves the cursor of a terminal, or ends a line of a log.
    #[error("has the control character U+{:04X} at place {at}, expected characters that can be seen", u32::from(*.found))]
    Control {
        /// The character.
        found: char,
        /// Its place, from 1.
        at: usize,
    },
}

/// The name in a text, without the blanks around it.
pub fn parse(text: &str) -> Result<&str, BadName> {
    let name = text.trim();
    let length = name.chars().count();
    if !(1..=LONGEST).contains(&length) {
        return Err(BadName::Length(length));
    }
    match (1..).zip(name.chars()).find(|(_, one)| one.is_control()) {
        Some((at, found)) => Err(BadName::Control { found, at }),
        None => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_seen_and_is_neither_empty_nor_endless() {
        assert_eq!(parse("  Zoë's list, 2nd ☎\n"), Ok("Zoë's list, 2nd ☎"));
        assert!(parse(&"é".repeat(LONGEST)).is_ok());
        for (text, expected) in [
            (" \t ".to_owned(), "has 0 characters, expected 1 to 200"),
            ("x".repeat(201), "has 201 characters, expected 1 to 200"),
            (
                "a\u{1b}[2J".to_owned(),
                "has the control character U+001B at place 2, expected characters that can be seen",
            ),
            (
                "a\nb".to_owned(),
                "has the control character U+000A at place 2, expected characters that can be seen",
            ),
            (
                "\u{9b}".to_owned(),
                "has the control character U+009B at place 1, expected characters that can be seen",
            ),
        ] {
            assert_eq!(parse(&text).unwrap_err().to_string(), expected);
        }
    }
}
