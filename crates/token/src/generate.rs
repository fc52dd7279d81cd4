//! New keys.

use crate::material::Material;
use crate::{Algorithm, Key, KeySpec, RingError};

/// Makes a key: a key pair, or 32 (HS256) or 64 (HS512) random bytes. The chance is the crypto library's own source, which takes no
/// argument.
pub fn generate(algorithm: Algorithm, spec: KeySpec) -> Result<Key, RingError> {
    spec.check().map_err(|flaw| flaw.of(&spec.kid))?;
    let material = Material::generate(algorithm).map_err(|flaw| flaw.of(&spec.kid))?;
    Ok(Key::new(spec, material))
}
