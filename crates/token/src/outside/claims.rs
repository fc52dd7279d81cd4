//! Reads the claims of an outside issuer's access token (RFC 9068) as those of a user here.
//!
//! Promise: nothing that the token says of ancestors, sessions, objects or elevated operations of this mesh is believed. Claims that decide are
//! read strictly; the others refuse no token.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::lookup::{self, find, holds};
use super::{ClaimPath, OutsideIssuer, mapped};
use crate::claim_members::{MAX_VALUES, Members};
use crate::error::Limit;
use crate::{ClaimName, Claims, TokenError, TokenType, names};

/// What ID tokens (`OpenID` Connect Core, section 3), logout tokens and security events (RFC 8417) have, and access tokens do not.
const OTHER_KINDS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// The claims that say which kind a token is, and what an access token says: Keycloak's and Amazon Cognito's.
const KINDS: [(&str, &str); 2] = [("typ", "Bearer"), ("token_use", "access")];

pub(crate) fn read(
    issuer: &OutsideIssuer,
    payload: Map<String, Value>,
) -> Result<Claims, TokenError> {
    if issuer.plain_jwt {
        check_kind(&payload)?;
    }
    check_required(issuer, &payload)?;
    let (scopes, roles) = granted(issuer, &payload);
    if !is_for(issuer, &payload)? {
        return Err(TokenError::AudienceNotAllowed);
    }
    let mut members = Members::new(payload);
    if members.needed_name("iss")? != issuer.issuer {
        return Err(TokenError::WrongIssuer);
    }
    let actor = members.actor("act")?;
    Ok(Claims {
        issuer: Some(issuer.issuer.clone()),
        subject: Some(subject(issuer, &members.needed_name("sub")?)?),
        audience: issuer.audiences_here.clone(),
        service: None,
        scopes: few("scopes", scopes)?.into_iter().collect(),
        token_type: TokenType::User,
        issued_at: members.issued_at_or_zero()?.whole(),
        not_before: members.not_before()?,
        expires_at: Some(members.needed_time("exp")?),
        id: members.name_if_readable("jti"),
        txn: None,
        may_act: members.actor("may_act")?,
        // Somebody who acts for the user gets no elevated operations: nobody has said which.
        actions: actor.is_some().then(Vec::new),
        actor,
        job_id: None,
        job_owner: None,
        resource: None,
        confirmation: members.confirmation()?,
        parents: Vec::new(),
        root_issued_at: None,
        root_key: None,
        root_issuer: None,
        session: None,
        roles: few("roles", roles)?,
        amr: members.names_if_readable("amr"),
        auth_time: members.time_if_readable("auth_time"),
        // Other issuers mean something else by `permissions` and `roles`.
        grants: None,
    })
}

/// The scopes and the roles here. A token without any claim of scopes is an application's, whose roles are its permissions: they are looked
/// up among the scopes, too.
fn granted(
    issuer: &OutsideIssuer,
    payload: &Map<String, Value>,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let found = |claims: &[ClaimPath]| -> Vec<_> {
        claims.iter().filter_map(|claim| claim.find(payload)).collect()
    };
    let (of_scopes, of_roles) = (found(&issuer.scopes_claims), found(&issuer.roles_claims));
    let roles: Vec<_> = of_roles.into_iter().flat_map(lookup::roles).collect();
    let scopes: Vec<_> = if of_scopes.is_empty() {
        roles.clone()
    } else {
        of_scopes.into_iter().flat_map(lookup::scopes).collect()
    };
    (mapped(scopes.into_iter(), &issuer.scopes), mapped(roles.into_iter(), &issuer.roles))
}

/// Where the header does not say what kind of token it is, the claims must not say that it is another.
fn check_kind(payload: &Map<String, Value>) -> Result<(), TokenError> {
    let other = OTHER_KINDS.iter().any(|claim| payload.contains_key(*claim));
    let is = |value: &Value, kind: &str| {
        value.as_str().is_some_and(|said| said.eq_ignore_ascii_case(kind))
    };
    let another = |(claim, kind)| payload.get(claim).is_some_and(|said| !is(said, kind));
    if other || KINDS.into_iter().any(another) {
        return Err(TokenError::UnexpectedClaim("one of an ID token, a refresh token or an event"));
    }
    Ok(())
}

fn check_required(issuer: &OutsideIssuer, payload: &Map<String, Value>) -> Result<(), TokenError> {
    let has = |(path, wanted): &(&String, &Value)| {
        find(payload, path).is_some_and(|value| holds(value, wanted))
    };
    match issuer.require.iter().find(|required| !has(required)) {
        None => Ok(()),
        Some((path, _)) => Err(TokenError::RequiredClaim(ClaimName::new(path))),
    }
}

/// Whether `aud`, a text or a list of texts (RFC 7519, section 4.1.3), or the claim that the settings name instead, names this mesh. Who
/// else it names does not matter.
fn is_for(issuer: &OutsideIssuer, payload: &Map<String, Value>) -> Result<bool, TokenError> {
    let usual = issuer.audience_claim.is("aud");
    let claim = if usual { "aud" } else { "the claim that audience_claim names" };
    let is_meant = |audience: &str| issuer.audience.iter().any(|one| one == audience);
    match issuer.audience_claim.find(payload) {
        None => Err(TokenError::MissingClaim(claim)),
        Some(Value::String(one)) => Ok(is_meant(one)),
        Some(Value::Array(several)) if several.iter().all(Value::is_string) => {
            Ok(several.iter().filter_map(Value::as_str).any(is_meant))
        }
        Some(_) => Err(TokenError::Malformed(claim)),
    }
}

fn subject(issuer: &OutsideIssuer, sub: &str) -> Result<String, TokenError> {
    let subject = format!("{}{sub}", issuer.subject_prefix);
    if subject.len() > names::MAX_NAME {
        return Err(TokenError::BeyondLimit(
            "sub behind its prefix",
            Limit::Bytes(names::MAX_NAME),
        ));
    }
    if names::is_name(&subject) { Ok(subject) } else { Err(TokenError::Malformed("sub")) }
}

/// What the mapping has made of a claim: no more than a token of this mesh could hold.
fn few(claim: &'static str, all: BTreeSet<String>) -> Result<Vec<String>, TokenError> {
    if all.len() > MAX_VALUES {
        return Err(TokenError::BeyondLimit(claim, Limit::Values(MAX_VALUES)));
    }
    Ok(all.into_iter().collect())
}
