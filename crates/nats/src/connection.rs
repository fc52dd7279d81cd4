//! The connection to the NATS servers, and the names of what is kept there.
//!
//! Invariant: a process starts without a server and finds it by itself, however long it was away.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::{self, Context};
use secrecy::{ExposeSecret, SecretString};

use crate::error::ConnectError;

/// However often a server could not be reached, the next try comes after this.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// A connection that is silent for two of these is dead.
const PING_EVERY: Duration = Duration::from_secs(1);
/// How long a server may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Where the servers are, and who asks.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `tls://HOST:PORT` or `nats://HOST:PORT`; further servers of one cluster.
    pub servers: Vec<String>,
    /// Who asks, where the server wants to know.
    pub login: Option<Login>,
    /// The authority that the servers' certificates come from, PEM; the system's own if it is absent.
    pub ca: Option<PathBuf>,
    /// This process's certificate and its key, PEM.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// What the names of streams and subjects begin with, such as "hallpass".
    pub prefix: String,
    /// On how many servers each stream is kept: 1, 3 or 5.
    pub replicas: usize,
}

/// A user of the NATS server.
#[derive(Debug, Clone)]
pub struct Login {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: SecretString,
}

/// The servers, and the names under which this mesh keeps its state. Clones share the connection.
#[derive(Clone)]
pub struct Mesh {
    context: Context,
    prefix: String,
    replicas: usize,
}

impl Mesh {
    /// Begins to connect. Returns at once, whether or not a server is there.
    pub async fn connect(settings: &Settings) -> Result<Self, ConnectError> {
        named("prefix", &settings.prefix)?;
        let client = options(settings)?.connect(addresses(&settings.servers)?).await;
        let client = client.map_err(|error| ConnectError::Refused(error.to_string()))?;
        let mut context = jetstream::new(client);
        context.set_timeout(ANSWER_WITHIN);
        let (prefix, replicas) = (settings.prefix.clone(), settings.replicas);
        Ok(Self { context, prefix, replicas })
    }

    pub(crate) const fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) const fn replicas(&self) -> usize {
        self.replicas
    }
}

impl std::fmt::Debug for Mesh {
    // The client holds the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mesh").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Whether a name can be one part of a subject and of a stream's name.
pub(crate) fn named(key: &'static str, name: &str) -> Result<(), ConnectError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(ConnectError::Name { key, name: name.to_owned() });
    }
    Ok(())
}

fn options(settings: &Settings) -> Result<ConnectOptions, ConnectError> {
    let mut options = ConnectOptions::new()
        .name("hallpass")
        .retry_on_initial_connect()
        .request_timeout(Some(ANSWER_WITHIN))
        .connection_timeout(ANSWER_WITHIN)
        .ping_interval(PING_EVERY)
        .reconnect_delay_callback(|tries| {
            LONGEST_PAUSE.min(Duration::from_millis(10 * tries as u64))
        })
        .event_callback(|event| async move { noted(&event) });
    if let Some(Login { user, password }) = &settings.login {
        options = options.user_and_password(user.clone(), password.expose_secret().to_owned());
    }
    if let Some(ca) = &settings.ca {
        options = options.add_root_certificates(readable(ca)?);
    }
    if let Some((certificate, key)) = &settings.certificate {
        options = options.add_client_certificate(readable(certificate)?, readable(key)?);
    }
    let tls = settings.servers.iter().any(|server| server.starts_with("tls://"));
    Ok(options.require_tls(tls))
}

fn addresses(servers: &[String]) -> Result<Vec<async_nats::ServerAddr>, ConnectError> {
    let address = |server: &String| {
        let known = server.starts_with("tls://") || server.starts_with("nats://");
        let parsed = server.parse::<async_nats::ServerAddr>().ok();
        let parsed = parsed.filter(|parsed| known && !parsed.host().is_empty());
        // A password in an address would be shown with it.
        parsed
            .filter(|_| !server.contains('@'))
            .ok_or_else(|| ConnectError::Address(masked(server)))
    };
    if servers.is_empty() {
        return Err(ConnectError::Address(String::new()));
    }
    servers.iter().map(address).collect()
}

/// The address without what stands before an `@`.
fn masked(server: &str) -> String {
    server.rsplit_once('@').map_or_else(|| server.to_owned(), |(_, place)| format!("…@{place}"))
}

/// A missing file is found out at start, not at the first connection.
fn readable(file: &Path) -> Result<PathBuf, ConnectError> {
    let unreadable = |cause| ConnectError::Unreadable { file: file.to_owned(), cause };
    std::fs::File::open(file).map_err(unreadable)?;
    Ok(file.to_owned())
}

fn noted(event: &async_nats::Event) {
    match event {
        async_nats::Event::Connected => tracing::info!("connected to NATS"),
        async_nats::Event::Disconnected => tracing::warn!("lost the connection to NATS"),
        // Its text may hold subjects and the server's words.
        async_nats::Event::ServerError(_) => {
            tracing::warn!("the NATS server refused something; its own log says what");
        }
        other => tracing::debug!(event = ?std::mem::discriminant(other), "NATS"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    fn addressed(server: &str) -> String {
        addresses(&[server.to_owned()]).unwrap_err().to_string()
    }

    #[test]
    fn an_address_that_is_none_is_named_without_a_password() {
        for server in ["", "127.0.0.1:4222", "http://127.0.0.1:4222", "nats://"] {
            assert!(addressed(server).contains(&format!("{server:?}")), "{server}");
        }
        let said = addressed("nats://me:secret@127.0.0.1:4222");
        assert!(said.contains("…@127.0.0.1:4222") && !said.contains("secret"), "{said}");
        assert!(addresses(&["nats://127.0.0.1:4222".to_owned()]).is_ok());
    }

    #[test]
    fn a_name_has_nothing_in_it_that_a_subject_means_something_by() {
        for name in ["", "a.b", "a*", ">", "a b", "ä", &"x".repeat(65)] {
            assert!(named("prefix", name).is_err(), "{name:?}");
        }
        assert!(named("prefix", "hallpass-2_x").is_ok());
    }
}
