//! Follows an issuer's revocation list for as long as the process runs.
//!
//! Invariant: an entry counts only once it is durable here, and the node is fresh only by what
//! [`hallpass_revocation::feed::Follower`] says. Whatever goes wrong leads to a new connection, never to an end of the following; until
//! then the node turns stale by itself.

mod backoff;
mod message;
mod session;

use std::sync::Arc;

use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;
use hallpass_revocation::feed::{Follower, Timing};
use hallpass_revocation::{Freshness, List};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, Bytes, StdError};

use crate::Clock;
use backoff::Backoff;
use session::{End, Session};

/// What a follower needs.
#[derive(Debug, Clone)]
pub struct Following<C> {
    /// A client of the issuer whose calls get this process' own token: a channel under [`AttachLayer`](crate::AttachLayer). It should
    /// connect lazily and by itself, and find a dead connection by HTTP/2 keepalive.
    pub issuer: C,
    /// The durable list, which nobody else writes to.
    pub list: Arc<List>,
    /// The freshness that the guard reads.
    pub freshness: Freshness,
    /// The clock.
    pub clock: Clock,
    /// How often to probe; [`Timing::within`] the bound of the freshness.
    pub timing: Timing,
}

impl<C> Following<C>
where
    C: GrpcService<Body> + Clone,
    C::Error: Into<StdError>,
    C::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <C::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
{
    /// Follows until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&self) {
        let position = self.list.position();
        let mut follower = Follower::new(self.timing, self.freshness.clone(), position);
        let mut backoff = Backoff::new();
        let mut lost = false;
        loop {
            let client = RevocationServiceClient::new(self.issuer.clone());
            let mut session = Session::new(&mut follower, &self.list, &self.clock, self.timing);
            let end = session.run(client).await;
            let answered = session.answered();
            session.close().await;
            if answered {
                backoff = Backoff::new();
                lost = false;
            }
            match end {
                End::Renew => continue,
                End::Lost(why) if lost => tracing::debug!(why, "the issuer is still out of reach"),
                End::Lost(why) => tracing::warn!(why, "lost the issuer's revocation feed"),
            }
            lost = true;
            tokio::time::sleep(backoff.next()).await;
        }
    }
}
