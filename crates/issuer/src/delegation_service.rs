//! `DelegationService`: users let agents act for them, see which they have, and end them.

use std::sync::Arc;

use hallpass_contract::auth::{
    CreateDelegationRequest, CreateDelegationResponse, Delegation, DelegationService,
    ListDelegationsRequest, ListDelegationsResponse, RevokeDelegationRequest,
    RevokeDelegationResponse, serve_delegation_service,
};
use hallpass_guard::{Clock, Keys};
use hallpass_policy::Permit;
use hallpass_policy::adapter::{GrpcService, Served};
use hallpass_revocation::{Entry, List};
use hallpass_token::{MintedToken, Verified};

use crate::Issuer;
use crate::action_service::Registry;
use crate::audit::{Attempt, Given};
use crate::delegate::{self, Wish};
use crate::delegations::{Delegations, Giver, Record};
use crate::error::Error;
use crate::instant::timestamp;
use crate::target::note;
use crate::token_service::kept_until;

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct DelegationHandler {
    pub(crate) list: Arc<List>,
    pub(crate) registry: Registry,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
    pub(crate) delegations: Delegations,
}

impl Issuer {
    /// Lets users have agents; what they give is kept in this store.
    pub fn delegations(&self, store: Delegations) -> Served<impl GrpcService + use<>> {
        serve_delegation_service(self.delegation_handler(store))
    }

    pub(crate) fn delegation_handler(&self, delegations: Delegations) -> DelegationHandler {
        let (list, keys) = (Arc::clone(&self.tokens.list), self.tokens.keys.clone());
        let (registry, clock) = (self.actions.registry, self.tokens.clock.clone());
        DelegationHandler { list, registry, keys, clock, delegations }
    }
}

impl DelegationService for DelegationHandler {
    type Error = Error;

    async fn create_delegation(
        &self,
        permit: Permit,
        request: CreateDelegationRequest,
    ) -> Result<CreateDelegationResponse, Error> {
        let agent = request.agent.clone();
        let attempt = Attempt { kind: "agent", audience: delegate::SIGNER, agent: Some(&agent) };
        let made = self.create(&permit, request).await;
        let (token, record) = made.inspect_err(|error| attempt.failed(&permit, error))?;
        let life_seconds = Some(record.ends.since(self.clock.now()).as_secs());
        attempt.succeeded(&permit, Given { id: &record.id, life_seconds });
        let delegation = self.told(&record);
        Ok(CreateDelegationResponse {
            token: token.expose().to_owned(),
            delegation: Some(delegation),
        })
    }

    async fn list_delegations(
        &self,
        permit: Permit,
        _: ListDelegationsRequest,
    ) -> Result<ListDelegationsResponse, Error> {
        let own = self.delegations.of(&Giver::of(caller(&permit)?)?, self.clock.now());
        let delegations = own.iter().map(|record| self.told(record)).collect();
        Ok(ListDelegationsResponse { delegations })
    }

    async fn revoke_delegation(
        &self,
        permit: Permit,
        request: RevokeDelegationRequest,
    ) -> Result<RevokeDelegationResponse, Error> {
        let now = self.clock.now();
        let own = self.delegations.of(&Giver::of(caller(&permit)?)?, now);
        let found = own.iter().find(|record| record.id == request.delegation_id);
        let record = found.ok_or(Error::Invalid {
            field: "delegation_id",
            problem: "must be that of a delegation of the caller's that has not ended",
        })?;
        let note = note(&permit, request.reason, now)?;
        let entry = Entry::exact(record.name, Some(kept_until(record.ends)));
        let ended_before = self.list.index().contains(record.name);
        self.list.revoke(entry, note).await?;
        if ended_before {
            return Ok(RevokeDelegationResponse {});
        }
        tracing::info!(
            target: "hallpass::audit",
            decision = %permit.decision(),
            sub = permit.subject(),
            agent = record.agent,
            jti = record.id,
            "delegation ended",
        );
        Ok(RevokeDelegationResponse {})
    }
}

impl DelegationHandler {
    async fn create(
        &self,
        permit: &Permit,
        request: CreateDelegationRequest,
    ) -> Result<(MintedToken, Arc<Record>), Error> {
        let caller = caller(permit)?;
        let (giver, now) = (Giver::of(caller)?, self.clock.now());
        let wish = Wish::read(request, caller, self.registry)?;
        let place = self.delegations.admit(giver, now, |record| self.is_revoked(record))?;
        let (token, record) = delegate::delegate(wish, caller, &self.keys.ring(), now)?;
        let record = place.keep(record).await?;
        Ok((token, record))
    }

    /// Whether its token is refused, for whichever of the reasons that there are.
    fn is_revoked(&self, record: &Record) -> bool {
        self.list.index().is_chain_revoked(&record.chain)
    }

    fn told(&self, record: &Record) -> Delegation {
        Delegation {
            revoked: self.is_revoked(record),
            delegation_id: record.id.clone(),
            agent: record.agent.clone(),
            scopes: record.scopes.clone(),
            actions: record.actions.clone(),
            create_time: Some(timestamp(record.created)),
            expire_time: Some(timestamp(record.ends)),
            description: record.description.clone(),
        }
    }
}

fn caller(permit: &Permit) -> Result<&Arc<Verified>, Error> {
    permit.token().ok_or(Error::NoToken)
}
