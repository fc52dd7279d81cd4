//! What a child token has from its parent and cannot lose.

use crate::{
    Claims, Fingerprint, MAX_PARENTS, MintError, NewToken, ResourceClaim, Scopes, TokenType,
    UnixTime, Verified,
};

/// The parent's side of a new token.
#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    /// All ancestors, the root first, the parent last.
    pub(crate) parents: Vec<Fingerprint>,
    pub(crate) root_issued_at: UnixTime,
    pub(crate) root_key: String,
    /// The parent's `exp`.
    pub(crate) not_after: Option<UnixTime>,
    subject: Option<String>,
    txn: String,
    session: Option<String>,
    job_id: Option<String>,
    resource: Option<ResourceClaim>,
    allowed: Scopes,
    standing: Standing,
}

/// What the user is, and how they proved who they are. Action tokens are issued for it, so they carry it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Standing {
    roles: Vec<String>,
    amr: Vec<String>,
    auth_time: Option<UnixTime>,
}

impl Standing {
    fn of(parent: &Verified, token_type: TokenType) -> Self {
        if token_type != TokenType::Action {
            return Self::default();
        }
        let Claims { roles, amr, auth_time, .. } = parent.claims().clone();
        Self { roles, amr, auth_time }
    }
}

impl Lineage {
    pub(crate) fn of(
        parent: &Verified,
        token_type: TokenType,
        delegates: &[&str],
    ) -> Result<Self, MintError> {
        let claims = parent.claims();
        if token_type == TokenType::User {
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
            not_after: parent.expires_at(),
            subject: claims.subject.clone().filter(|_| token_type != TokenType::Background),
            txn: parent.txn().to_owned(),
            session: claims.session.clone(),
            job_id: claims.job_id.clone(),
            resource: claims.resource.clone(),
            allowed: delegated(&claims.scopes, delegates),
            standing: Standing::of(parent, token_type),
        })
    }

    /// What the new token takes over.
    pub(crate) fn fill(self, new: NewToken) -> NewToken {
        NewToken {
            subject: self.subject.clone(),
            txn: Some(self.txn.clone()),
            session: self.session.clone(),
            job_id: self.job_id.clone(),
            resource: self.resource.clone(),
            roles: self.standing.roles.clone(),
            amr: self.standing.amr.clone(),
            auth_time: self.standing.auth_time,
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
        if self.resource.is_some() && new.resource != self.resource {
            return Err(MintError::NotTheParents("resource"));
        }
        let Standing { roles, amr, auth_time } = &self.standing;
        if !new.roles.iter().all(|role| roles.contains(role)) {
            return Err(MintError::NotTheParents("roles"));
        }
        if !new.amr.iter().all(|factor| amr.contains(factor)) {
            return Err(MintError::NotTheParents("amr"));
        }
        if new.auth_time.is_some() && new.auth_time != *auth_time {
            return Err(MintError::NotTheParents("auth_time"));
        }
        Ok(())
    }
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
