//! A token that a key of the ring signed and whose claims the key's entry allows.
//!
//! Invariant: only `KeyRing::verify` makes one, and everything a revocation look-up needs is already computed in it.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::claim_members::UNDATED;
use crate::verify::TOO_LONG_A_LIFE;
use crate::{Claims, Fingerprint, Grants, Key, Profile, SKEW, TokenError, TokenType, UnixTime};

/// A verified token. Time goes on, so [`Verified::check_time`] is asked again at every use.
#[derive(Clone, PartialEq)]
pub struct Verified {
    claims: Claims,
    kid: String,
    profile: Profile,
    signed: Fingerprint,
    txn: String,
    token_ends: Option<UnixTime>,
    length: usize,
    root_issuer: Option<String>,
    lookups: Vec<Fingerprint>,
    cutoffs: Vec<Fingerprint>,
    ahead: Duration,
    longest_left: Option<Duration>,
}

/// What a token can be revoked by. There is nothing secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// [`Verified::lookups`].
    pub lookups: Vec<Fingerprint>,
    /// [`Verified::cutoffs`].
    pub cutoffs: Vec<Fingerprint>,
    /// [`Verified::root_issued_at`].
    pub root_issued_at: UnixTime,
}

/// How far ahead of a verifier's clock a minter may be that has the same clock: its instants have fractions, the verifier's may not.
const SHARED_CLOCK_AHEAD: Duration = Duration::from_secs(1);

impl Verified {
    /// With its names, its own and that of the signed part, and its length. `root_issuer` is who issued the chain's first token, where that
    /// can be told.
    pub(crate) fn new(
        claims: Claims,
        key: &Key,
        (own, signed, length): (Fingerprint, Fingerprint, usize),
        root_issuer: Option<String>,
    ) -> Self {
        let txn = claims.txn.clone().unwrap_or_else(|| own.to_string());
        let lookups = lookups(&claims, key.kid(), (own, signed));
        let (kid, profile) = (key.kid().to_owned(), key.profile());
        let cutoffs = cutoffs(&claims, root_issuer.as_deref(), profile);
        let token_ends = claims.expires_at;
        let ahead = if key.shares_clock() { SHARED_CLOCK_AHEAD } else { SKEW };
        let undated = claims.issued_at == UNDATED;
        let longest_left = key.longest_life(claims.token_type).filter(|_| undated);
        Self {
            claims,
            kid,
            profile,
            signed,
            txn,
            token_ends,
            length,
            root_issuer,
            lookups,
            cutoffs,
            ahead,
            longest_left,
        }
    }

    /// The same token as a session shows it: it ends with the session, and is refused once the session is. `None` for a token that is of
    /// a session already.
    #[must_use]
    pub fn in_session(mut self, sid: &str, ends: UnixTime) -> Option<Self> {
        if self.claims.session.is_some() {
            return None;
        }
        self.lookups.push(Fingerprint::session(sid));
        self.signed = self.signed.shown_in(sid);
        self.claims.session = Some(sid.to_owned());
        self.claims.expires_at = Some(self.claims.expires_at.map_or(ends, |own| own.min(ends)));
        Some(self)
    }

    /// What the token says.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Who acts for the user, outermost first, without the services that only pass the user's calls on.
    pub fn agent(&self) -> Option<&Value> {
        let actor = self.claims.actor.as_ref()?;
        if self.claims.token_type == TokenType::Service { actor.get("act") } else { Some(actor) }
    }

    /// The key that signed it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The form of token that its key makes: who minted it, and how much it can say.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Its own identity: of issuer and `jti`, or of the signed part where other minters give no `jti`.
    pub fn fingerprint(&self) -> Fingerprint {
        self.lookups[0]
    }

    /// What was signed, all of it, and the session that shows it. Unlike [`Verified::fingerprint`] it tells apart tokens to which an issuer gave one `jti`.
    pub const fn signed_part(&self) -> Fingerprint {
        self.signed
    }

    /// Everything whose revocation revokes this token at once: itself by either name, its ancestors, its session, its key, its root's key.
    /// What was signed is one of its names whatever its profile: so a token is revoked where nobody can verify it, too.
    pub fn lookups(&self) -> &[Fingerprint] {
        &self.lookups
    }

    /// All that may revoke it, to be kept longer than the token is at hand.
    pub fn chain(&self) -> Chain {
        let root_issued_at = self.root_issued_at();
        Chain { lookups: self.lookups.clone(), cutoffs: self.cutoffs.clone(), root_issued_at }
    }

    /// What may have a cut-off: its subject and its service. A cut-off refuses tokens whose root was issued before it.
    pub fn cutoffs(&self) -> &[Fingerprint] {
        &self.cutoffs
    }

    /// The first token of the chain; the token itself where it has no ancestors.
    pub fn root(&self) -> Fingerprint {
        self.claims.parents.first().copied().unwrap_or_else(|| self.fingerprint())
    }

    /// When the first token of the chain was issued; the token's own `iat` where it has no ancestors.
    pub fn root_issued_at(&self) -> UnixTime {
        self.claims.root_issued_at.unwrap_or(self.claims.issued_at)
    }

    /// The key that signed the first token of the chain; the token's own where it has no ancestors.
    pub fn root_key(&self) -> &str {
        self.claims.root_key.as_deref().unwrap_or(&self.kid)
    }

    /// Who issued the first token of the chain: its own issuer where it has no ancestors, and nobody where neither the ring
    /// knows the key that signed the first, nor its name or the token says whose it is.
    pub fn root_issuer(&self) -> Option<&str> {
        match self.claims.root_key {
            None => self.claims.issuer.as_deref(),
            Some(_) => self.root_issuer.as_deref(),
        }
    }

    /// Whether both are in the hands of one: the same user by the same issuer, and nobody or the same one acting for them.
    pub fn is_of_same_holder(&self, other: &Self) -> bool {
        let (own, others) = (&self.claims, &other.claims);
        own.subject.is_some()
            && own.subject == others.subject
            && own.actor == others.actor
            && self.root_issuer().is_some_and(|issuer| other.root_issuer() == Some(issuer))
    }

    /// Names the user whom the chain began with, for limits: whatever acts for a user counts for them. A background token counts for its job's
    /// owner, or for its job, or else for its service.
    pub fn user(&self) -> Fingerprint {
        let claims = &self.claims;
        let issuer = self.root_issuer().unwrap_or_default();
        if let Some(subject) = &claims.subject {
            return Fingerprint::subject(issuer, subject);
        }
        match (&claims.job_owner, &claims.job_id) {
            (Some(owner), _) => Fingerprint::subject(&format!("jobs of {issuer}"), owner),
            (None, Some(job)) => Fingerprint::subject(&format!("a job of {issuer}"), job),
            (None, None) => Fingerprint::service(claims.service.as_deref().unwrap_or_default()),
        }
    }

    /// The transaction: the token's own `txn`, else one derived from its identity.
    pub fn txn(&self) -> &str {
        &self.txn
    }

    /// When it ends: with the session that shows it, where one does.
    pub const fn expires_at(&self) -> Option<UnixTime> {
        self.claims.expires_at
    }

    /// When the token itself ends, whatever session shows it. What is kept under [`Verified::fingerprint`] is kept until then: the token
    /// counts outside the session, too.
    pub const fn token_expires_at(&self) -> Option<UnixTime> {
        self.token_ends
    }

    /// About how many bytes of memory it takes. Compressed grants unfold to many times the token's length.
    pub fn held_bytes(&self) -> usize {
        self.length + self.claims.grants.as_ref().map_or(0, Grants::held_bytes)
    }

    /// Whether the token is within its time, give or take [`SKEW`]. A minter that shares the verifier's clock is not ahead of it.
    pub fn check_time(&self, now: UnixTime) -> Result<(), TokenError> {
        let claims = &self.claims;
        if claims.expires_at.is_some_and(|end| now >= end.plus(SKEW)) {
            return Err(TokenError::Expired);
        }
        let too_early = claims.issued_at > now.plus(self.ahead)
            || claims.not_before.is_some_and(|start| start > now.plus(SKEW));
        if too_early {
            return Err(TokenError::NotYetValid);
        }
        // Nobody knows how long a token without `iat` has lived: what is left of its life is within what it may have in all.
        match (claims.expires_at, self.longest_left) {
            (Some(end), Some(longest)) if end.since(now) > longest => Err(TOO_LONG_A_LIFE),
            _ => Ok(()),
        }
    }

    /// How long the token can still be accepted; `None` for ever. Bounds what a cache keeps.
    pub fn usable_for(&self, now: UnixTime) -> Option<Duration> {
        Some(self.claims.expires_at?.plus(SKEW).since(now))
    }
}

/// Says whose token it is, not what it is: the operator's log may hold `sub` and `jti`.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("type", &self.claims.token_type)
            .field("kid", &self.kid)
            .field("sub", &self.claims.subject)
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

fn lookups(
    claims: &Claims,
    kid: &str,
    (own, signed): (Fingerprint, Fingerprint),
) -> Vec<Fingerprint> {
    let mut all = Vec::with_capacity(claims.parents.len() + 5);
    all.push(own);
    all.extend((signed != own).then_some(signed));
    all.extend_from_slice(&claims.parents);
    all.extend(claims.session.as_deref().map(Fingerprint::session));
    all.push(Fingerprint::key(kid));
    let root_key = claims.root_key.as_deref().filter(|root| *root != kid);
    all.extend(root_key.map(Fingerprint::key));
    all
}

fn cutoffs(claims: &Claims, root_issuer: Option<&str>, profile: Profile) -> Vec<Fingerprint> {
    let issuer = claims.issuer.as_deref().unwrap_or_default();
    let mut all = Vec::with_capacity(4);
    if let Some(subject) = &claims.subject {
        let foreign = !matches!(profile, Profile::Standard | Profile::Outside);
        all.extend(foreign.then(|| Fingerprint::bare_subject(subject)));
        all.push(Fingerprint::subject(issuer, subject));
        let root_issuer = root_issuer.filter(|root| *root != issuer);
        all.extend(root_issuer.map(|root| Fingerprint::subject(root, subject)));
    }
    all.extend(claims.service.as_deref().map(Fingerprint::service));
    all
}
