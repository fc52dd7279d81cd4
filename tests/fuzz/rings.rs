//! Files of key rings, and outside issuers' key sets: what is read is whole, and nothing private is given away.

use std::sync::{Arc, LazyLock};

use hallpass_token::{KeyRing, OutsideKeys};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::bent::{Bent, Count, bend};
use crate::keys::{OUTSIDE, RING, encode, outside, outside_jwks, ring_of_the_fuzzer};

/// What is in a ring and must not get out.
const SECRET: &str = "b25seSB0aGUgZnV6emVy";

static RINGS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let own = RING.to_json().expose_secret().as_bytes().to_vec();
    let referred = ring_of_the_fuzzer()
        .to_string()
        .replace("\"k\":", "\"x\":")
        .replace("\"scopes\"", "\"secret\":\"env:A\",\"scopes\"");
    let others = ring_of_the_fuzzer()
        .to_string()
        .replace("\"scopes\"", "\"profile\":\"hybrid-v1\",\"state\":\"next\",\"scopes\"");
    vec![
        own,
        ring_of_the_fuzzer().to_string().into_bytes(),
        referred.into_bytes(),
        others.into_bytes(),
    ]
});

#[test]
fn ring_files() {
    static COUNT: Count = Count::new("ring_files");
    assert!(encode(crate::keys::SECRET.as_bytes()).starts_with(SECRET));
    bolero::check!().with_type::<Bent>().for_each(|bent| {
        let bytes = bend(&RINGS, bent);
        let Ok(text) = str::from_utf8(&bytes) else { return COUNT.input(false) };
        let ring = match KeyRing::parse(text, &|_| Ok(crate::keys::SECRET.into())) {
            Ok(ring) => ring,
            Err(error) => {
                assert!(!error.to_string().contains(SECRET), "{error}");
                return COUNT.input(false);
            }
        };
        check(&ring);
        COUNT.input(true);
    });
    COUNT.tell();
}

fn check(ring: &KeyRing) {
    let written = ring.to_json();
    let again =
        KeyRing::parse(written.expose_secret(), &|_| Ok(crate::keys::SECRET.into())).unwrap();
    assert_eq!(ring.keys().len(), again.keys().len());
    assert!(ring.keys().zip(again.keys()).all(|(one, other)| one.is_same_entry(other)));
    let shown = format!("{ring:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    let public = ring.public_jwks();
    let private = ["d", "k", "hallpass"];
    for key in public["keys"].as_array().unwrap() {
        assert!(private.iter().all(|member| key.get(member).is_none()), "{key}");
        assert_ne!(key["kty"], "oct");
    }
}

static SETS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let rsa = json!({"keys": [
        {"kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig", "e": "AQAB", "n": format!("w{}", "Aq".repeat(170)), "x5c": ["MIIB"]},
        {"kty": "RSA", "kid": "s", "key_ops": ["verify"], "e": "AQAB", "n": format!("x{}", "Aq".repeat(170))},
        outside_jwks()["keys"][0],
    ]});
    let own = RING.public_jwks();
    vec![
        rsa.to_string().into_bytes(),
        outside_jwks().to_string().into_bytes(),
        own.to_string().into_bytes(),
    ]
});

#[test]
fn key_sets() {
    static COUNT: Count = Count::new("key_sets");
    bolero::check!().with_type::<Bent>().for_each(|bent| {
        let bytes = bend(&SETS, bent);
        let Ok((keys, left_out)) = OutsideKeys::read(&Arc::new(outside()), &bytes) else {
            return COUNT.input(false);
        };
        let ring = KeyRing::default().with_outside(keys.clone());
        for kid in keys.kids() {
            let key = ring.key(&format!("{OUTSIDE}#{kid}")).unwrap();
            assert!(!key.can_sign() && !key.algorithm().is_shared_secret());
            assert_eq!((key.issuer(), key.audiences()), (OUTSIDE, &["platform".to_owned()][..]));
        }
        assert!(keys.kids().len() + left_out.len() <= 64 * 2);
        COUNT.input(keys.kids().len() > 0);
    });
    COUNT.tell();
}
