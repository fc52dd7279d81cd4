//! Tokens as `bearer-v1` has them, from a bare secret: `sub`, `iat`, perhaps `exp`, and a header without `kid`.

use std::time::Duration;

use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, json};

use crate::secret::SHORTEST_SECRET;
use crate::{
    Algorithm, Fingerprint, MintError, MintedToken, TokenError, UnixTime, mint, names, signature,
};

/// Mints a token with the header `{"alg":…,"typ":"JWT"}`, without `exp` where no life is given.
pub fn mint_bearer(
    secret: &SecretString,
    algorithm: Algorithm,
    subject: &str,
    issued_at: UnixTime,
    life: Option<Duration>,
) -> Result<MintedToken, MintError> {
    if !algorithm.is_shared_secret() {
        return Err(MintError::NotASecretAlgorithm);
    }
    let secret = secret.expose_secret().as_bytes();
    if secret.len() < SHORTEST_SECRET {
        return Err(MintError::SecretTooShort);
    }
    if !names::is_name(subject) {
        return Err(MintError::NotAllowed(TokenError::Malformed("sub")));
    }
    if life.is_some_and(|life| life.as_secs() == 0) {
        return Err(MintError::Lifetime("ends as it begins"));
    }
    let expires_at = life.map(|life| issued_at.plus(life));
    let mut payload = Map::new();
    payload.insert("sub".to_owned(), subject.into());
    payload.insert("iat".to_owned(), issued_at.as_secs().into());
    payload.extend(expires_at.map(|end| ("exp".to_owned(), end.as_secs().into())));
    let header = json!({ "alg": algorithm.as_str(), "typ": "JWT" });
    let signed = mint::signed_part(&header, &payload)?;
    let key = EncodingKey::from_secret(secret);
    let signature = signature::sign(algorithm, &key, signed.as_bytes());
    let fingerprint = Fingerprint::signed_part(signed.as_bytes());
    MintedToken::assemble(signed, &signature.ok_or(MintError::Signing)?, fingerprint, expires_at)
}
