//! TLS for a listener, from PEM files; what is wrong with them is said by the file's name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::private_file;

/// The PEM block of a private key.
pub(crate) const KEY: &str = "PRIVATE KEY";

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
    /// What accepts handshakes: for HTTP/2, and for HTTP/1.1 where that is served.
    pub(crate) fn acceptor(&self, http1: bool) -> Result<TlsAcceptor, TlsError> {
        let cert = read(&self.cert, "CERTIFICATE")?;
        let key = read(&self.key, KEY)?;
        let clients = self.client_ca.as_ref().map(|file| read(file, "CERTIFICATE")).transpose()?;
        let refused = |cause: String| self.refused(cause);
        let mut config = config(&cert, &key, clients.as_deref()).map_err(refused)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.alpn_protocols.extend(http1.then(|| b"http/1.1".to_vec()));
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn refused(&self, cause: String) -> TlsError {
        TlsError::Refused { cert: self.cert.clone(), key: self.key.clone(), cause }
    }
}

fn config(cert: &str, key: &str, clients: Option<&str>) -> Result<ServerConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates(pem)?);
            let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(clients.build().map_err(|error| error.to_string())?)
        }
    };
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| error.to_string())?;
    builder.with_single_cert(certificates(cert)?, key).map_err(|error| error.to_string())
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>();
    all.map_err(|error| error.to_string())
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
