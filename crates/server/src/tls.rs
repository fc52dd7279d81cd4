//! TLS for a listener, from PEM files; what is wrong with them is said by the file's name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use crate::private_file;

/// The PEM block of a private key.
pub(crate) const KEY: &str = "PRIVATE KEY";

/// How long a client may take to agree on a key.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Where a listener's certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate with its chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authority that clients' certificates must come from; `None` asks for none.
    pub client_ca: Option<PathBuf>,
}

/// TLS that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {cause}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file holds no PEM block of the kind that it should.
    #[error("{}: holds no {kind} in PEM", file.display())]
    Empty {
        /// Which.
        file: PathBuf,
        /// What it should hold.
        kind: &'static str,
    },
    /// Certificate and key do not go together, or one of them is not what it says.
    #[error("{} and {} cannot be used together: {cause}", cert.display(), key.display())]
    Refused {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        cause: String,
    },
}

impl TlsFiles {
    pub(crate) fn read(&self) -> Result<ServerTlsConfig, TlsError> {
        let cert = read(&self.cert, "CERTIFICATE")?;
        let key = read(&self.key, KEY)?;
        let config = ServerTlsConfig::new()
            .identity(Identity::from_pem(cert, key))
            .timeout(HANDSHAKE_WITHIN);
        Ok(match &self.client_ca {
            None => config,
            Some(file) => config.client_ca_root(Certificate::from_pem(read(file, "CERTIFICATE")?)),
        })
    }

    pub(crate) fn refused(&self, cause: &tonic::transport::Error) -> TlsError {
        let cause = match std::error::Error::source(cause) {
            Some(source) => source.to_string(),
            None => cause.to_string(),
        };
        TlsError::Refused { cert: self.cert.clone(), key: self.key.clone(), cause }
    }
}

/// A PEM file that holds at least one block of a kind.
pub(crate) fn read(file: &Path, kind: &'static str) -> Result<String, TlsError> {
    let unreadable = |cause| TlsError::Unreadable { file: file.to_owned(), cause };
    // A certificate is for everybody to see; a key is not.
    let text = if kind == KEY { private_file::read(file) } else { std::fs::read_to_string(file) };
    let text = text.map_err(unreadable)?;
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.contains(kind);
    if text.lines().any(begins) {
        return Ok(text);
    }
    Err(TlsError::Empty { file: file.to_owned(), kind })
}
