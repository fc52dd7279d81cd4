//! Puts a shared secret into a ring by its place: the ring says where the secret is, and holds nothing of it.

use clap::Args;
use hallpass_token::{Algorithm, KeyRing, SecretRef, TokenType};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::edit::at;
use super::export::Add;
use super::generate::put;
use crate::failure::Failure;
use crate::output::{self, Format, plain};
use crate::rings::shared_secret_algorithm;
use crate::secrets;

/// A shared secret, and what its tokens may do.
#[derive(Debug, Args)]
pub(crate) struct Shared {
    /// Where a shared secret is, instead of FILE: `env:NAME`, `file:PATH` or `ssm:/path`, as every process that reads the ring finds it.
    #[arg(
        long,
        value_name = "REF",
        conflicts_with = "file",
        required_unless_present = "file",
        requires_all = ["kid", "owner", "types", "audiences"]
    )]
    pub(super) secret: Option<SecretString>,
    /// With --secret: the key's name.
    #[arg(long, value_name = "KID", requires = "secret")]
    kid: Option<String>,
    /// With --secret: the service whose tokens it signs.
    #[arg(long, value_name = "NAME", requires = "secret")]
    owner: Option<String>,
    /// With --secret: the `iss` of its tokens [default: the owner].
    #[arg(long, value_name = "NAME", requires = "secret")]
    issuer: Option<String>,
    /// With --secret: the kinds of token that it may sign: user, service, background, action.
    #[arg(long = "type", value_name = "KIND", requires = "secret")]
    types: Vec<TokenType>,
    /// With --secret: the scopes that it may sign.
    #[arg(long = "scope", value_name = "SCOPE", requires = "secret")]
    scopes: Vec<String>,
    /// With --secret: the audiences that it may sign for.
    #[arg(long = "audience", value_name = "NAME", requires = "secret")]
    audiences: Vec<String>,
    /// With --secret: the form of its tokens: standard, hybrid-v1, bearer-v1 or storage-v1.
    #[arg(long, value_name = "PROFILE", requires = "secret")]
    profile: Option<String>,
    /// With --secret: HS256 or HS512.
    #[arg(long, value_name = "ALGORITHM", default_value = "HS256", hide_default_value = true,
          value_parser = shared_secret_algorithm)]
    algorithm: Algorithm,
}

/// Reads the secret once, so that a place without one is found here and not at the next start, and writes its place down.
pub(super) fn run(wanted: &Add, secret: &SecretString, format: Format) -> Result<(), Failure> {
    let shared = &wanted.shared;
    let place: SecretRef = secret.expose_secret().parse().map_err(|_| {
        // What stands there may be the secret itself.
        Failure::arguments("--secret: names no place; right: env:NAME, file:PATH or ssm:/path, where the secret is")
    })?;
    let kid = shared.kid.clone().unwrap_or_default();
    let owner = shared.owner.clone().unwrap_or_default();
    let types: Vec<_> = shared.types.iter().map(|kind| kind.as_str()).collect();
    let entry = json!({
        "issuer": shared.issuer.as_ref().unwrap_or(&owner),
        "owner": owner,
        "types": types,
        "scopes": shared.scopes,
        "audiences": shared.audiences,
        "profile": shared.profile.as_deref().unwrap_or("standard"),
        "state": "active",
        "secret": place.to_string(),
    });
    let key = json!({"kty": "oct", "kid": kid, "alg": shared.algorithm, "hallpass": entry});
    let ring = json!({"keys": [key]}).to_string();
    let ring = KeyRing::parse(&ring, &secrets::fetch).map_err(Failure::failed)?;
    let key = ring.keys().next().cloned();
    let key = key.ok_or_else(|| at(&wanted.ring, &"the secret makes no key"))?;
    put(&wanted.ring, key)?;
    match format {
        Format::Json => output::print_json(&json!({ "added": [kid] })),
        Format::Text => {
            let (kid, ring) = (plain(&kid), wanted.ring.display());
            output::print(&format!("{kid} in {ring}, its secret in {place}\n"))
        }
    }
}
