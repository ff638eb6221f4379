//! Reading an upload: `multipart/form-data` with a `file` and its `settings`.

use actix_multipart::{Field, Multipart};
use futures_util::TryStreamExt;

use super::Problem;

/// The largest contact list.
const LARGEST_FILE: usize = 64 * 1024 * 1024;

/// The largest settings.
const LARGEST_SETTINGS: usize = 256 * 1024;

/// What was uploaded.
pub(super) struct Upload {
    pub(super) file: Vec<u8>,
    pub(super) settings: Vec<u8>,
}

/// A list of numbers that was uploaded, whose settings may be left out.
pub(super) struct List {
    pub(super) file: Vec<u8>,
    pub(super) settings: Option<Vec<u8>>,
}

/// Reads both parts, in whatever order they come.
pub(super) async fn read(multipart: Multipart) -> Result<Upload, Problem> {
    let List { file, settings } = read_list(multipart).await?;
    Ok(Upload { file, settings: settings.ok_or_else(|| missing("settings"))? })
}

/// The same, where the settings may be left out.
pub(super) async fn read_list(mut multipart: Multipart) -> Result<List, Problem> {
    let (mut file, mut settings) = (None, None);
    while let Some(field) = multipart.try_next().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let (part, limit) = match name.as_str() {
            "file" => (&mut file, LARGEST_FILE),
            "settings" => (&mut settings, LARGEST_SETTINGS),
            _ => {
                let detail = format!("unknown part {name:?}, expected the parts file and settings");
                return Err(Problem::invalid("unknown-part", detail));
            }
        };
        if part.is_some() {
            return Err(Problem::invalid("part-twice", format!("the part {name} came twice")));
        }
        *part = Some(read_part(field, &name, limit).await?);
    }
    Ok(List { file: file.ok_or_else(|| missing("file"))?, settings })
}

fn missing(part: &str) -> Problem {
    Problem::invalid("missing-part", format!("expected a part named {part}"))
}

async fn read_part(mut field: Field, name: &str, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.try_next().await.map_err(broken)? {
        if bytes.len() + chunk.len() > limit {
            return Err(Problem::too_large(name, limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn broken(error: impl std::fmt::Display) -> Problem {
    Problem::malformed(format!("expected multipart/form-data with the parts file and settings: {error}"))
}
