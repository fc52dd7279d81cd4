//! The one door to the crypto library: signs and verifies bytes with a key whose algorithm is known beforehand.
//!
//! The provider is named here, not looked up in the process, so that no other crate's choice of backend can change or break it.

use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, UnparsedPublicKey};
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::Algorithm;

/// What verifies.
#[derive(Clone)]
pub(crate) enum Verifier {
    /// A key of the JWT library.
    Library(DecodingKey),
    /// An uncompressed point of P-521: the JWT library has no ES512.
    P521(Vec<u8>),
}

/// Whether the signature over the message is the key's. Any failure is a no.
pub(crate) fn verify(
    algorithm: Algorithm,
    key: &Verifier,
    message: &[u8],
    signature: &Vec<u8>,
) -> bool {
    match (key, library(algorithm)) {
        (Verifier::Library(key), Some(algorithm)) => {
            (DEFAULT_PROVIDER.verifier_factory)(&algorithm, key)
                .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
        }
        (Verifier::P521(point), None) => UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point)
            .verify(message, signature)
            .is_ok(),
        (Verifier::Library(_), None) | (Verifier::P521(_), Some(_)) => false,
    }
}

/// The key's signature over the message.
pub(crate) fn sign(algorithm: Algorithm, key: &EncodingKey, message: &[u8]) -> Option<Vec<u8>> {
    (DEFAULT_PROVIDER.signer_factory)(&library(algorithm)?, key).ok()?.try_sign(message).ok()
}

/// The JWT library's name of the algorithm; it has none for ES512.
const fn library(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    use jsonwebtoken::Algorithm as Of;
    Some(match algorithm {
        Algorithm::Hs256 => Of::HS256,
        Algorithm::Hs384 => Of::HS384,
        Algorithm::Hs512 => Of::HS512,
        Algorithm::Es256 => Of::ES256,
        Algorithm::Es384 => Of::ES384,
        Algorithm::Es512 => return None,
        Algorithm::EdDsa => Of::EdDSA,
        Algorithm::Rs256 => Of::RS256,
        Algorithm::Rs384 => Of::RS384,
        Algorithm::Rs512 => Of::RS512,
        Algorithm::Ps256 => Of::PS256,
        Algorithm::Ps384 => Of::PS384,
        Algorithm::Ps512 => Of::PS512,
    })
}
