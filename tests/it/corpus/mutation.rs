//! Files made worse, by chance that can be repeated: what a fuzzer does, for a few seconds and without learning.

/// What is put into files: what parts rows and cells, what breaks off, what means something to one format or another.
const SPECIAL: [&[u8]; 44] = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\"",
    b"\"\"",
    b",",
    b";",
    b"\t",
    b"|",
    b"'",
    b"'=",
    b"=1+1",
    b"\\",
    b"+",
    b"+1",
    b"00",
    b"1",
    b"9",
    b"0",
    b" ",
    b"\xff",
    b"\xfe",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    "\u{fffd}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{ff0b}".as_bytes(),
    "\u{661}".as_bytes(),
    "\u{1f4de}".as_bytes(),
    b"outdial reason",
    b"outdial reason (phone = A)\n",
    b"unclosed-quote",
    b"nul-character",
    b"#N/A",
    b"2.02555e9",
    b"America/New_York",
    b"--part ",
    b"&lt;",
    b"]]>",
    b" r=\"XFD1048576\"",
    b" table:number-rows-repeated=\"4294967295\"",
    b"</row>",
];

/// No file gets longer.
const LONGEST: usize = 48 << 10;

/// Chance that is the same for the same seed (SplitMix64, Steele et al. 2014).
#[derive(Debug, Clone, Copy)]
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// A file with one to four things done to it, where `other` is one to be spliced with.
pub fn mutated(file: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=chance.below(4) {
        bytes = once(bytes, other, chance);
        bytes.truncate(LONGEST);
    }
    bytes
}

fn once(mut bytes: Vec<u8>, other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let at = chance.below(bytes.len() + 1);
    // Most pieces are short, and some are long.
    let longest = [4, 16, 256, 16 << 10][chance.below(4)];
    let end = (at + chance.below(longest)).min(bytes.len());
    match chance.below(8) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << chance.below(8);
            }
        }
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let piece = bytes[at..end].repeat(1 + chance.below(40));
            bytes.splice(end..end, piece.into_iter().take(LONGEST));
        }
        5 => {
            let from = chance.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => {
            let special = SPECIAL[chance.below(SPECIAL.len())];
            bytes.splice(at..at, special.iter().copied());
        }
    }
    bytes
}
