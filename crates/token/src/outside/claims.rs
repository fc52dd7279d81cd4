//! Reads the claims of an outside issuer's access token (RFC 9068) as those of a user here.
//!
//! Promise: nothing that the token says of ancestors, sessions, objects or elevated operations of this mesh is believed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::lookup::{find, holds, values};
use super::{OutsideIssuer, mapped};
use crate::claim_members::{MAX_NAMES, MAX_SCOPES, Members};
use crate::{Claims, TokenError, TokenType, names};

/// What ID tokens (`OpenID` Connect Core, section 3), logout tokens and security events (RFC 8417) have, and access tokens do not.
const OTHER_KINDS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

pub(crate) fn read(
    issuer: &OutsideIssuer,
    payload: Map<String, Value>,
) -> Result<Claims, TokenError> {
    if issuer.plain_jwt {
        check_kind(&payload)?;
    }
    check_required(issuer, &payload)?;
    let scopes = mapped(
        values("scopes", find(&payload, &issuer.scopes_claim), true)?.into_iter(),
        &issuer.scopes,
    );
    let roles = issuer.roles_claim.as_deref().and_then(|path| find(&payload, path));
    let roles = mapped(values("roles", roles, false)?.into_iter(), &issuer.roles);
    let mut members = Members::new(payload);
    if members.needed_name("iss")? != issuer.issuer {
        return Err(TokenError::WrongIssuer);
    }
    if !members.audience()?.contains(&issuer.audience) {
        return Err(TokenError::AudienceNotAllowed);
    }
    let actor = members.actor("act")?;
    Ok(Claims {
        issuer: Some(issuer.issuer.clone()),
        subject: Some(subject(issuer, &members.needed_name("sub")?)?),
        audience: issuer.audiences_here.clone(),
        service: None,
        scopes: few("scopes", scopes, MAX_SCOPES)?.into_iter().collect(),
        token_type: TokenType::User,
        issued_at: members.needed_time("iat")?,
        not_before: members.time("nbf")?,
        expires_at: Some(members.needed_time("exp")?),
        id: members.name("jti")?,
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
        roles: few("roles", roles, MAX_NAMES)?,
        amr: members.names("amr")?,
        auth_time: members.time("auth_time")?,
        // Other issuers mean something else by `permissions` and `roles`.
        grants: None,
    })
}

/// Where the header does not say what kind of token it is, the claims must not say that it is another.
fn check_kind(payload: &Map<String, Value>) -> Result<(), TokenError> {
    let other = OTHER_KINDS.iter().any(|claim| payload.contains_key(*claim));
    let said = payload.get("typ").and_then(Value::as_str);
    if other || said.is_some_and(|kind| !kind.eq_ignore_ascii_case("Bearer")) {
        return Err(TokenError::UnexpectedClaim("one of an ID token, a refresh token or an event"));
    }
    Ok(())
}

fn check_required(issuer: &OutsideIssuer, payload: &Map<String, Value>) -> Result<(), TokenError> {
    let has = |(path, wanted): (&String, &Value)| {
        find(payload, path).is_some_and(|value| holds(value, wanted))
    };
    if issuer.require.iter().all(has) {
        Ok(())
    } else {
        Err(TokenError::MissingClaim("a claim that the settings of its issuer require"))
    }
}

fn subject(issuer: &OutsideIssuer, sub: &str) -> Result<String, TokenError> {
    let subject = format!("{}{sub}", issuer.subject_prefix);
    if names::is_name(&subject) { Ok(subject) } else { Err(TokenError::Malformed("sub")) }
}

fn few(claim: &'static str, all: BTreeSet<String>, most: usize) -> Result<Vec<String>, TokenError> {
    if all.len() > most { Err(TokenError::Malformed(claim)) } else { Ok(all.into_iter().collect()) }
}
