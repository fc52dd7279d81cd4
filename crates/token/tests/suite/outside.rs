//! Access tokens of outside issuers: what they become here, and which are none.

use hallpass_token::{
    ClaimName, ClaimPath, Fingerprint, KeyRing, Limit, NewToken, OutsideIssuer, Profile,
    TokenError, TokenId, TokenType, UnixTime,
};
use serde_json::{Value, json};

use crate::fixtures::NOW;
use crate::outsiders::{ACME, acme, parts, ring, settings};

fn usual() -> KeyRing {
    ring(&settings(ACME, "acme:"))
}

/// What the usual ring says of a token that was changed before it was signed.
fn verdict(change: impl FnOnce(&mut Value, &mut Value)) -> Result<(), TokenError> {
    usual().verify(&acme().changed(change), NOW).map(drop)
}

#[test]
fn each_algorithm_lets_a_user_in_with_what_the_mapping_names() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let (mut header, payload) = parts(ACME);
        (header["alg"], header["kid"]) = (algorithm.into(), algorithm.into());
        let verified =
            usual().verify(&acme().sign_with(algorithm, &header, &payload), NOW).unwrap();
        let claims = verified.claims();
        assert_eq!(claims.token_type, TokenType::User);
        assert_eq!(claims.issuer.as_deref(), Some(ACME));
        assert_eq!(claims.subject.as_deref(), Some("acme:alice"));
        assert_eq!(claims.audience, ["platform"]);
        assert_eq!(claims.scopes.iter().collect::<Vec<_>>(), ["datasets:read"]);
        assert_eq!(claims.roles, ["operator"]);
        assert_eq!(verified.profile(), Profile::Outside);
        assert_eq!(verified.kid(), format!("{ACME}#{algorithm}"));
        assert_eq!(verified.fingerprint(), Fingerprint::token(ACME, "1"));
        assert_eq!(verified.root_issuer(), Some(ACME));
    }
}

#[test]
fn without_an_id_a_token_is_known_by_what_was_signed() {
    let token = acme().changed(|_, p| drop(p.as_object_mut().unwrap().remove("jti")));
    let verified = usual().verify(&token, NOW).unwrap();
    let signed = token.rsplit_once('.').unwrap().0;
    assert_eq!(verified.fingerprint(), Fingerprint::signed_part(signed.as_bytes()));
}

#[test]
fn nothing_that_the_token_says_of_this_mesh_is_believed() {
    let token = acme().changed(|_, p| {
        for (claim, value) in [
            ("type", json!("service")),
            ("service", json!("platform")),
            ("scopes", json!(["datasets:delete"])),
            ("roles", json!(["operator", "root"])),
            ("sid", json!("1")),
            ("txn", json!("1")),
            ("job_id", json!("1")),
            ("resource", json!({"type": "dataset", "id": "1"})),
            ("par", json!(["AAAAAAAAAAAAAAAAAAAAAA"])),
            ("root_iat", json!(1)),
            ("root_kid", json!("users-1")),
            ("actions", json!(["datasets.delete"])),
            ("realm_access", json!({"roles": []})),
        ] {
            p[claim] = value;
        }
    });
    let verified = usual().verify(&token, NOW).unwrap();
    let claims = verified.claims();
    assert_eq!(claims.token_type, TokenType::User);
    assert_eq!(claims.scopes.iter().collect::<Vec<_>>(), ["datasets:read"]);
    assert!(claims.roles.is_empty() && claims.parents.is_empty() && claims.actions.is_none());
    assert_eq!((&claims.service, &claims.session, &claims.txn), (&None, &None, &None));
    assert_eq!((&claims.job_id, &claims.resource, &claims.root_key), (&None, &None, &None));
    assert_eq!(verified.root_issued_at(), NOW);
}

#[test]
fn who_acts_for_a_user_gets_no_elevated_operations() {
    let token = acme().changed(|_, p| p["act"] = json!({"sub": "robot"}));
    let verified = usual().verify(&token, NOW).unwrap();
    assert_eq!(verified.claims().actions.as_deref(), Some(&[][..]));
    assert!(
        NewToken::child_of(&verified, TokenType::User, TokenId::from_random([1; 16]), &[]).is_err()
    );
}

#[test]
fn scopes_and_roles_may_be_texts_lists_and_claims_of_any_name() {
    let mut of = settings(ACME, "");
    for (path, claims, right) in [
        ("scope", json!({"scope": "read  all openid"}), "datasets:read datasets:write"),
        ("scp", json!({"scp": ["read"]}), "datasets:read"),
        ("a.b.c", json!({"a": {"b": {"c": ["all"]}}}), "datasets:read datasets:write"),
        ("https://acme.test/s", json!({"https://acme.test/s": "read"}), "datasets:read"),
        ("a.b", json!({"a.b": "read", "a": {"b": "all"}}), "datasets:read"),
        ("a.b", json!({"a": "read"}), ""),
        ("a.my.app.c", json!({"a": {"my.app": {"c": "read"}}}), "datasets:read"),
        (
            "a.my.app.c",
            json!({"a": {"my": {"other": 1}, "my.app": {"c": "read"}}}),
            "datasets:read",
        ),
        ("https://acme.test/s.r", json!({"https://acme.test/s": {"r": "read"}}), "datasets:read"),
        ("scope", json!({"scope": null}), ""),
        ("scope", json!({"scope": "READ Read datasets:write"}), ""),
        // What is no scope grants nothing, and refuses nothing.
        ("scope", json!({"scope": 1}), ""),
        ("scope", json!({"scope": {"read": true}}), ""),
        ("scope", json!({"scope": ["read", 1, null]}), "datasets:read"),
    ] {
        of.scopes_claims = vec![path.into()];
        let token = acme().changed(|_, p| {
            p.as_object_mut().unwrap().remove("scope");
            p.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        });
        let verified = ring(&of).verify(&token, NOW).unwrap();
        let scopes: Vec<_> = verified.claims().scopes.iter().collect();
        assert_eq!(scopes.join(" "), right, "{path} of {claims}");
    }
}

#[test]
fn scopes_and_roles_may_stand_in_several_claims_each_behind_names_of_any_form() {
    let mut of = settings(ACME, "acme:");
    let way =
        |names: &[&str]| ClaimPath::Names(names.iter().map(|&name| name.to_owned()).collect());
    of.scopes_claims = vec!["scp".into(), way(&["access", "my.app", "https://a/b"])];
    of.roles_claims = vec![way(&["groups"]), "realm_access.roles".into()];
    let said = |change: fn(&mut Value)| {
        let token = acme().changed(|_, p| change(p));
        let verified = ring(&of).verify(&token, NOW).unwrap();
        let claims = verified.claims();
        (claims.scopes.to_string(), claims.roles.join(" "))
    };
    let right = |scopes: &str, roles: &str| (scopes.to_owned(), roles.to_owned());
    let inner = |p: &mut Value| p["access"] = json!({"my.app": {"https://a/b": ["all"]}});
    assert_eq!(said(inner), right("datasets:read datasets:write", "operator"));
    assert_eq!(said(|p| p["scp"] = "read".into()), right("datasets:read", "operator"));
    assert_eq!(
        said(|p| {
            p["scp"] = "read".into();
            p["access"] = json!({"my.app": {"https://a/b": ["all"]}});
            (p["groups"], p["realm_access"]) = (json!(["ml-admins"]), json!({"roles": ["other"]}));
        }),
        right("datasets:read datasets:write", "operator")
    );
    // Names that are a way are not claims beside each other.
    assert_eq!(said(|p| p["https://a/b"] = "all".into()), right("", "operator"));
}

#[test]
fn an_applications_roles_are_its_scopes_where_its_token_has_no_claim_of_scopes() {
    let mut of = settings(ACME, "acme:");
    of.scopes_claims = vec!["scp".into()];
    let said = |change: fn(&mut Value)| {
        let token = acme().changed(|_, p| {
            p["realm_access"]["roles"] = json!(["read", "ml-admins"]);
            change(p);
        });
        let verified = ring(&of).verify(&token, NOW).unwrap();
        (verified.claims().scopes.to_string(), verified.claims().roles.join(" "))
    };
    let with = |scopes: &str| (scopes.to_owned(), "operator".to_owned());
    assert_eq!(said(|_| {}), with("datasets:read"));
    assert_eq!(said(|p| p["scp"] = "openid".into()), with(""), "a user's token says so itself");
    assert_eq!(said(|p| p["scp"] = Value::Null), with(""));
}

#[test]
fn a_token_is_for_one_of_the_audiences_in_the_claim_that_the_settings_name() {
    let mut of = settings(ACME, "acme:");
    of.audience = vec!["api://one".to_owned(), "app".to_owned()];
    let said = |of: &OutsideIssuer, change: fn(&mut Value)| {
        ring(of).verify(&acme().changed(|_, p| change(p)), NOW).map(drop)
    };
    let foreign = Err(TokenError::AudienceNotAllowed);
    assert_eq!(said(&of, |_| {}), foreign);
    assert_eq!(said(&of, |p| p["aud"] = json!(["x", "api://one"])), Ok(()));
    for claim in ["client_id", "azp"] {
        of.audience_claim = claim.into();
        let without = TokenError::MissingClaim("the claim that audience_claim names");
        let drop_all = |p: &mut Value| {
            p.as_object_mut()
                .unwrap()
                .retain(|name, _| !["aud", "client_id", "azp"].contains(&name.as_str()));
        };
        assert_eq!(said(&of, drop_all), Err(without), "{claim}");
        assert_eq!(
            said(&of, |p| (p["azp"], p["client_id"]) = ("app".into(), "app".into())),
            Ok(())
        );
        assert_eq!(said(&of, |p| (p["azp"], p["client_id"]) = ("x".into(), "x".into())), foreign);
        assert_eq!(said(&of, |p| (p["azp"], p["client_id"]) = (json!([]), json!([]))), foreign);
        let unreadable = |p: &mut Value| (p["azp"], p["client_id"]) = (1.into(), 1.into());
        let malformed = TokenError::Malformed("the claim that audience_claim names");
        assert_eq!(said(&of, unreadable), Err(malformed));
    }
}

#[test]
fn what_the_settings_require_must_be_there() {
    let mut of = settings(ACME, "acme:");
    of.require =
        [("tenant".to_owned(), json!("acme")), ("groups".to_owned(), json!("staff"))].into();
    of.require.insert("email_verified".to_owned(), true.into());
    let right = json!({"tenant": "acme", "groups": ["x", "staff"], "email_verified": true});
    let told = |wrong: Value| {
        let token = acme().changed(|_, p| {
            p.as_object_mut().unwrap().extend(right.as_object().unwrap().clone());
            p.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        });
        ring(&of).verify(&token, NOW).map(drop)
    };
    assert_eq!(told(json!({})), Ok(()));
    for (name, wrong) in [
        ("tenant", json!({"tenant": "other"})),
        ("tenant", json!({"tenant": null})),
        ("groups", json!({"groups": ["x"]})),
        ("groups", json!({"groups": "staffing"})),
        ("email_verified", json!({"email_verified": "true"})),
        ("email_verified", json!({"email_verified": false})),
    ] {
        let refused = told(wrong.clone()).unwrap_err();
        assert_eq!(refused, TokenError::RequiredClaim(ClaimName::new(name)), "{wrong}");
        assert!(refused.to_string().contains(&format!("claim \"{name}\"")), "{refused}");
    }
}

#[test]
fn what_is_no_access_token_for_us_is_refused_for_the_right_reason() {
    type Change = fn(&mut Value, &mut Value);
    let table: &[(&str, Change, TokenError)] = &[
        ("typ JWT", |h, _| h["typ"] = "JWT".into(), TokenError::TypeMismatch),
        (
            "typ of this mesh",
            |h, _| h["typ"] = "hallpass-user+jwt".into(),
            TokenError::TypeMismatch,
        ),
        ("typ logout", |h, _| h["typ"] = "logout+jwt".into(), TokenError::TypeMismatch),
        ("no typ", |h, _| drop(h.as_object_mut().unwrap().remove("typ")), TokenError::TypeMismatch),
        ("no kid", |h, _| drop(h.as_object_mut().unwrap().remove("kid")), TokenError::UnknownKey),
        ("kid unknown", |h, _| h["kid"] = "new".into(), TokenError::UnknownKey),
        (
            "kid as it is called here",
            |h, _| h["kid"] = format!("{ACME}#RS256").into(),
            TokenError::UnknownKey,
        ),
        ("alg of another key", |h, _| h["alg"] = "ES256".into(), TokenError::Algorithm),
        ("alg PS256 on an RS256 key", |h, _| h["alg"] = "PS256".into(), TokenError::Algorithm),
        ("alg RS384", |h, _| h["alg"] = "RS384".into(), TokenError::Algorithm),
        ("alg that is none", |h, _| h["alg"] = "rs256".into(), TokenError::Algorithm),
        ("alg none", |h, _| h["alg"] = "none".into(), TokenError::Algorithm),
        ("aud of another", |_, p| p["aud"] = "billing".into(), TokenError::AudienceNotAllowed),
        (
            "no aud",
            |_, p| drop(p.as_object_mut().unwrap().remove("aud")),
            TokenError::MissingClaim("aud"),
        ),
        (
            "no sub",
            |_, p| drop(p.as_object_mut().unwrap().remove("sub")),
            TokenError::MissingClaim("sub"),
        ),
        ("sub empty", |_, p| p["sub"] = "".into(), TokenError::Malformed("sub")),
        (
            "sub that its prefix makes too long",
            |_, p| p["sub"] = "x".repeat(255).into(),
            TokenError::BeyondLimit("sub behind its prefix", Limit::Bytes(256)),
        ),
        ("sub with a line break", |_, p| p["sub"] = "a\nb".into(), TokenError::Malformed("sub")),
        (
            "no exp",
            |_, p| drop(p.as_object_mut().unwrap().remove("exp")),
            TokenError::MissingClaim("exp"),
        ),
        (
            "ended",
            |_, p| p["exp"] = 1_764_299_970_u64.into(),
            TokenError::Lifetime("ends before it begins"),
        ),
        (
            "issued tomorrow",
            |_, p| {
                (p["iat"], p["exp"]) = (1_764_386_400_u64.into(), 1_764_386_500_u64.into());
            },
            TokenError::NotYetValid,
        ),
        (
            "bound to a key that is not checked here",
            |_, p| p["cnf"] = json!({"jkt": "x"}),
            TokenError::MissingClaim("x5t#S256"),
        ),
        (
            "an issuer that nobody set",
            |_, p| p["iss"] = "https://login.example.com".into(),
            TokenError::UnknownKey,
        ),
        (
            "the issuer with a slash",
            |_, p| p["iss"] = format!("{ACME}/").into(),
            TokenError::UnknownKey,
        ),
    ];
    for (name, change, right) in table {
        assert_eq!(verdict(change), Err(*right), "{name}");
    }
    let long_ago = UnixTime::from_secs(NOW.as_secs() + 330);
    let token = acme().changed(|_, _| {});
    assert_eq!(usual().verify(&token, long_ago).map(drop), Err(TokenError::Expired));
}

#[test]
fn plain_jwts_are_taken_where_the_settings_say_so_and_id_tokens_never() {
    let mut of = settings(ACME, "acme:");
    of.plain_jwt = true;
    let said = |change: fn(&mut Value, &mut Value)| {
        ring(&of).verify(&acme().changed(change), NOW).map(drop)
    };
    assert_eq!(said(|h, _| h["typ"] = "JWT".into()), Ok(()));
    assert_eq!(said(|h, _| drop(h.as_object_mut().unwrap().remove("typ"))), Ok(()));
    assert_eq!(said(|_, p| p["typ"] = "Bearer".into()), Ok(()));
    assert_eq!(said(|h, _| h["typ"] = "application/at+jwt".into()), Ok(()));
    assert_eq!(said(|_, p| p["token_use"] = "access".into()), Ok(()));
    // Certificates and their thumbprints are usual in headers, and are ignored.
    assert_eq!(said(|h, _| h["x5t"] = "AAAA".into()), Ok(()));
    assert_eq!(said(|h, _| h["x5c"] = json!(["MIIB"])), Ok(()));
    let other_kind =
        Err(TokenError::UnexpectedClaim("one of an ID token, a refresh token or an event"));
    for change in [
        (|_, p| p["nonce"] = "1".into()) as fn(&mut Value, &mut Value),
        |_, p| p["at_hash"] = "1".into(),
        |_, p| p["c_hash"] = "1".into(),
        |_, p| p["events"] = json!({"http://schemas.openid.net/event/backchannel-logout": {}}),
        |_, p| p["typ"] = "ID".into(),
        |_, p| p["typ"] = "Refresh".into(),
        |_, p| p["typ"] = 1.into(),
        |_, p| p["token_use"] = "id".into(),
        |_, p| p["token_use"] = json!(["access"]),
    ] {
        assert_eq!(said(change), other_kind);
    }
    assert_eq!(said(|h, _| h["typ"] = "dpop+jwt".into()), Err(TokenError::TypeMismatch));
}
