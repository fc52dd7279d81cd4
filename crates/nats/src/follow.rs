//! Follows the stream of revocations for as long as the process runs.
//!
//! Invariant: an entry counts only once it is durable here, and the node is fresh only by what
//! [`hallpass_revocation::feed::Follower`] says. Whatever goes wrong leads to a new beginning, never to an end of the following; until
//! then the node turns stale by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::Clock;
use hallpass_revocation::feed::{Follower, Timing};
use hallpass_revocation::{Freshness, List};
use tokio_util::sync::CancellationToken;

use crate::connection::{Mesh, named};
use crate::error::ConnectError;
use crate::link::{End, Link};

/// From one beginning to the next.
const PAUSE: Duration = Duration::from_millis(100);

/// What a node that follows needs.
#[derive(Debug, Clone)]
pub struct Following {
    mesh: Mesh,
    list: Arc<List>,
    freshness: Freshness,
    clock: Clock,
    timing: Timing,
    issuers: BTreeSet<String>,
}

impl Following {
    /// Of this mesh, into the durable list; `freshness` is what the guard reads. A stream that the node does not know yet counts only
    /// once each of the `issuers` has said in it that its whole list is there.
    pub fn new(
        mesh: Mesh,
        list: Arc<List>,
        freshness: Freshness,
        clock: Clock,
        issuers: impl IntoIterator<Item = String>,
    ) -> Result<Self, ConnectError> {
        let issuers: BTreeSet<_> = issuers.into_iter().collect();
        for issuer in &issuers {
            named("issuers", issuer)?;
        }
        let bound = freshness.max_staleness().unwrap_or(Duration::from_secs(2));
        Ok(Self { mesh, list, freshness, clock, timing: Timing::within(bound), issuers })
    }

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
        let mut lost = false;
        loop {
            let mut link = Link::new(&mut follower, &self.list, &self.clock, self.timing);
            let End(why) = link.run(&self.mesh, &self.issuers).await;
            if link.answered() {
                lost = false;
            }
            link.close().await;
            if lost {
                tracing::debug!(%why, "the stream of revocations is still out of reach");
            } else {
                tracing::warn!(%why, "lost the stream of revocations");
            }
            lost = true;
            tokio::time::sleep(PAUSE).await;
        }
    }
}
