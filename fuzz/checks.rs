//! What must hold for whatever strangers upload. `cargo fuzz` calls these with what it makes up, and the ordinary
//! tests with what is kept in `corpus`. Nothing here touches a file.

use std::collections::HashSet;
use std::io::{Cursor, Write};

use outdial::domain::phone::{Countries, Phone, Region, read_phone};
use outdial::import::{
    Account, Batch, ImportError, Kind, Limits, NewContact, Options, Rejects, RowReport, Source, open,
};

/// What a reader's panic is called once it was caught: the file is damaged.
const CAUGHT: &str = "it makes no sense";

/// Begins a part of an archive that is written as a text: its name follows, up to the end of the line.
const PART: &[u8] = b"--part ";

/// How much a list may hold here: little, so that the limits are met and nothing takes long.
fn options() -> Options {
    let limits = Limits {
        bytes: 64 << 10,
        inflated_bytes: 1 << 20,
        rows: 1_000,
        columns: 24,
        cells: 8_000,
        cell_chars: 500,
    };
    Options { limits, ..Options::for_region(Region::US) }
}

/// A file is refused in a sentence, or every row of it is accounted for and every contact can be called. The refused
/// rows are such a file as well.
pub fn import(bytes: &[u8]) {
    let options = options();
    let Ok(Some(rejects)) = check_list(bytes, &options) else { return };
    // They may be more bytes than the list was.
    let limits = Limits { bytes: u64::MAX, inflated_bytes: u64::MAX, ..options.limits };
    if let Err(error) = check_list(&rejects, &Options { limits, ..options }) {
        panic!("a rejects file that cannot be read again: {error}");
    }
}

/// The same for an archive, written as parts, each below a line with its name. A made-up ZIP file seldom has the right
/// checksums, so that nothing in it would be read.
pub fn parts(bytes: &[u8]) {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(PART)).collect();
    let ends = starts.iter().copied().skip(1).chain([bytes.len()]);
    for (start, end) in starts.iter().zip(ends) {
        let part = &bytes[start + PART.len()..end];
        let line = part.iter().position(|c| *c == b'\n').unwrap_or(part.len());
        let name = String::from_utf8_lossy(&part[..line]);
        // Two parts of one name are not written.
        if archive.start_file(&*name, stored).is_ok() {
            let content = part.get(line + 1..).unwrap_or_default();
            archive.write_all(content).expect("memory takes everything");
        }
    }
    if let Ok(archive) = archive.finish() {
        import(archive.get_ref());
    }
}

/// Whatever is read as a number, in whatever country, is one that can be dialed, kept, and read again.
pub fn phone(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for home in ["US", "GB", "DE", "IT", "BR", "AU"].map(|code| Region::parse(code).expect("a region")) {
        let countries = Countries::default_for(home);
        match read_phone(&text, home, &countries) {
            Ok(parsed) => {
                assert!(countries.allow(parsed.region), "a number in a country that may be called");
                assert_extension(parsed.extension.as_deref());
                assert_numbers(&parsed.phone, &parsed.alternates, home, &countries);
                let again = read_phone(parsed.phone.as_str(), home, &countries).expect("it was just read");
                assert_eq!((again.region, again.number_type), (parsed.region, parsed.number_type));
            }
            Err(refusal) => {
                assert!(!refusal.to_string().is_empty());
                if let Some(suggested) = refusal.suggestion {
                    assert_numbers(&suggested, &[], home, &countries);
                }
            }
        }
    }
}

/// Reads a list and checks it; returns its rejects file, if there is anything in it, or why it is refused.
fn check_list(bytes: &[u8], options: &Options) -> Result<Option<Vec<u8>>, ImportError> {
    let mut whole = Batch::default();
    let read = open(Source::Bytes(bytes.to_vec()), options).and_then(|list| {
        let header = list.rejects_header();
        let account = list.read(&mut |batch| {
            whole.contacts.extend(batch.contacts);
            whole.rows.extend(batch.rows);
            Ok(())
        })?;
        Ok((header, account))
    });
    match read {
        Ok((header, account)) => {
            assert_accounted(&account, &whole, options);
            whole.contacts.iter().for_each(|contact| assert_callable(contact, &account, options));
            whole.rows.iter().for_each(|row| assert_said(row, options));
            Ok(rejects(&header, &whole.rows))
        }
        Err(error) => {
            assert_refused(&error, bytes);
            Err(error)
        }
    }
}

fn assert_refused(error: &ImportError, bytes: &[u8]) {
    assert!(!error.to_string().is_empty());
    match error {
        ImportError::Defect => panic!("a worker has panicked"),
        ImportError::Stopped => panic!("nobody has stopped it"),
        ImportError::Unreadable { what } => panic!("memory can always be read, but: {what}"),
        ImportError::Corrupt { what } if what == CAUGHT => {
            let is_foreign = bytes.starts_with(b"\xd0\xcf") || bytes.windows(3).any(|name| name == b"xl/");
            assert!(is_foreign, "only another's reader may panic over a file");
        }
        _ => {}
    }
}

fn assert_accounted(account: &Account, whole: &Batch, options: &Options) {
    let sum = account.imported + account.duplicates + account.rejected + account.blank;
    assert_eq!(account.rows, sum, "every row is accounted for, once");
    assert!(account.rows <= options.limits.rows, "{} rows", account.rows);
    assert_eq!(account.imported, whole.contacts.len());
    let said = |kind: &str| whole.rows.iter().filter(|row| row.kind.as_str() == kind).count();
    assert_eq!(
        (account.rejected, account.duplicates, account.repaired),
        (said("refused"), said("duplicate"), said("repaired"))
    );
    assert_eq!(account.reasons.iter().map(|reason| reason.count).sum::<usize>(), whole.rows.len());
    let columns: HashSet<&String> = account.columns.iter().collect();
    assert_eq!(columns.len(), account.columns.len(), "columns are told apart: {:?}", account.columns);
    let mut numbers = HashSet::new();
    let is_new = |contact: &NewContact| numbers.insert((contact.phone.clone(), contact.extension.clone()));
    assert!(whole.contacts.iter().all(is_new), "nobody comes twice");
}

fn assert_callable(contact: &NewContact, account: &Account, options: &Options) {
    assert!(contact.row >= 1);
    assert!(options.countries.allow(contact.region));
    assert!((-1_000..=1_000).contains(&contact.priority));
    assert_extension(contact.extension.as_deref());
    assert_numbers(&contact.phone, &contact.alternates, options.default_region, &options.countries);
    let metadata = contact.metadata.get();
    let metadata: serde_json::Value = serde_json::from_str(metadata).expect("metadata is JSON");
    for (column, text) in metadata.as_object().expect("metadata is an object") {
        assert!(text.is_string(), "metadata is texts");
        assert!(account.columns.contains(column), "{column:?} is none of {:?}", account.columns);
    }
}

fn assert_said(row: &RowReport, options: &Options) {
    assert!(row.row >= 1);
    assert!(!row.reason.is_empty() && !row.sentence.is_empty());
    if let Kind::Refused { suggestion: Some(suggestion), .. } = &row.kind {
        let phone = Phone::from_e164(suggestion).expect("a suggestion is a number");
        assert_numbers(&phone, &[], options.default_region, &options.countries);
    }
}

/// Each number can be dialed as it is and is itself when it is read again, and none is there twice.
fn assert_numbers(phone: &Phone, alternates: &[Phone], home: Region, countries: &Countries) {
    let mut seen = HashSet::new();
    for number in std::iter::once(phone).chain(alternates) {
        assert!(seen.insert(number), "{} is there twice", number.as_str());
        assert_eq!(Phone::from_e164(number.as_str()).as_ref(), Ok(number));
        let again = read_phone(number.as_str(), home, countries);
        let again = again.unwrap_or_else(|refusal| panic!("{}: {refusal}", number.as_str()));
        assert_eq!((&again.phone, again.repair, &again.alternates[..]), (number, None, &[][..]));
    }
}

fn assert_extension(extension: Option<&str>) {
    if let Some(extension) = extension {
        let is_one = (1..=7).contains(&extension.len()) && extension.bytes().all(|c| c.is_ascii_digit());
        assert!(is_one, "{extension:?} is no extension");
    }
}

fn rejects(header: &[String], rows: &[RowReport]) -> Option<Vec<u8>> {
    let mut file = Rejects::new(Vec::new(), header).expect("memory takes everything");
    let mut is_empty = true;
    for row in rows {
        if let Kind::Refused { suggestion, cells } = &row.kind {
            file.write(row.reason, &row.sentence, suggestion.as_deref(), cells)
                .expect("memory takes everything");
            is_empty = false;
        }
    }
    let file = file.finish().expect("memory takes everything");
    (!is_empty).then_some(file)
}
