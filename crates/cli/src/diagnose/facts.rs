//! What a token says, as programs and people read it. It is told by a service that has verified it; the token is not in it.

use hallpass_contract::auth::{StorageGrants, TokenFacts};
use serde::Serialize;

use crate::instant::{length, of_timestamp};
use crate::output::plain;

/// A token's facts; what it does not say is left out.
#[derive(Serialize)]
pub(crate) struct Facts {
    issuer: String,
    root_issuer: String,
    subject: String,
    #[serde(rename = "type")]
    kind: String,
    service: String,
    audience: Vec<String>,
    scopes: Vec<String>,
    roles: Vec<String>,
    amr: Vec<String>,
    auth_time: String,
    token_id: String,
    key_id: String,
    key_state: String,
    algorithm: String,
    issue_time: String,
    expire_time: String,
    life_left_seconds: Option<u64>,
    txn: String,
    session_id: String,
    parents: u32,
    actor: String,
    resource: String,
    job_id: String,
    bound_to_certificate: bool,
    buckets_count: u32,
    permissions_count: u32,
    unknown_permissions_count: u32,
    storage_roles_count: u32,
    storage_level: String,
    buckets: Vec<String>,
    permissions: Vec<String>,
    storage_roles: Vec<String>,
}

impl From<TokenFacts> for Facts {
    fn from(of: TokenFacts) -> Self {
        let grants: StorageGrants = of.grants.unwrap_or_default();
        Self {
            issuer: of.issuer,
            root_issuer: of.root_issuer,
            subject: of.subject,
            kind: of.r#type,
            service: of.service,
            audience: of.audience,
            scopes: of.scopes,
            roles: of.roles,
            amr: of.amr,
            auth_time: of_timestamp(of.auth_time),
            token_id: of.token_id,
            key_id: of.key_id,
            key_state: of.key_state,
            algorithm: of.algorithm,
            issue_time: of_timestamp(of.issue_time),
            expire_time: of_timestamp(of.expire_time),
            life_left_seconds: of.life_left_seconds,
            txn: of.txn,
            session_id: of.session_id,
            parents: of.parents,
            actor: of.actor,
            resource: of.resource,
            job_id: of.job_id,
            bound_to_certificate: of.bound_to_certificate,
            buckets_count: grants.buckets,
            permissions_count: grants.permissions,
            unknown_permissions_count: grants.unknown_permissions,
            storage_roles_count: grants.roles,
            storage_level: grants.level,
            buckets: grants.bucket_names,
            permissions: grants.permission_names,
            storage_roles: grants.role_names,
        }
    }
}

/// Whose it is, and how much storage it grants.
pub(crate) fn in_short(of: &Facts) -> (String, String) {
    let user = match of.actor.as_str() {
        "" => of.subject.clone(),
        actor => format!("{} by {actor}", of.subject),
    };
    (user, storage(of))
}

/// Such as `2 buckets, 5 permissions, 1 unknown`; empty where it grants none.
fn storage(of: &Facts) -> String {
    let counts = [
        (of.buckets_count, "buckets"),
        (of.permissions_count, "permissions"),
        (of.unknown_permissions_count, "unknown"),
        (of.storage_roles_count, "roles"),
    ];
    let said = counts.iter().filter(|(count, _)| *count > 0);
    said.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// The facts in two columns, for people.
pub(crate) fn rows(of: &Facts) -> Vec<Vec<String>> {
    let left = of.life_left_seconds.map(std::time::Duration::from_secs);
    let life = left.map_or_else(|| "no end".to_owned(), length);
    let key = format!("{} ({}, {})", of.key_id, of.key_state, of.algorithm);
    let parents = if of.parents > 0 { of.parents.to_string() } else { String::new() };
    let all = [
        ("subject", of.subject.clone()),
        ("issuer", of.issuer.clone()),
        ("root issuer", of.root_issuer.clone()),
        ("actor", of.actor.clone()),
        ("type", of.kind.clone()),
        ("service", of.service.clone()),
        ("audience", of.audience.join(" ")),
        ("scopes", of.scopes.join(" ")),
        ("roles", of.roles.join(" ")),
        ("amr", of.amr.join(" ")),
        ("authenticated", of.auth_time.clone()),
        ("key", key),
        ("issued", of.issue_time.clone()),
        ("ends", of.expire_time.clone()),
        ("life left", life),
        ("token id", of.token_id.clone()),
        ("transaction", of.txn.clone()),
        ("session", of.session_id.clone()),
        ("parents", parents),
        ("object", of.resource.clone()),
        ("job", of.job_id.clone()),
        ("storage", storage(of)),
        ("level", of.storage_level.clone()),
        ("buckets", of.buckets.join(" ")),
        ("permissions", of.permissions.join(" ")),
        ("storage roles", of.storage_roles.join(" ")),
    ];
    let said = all.into_iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| vec![name.to_owned(), plain(&value).into_owned()]).collect()
}
