//! What a child token has from its parent and cannot lose.

use std::collections::BTreeSet;

use crate::standing::Standing;
use crate::{
    Fingerprint, Grants, MAX_PARENTS, MintError, NewToken, ResourceClaim, Scopes, TokenType,
    UnixTime, Verified,
};

/// The parent's side of a new token.
#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    /// All ancestors, the root first, the parent last.
    pub(crate) parents: Vec<Fingerprint>,
    pub(crate) root_issued_at: UnixTime,
    pub(crate) root_key: String,
    root_issuer: Option<String>,
    /// The parent's `exp`.
    pub(crate) not_after: Option<UnixTime>,
    subject: Option<String>,
    txn: String,
    session: Option<String>,
    job_id: Option<String>,
    job_owner: Option<String>,
    resource: Option<ResourceClaim>,
    allowed: Scopes,
    grants: Option<Grants>,
    standing: Standing,
}

impl Lineage {
    pub(crate) fn of(
        parent: &Verified,
        token_type: TokenType,
        delegates: &[&str],
    ) -> Result<Self, MintError> {
        let claims = parent.claims();
        let standing = Standing::of(parent, token_type)?;
        // It stands beside its caller's own token, and says less of the caller than that one.
        if claims.token_type == TokenType::Action {
            return Err(MintError::NotAChild);
        }
        if claims.parents.len() >= MAX_PARENTS {
            return Err(MintError::ChainTooLong);
        }
        let mut parents = claims.parents.clone();
        parents.push(parent.fingerprint());
        Ok(Self {
            parents,
            root_issued_at: parent.root_issued_at(),
            root_key: parent.root_key().to_owned(),
            root_issuer: parent.root_issuer().map(str::to_owned),
            not_after: parent.expires_at(),
            subject: claims.subject.clone().filter(|_| token_type != TokenType::Background),
            txn: parent.txn().to_owned(),
            session: claims.session.clone(),
            job_id: claims.job_id.clone(),
            job_owner: claims.job_owner.clone(),
            resource: claims.resource.clone(),
            allowed: match token_type {
                TokenType::User => held(&claims.scopes, delegates),
                _ => delegated(&claims.scopes, delegates),
            },
            grants: inherited(claims.grants.as_ref(), token_type)?,
            standing,
        })
    }

    /// The issuer of the chain's first token, where the parent's verifier could tell.
    pub(crate) fn root_issuer(&self) -> Option<&str> {
        self.root_issuer.as_deref()
    }

    /// What the new token takes over.
    pub(crate) fn fill(self, new: NewToken) -> NewToken {
        let new = self.standing.fill(new);
        NewToken {
            subject: self.subject.clone(),
            txn: Some(self.txn.clone()),
            session: self.session.clone(),
            job_id: self.job_id.clone(),
            job_owner: self.job_owner.clone(),
            resource: self.resource.clone(),
            grants: self.grants.clone(),
            lineage: Some(self),
            ..new
        }
    }

    /// Whether what was made of it is still narrower than the parent.
    pub(crate) fn check(&self, new: &NewToken) -> Result<(), MintError> {
        if !new.scopes.is_subset(&self.allowed) {
            return Err(MintError::ScopeNotDelegated);
        }
        if new.subject != self.subject {
            return Err(MintError::NotTheParents("sub"));
        }
        if new.txn.as_deref() != Some(self.txn.as_str()) {
            return Err(MintError::NotTheParents("txn"));
        }
        if new.session != self.session {
            return Err(MintError::NotTheParents("sid"));
        }
        if self.job_id.is_some() && new.job_id != self.job_id {
            return Err(MintError::NotTheParents("job_id"));
        }
        // A child of a token without one could claim any user's permissions.
        if new.job_owner != self.job_owner {
            return Err(MintError::NotTheParents("job_owner"));
        }
        if self.resource.is_some() && new.resource != self.resource {
            return Err(MintError::NotTheParents("resource"));
        }
        match (&new.grants, &self.grants) {
            (None, Some(_)) => return Err(MintError::NotTheParents("storage grants")),
            (Some(new), Some(held)) if !new.is_within(held) => {
                return Err(MintError::NotTheParents("storage grants"));
            }
            _ => {}
        }
        self.standing.check(new)
    }
}

/// What a child has of the parent's storage grants. Background work would go on without them: it is not begun with such a token.
fn inherited(held: Option<&Grants>, token_type: TokenType) -> Result<Option<Grants>, MintError> {
    match (held, token_type) {
        (None, _) | (_, TokenType::Action) => Ok(None),
        (Some(_), TokenType::Background) => Err(MintError::NotTheParents("storage grants")),
        (Some(held), TokenType::User | TokenType::Service) => {
            Ok(Some(Grants { roles: BTreeSet::new(), unknown_permissions: 0, ..held.clone() }))
        }
    }
}

/// Of the delegated scopes those that the parent holds.
fn held(held: &Scopes, delegates: &[&str]) -> Scopes {
    delegates.iter().copied().filter(|scope| held.contains(scope)).collect()
}

/// The delegated scopes, less those of a vocabulary in which the parent has scopes and lacks this one.
fn delegated(held: &Scopes, delegates: &[&str]) -> Scopes {
    let widens = |scope: &str| {
        !held.contains(scope) && held.iter().any(|one| vocabulary(one) == vocabulary(scope))
    };
    delegates.iter().copied().filter(|scope| !widens(scope)).collect()
}

/// The service whose word a scope is: `labeler` of `labeler:read`.
fn vocabulary(scope: &str) -> &str {
    scope.split_once(':').map_or(scope, |(service, _)| service)
}
