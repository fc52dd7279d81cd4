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
        "quilt-sales-prod-mcp-jwt-secret-2025-enhanced-tokens-v2",
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

/// What the ring says of a secret that stands in it as bytes.
fn said(secret: &[u8]) -> Result<(), String> {
    use base64::Engine as _;
    let mut key = entry();
    key["k"] = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret).into();
    let ring = KeyRing::parse(&json!({ "keys": [key] }).to_string(), &crate::fixtures::no_secret);
    ring.map(drop).map_err(|error| error.to_string())
}

#[test]
fn what_is_printed_as_hex_is_refused_as_the_bytes_that_it_stands_for() {
    let printed = "8f7e6d5c4b3a29180716253e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a";
    let bytes = |at: usize| u8::from_str_radix(&printed[at..at + 2], 16).unwrap();
    let bytes: Vec<_> = (0..printed.len()).step_by(2).map(bytes).collect();
    let right = "key one: k: printed in a public guide; right: 32 random bytes of your own";
    assert_eq!(said(&bytes), Err(right.to_owned()));
}

#[test]
fn what_follows_a_pattern_is_no_secret_and_what_is_random_is_one() {
    let cycle = |part: &str| part.repeat(64 / part.len() + 1).into_bytes();
    let row: Vec<u8> = (0..64).collect();
    for weak in [
        cycle("x"),
        cycle("ab"),
        cycle("password"),
        cycle("0123456789"),
        cycle("a-longer-part-16"),
        row,
        vec![0; 32],
    ] {
        assert_eq!(
            said(&weak),
            Err("key one: k: follows a pattern; right: 32 random bytes".to_owned())
        );
    }
    let mut random = vec![0; 32];
    for _ in 0..1000 {
        aws_lc_rs::rand::fill(&mut random).unwrap();
        assert_eq!(said(&random), Ok(()));
        let digit = |byte: &u8| b"0123456789abcdef"[usize::from(byte % 16)];
        let hex: Vec<_> = random.iter().map(digit).collect();
        assert_eq!(said(&hex), Ok(()), "16 random bytes as hex");
    }
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
