//! What a campaign came to, as a file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use super::server::{ClientError, Server, Shown};

/// Writes what the server exports to a file, or to the standard output. A file has its name only when it is whole.
pub(super) async fn export(
    server: &Server,
    path: &[&str],
    query: &[(&str, String)],
    to: Option<&Path>,
) -> Result<Shown, ClientError> {
    let request = server.request_with(Method::GET, path, query);
    let Some(to) = to else {
        copy(server, request, io::stdout().lock(), Path::new("the standard output")).await?;
        return Ok(Shown::new("", Value::Null));
    };
    let unwritten = |source| ClientError::File { path: to.to_owned(), source };
    let part = Part::create(to).map_err(unwritten)?;
    let bytes = copy(server, request, &part.file, to).await?;
    part.becomes(to).map_err(unwritten)?;
    let text = format!("{} written, {bytes} bytes\n", to.display());
    Ok(Shown::new(text, json!({ "file": to.display().to_string(), "bytes": bytes })))
}

/// A file beside the one that is wanted. It is gone again if it does not become that one, whyever: also if whoever waits for it
/// has enough.
struct Part {
    path: PathBuf,
    file: File,
    is_whole: bool,
}

impl Part {
    fn create(to: &Path) -> io::Result<Self> {
        let mut path = to.as_os_str().to_owned();
        path.push(".part");
        let file = File::create(&path)?;
        Ok(Self { path: path.into(), file, is_whole: false })
    }

    /// Gives it the name that is wanted, now that it is whole.
    fn becomes(mut self, to: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, to)?;
        self.is_whole = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_whole {
            let _ = fs::remove_file(&self.path);
        }
    }
}

async fn copy(
    server: &Server,
    request: reqwest::RequestBuilder,
    mut to: impl Write,
    name: &Path,
) -> Result<u64, ClientError> {
    let unwritten = |source| ClientError::File { path: name.to_owned(), source };
    let mut answer = server.send(request).await?;
    let mut bytes = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|source| server.unreachable(source))? {
        to.write_all(&chunk).map_err(unwritten)?;
        bytes += chunk.len() as u64;
    }
    to.flush().map_err(unwritten)?;
    Ok(bytes)
}
