//! Whatever arrives, the answer is a refusal and never a panic.

use hallpass_token::{
    Algorithm, Fingerprint, KeyRing, SecretRef, TokenType, UnixTime, inspect, verify_signature_only,
};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::fixtures::{
    NOW, SERVICES, forge_text, forgers_ring, no_secret, parts, ring_of, service_parts,
    service_token,
};

/// Any JSON, with our own names in it often enough to matter.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::sample::select(vec!["HS256", "services", "platform", "labeler", "service"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            members(inner).prop_map(Value::Object),
        ]
    })
}

fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![
        ".{0,8}",
        prop::sample::select(vec![
            "iss", "sub", "aud", "service", "scopes", "type", "iat", "nbf", "exp", "jti", "txn",
            "act", "job_id", "resource", "cnf", "par", "root_iat", "root_kid", "sid", "alg", "kid",
            "typ",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::btree_map(name, value, 0..6).prop_map(|all| all.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn any_text(text in any::<String>(), now in any::<u64>()) {
        prop_assert!(forgers_ring().verify(&text, UnixTime::from_secs(now)).is_err());
        let _ = inspect(&text);
        let _ = verify_signature_only(&text, &text);
        let _ = KeyRing::parse(&text, &no_secret);
        let _ = text.parse::<Fingerprint>();
        let _ = text.parse::<SecretRef>();
    }

    #[test]
    fn any_text_of_a_tokens_alphabet(text in "[A-Za-z0-9_=.-]{0,200}") {
        prop_assert!(forgers_ring().verify(&text, NOW).is_err());
        let _ = inspect(&text);
    }

    /// A well signed token of any claims: what comes out has been allowed.
    #[test]
    fn any_signed_claims(
        kind in prop::sample::select(TokenType::ALL.to_vec()),
        more in members(json()),
        head in members(json()),
        now in any::<u64>(),
    ) {
        let (mut header, mut payload) = parts(kind);
        payload.as_object_mut().unwrap().extend(more);
        header.as_object_mut().unwrap().extend(head);
        let ring = forgers_ring();
        let token = forge_text(SERVICES, &header.to_string(), &payload.to_string());
        if let Ok(token) = ring.verify(&token, UnixTime::from_secs(now)) {
            let (claims, key) = (token.claims(), ring.key(token.kid()).unwrap());
            prop_assert!(key.may_sign(claims.token_type));
            prop_assert!(claims.scopes.is_subset(key.scopes()));
            prop_assert!(claims.audience.iter().all(|audience| key.may_reach(audience)));
            prop_assert!(claims.expires_at.is_some());
        }
        let _ = ring.verify(&token, NOW);
    }

    #[test]
    fn any_ring(key in members(json()), entry in members(json())) {
        let mut ring: Value = serde_json::from_str(RING).unwrap();
        ring["keys"][0].as_object_mut().unwrap().extend(key);
        if let Some(hallpass) = ring["keys"][0]["hallpass"].as_object_mut() {
            hallpass.extend(entry);
        }
        let _ = KeyRing::parse(&ring.to_string(), &no_secret);
    }

    /// Replacing, dropping or inserting characters of a good token.
    #[test]
    fn any_edit(place in any::<prop::sample::Index>(), with in "\\PC{0,3}", drop in 0..3_usize) {
        let (header, payload) = service_parts();
        let token = forge_text(SERVICES, &header.to_string(), &payload.to_string());
        let place = place.index(token.len());
        let end = (place + drop).min(token.len());
        let edited = format!("{}{with}{}", &token[..place], &token[end..]);
        prop_assert_eq!(forgers_ring().verify(&edited, NOW).is_ok(), edited == token);
    }
}

const RING: &str = r#"{"keys":[{
    "kty": "oct", "kid": "k", "alg": "HS256", "k": "c2VjcmV0IG9mIHRoaXMgdGVzdCwgbG9uZyBlbm91Z2g",
    "hallpass": {"issuer": "i", "owner": "o", "types": ["service"], "audiences": ["a"]}
}]}"#;

#[test]
fn the_ring_that_is_changed_is_a_ring() {
    assert!(KeyRing::parse(RING, &no_secret).is_ok());
}

#[test]
fn the_ends_of_time() {
    let ring = ring_of(Algorithm::Hs256);
    for now in [0, 1, u64::MAX - 1, u64::MAX] {
        let now = UnixTime::from_secs(now);
        if let Ok(token) = ring.mint("made", &service_token(), now) {
            let _ = ring.verify(token.expose(), now);
        }
    }
}
