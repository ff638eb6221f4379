//! What is read: an upload that was spooled to disk, or bytes in memory.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

/// What is read, from its first byte on.
#[derive(Debug)]
pub enum Source {
    /// A file on disk.
    File(File),
    /// Bytes in memory.
    Bytes(Vec<u8>),
}

impl Source {
    /// The bytes as something to read and seek in, and how many they are.
    pub(super) fn open(self) -> io::Result<(Bytes, u64)> {
        let mut bytes = match self {
            Self::File(file) => Bytes::OnDisk(file),
            Self::Bytes(bytes) => Bytes::InMemory(Cursor::new(bytes)),
        };
        let size = bytes.seek(SeekFrom::End(0))?;
        bytes.rewind()?;
        Ok((bytes, size))
    }
}

/// A source that is open.
#[derive(Debug)]
pub(super) enum Bytes {
    OnDisk(File),
    InMemory(Cursor<Vec<u8>>),
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::OnDisk(file) => file.read(buffer),
            Self::InMemory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Bytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::OnDisk(file) => file.seek(to),
            Self::InMemory(bytes) => bytes.seek(to),
        }
    }
}
