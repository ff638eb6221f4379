//! `outdial import`: a person with a list at the command line. It is read here and nothing is stored (`--check`), or it
//! is sent to the API, a running server's or that of [`crate::desk`], which adds its contacts to a campaign
//! (`--campaign`). Either way what came of it is shown as the same table.

mod body;
mod table;

use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::Value;
use uuid::Uuid;

pub use self::body::ListBody;
pub use self::table::Table;
use crate::client::{Server, exit_status_of, kind_of};
use crate::http::{ListForm, account_as_json};
use crate::import::{self, ImportError, Limits, Source};
use crate::json;

/// Why a list was not read or not sent.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The file cannot be opened.
    #[error("cannot open the list")]
    File(#[from] std::io::Error),
    /// What was said about the list cannot be used.
    #[error("cannot use the settings: {0}")]
    Settings(String),
    /// The file is no list.
    #[error(transparent)]
    List(#[from] ImportError),
    /// The server cannot be reached.
    #[error("cannot reach the server")]
    Server(#[from] reqwest::Error),
    /// The list was being sent, or was sent, and nothing was heard of it any more.
    #[error(
        "the server did not answer, and may have stored the list; GET /api/v1/campaigns/{campaign}/imports shows whether \
         it has, and nobody is added twice if it is sent again"
    )]
    NoAnswer {
        /// The campaign that the list was to be added to.
        campaign: Uuid,
        /// Why.
        source: reqwest::Error,
    },
    /// The server does not take the list.
    #[error("the server does not take the list ({status}): {said}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What kind of refusal it is, by its stable name.
        kind: String,
        /// Why, in the server's words.
        said: String,
    },
    /// The server has taken the list, and what it said of it did not arrive.
    #[error(
        "the server has stored the list, but its report did not arrive; GET /api/v1/campaigns/{campaign}/imports shows it"
    )]
    ReportLost {
        /// The campaign that the list was added to.
        campaign: Uuid,
        /// Why.
        source: reqwest::Error,
    },
}

impl ListError {
    /// The process's exit status, one of those of [`crate::client`].
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::File(_) | Self::Settings(_) | Self::List(_) => 2,
            Self::Server(_) | Self::NoAnswer { .. } | Self::ReportLost { .. } => 6,
            Self::Refused { status, kind, .. } => exit_status_of(*status, kind),
        }
    }
}

/// Reads a list without storing anything.
pub fn check(path: &Path, settings: &str, limits: &Limits) -> Result<Table, ListError> {
    let form: ListForm =
        json::read(settings.as_bytes()).map_err(|error| ListError::Settings(error.to_string()))?;
    let options = form.options(limits).map_err(|problem| ListError::Settings(problem.to_string()))?;
    let list = import::open(Source::File(File::open(path)?), &options)?;
    let bar = bar(ProgressBar::no_length(), "{elapsed:>4} {spinner} {human_pos} rows read");
    let account = list.read(&mut |batch| {
        bar.inc(batch.contacts.len() as u64);
        Ok(())
    })?;
    bar.finish_and_clear();
    Ok(Table::of(name_of(path), account_as_json(&account)))
}

/// Sends a list to a server, which adds its contacts to a campaign.
pub async fn send(path: &Path, settings: &str, server: &Server, campaign: Uuid) -> Result<Table, ListError> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let bar = bar(ProgressBar::new(length), "{elapsed:>4} {bar:30} {bytes} of {total_bytes} sent {msg}");
    let body = ListBody::new(file, length, &name_of(path), settings, bar.clone());
    let request = server
        .request(Method::POST, &["campaigns", &campaign.to_string(), "contacts"])
        .header(CONTENT_TYPE, body.content_type())
        .header(CONTENT_LENGTH, body.length())
        .body(reqwest::Body::wrap(body));
    let answer = request.send().await.map_err(|error| unanswered(error, campaign))?;
    bar.finish_and_clear();
    let status = answer.status();
    let said = answer.json::<Value>().await;
    if status.is_success() {
        let report = said.map_err(|source| ListError::ReportLost { campaign, source })?;
        return Ok(Table::of(name_of(path), report));
    }
    let said = said.unwrap_or_default();
    let detail = said["detail"].as_str().unwrap_or("without a reason").to_owned();
    Err(ListError::Refused { status: status.as_u16(), kind: kind_of(&said).to_owned(), said: detail })
}

/// What is known of a list if there is no answer: where nobody was connected to, nobody has it.
fn unanswered(source: reqwest::Error, campaign: Uuid) -> ListError {
    if source.is_connect() || source.is_builder() {
        return ListError::Server(source);
    }
    ListError::NoAnswer { campaign, source }
}

/// A bar where somebody watches, nothing where nobody does.
fn bar(bar: ProgressBar, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template(template).expect("the template is a constant that is well formed");
    bar.with_style(style)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Secret;

    fn list() -> tempfile::NamedTempFile {
        let mut list = tempfile::NamedTempFile::new().unwrap();
        list.write_all(b"phone\n202-555-0101\n202-555-0102\n").unwrap();
        list
    }

    #[test]
    fn a_list_is_checked_within_the_limits_that_the_server_would_have() {
        let list = list();
        assert!(check(list.path(), "{}", &Limits::default()).unwrap().has_contacts());
        let limits = Limits { rows: 1, ..Limits::default() };
        let refused = check(list.path(), "{}", &limits).unwrap_err();
        assert!(matches!(refused, ListError::List(ImportError::TooManyRows { limit: 1 })), "{refused}");
    }

    fn asked(url: &str) -> Server {
        Server::new(url, Secret::new("a-token")).unwrap()
    }

    /// Sends a list to a server that receives all of it and then answers with so much.
    async fn answered(answer: &str) -> Result<Table, ListError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = Vec::new();
            while !seen.ends_with(b"--\r\n") {
                assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "the whole request");
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let (list, asked) = (list(), asked(&url));
        let (sent, ()) = tokio::join!(send(list.path(), "{}", &asked, Uuid::nil()), server);
        sent
    }

    fn names_the_imports(error: &ListError) -> bool {
        error.to_string().contains(&format!("campaigns/{}/imports", Uuid::nil()))
    }

    #[actix_web::test]
    async fn a_report_that_breaks_off_is_no_report_of_nobody() {
        let broken = "HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{\"rows\": 2,";
        let lost = answered(broken).await.unwrap_err();
        assert!(matches!(lost, ListError::ReportLost { .. }) && names_the_imports(&lost), "{lost}");
    }

    #[actix_web::test]
    async fn who_was_sent_a_list_and_did_not_answer_may_have_stored_it() {
        for nothing in ["", "HTTP/1.1 201 Crea"] {
            let unknown = answered(nothing).await.unwrap_err();
            assert!(
                matches!(unknown, ListError::NoAnswer { .. }) && names_the_imports(&unknown),
                "{unknown}"
            );
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let nobody = send(list().path(), "{}", &asked(&url), Uuid::nil()).await.unwrap_err();
        assert!(matches!(nobody, ListError::Server(_)), "{nobody}");
    }
}
