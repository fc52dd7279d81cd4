//! Shared secrets come by reference, long enough, and never from a public guide.

use hallpass_token::{KeyRing, SecretRef};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::fixtures::take;
use crate::ring_file::entry;

#[test]
fn secrets_come_by_reference() {
    let ring = |secret: &'static str| {
        let mut key = entry();
        take(&mut key, "k");
        key["hallpass"]["secret"] = "env:SERVICE_JWT_SECRET".into();
        KeyRing::parse(&json!({ "keys": [key] }).to_string(), &|place| {
            assert_eq!(*place, SecretRef::Env("SERVICE_JWT_SECRET".to_owned()));
            Ok(SecretString::from(secret))
        })
    };
    let secret = "a secret of this test, long enough";
    let kept = ring(secret).unwrap().to_json();
    assert!(kept.expose_secret().contains("env:SERVICE_JWT_SECRET"));
    assert!(!kept.expose_secret().contains("\"k\""));
    for printed in [
        "8f7e6d5c4b3a29180716253e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a",
        "service-jwt-secret-change-in-production-use-openssl-rand-hex-32",
        "my-test-secret-key-32-characters!",
    ] {
        let error = ring(printed).unwrap_err().to_string();
        assert_eq!(
            error,
            "key one: secret: printed in a public guide; right: 32 random bytes of your own"
        );
    }
    let error = ring("31 bytes are not enough for it.").unwrap_err().to_string();
    assert_eq!(error, "key one: secret: 31 bytes; right: at least 32 random bytes");
}

#[test]
fn places() {
    let table = [
        ("env:NAME", Some(SecretRef::Env("NAME".to_owned()))),
        ("file:/run/secrets/x", Some(SecretRef::File("/run/secrets/x".to_owned()))),
        ("ssm:/path/x", Some(SecretRef::Ssm("/path/x".to_owned()))),
        ("ssm:path", None),
        ("env:", None),
        ("NAME", None),
        ("http://x", None),
    ];
    for (text, right) in table {
        assert_eq!(text.parse::<SecretRef>().ok(), right, "{text}");
        assert!(right.is_none_or(|place| place.to_string() == text));
    }
}
