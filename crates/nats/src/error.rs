//! What can go wrong with the server. No password, token or name of a subject is in it.

use std::error::Error;
use std::path::PathBuf;

/// The connection cannot be set up. A server that is merely away is no error: it is tried until it is there.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// An address is none.
    #[error(
        "nats.servers: {0:?} is no address of a NATS server; right: tls://HOST:PORT, or nats://HOST:PORT on loopback"
    )]
    Address(String),
    /// A name cannot be part of a subject.
    #[error("nats.{key}: {name:?} cannot be a name; right: letters, digits, - and _")]
    Name {
        /// The setting.
        key: &'static str,
        /// What it says.
        name: String,
    },
    /// A file of certificates cannot be read.
    #[error("{}: {cause}", .file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// What should be the seed of a user's nkey is not.
    #[error("nats.nkey: is no seed of a user's nkey: give the line that begins with SU")]
    Nkey,
    /// What should be a credentials file is not.
    #[error(
        "nats.credentials: is no credentials file: give one with a user's JWT and seed, as `nsc generate creds` writes it"
    )]
    Credentials,
    /// The client refuses the settings.
    #[error("nats: {0}")]
    Refused(String),
}

/// The stream cannot be used at the moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// No answer, or none that helps. What the server said is not repeated: it may name others' subjects.
    #[error("the NATS server did not {0}")]
    Unanswered(&'static str),
    /// The server has no streams.
    #[error(
        "JetStream is off on the NATS server, or for this account: start nats-server with -js, or with `jetstream {{}}` in its \
         configuration"
    )]
    NoJetStream,
    /// The stream is not as it has to be.
    #[error("the stream {stream} is not as it has to be: {problem}")]
    Misconfigured {
        /// The stream's name.
        stream: String,
        /// What is wrong and what would be right.
        problem: &'static str,
    },
    /// The node's own list cannot be read.
    #[error("the node's own list cannot be read")]
    Unread,
    /// The stream was lost and made anew, or went back.
    #[error("the stream is another one than before")]
    Another,
}

impl StreamError {
    /// What a question that was not answered means.
    pub(crate) fn unanswered(what: &'static str, error: &(dyn Error + 'static)) -> Self {
        let mut chain = std::iter::successors(Some(error), |error| (*error).source());
        // The client's errors have many types, and all of them say it in these words.
        let off = |error: &dyn Error| {
            let said = error.to_string().to_lowercase();
            said.contains("requested jetstream resource does not exist")
                || said.contains("jetstream not enabled")
                || said.contains("no responders")
        };
        if chain.any(off) { Self::NoJetStream } else { Self::Unanswered(what) }
    }
}
