//! The way to Labeler, whatever layers are on it.

use std::error::Error;

use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, Bytes};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use hallpass_contract::labeler;

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

/// Whether Labeler answers and says that it serves its datasets. The channel needs no tokens; the caller bounds the wait.
pub async fn is_serving(peer: impl Peer) -> bool {
    let request = HealthCheckRequest { service: labeler::DATASET_SERVICE.to_owned() };
    match HealthClient::new(peer).check(request).await {
        Ok(answer) => answer.get_ref().status() == ServingStatus::Serving,
        Err(_) => false,
    }
}
