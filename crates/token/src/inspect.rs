//! Looks into a token for people: without trusting it, or trusting nothing but its signature.

use std::str::FromStr as _;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use crate::wire::{Compact, Header};
use crate::{Fingerprint, RingError, TokenError, signature, strict_json};

/// The longest token that is shown: other issuers' may be longer than those that are accepted here.
const MAX_SHOWN: usize = 256 * 1024;

/// What a token says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspected {
    /// The header.
    pub header: Value,
    /// The payload.
    pub payload: Value,
    /// What was signed: the name under which it can be revoked whoever made it.
    pub fingerprint: Fingerprint,
}

/// Why a signature is not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The JWKS cannot be used.
    #[error(transparent)]
    Keys(#[from] RingError),
    /// The token is refused.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// Decodes a token without verifying it. Nothing vouches for what it says.
pub fn inspect(token: &str) -> Result<Inspected, TokenError> {
    let compact = Compact::cut(token, MAX_SHOWN)?;
    let (header, payload) = (compact.header()?, compact.payload()?);
    compact.signature()?;
    let fingerprint = Fingerprint::signed_part(compact.signed());
    Ok(Inspected { header: Value::Object(header), payload: Value::Object(payload), fingerprint })
}

/// Verifies the signature of any JWS by a JWKS (RFC 7517) and nothing else: by its `kid`, or by the set's sole key. The algorithm is
/// the key's `alg`; where it has none, one of the key's own family.
pub fn verify_signature_only(jwks_json: &str, token: &str) -> Result<Inspected, SignatureError> {
    let compact = Compact::cut(token, MAX_SHOWN)?;
    let members = compact.header()?;
    let header = Header::read(members.clone())?;
    header.names_no_certificate()?;
    let jwk = choose(jwks_json, header.kid.as_deref())?;
    let declared = jwk.get("alg").cloned();
    let key = key_of(jwk)?;
    let algorithm = Algorithm::from_str(&header.algorithm).map_err(|_| TokenError::Algorithm)?;
    let fits = match declared {
        Some(declared) => declared == header.algorithm.as_str(),
        None => true,
    };
    if !fits || algorithm.family() != key.family() {
        return Err(TokenError::Algorithm.into());
    }
    if !signature::verify(algorithm, &key, compact.signed(), &compact.signature()?) {
        return Err(TokenError::BadSignature.into());
    }
    let payload = Value::Object(compact.payload()?);
    let fingerprint = Fingerprint::signed_part(compact.signed());
    Ok(Inspected { header: Value::Object(members), payload, fingerprint })
}

fn choose(jwks_json: &str, kid: Option<&str>) -> Result<Map<String, Value>, SignatureError> {
    let unreadable = |problem: &str| RingError::Unreadable(problem.to_owned());
    let mut set = strict_json::object(jwks_json.as_bytes()).map_err(unreadable)?;
    let Some(Value::Array(keys)) = set.remove("keys") else {
        return Err(unreadable("no array \"keys\"; right: a JWKS, {\"keys\":[…]}").into());
    };
    let named = |key: &Value| kid.is_none_or(|kid| key.get("kid").is_some_and(|name| name == kid));
    let mut fitting = keys.into_iter().filter(named);
    match (fitting.next(), fitting.next()) {
        (Some(Value::Object(key)), None) => Ok(key),
        _ => Err(TokenError::UnknownKey.into()),
    }
}

fn key_of(jwk: Map<String, Value>) -> Result<DecodingKey, RingError> {
    let kid = jwk.get("kid").and_then(Value::as_str).unwrap_or("without kid").to_owned();
    let jwk: Option<Jwk> = serde_json::from_value(Value::Object(jwk)).ok();
    jwk.and_then(|jwk| DecodingKey::from_jwk(&jwk).ok()).ok_or_else(|| RingError::Key {
        kid,
        field: "kty",
        problem: "not a usable key; right: a JWK of RSA, EC, OKP or oct with its members"
            .to_owned(),
    })
}
