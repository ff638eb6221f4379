//! Where PostgreSQL's server programs are. It only looks; what is run, and as whom, is the cluster's affair.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, iter};

use super::error::EmbeddedError;

/// The oldest major version whose SQL outdial speaks.
const OLDEST: u32 = 13;

/// Directories with a directory per version, each with `bin` inside: Debian's packages.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Directories in which Homebrew keeps `postgresql@17` and its siblings, on Apple's processors and on Intel's.
const HOMEBREW: [&str; 2] = ["/opt/homebrew/opt", "/usr/local/opt"];

/// Directories of other packages: Fedora and Alpine, source builds, Postgres.app.
const OTHERS: [&str; 4] = [
    "/usr/libexec/postgresql",
    "/usr/pgsql/bin",
    "/usr/local/pgsql/bin",
    "/Applications/Postgres.app/Contents/Versions/latest/bin",
];

/// One installed server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) directory: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The server for a cluster that was written by this major version, or the preferred one for a new cluster.
    pub(super) fn find(written_by: Option<u32>, cluster: &Path) -> Result<Self, EmbeddedError> {
        let installed = installed();
        if installed.is_empty() {
            let searched = format!("{DEBIAN}/*/bin, {}", HOMEBREW.join("/postgresql@*/bin, "));
            return Err(EmbeddedError::NoServer { searched });
        }
        choose(&installed, written_by).cloned().ok_or_else(|| EmbeddedError::OtherVersion {
            directory: cluster.to_owned(),
            written_by: written_by.map(|major| major.to_string()).unwrap_or_default(),
            installed: installed.iter().map(|found| found.major.to_string()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// A cluster opens only under the major version that wrote it; a new one takes what comes first.
fn choose(installed: &[Binaries], written_by: Option<u32>) -> Option<&Binaries> {
    match written_by {
        None => installed.first(),
        Some(major) => installed.iter().find(|found| found.major == major),
    }
}

/// Every server, in order of preference: the one of PATH, then the newest of each place.
fn installed() -> Vec<Binaries> {
    let on_path = crate::config::search_path().into_iter().filter_map(|directory| {
        let real = directory.join("postgres").canonicalize().ok()?;
        Some(real.parent()?.to_owned())
    });
    let debian = newest_first(Path::new(DEBIAN), "");
    let homebrew = HOMEBREW.iter().flat_map(|place| newest_first(Path::new(place), "postgresql@"));
    let others = OTHERS.iter().map(PathBuf::from);
    let mut found: Vec<Binaries> = Vec::new();
    for directory in on_path.chain(debian).chain(homebrew).chain(others) {
        if found.iter().all(|known| known.directory != directory) {
            found.extend(inspect(directory));
        }
    }
    found
}

/// The `bin` directories of the versions under `place`, whose names are this prefix and a number.
fn newest_first(place: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(place)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, bin)| bin).collect()
}

/// A directory is a server's if it holds both programs and its `postgres` says a version that is not too old.
fn inspect(directory: PathBuf) -> Option<Binaries> {
    if !iter::once("initdb").chain(["postgres"]).all(|name| directory.join(name).is_file()) {
        return None;
    }
    let answer = Command::new(directory.join("postgres")).arg("--version").output().ok()?;
    let major = major_of(&String::from_utf8_lossy(&answer.stdout))?;
    (major >= OLDEST).then_some(Binaries { directory, major })
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` or `… 18beta1`.
fn major_of(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_the_server_says() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 17\n"), Some(17));
        assert_eq!(major_of("mysqld  Ver 8.0"), None);
    }

    #[test]
    fn versions_are_ordered_as_numbers_and_not_as_texts() {
        let place = tempfile::tempdir().unwrap();
        for name in ["postgresql@9", "postgresql@17", "postgresql@16", "postgresql", "redis"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        let expected: Vec<_> =
            ["17", "16", "9"].map(|v| place.path().join(format!("postgresql@{v}/bin"))).into();
        assert_eq!(newest_first(place.path(), "postgresql@"), expected);
    }

    #[test]
    fn a_cluster_is_opened_only_by_the_version_that_wrote_it() {
        let server = |major| Binaries { directory: PathBuf::from(format!("/{major}")), major };
        let installed = [server(17), server(15)];
        assert_eq!(choose(&installed, None), Some(&server(17)));
        assert_eq!(choose(&installed, Some(15)), Some(&server(15)));
        assert_eq!(choose(&installed, Some(16)), None);
    }

    #[test]
    fn a_directory_without_programs_is_no_server() {
        assert_eq!(inspect(tempfile::tempdir().unwrap().path().to_owned()), None);
    }
}
