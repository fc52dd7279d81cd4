//! The keys that the targets know.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::{
    Algorithm, KeyRing, KeySpec, KeyState, NewToken, OutsideIssuer, OutsideKeys, Profile, TokenId,
    TokenType, UnixTime, generate,
};
use serde_json::{Value, json};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_764_300_000);

/// The secret of the one key that the fuzzer has: it may sign service tokens, and no more than its entry says.
pub(crate) const SECRET: &str = "only the fuzzer has this secret!";

pub(crate) const OUTSIDE: &str = "https://login.acme.test";

/// An outside issuer's key, which signs whatever it is given.
static OUTSIDER: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().unwrap());

/// A users' key, a service's of each kind, and an outside issuer's.
pub(crate) static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let users = spec("users", "hallpass", &[TokenType::User], "platform", "datasets:read");
    let platform = spec(
        "platform",
        "platform",
        &[TokenType::Service, TokenType::Background],
        "labeler",
        "labeler:read",
    );
    let mut keys = vec![
        generate(Algorithm::EdDsa, users).unwrap(),
        generate(Algorithm::Es256, platform).unwrap(),
    ];
    let held = KeyRing::parse(&ring_of_the_fuzzer().to_string(), &|_| Err(String::new())).unwrap();
    keys.extend(held.keys().cloned());
    let (outside, _) =
        OutsideKeys::read(&Arc::new(outside()), outside_jwks().to_string().as_bytes()).unwrap();
    KeyRing::new(keys).unwrap().with_outside(outside)
});

pub(crate) fn ring_of_the_fuzzer() -> Value {
    let entry = json!({
        "issuer": "fuzz", "owner": "fuzz", "types": ["service"], "scopes": ["labeler:read"], "audiences": ["labeler"],
    });
    json!({"keys": [{"kty": "oct", "kid": "fuzz", "alg": "HS256", "k": encode(SECRET.as_bytes()), "hallpass": entry}]})
}

pub(crate) fn outside() -> OutsideIssuer {
    OutsideIssuer {
        issuer: OUTSIDE.to_owned(),
        audience: vec!["hallpass".to_owned()],
        audience_claim: "aud".into(),
        audiences_here: vec!["platform".to_owned()],
        algorithms: Algorithm::OUTSIDE.into(),
        subject_prefix: "acme:".to_owned(),
        plain_jwt: true,
        scopes_claims: vec!["scope".into()],
        scopes: [("read".to_owned(), vec!["datasets:read".to_owned()])].into(),
        roles_claims: vec!["realm_access.roles".into()],
        roles: [("admins".to_owned(), vec!["operator".to_owned()])].into(),
        require: std::collections::BTreeMap::new(),
    }
}

pub(crate) fn outside_jwks() -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": encode(OUTSIDER.public_key().as_ref())}]})
}

/// A token of the users' key.
pub(crate) fn user_token() -> String {
    let mut new = NewToken::new(TokenType::User, TokenId::from_random([1; 16]));
    new.subject = Some("alice".to_owned());
    new.audience = vec!["platform".to_owned()];
    new.scopes = ["datasets:read"].into_iter().collect();
    RING.mint("users", &new, NOW).unwrap().expose().to_owned()
}

/// A token of Platform's key.
pub(crate) fn service_token() -> String {
    let mut new = NewToken::new(TokenType::Service, TokenId::from_random([2; 16]));
    new.subject = Some("alice".to_owned());
    new.service = Some("platform".to_owned());
    new.audience = vec!["labeler".to_owned()];
    new.scopes = ["labeler:read"].into_iter().collect();
    RING.mint("platform", &new, NOW).unwrap().expose().to_owned()
}

/// Header and payload, signed with the fuzzer's secret whatever they are.
pub(crate) fn sign_with_secret(header: &[u8], payload: &[u8]) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let signature =
        jsonwebtoken::crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::HS256);
    format!("{signed}.{}", signature.unwrap())
}

/// Header and payload, signed with the outside issuer's key whatever they are.
pub(crate) fn sign_outside(header: &[u8], payload: &[u8]) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = encode(OUTSIDER.sign(signed.as_bytes()).as_ref());
    format!("{signed}.{signature}")
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn spec(kid: &str, issuer: &str, types: &[TokenType], audience: &str, scope: &str) -> KeySpec {
    KeySpec {
        kid: kid.to_owned(),
        issuer: issuer.to_owned(),
        owner: issuer.to_owned(),
        types: types.to_vec(),
        scopes: [scope].into_iter().collect(),
        audiences: vec![audience.to_owned()],
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    }
}
