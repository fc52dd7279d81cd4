//! Looks into a token for people: without trusting it, or trusting nothing but its signature.

use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use crate::error::Flaw;
use crate::jwk::{self, Jwk};
use crate::signature::{self, Verifier};
use crate::wire::Compact;
use crate::{Algorithm, Fingerprint, RingError, TokenError, strict_json};

/// The longest token that is shown: other issuers' may be longer than those that are accepted here.
const MAX_SHOWN: usize = 256 * 1024;

/// What a token says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspected {
    /// The header.
    pub header: Value,
    /// The payload; `null` where it is no JSON object.
    pub payload: Value,
    /// The payload's bytes where it is no JSON object: a JWS may sign anything (RFC 7515), a JWT may not.
    pub content: Option<Vec<u8>>,
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
    let header = compact.header()?;
    compact.signature()?;
    shown(&compact, header)
}

/// Verifies the signature of any JWS by a JWKS (RFC 7517) and nothing else. The keys in question are those of its `kid`, where it has one
/// and some have it, and which allow its `alg`; of several one has to fit. What the header says of keys elsewhere is ignored.
pub fn verify_signature_only(jwks_json: &str, token: &str) -> Result<Inspected, SignatureError> {
    let compact = Compact::cut(token, MAX_SHOWN)?;
    let members = compact.header()?;
    let (algorithm, kid) = read_header(&members)?;
    let signature = compact.signature()?;
    let mut unusable = None;
    let mut tried = false;
    for (name, jwk) in candidates(jwks_json, kid, algorithm)? {
        match verifies(&jwk, algorithm, compact.signed(), &signature) {
            Ok(true) => return Ok(shown(&compact, members)?),
            Ok(false) => tried = true,
            Err(flaw) => unusable = Some(flaw.of(&name)),
        }
    }
    match unusable {
        Some(error) if !tried => Err(error.into()),
        _ => Err(TokenError::BadSignature.into()),
    }
}

/// The algorithm and the key's name. What would change the meaning of the signature is refused: it is not understood here.
fn read_header(members: &Map<String, Value>) -> Result<(Algorithm, Option<&str>), TokenError> {
    if let Some(name) = ["crit", "b64"].into_iter().find(|name| members.contains_key(*name)) {
        return Err(TokenError::HeaderNotAccepted(name));
    }
    let text = |name| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(TokenError::Malformed("a header member is not a string")),
    };
    let algorithm = text("alg")?.ok_or(TokenError::Malformed("no alg"))?;
    Ok((Algorithm::named(algorithm).ok_or(TokenError::Algorithm)?, text("kid")?))
}

/// The keys that may have signed, each with what it is called.
fn candidates(
    jwks_json: &str,
    kid: Option<&str>,
    algorithm: Algorithm,
) -> Result<Vec<(String, Jwk)>, SignatureError> {
    let keys = jwk::entries(jwks_json.as_bytes())?.into_iter().filter_map(|key| match key {
        Value::Object(members) => Some(members),
        _ => None,
    });
    let name = |key: &Map<String, Value>| key.get("kid").and_then(Value::as_str).map(str::to_owned);
    let keys: Vec<_> = match kid {
        None => keys.collect(),
        Some(kid) => {
            let (named, others): (Vec<_>, Vec<_>) =
                keys.partition(|key| name(key).as_deref() == Some(kid));
            let nameless = others.into_iter().filter(|key| name(key).is_none());
            if named.is_empty() { nameless.collect() } else { named }
        }
    };
    if keys.is_empty() {
        return Err(TokenError::UnknownKey.into());
    }
    let of =
        |key: Map<String, Value>| (name(&key).unwrap_or_else(|| "without kid".to_owned()), key);
    let usable = keys.into_iter().map(of);
    let usable = usable.filter_map(|(name, key)| Some((name, Jwk::read(key).ok()?)));
    let fitting: Vec<_> = usable.filter(|(_, jwk)| jwk.allows(algorithm)).collect();
    if fitting.is_empty() { Err(TokenError::Algorithm.into()) } else { Ok(fitting) }
}

fn verifies(
    jwk: &Jwk,
    algorithm: Algorithm,
    message: &[u8],
    signature: &Vec<u8>,
) -> Result<bool, Flaw> {
    if algorithm.is_shared_secret() {
        let secret = Verifier::Library(DecodingKey::from_secret(&jwk.bytes("k")?));
        return Ok(signature::verify(algorithm, &secret, message, signature));
    }
    Ok(jwk.material(algorithm)?.verify(message, signature))
}

fn shown(compact: &Compact<'_>, header: Map<String, Value>) -> Result<Inspected, TokenError> {
    let content = compact.content()?;
    let (payload, content) = match strict_json::object(&content) {
        Ok(payload) => (Value::Object(payload), None),
        Err(_) => (Value::Null, Some(content)),
    };
    let fingerprint = Fingerprint::signed_part(compact.signed());
    Ok(Inspected { header: Value::Object(header), payload, content, fingerprint })
}
