//! Looking into tokens that are not ours.

use hallpass_token::{
    Algorithm, KeyRing, RingError, SignatureError, TokenError, inspect, verify_signature_only,
};
use serde_json::{Value, json};

use crate::fixtures::{NOW, forge_text, ring_of, service_token};

/// RFC 7515, appendix A.1: its key and its token.
const RFC_SECRET: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const RFC_TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
    dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

#[test]
fn a_token_of_the_rfc() {
    let jwks = json!({"keys": [{"kty": "oct", "k": RFC_SECRET}]}).to_string();
    let shown = verify_signature_only(&jwks, RFC_TOKEN).unwrap();
    assert_eq!(shown.payload["iss"], "joe");
    assert_eq!(shown, inspect(RFC_TOKEN).unwrap());
    let declared = json!({"keys": [{"kty": "oct", "k": RFC_SECRET, "alg": "HS512"}]}).to_string();
    let refused = verify_signature_only(&declared, RFC_TOKEN).unwrap_err();
    assert_eq!(refused, SignatureError::Token(TokenError::Algorithm));
    let other = json!({"keys": [{"kty": "oct", "k": RFC_SECRET.replace('A', "B")}]}).to_string();
    let refused = verify_signature_only(&other, RFC_TOKEN).unwrap_err();
    assert_eq!(refused, SignatureError::Token(TokenError::BadSignature));
}

#[test]
fn every_algorithm_of_ours() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let ring = ring_of(algorithm);
        let mut jwks = ring.public_jwks();
        let token = ring.mint("made", &service_token(), NOW).unwrap();
        assert!(verify_signature_only(&jwks.to_string(), token.expose()).is_ok());
        jwks["keys"][0].as_object_mut().unwrap().remove("alg").unwrap();
        assert!(verify_signature_only(&jwks.to_string(), token.expose()).is_ok());
        let other = ring_of(algorithm).public_jwks().to_string();
        let refused = verify_signature_only(&other, token.expose()).unwrap_err();
        assert_eq!(refused, SignatureError::Token(TokenError::BadSignature));
    }
}

#[test]
fn the_key_decides_the_algorithm() {
    let jwks = ring_of(Algorithm::EdDsa).public_jwks();
    let secret = jwks["keys"][0]["x"].as_str().unwrap().to_owned();
    let judge = |jwks: &Value, header: Value| {
        let token = forge_text(&secret, &header.to_string(), "{}");
        verify_signature_only(&jwks.to_string(), &token).unwrap_err()
    };
    let algorithm = SignatureError::Token(TokenError::Algorithm);
    let mut undeclared = jwks.clone();
    undeclared["keys"][0].as_object_mut().unwrap().remove("alg").unwrap();
    for jwks in [&jwks, &undeclared] {
        assert_eq!(judge(jwks, json!({"alg": "HS256", "kid": "made"})), algorithm);
        assert_eq!(judge(jwks, json!({"alg": "none"})), algorithm);
        assert_eq!(judge(jwks, json!({"alg": "ES256"})), algorithm);
        let unknown = SignatureError::Token(TokenError::UnknownKey);
        assert_eq!(judge(jwks, json!({"alg": "EdDSA", "kid": "other"})), unknown);
        let critical = SignatureError::Token(TokenError::HeaderNotAccepted("crit"));
        assert_eq!(judge(jwks, json!({"alg": "EdDSA", "crit": []})), critical);
    }
}

#[test]
fn sets_that_are_none() {
    for jwks in ["", "[]", "{}", "{\"keys\":1}", "{\"keys\":[],\"keys\":[]}"] {
        let refused = verify_signature_only(jwks, RFC_TOKEN).unwrap_err();
        assert!(matches!(refused, SignatureError::Keys(RingError::Unreadable(_))), "{jwks}");
    }
    let ambiguous = json!({"keys": [{"kty": "oct", "k": "AA"}, {"kty": "oct", "k": "AQ"}]});
    let refused = verify_signature_only(&ambiguous.to_string(), RFC_TOKEN).unwrap_err();
    assert_eq!(refused, SignatureError::Token(TokenError::UnknownKey));
    let unusable = json!({"keys": [{"kty": "oct", "k": "secret of a kind!"}]});
    let refused = verify_signature_only(&unusable.to_string(), RFC_TOKEN).unwrap_err();
    assert!(!refused.to_string().contains("secret of a kind"), "{refused}");
}

#[test]
fn inspecting_trusts_nothing_and_needs_no_key() {
    let token = forge_text("x", "{\"alg\":\"none\"}", "{\"sub\":\"anyone\"}");
    assert_eq!(inspect(&token).unwrap().payload["sub"], "anyone");
    assert!(KeyRing::default().verify(&token, NOW).is_err());
}
