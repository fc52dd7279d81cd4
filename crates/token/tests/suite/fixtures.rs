//! Rings, an instant, and a forger that signs whatever it is given with keys that it knows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::{
    Algorithm, KeyRing, KeySpec, KeyState, NewToken, Profile, RingError, TokenError, TokenId,
    TokenType, UnixTime, generate,
};
use jsonwebtoken::{EncodingKey, crypto};
use secrecy::SecretString;
use serde_json::{Value, json};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_764_300_000);

/// The secret of the fixture's services' key; the forger has it.
pub(crate) const SERVICES: &str = "fixture: the secret of the services' key";

/// A shared secret as a ring has it.
pub(crate) const K: &str = "c2VjcmV0IG9mIHRoaXMgdGVzdCwgbG9uZyBlbm91Z2g";

/// Another one.
pub(crate) const OTHER_K: &str = "YW5vdGhlciBzZWNyZXQgb2YgdGhpcyB0ZXN0LCB0b28h";

/// Shared-secret keys of all states and kinds, so that tests can sign anything.
pub(crate) fn forgers_ring() -> KeyRing {
    let entry = |types: &[&str], state: &str| {
        json!({
            "issuer": "platform", "owner": "platform", "types": types, "state": state,
            "scopes": ["labeler:read", "labeler:write"], "audiences": ["labeler", "jobs.abort"],
        })
    };
    let users = json!({
        "issuer": "users", "owner": "platform", "types": ["user"],
        "scopes": ["platform:read"], "audiences": ["platform"],
    });
    let key = |kid: &str, entry: Value| {
        let k = URL_SAFE_NO_PAD.encode(secret_of(kid));
        json!({"kty": "oct", "kid": kid, "alg": "HS256", "k": k, "hallpass": entry})
    };
    parse(&json!({"keys": [
        key("services", entry(&["service", "background", "action"], "active")),
        key("users", users),
        key("only-service", entry(&["service"], "active")),
        key("coming", entry(&["service"], "next")),
        key("gone", entry(&["service"], "retired")),
    ]}))
    .unwrap()
}

/// The shared secret of a key of that ring.
pub(crate) fn secret_of(kid: &str) -> &'static str {
    SECRETS.iter().find(|(key, _)| *key == kid).unwrap().1
}

const SECRETS: [(&str, &str); 5] = [
    ("services", SERVICES),
    ("users", "fixture: the secret of the users' key"),
    ("only-service", "fixture: the secret of a key of one type"),
    ("coming", "fixture: the secret of the key that comes"),
    ("gone", "fixture: the secret of the key that is gone"),
];

pub(crate) fn parse(ring: &Value) -> Result<KeyRing, RingError> {
    KeyRing::parse(&ring.to_string(), &|place| Err(format!("nothing at {place} in this test")))
}

/// A ring with one key of this algorithm that signs everything but user tokens.
pub(crate) fn ring_of(algorithm: Algorithm) -> KeyRing {
    KeyRing::new(vec![generate(algorithm, spec("made", Profile::Standard)).unwrap()]).unwrap()
}

pub(crate) fn spec(kid: &str, profile: Profile) -> KeySpec {
    KeySpec {
        kid: kid.to_owned(),
        issuer: "platform".to_owned(),
        owner: "platform".to_owned(),
        types: match profile {
            Profile::Standard => vec![TokenType::Service, TokenType::Background, TokenType::Action],
            Profile::HybridV1 => vec![TokenType::Service, TokenType::Background],
            Profile::BearerV1 | Profile::StorageV1 | Profile::Outside => vec![TokenType::User],
        },
        scopes: ["labeler:read", "labeler:write"].into_iter().collect(),
        audiences: vec!["labeler".to_owned()],
        state: KeyState::Active,
        profile,
        no_expiry: false,
        roots: None,
        max_life: None,
    }
}

/// A service token that every check lets through.
pub(crate) fn service_token() -> NewToken {
    let mut new = NewToken::new(TokenType::Service, TokenId::from_random([7; 16]));
    new.subject = Some("1".to_owned());
    new.service = Some("platform".to_owned());
    new.audience = vec!["labeler".to_owned()];
    new.scopes = ["labeler:read"].into_iter().collect();
    new
}

/// The header and payload of such a token, for the forger to change.
pub(crate) fn service_parts() -> (Value, Value) {
    parts(TokenType::Service)
}

/// The header and payload of a token of this kind that the fixture's ring accepts.
pub(crate) fn parts(kind: TokenType) -> (Value, Value) {
    let now = NOW.as_secs();
    let (key, issuer, audience, scopes) = match kind {
        TokenType::User => ("users", "users", "platform", "platform:read"),
        _ => ("services", "platform", "labeler", "labeler:read"),
    };
    let header = json!({"alg": "HS256", "typ": kind.header_type(), "kid": key});
    let mut payload = json!({
        "iss": issuer, "sub": "1", "aud": audience, "scopes": [scopes], "type": kind.as_str(),
        "iat": now, "exp": now + 120, "jti": "fixture-1",
    });
    match kind {
        TokenType::Service => payload["service"] = "platform".into(),
        TokenType::Background => {
            payload["service"] = "platform-training".into();
            payload["sub"] = Value::Null;
        }
        TokenType::User | TokenType::Action => {}
    }
    (header, payload)
}

/// Signs the parts with the key that the header names.
pub(crate) fn forge(header: &Value, payload: &Value) -> String {
    let kid = header["kid"].as_str().unwrap_or("services");
    forge_text(secret_of(kid), &header.to_string(), &payload.to_string())
}

pub(crate) fn forge_text(secret: &str, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    sign_part(secret, &signed)
}

/// Signs `header.payload` as it stands.
pub(crate) fn sign_part(secret: &str, signed: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{signed}.{signature}")
}

/// What the fixture's ring says of a service token that was changed.
pub(crate) fn verdict(change: impl FnOnce(&mut Value, &mut Value)) -> Result<(), TokenError> {
    let (mut header, mut payload) = service_parts();
    change(&mut header, &mut payload);
    forgers_ring().verify(&forge(&header, &payload), NOW).map(|_| ())
}

pub(crate) fn no_secret(_: &hallpass_token::SecretRef) -> Result<SecretString, String> {
    Err("none in this test".to_owned())
}

/// A change of a token's header and payload.
pub(crate) type Change = fn(&mut Value, &mut Value);

/// Whether each change is refused for the right reason.
pub(crate) fn judge(table: &[(&str, Change, TokenError)]) {
    for (name, change, right) in table {
        assert_eq!(verdict(change), Err(*right), "{name}");
    }
}

pub(crate) fn take(object: &mut Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member).unwrap()
}
