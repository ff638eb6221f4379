//! As whom the server runs: whoever started outdial, or, because PostgreSQL refuses to run as root, an ordinary
//! user when that was root.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::error::{Doing, EmbeddedError};

/// Whom the server is handed over to, in order of preference.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Who runs the server and owns its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// Whoever runs this process, an ordinary user.
    Ourselves,
    /// Somebody else, to whom root hands over.
    Other {
        /// Their name, as far as it is known.
        name: String,
        uid: u32,
        gid: u32,
    },
}

impl Owner {
    /// The owner of the cluster's files, or, for a cluster that is yet to be made, the first candidate there is.
    pub(super) fn of(cluster: &Path) -> Result<Self, EmbeddedError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        match fs::metadata(cluster) {
            Ok(made) if made.uid() != 0 => {
                let name = name_of(&users, made.uid()).unwrap_or_else(|| made.uid().to_string());
                Ok(Self::Other { name, uid: made.uid(), gid: made.gid() })
            }
            _ => CANDIDATES
                .iter()
                .find_map(|candidate| named(&users, candidate))
                .ok_or(EmbeddedError::NoOrdinaryUser),
        }
    }

    /// A command that the owner runs, with an environment that says nothing about this machine's habits.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // A fixed locale also keeps macOS from starting threads in the server, and its messages in one language.
        command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").env("PATH", "/usr/bin:/bin").current_dir("/");
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes a directory that only the owner may enter, with all that is missing above it. What exists keeps its
    /// owner: it may be somebody's own.
    pub(super) fn make_private(&self, directory: &Path) -> Result<(), EmbeddedError> {
        if directory.is_dir() {
            return Ok(());
        }
        if let Some(above) = directory.parent() {
            self.make_private(above)?;
        }
        match DirBuilder::new().mode(0o700).create(directory) {
            // Two outdials that start for the first time meet here, before there is anything to lock.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            made => made.doing("make the directory", directory).and_then(|()| self.give(directory)),
        }
    }

    /// Gives a file that this process made to the owner.
    pub(super) fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { uid, gid, .. } => chown(path, Some(*uid), Some(*gid)).doing("give away", path),
        }
    }

    /// Refuses a directory that the owner cannot get at, because one above it is closed to them.
    pub(super) fn must_reach(&self, directory: &Path) -> Result<(), EmbeddedError> {
        let Self::Other { name, uid, gid } = self else { return Ok(()) };
        for above in directory.ancestors() {
            let found = fs::metadata(above).doing("look at", above)?;
            let may_enter = match () {
                () if found.uid() == *uid => 0o100,
                () if found.gid() == *gid => 0o010,
                () => 0o001,
            };
            if found.mode() & may_enter == 0 {
                return Err(EmbeddedError::OutOfReach { user: name.clone(), directory: above.to_owned() });
            }
        }
        Ok(())
    }

    /// Refuses a directory that others may enter or have made: what is in it would not be ours alone.
    pub(super) fn must_own(&self, directory: &Path) -> Result<(), EmbeddedError> {
        let found = fs::symlink_metadata(directory).doing("look at", directory)?;
        if found.is_dir() && found.uid() == self.uid() && found.mode() & 0o077 == 0 {
            return Ok(());
        }
        let user = match self {
            Self::Ourselves => self.uid().to_string(),
            Self::Other { name, .. } => name.clone(),
        };
        Err(EmbeddedError::NotPrivate { directory: directory.to_owned(), user })
    }

    fn uid(&self) -> u32 {
        match self {
            Self::Ourselves => rustix::process::geteuid().as_raw(),
            Self::Other { uid, .. } => *uid,
        }
    }
}

/// A line of `/etc/passwd`: name, password, uid, gid, and more that is of no interest here.
fn fields(line: &str) -> Option<(&str, u32, u32)> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some((name, uid, gid))
}

fn named(users: &str, wanted: &str) -> Option<Owner> {
    let (name, uid, gid) = users.lines().filter_map(fields).find(|(name, ..)| *name == wanted)?;
    Some(Owner::Other { name: name.to_owned(), uid, gid })
}

fn name_of(users: &str, wanted: u32) -> Option<String> {
    users.lines().filter_map(fields).find(|(_, uid, _)| *uid == wanted).map(|(name, ..)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/bash\n\
                         \n\
                         nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
                         postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn users_are_found_by_name_and_by_number() {
        let expected = Owner::Other { name: "postgres".into(), uid: 101, gid: 104 };
        assert_eq!(named(USERS, "postgres"), Some(expected));
        assert_eq!(named(USERS, "post"), None);
        assert_eq!(name_of(USERS, 65534).as_deref(), Some("nobody"));
        assert_eq!(name_of(USERS, 4), None);
    }

    #[test]
    fn a_directory_below_a_closed_one_is_out_of_reach() {
        let closed = tempfile::tempdir().unwrap();
        fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let below = closed.path().join("below");
        fs::create_dir(&below).unwrap();
        let stranger = Owner::Other { name: "stranger".into(), uid: 4_000_000, gid: 4_000_000 };
        let error = stranger.must_reach(&below).unwrap_err();
        assert!(
            matches!(&error, EmbeddedError::OutOfReach { directory, .. } if directory == closed.path()),
            "{error}"
        );
        assert!(stranger.must_own(&below).is_err());
    }
}
