//! Verifying: signature first, then everything that the key's entry and the kind of token demand.
//!
//! Promise: what is not allowed by name is refused, and nothing in a token chooses an algorithm, a key or a place to fetch one.

use std::time::Duration;

use crate::claim_members::UNDATED;
use crate::wire::{Compact, Header, MAX_TOKEN};
use crate::{
    Claims, Fingerprint, Key, KeyRing, KeyState, OutsideKeys, Profile, SKEW, TokenError, TokenType,
    UnixTime, Verified, claims_wire, outside,
};

/// A token ends later than its key's entry allows.
pub(crate) const TOO_LONG_A_LIFE: TokenError =
    TokenError::Lifetime("longer than this type may live");

impl KeyRing {
    /// Verifies a token at an instant.
    pub fn verify(&self, token: &str, now: UnixTime) -> Result<Verified, TokenError> {
        let verified = self.verify_at_any_time(token)?;
        verified.check_time(now)?;
        Ok(verified)
    }

    /// Verifies all of a token but its time, which is left to [`Verified::check_time`].
    pub fn verify_at_any_time(&self, token: &str) -> Result<Verified, TokenError> {
        let compact = Compact::cut(token, MAX_TOKEN)?;
        let header = Header::read(compact.header()?)?;
        // An issuer's keys are looked for under the issuer that the token names; that it is theirs, the signature says.
        let key = match self.claimed(&compact)? {
            Some(outside) => outside_signer_of(outside, &header, &compact)?,
            None => self.signer_of(&header, &compact)?,
        };
        let claims = claims_wire::read(key, compact.payload()?)?;
        check_header_type(&header, key, claims.token_type)?;
        check_entry(key, &claims)?;
        self.check_root(key, &claims)?;
        let root_issuer = self.root_issuer(&claims).map(str::to_owned);
        let signed = Fingerprint::signed_part(compact.signed());
        let own = fingerprint(&claims, signed);
        Ok(Verified::new(claims, key, (own, signed, token.len()), root_issuer))
    }

    /// Who issued the first token of a chain: what the signed token says. Only where it does not, as in tokens of former versions, the name
    /// of the first one's key tells, or this ring's entry of that name. Rings may differ in what a name stands for.
    fn root_issuer<'a>(&'a self, claims: &'a Claims) -> Option<&'a str> {
        let root = claims.root_key.as_deref()?;
        let signed = claims.root_issuer.as_deref().or_else(|| outside::issuer_of_key(root));
        signed.or_else(|| self.key(root).map(Key::issuer))
    }

    /// A key vouches for another issuer's users only if it is a service's own: services mint children of the tokens that users bring them.
    /// Its entry's `roots` says of which issuers; without it, of any.
    pub(crate) fn check_root(&self, key: &Key, claims: &Claims) -> Result<(), TokenError> {
        let Some(root) = self.root_issuer(claims).filter(|root| *root != key.issuer()) else {
            return Ok(());
        };
        let allowed = match key.roots() {
            Some(roots) => roots.iter().any(|allowed| allowed == root),
            None => self.is_a_services(key),
        };
        if allowed { Ok(()) } else { Err(TokenError::RootNotAllowed) }
    }

    /// Whether the key's owner is a service: it has a key that signs what services hold. A minter of user tokens has none.
    fn is_a_services(&self, key: &Key) -> bool {
        let signs_as_service =
            |of: &Key| of.owner() == key.owner() && of.types().iter().any(|of| of.names_service());
        key.profile() == Profile::Standard && self.keys().any(signs_as_service)
    }

    /// The key that signed the token. A `kid` names one key. Without one only the keys of other minters come into question, and the
    /// signature says which: no two entries hold the same key.
    fn signer_of(&self, header: &Header, compact: &Compact<'_>) -> Result<&Key, TokenError> {
        header.names_no_certificate()?;
        let signature = compact.signature()?;
        let signed_by = |key: &Key| key.material().verify(compact.signed(), &signature);
        let Some(kid) = &header.kid else {
            let mut fitting = self.unnamed().filter(|key| alg_is(header, key)).peekable();
            fitting.peek().ok_or(TokenError::UnknownKey)?;
            return fitting.find(|key| signed_by(key)).ok_or(TokenError::BadSignature);
        };
        let key = self.own_key(kid).ok_or(TokenError::UnknownKey)?;
        if key.state() == KeyState::Retired {
            return Err(TokenError::KeyRetired);
        }
        if !alg_is(header, key) {
            return Err(TokenError::Algorithm);
        }
        if signed_by(key) { Ok(key) } else { Err(TokenError::BadSignature) }
    }
}

/// The key of an outside issuer that signed the token. There is no other key to try: the header says which, or it is the only one.
fn outside_signer_of<'k>(
    keys: &'k OutsideKeys,
    header: &Header,
    compact: &Compact<'_>,
) -> Result<&'k Key, TokenError> {
    let key = keys.signer(header.kid.as_deref(), header.algorithm())?;
    let signature = compact.signature()?;
    if key.material().verify(compact.signed(), &signature) {
        Ok(key)
    } else {
        Err(TokenError::BadSignature)
    }
}

/// What a verifier will know the token by: its `jti`, or what was signed where the minter gives none.
pub(crate) fn fingerprint(claims: &Claims, signed: Fingerprint) -> Fingerprint {
    match (&claims.issuer, &claims.id) {
        (Some(issuer), Some(id)) => Fingerprint::token(issuer, id),
        _ => signed,
    }
}

/// Everything that does not depend on the present: what the entry allows, what the kind of token needs, how long it lives.
/// Minting asks the same question.
pub(crate) fn check_entry(key: &Key, claims: &Claims) -> Result<(), TokenError> {
    if claims.issuer.as_deref() != Some(key.issuer()) {
        return Err(TokenError::WrongIssuer);
    }
    if !key.may_sign(claims.token_type) {
        return Err(TokenError::TypeNotAllowed);
    }
    if !claims.scopes.is_subset(key.scopes()) {
        return Err(TokenError::ScopeNotAllowed);
    }
    if !claims.audience.iter().all(|audience| key.may_reach(audience)) {
        return Err(TokenError::AudienceNotAllowed);
    }
    check_holder(key, claims)?;
    if claims.grants.is_some() && !claims.token_type.carries_grants() {
        return Err(TokenError::UnexpectedClaim("storage grants"));
    }
    check_life(key, claims)
}

fn alg_is(header: &Header, key: &Key) -> bool {
    header.algorithm() == Some(key.algorithm())
}

/// The header says the same kind as the claims; tokens of other minters say `JWT` or nothing.
fn check_header_type(header: &Header, key: &Key, kind: TokenType) -> Result<(), TokenError> {
    let plain = key.outside_issuer().is_some_and(|issuer| issuer.plain_jwt);
    let fits = match (key.profile(), header.kind.as_deref()) {
        (Profile::Standard, typ) => typ == Some(kind.header_type()),
        (Profile::Outside, None) => plain,
        (Profile::Outside, Some(typ)) => {
            let typ = typ.to_ascii_lowercase();
            let access = typ.strip_prefix("application/").unwrap_or(&typ) == "at+jwt";
            access || (plain && typ == "jwt")
        }
        (Profile::HybridV1 | Profile::BearerV1 | Profile::StorageV1, None) => true,
        (Profile::HybridV1 | Profile::BearerV1 | Profile::StorageV1, Some(typ)) => {
            typ.eq_ignore_ascii_case("JWT")
        }
    };
    if fits { Ok(()) } else { Err(TokenError::TypeMismatch) }
}

/// Who holds the token and in whose name, as its kind demands.
fn check_holder(key: &Key, claims: &Claims) -> Result<(), TokenError> {
    let kind = claims.token_type;
    match (&claims.subject, kind == TokenType::Background) {
        (Some(_), true) => return Err(TokenError::UnexpectedClaim("sub")),
        (None, false) => return Err(TokenError::MissingClaim("sub")),
        (Some(_), false) | (None, true) => {}
    }
    if claims.job_owner.is_some() && kind != TokenType::Background {
        return Err(TokenError::UnexpectedClaim("job_owner"));
    }
    match &claims.service {
        None if kind.names_service() => Err(TokenError::MissingClaim("service")),
        None => Ok(()),
        Some(_) if !kind.names_service() => Err(TokenError::UnexpectedClaim("service")),
        Some(service) if is_owners(service, key.owner(), kind) => Ok(()),
        Some(_) => Err(TokenError::ServiceNotAllowed),
    }
}

/// A service is the owner itself; a worker may also be one of its parts, such as `platform-training`.
fn is_owners(service: &str, owner: &str, kind: TokenType) -> bool {
    match service.strip_prefix(owner) {
        Some("") => true,
        Some(part) => kind == TokenType::Background && part.len() > 1 && part.starts_with('-'),
        None => false,
    }
}

fn check_life(key: &Key, claims: &Claims) -> Result<(), TokenError> {
    let start = claims.issued_at;
    if claims.root_issued_at.is_some_and(|root| root > start.plus(SKEW)) {
        return Err(TokenError::Lifetime("issued before its root"));
    }
    let Some(end) = claims.expires_at else {
        let endless = claims.token_type == TokenType::User && key.allows_no_expiry();
        return if endless { Ok(()) } else { Err(TokenError::MissingClaim("exp")) };
    };
    // A child is minted as long as its parent is accepted, and has the parent's end: that may have come already.
    let late = if claims.parents.is_empty() { Duration::ZERO } else { SKEW };
    if end.plus(late) <= start || claims.not_before.is_some_and(|not_before| end <= not_before) {
        return Err(TokenError::Lifetime("ends before it begins"));
    }
    match key.longest_life(claims.token_type) {
        // Counted from each use instead: `Verified::check_time`.
        Some(_) if start == UNDATED => Ok(()),
        Some(longest) if end.since(start) > longest => Err(TOO_LONG_A_LIFE),
        _ => Ok(()),
    }
}
