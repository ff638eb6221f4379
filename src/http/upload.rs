//! Receiving an upload: the file goes to a temporary one as it comes, never into memory as a whole.

use actix_multipart::{Field, Multipart};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web;
use futures_util::{Stream, TryStreamExt};

use super::Problem;
use super::body::going_on;
use super::spool::{Spool, Spooled};

/// The largest settings.
const LARGEST_SETTINGS: usize = 256 * 1024;

/// The longest name of a file that is kept, in characters.
const LONGEST_NAME: usize = 200;

/// What was uploaded.
pub(super) struct Upload {
    pub(super) file: Option<Spooled>,
    pub(super) settings: Option<Vec<u8>>,
}

/// Whether a request carries parts.
pub(super) fn is_multipart(headers: &HeaderMap) -> bool {
    is_of_kind(headers, "multipart/")
}

/// Whether a request carries JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    is_of_kind(headers, "application/json")
}

fn is_of_kind(headers: &HeaderMap, kind: &str) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|said| said.to_str().ok());
    said.is_some_and(|said| said.trim_start().to_ascii_lowercase().starts_with(kind))
}

/// Receives the parts `file` and `settings`, in whatever order they come.
pub(super) async fn receive(
    headers: &HeaderMap,
    payload: web::Payload,
    largest_file: u64,
    to: &Spool,
) -> Result<Upload, Problem> {
    let mut multipart = Multipart::new(headers, going_on(payload));
    let mut upload = Upload { file: None, settings: None };
    while let Some(field) = multipart.try_next().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" if upload.file.is_none() => {
                let disposition = field.content_disposition();
                let name = disposition.and_then(|disposition| disposition.get_filename()).map(named);
                upload.file = Some(spool(field.map_err(broken), name, largest_file, to).await?);
            }
            "settings" if upload.settings.is_none() => {
                upload.settings = Some(read_settings(field).await?);
            }
            "file" | "settings" => {
                return Err(Problem::invalid("part-twice", format!("the part {name} came twice")));
            }
            _ => {
                let detail = format!("unknown part {name:?}, expected the parts file and settings");
                return Err(Problem::invalid("unknown-part", detail));
            }
        }
    }
    Ok(upload)
}

/// Receives a body that is the list itself.
pub(super) async fn receive_body(
    payload: web::Payload,
    largest: u64,
    to: &Spool,
) -> Result<Spooled, Problem> {
    spool(going_on(payload).map_err(|error| Problem::malformed(error.to_string())), None, largest, to).await
}

/// A part that has to be there.
pub(super) fn required<T>(part: Option<T>, name: &str) -> Result<T, Problem> {
    part.ok_or_else(|| Problem::invalid("missing-part", format!("expected a part named {name}")))
}

async fn spool(
    mut chunks: impl Stream<Item = Result<web::Bytes, Problem>> + Unpin,
    name: Option<String>,
    largest: u64,
    to: &Spool,
) -> Result<Spooled, Problem> {
    let mut file = to.begin().await?;
    while let Some(chunk) = chunks.try_next().await? {
        if file.bytes() + chunk.len() as u64 > largest {
            return Err(Problem::too_large("file", largest));
        }
        file = file.take(&chunk).await?;
    }
    file.finish(name).await
}

async fn read_settings(mut field: Field) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.try_next().await.map_err(broken)? {
        if bytes.len() + chunk.len() > LARGEST_SETTINGS {
            return Err(Problem::too_large("settings", LARGEST_SETTINGS as u64));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A name as it may be kept and shown: without a path, and without what cannot be shown.
fn named(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    last.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

fn broken(error: impl std::fmt::Display) -> Problem {
    Problem::malformed(format!("expected multipart/form-data with the parts file and settings: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_its_path_and_what_cannot_be_shown() {
        for (given, kept) in [
            ("list.csv", "list.csv"),
            ("C:\\Users\\Ada\\list.csv", "list.csv"),
            ("../../etc/passwd", "passwd"),
            ("a\u{0}b\r\n.csv", "ab.csv"),
        ] {
            assert_eq!(named(given), kept);
        }
        assert_eq!(named(&"é".repeat(500)).chars().count(), LONGEST_NAME);
    }
}
