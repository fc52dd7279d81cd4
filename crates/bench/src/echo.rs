//! A unary RPC that answers with the bytes it was sent, over real tonic, with the guard and what an adapter does, or without both.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{NamedService, UnaryService};
use tonic::transport::Server;
use tonic::{Status, transport};
use tower::Service;

use crate::Bench;
use hallpass_guard::GuardLayer;
use hallpass_policy::adapter;

/// Serves the RPC on a listener until the process ends.
pub async fn serve(
    listener: tokio::net::TcpListener,
    guarded: Option<&Bench>,
) -> Result<(), transport::Error> {
    let incoming = TcpListenerStream::new(listener);
    match guarded {
        None => {
            Server::builder().add_service(Echo(Same::Plain)).serve_with_incoming(incoming).await
        }
        Some(bench) => {
            let guard = GuardLayer::new(std::sync::Arc::clone(&bench.guard));
            let echo = Echo(Same::Entered);
            Server::builder().layer(guard).add_service(echo).serve_with_incoming(incoming).await
        }
    }
}

#[derive(Debug, Clone)]
struct Echo(Same);

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let same = self.0;
        Box::pin(async move { Ok(tonic::server::Grpc::new(Bytes).unary(same, request).await) })
    }
}

/// Answers with what it was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Same {
    /// As anybody's handler.
    Plain,
    /// As a handler behind an adapter, which takes the permit and looks at it once more.
    Entered,
}

impl UnaryService<Vec<u8>> for Same {
    type Response = Vec<u8>;
    type Future = Ready<Result<tonic::Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: tonic::Request<Vec<u8>>) -> Self::Future {
        ready(match self {
            Self::Plain => Ok(tonic::Response::new(request.into_inner())),
            Self::Entered => adapter::enter(request).map(|(_, sent)| tonic::Response::new(sent)),
        })
    }
}

pub(crate) struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; bytes::Buf::remaining(buffer)];
        bytes::Buf::copy_to_slice(buffer, &mut item);
        Ok(Some(item))
    }
}
