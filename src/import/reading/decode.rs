//! Bytes to text, whatever the encoding, piece by piece. Line ends become `\n`.
//!
//! A byte-order mark decides; else the zeros of UTF-16; else UTF-8 if it is that, and else what the letters look like.
//! What tells the encoding may come late: until the first byte that is not ASCII, all of them read the same.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memchr;

use super::stream::Stream;
use crate::import::ImportError;

/// How much of a file's beginning is looked at to find out what it is.
pub(super) const HEAD: usize = 64 << 10;

/// How much is looked at to find the encoding, from shortly before the first byte that is not ASCII.
const LOOKED_AT: usize = 1 << 20;
const BEFORE: usize = 1000;

/// A text that is read piece by piece.
#[derive(Debug)]
pub(super) struct Decoding {
    stream: Stream,
    /// Bytes that are not decoded yet.
    raw: Vec<u8>,
    /// How many bytes are read at once.
    piece: usize,
    encoding: Known,
    has_ended: bool,
    ends_in_cr: bool,
}

/// What is known of the encoding.
enum Known {
    /// Nothing is read yet.
    Nothing,
    /// All bytes so far are ASCII.
    Ascii,
    /// It is found.
    Found(Decoder),
}

impl std::fmt::Debug for Known {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Ascii => "Ascii",
            Self::Found(decoder) => decoder.encoding().name(),
        })
    }
}

impl Decoding {
    /// The text of a stream, which is read in pieces of so many bytes.
    pub(super) fn of(stream: Stream, piece: usize) -> Self {
        let (has_ended, ends_in_cr) = (false, false);
        Self { stream, raw: Vec::new(), piece: piece.max(1), encoding: Known::Nothing, has_ended, ends_in_cr }
    }

    /// The same text from its beginning.
    pub(super) fn again(self) -> Result<Self, ImportError> {
        Ok(Self::of(self.stream.again()?, self.piece))
    }

    /// The bytes that it reads from.
    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }

    /// Adds the next piece to a text; returns whether there may be more.
    pub(super) fn next_piece(&mut self, text: &mut String) -> Result<bool, ImportError> {
        if let Known::Nothing = self.encoding {
            self.fill(HEAD.max(self.piece))?;
            self.encoding = self.encoding_by_first_bytes().map_or(Known::Ascii, Known::Found);
        } else {
            self.fill(self.raw.len() + self.piece)?;
        }
        if let Known::Ascii = self.encoding {
            let ascii = Encoding::ascii_valid_up_to(&self.raw);
            if ascii == self.raw.len() {
                // What comes before the first foreign letter helps to tell which one it is.
                let behind = if self.has_ended { 0 } else { BEFORE };
                let piece: Vec<u8> = self.raw.drain(..ascii.saturating_sub(behind)).collect();
                self.push(&String::from_utf8_lossy(&piece), text);
                return Ok(!self.has_ended);
            }
            self.fill(ascii + LOOKED_AT)?;
            let until = self.raw.len().min(ascii + LOOKED_AT);
            let sample = &self.raw[ascii.saturating_sub(BEFORE)..until];
            self.encoding = Known::Found(encoding_by_letters(sample).new_decoder_without_bom_handling());
        }
        if let Known::Found(decoder) = &mut self.encoding {
            let mut piece = String::new();
            piece.reserve(decoder.max_utf8_buffer_length(self.raw.len()).unwrap_or(self.raw.len() * 3));
            // There is room for all of it, so that all of it is read.
            let (_, read, _) = decoder.decode_to_string(&self.raw, &mut piece, self.has_ended);
            self.raw.drain(..read);
            self.push(&piece, text);
        }
        Ok(!self.has_ended)
    }

    fn fill(&mut self, wanted: usize) -> Result<(), ImportError> {
        if !self.has_ended {
            self.has_ended = self.stream.fill(&mut self.raw, wanted)?;
        }
        Ok(())
    }

    /// The encoding that the first bytes tell. A mark is taken away.
    fn encoding_by_first_bytes(&mut self) -> Option<Decoder> {
        let encoding = match Encoding::for_bom(&self.raw) {
            Some((encoding, mark)) => {
                self.raw.drain(..mark);
                encoding
            }
            None => utf16_without_mark(&self.raw)?,
        };
        Some(encoding.new_decoder_without_bom_handling())
    }

    /// Adds decoded text with its line ends made alike. A `\r\n` may stand across two pieces.
    fn push(&mut self, piece: &str, text: &mut String) {
        if piece.is_empty() {
            return;
        }
        let mut rest = if self.ends_in_cr { piece.strip_prefix('\n').unwrap_or(piece) } else { piece };
        self.ends_in_cr = piece.ends_with('\r');
        while let Some(at) = memchr(b'\r', rest.as_bytes()) {
            text.push_str(&rest[..at]);
            text.push('\n');
            rest = &rest[at + 1..];
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        text.push_str(rest);
    }
}

/// UTF-16 that does not say so: of the digits and delimiters that lists are made of, every second byte is a zero,
/// and the other one never is.
fn utf16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.chunks_exact(2).take(4096);
    let all = pairs.len();
    let (first, second) = pairs.fold((0, 0), |(first, second), pair| {
        (first + usize::from(pair[0] == 0), second + usize::from(pair[1] == 0))
    });
    let is_mostly = |zeros: usize, other: usize| zeros * 4 > all && other * 50 < all;
    if is_mostly(second, first) {
        Some(UTF_16LE)
    } else if is_mostly(first, second) {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn encoding_by_letters(sample: &[u8]) -> &'static Encoding {
    let is_utf8 = match std::str::from_utf8(sample) {
        Ok(_) => true,
        // A letter that is cut off at the sample's end.
        Err(error) if error.error_len().is_none() => true,
        Err(_) => is_damaged_utf8(sample),
    };
    if is_utf8 {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    detector.guess(None, Utf8Detection::Deny)
}

/// Whether a text is UTF-8 but for a few broken places. To read it as something else would spoil every name in it.
fn is_damaged_utf8(sample: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in sample.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good > 10 * bad
}

/// Whether more than a twentieth of a text's beginning is control characters. A few NULs are a matter of their rows.
pub(super) fn is_binary(text: &str) -> bool {
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{85}');
    let (mut odd, mut all) = (0_usize, 0_usize);
    for c in text.chars().take(8192) {
        odd += usize::from(is_odd(c) || c == char::REPLACEMENT_CHARACTER);
        all += 1;
    }
    odd * 20 > all
}

#[cfg(test)]
mod tests {
    use super::super::source::{Shared, Source};
    use super::*;

    fn decode(bytes: &[u8], piece: usize) -> String {
        let (bytes, _) = Shared::from(Source::Bytes(bytes.to_vec())).open().unwrap();
        let mut decoding = Decoding::of(Stream::plain(bytes).unwrap(), piece);
        let mut text = String::new();
        while decoding.next_piece(&mut text).unwrap() {}
        text
    }

    #[test]
    fn line_ends_become_alike_wherever_the_pieces_part() {
        let filler = "x".repeat(HEAD - 3);
        for (ends, unified) in [
            ("a\r\nb\rc\nd", "a\nb\nc\nd"),
            ("\r\r\n\n\r\n", "\n\n\n\n"),
            ("ab\r\n", "ab\n"),
            ("abc\r", "abc\n"),
        ] {
            for piece in 1..5 {
                let text = format!("{filler}{ends}");
                assert_eq!(
                    decode(text.as_bytes(), piece),
                    format!("{filler}{unified}"),
                    "{ends:?} by {piece}"
                );
            }
        }
    }

    #[test]
    fn the_first_foreign_letter_may_come_late() {
        let long = "Ada Marsh,202 555 0101\n".repeat(20_000);
        for piece in [1000, 256 << 10] {
            let utf8 = format!("{long}Zoë Müller,\n");
            assert_eq!(decode(utf8.as_bytes(), piece), utf8);
            let mut latin = long.clone().into_bytes();
            latin.extend(b"Zo\xeb M\xfcller,\n");
            assert_eq!(decode(&latin, piece), utf8);
        }
    }

    #[test]
    fn utf16_is_known_by_its_zeros_and_a_few_nuls_are_not_it() {
        let text = "Name,Phone\nZoë Müller,2025550101\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!((decode(&little, 3), decode(&big, 5)), (text.to_owned(), text.to_owned()));
        let nuls = "Na\0e,Phone\nAda\0Marsh,2025550101\n";
        assert_eq!(decode(nuls.as_bytes(), 7), nuls);
    }

    #[test]
    fn half_a_letter_at_the_end_of_a_piece_waits_for_the_other_half() {
        let text = "é😀".repeat(40_000);
        for piece in [1, 2, 3, 1021] {
            let piece = if piece < 10 { piece + 5_000 } else { piece };
            assert_eq!(decode(text.as_bytes(), piece), text, "{piece}");
        }
    }

    #[test]
    fn text_with_control_characters_all_over_is_binary() {
        assert!(is_binary(&"\u{1}ab".repeat(50)));
        assert!(!is_binary(&("a,b\t\n".repeat(50) + "\0")));
    }
}
