//! New keys.

use crate::{Algorithm, Key, KeySpec, RingError};

/// Makes a key: a key pair, or 32 (HS256) or 64 (HS512) random bytes, from the crypto library's own random source.
pub fn generate(algorithm: Algorithm, spec: KeySpec) -> Result<Key, RingError> {
    let _ = (algorithm, spec);
    todo!()
}
