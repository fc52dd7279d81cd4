//! `TokenService`: holders revoke their tokens (RFC 7009) and look into them (RFC 7662).

use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::auth::{
    IntrospectTokenRequest, IntrospectTokenResponse, RevokeTokenRequest, RevokeTokenResponse,
    TokenService,
};
use hallpass_guard::{Clock, Keys};
use hallpass_policy::Permit;
use hallpass_revocation::{Entry, List};
use hallpass_token::{SKEW, UnixTime, Verified};

use crate::error::Error;
use crate::holder::{is_own, presented};
use crate::instant::timestamp;
use crate::target::note;

/// Lets its holder revoke any token.
pub(crate) const ADMIN_SCOPE: &str = "revocations:admin";
/// Lets its holder look into any token.
const INTROSPECT_SCOPE: &str = "tokens:introspect";

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct TokenHandler {
    pub(crate) list: Arc<List>,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
}

impl TokenService for TokenHandler {
    type Error = Error;

    /// What nobody can use any more needs no entry, and nobody learns which tokens exist: only a token that is alive and another's is
    /// refused (RFC 7009, sections 2.1 and 2.2).
    async fn revoke_token(
        &self,
        permit: Permit,
        request: RevokeTokenRequest,
    ) -> Result<RevokeTokenResponse, Error> {
        let now = self.clock.now();
        let note = note(&permit, request.reason, now)?;
        let token = presented(&permit, &request.token, &self.keys.ring(), &self.clock)?;
        if let Some(token) = token {
            if !permit.has_scope(ADMIN_SCOPE) && !is_own(&permit, &token)? {
                return Err(Error::NotTheCallers);
            }
            let entry = Entry::exact(token.fingerprint(), token.expires_at().map(kept_until));
            self.list.revoke(entry, note).await?;
        }
        Ok(RevokeTokenResponse {})
    }

    /// Another's token is inactive for a caller without the scope, just as one that does not exist: the answer tells nothing about it
    /// (RFC 7662, section 2.2).
    async fn introspect_token(
        &self,
        permit: Permit,
        request: IntrospectTokenRequest,
    ) -> Result<IntrospectTokenResponse, Error> {
        let token = presented(&permit, &request.token, &self.keys.ring(), &self.clock)?;
        let Some(token) = token.filter(|token| self.is_active(token)) else {
            return Ok(IntrospectTokenResponse::default());
        };
        if !permit.has_scope(INTROSPECT_SCOPE) && !is_own(&permit, &token)? {
            return Ok(IntrospectTokenResponse::default());
        }
        Ok(described(&token))
    }
}

impl TokenHandler {
    fn is_active(&self, token: &Verified) -> bool {
        token.check_time(self.clock.now()).is_ok() && !self.list.index().is_revoked(token)
    }
}

/// How long an entry is kept for what ends at an instant: until no node, whatever its clock, takes it any more.
pub(crate) fn kept_until(end: UnixTime) -> UnixTime {
    const TWICE_THE_SKEW: Duration = Duration::from_secs(2 * SKEW.as_secs());
    end.plus(TWICE_THE_SKEW)
}

fn described(token: &Verified) -> IntrospectTokenResponse {
    let claims = token.claims();
    IntrospectTokenResponse {
        active: true,
        issuer: claims.issuer.clone().unwrap_or_default(),
        subject: claims.subject.clone().unwrap_or_default(),
        r#type: claims.token_type.as_str().to_owned(),
        audience: claims.audience.clone(),
        scopes: claims.scopes.iter().map(str::to_owned).collect(),
        service: claims.service.clone().unwrap_or_default(),
        issue_time: Some(timestamp(claims.issued_at)),
        expire_time: claims.expires_at.map(timestamp),
        token_id: claims.id.clone().unwrap_or_default(),
    }
}
