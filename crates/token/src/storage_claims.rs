//! What tokens say of stored objects, and the short form of a whole token that says so.
//!
//! Promise: a token that says a thing in short and in full says the same, or is refused; one of the short form that names nothing is
//! granted nothing.

use serde_json::{Map, Value};

use crate::claim_members::{MAX_VALUES, Members};
use crate::{Claims, Grants, Key, Scopes, TokenError, TokenType, claims_wire, names};

/// The claims by which a token of Hallpass' own form is one with storage grants. `roles` alone is what the user is.
const TELLING: [&str; 7] = ["b", "buckets", "p", "permissions", "l", "level", "r"];

/// The scopes: in short, in full, and as Hallpass' own tokens have them.
const SCOPES: [&str; 3] = ["s", "scope", "scopes"];

/// The storage grants of a token of Hallpass' own form. Without `r`, `roles` are what the user is, and no part of them.
pub(crate) fn of_standard(claims: &Map<String, Value>) -> Result<Option<Grants>, TokenError> {
    if !TELLING.iter().any(|claim| claims.contains_key(*claim)) {
        return Ok(None);
    }
    if claims.contains_key("r") {
        return Ok(Grants::read(claims)?);
    }
    let mut without_roles = claims.clone();
    without_roles.remove("roles");
    Ok(Grants::read(&without_roles)?)
}

/// `iss aud sub iat exp jti`, perhaps `nbf`, the scopes and the storage grants; nothing else.
pub(crate) fn read(key: &Key, mut payload: Map<String, Value>) -> Result<Claims, TokenError> {
    let grants = Grants::read(&payload)?.unwrap_or_default();
    let scopes = scopes(&mut payload)?;
    for claim in TELLING.into_iter().chain(["roles"]) {
        payload.remove(claim);
    }
    let mut members = Members::new(payload);
    let claims = Claims {
        issuer: Some(members.needed_name("iss")?),
        audience: members.audience()?,
        subject: Some(members.needed_name("sub")?),
        expires_at: Some(members.needed_time("exp")?),
        not_before: members.not_before()?,
        id: Some(members.needed_name("jti")?),
        scopes,
        grants: Some(grants),
        ..claims_wire::of_entry(key, TokenType::User, &mut members)?
    };
    members.nothing_left()?;
    Ok(claims)
}

/// Writes what the short form has besides `sub`, `iat` and `exp`.
pub(crate) fn write(claims: &Claims, payload: &mut Map<String, Value>) {
    let mut set = |name: &str, value: Option<Value>| {
        payload.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("iss", claims.issuer.as_deref().map(Value::from));
    set("aud", Some(claims.audience.iter().map(String::as_str).collect()));
    set("jti", claims.id.as_deref().map(Value::from));
    set("nbf", claims.not_before.map(|start| start.as_secs().into()));
    set("s", Some(claims.scopes.to_string().into()));
    claims.grants.as_ref().unwrap_or(&Grants::default()).write(payload);
}

/// The scopes, under each of their names the same; none where there is none.
fn scopes(payload: &mut Map<String, Value>) -> Result<Scopes, TokenError> {
    let mut found: Option<Scopes> = None;
    for claim in SCOPES {
        let Some(value) = payload.remove(claim) else { continue };
        let scopes = read_scopes(claim, &value)?;
        if found.as_ref().is_some_and(|earlier| *earlier != scopes) {
            return Err(TokenError::Malformed("s, scope and scopes say different things"));
        }
        found = Some(scopes);
    }
    Ok(found.unwrap_or_default())
}

/// A list, or a text with spaces between (RFC 8693, section 4.2).
fn read_scopes(claim: &'static str, value: &Value) -> Result<Scopes, TokenError> {
    let texts: Option<Vec<&str>> = match value {
        Value::String(text) => Some(text.split(' ').filter(|scope| !scope.is_empty()).collect()),
        Value::Array(texts) => texts.iter().map(Value::as_str).collect(),
        _ => None,
    };
    match texts {
        Some(texts)
            if texts.len() <= MAX_VALUES && texts.iter().all(|one| names::is_scope(one)) =>
        {
            Ok(texts.into_iter().collect())
        }
        _ => Err(TokenError::Malformed(claim)),
    }
}
