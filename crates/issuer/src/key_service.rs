//! Gives away the public keys of this issuer, as an RPC and as a document, and rotates them.
//!
//! Invariant: nothing that signs is in any answer, and no key that is retired or another's.

use hallpass_contract::auth::{
    GetJwksRequest, GetJwksResponse, JsonWebKey, KeyService, RotateKeysRequest, RotateKeysResponse,
};
use hallpass_guard::Keys;
use hallpass_policy::Permit;
use serde_json::Value;

use crate::error::Error;
use crate::rotation::Rotation;

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct KeyHandler {
    pub(crate) given: PublicKeys,
    pub(crate) rotation: Rotation,
}

/// What is given away.
#[derive(Debug, Clone)]
pub(crate) struct PublicKeys {
    pub(crate) keys: Keys,
    /// Whose keys it gives away.
    pub(crate) owner: &'static str,
}

impl PublicKeys {
    /// The key set as RFC 7517 has it.
    pub(crate) fn document(&self) -> String {
        self.jwks().to_string()
    }

    fn jwks(&self) -> Value {
        self.keys.ring().public_jwks_of(self.owner)
    }
}

impl KeyService for KeyHandler {
    type Error = Error;

    async fn get_jwks(&self, _: GetJwksRequest) -> Result<GetJwksResponse, Error> {
        let jwks = self.given.jwks();
        let keys = jwks["keys"].as_array().into_iter().flatten().map(key).collect();
        Ok(GetJwksResponse { keys })
    }

    async fn rotate_keys(
        &self,
        permit: Permit,
        request: RotateKeysRequest,
    ) -> Result<RotateKeysResponse, Error> {
        self.rotation.rotate(&permit, request).await
    }
}

fn key(jwk: &Value) -> JsonWebKey {
    let member = |name: &str| jwk[name].as_str().unwrap_or_default().to_owned();
    JsonWebKey {
        kty: member("kty"),
        kid: member("kid"),
        alg: member("alg"),
        r#use: member("use"),
        crv: member("crv"),
        x: member("x"),
        y: member("y"),
    }
}
