//! A number as nothing but its digits, and the characters that may stand between them.

use super::PhoneError;

/// More digits than any number has with its prefixes; what is longer is refused before anything looks at it.
const MOST: usize = 32;

/// The digits of one number, after a `+` if there was one, and the text that they came from.
pub(super) struct Digits<'t> {
    text: &'t str,
    buffer: [u8; MOST],
    len: usize,
}

impl<'t> Digits<'t> {
    /// The digits of a text that holds one number and nothing else. Only a first `+` counts as one.
    pub(super) fn of(text: &'t str) -> Result<Self, PhoneError> {
        let mut digits = Self { text, buffer: [0; MOST], len: 0 };
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' => digits.push(byte)?,
                b'+' if digits.len == 0 => digits.push(byte)?,
                // Two of them are a slip of the finger; one between digits begins another number.
                b'+' if digits.len == 1 && digits.is_international() => {}
                b' ' | b'-' | b'.' | b'(' | b')' | b'[' | b']' | b'/' | b'_' => {}
                _ => return Err(PhoneError::NotANumber),
            }
        }
        Ok(digits)
    }

    /// The digits of a text that is written as most are, or none if it may be anything more than one plain number.
    pub(super) fn of_plain(text: &'t str) -> Option<Self> {
        let mut digits = Self { text, buffer: [0; MOST], len: 0 };
        let mut separators = 0;
        // Whether a dot is followed by zeros alone, as after numbers in floating-point cells.
        let mut may_be_a_fraction = false;
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' => {
                    digits.push(byte).ok()?;
                    may_be_a_fraction &= byte == b'0';
                }
                b'+' if digits.len == 0 => digits.push(byte).ok()?,
                b' ' | b'(' | b')' => {}
                b'-' => separators += 1,
                b'.' => {
                    separators += 1;
                    may_be_a_fraction = true;
                }
                _ => return None,
            }
        }
        // Dates have no more digits than this, and two separators.
        let may_be_a_date = separators == 2 && digits.len <= 8;
        (digits.len > 0 && !may_be_a_date && !may_be_a_fraction).then_some(digits)
    }

    fn push(&mut self, byte: u8) -> Result<(), PhoneError> {
        *self.buffer.get_mut(self.len).ok_or(PhoneError::TooLong)? = byte;
        self.len += 1;
        Ok(())
    }

    /// The text that the digits came from.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The digits, after a `+` if there was one.
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.buffer[..self.len]).unwrap_or_default()
    }

    /// The digits alone.
    pub(super) fn bare(&self) -> &str {
        let text = self.as_str();
        text.strip_prefix('+').unwrap_or(text)
    }

    /// Whether the number began with a `+`.
    pub(super) fn is_international(&self) -> bool {
        self.buffer[0] == b'+'
    }
}
