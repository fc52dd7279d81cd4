//! Who is at the other end: the client's address and the certificate that it showed, to us or to a trusted proxy.
//!
//! Invariants: every limit, log line and decision reads the same address; a header says something about the client only
//! where a trusted proxy sent it, and no header that says so gets past here.

use std::net::IpAddr;
use std::task::{Context, Poll};

use hallpass_guard::{ClientCertificate, PeerAddress};
use http::Request;
use tower::{Layer, Service};

use crate::connection::Arrival;
use crate::forwarded::{self, ADDRESSES, CERTIFICATES};
use crate::proxies::Proxies;

/// Puts the client's address and the SHA-256 of its certificate (RFC 8705, `x5t#S256`) into each request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct ClientLayer {
    proxies: Proxies,
}

impl ClientLayer {
    pub(crate) const fn new(proxies: Proxies) -> Self {
        Self { proxies }
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = Identified<S>;

    fn layer(&self, inner: S) -> Identified<S> {
        Identified { inner, proxies: self.proxies.clone() }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Identified<S> {
    inner: S,
    proxies: Proxies,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Identified<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let client = Client::of(&request, &self.proxies);
        let headers = request.headers_mut();
        headers.remove(ADDRESSES);
        headers.remove(CERTIFICATES);
        let extensions = request.extensions_mut();
        if let Some(address) = client.address {
            extensions.insert(PeerAddress(address, client.port));
        }
        if let Some(certificate) = client.certificate {
            extensions.insert(ClientCertificate(certificate));
        }
        self.inner.call(request)
    }
}

struct Client {
    address: Option<IpAddr>,
    /// Of the socket's other end.
    port: u16,
    certificate: Option<[u8; 32]>,
}

impl Client {
    fn of<B>(request: &Request<B>, proxies: &Proxies) -> Self {
        let arrival = request.extensions().get::<Arrival>();
        let nearest = arrival.map(|arrival| arrival.remote.ip());
        let port = arrival.map_or(0, |arrival| arrival.remote.port());
        let own = arrival.and_then(|arrival| arrival.certificate);
        let headers = request.headers();
        // What a proxy asks for itself, such as its own health checks, comes without either header.
        let forwarded = headers.contains_key(ADDRESSES) || headers.contains_key(CERTIFICATES);
        match nearest.filter(|address| forwarded && proxies.trust(*address)) {
            Some(proxy) => Self {
                address: Some(forwarded::address(headers, proxy, proxies)),
                port,
                certificate: forwarded::certificate(headers),
            },
            None => Self { address: nearest, port, certificate: own },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::convert::Infallible;

    use serde_json::json;
    use tower::service_fn;

    use super::*;
    use crate::activity::Activity;

    type Seen = (Option<PeerAddress>, Option<ClientCertificate>, usize);

    async fn seen(request: Request<()>) -> Seen {
        let proxies = serde_json::from_value(json!(["10.0.0.0/8"])).unwrap();
        let inside = service_fn(|request: Request<()>| async move {
            let extensions = request.extensions();
            let (address, certificate) = (extensions.get().copied(), extensions.get().copied());
            Ok::<Seen, Infallible>((address, certificate, request.headers().len()))
        });
        ClientLayer::new(proxies).layer(inside).call(request).await.unwrap()
    }

    #[tokio::test]
    async fn only_a_trusted_proxy_says_who_its_client_is() {
        let hash = format!("Hash={}", "ab".repeat(32));
        let rows = [
            ("10.0.0.1", Some("192.0.2.1"), Some(&hash), "192.0.2.1", true),
            ("10.0.0.1", Some("192.0.2.1"), None, "192.0.2.1", false),
            ("10.0.0.1", None, Some(&hash), "10.0.0.1", true),
            ("10.0.0.1", None, None, "10.0.0.1", false),
            ("198.51.100.1", Some("192.0.2.1"), Some(&hash), "198.51.100.1", false),
            ("::ffff:10.0.0.1", Some("192.0.2.1"), Some(&hash), "192.0.2.1", true),
        ];
        for (from, addresses, certificate, expected, certified) in rows {
            let remote = (from.parse::<IpAddr>().unwrap(), 5000).into();
            let mut request = Request::new(());
            request.extensions_mut().insert(Arrival {
                remote,
                activity: Activity::new(),
                certificate: None,
            });
            let named = [(ADDRESSES, addresses), (CERTIFICATES, certificate.map(String::as_str))];
            for (name, value) in named {
                if let Some(value) = value {
                    request.headers_mut().insert(name, value.parse().unwrap());
                }
            }
            let (address, certificate, headers) = seen(request).await;
            assert_eq!(address, Some(PeerAddress(expected.parse().unwrap(), 5000)), "{from}");
            assert_eq!(certificate, certified.then_some(ClientCertificate([0xab; 32])), "{from}");
            assert_eq!(headers, 0, "{from}");
        }
    }
}
