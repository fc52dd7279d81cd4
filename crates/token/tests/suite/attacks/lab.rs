//! The ring under attack, and tools to forge with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::{Algorithm, KeyRing, TokenType};
use serde_json::{Value, json};

use crate::fixtures::{
    Change, NOW, SERVICES, forge, forge_text, forgers_ring, parts, service_parts, service_token,
};
use crate::outsiders::{ACME, acme, other, settings, with_both};

/// A ring with shared secrets, one key of `ES256` and one of `EdDSA`.
pub(super) struct Lab {
    pub(super) ring: KeyRing,
}

#[expect(clippy::unused_self, reason = "the table reads alike for all tools")]
impl Lab {
    pub(super) fn new() -> Self {
        let mut keys: Vec<_> = forgers_ring().keys().cloned().collect();
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let spec = hallpass_token::KeySpec {
                kid: algorithm.as_str().to_owned(),
                issuer: algorithm.as_str().to_owned(),
                ..crate::fixtures::spec("", hallpass_token::Profile::Standard)
            };
            keys.push(hallpass_token::generate(algorithm, spec).unwrap());
        }
        Self { ring: poisoned(&with_both(&KeyRing::new(keys).unwrap())) }
    }

    /// What the attacks are made from is accepted: they fail for what they change, and for nothing else.
    pub(super) fn check(&self) {
        for kind in TokenType::ALL {
            assert!(self.accepts(&self.good(kind)), "{kind}");
        }
        for kid in ["ES256", "EdDSA"] {
            assert!(self.accepts(&self.minted(kid)), "{kid}");
        }
        for issuer in [acme(), other()] {
            assert!(self.accepts(&issuer.changed(|_, _| {})), "{}", issuer.url);
        }
    }

    pub(super) fn accepts(&self, token: &str) -> bool {
        self.ring.verify(token, NOW).is_ok()
    }

    /// A good token of a kind.
    pub(super) fn good(&self, kind: TokenType) -> String {
        let (header, payload) = parts(kind);
        forge(&header, &payload)
    }

    /// A good token of one of the asymmetric keys.
    pub(super) fn minted(&self, kid: &str) -> String {
        self.ring.mint(kid, &service_token(), NOW).unwrap().expose().to_owned()
    }

    /// A service token that was changed and then signed with the key that its header names.
    pub(super) fn signed(&self, change: Change) -> String {
        let (mut header, mut payload) = service_parts();
        change(&mut header, &mut payload);
        forge(&header, &payload)
    }

    /// A token of a kind that was changed and then signed with the key of that kind.
    pub(super) fn signed_as(&self, kind: TokenType, change: Change) -> String {
        let (mut header, mut payload) = parts(kind);
        change(&mut header, &mut payload);
        forge(&header, &payload)
    }

    /// Header and payload of a token signed by the asymmetric key, in clear.
    pub(super) fn opened(&self, kid: &str) -> (Value, Value) {
        let shown = hallpass_token::inspect(&self.minted(kid)).unwrap();
        (shown.header, shown.payload)
    }

    /// The public key of an asymmetric key, as a JWK.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        let jwks = self.ring.public_jwks();
        let keys = jwks["keys"].as_array().unwrap().clone();
        keys.into_iter().find(|key| key["kid"] == kid).unwrap()
    }

    /// Public bytes of a key in the raw form that verifiers hold.
    pub(super) fn raw(&self, kid: &str) -> Vec<u8> {
        let jwk = self.jwk(kid);
        let mut bytes = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
        if let Some(y) = jwk["y"].as_str() {
            bytes.insert(0, 4);
            bytes.extend(URL_SAFE_NO_PAD.decode(y).unwrap());
        }
        bytes
    }
}

/// The first outside issuer's answer was tampered with: keys that it does not mean so are beside those that it means.
fn poisoned(ring: &KeyRing) -> KeyRing {
    let (mut jwks, second) = (acme().jwks(), other().jwks());
    let all = jwks["keys"].as_array_mut().unwrap();
    let mut beside = |key: &Value, kid: &str, member: &str, value: &str| {
        let mut key = key.clone();
        (key["kid"], key[member]) = (kid.into(), value.into());
        all.push(key);
    };
    let own = acme().jwks()["keys"][0].clone();
    beside(&own, "twice", "use", "sig");
    beside(&second["keys"][0], "twice", "use", "sig");
    beside(&own, "leaked", "d", "AQAB");
    beside(&own, "encrypts", "use", "enc");
    let symmetric =
        json!({"kty": "oct", "alg": "HS256", "k": encode(b"a secret that everybody can read!")});
    beside(&symmetric, "symmetric", "use", "sig");
    let issuer = std::sync::Arc::new(settings(ACME, "acme:"));
    let (keys, _) =
        hallpass_token::OutsideKeys::read(&issuer, jwks.to_string().as_bytes()).unwrap();
    ring.with_outside(keys)
}

/// Parts with a signature as it stands, in base64url.
pub(super) fn with_signature(header: &Value, payload: &Value, signature: &[u8]) -> String {
    let part = |json: &Value| encode(json.to_string().as_bytes());
    format!("{}.{}.{}", part(header), part(payload), encode(signature))
}

/// Parts whose text the services' key signs as it stands.
pub(super) fn text(header: &str, payload: &str) -> String {
    forge_text(SERVICES, header, payload)
}

/// Parts that an HMAC with these bytes signs.
pub(super) fn hmac(header: &Value, payload: &Value, secret: &[u8]) -> String {
    let part = |json: &Value| encode(json.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(payload));
    let key = jsonwebtoken::EncodingKey::from_secret(secret);
    let algorithm = jsonwebtoken::Algorithm::HS256;
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The members of a JSON object without its braces.
pub(super) fn inner(object: &Value) -> String {
    let text = object.to_string();
    text[1..text.len() - 1].to_owned()
}

pub(super) fn none() -> Value {
    json!({"alg": "none", "typ": TokenType::Service.header_type()})
}
