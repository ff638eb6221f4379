//! Texts that must not be printed.

use std::fmt;

/// A token or a key. It has no `Display`, and its `Debug` shows nothing: whoever needs the text says so.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Hides this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, to be sent or compared, never to be logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_however_it_is_printed() {
        let key = Some(("SK00".to_owned(), Secret::new("hunter2hunter2")));
        for printed in [format!("{key:?}"), format!("{key:#?}")] {
            assert!(!printed.contains("hunter"), "{printed}");
            assert!(printed.contains('…'), "{printed}");
        }
    }
}
