//! TLS for a listener, from PEM files; what is wrong with them is said by the file's name.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::pem::{self, Kind, PemError};

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
    /// A file cannot be read, or holds something else.
    #[error(transparent)]
    File(#[from] PemError),
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
    /// What accepts handshakes: for HTTP/2 and HTTP/1.1.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let cert = pem::read(&self.cert, Kind::Own)?;
        let key = pem::read(&self.key, Kind::Key)?;
        let clients = self.client_ca.as_ref().map(|file| pem::read(file, Kind::Authority));
        let clients = clients.transpose()?;
        let refused = |cause: String| self.refused(cause);
        let mut config = config(&cert, &key, clients.as_deref()).map_err(refused)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
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
