//! Bytes to text, whatever the encoding. Line ends become `\n`.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

use super::ImportError;

/// How much of a file without a mark is looked at to find its encoding.
const LOOKED_AT: usize = 1 << 20;

/// The text of a file. A byte-order mark decides; else UTF-8 if it is that, and else what the letters look like.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ImportError> {
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => encoding.decode_without_bom_handling(&bytes[mark..]).0,
        None => match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) if is_damaged_utf8(bytes) => String::from_utf8_lossy(bytes),
            Err(error) => guess(bytes, error.valid_up_to()).decode_without_bom_handling(bytes).0,
        },
    };
    if is_binary(&text) {
        return Err(ImportError::NotAList { found: "binary data" });
    }
    if text.trim().is_empty() {
        return Err(ImportError::Empty);
    }
    Ok(unify_line_ends(text))
}

/// Whether a file is UTF-8 but for a few broken places. To read it as something else would spoil every name in it.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good > 10 * bad
}

fn guess(bytes: &[u8], first_foreign: usize) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let from = first_foreign.saturating_sub(1000);
    let until = bytes.len().min(from + LOOKED_AT);
    detector.feed(&bytes[from..until], true);
    detector.guess(None, Utf8Detection::Deny)
}

/// Whether more than a twentieth of the beginning is control characters. A few NULs are a matter of their rows.
fn is_binary(text: &str) -> bool {
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{85}');
    let (mut odd, mut all) = (0_usize, 0_usize);
    for c in text.chars().take(8192) {
        odd += usize::from(is_odd(c) || c == char::REPLACEMENT_CHARACTER);
        all += 1;
    }
    odd * 20 > all
}

fn unify_line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { text }
}
