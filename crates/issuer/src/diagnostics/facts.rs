//! What a verified token says, as its holder is told: everything but what would make a token of it.

use std::time::Duration;

use hallpass_contract::auth::{StorageGrants, TokenFacts};
use hallpass_token::{Grants, Key, KeyRing, KeyState, Level, TokenType, UnixTime, Verified};

use crate::instant::timestamp;
use crate::token_service::actor;

/// The facts of a token, at an instant.
pub(super) fn of(token: &Verified, ring: &KeyRing, now: UnixTime) -> TokenFacts {
    let claims = token.claims();
    let text = |claim: &Option<String>| claim.clone().unwrap_or_default();
    let key = ring.key(token.kid());
    let object = claims.resource.as_ref().map(|of| format!("{}:{}", of.kind, of.id));
    TokenFacts {
        issuer: text(&claims.issuer),
        root_issuer: token.root_issuer().unwrap_or_default().to_owned(),
        subject: text(&claims.subject),
        r#type: claims.token_type.as_str().to_owned(),
        service: text(&claims.service),
        audience: claims.audience.clone(),
        scopes: claims.scopes.iter().map(str::to_owned).collect(),
        roles: claims.roles.clone(),
        amr: claims.amr.clone(),
        auth_time: claims.auth_time.map(timestamp),
        token_id: text(&claims.id),
        key_id: token.kid().to_owned(),
        key_state: state_of(key).to_owned(),
        algorithm: key.map(|key| key.algorithm().to_string()).unwrap_or_default(),
        issue_time: Some(timestamp(claims.issued_at)),
        expire_time: claims.expires_at.map(timestamp),
        life_left_seconds: claims.expires_at.map(|end| end.since(now).as_secs()),
        txn: token.txn().to_owned(),
        session_id: text(&claims.session),
        parents: count(claims.parents.len()),
        actor: actor(claims),
        resource: object.unwrap_or_default(),
        job_id: text(&claims.job_id),
        bound_to_certificate: claims.confirmation.is_some(),
        grants: claims.grants.as_ref().map(storage),
    }
}

fn storage(grants: &Grants) -> StorageGrants {
    StorageGrants {
        buckets: count(grants.buckets.len()),
        permissions: count(grants.permissions.len()),
        unknown_permissions: count(grants.unknown_permissions),
        roles: count(grants.roles.len()),
        level: grants.level.map_or("", Level::as_str).to_owned(),
        bucket_names: grants.buckets.iter().cloned().collect(),
        permission_names: grants.permissions.iter().map(|&name| name.to_owned()).collect(),
        role_names: grants.roles.iter().cloned().collect(),
    }
}

/// How the caller came.
pub(super) fn scheme(token: &Verified) -> String {
    let claims = token.claims();
    let by_handle = claims.token_type == TokenType::User && claims.session.is_some();
    let scheme = if by_handle { "session" } else { "bearer" };
    let bound = if claims.confirmation.is_some() { "+mtls" } else { "" };
    format!("{scheme}{bound}")
}

/// The facts in one line for people.
pub(super) fn summary(environment: &str, of: &TokenFacts) -> String {
    let (buckets, permissions) =
        of.grants.as_ref().map_or((0, 0), |grants| (grants.buckets, grants.permissions));
    let life = of.life_left_seconds.map_or_else(|| "no end".to_owned(), length);
    format!(
        "Environment: {environment} | Authentication: Active | Buckets: {buckets} | Permissions: {permissions} | Scopes: {} | \
         Life left: {life}",
        of.scopes.len()
    )
}

/// The state of a key, as far as the ring knows it.
pub(super) fn state_of(key: Option<&Key>) -> &'static str {
    key.map_or("unknown", |key| state(key.state()))
}

/// The state's name, as rings have it.
const fn state(state: KeyState) -> &'static str {
    match state {
        KeyState::Next => "next",
        KeyState::Active => "active",
        KeyState::Retired => "retired",
    }
}

/// Whole minutes of what is longer than two.
fn length(seconds: u64) -> String {
    const LONG: Duration = Duration::from_mins(2);
    let minutes = seconds / 60;
    if seconds < LONG.as_secs() { format!("{seconds} s") } else { format!("{minutes} min") }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
