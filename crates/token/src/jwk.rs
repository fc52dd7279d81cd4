//! Public keys as others publish them (RFC 7517), with the liberties that real issuers take.
//!
//! Promise: what is read tolerantly (padding, `null`, letter case of `use`, zeros before a number) never changes which key it is, what it is
//! for, or which algorithm it has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::error::Flaw;
use crate::material::{Material, fixed, without_zeros};
use crate::{Algorithm, RingError, strict_json};

/// The uses of a key whose signatures count: RFC 7517, section 4.2, and that of SPIFFE bundles.
const SIGNING: [&str; 2] = ["sig", "jwt-svid"];

/// The entries of a set of keys. A byte-order mark before it is none of it.
pub(crate) fn entries(jwks: &[u8]) -> Result<Vec<Value>, RingError> {
    let text = jwks.strip_prefix(b"\xef\xbb\xbf").unwrap_or(jwks);
    let mut set = strict_json::object(text).map_err(RingError::NotJwks)?;
    match set.remove("keys") {
        Some(Value::Array(entries)) => Ok(entries),
        _ => Err(RingError::NotJwks("no array \"keys\"; right: {\"keys\":[…]}")),
    }
}

/// A key that is meant for verifying signatures.
pub(crate) struct Jwk(Map<String, Value>);

impl Jwk {
    /// The key, unless it says that it is for something else. A member that is `null` is absent: some serializers write all that there are.
    pub(crate) fn read(mut members: Map<String, Value>) -> Result<Self, Flaw> {
        members.retain(|_, value| !value.is_null());
        let jwk = Self(members);
        let signs = |purpose: &str| SIGNING.iter().any(|of| of.eq_ignore_ascii_case(purpose));
        if jwk.text("use")?.is_some_and(|purpose| !signs(purpose)) {
            return Err(Flaw::new("use", "not for signatures"));
        }
        match jwk.0.get("key_ops") {
            None => Ok(jwk),
            Some(Value::Array(all)) if all.is_empty() || all.iter().any(|one| one == "verify") => {
                Ok(jwk)
            }
            Some(_) => Err(Flaw::new("key_ops", "not for verifying")),
        }
    }

    /// Whether its type, its curve and its `alg`, where it has one, allow the algorithm.
    pub(crate) fn allows(&self, algorithm: Algorithm) -> bool {
        let text = |name: &str| self.0.get(name).and_then(Value::as_str);
        let declared = match self.0.get("alg") {
            None => true,
            // A usual slip: ES512 is on P-521, which has no other algorithm.
            Some(Value::String(name)) if name == "ES521" => algorithm == Algorithm::Es512,
            Some(Value::String(name)) => Algorithm::named(name) == Some(algorithm),
            Some(_) => false,
        };
        declared && algorithm.fits(text("kty").unwrap_or_default(), text("crv"))
    }

    /// What verifies signatures of an algorithm that the key allows; never one of a shared secret.
    pub(crate) fn material(&self, algorithm: Algorithm) -> Result<Material, Flaw> {
        match algorithm {
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => Material::rsa(algorithm, self.bytes("n")?, self.bytes("e")?),
            Algorithm::Es256 => Material::p256(self.point::<32, 65>()?, None),
            Algorithm::Es384 => Material::p384(self.point::<48, 97>()?),
            Algorithm::Es512 => Material::p521(self.point::<66, 133>()?),
            Algorithm::EdDsa => Material::ed25519(fixed("x", &self.bytes("x")?)?, None),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                Err(Flaw::new("kty", "a shared secret; right: a public key"))
            }
        }
    }

    /// A member of bytes, in base64url with padding, a wrong one too, or without; base64 is read as what it means.
    pub(crate) fn bytes(&self, field: &'static str) -> Result<Vec<u8>, Flaw> {
        let text = self.text(field)?.ok_or_else(|| Flaw::new(field, "missing"))?;
        let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
        URL_SAFE_NO_PAD.decode(text).map_err(|_| Flaw::new(field, "not base64url"))
    }

    /// The uncompressed point. Coordinates are numbers: issuers drop zeros before them, or write one more.
    fn point<const N: usize, const POINT: usize>(&self) -> Result<[u8; POINT], Flaw> {
        let mut point = vec![4];
        for field in ["x", "y"] {
            let number = without_zeros(self.bytes(field)?);
            let missing = N.checked_sub(number.len());
            let missing = missing.ok_or_else(|| Flaw::new(field, "too long for its curve"))?;
            point.resize(point.len() + missing, 0);
            point.extend(number);
        }
        fixed("x", &point)
    }

    fn text(&self, field: &'static str) -> Result<Option<&str>, Flaw> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Flaw::new(field, "not a string")),
        }
    }
}
