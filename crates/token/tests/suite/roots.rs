//! Whose users a key may vouch for: a service for those that come to it, as its entry says; a minter of user tokens for its own alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::{Fingerprint, KeyRing, MintError, NewToken, TokenError, TokenId, TokenType};
use serde_json::{Value, json};

use crate::fixtures::{NOW, forge, parse, parts, secret_of};

fn key(kid: &str, owner: &str, signs: &str, roots: Option<&[&str]>) -> Value {
    let k = URL_SAFE_NO_PAD.encode(secret_of(kid));
    let issuer = if kid == "users" { "users" } else { "platform" };
    let mut entry = json!({
        "issuer": issuer, "owner": owner, "types": [signs],
        "scopes": ["labeler:read", "platform:read"], "audiences": ["labeler", "platform"],
    });
    if let Some(roots) = roots {
        entry["roots"] = json!(roots);
    }
    json!({"kty": "oct", "kid": kid, "alg": "HS256", "k": k, "hallpass": entry})
}

fn ring(keys: &[Value]) -> KeyRing {
    parse(&json!({ "keys": keys })).unwrap()
}

/// A token of this key that says it descends from one of this issuer, or of the key of this name.
fn descendant(kind: TokenType, root_kid: &str, root_iss: Option<&str>) -> String {
    let (header, mut payload) = parts(kind);
    payload["par"] = json!([Fingerprint::token("x", "a").to_string()]);
    payload["root_iat"] = NOW.as_secs().into();
    payload["root_kid"] = root_kid.into();
    if let Some(issuer) = root_iss {
        payload["root_iss"] = issuer.into();
    }
    forge(&header, &payload)
}

#[test]
fn a_minter_of_user_tokens_vouches_for_no_others_users() {
    let services = key("services", "platform", "service", None);
    let refused = Err(TokenError::RootNotAllowed);
    let claims = [
        ("gone", Some("elsewhere"), refused),
        ("https://login.acme.test#1", None, refused),
        ("services", None, refused),
        ("gone", Some("users"), Ok(())),
        ("gone", None, Ok(())),
    ];
    for (root_kid, root_iss, right) in claims {
        let token = descendant(TokenType::User, root_kid, root_iss);
        let verdict = |owner: &str, roots: Option<&[&str]>| {
            let ring = ring(&[services.clone(), key("users", owner, "user", roots)]);
            ring.verify(&token, NOW).map(drop)
        };
        assert_eq!(verdict("users", None), right, "{root_kid} {root_iss:?}");
        // A service's own key for user tokens, such as the one for agents, mints children of what users bring it.
        assert_eq!(verdict("platform", None), Ok(()), "{root_kid} {root_iss:?}");
        let all = ["elsewhere", "https://login.acme.test", "platform"];
        assert_eq!(verdict("users", Some(&all)), Ok(()), "{root_kid} {root_iss:?}");
        assert_eq!(verdict("platform", Some(&[])), right, "{root_kid} {root_iss:?}");
    }
}

#[test]
fn a_service_vouches_for_whom_its_entry_names() {
    let token = descendant(TokenType::Service, "gone", Some("users"));
    let verdict = |roots: Option<&[&str]>| {
        let ring = ring(&[key("services", "platform", "service", roots)]);
        ring.verify(&token, NOW).map(drop)
    };
    assert_eq!(verdict(None), Ok(()));
    assert_eq!(verdict(Some(&["users"])), Ok(()));
    assert_eq!(verdict(Some(&["elsewhere"])), Err(TokenError::RootNotAllowed));
}

/// What a verifier would refuse is not minted either.
#[test]
fn a_child_is_not_minted_for_a_root_that_is_not_the_keys() {
    for (roots, allowed) in [(&["users"][..], true), (&["elsewhere"], false)] {
        let services = key("services", "platform", "service", Some(roots));
        let ring = ring(&[services, key("users", "users", "user", None)]);
        let (header, payload) = parts(TokenType::User);
        let parent = ring.verify(&forge(&header, &payload), NOW).unwrap();
        let id = TokenId::from_random([1; 16]);
        let mut child = NewToken::child_of(&parent, TokenType::Service, id, &[]).unwrap();
        child.service = Some("platform".to_owned());
        child.audience = vec!["labeler".to_owned()];
        let minted = ring.mint("services", &child, NOW).map(drop);
        let refused = Err(MintError::NotAllowed(TokenError::RootNotAllowed));
        assert_eq!(minted, if allowed { Ok(()) } else { refused });
    }
}

#[test]
fn no_ring_key_has_the_name_of_an_oidc_issuers() {
    let mut entry = key("services", "platform", "service", None);
    entry["kid"] = "https://login.acme.test#1".into();
    let problem = parse(&json!({ "keys": [entry] })).unwrap_err().to_string();
    assert!(problem.contains("kid: reads as the key of an OIDC issuer"), "{problem}");
}
