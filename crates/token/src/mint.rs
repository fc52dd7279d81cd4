//! Makes tokens, and none that a verifier with the same ring would refuse.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::{
    Claims, Fingerprint, Key, KeyRing, KeyState, MintError, MintedToken, NewToken, Profile, SKEW,
    TokenType, UnixTime, claims_wire, verify,
};

impl KeyRing {
    /// Mints a token with the key of this name. `now` may have a fraction: a key whose minter shares its verifiers' clock stamps it.
    pub fn mint(&self, kid: &str, new: &NewToken, now: UnixTime) -> Result<MintedToken, MintError> {
        let key = self.key(kid).ok_or(MintError::UnknownKey)?;
        if !key.can_sign() {
            return Err(MintError::NoPrivateKey);
        }
        if key.state() != KeyState::Active {
            return Err(MintError::KeyNotActive);
        }
        new.lineage.as_ref().map_or(Ok(()), |lineage| lineage.check(new))?;
        check_profile(key, new)?;
        let claims = claims_of(key, new, now)?;
        let payload = claims_wire::write(key.profile(), &claims);
        let signed = signed_part(&header_of(key, new.token_type), &payload)?;
        // The payload is read back as a verifier will read it: what would be refused there is not signed here.
        let read = claims_wire::read(key, payload).map_err(MintError::NotAllowed)?;
        verify::check_entry(key, &read).map_err(MintError::NotAllowed)?;
        self.check_root(key, &read).map_err(MintError::NotAllowed)?;
        let signature = key.material().sign(signed.as_bytes()).ok_or(MintError::Signing)?;
        let fingerprint = verify::fingerprint(&read, Fingerprint::signed_part(signed.as_bytes()));
        MintedToken::assemble(signed, &signature, fingerprint, read.expires_at)
    }
}

/// `header.payload`, both encoded.
pub(crate) fn signed_part(
    header: &Value,
    payload: &Map<String, Value>,
) -> Result<String, MintError> {
    let payload = serde_json::to_vec(payload).map_err(|_| MintError::Signing)?;
    let mut signed = URL_SAFE_NO_PAD.encode(header.to_string());
    signed.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut signed);
    Ok(signed)
}

fn claims_of(key: &Key, new: &NewToken, now: UnixTime) -> Result<Claims, MintError> {
    let lineage = new.lineage.as_ref();
    Ok(Claims {
        issuer: Some(key.issuer().to_owned()),
        subject: new.subject.clone(),
        audience: new.audience.clone(),
        service: new.service.clone(),
        scopes: new.scopes.clone(),
        token_type: new.token_type,
        issued_at: if stamps_fractions(key) { now } else { now.whole() },
        not_before: new.not_before,
        expires_at: end_of(key, new, now)?,
        id: Some(new.id.as_str().to_owned()),
        txn: new.txn.clone(),
        actor: new.actor.clone(),
        may_act: new.may_act.clone(),
        job_id: new.job_id.clone(),
        job_owner: new.job_owner.clone(),
        resource: new.resource.clone(),
        confirmation: new.confirmation,
        parents: lineage.map(|lineage| lineage.parents.clone()).unwrap_or_default(),
        root_issued_at: lineage.map(|lineage| lineage.root_issued_at),
        root_key: lineage.map(|lineage| lineage.root_key.clone()),
        root_issuer: lineage.and_then(|lineage| lineage.root_issuer().map(str::to_owned)),
        session: new.session.clone(),
        roles: new.roles.clone(),
        amr: new.amr.clone(),
        auth_time: new.auth_time,
        actions: new.actions.clone(),
        grants: new.grants.clone(),
    })
}

/// Whether the fraction means something: it does where its verifiers have the same clock. Other minters' forms count whole seconds.
fn stamps_fractions(key: &Key) -> bool {
    key.shares_clock() && key.profile() == Profile::Standard
}

/// The life asked for, within what the kind may have, and never past the parent's end.
fn end_of(key: &Key, new: &NewToken, now: UnixTime) -> Result<Option<UnixTime>, MintError> {
    let (kind, longest) = (new.token_type, key.longest_life(new.token_type));
    let life = match new.life {
        None if kind == TokenType::User && key.allows_no_expiry() => None,
        None => Some(longest.map_or(kind.usual_life(), |longest| longest.min(kind.usual_life()))),
        Some(life) if life < kind.shortest_life() => {
            return Err(MintError::Lifetime("shorter than such a token may live"));
        }
        Some(life) if longest.is_some_and(|longest| life > longest) => {
            return Err(MintError::Lifetime("longer than such a token may live"));
        }
        Some(life) => Some(life),
    };
    let end = life.map(|life| now.whole().plus(life));
    match new.lineage.as_ref().and_then(|lineage| lineage.not_after) {
        // As long as the parent itself is accepted: its child ends with it all the same.
        Some(parents_end) if parents_end.plus(SKEW) <= now => Err(MintError::ParentExpired),
        Some(parents_end) => Ok(Some(end.map_or(parents_end, |end| end.min(parents_end)))),
        None => Ok(end),
    }
}

/// What the forms of other minters have no place for. Ancestors above all: without them a child would outlive their revocation.
fn check_profile(key: &Key, new: &NewToken) -> Result<(), MintError> {
    if key.profile() == Profile::Standard {
        return Ok(());
    }
    let bearer = key.profile() == Profile::BearerV1;
    let storage = key.profile() == Profile::StorageV1;
    let key_scopes = new.scopes.is_empty() || new.scopes == *key.scopes();
    let without_place = [
        ("ancestors", new.lineage.is_some()),
        ("txn", new.txn.is_some()),
        ("act", new.actor.is_some()),
        ("job_owner", new.job_owner.is_some()),
        ("resource", new.resource.is_some()),
        ("cnf", new.confirmation.is_some()),
        ("sid", new.session.is_some()),
        ("roles", !new.roles.is_empty()),
        ("amr", !new.amr.is_empty()),
        ("auth_time", new.auth_time.is_some()),
        ("may_act", new.may_act.is_some()),
        ("actions", new.actions.is_some()),
        ("storage grants", !storage && new.grants.is_some()),
        ("aud", !storage && !new.audience.is_empty() && new.audience != key.audiences()),
        ("scopes other than the key's", bearer && !key_scopes),
        ("service", (bearer || storage) && new.service.is_some()),
        ("job_id", (bearer || storage) && new.job_id.is_some()),
        ("nbf", bearer && new.not_before.is_some()),
    ];
    match without_place.into_iter().find(|(_, present)| *present) {
        Some((claim, _)) => Err(MintError::ProfileCannotCarry(claim)),
        None => Ok(()),
    }
}

fn header_of(key: &Key, token_type: TokenType) -> Value {
    let kind = match key.profile() {
        Profile::Standard => token_type.header_type(),
        Profile::HybridV1 | Profile::BearerV1 | Profile::StorageV1 | Profile::Outside => "JWT",
    };
    json!({ "alg": key.algorithm().as_str(), "kid": key.kid(), "typ": kind })
}
