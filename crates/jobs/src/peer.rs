//! The way to Labeler, whatever layers are on it.

use std::error::Error;

use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, Bytes};

/// A channel to Labeler, with any layers on it. It connects when it is first used, and again when it has to.
pub trait Peer:
    GrpcService<
        Body,
        Error: Into<Box<dyn Error + Send + Sync>> + Send,
        Future: Send,
        ResponseBody: HttpBody<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>> + Send>
                          + Send
                          + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Peer for S where
    S: GrpcService<
            Body,
            Error: Into<Box<dyn Error + Send + Sync>> + Send,
            Future: Send,
            ResponseBody: HttpBody<
                Data = Bytes,
                Error: Into<Box<dyn Error + Send + Sync>> + Send,
            > + Send
                              + 'static,
        > + Clone
        + Send
        + Sync
        + 'static
{
}
