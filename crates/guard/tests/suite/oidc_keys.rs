//! Tokens of OIDC issuers that cannot be verified with the keys that are known of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::{Algorithm, OutsideIssuer, OutsideKeys};
use serde_json::json;

use crate::fixture::Mesh;

const READ: &str = "/t.Platform/Read";
const ISSUER: &str = "https://login.acme.test";

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is known of the issuer: one key, which is called `1`.
fn keys(pair: &Ed25519KeyPair) -> OutsideKeys {
    let issuer = OutsideIssuer {
        issuer: ISSUER.to_owned(),
        audience: vec!["hallpass".to_owned()],
        audience_claim: "aud".into(),
        audiences_here: vec!["platform".to_owned()],
        algorithms: Algorithm::OUTSIDE.into(),
        subject_prefix: "acme:".to_owned(),
        plain_jwt: false,
        scopes_claims: vec!["scope".into()],
        scopes: [].into(),
        roles_claims: vec![],
        roles: [].into(),
        require: [].into(),
    };
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": encode(pair.public_key().as_ref())});
    let set = json!({ "keys": [key] }).to_string();
    OutsideKeys::read(&Arc::new(issuer), set.as_bytes()).unwrap().0
}

fn token(pair: &Ed25519KeyPair, kid: &str, now: u64) -> String {
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid});
    let payload = json!({"iss": ISSUER, "sub": "1", "aud": "hallpass", "iat": now, "exp": now + 60, "jti": "1"});
    let part = |json: &serde_json::Value| encode(json.to_string().as_bytes());
    let signed = format!("{}.{}", part(&header), part(&payload));
    format!("{signed}.{}", encode(pair.sign(signed.as_bytes()).as_ref()))
}

#[tokio::test]
async fn an_issuer_whose_keys_do_not_fit_is_asked_and_until_then_the_caller_tries_again() {
    let mesh = Mesh::start();
    let (old, new) = (Ed25519KeyPair::generate().unwrap(), Ed25519KeyPair::generate().unwrap());
    mesh.keys.set_outside(&keys(&old));
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    // It is asked for the first two tokens, and was asked lately for the third.
    mesh.keys.sought_by(move |issuer| {
        assert_eq!(issuer, ISSUER);
        counted.fetch_add(1, Ordering::Relaxed) < 2
    });
    let now = mesh.clock.now().as_secs();
    let of_another_key = token(&new, "1", now);
    assert_eq!(mesh.call(READ, &token(&new, "2", now)).await.reason(), "CANNOT_DECIDE");
    assert_eq!(mesh.call(READ, &of_another_key).await.reason(), "CANNOT_DECIDE");
    assert_eq!(mesh.call(READ, &of_another_key).await.reason(), "TOKEN_INVALID");
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    // A bad signature of a key of this mesh has nobody asked.
    let own = mesh.user_token();
    let forged = format!("{}.{}", own.rsplit_once('.').unwrap().0, encode(&[0; 64]));
    assert_eq!(mesh.call(READ, &forged).await.reason(), "TOKEN_INVALID");
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    mesh.keys.set_outside(&keys(&new));
    assert_ne!(mesh.call(READ, &of_another_key).await.reason(), "TOKEN_INVALID");
}
