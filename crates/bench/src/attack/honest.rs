//! Honest callers: a few connections, each with a few calls under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::uri::PathAndQuery;
use tokio::time::{Instant, timeout_at};
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};

use super::Target;
use crate::echo::Bytes;

const CONNECTIONS: usize = 4;
const CALLS_EACH: usize = 8;

/// What honest callers got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Calls that were answered as they should be.
    pub answered: u64,
    /// Calls that were refused or failed.
    pub failed: u64,
}

/// Calls the server again and again until the time is over.
pub async fn call(target: &Target) -> Served {
    let counts: Arc<[AtomicU64; 2]> = Arc::default();
    let end = Instant::now() + target.lasts;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let endpoint = Endpoint::from_shared(format!("http://{}", target.address));
        let channel = endpoint.expect("an address").tcp_nodelay(true).connect_lazy();
        for _ in 0..CALLS_EACH {
            let (channel, target) = (channel.clone(), target.clone());
            let counts = Arc::clone(&counts);
            callers.spawn(timeout_at(end, async move {
                loop {
                    let at = usize::from(once(channel.clone(), &target).await.is_err());
                    counts[at].fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
    }
    while callers.join_next().await.is_some() {}
    Served {
        answered: counts[0].load(Ordering::Relaxed),
        failed: counts[1].load(Ordering::Relaxed),
    }
}

async fn once(channel: Channel, target: &Target) -> Result<(), tonic::Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    let mut request = tonic::Request::new(Vec::new());
    if !target.token.is_empty() {
        let token = format!("Bearer {}", target.token).parse().expect("a token is ASCII");
        request.metadata_mut().insert("authorization", token);
    }
    let path = PathAndQuery::try_from(target.path.as_str()).expect("a path");
    client.unary(request, path, Bytes).await.map(|_| ())
}
