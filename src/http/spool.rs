//! Lists on the disk while they are received and read: in files without a name, which are gone when nobody has them open.
//! They are written and read on threads that may wait for a disk: those that answer requests, and place calls, may not.
//! Whoever sends faster than the disk writes waits.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Problem;
use super::intake::on_a_thread;

/// So much of an upload is collected before it is written.
const COLLECTED: usize = 1 << 20;

/// Where lists lie.
#[derive(Debug, Clone)]
pub struct Spool {
    directory: Option<PathBuf>,
}

/// A file that lies on the disk, without a name there.
pub(super) struct Spooled {
    /// The file, from its beginning.
    pub(super) file: File,
    /// What its owner calls it.
    pub(super) name: Option<String>,
    /// SHA-256 of it.
    pub(super) digest: [u8; 32],
    /// Its size.
    pub(super) bytes: u64,
}

/// A file that is being written.
pub(super) struct Spooling {
    file: File,
    digest: Sha256,
    bytes: u64,
    collected: Vec<u8>,
}

impl Spool {
    /// In this directory, or in the system's temporary one. Fails if no file can be made there.
    pub fn open(directory: Option<&Path>) -> io::Result<Self> {
        let spool = Self { directory: directory.map(Path::to_owned) };
        spool.file()?;
        Ok(spool)
    }

    fn file(&self) -> io::Result<File> {
        self.directory.as_ref().map_or_else(tempfile::tempfile, tempfile::tempfile_in)
    }

    /// Begins a file.
    pub(super) async fn begin(&self) -> Result<Spooling, Problem> {
        let spool = self.clone();
        let file = on_a_thread(move || spool.file()).await?.map_err(unusable)?;
        Ok(Spooling { file, digest: Sha256::new(), bytes: 0, collected: Vec::new() })
    }
}

impl Spooling {
    /// How much has come so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes what follows. What is kept in memory is never more than what is collected and this.
    pub(super) async fn take(mut self, chunk: &[u8]) -> Result<Self, Problem> {
        self.bytes += chunk.len() as u64;
        self.collected.extend_from_slice(chunk);
        if self.collected.len() < COLLECTED {
            return Ok(self);
        }
        on_a_thread(move || self.write()).await?.map_err(unusable)
    }

    /// Ends the file.
    pub(super) async fn finish(self, name: Option<String>) -> Result<Spooled, Problem> {
        let end = move || {
            let mut written = self.write()?;
            written.file.rewind()?;
            let Self { file, digest, bytes, .. } = written;
            Ok(Spooled { file, name, digest: digest.finalize().into(), bytes })
        };
        on_a_thread(end).await?.map_err(unusable)
    }

    fn write(mut self) -> io::Result<Self> {
        self.digest.update(&self.collected);
        self.file.write_all(&self.collected)?;
        self.collected.clear();
        Ok(self)
    }
}

/// Reads on in a file: so many bytes, or what is left of it.
pub(super) async fn read_on(mut file: File, bytes: usize) -> Result<(File, Vec<u8>), Problem> {
    let read = move || {
        let mut piece = Vec::with_capacity(bytes);
        Read::by_ref(&mut file).take(u64::try_from(bytes).unwrap_or(u64::MAX)).read_to_end(&mut piece)?;
        Ok((file, piece))
    };
    on_a_thread(read).await?.map_err(unusable)
}

fn unusable(error: io::Error) -> Problem {
    tracing::error!(error = &error as &dyn std::error::Error, "a list cannot be kept or read on the disk");
    Problem::unavailable("the server cannot use its disk just now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn what_is_taken_in_pieces_is_there_as_a_whole_and_has_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(Some(directory.path())).unwrap();
        let whole: Vec<u8> = (0..3 * COLLECTED + 17).map(|n| (n % 251) as u8).collect();
        let mut spooling = spool.begin().await.unwrap();
        for piece in whole.chunks(70_001) {
            spooling = spooling.take(piece).await.unwrap();
            assert!(
                spooling.collected.len() < COLLECTED + 70_001,
                "more is held in memory than is collected"
            );
        }
        assert_eq!(spooling.bytes(), whole.len() as u64);
        let spooled = spooling.finish(Some("list.csv".to_owned())).await.unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        assert_eq!((spooled.bytes, spooled.digest), (whole.len() as u64, Sha256::digest(&whole).into()));
        let (file, first) = read_on(spooled.file, COLLECTED).await.unwrap();
        let (file, rest) = read_on(file, 3 * COLLECTED).await.unwrap();
        assert_eq!([first, rest].concat(), whole);
        assert!(read_on(file, 1).await.unwrap().1.is_empty());
    }

    #[test]
    fn a_directory_that_cannot_be_written_to_is_no_spool() {
        assert!(Spool::open(Some(Path::new("/nowhere"))).is_err());
        assert!(Spool::open(None).is_ok());
    }
}
