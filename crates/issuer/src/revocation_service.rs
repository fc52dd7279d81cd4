//! `RevocationService`: operators revoke by name, nodes follow the list.

use std::sync::Arc;

use hallpass_contract::auth::{
    RevocationService, RevokeRequest, RevokeResponse, WatchRequest, WatchResponse,
};
use hallpass_guard::Clock;
use hallpass_policy::Permit;
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_revocation::List;

use crate::error::Error;
use crate::{target, watch};

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct RevocationHandler {
    pub(crate) list: Arc<List>,
    pub(crate) clock: Clock,
}

impl RevocationService for RevocationHandler {
    type Error = Error;

    async fn revoke(
        &self,
        permit: Permit,
        request: RevokeRequest,
    ) -> Result<RevokeResponse, Error> {
        let now = self.clock.now();
        let entry = target::entry(&request, now)?;
        let note = target::note(&permit, request.reason, now)?;
        let sequence = self.list.revoke(entry, note).await?;
        tracing::info!(
            target: "hallpass::audit",
            decision = %permit.decision(),
            sequence,
            by = permit.subject(),
            "revoked by name",
        );
        Ok(RevokeResponse { sequence })
    }

    async fn watch(
        &self,
        _: Permit,
        requests: Incoming<WatchRequest>,
    ) -> Result<Reply<WatchResponse, Error>, Error> {
        Ok(watch::feed(Arc::clone(&self.list), requests))
    }
}
