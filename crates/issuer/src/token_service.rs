//! `TokenService`: holders revoke their tokens (RFC 7009) and look into them (RFC 7662).

use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::auth::{
    IntrospectTokenRequest, IntrospectTokenResponse, RevokeAllTokensRequest,
    RevokeAllTokensResponse, RevokeTokenRequest, RevokeTokenResponse, TokenService,
};
use hallpass_guard::{Actions, Clock, Keys};
use hallpass_policy::Permit;
use hallpass_revocation::{Entry, List, Sessions};
use hallpass_token::{Claims, SKEW, UnixTime, Verified};

use crate::audit::{About, REVOKED};
use crate::error::Error;
use crate::holder::{Presented, is_own, presented, unverified};
use crate::instant::timestamp;
use crate::present::Present;
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
    pub(crate) actions: Arc<Actions>,
    /// Whose handles may be presented like tokens.
    pub(crate) sessions: Option<Sessions>,
}

impl TokenService for TokenHandler {
    type Error = Error;

    /// What nobody can use any more needs no entry, and nobody learns which tokens exist: only a token that is alive and another's is
    /// refused (RFC 7009, sections 2.1 and 2.2). An administrator is told of what was not recorded.
    async fn revoke_token(
        &self,
        permit: Permit,
        request: RevokeTokenRequest,
    ) -> Result<RevokeTokenResponse, Error> {
        let presented = presented(self, &permit, &request.token)?;
        let about = self.about("revoke", presented.as_ref(), &request.token);
        let revoked = self.revoke(&permit, presented.as_ref(), &request).await;
        let outcome = revoked.inspect_err(|error| about.ended(&permit, Err(error)))?;
        about.ended(&permit, Ok(outcome));
        Ok(RevokeTokenResponse { recorded: outcome != NOTHING })
    }

    /// Everything whose chain began by now, whoever minted its first token. A chain begins with the user's own token, so what acts for them
    /// ends with it.
    async fn revoke_all_tokens(
        &self,
        permit: Permit,
        request: RevokeAllTokensRequest,
    ) -> Result<RevokeAllTokensResponse, Error> {
        let present = Present::read(&self.clock, &self.keys);
        let note = note(&permit, request.reason, present.now())?;
        let caller = permit.token().ok_or(Error::NoToken)?;
        let (Some(subject), Some(issuer), None) =
            (&caller.claims().subject, caller.root_issuer(), &caller.claims().actor)
        else {
            return Err(Error::NotTheCallers);
        };
        let mut sequence = 0;
        for (user, before) in present.of_user(issuer, subject) {
            let entry = Entry::cutoff(user, before, None);
            sequence = self.list.revoke(entry, note.clone()).await?.max(sequence);
        }
        tracing::info!(
            target: "hallpass::audit",
            decision = %permit.decision(),
            sequence,
            by = permit.subject(),
            "revoked all of one's own",
        );
        let issued_before = Some(timestamp(present.for_issuer(issuer)));
        Ok(RevokeAllTokensResponse { issued_before })
    }

    /// Another's token is inactive for a caller without the scope, just as one that does not exist: the answer tells nothing about it
    /// (RFC 7662, section 2.2).
    async fn introspect_token(
        &self,
        permit: Permit,
        request: IntrospectTokenRequest,
    ) -> Result<IntrospectTokenResponse, Error> {
        let presented = presented(self, &permit, &request.token)?;
        let about = self.about("introspect", presented.as_ref(), &request.token);
        let outcome = self.introspect(&permit, presented.as_ref()).await;
        let outcome = outcome.inspect_err(|error| about.ended(&permit, Err(error)))?;
        about.ended(&permit, Ok(outcome));
        Ok(match presented.filter(|_| outcome == ACTIVE) {
            Some(presented) => described(&presented.token),
            None => IntrospectTokenResponse::default(),
        })
    }
}

/// What the record says where nothing was revoked.
const NOTHING: &str = "nothing recorded";
/// What the record says of a token about which the caller is told everything.
const ACTIVE: &str = "active";

impl TokenHandler {
    /// For the record: what is done, and about whose token.
    pub(crate) fn about<'a>(
        &self,
        what: &'static str,
        presented: Option<&'a Presented>,
        token: &str,
    ) -> About<'a> {
        let unverified = || self.keys.ring().unverified(token).ok().map(|of| of.signed_part);
        let unverified = if presented.is_none() { unverified() } else { None };
        About { what, token: presented.map(|presented| &*presented.token), unverified }
    }

    /// What became of it, for the record; all but [`NOTHING`] is recorded in the list.
    async fn revoke(
        &self,
        permit: &Permit,
        presented: Option<&Presented>,
        request: &RevokeTokenRequest,
    ) -> Result<&'static str, Error> {
        let now = self.clock.now();
        let note = note(permit, request.reason.clone(), now)?;
        let entries = self.to_revoke(permit, presented, &request.token, now)?;
        let index = self.list.index();
        let news = entries.iter().any(|entry| !index.contains(entry.fingerprint));
        for entry in &entries {
            self.list.revoke(*entry, note.clone()).await?;
        }
        Ok(match (entries.is_empty(), news) {
            (true, _) => NOTHING,
            (false, true) => REVOKED,
            (false, false) => "revoked before",
        })
    }

    /// What has to be recorded so that a presented token is refused everywhere. Nothing for one that nobody here knows and that no
    /// administrator presents.
    fn to_revoke(
        &self,
        permit: &Permit,
        presented: Option<&Presented>,
        token: &str,
        now: UnixTime,
    ) -> Result<Vec<Entry>, Error> {
        let admin = permit.has_scope(ADMIN_SCOPE);
        match presented {
            Some(presented) if admin || is_own(permit, &presented.token)? => {
                Ok(vec![presented.entry()])
            }
            Some(_) => Err(Error::NotTheCallers),
            None if admin => unverified(&self.keys.ring(), token, now),
            None => Ok(Vec::new()),
        }
    }

    /// What there is to tell the caller; all but [`ACTIVE`] is told to the record alone.
    async fn introspect(
        &self,
        permit: &Permit,
        presented: Option<&Presented>,
    ) -> Result<&'static str, Error> {
        let Some(presented) = presented else { return Ok("unknown") };
        if presented.check_session(self).is_err() || !self.is_active(&presented.token).await {
            return Ok("inactive");
        }
        if !permit.has_scope(INTROSPECT_SCOPE) && !is_own(permit, &presented.token)? {
            return Ok("another's, not told");
        }
        Ok(ACTIVE)
    }

    /// A token of which it cannot be told whether it is spent counts as spent.
    async fn is_active(&self, token: &Verified) -> bool {
        token.check_time(self.clock.now()).is_ok()
            && !self.list.index().is_revoked(token)
            && self.actions.is_spent(token).await.is_ok_and(|spent| !spent)
    }
}

/// How long an entry is kept for what ends at an instant: until no node, whatever its clock, takes it any more.
pub(crate) fn kept_until(end: UnixTime) -> UnixTime {
    const TWICE_THE_SKEW: Duration = Duration::from_secs(2 * SKEW.as_secs());
    end.plus(TWICE_THE_SKEW)
}

/// Who acts, by the outermost `act`.
pub(crate) fn actor(claims: &Claims) -> String {
    let actor = claims.actor.as_ref().and_then(|actor| actor.get("sub"));
    actor.and_then(|sub| sub.as_str()).unwrap_or_default().to_owned()
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
        roles: claims.roles.clone(),
        amr: claims.amr.clone(),
        auth_time: claims.auth_time.map(timestamp),
        actor: actor(claims),
        resource: claims
            .resource
            .as_ref()
            .map(|of| format!("{}:{}", of.kind, of.id))
            .unwrap_or_default(),
    }
}
