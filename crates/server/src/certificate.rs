//! Tells the guard where a request comes from, and which certificate the client showed, where the connection is mutual TLS.

use std::task::{Context, Poll};

use aws_lc_rs::digest::{SHA256, digest};
use hallpass_guard::{ClientCertificate, PeerAddress};
use http::Request;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tower::{Layer, Service};

/// Puts the peer's address and the SHA-256 of the client's certificate into each request's extensions (RFC 8705, `x5t#S256`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct CertificateLayer;

impl<S> Layer<S> for CertificateLayer {
    type Service = Certified<S>;

    fn layer(&self, inner: S) -> Certified<S> {
        Certified { inner }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Certified<S> {
    inner: S,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Certified<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(certificate) = shown(&request) {
            request.extensions_mut().insert(certificate);
        }
        if let Some(address) = address(&request) {
            request.extensions_mut().insert(address);
        }
        self.inner.call(request)
    }
}

fn address<B>(request: &Request<B>) -> Option<PeerAddress> {
    let extensions = request.extensions();
    let plain = extensions.get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
    let under_tls = || extensions.get::<TlsConnectInfo<TcpConnectInfo>>()?.get_ref().remote_addr();
    plain.or_else(under_tls).map(|address| PeerAddress(address.ip()))
}

fn shown<B>(request: &Request<B>) -> Option<ClientCertificate> {
    let connection = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>()?;
    let certificates = connection.peer_certs()?;
    let digest = digest(&SHA256, certificates.first()?);
    digest.as_ref().try_into().ok().map(ClientCertificate)
}
