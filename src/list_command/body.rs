//! A list as the body of a request: the parts that the server expects, the file read piece by piece as it is sent.

use std::fs::File;
use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use indicatif::ProgressBar;

/// What parts the parts. It stands at the beginning of no line of anybody's list.
const BOUNDARY: &str = "outdial-import-7f3c5e1b9d024a68";

/// So much of a file is read at once.
const PIECE: usize = 64 << 10;

/// The body.
pub struct ListBody {
    head: Option<Bytes>,
    file: File,
    tail: Option<Bytes>,
    length: u64,
    sent: u64,
    bar: ProgressBar,
}

impl ListBody {
    /// For a file of so many bytes, with what is said about it.
    pub fn new(file: File, bytes: u64, name: &str, settings: &str, bar: ProgressBar) -> Self {
        let name: String =
            name.chars().map(|c| if c.is_control() || c == '"' || c == '\\' { '_' } else { c }).collect();
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"settings\"\r\n\r\n{settings}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let length = head.len() as u64 + bytes + tail.len() as u64;
        Self { head: Some(head.into()), file, tail: Some(tail.into()), length, sent: 0, bar }
    }

    /// What the body is.
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    /// How long it is.
    pub fn length(&self) -> u64 {
        self.length
    }

    fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head));
        }
        let mut piece = vec![0; PIECE];
        let read = self.file.read(&mut piece)?;
        if read > 0 {
            piece.truncate(read);
            self.bar.inc(read as u64);
            return Ok(Some(piece.into()));
        }
        self.bar.set_message("and waiting for the server");
        Ok(self.tail.take())
    }
}

impl Body for ListBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let body = self.get_mut();
        let next = body.next().transpose().map(|piece| {
            piece.map(|piece| {
                body.sent += piece.len() as u64;
                Frame::data(piece)
            })
        });
        Poll::Ready(next)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length - self.sent)
    }
}
