//! Platform's outside issuers, as the sections `[[oidc]]` of the configuration give them.

use std::collections::BTreeSet;
use std::sync::Arc;

use hallpass_contract::SERVICES;
use hallpass_oidc::{IssuerSettings, Oidc, ProxySettings};
use hallpass_server::{Claim, Config, OidcSection, Ready, Required};
use hallpass_telemetry::urls;
use hallpass_token::{Algorithm, ClaimPath, OutsideIssuer};
use serde_json::Value;

use crate::failure::Failure;
use crate::serve::node::Node;

/// The health name that tells whether there are keys of every outside issuer.
const HEALTH: &str = "oidc";

/// Begins to fetch the issuers' keys. Returns what health asks; nothing where there are no outside issuers.
pub(super) fn start(
    config: &Config,
    node: &Node,
) -> Result<Option<(&'static str, Ready)>, Failure> {
    if config.oidc.is_empty() {
        return Ok(None);
    }
    let settings: Result<Vec<_>, _> =
        config.oidc.iter().map(|one| settings(node.role, one)).collect();
    let oidc = Oidc::start(&settings?, config.development, &node.keys, &node.clock);
    let oidc = oidc.map_err(Failure::failed)?;
    let known = oidc.clone();
    let ages = move || {
        let ages = known.ages().into_iter();
        ages.map(|(issuer, age)| (issuer, age.as_secs_f64())).collect()
    };
    let description = "How old the keys of an outside issuer are";
    node.telemetry().gauges("hallpass.oidc.jwks.age", "s", description, "issuer", ages);
    Ok(Some((HEALTH, Arc::new(move || oidc.are_known()))))
}

fn settings(role: &str, section: &OidcSection) -> Result<IssuerSettings, Failure> {
    let of = &section.issuer;
    let wrong = |problem: String| Failure::failed(format_args!("oidc {of}: {problem}"));
    let algorithms: Option<Vec<Algorithm>> =
        section.algorithms.iter().map(|name| Algorithm::named(name)).collect();
    let algorithms = algorithms
        .ok_or_else(|| wrong(format!("algorithms: {}", OutsideIssuer::RIGHT_ALGORITHMS)))?;
    check_scopes(role, section).map_err(wrong)?;
    let one_of = |name: &str, one: &Option<Claim>, more: &Option<Vec<Claim>>| {
        claims(one.as_ref(), more.as_deref())
            .ok_or_else(|| wrong(format!("{name}_claim and {name}_claims: right: one of them")))
    };
    let mut scopes_claims = one_of("scopes", &section.scopes_claim, &section.scopes_claims)?;
    if section.scopes_claim.is_none() && section.scopes_claims.is_none() {
        scopes_claims.push("scope".into());
    }
    let issuer = OutsideIssuer {
        issuer: of.clone(),
        audience: section.audience.to_vec(),
        audience_claim: path(&section.audience_claim),
        audiences_here: vec![role.to_owned()],
        algorithms,
        subject_prefix: section.subject_prefix.clone().unwrap_or_else(|| format!("{of}#")),
        plain_jwt: section.plain_jwt,
        scopes_claims,
        scopes: section.scopes.clone(),
        roles_claims: one_of("roles", &section.roles_claim, &section.roles_claims)?,
        roles: section.roles.clone(),
        require: section.require.iter().map(|(claim, of)| (claim.clone(), value(of))).collect(),
    };
    Ok(IssuerSettings {
        issuer,
        jwks_uri: section.jwks_uri.clone(),
        ca: section.ca.clone(),
        proxy: proxy(section.proxy.as_deref()).map_err(wrong)?,
        refresh: section.refresh,
        keep: section.keep,
    })
}

/// One claim, or several; `None` where both are given.
fn claims(one: Option<&Claim>, more: Option<&[Claim]>) -> Option<Vec<ClaimPath>> {
    match (one, more) {
        (Some(_), Some(_)) => None,
        (one, None) => Some(one.map(path).into_iter().collect()),
        (None, Some(all)) => Some(all.iter().map(path).collect()),
    }
}

fn path(claim: &Claim) -> ClaimPath {
    match claim {
        Claim::Name(name) => ClaimPath::Dotted(name.clone()),
        Claim::Path(names) => ClaimPath::Names(names.clone()),
    }
}

/// The setting's, else the environment's. A password has its place there: the configuration is no secret.
fn proxy(setting: Option<&str>) -> Result<ProxySettings, String> {
    let environment = ProxySettings::of_environment(|name| std::env::var(name).ok());
    match setting {
        None => Ok(environment),
        Some("") => Ok(ProxySettings::NONE),
        Some(url) if urls::has_login(url) => {
            Err("proxy: has a user or a password; right: such a URL in HTTPS_PROXY".to_owned())
        }
        Some(url) => Ok(environment.at(url)),
    }
}

fn value(required: &Required) -> Value {
    match required {
        Required::Flag(flag) => (*flag).into(),
        Required::Number(number) => (*number).into(),
        Required::Text(text) => text.clone().into(),
    }
}

/// A scope that nothing declares would be a spelling mistake.
fn check_scopes(role: &str, section: &OidcSection) -> Result<(), String> {
    let declared: BTreeSet<_> = SERVICES
        .iter()
        .filter(|service| service.audience == role)
        .flat_map(|service| service.scopes)
        .map(|(name, _)| *name)
        .collect();
    let mut meant = section.scopes.values().flatten();
    match meant.find(|scope| !declared.contains(scope.as_str())) {
        None => Ok(()),
        Some(scope) => {
            let known = declared.into_iter().collect::<Vec<_>>().join(", ");
            Err(format!("scopes: there is no scope {scope:?}; right: {known}"))
        }
    }
}
