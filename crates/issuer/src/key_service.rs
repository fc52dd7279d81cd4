//! Gives away the public keys of this issuer, as an RPC and as a document.
//!
//! Invariant: nothing that signs is in either, and no key that is retired or another's.

use hallpass_contract::auth::{GetJwksRequest, GetJwksResponse, JsonWebKey, KeyService};
use hallpass_guard::Keys;
use serde_json::Value;
use tonic::Status;

/// The handler.
#[derive(Debug, Clone)]
pub(crate) struct KeyHandler {
    pub(crate) keys: Keys,
    /// Whose keys it gives away.
    pub(crate) owner: &'static str,
}

impl KeyHandler {
    /// The key set as RFC 7517 has it.
    pub(crate) fn document(&self) -> String {
        self.jwks().to_string()
    }

    fn jwks(&self) -> Value {
        self.keys.ring().public_jwks_of(self.owner)
    }
}

impl KeyService for KeyHandler {
    type Error = Status;

    async fn get_jwks(&self, _: GetJwksRequest) -> Result<GetJwksResponse, Status> {
        let jwks = self.jwks();
        let keys = jwks["keys"].as_array().into_iter().flatten().map(key).collect();
        Ok(GetJwksResponse { keys })
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
