//! Which database: one that is given, or a private one and where its data lies.

use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::reader::Reader;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A PostgreSQL that somebody else runs.
    Given {
        /// How to connect to it.
        config: Box<Config>,
        /// How the connection is protected.
        tls: Tls,
    },
    /// A private PostgreSQL.
    Embedded {
        /// outdial's data directory.
        data_dir: PathBuf,
    },
}

/// How a connection to a given database is protected, in the words of `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Disable,
    /// Encrypted if the server can, without asking who it is.
    Prefer,
    /// Encrypted, without asking who the server is.
    Require,
    /// Encrypted, with a certificate for this host that a known authority has signed.
    VerifyFull,
}

impl Tls {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "disable" => Some(Self::Disable),
            "prefer" => Some(Self::Prefer),
            "require" => Some(Self::Require),
            "verify-full" => Some(Self::VerifyFull),
            _ => None,
        }
    }

    fn mode(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::VerifyFull => SslMode::Require,
        }
    }
}

/// Reads where the database is: the one that is given, or else where the private one lies.
pub(super) fn read<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<Database> {
    match reader.text("DATABASE_URL") {
        Some(_) => reader.read("DATABASE_URL", parse_url),
        None => data_dir(reader).map(|data_dir| Database::Embedded { data_dir }),
    }
}

/// Reads a URL. Neither the URL nor a part of it appears in the error: it holds a password.
fn parse_url(url: &str) -> Result<Database, String> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err("expected a URL such as postgres://user:password@host:5432/name".to_owned());
    }
    let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
    let mut tls = Tls::Prefer;
    let mut others = Vec::new();
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        // tokio-postgres does not know verify-full: its TLS connector is what verifies.
        match parameter.split_once('=') {
            Some(("sslmode", mode)) => {
                // A password with an unescaped ? may reach to here: what stands there is not told.
                tls = Tls::parse(mode).ok_or("expected sslmode disable, prefer, require or verify-full")?;
            }
            _ => others.push(parameter),
        }
    }
    let url = if others.is_empty() { place.to_owned() } else { format!("{place}?{}", others.join("&")) };
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    })?;
    if config.get_hosts().is_empty() {
        return Err("expected a host in the URL".to_owned());
    }
    config.ssl_mode(tls.mode());
    Ok(Database::Given { config: Box::new(config), tls })
}

/// outdial's data directory.
pub(super) fn data_dir<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<PathBuf> {
    let given = reader.text("OUTDIAL_DATA_DIR").map(PathBuf::from);
    let is_root = rustix::process::geteuid().is_root();
    let found =
        given.or_else(|| default_data_dir(|name| reader.text(name), is_root, cfg!(target_os = "macos")));
    if found.is_none() {
        reader.problem("OUTDIAL_DATA_DIR", "expected a directory, as there is no HOME to put the data in");
    }
    found
}

fn default_data_dir(text: impl Fn(&str) -> Option<String>, is_root: bool, is_macos: bool) -> Option<PathBuf> {
    if is_root {
        return Some(PathBuf::from("/var/lib/outdial"));
    }
    let home = || text("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    if is_macos {
        return Some(home()?.join("Library/Application Support/outdial"));
    }
    let chosen = text("XDG_DATA_HOME").filter(|chosen| Path::new(chosen).is_absolute()).map(PathBuf::from);
    Some(chosen.or_else(|| Some(home()?.join(".local/share")))?.join("outdial"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls_of(url: &str) -> Tls {
        match parse_url(url).unwrap() {
            Database::Given { tls, .. } => tls,
            Database::Embedded { .. } => panic!("a URL is no private database"),
        }
    }

    #[test]
    fn a_url_says_how_the_connection_is_protected() {
        let url = "postgres://o:p%40ss@db.example.com:6432/outdial";
        assert_eq!(tls_of(url), Tls::Prefer);
        assert_eq!(tls_of(&format!("{url}?sslmode=disable")), Tls::Disable);
        assert_eq!(tls_of(&format!("{url}?sslmode=require&connect_timeout=5")), Tls::Require);
        assert_eq!(tls_of(&format!("{url}?application_name=x&sslmode=verify-full")), Tls::VerifyFull);
        let Ok(Database::Given { config, .. }) =
            parse_url(&format!("{url}?connect_timeout=5&sslmode=verify-full"))
        else {
            panic!("a good URL was refused")
        };
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        assert_eq!(config.get_password(), Some(b"p@ss".as_slice()));
        assert_eq!(config.get_connect_timeout(), Some(&std::time::Duration::from_secs(5)));
    }

    #[test]
    fn a_url_may_name_several_servers() {
        let several = parse_url("postgres://o:p@one.example.com:6432,two.example.com:6433/outdial").unwrap();
        let Database::Given { config, .. } = several else { panic!("a URL is no private database") };
        assert_eq!((config.get_hosts().len(), config.get_ports()), (2, [6432, 6433].as_slice()));
    }

    #[test]
    fn a_bad_url_is_refused_without_showing_its_password() {
        for url in [
            "mysql://o:hunter2@h/d",
            "host=h password=hunter2",
            "postgres://o:hunter2@h/d?sslmode=verify-ca",
            "postgres://o:hunter2@h:port/d",
            "postgres://o:hunter2@h/d?no_such_option=1",
            "postgres:///d?password=hunter2",
        ] {
            let error = parse_url(url).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn data_lies_where_the_system_keeps_data() {
        let environment = |name: &str| match name {
            "HOME" => Some("/home/ada".to_owned()),
            _ => None,
        };
        let at = |is_root, is_macos| default_data_dir(environment, is_root, is_macos).unwrap();
        assert_eq!(at(true, false), Path::new("/var/lib/outdial"));
        assert_eq!(at(false, false), Path::new("/home/ada/.local/share/outdial"));
        assert_eq!(at(false, true), Path::new("/home/ada/Library/Application Support/outdial"));
        let chosen = |chosen: &'static str| {
            let environment = move |name: &str| {
                if name == "XDG_DATA_HOME" { Some(chosen.to_owned()) } else { environment(name) }
            };
            default_data_dir(environment, false, false).unwrap()
        };
        assert_eq!(chosen("/data"), Path::new("/data/outdial"));
        assert_eq!(chosen("relative"), Path::new("/home/ada/.local/share/outdial"));
        assert_eq!(default_data_dir(|_| None, false, false), None);
    }
}
