//! The ring file: a JWKS (RFC 7517) whose keys each have a member `hallpass` that says what the key is for.
//!
//! Promise: whatever is wrong is said with the key, the member and what would be right, and never with key material.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde_json::{Map, Value, json};

use crate::error::Flaw;
use crate::material::{Material, NOT_OURS, Parts, fixed};
use crate::ring_members::Members;
use crate::{Algorithm, Key, KeySpec, RingError, SecretRef, strict_json};

/// Fetches the secret that an entry names.
pub(crate) type Resolve<'a> = &'a dyn Fn(&SecretRef) -> Result<SecretString, String>;

pub(crate) fn read(json: &str, resolve: Resolve<'_>) -> Result<Vec<Key>, RingError> {
    let unreadable = |problem: &str| RingError::Unreadable(problem.to_owned());
    let mut file = strict_json::object(json.as_bytes()).map_err(unreadable)?;
    let Some(Value::Array(entries)) = file.remove("keys") else {
        return Err(unreadable("no array \"keys\"; right: {\"keys\":[…]}"));
    };
    entries.into_iter().enumerate().map(|(place, entry)| read_key(place, entry, resolve)).collect()
}

fn read_key(place: usize, entry: Value, resolve: Resolve<'_>) -> Result<Key, RingError> {
    let place = format!("number {}", place + 1);
    let Value::Object(jwk) = entry else {
        return Err(Flaw::new("keys", "not an object; right: a JWK").of(&place));
    };
    let mut jwk = Members::new(jwk);
    let kid = jwk.name("kid").map_err(|flaw| flaw.of(&place))?;
    read_members(kid.clone(), jwk, resolve).map_err(|flaw| flaw.of(&kid))
}

fn read_members(kid: String, mut jwk: Members, resolve: Resolve<'_>) -> Result<Key, Flaw> {
    if jwk.optional_text("use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(Flaw::new("use", "not for signatures; right: sig"));
    }
    let mut entry = jwk.object("hallpass")?;
    let source = entry.optional_parsed::<SecretRef>("secret")?;
    let spec = KeySpec {
        kid,
        issuer: entry.name("issuer")?,
        owner: entry.name("owner")?,
        types: entry.each_parsed("types")?,
        scopes: entry.optional_names("scopes")?.unwrap_or_default().into_iter().collect(),
        audiences: entry.names("audiences")?,
        state: entry.choice("state", "next, active or retired")?,
        profile: entry.choice("profile", "standard, hybrid-v1 or bearer-v1")?,
        no_expiry: entry.flag("no_expiry")?,
        roots: entry.optional_names("roots")?,
        max_life: entry.optional_seconds("max_life")?,
    };
    let shares_clock = match entry.optional_text("clock")?.as_deref() {
        None => false,
        Some("shared") => true,
        Some(_) => return Err(Flaw::new("clock", "not known; right: shared, or no such member")),
    };
    entry.nothing_left("hallpass")?;
    spec.check()?;
    let material = read_material(&mut jwk, source, resolve)?;
    Ok(Key::new(spec, material).sharing_clock(shares_clock))
}

fn read_material(
    jwk: &mut Members,
    source: Option<SecretRef>,
    resolve: Resolve<'_>,
) -> Result<Material, Flaw> {
    let algorithm: Algorithm = jwk.parsed("alg")?;
    if source.is_some() && !algorithm.is_shared_secret() {
        return Err(Flaw::new("secret", "for HS256 and HS512 only; right: the JWK's own members"));
    }
    match algorithm {
        Algorithm::Hs256 | Algorithm::Hs512 => {
            jwk.exactly("kty", "oct")?;
            let bytes = shared_secret(jwk, source.as_ref(), resolve)?;
            Material::secret(algorithm, bytes, source)
        }
        Algorithm::EdDsa => {
            jwk.exactly("kty", "OKP")?;
            jwk.exactly("crv", "Ed25519")?;
            Material::ed25519(fixed("x", &jwk.bytes("x")?)?, jwk.optional_secret("d")?)
        }
        Algorithm::Es256 => {
            jwk.exactly("kty", "EC")?;
            jwk.exactly("crv", "P-256")?;
            let x: [u8; 32] = fixed("x", &jwk.bytes("x")?)?;
            let y: [u8; 32] = fixed("y", &jwk.bytes("y")?)?;
            let point = fixed("x", &[&[4], &x[..], &y[..]].concat())?;
            Material::p256(point, jwk.optional_secret("d")?)
        }
        Algorithm::Hs384
        | Algorithm::Es384
        | Algorithm::Es512
        | Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::Ps512 => Err(Flaw::new("alg", NOT_OURS)),
    }
}

fn shared_secret(
    jwk: &mut Members,
    source: Option<&SecretRef>,
    resolve: Resolve<'_>,
) -> Result<SecretSlice<u8>, Flaw> {
    match (jwk.optional_secret("k")?, source) {
        (Some(bytes), None) => Ok(bytes),
        (None, Some(source)) => match resolve(source) {
            Ok(secret) => Ok(secret.expose_secret().as_bytes().to_vec().into()),
            Err(problem) => Err(Flaw::new("secret", format!("{source}: {problem}"))),
        },
        (Some(_), Some(_)) => Err(Flaw::new("k", "both k and secret; right: one of them")),
        (None, None) => Err(Flaw::new("k", "missing; right: k, or secret with the secret's place")),
    }
}

/// The key as the ring file has it, with everything.
pub(crate) fn write(key: &Key) -> Value {
    let (mut jwk, private, source) = match key.material().parts() {
        Parts::Secret { bytes, source: None } => (public_jwk(key), Some(("k", bytes)), None),
        Parts::Secret { source, .. } => (public_jwk(key), None, source.as_ref()),
        Parts::Ed25519 { d, .. } | Parts::P256 { d, .. } => {
            (public_jwk(key), d.as_ref().map(|d| ("d", d)), None)
        }
        Parts::Ec { .. } | Parts::Rsa { .. } => (public_jwk(key), None, None),
    };
    if let Some((name, bytes)) = private {
        jwk.insert(name.to_owned(), encode(bytes.expose_secret()).into());
    }
    let spec = key.spec();
    let mut entry = json!({
        "issuer": spec.issuer, "owner": spec.owner, "types": spec.types,
        "scopes": spec.scopes.iter().collect::<Vec<_>>(), "audiences": spec.audiences,
        "state": spec.state, "profile": spec.profile, "no_expiry": spec.no_expiry,
    });
    if let Some(roots) = &spec.roots {
        entry["roots"] = roots.as_slice().into();
    }
    if let Some(life) = spec.max_life {
        entry["max_life"] = life.as_secs().into();
    }
    if key.shares_clock() {
        entry["clock"] = "shared".into();
    }
    if let Some(source) = source {
        entry["secret"] = source.to_string().into();
    }
    jwk.insert("hallpass".to_owned(), entry);
    Value::Object(jwk)
}

/// The key's public members (RFC 7517, section 4); for a shared secret none of its own.
pub(crate) fn public_jwk(key: &Key) -> Map<String, Value> {
    let mut jwk = Map::new();
    let mut set = |name: &str, value: String| drop(jwk.insert(name.to_owned(), value.into()));
    set("kid", key.kid().to_owned());
    set("alg", key.algorithm().as_str().to_owned());
    set("use", "sig".to_owned());
    match key.material().parts() {
        Parts::Secret { .. } => {
            set("kty", "oct".to_owned());
        }
        Parts::Ed25519 { x, .. } => {
            set("kty", "OKP".to_owned());
            set("crv", "Ed25519".to_owned());
            set("x", encode(x));
        }
        Parts::P256 { point, .. } => set_point("P-256", point, &mut set),
        Parts::Ec { point } => {
            let curve = if key.algorithm() == Algorithm::Es384 { "P-384" } else { "P-521" };
            set_point(curve, point, &mut set);
        }
        Parts::Rsa { n, e } => {
            set("kty", "RSA".to_owned());
            set("n", encode(n));
            set("e", encode(e));
        }
    }
    jwk
}

/// The point's members. It is uncompressed: a byte 4, x, y.
fn set_point(curve: &str, point: &[u8], set: &mut impl FnMut(&str, String)) {
    let (x, y) = point[1..].split_at(point.len() / 2);
    set("kty", "EC".to_owned());
    set("crv", curve.to_owned());
    set("x", encode(x));
    set("y", encode(y));
}

/// The key's SHA-256 thumbprint (RFC 7638): the digest of what it is, whatever it is called.
pub(crate) fn thumbprint(key: &Key) -> String {
    let members = public_jwk(key).into_iter();
    let what = members.filter(|(name, _)| !matches!(name.as_str(), "kid" | "alg" | "use"));
    let in_order: BTreeMap<String, Value> = what.collect();
    encode(digest(&SHA256, json!(in_order).to_string().as_bytes()).as_ref())
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
