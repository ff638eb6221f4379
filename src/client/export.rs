//! What a campaign came to, as a file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

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
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let unwritten = |source| ClientError::File { path: to.to_owned(), source };
    let file = File::create(&part).map_err(unwritten)?;
    let bytes = copy(server, request, &file, to).await?;
    file.sync_all().map_err(unwritten)?;
    fs::rename(&part, to).map_err(unwritten)?;
    let text = format!("{} written, {bytes} bytes\n", to.display());
    Ok(Shown::new(text, json!({ "file": to.display().to_string(), "bytes": bytes })))
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
