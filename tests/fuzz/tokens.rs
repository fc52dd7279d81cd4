//! The bytes of tokens: whatever verifies was minted, and says no more than its key's entry allows.

use std::sync::LazyLock;

use hallpass_token::{TokenType, inspect};
use serde_json::json;

use crate::bent::{Bent, Count, bend};
use crate::keys::{NOW, OUTSIDE, RING, service_token, sign_outside, sign_with_secret, user_token};

/// Tokens of keys that nobody here has.
static MINTED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let outside = json!({"iss": OUTSIDE, "aud": "hallpass", "sub": "1", "scope": "read", "iat": NOW.as_secs(), "exp": NOW.as_secs() + 60});
    let header = json!({"alg": "EdDSA", "kid": "1", "typ": "at+jwt"});
    let outside = sign_outside(header.to_string().as_bytes(), outside.to_string().as_bytes());
    [user_token(), service_token(), outside].map(String::into_bytes).into()
});

#[test]
fn token_bytes() {
    static COUNT: Count = Count::new("token_bytes");
    bolero::check!().with_type::<Bent>().for_each(|bent| {
        let bytes = bend(&MINTED, bent);
        let Ok(token) = str::from_utf8(&bytes) else { return COUNT.input(false) };
        let _ = inspect(token);
        let verifies = RING.verify(token, NOW).is_ok();
        // ECDSA signatures have a twin, which changes nothing of what was signed.
        let signed =
            |token: &[u8]| token.rsplitn(2, |byte| *byte == b'.').nth(1).map(<[u8]>::to_vec);
        assert!(
            !verifies || MINTED.iter().any(|minted| signed(minted) == signed(&bytes)),
            "{token}"
        );
        COUNT.input(verifies);
    });
    COUNT.tell();
}

/// The payloads, and the headers, of tokens that the fuzzer's own key may sign.
static OWN: LazyLock<[Vec<Vec<u8>>; 2]> = LazyLock::new(|| {
    let now = NOW.as_secs();
    let header = json!({"alg": "HS256", "typ": "hallpass-service+jwt", "kid": "fuzz"});
    let payload = json!({
        "iss": "fuzz", "sub": "1", "aud": "labeler", "service": "fuzz", "scopes": ["labeler:read"], "type": "service",
        "iat": now, "exp": now + 120, "jti": "1", "txn": "1", "cnf": {"x5t#S256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        "par": ["AAAAAAAAAAAAAAAAAAAAAA"], "root_iat": now, "root_kid": "users", "act": {"sub": "x"}, "roles": ["a"], "amr": ["otp"],
        "resource": {"type": "dataset", "id": "1"}, "job_id": 1, "auth_time": now, "nbf": now, "sid": "1", "b": ["one"], "p": ["g"],
    });
    [vec![header.to_string().into_bytes()], vec![payload.to_string().into_bytes()]]
});

#[test]
fn signed_claims() {
    static COUNT: Count = Count::new("signed_claims");
    bolero::check!().with_type::<(bool, Bent)>().for_each(|(of_header, bent)| {
        let [headers, payloads] = &*OWN;
        let token = if *of_header {
            sign_with_secret(&bend(headers, bent), &payloads[0])
        } else {
            sign_with_secret(&headers[0], &bend(payloads, bent))
        };
        let Ok(verified) = RING.verify(&token, NOW) else { return COUNT.input(false) };
        let claims = verified.claims();
        assert_eq!((claims.issuer.as_deref(), verified.kid()), (Some("fuzz"), "fuzz"));
        assert_eq!(
            (claims.token_type, claims.service.as_deref()),
            (TokenType::Service, Some("fuzz"))
        );
        assert!(claims.subject.is_some() && claims.id.is_some());
        assert!(claims.scopes.iter().all(|scope| scope == "labeler:read"));
        assert!(!claims.audience.is_empty() && claims.audience.iter().all(|of| of == "labeler"));
        let life = claims.expires_at.unwrap().since(claims.issued_at);
        assert!(life <= TokenType::Service.longest_life());
        COUNT.input(true);
    });
    COUNT.tell();
}

static OF_ISSUER: LazyLock<[Vec<Vec<u8>>; 2]> = LazyLock::new(|| {
    let now = NOW.as_secs();
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "1", "x5t": "AAAA"});
    let payload = json!({
        "iss": OUTSIDE, "sub": "alice", "aud": ["other", "hallpass"], "client_id": "app", "scope": "openid read", "iat": now,
        "exp": now + 300, "jti": "1", "realm_access": {"roles": ["admins", "x"]}, "amr": ["pwd"], "auth_time": now, "act": {"sub": "y"},
    });
    [vec![header.to_string().into_bytes()], vec![payload.to_string().into_bytes()]]
});

#[test]
fn outside_tokens() {
    static COUNT: Count = Count::new("outside_tokens");
    bolero::check!().with_type::<(bool, Bent)>().for_each(|(of_header, bent)| {
        let [headers, payloads] = &*OF_ISSUER;
        let token = if *of_header {
            sign_outside(&bend(headers, bent), &payloads[0])
        } else {
            sign_outside(&headers[0], &bend(payloads, bent))
        };
        let Ok(verified) = RING.verify(&token, NOW) else { return COUNT.input(false) };
        let claims = verified.claims();
        assert_eq!(
            (claims.issuer.as_deref(), verified.kid()),
            (Some(OUTSIDE), "https://login.acme.test#1")
        );
        assert_eq!(
            (claims.token_type, &claims.audience[..]),
            (TokenType::User, &["platform".to_owned()][..])
        );
        assert!(claims.subject.as_ref().unwrap().starts_with("acme:"));
        assert!(claims.scopes.iter().all(|scope| scope == "datasets:read"));
        assert!(claims.roles.iter().all(|role| role == "operator"));
        assert!(
            claims.expires_at.is_some() && claims.parents.is_empty() && claims.root_key.is_none()
        );
        assert!(claims.service.is_none() && claims.session.is_none() && claims.resource.is_none());
        COUNT.input(true);
    });
    COUNT.tell();
}
