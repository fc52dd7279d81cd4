//! The one door to the crypto library: signs and verifies bytes with a key whose algorithm is known beforehand.
//!
//! The provider is named here, not looked up in the process, so that no other crate's choice of backend can change or break it.

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// Whether the signature over the message is the key's. Any failure is a no.
pub(crate) fn verify(
    algorithm: Algorithm,
    key: &DecodingKey,
    message: &[u8],
    signature: &Vec<u8>,
) -> bool {
    (DEFAULT_PROVIDER.verifier_factory)(&algorithm, key)
        .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
}

/// The key's signature over the message.
pub(crate) fn sign(algorithm: Algorithm, key: &EncodingKey, message: &[u8]) -> Option<Vec<u8>> {
    (DEFAULT_PROVIDER.signer_factory)(&algorithm, key).ok()?.try_sign(message).ok()
}
