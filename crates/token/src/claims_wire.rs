//! Claims as JSON, read and written. Under the profiles of other minters the key's entry says what the token does not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::claim_members::{Members, UNDATED, to_numeric_date};
use crate::{Claims, Key, Profile, Scopes, TokenError, TokenType, outside, storage_claims};

/// Reads a payload whose signature is the key's.
pub(crate) fn read(key: &Key, payload: Map<String, Value>) -> Result<Claims, TokenError> {
    let mut members = Members::new(payload);
    match key.profile() {
        Profile::Standard => standard(&mut members),
        Profile::HybridV1 => {
            let claims = hybrid(&mut members, key)?;
            members.nothing_left()?;
            Ok(claims)
        }
        Profile::BearerV1 => {
            let claims = bearer(&mut members, key)?;
            members.nothing_left()?;
            Ok(claims)
        }
        Profile::StorageV1 => storage_claims::read(key, members.into_inner()),
        Profile::Outside => {
            let issuer = key.outside_issuer().ok_or(TokenError::UnknownKey)?;
            outside::read(issuer, members.into_inner())
        }
    }
}

/// Hallpass' own tokens. Claims that are not ours are ignored (RFC 7519, section 4).
fn standard(members: &mut Members) -> Result<Claims, TokenError> {
    let grants = storage_claims::of_standard(members.all())?;
    let token_type = members.token_type()?;
    let issued_at = members.issued_at_or_zero()?;
    // Services' tokens live for minutes, counted from it.
    if issued_at == UNDATED && token_type != TokenType::User {
        return Err(TokenError::MissingClaim("iat"));
    }
    Ok(Claims {
        issuer: Some(members.needed_name("iss")?),
        subject: members.nullable_name("sub")?,
        audience: members.audience()?,
        service: members.name("service")?,
        scopes: members.scopes()?.unwrap_or_default(),
        token_type,
        issued_at,
        not_before: members.not_before()?,
        expires_at: members.time("exp")?,
        id: Some(members.needed_name("jti")?),
        txn: members.name("txn")?,
        actor: members.actor("act")?,
        may_act: members.actor("may_act")?,
        job_id: members.job_id()?,
        job_owner: members.name("job_owner")?,
        resource: members.resource()?,
        confirmation: members.confirmation()?,
        parents: members.parents()?,
        root_issued_at: members.instant("root_iat")?,
        root_key: members.key_name("root_kid")?,
        root_issuer: members.name("root_iss")?,
        session: members.name("sid")?,
        roles: members.names_if_readable("roles"),
        amr: members.names_if_readable("amr"),
        auth_time: members.time_if_readable("auth_time"),
        actions: members.names_if_any("actions")?,
        grants,
    })
}

/// `service scopes type iat exp nbf`, `sub` (in background tokens `null` or absent) and perhaps `job_id`; nothing else.
fn hybrid(members: &mut Members, key: &Key) -> Result<Claims, TokenError> {
    Ok(Claims {
        subject: members.nullable_name("sub")?,
        service: Some(members.needed_name("service")?),
        scopes: members.scopes()?.ok_or(TokenError::MissingClaim("scopes"))?,
        not_before: Some(members.not_before()?.ok_or(TokenError::MissingClaim("nbf"))?),
        expires_at: Some(members.needed_time("exp")?),
        job_id: members.job_id()?,
        ..of_entry(key, members.token_type()?, members)?
    })
}

/// `sub iat` and perhaps `exp`; nothing else.
fn bearer(members: &mut Members, key: &Key) -> Result<Claims, TokenError> {
    Ok(Claims {
        subject: Some(members.needed_name("sub")?),
        scopes: key.scopes().clone(),
        expires_at: members.time("exp")?,
        ..of_entry(key, TokenType::User, members)?
    })
}

/// What the key's entry says of every token of another minter.
pub(crate) fn of_entry(
    key: &Key,
    token_type: TokenType,
    members: &mut Members,
) -> Result<Claims, TokenError> {
    Ok(Claims {
        issuer: Some(key.issuer().to_owned()),
        subject: None,
        audience: key.audiences().to_vec(),
        service: None,
        scopes: Scopes::default(),
        token_type,
        issued_at: members.needed_time("iat")?,
        not_before: None,
        expires_at: None,
        id: None,
        txn: None,
        actor: None,
        may_act: None,
        job_id: None,
        job_owner: None,
        resource: None,
        confirmation: None,
        parents: Vec::new(),
        root_issued_at: None,
        root_key: None,
        root_issuer: None,
        session: None,
        roles: Vec::new(),
        amr: Vec::new(),
        auth_time: None,
        actions: None,
        grants: None,
    })
}

/// Writes the payload in the form of the profile. What a profile has no place for is left out: minting has refused it before.
pub(crate) fn write(profile: Profile, claims: &Claims) -> Map<String, Value> {
    let mut payload = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        payload.extend(value.map(|value| (name.to_owned(), value)));
    };
    // The minter of `hybrid-v1` writes null; several JWT libraries refuse it (RFC 7519, section 4.1.2: a string).
    let nobody = (profile == Profile::HybridV1).then_some(Value::Null);
    set("sub", claims.subject.clone().map(Value::String).or(nobody));
    set("iat", Some(to_numeric_date(claims.issued_at)));
    set("exp", claims.expires_at.map(to_numeric_date));
    if profile == Profile::BearerV1 {
        return payload;
    }
    if profile == Profile::StorageV1 {
        storage_claims::write(claims, &mut payload);
        return payload;
    }
    set("service", text(claims.service.as_deref()));
    set("scopes", Some(claims.scopes.iter().collect()));
    set("type", text(Some(claims.token_type.as_str())));
    set("job_id", text(claims.job_id.as_deref()));
    let start = claims.not_before;
    let start = start.or_else(|| (profile == Profile::HybridV1).then_some(claims.issued_at));
    set("nbf", start.map(|start| start.as_secs().into()));
    if profile == Profile::Standard {
        write_own(claims, &mut set);
        if let Some(grants) = &claims.grants {
            grants.write(&mut payload);
        }
    }
    payload
}

/// The claims that only Hallpass' own tokens have.
fn write_own(claims: &Claims, set: &mut impl FnMut(&str, Option<Value>)) {
    let audience = match claims.audience.as_slice() {
        [one] => json!(one),
        several => json!(several),
    };
    set("iss", text(claims.issuer.as_deref()));
    set("aud", Some(audience));
    set("jti", text(claims.id.as_deref()));
    set("txn", text(claims.txn.as_deref()));
    set("act", claims.actor.clone());
    set("may_act", claims.may_act.clone());
    set("actions", claims.actions.as_ref().map(|actions| json!(actions)));
    set("sid", text(claims.session.as_deref()));
    set("job_owner", text(claims.job_owner.as_deref()));
    let names = |names: &[String]| (!names.is_empty()).then(|| json!(names));
    set("roles", names(&claims.roles));
    set("amr", names(&claims.amr));
    set("auth_time", claims.auth_time.map(|at| at.as_secs().into()));
    set("resource", claims.resource.as_ref().map(|of| json!({"type": of.kind, "id": of.id})));
    let bound = claims.confirmation.map(|bound| URL_SAFE_NO_PAD.encode(bound.certificate_sha256));
    set("cnf", bound.map(|digest| json!({ "x5t#S256": digest })));
    let parents = claims.parents.iter().map(ToString::to_string);
    set("par", (!claims.parents.is_empty()).then(|| parents.collect()));
    set("root_iat", claims.root_issued_at.map(to_numeric_date));
    set("root_kid", text(claims.root_key.as_deref()));
    set("root_iss", text(claims.root_issuer.as_deref()));
}

fn text(value: Option<&str>) -> Option<Value> {
    value.map(Value::from)
}
