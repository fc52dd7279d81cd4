//! Where a database is.
//!
//! Invariant: a location shows itself without its password.

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::any::AnyConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::connections::SQLITE_MANNERS;
use crate::postgres_url::{self, Url};

/// A SQLite file or a PostgreSQL database.
#[derive(Clone)]
pub enum Location {
    /// A file, for processes of one machine: their changes wait for each other. Labeler keeps its own to itself; Platform shares its
    /// own with its workers.
    Sqlite(PathBuf),
    /// A database that several processes may share.
    Postgres(Server),
}

/// A database on a PostgreSQL server.
#[derive(Clone)]
pub struct Server {
    url: SecretString,
    shown: String,
    pub(crate) schema: Option<&'static str>,
    is_private: bool,
    pub(crate) connect_within: Option<Duration>,
}

/// Why a text is no URL of a PostgreSQL database. What it says holds no part of the URL but a parameter's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; right: postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
pub struct LocationError(pub(crate) String);

impl Location {
    /// The database that a `postgres://` URL names.
    #[expect(clippy::needless_pass_by_value, reason = "whoever hands a secret over keeps no copy")]
    pub fn postgres(url: SecretString) -> Result<Self, LocationError> {
        let Url { url, connect_within } = postgres_url::read(&url)?;
        let options: PgConnectOptions = url
            .expose_secret()
            .parse()
            .map_err(|_| LocationError("a parameter of the URL is not understood".to_owned()))?;
        let database = options.get_database().filter(|database| !database.is_empty());
        let Some(database) = database else {
            return Err(LocationError("the URL names no database".to_owned()));
        };
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let user = options.get_username();
        let shown = format!("PostgreSQL database {database:?} at {host} as {user:?}");
        let is_private = is_local(&options)
            || matches!(options.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull);
        Ok(Self::Postgres(Server { url, shown, schema: None, is_private, connect_within }))
    }

    /// The same database, of which a service uses this schema alone, and makes it. The URL's own `search_path` is used instead if it
    /// has one. A file stays as it is: it belongs to one service.
    #[must_use]
    pub fn in_schema(mut self, schema: &'static str) -> Self {
        if let Self::Postgres(server) = &mut self
            && !server.url.expose_secret().contains("search_path")
        {
            server.schema = Some(schema);
        }
        self
    }

    /// Whether nobody else can listen on the way there: it does not leave this machine, or the server has to show a certificate.
    pub const fn is_private(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(server) => server.is_private,
        }
    }

    /// Whether processes on several machines may use it at once.
    pub const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub(crate) fn options(&self) -> Result<AnyConnectOptions, LocationError> {
        match self {
            Self::Sqlite(file) => sqlite(file),
            Self::Postgres(server) => {
                let url = server.url.expose_secret().parse();
                url.map_err(|_| LocationError("it is no URL".to_owned()))
            }
        }
    }

    /// What each connection begins with. A schema is chosen here and not among the parameters that a connection is opened with, of
    /// which `PgBouncer` takes few.
    pub(crate) fn greeting(&self) -> Option<String> {
        match self {
            Self::Sqlite(_) => Some(SQLITE_MANNERS.to_owned()),
            Self::Postgres(server) => {
                server.schema.map(|schema| format!("SET search_path TO {schema}"))
            }
        }
    }

    /// How long the first connection may take, where the URL says it.
    pub(crate) const fn connect_within(&self) -> Option<Duration> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(server) => server.connect_within,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "{}", file.display()),
            Self::Postgres(server) => f.write_str(&server.shown),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.shown)
    }
}

fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    let address = host.parse::<IpAddr>();
    options.get_socket().is_some()
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
}

/// Each byte of the path is escaped, so that the URL keeps it as it is.
fn sqlite(file: &Path) -> Result<AnyConnectOptions, LocationError> {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let Some(path) = path.to_str() else {
        return Err(LocationError("the path is not in UTF-8".to_owned()));
    };
    let escaped = path.bytes().fold(String::new(), |mut escaped, byte| {
        // Writing to a text cannot fail.
        let _ = write!(escaped, "%{byte:02X}");
        escaped
    });
    let url = format!("sqlite:{escaped}?mode=rwc");
    url.parse().map_err(|_| LocationError("the path is not understood".to_owned()))
}
