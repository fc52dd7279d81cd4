//! `RevocationService`: operators revoke by name and look into the list, nodes follow it.

use std::sync::Arc;

use hallpass_contract::auth::{
    GetRevocationRequest, GetRevocationResponse, ListRevocationsRequest, ListRevocationsResponse,
    RevocationService, RevokeManyRequest, RevokeManyResponse, RevokeRequest, RevokeResponse,
    WatchRequest, WatchResponse,
};
use hallpass_guard::{Clock, Keys};
use hallpass_policy::Permit;
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_revocation::List;

use crate::error::Error;
use crate::present::Present;
use crate::{listed, revoke_many, target, watch};

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct RevocationHandler {
    pub(crate) list: Arc<List>,
    pub(crate) clock: Clock,
    /// Who mints: whether their clock is this node's.
    pub(crate) keys: Keys,
}

impl RevocationService for RevocationHandler {
    type Error = Error;

    async fn revoke(
        &self,
        permit: Permit,
        request: RevokeRequest,
    ) -> Result<RevokeResponse, Error> {
        let present = Present::read(&self.clock, &self.keys);
        let entry = target::entry(request.target.as_ref(), request.expire_time.as_ref(), &present)?;
        let note = target::note(&permit, request.reason, present.now())?;
        let sequence = self.list.revoke(entry, note).await?;
        tracing::info!(
            target: "hallpass::audit",
            decision = %permit.decision(),
            sequence,
            what = target::named(request.target.as_ref()),
            by = permit.subject(),
            "revoked by name",
        );
        Ok(RevokeResponse { sequence })
    }

    async fn revoke_many(
        &self,
        permit: Permit,
        requests: Incoming<RevokeManyRequest>,
    ) -> Result<Reply<RevokeManyResponse, Error>, Error> {
        let now = (self.clock.clone(), self.keys.clone());
        Ok(revoke_many::all(Arc::clone(&self.list), now, permit, requests))
    }

    async fn get_revocation(
        &self,
        _: Permit,
        request: GetRevocationRequest,
    ) -> Result<GetRevocationResponse, Error> {
        let present = Present::read(&self.clock, &self.keys);
        let named = target::entry(request.target.as_ref(), None, &present)?;
        let found = listed::look_up(&self.list, named).await?;
        Ok(GetRevocationResponse { revocation: Some(found) })
    }

    async fn list_revocations(
        &self,
        _: Permit,
        request: ListRevocationsRequest,
    ) -> Result<ListRevocationsResponse, Error> {
        listed::page(&self.list, &request).await
    }

    async fn watch(
        &self,
        _: Permit,
        requests: Incoming<WatchRequest>,
    ) -> Result<Reply<WatchResponse, Error>, Error> {
        Ok(watch::feed(Arc::clone(&self.list), requests))
    }
}
