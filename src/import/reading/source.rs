//! What is read: an upload that was spooled to disk, or bytes in memory.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// What is read, from its first byte on.
#[derive(Debug)]
pub enum Source {
    /// A file on disk.
    File(File),
    /// Bytes in memory.
    Bytes(Vec<u8>),
}

/// A source that may be read several times, also at once.
#[derive(Debug, Clone)]
pub(in crate::import) enum Shared {
    OnDisk(Arc<File>),
    InMemory(Arc<[u8]>),
}

impl From<Source> for Shared {
    fn from(source: Source) -> Self {
        match source {
            Source::File(file) => Self::OnDisk(Arc::new(file)),
            Source::Bytes(bytes) => Self::InMemory(bytes.into()),
        }
    }
}

impl Shared {
    /// The bytes as something to read and seek in, and how many they are.
    pub(super) fn open(self) -> io::Result<(Bytes, u64)> {
        let mut bytes = match self {
            Self::OnDisk(file) => Bytes::OnDisk { file, at: 0 },
            Self::InMemory(bytes) => Bytes::InMemory(Cursor::new(bytes)),
        };
        let size = bytes.seek(SeekFrom::End(0))?;
        bytes.rewind()?;
        Ok((bytes, size))
    }
}

/// A source that is open.
#[derive(Debug)]
pub(super) enum Bytes {
    /// Each reader has a place of its own: the file's is everybody's.
    OnDisk {
        file: Arc<File>,
        at: u64,
    },
    InMemory(Cursor<Arc<[u8]>>),
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::OnDisk { file, at } => {
                let read = file.read_at(buffer, *at)?;
                *at = at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                Ok(read)
            }
            Self::InMemory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Bytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::OnDisk { file, at } => {
                let sought = match to {
                    SeekFrom::Start(place) => Some(place),
                    SeekFrom::Current(by) => at.checked_add_signed(by),
                    SeekFrom::End(by) => file.metadata()?.len().checked_add_signed(by),
                };
                *at = sought.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
                Ok(*at)
            }
            Self::InMemory(bytes) => bytes.seek(to),
        }
    }
}
