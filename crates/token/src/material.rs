//! What a key verifies and signs with, checked when it is read: lengths, the point on the curve, private and public part together.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsBigEndian, Curve25519SeedBin, EcPrivateKeyBin};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P521_SHA512_FIXED, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey,
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret as _, SecretSlice};

use crate::error::Flaw;
use crate::signature::Verifier;
use crate::{Algorithm, SecretRef, secret, signature};

/// What is wrong with a key of this mesh that has another algorithm.
pub(crate) const NOT_OURS: &str = "keys of OIDC issuers only have it; right: EdDSA or ES256";

/// The key itself. Has no `Debug` that shows it.
#[derive(Clone)]
pub(crate) struct Material(Arc<Inner>);

struct Inner {
    algorithm: Algorithm,
    parts: Parts,
    verifier: Verifier,
    signer: Option<EncodingKey>,
}

/// The key's parts as a JWK holds them.
pub(crate) enum Parts {
    /// A shared secret, and where it came from if not from the ring file.
    Secret { bytes: SecretSlice<u8>, source: Option<SecretRef> },
    /// Ed25519: the public key and the seed.
    Ed25519 { x: [u8; 32], d: Option<SecretSlice<u8>> },
    /// P-256: the uncompressed point (a byte 4, x, y) and the private number.
    P256 { point: [u8; 65], d: Option<SecretSlice<u8>> },
    /// P-384 or P-521: the uncompressed point. Only ever public.
    Ec { point: Vec<u8> },
    /// RSA: the modulus and the exponent, without leading zeros. Only ever public.
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl Material {
    pub(crate) fn secret(
        algorithm: Algorithm,
        bytes: SecretSlice<u8>,
        source: Option<SecretRef>,
    ) -> Result<Self, Flaw> {
        let field = if source.is_some() { "secret" } else { "k" };
        secret::check(bytes.expose_secret()).map_err(|problem| Flaw::new(field, problem))?;
        let verifier = Verifier::Library(DecodingKey::from_secret(bytes.expose_secret()));
        let signer = EncodingKey::from_secret(bytes.expose_secret());
        Ok(Self::new(algorithm, Parts::Secret { bytes, source }, verifier, Some(signer)))
    }

    pub(crate) fn ed25519(x: [u8; 32], d: Option<SecretSlice<u8>>) -> Result<Self, Flaw> {
        ParsedPublicKey::new(&ED25519, x)
            .map_err(|_| Flaw::new("x", "not an Ed25519 public key"))?;
        let signer = d.as_ref().map(|d| ed25519_signer(&x, d)).transpose()?;
        let verifier = Verifier::Library(DecodingKey::from_ed_der(&x));
        Ok(Self::new(Algorithm::EdDsa, Parts::Ed25519 { x, d }, verifier, signer))
    }

    pub(crate) fn p256(point: [u8; 65], d: Option<SecretSlice<u8>>) -> Result<Self, Flaw> {
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .map_err(|_| Flaw::new("x", "x and y are not a point of P-256"))?;
        let signer = d.as_ref().map(|d| p256_signer(&point, d)).transpose()?;
        let verifier = Verifier::Library(DecodingKey::from_ec_der(&point));
        Ok(Self::new(Algorithm::Es256, Parts::P256 { point, d }, verifier, signer))
    }

    /// A public key on P-384.
    pub(crate) fn p384(point: [u8; 97]) -> Result<Self, Flaw> {
        ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point)
            .map_err(|_| Flaw::new("x", "x and y are not a point of P-384"))?;
        let verifier = Verifier::Library(DecodingKey::from_ec_der(&point));
        Ok(Self::new(Algorithm::Es384, Parts::Ec { point: point.into() }, verifier, None))
    }

    /// A public key on P-521.
    pub(crate) fn p521(point: [u8; 133]) -> Result<Self, Flaw> {
        ParsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point)
            .map_err(|_| Flaw::new("x", "x and y are not a point of P-521"))?;
        let verifier = Verifier::P521(point.into());
        Ok(Self::new(Algorithm::Es512, Parts::Ec { point: point.into() }, verifier, None))
    }

    /// An RSA public key of 2048 to 8192 bits (RFC 7518, section 3.3) whose exponent is at least 65537.
    pub(crate) fn rsa(algorithm: Algorithm, n: Vec<u8>, e: Vec<u8>) -> Result<Self, Flaw> {
        let (n, e) = (without_zeros(n), without_zeros(e));
        let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) {
            return Err(Flaw::new("n", format!("{bits} bits; right: 2048 to 8192")));
        }
        let number = e.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        if e.len() > 4 || number < 65_537 || number % 2 == 0 {
            return Err(Flaw::new("e", "not an odd number from 65537 on"));
        }
        let verifier = Verifier::Library(DecodingKey::from_rsa_raw_components(&n, &e));
        Ok(Self::new(algorithm, Parts::Rsa { n, e }, verifier, None))
    }

    /// A new key from the crypto library's random source.
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, Flaw> {
        let failed = |_: Unspecified| Flaw::new("alg", "the random source failed");
        match algorithm {
            Algorithm::Hs256 => Self::random_secret::<32>(algorithm),
            Algorithm::Hs512 => Self::random_secret::<64>(algorithm),
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                let seed: Curve25519SeedBin<'_> =
                    pair.seed().and_then(|seed| seed.as_be_bytes()).map_err(failed)?;
                Self::ed25519(fixed("x", pair.public_key().as_ref())?, Some(private(seed.as_ref())))
            }
            Algorithm::Es256 => {
                let pair =
                    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                let d: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().map_err(failed)?;
                Self::p256(fixed("x", pair.public_key().as_ref())?, Some(private(d.as_ref())))
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

    fn random_secret<const N: usize>(algorithm: Algorithm) -> Result<Self, Flaw> {
        let mut bytes = vec![0; N];
        rand::fill(&mut bytes).map_err(|_| Flaw::new("alg", "the random source failed"))?;
        Self::secret(algorithm, bytes.into(), None)
    }

    fn new(
        algorithm: Algorithm,
        parts: Parts,
        verifier: Verifier,
        signer: Option<EncodingKey>,
    ) -> Self {
        Self(Arc::new(Inner { algorithm, parts, verifier, signer }))
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    pub(crate) fn can_sign(&self) -> bool {
        self.0.signer.is_some()
    }

    /// The same key without what signs; a shared secret has no such part.
    pub(crate) fn public(&self) -> Option<Self> {
        let parts = match &self.0.parts {
            Parts::Secret { .. } => return None,
            Parts::Ed25519 { x, .. } => Parts::Ed25519 { x: *x, d: None },
            Parts::P256 { point, .. } => Parts::P256 { point: *point, d: None },
            Parts::Ec { point } => Parts::Ec { point: point.clone() },
            Parts::Rsa { n, e } => Parts::Rsa { n: n.clone(), e: e.clone() },
        };
        Some(Self::new(self.0.algorithm, parts, self.0.verifier.clone(), None))
    }

    /// The same for the same key, whichever parts of it are held.
    pub(crate) fn identity(&self) -> [u8; 32] {
        let bytes = match &self.0.parts {
            Parts::Secret { bytes, .. } => bytes.expose_secret(),
            Parts::Ed25519 { x, .. } => x,
            Parts::P256 { point, .. } => point,
            Parts::Ec { point } => point,
            Parts::Rsa { n, .. } => n,
        };
        let mut identity = [0; 32];
        identity.copy_from_slice(digest(&SHA256, bytes).as_ref());
        identity
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        signature::verify(self.0.algorithm, &self.0.verifier, message, signature)
    }

    /// `None` where there is nothing to sign with, or the library fails.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        signature::sign(self.0.algorithm, self.0.signer.as_ref()?, message)
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Material({})", self.0.algorithm)
    }
}

/// Bytes of a length that the key's algorithm fixes.
pub(crate) fn fixed<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], Flaw> {
    bytes.try_into().map_err(|_| Flaw::new(field, format!("{} bytes; right: {N}", bytes.len())))
}

pub(crate) fn without_zeros(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.drain(..bytes.iter().take_while(|byte| **byte == 0).count());
    bytes
}

fn private(bytes: &[u8]) -> SecretSlice<u8> {
    bytes.to_vec().into()
}

/// The library takes private keys as PKCS#8 only.
fn ed25519_signer(x: &[u8; 32], d: &SecretSlice<u8>) -> Result<EncodingKey, Flaw> {
    let seed: [u8; 32] = fixed("d", d.expose_secret())?;
    let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, x)
        .map_err(|_| Flaw::new("d", "not the private part of x"))?;
    let document = pair.to_pkcs8().map_err(|_| Flaw::new("d", "cannot be put into PKCS#8"))?;
    Ok(EncodingKey::from_ed_der(document.as_ref()))
}

fn p256_signer(point: &[u8; 65], d: &SecretSlice<u8>) -> Result<EncodingKey, Flaw> {
    let number: [u8; 32] = fixed("d", d.expose_secret())?;
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &number, point)
        .map_err(|_| Flaw::new("d", "not the private part of x and y"))?;
    let document = pair.to_pkcs8v1().map_err(|_| Flaw::new("d", "cannot be put into PKCS#8"))?;
    Ok(EncodingKey::from_ec_der(document.as_ref()))
}
