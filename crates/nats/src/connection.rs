//! The connection to the NATS servers, and the names of what is kept there.
//!
//! Invariant: a process starts without a server and finds it by itself, however long it was away.

use std::future::{Ready, ready};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{ClientError, ConnectOptions, Event};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

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

/// How a process shows the NATS server who it is.
#[derive(Debug, Clone)]
pub enum Login {
    /// A user and a password.
    Password {
        /// The user's name.
        user: String,
        /// Its password.
        password: SecretString,
    },
    /// The seed of a user's nkey, `SU…`: the server knows the public key.
    Nkey(SecretString),
    /// The text of a credentials file: a user's JWT and the seed that goes with it.
    Credentials(SecretString),
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
        .event_callback(noting());
    if let Some(login) = &settings.login {
        options = logged_in(options, login)?;
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

fn logged_in(options: ConnectOptions, login: &Login) -> Result<ConnectOptions, ConnectError> {
    match login {
        Login::Password { user, password } => {
            Ok(options.user_and_password(user.clone(), password.expose_secret().to_owned()))
        }
        Login::Nkey(seed) => {
            let seed = seed.expose_secret().trim();
            let pair = nkeys::KeyPair::from_seed(seed).ok();
            let of_user = pair.filter(|pair| pair.key_pair_type() == nkeys::KeyPairType::User);
            of_user.ok_or(ConnectError::Nkey)?;
            Ok(options.nkey(seed.to_owned()))
        }
        Login::Credentials(text) => {
            options.credentials(text.expose_secret()).map_err(|_| ConnectError::Credentials)
        }
    }
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

/// Writes what happens to the connection into the log. What is tried again and again is not said each time.
fn noting() -> impl Fn(Event) -> Ready<()> + Send + Sync + 'static {
    let (refused, failing) = (Arc::new(Seldom::default()), Arc::new(Seldom::default()));
    move |event| {
        match &event {
            Event::Connected => {
                refused.over();
                tracing::info!("connected to NATS");
            }
            Event::Disconnected => tracing::warn!("lost the connection to NATS"),
            // Its text may hold subjects and the server's words.
            Event::ServerError(_) => {
                if failing.is_due() {
                    tracing::warn!("the NATS server refused something; its own log says what");
                }
            }
            Event::ClientError(error) if is_refusal(error) => {
                if refused.is_due() {
                    tracing::error!(
                        "the NATS server does not let this process in: check nats.user and nats.password, nats.nkey or nats.credentials"
                    );
                }
            }
            other => tracing::debug!(event = ?std::mem::discriminant(other), "NATS"),
        }
        ready(())
    }
}

/// The client passes on what its connector failed with as text.
fn is_refusal(error: &ClientError) -> bool {
    let said = error.to_string();
    said.contains("authorization violation") || said.contains("authentication")
}

/// Once a minute at most.
#[derive(Debug, Default)]
struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    const EVERY: Duration = Duration::from_mins(1);

    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= Self::EVERY);
        if due {
            *last = Some(Instant::now());
        }
        due
    }

    fn over(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
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

    #[tokio::test(start_paused = true)]
    async fn what_happens_again_and_again_is_said_once_a_minute() {
        let seldom = Seldom::default();
        let mut said = 0;
        for _ in 0..1_200 {
            said += u32::from(seldom.is_due());
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(said, 2);
        seldom.over();
        assert!(seldom.is_due(), "it went well in between");
    }

    #[test]
    fn a_name_has_nothing_in_it_that_a_subject_means_something_by() {
        for name in ["", "a.b", "a*", ">", "a b", "ä", &"x".repeat(65)] {
            assert!(named("prefix", name).is_err(), "{name:?}");
        }
        assert!(named("prefix", "hallpass-2_x").is_ok());
    }
}
