//! What is inside a compound file, the container of XLS ([MS-CFB]), and whether its records may be read.
//!
//! The reader of XLS follows chains of sectors without looking for circles, reserves memory for the size that a sheet
//! claims, and makes a table of every cell between the two that lie farthest apart. So the one stream that it reads is
//! taken out and its records ([MS-XLS] 2.1.4) are walked over first; then it gets a container of our own making.

use std::collections::HashSet;
use std::io::{Cursor, Read};

use memchr::memmem;

use super::Limits;
use super::stream::unreadable;
use crate::import::ImportError;

/// The most bytes of an XLS file, of which several copies are held: at its most rows and fifty columns it has half.
const FILE: u64 = 64 << 20;

/// Records that matter here, by type ([MS-XLS] 2.3).
const BOUND_SHEET: u16 = 0x0085;
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000a;
const DIMENSIONS: u16 = 0x0200;
const MUL_RK: u16 = 0x00bd;
/// Number, Label, `BoolErr`, Rk, `LabelSst`, `RString`, Formula: row and column come first.
const CELLS: [u16; 7] = [0x0203, 0x0204, 0x0205, 0x027e, 0x00fd, 0x00d6, 0x0006];

/// A type that no reader knows.
const NOTHING: [u8; 2] = [0xff, 0xff];

/// The most cells of the tables that the reader makes, 32 bytes each and as much again for formulas.
const TABLE: u64 = 8_000_000;

/// The most columns of a sheet.
const COLUMNS: u16 = 256;

/// A container with nothing in it but the workbook of another one, whose records are fit to be read.
pub(super) fn workbook_alone(
    bytes: impl Read,
    size: u64,
    limits: &Limits,
) -> Result<Cursor<Vec<u8>>, ImportError> {
    if size > FILE {
        return Err(ImportError::TooManyBytes { limit: FILE });
    }
    let mut file = Vec::new();
    bytes.take(FILE).read_to_end(&mut file).map_err(unreadable)?;
    // An XLSX with a password is a compound file with a stream of this name.
    if memmem::find(&file, &utf16("EncryptedPackage")).is_some() {
        return Err(ImportError::Encrypted);
    }
    let mut stream = Container::of(&file)
        .and_then(|container| container.workbook())
        .ok_or_else(|| ImportError::corrupt("no workbook is found in it"))?;
    drop(file);
    make_harmless(&mut stream, limits)?;
    Ok(Cursor::new(contain(stream)))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Sector numbers from here on are no sectors.
const NO_SECTOR: u32 = 0xffff_fffa;
const END_OF_CHAIN: u32 = 0xffff_fffe;
const SECTOR_OF_TABLE: u32 = 0xffff_fffd;
const FREE: u32 = 0xffff_ffff;

/// Streams that are shorter than this lie in sectors of 64 bytes, within the stream of the root.
const SHORT: usize = 4096;

/// A compound file ([MS-CFB] 2). Real ones break many of its rules: only what is needed to find a stream is looked at.
struct Container<'f> {
    file: &'f [u8],
    sector: usize,
    /// The sector that follows each one.
    next: Vec<u32>,
    next_short: Vec<u32>,
    /// Entries of 128 bytes.
    directory: Vec<u8>,
}

impl<'f> Container<'f> {
    fn of(file: &'f [u8]) -> Option<Self> {
        let sector = match u16::from_le_bytes(*file.get(30..)?.first_chunk()?) {
            9 => 512,
            12 => 4096,
            _ => return None,
        };
        let mut container =
            Self { file, sector, next: Vec::new(), next_short: Vec::new(), directory: Vec::new() };
        let header = |at: usize| number(file, at);
        // The first 109 sectors of the table are listed in the header, and the others in a chain of lists.
        let mut table: Vec<u32> = (0..109).filter_map(|index| header(76 + 4 * index)).collect();
        let mut list = header(68)?;
        let mut lists = HashSet::new();
        while list < NO_SECTOR && lists.insert(list) {
            let sector = container.sector(list)?;
            let (entries, last) = sector.split_at_checked(sector.len().checked_sub(4)?)?;
            table.extend(numbers(entries));
            list = number(last, 0)?;
        }
        for sector in table.into_iter().filter(|sector| *sector < NO_SECTOR) {
            // A file that ends early is read as far as it goes.
            let Some(sector) = container.sector(sector) else { break };
            container.next.extend(numbers(sector));
            // A table that goes on when every sector is in it repeats itself.
            if container.next.len() > file.len() / container.sector {
                break;
            }
        }
        container.next_short = numbers(&container.chain(header(60)?)?).collect();
        container.directory = container.chain(header(48)?)?;
        Some(container)
    }

    fn sector(&self, number: u32) -> Option<&'f [u8]> {
        let begin = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(self.sector)?;
        let end = begin.checked_add(self.sector)?.min(self.file.len());
        self.file.get(begin..end)
    }

    /// All bytes of a chain of sectors, which may not go round in circles.
    fn chain(&self, first: u32) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for number in walk(&self.next, first)? {
            bytes.extend_from_slice(self.sector(number)?);
        }
        Some(bytes)
    }

    /// The stream with the workbook: `Book` up to Excel 95, `Workbook` after that.
    fn workbook(&self) -> Option<Vec<u8>> {
        let entries = || self.directory.chunks_exact(128);
        let entry = |name: &str| {
            let name = utf16(name).to_ascii_lowercase();
            entries().find(|entry| {
                entry[..name.len()].eq_ignore_ascii_case(&name) && entry[name.len()..][..2] == [0, 0]
            })
        };
        let entry = entry("Workbook").or_else(|| entry("Book"))?;
        let (first, length) = (number(entry, 116)?, usize::try_from(number(entry, 120)?).ok()?);
        let mut stream = if length < SHORT {
            let all = self.chain(number(entries().next()?, 116)?)?;
            let mut stream = Vec::new();
            for short in walk(&self.next_short, first)? {
                let begin = usize::try_from(short).ok()?.checked_mul(64)?;
                stream.extend_from_slice(all.get(begin..)?.get(..64).unwrap_or(&all[begin..]));
            }
            stream
        } else {
            self.chain(first)?
        };
        stream.truncate(length);
        Some(stream)
    }
}

/// The sectors of a chain; none if it goes round in circles or leaves the table.
fn walk(next: &[u32], first: u32) -> Option<Vec<u32>> {
    let mut chain = Vec::new();
    let mut at = first;
    while at < NO_SECTOR {
        if chain.len() >= next.len() {
            return None;
        }
        chain.push(at);
        at = *next.get(usize::try_from(at).ok()?)?;
    }
    Some(chain)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).filter_map(|bytes| number(bytes, 0))
}

/// The plainest container there is around a workbook: sectors of 4096 bytes, first the directory, then the stream, then
/// the table of both, of which the header can list more than are ever needed for [`FILE`].
fn contain(mut stream: Vec<u8>) -> Vec<u8> {
    const SECTOR: usize = 4096;
    let length = stream.len().max(SHORT);
    stream.resize(length.next_multiple_of(SECTOR), 0);
    let sectors = stream.len() / SECTOR;
    // The directory and the table itself stand in the table as well.
    let tables = (sectors + 1).div_ceil(SECTOR / 4 - 1);
    let wide = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);

    let mut file = vec![0; 2 * SECTOR];
    file[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    // Version 4, little-endian, sectors of 2^12 bytes, short ones of 2^6.
    file[24..34].copy_from_slice(&[0x3e, 0, 4, 0, 0xfe, 0xff, 12, 0, 6, 0]);
    let mut set = |at: usize, value: u32| file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    for (at, value) in [(40, 1), (44, wide(tables)), (48, 0), (56, 4096)] {
        set(at, value);
    }
    for (at, value) in [(60, END_OF_CHAIN), (64, 0), (68, END_OF_CHAIN), (72, 0)] {
        set(at, value);
    }
    for index in 0..109 {
        set(76 + 4 * index, if index < tables { wide(1 + sectors + index) } else { FREE });
    }
    for (index, (name, kind, first, length)) in
        [("Root Entry", 5, 0, 0), ("Workbook", 2, 1, length)].into_iter().enumerate()
    {
        let entry = &mut file[SECTOR + 128 * index..][..128];
        let name = utf16(name);
        entry[..name.len()].copy_from_slice(&name);
        entry[64] = u8::try_from(name.len() + 2).unwrap_or(64);
        entry[66..68].copy_from_slice(&[kind, 1]);
        entry[68..80].fill(0xff);
        entry[116..120].copy_from_slice(&u32::to_le_bytes(first));
        entry[120..124].copy_from_slice(&wide(length).to_le_bytes());
    }
    // The workbook is the root's only child.
    file[SECTOR + 76..SECTOR + 80].copy_from_slice(&1_u32.to_le_bytes());
    file.append(&mut stream);

    let following = (2..=wide(sectors)).chain([END_OF_CHAIN]);
    let table = [END_OF_CHAIN].into_iter().chain(following).chain(vec![SECTOR_OF_TABLE; tables]);
    file.extend(table.flat_map(u32::to_le_bytes));
    file.resize((2 + sectors + tables) * SECTOR, 0xff);
    file
}

/// Takes away the sizes that sheets claim, and refuses what lies too far apart. Sheets are looked at where the reader
/// will look at them; that no two of them share a byte makes it see the same records.
fn make_harmless(stream: &mut [u8], limits: &Limits) -> Result<(), ImportError> {
    let impossible = || ImportError::corrupt("its sheets overlap");
    let mut begins = Vec::new();
    let mut seen = Vec::new();
    let mut at = 0;
    while let Some(record) = Record::at(stream, at) {
        at = record.end;
        match (record.kind, stream[record.body..record.end].first_chunk::<4>()) {
            (BOUND_SHEET, Some(begin)) => begins.push(u32::from_le_bytes(*begin)),
            (END, _) => break,
            _ => {}
        }
    }
    seen.push((0, at));
    let mut table: u64 = 0;
    for begin in begins {
        let begin = usize::try_from(begin).map_err(|_| impossible())?;
        let (end, area) = walk_sheet(stream, begin)?;
        seen.push((begin, end));
        table = table.saturating_add(area);
        let limit = TABLE.min(u64::try_from(limits.cells).unwrap_or(u64::MAX));
        if table > limit {
            return Err(ImportError::TooManyCells { limit: usize::try_from(limit).unwrap_or(usize::MAX) });
        }
        if seen[..seen.len() - 1].iter().any(|(from, to)| begin < *to && *from < end) {
            return Err(impossible());
        }
    }
    Ok(())
}

/// Walks over a sheet; returns where it ends and how many cells lie between those farthest apart.
fn walk_sheet(stream: &mut [u8], begin: usize) -> Result<(usize, u64), ImportError> {
    let mut at = begin;
    let mut depth = 0_u32;
    let mut span: Option<[u16; 4]> = None;
    while let Some(record) = Record::at(stream, at) {
        at = record.end;
        let body = &stream[record.body..record.end];
        match record.kind {
            BEGIN => depth += 1,
            END if depth <= 1 => break,
            END => depth -= 1,
            DIMENSIONS => stream[record.start..record.start + 2].copy_from_slice(&NOTHING),
            kind if kind == MUL_RK || CELLS.contains(&kind) => {
                let Some([row, more, column, above]) = body.first_chunk::<4>() else { continue };
                let (row, column) =
                    (u16::from_le_bytes([*row, *more]), u16::from_le_bytes([*column, *above]));
                let further = if kind == MUL_RK { body.len().saturating_sub(12) / 6 } else { 0 };
                let last = column.saturating_add(u16::try_from(further).unwrap_or(u16::MAX));
                if last >= COLUMNS {
                    return Err(ImportError::corrupt("a cell lies beyond the last column"));
                }
                let [top, bottom, left, right] = span.unwrap_or([row, row, column, last]);
                span = Some([top.min(row), bottom.max(row), left.min(column), right.max(last)]);
            }
            _ => {}
        }
    }
    let area = span.map_or(0, |[top, bottom, left, right]| {
        (u64::from(bottom - top) + 1) * (u64::from(right - left) + 1)
    });
    Ok((at, area))
}

/// Where a record is: its type and length are two bytes each.
struct Record {
    kind: u16,
    start: usize,
    body: usize,
    end: usize,
}

impl Record {
    fn at(stream: &[u8], start: usize) -> Option<Self> {
        let [kind, more, length, above] = *stream.get(start..)?.first_chunk::<4>()?;
        let body = start + 4;
        let end = body + usize::from(u16::from_le_bytes([length, above]));
        (end <= stream.len()).then_some(Self { kind: u16::from_le_bytes([kind, more]), start, body, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap();
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), body].concat()
    }

    fn number_at(row: u16, column: u16) -> Vec<u8> {
        let place = [row.to_le_bytes(), column.to_le_bytes(), [0, 0]].concat();
        record(0x0203, &[&place[..], &f64::from(row).to_le_bytes()].concat())
    }

    /// A workbook of sheets, each of these records.
    fn stream(sheets: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let begin = || record(BEGIN, &[0, 6, 5, 0, 0, 0, 0, 0]);
        let bound = |at: usize, name: u8| {
            let at = u32::try_from(at).unwrap().to_le_bytes();
            record(BOUND_SHEET, &[&at[..], &[0, 0, 1, 0, name]].concat())
        };
        let mut at = begin().len() + sheets.len() * bound(0, b'a').len() + 4;
        let (mut globals, mut bodies) = (begin(), Vec::new());
        for (sheet, name) in sheets.iter().zip(b'a'..) {
            globals.extend(bound(at + bodies.len(), name));
            bodies.extend([begin(), sheet.concat(), record(END, &[])].concat());
        }
        at = globals.len();
        globals.extend(record(END, &[]));
        assert_eq!(globals.len(), at + 4);
        [globals, bodies].concat()
    }

    fn read(file: &[u8]) -> Result<Vec<(u32, usize)>, ImportError> {
        use crate::domain::phone::Region;
        use crate::import::reading::{Source, Wanted, open};
        let source = Source::Bytes(file.to_vec());
        let first = Wanted::Visible { after: 0 };
        let mut reading = open(source.into(), first, &Limits::default(), Region::US)?;
        let mut rows = Vec::new();
        while let Some(chunk) = reading.next_chunk()? {
            rows.extend(chunk.rows().map(|row| (row.number, row.cells().len())));
        }
        Ok(rows)
    }

    #[test]
    fn a_container_of_our_own_making_holds_the_same_stream() {
        for length in [1, 4095, 4096, 4097, 5_000_000] {
            let held: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let file = contain(held.clone());
            let mut found = Container::of(&file).unwrap().workbook().unwrap();
            assert!(found.split_off(length).iter().all(|byte| *byte == 0));
            assert!(found == held, "{length}");
        }
    }

    #[test]
    fn the_size_that_a_sheet_claims_is_not_believed() {
        for claim in [
            [&[0; 4][..], &u32::MAX.to_le_bytes(), &[0, 0, 0xff, 0xff, 0, 0]].concat(),
            [&1000_u32.to_le_bytes()[..], &[1, 0, 0, 0, 9, 0, 2, 0, 0, 0]].concat(),
            vec![0; 3],
        ] {
            let sheet = vec![record(DIMENSIONS, &claim), number_at(0, 0), number_at(2, 1)];
            assert_eq!(read(&contain(stream(&[sheet]))), Ok(vec![(1, 1), (3, 2)]));
        }
    }

    #[test]
    fn cells_too_far_apart_are_refused_before_a_table_is_made_of_them() {
        let far = vec![number_at(0, 0), number_at(u16::MAX, 255)];
        assert_eq!(read(&contain(stream(&[far]))), Err(ImportError::TooManyCells { limit: 8_000_000 }));
        let beyond = vec![number_at(0, 0), number_at(1, 256)];
        assert_eq!(read(&contain(stream(&[beyond]))).unwrap_err().reason(), "corrupt");
        let tall = || vec![number_at(0, 0), number_at(u16::MAX, 60)];
        assert_eq!(read(&contain(stream(&[tall()]))), Ok(vec![(1, 1), (65_536, 61)]));
        assert!(read(&contain(stream(&[tall(), tall(), tall()]))).is_err(), "sheets are counted together");
    }

    #[test]
    fn sheets_that_share_their_bytes_are_refused() {
        let mut twice = stream(&[vec![number_at(0, 0)], vec![number_at(0, 0)]]);
        let (first, second) = (12 + 4, 12 + 13 + 4);
        let begin: Vec<u8> = twice[first..first + 4].to_vec();
        twice[second..second + 4].copy_from_slice(&begin);
        assert_eq!(read(&contain(twice)).unwrap_err().reason(), "corrupt");
    }

    #[test]
    fn sectors_that_follow_each_other_in_circles_are_refused() {
        let mut file = contain(stream(&[vec![number_at(0, 0)]]));
        let table = file.len() - 4096;
        assert_eq!(&file[table..table + 4], END_OF_CHAIN.to_le_bytes());
        // The directory follows itself.
        file[table..table + 4].copy_from_slice(&[0; 4]);
        assert_eq!(read(&file).unwrap_err().reason(), "corrupt");
    }
}
