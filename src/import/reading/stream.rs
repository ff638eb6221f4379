//! A file's bytes, one after the other; what is compressed comes inflated, and is counted as it comes.

use std::io::{BufReader, ErrorKind, Read, Seek};

use flate2::read::MultiGzDecoder;

use super::Limits;
use super::source::Bytes;
use crate::import::ImportError;

/// A file's bytes.
#[derive(Debug)]
pub(super) struct Stream {
    from: From,
    inflated: u64,
    limit: u64,
}

#[derive(Debug)]
enum From {
    Plain(Bytes),
    /// Boxed: the decoder is large.
    Gzip(Box<MultiGzDecoder<BufReader<Bytes>>>),
}

impl Stream {
    /// The bytes as they are, from the first on.
    pub(super) fn plain(mut bytes: Bytes) -> Result<Self, ImportError> {
        bytes.rewind().map_err(unreadable)?;
        Ok(Self { from: From::Plain(bytes), inflated: 0, limit: u64::MAX })
    }

    /// The bytes that a gzip file of this size inflates to, which may have several members.
    pub(super) fn gzip(bytes: Bytes, size: u64, limits: &Limits) -> Result<Self, ImportError> {
        Self::gzip_within(bytes, limits.inflated_from(size))
    }

    fn gzip_within(mut bytes: Bytes, limit: u64) -> Result<Self, ImportError> {
        bytes.rewind().map_err(unreadable)?;
        let decoder = MultiGzDecoder::new(BufReader::new(bytes));
        Ok(Self { from: From::Gzip(Box::new(decoder)), inflated: 0, limit })
    }

    /// What it reads from, as far as it has come.
    pub(super) fn into_bytes(self) -> Bytes {
        match self.from {
            From::Plain(bytes) => bytes,
            From::Gzip(decoder) => decoder.into_inner().into_inner(),
        }
    }

    /// The same bytes once more, from the first on.
    pub(super) fn again(self) -> Result<Self, ImportError> {
        let limit = self.limit;
        match self.from {
            From::Plain(bytes) => Self::plain(bytes),
            From::Gzip(_) => Self::gzip_within(self.into_bytes(), limit),
        }
    }

    /// Adds bytes until there are as many as wanted; returns whether the end was met.
    pub(super) fn fill(&mut self, into: &mut Vec<u8>, wanted: usize) -> Result<bool, ImportError> {
        let mut filled = into.len();
        if filled >= wanted {
            return Ok(false);
        }
        into.resize(wanted, 0);
        let ended = loop {
            match self.read_some(&mut into[filled..]) {
                Ok(0) => break Ok(true),
                Ok(read) => filled += read,
                Err(error) => break Err(error),
            }
            if filled == wanted {
                break Ok(false);
            }
        };
        into.truncate(filled);
        ended
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, ImportError> {
        loop {
            let read = match &mut self.from {
                From::Plain(bytes) => bytes.read(buffer),
                From::Gzip(decoder) => decoder.read(buffer),
            };
            let read = match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if matches!(self.from, From::Gzip(_)) => return Err(ImportError::corrupt(error)),
                Err(error) => return Err(unreadable(error)),
                Ok(read) => read,
            };
            if matches!(self.from, From::Gzip(_)) {
                self.inflated = self.inflated.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                if self.inflated > self.limit {
                    return Err(ImportError::InflatesTooFar { limit: self.limit });
                }
            }
            return Ok(read);
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.read_some(buffer).map_err(std::io::Error::other)
    }
}

/// What the operating system says when it does not give a file's bytes.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
pub(super) fn unreadable(error: std::io::Error) -> ImportError {
    ImportError::Unreadable { what: error.to_string() }
}
