//! Verifying: valid ends with 0; anything else with 1 and the reason.

use hallpass_token::{
    Algorithm, KeyRing, KeySpec, KeyState, NewToken, Profile, TokenId, TokenType, UnixTime,
    generate,
};
use serde_json::Value;

use crate::rings::Data;
use crate::run::{Ran, SECRET, hallpass};

fn verify(flags: &[&str], token: &str) -> Ran {
    let arguments = [&["token", "verify", "-"], flags].concat();
    hallpass(&arguments).env("JWT_SECRET_KEY", SECRET).stdin(format!("{token}\n")).run()
}

/// The token with a bit of its signature flipped.
fn tampered(token: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    signature[3] ^= 1;
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn by_a_secret() {
    let minted = hallpass(&["token", "mint"]).env("JWT_SECRET_KEY", SECRET).run();
    let token = minted.token();
    let valid = verify(&[], token);
    assert_eq!((valid.code, valid.stderr.as_str()), (0, ""));
    assert!(valid.stdout.starts_with("valid: "), "{valid:?}");
    verify(&[], &tampered(token)).fails(1, "bad signature");
    verify(&["--algorithm", "HS512"], token).fails(1, "not valid: unknown key");
    let json = verify(&["--output", "json"], token).json();
    assert_eq!((&json["valid"], &json["payload"]["sub"]), (&true.into(), &"client".into()));
    let refused = verify(&["--output", "json"], &tampered(token));
    assert_eq!((refused.code, &refused.json()["valid"]), (1, &Value::Bool(false)));
    assert_eq!(refused.json()["reason"], "bad signature");
}

#[test]
fn by_the_rings_of_a_data_folder() {
    let data = Data::new();
    for flags in [&["--subject", "alice"][..], &["--type", "service"], &["--type", "background"]] {
        let minted = data.mint(flags);
        assert_eq!(verify(&["--data", data.folder()], minted.token()).code, 0, "{flags:?}");
        let other = Data::new();
        verify(&["--data", other.folder()], minted.token()).fails(1, "bad signature");
        verify(&[], minted.token()).fails(1, "unknown key");
    }
    let user = data.mint(&[]);
    let ring = data.ring("labeler");
    verify(&["--ring", ring.to_str().unwrap()], user.token()).fails(1, "unknown key");
}

#[test]
fn by_a_jwks_the_signature_and_the_times_or_the_signature_only() {
    let folder = tempfile::tempdir().unwrap();
    let spec = KeySpec {
        kid: "k".to_owned(),
        issuer: "hallpass".to_owned(),
        owner: "users".to_owned(),
        types: vec![TokenType::User],
        scopes: std::iter::empty::<String>().collect(),
        audiences: vec!["platform".to_owned()],
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    let ring = KeyRing::new(vec![generate(Algorithm::Es256, spec).unwrap()]).unwrap();
    let jwks = folder.path().join("jwks.json");
    std::fs::write(&jwks, ring.public_jwks().to_string()).unwrap();
    let jwks = jwks.to_str().unwrap();

    let mut new = NewToken::new(TokenType::User, TokenId::from_random([7; 16]));
    new.subject = Some("alice".to_owned());
    new.audience = vec!["platform".to_owned()];
    let long_ago = ring.mint("k", &new, UnixTime::from_secs(1_000_000)).unwrap();
    verify(&["--jwks", jwks], long_ago.expose()).fails(1, "not valid: expired");
    let only = verify(&["--jwks", jwks, "--signature-only", "--output", "json"], long_ago.expose());
    assert_eq!(only.code, 0, "{only:?}");
    assert_eq!(only.json()["checked"], serde_json::json!(["signature"]));
    for flags in [&["--jwks", jwks][..], &["--jwks", jwks, "--signature-only"]] {
        verify(flags, &tampered(long_ago.expose())).fails(1, "bad signature");
    }
    verify(&["--jwks", "absent.json"], long_ago.expose()).fails(1, "absent.json");
}

#[test]
fn a_token_may_be_pasted_with_what_stood_around_it() {
    let minted = hallpass(&["token", "mint"]).env("JWT_SECRET_KEY", SECRET).run();
    let token = minted.token();
    for pasted in [
        format!("Bearer {token}"),
        format!("authorization: Bearer  {token}"),
        format!("\"{token}\""),
        format!("{{\"access_token\": \"{token}\"}}"),
    ] {
        assert_eq!(verify(&[], &pasted).code, 0, "{pasted}");
        let shown = hallpass(&["token", "inspect", "-"]).stdin(pasted.clone()).run();
        assert_eq!(shown.code, 0, "{shown:?}");
        let shown = hallpass(&["token", "inspect", &pasted]).run();
        assert_eq!(shown.code, 0, "{shown:?}");
    }
    let (start, end) = token.split_at(20);
    verify(&[], &format!("{start}\n{end}")).fails(1, "a space or a line break in it: remove it");
}

#[test]
fn a_signature_may_be_over_anything() {
    // RFC 7520, section 4.4.
    let folder = tempfile::tempdir().unwrap();
    let jwks = folder.path().join("jwks.json");
    let key = "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg";
    let set = format!(
        "\u{feff}{{\"keys\":[{{\"kty\":\"oct\",\"kid\":\"018c0ae5-4d9b-471b-bfd6-eef314bc7037\",\"k\":\"{key}\"}}]}}"
    );
    std::fs::write(&jwks, set).unwrap();
    let jwks = jwks.to_str().unwrap();
    let token = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9.\
        SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBk\
        b24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.\
        s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
    let only = verify(&["--jwks", jwks, "--signature-only"], token);
    assert_eq!(only.code, 0, "{only:?}");
    assert!(only.stdout.contains("a dangerous business, Frodo"), "{only:?}");
    let json = verify(&["--jwks", jwks, "--signature-only", "--output", "json"], token).json();
    assert!(json["payload"].is_null() && json["payload_base64"].is_string(), "{json}");
    verify(&["--jwks", jwks], token).fails(1, "its payload is no claims");
}
