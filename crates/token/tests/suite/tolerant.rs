//! Claims as real issuers and libraries write them: what decides is refused where it cannot be read, what does not is absent then.

use std::time::Duration;

use hallpass_token::{Limit, SKEW, TokenError, TokenType, UnixTime, Verified};
use serde_json::{Value, json};

use crate::fixtures::{NOW, forge, forgers_ring, parts};
use crate::outsiders::{ACME, acme, keys, ring, settings};

const NOW_SECS: u64 = NOW.as_secs();

/// A user token of the ring, whose claims were changed.
fn own(change: impl FnOnce(&mut Value)) -> Result<Verified, TokenError> {
    let (header, mut payload) = parts(TokenType::User);
    change(&mut payload);
    forgers_ring().verify(&forge(&header, &payload), NOW)
}

/// An access token of an OIDC issuer, whose claims were changed.
fn theirs(change: impl FnOnce(&mut Value)) -> Result<Verified, TokenError> {
    ring(&settings(ACME, "acme:")).verify(&acme().changed(|_, p| change(p)), NOW)
}

#[test]
fn factors_and_logins_are_read_as_issuers_write_them_and_refuse_nothing() {
    let names = [
        (json!("pwd"), &["pwd"][..]),
        (json!(["pwd", "otp"]), &["pwd", "otp"]),
        (json!(["pwd", 7, null, "", "a\nb"]), &["pwd"]),
        (json!({"pwd": true, "otp": {}, "hwk": false}), &["otp", "pwd"]),
        (json!([{"pwd": {"1": "acme"}}, "otp"]), &["pwd", "otp"]),
        (json!(7), &[]),
        (Value::Null, &[]),
    ];
    for (value, right) in names {
        let own = own(|p| (p["amr"], p["roles"]) = (value.clone(), value.clone())).unwrap();
        assert_eq!(
            (own.claims().amr == right, own.claims().roles == right),
            (true, true),
            "{value}"
        );
        let theirs = theirs(|p| p["amr"] = value.clone()).unwrap();
        assert_eq!(theirs.claims().amr, right, "{value}");
    }
    let times = [
        (json!(NOW_SECS - 20), Some(NOW_SECS - 20)),
        (json!(1_764_299_980.5), Some(1_764_299_980)),
        (json!("2026-11-29T09:00:01.180Z"), None),
        (json!(-1), None),
        (Value::Null, None),
    ];
    for (value, right) in times {
        for token in
            [own(|p| p["auth_time"] = value.clone()), theirs(|p| p["auth_time"] = value.clone())]
        {
            let read = token.unwrap().claims().auth_time;
            assert_eq!(read, right.map(UnixTime::from_secs), "{value}");
        }
    }
}

#[test]
fn roles_of_an_issuer_are_texts_lists_and_names_of_objects() {
    let mut of = settings(ACME, "acme:");
    of.roles_claims = vec!["urn:zitadel:iam:org:project:roles".into()];
    let groups: Vec<_> = (0..200).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect();
    for (value, operator) in [
        (json!("ml-admins"), true),
        (json!(["x", 7, "ml-admins", null]), true),
        (json!({"ml-admins": {"223281939119866113": "acme.example"}, "viewer": {}}), true),
        (json!([{"ml-admins": {"223281939119866113": "acme.example"}}]), true),
        (json!({"ml-admins": false}), false),
        (json!([&groups[..], &["ml-admins".to_owned()]].concat()), true),
        (json!(true), false),
    ] {
        let token = acme().changed(|_, p| p["urn:zitadel:iam:org:project:roles"] = value.clone());
        let token = ring(&of).verify(&token, NOW).unwrap();
        assert_eq!(token.claims().roles == ["operator"], operator, "{value:.60}");
    }
}

/// RFC 7519, section 2: a `NumericDate` is any JSON number.
#[test]
fn ends_and_issues_are_rounded_down_and_beginnings_up() {
    for verify in [own as fn(fn(&mut Value)) -> Result<Verified, TokenError>, theirs] {
        let token = verify(|p| {
            p["iat"] = json!(1_764_299_998.25);
            p["nbf"] = json!(1.764_299_999_25e9);
            p["exp"] = json!(1_764_300_100.75);
        });
        let token = token.unwrap();
        let claims = token.claims();
        assert_eq!(claims.issued_at.as_secs(), NOW_SECS - 2);
        assert_eq!(claims.not_before, Some(NOW));
        assert_eq!(claims.expires_at, Some(UnixTime::from_secs(NOW_SECS + 100)));
    }
    let token = theirs(|p| p["iat"] = json!(1_764_299_998.25)).unwrap();
    assert_eq!(token.root_issued_at(), UnixTime::from_secs(NOW_SECS - 2));
    for claim in ["exp", "iat", "nbf"] {
        for value in [json!("1764300000"), json!(-1), Value::Null, json!(1e18), json!([NOW_SECS])] {
            for read in [own(|p| p[claim] = value.clone()), theirs(|p| p[claim] = value.clone())] {
                assert_eq!(read.map(drop), Err(TokenError::Malformed(claim)), "{claim} {value}");
            }
        }
    }
}

#[test]
fn a_user_token_without_iat_is_one_of_every_cut_off_and_ends_within_its_kinds_life() {
    const YEAR: Duration = Duration::from_hours(366 * 24);
    let undated = |p: &mut Value| drop(p.as_object_mut().unwrap().remove("iat"));
    let ending = |at: UnixTime| {
        move |p: &mut Value| {
            drop(p.as_object_mut().unwrap().remove("iat"));
            p["exp"] = at.as_secs().into();
        }
    };
    let last = NOW.plus(YEAR);
    for (token, later, sooner) in [
        (theirs(undated), theirs(ending(last.plus(Duration::from_secs(1)))), theirs(ending(last))),
        (own(undated), own(ending(last.plus(Duration::from_secs(1)))), own(ending(last))),
    ] {
        assert_eq!(token.unwrap().root_issued_at(), UnixTime::from_secs(0));
        let too_long = TokenError::Lifetime("longer than this type may live");
        assert_eq!(later.map(drop), Err(too_long));
        let sooner = sooner.unwrap();
        assert_eq!(sooner.check_time(last.plus(SKEW)), Err(TokenError::Expired));
        assert_eq!(sooner.check_time(last), Ok(()));
    }
    for kind in [TokenType::Service, TokenType::Background, TokenType::Action] {
        let (header, mut payload) = parts(kind);
        undated(&mut payload);
        let refused = forgers_ring().verify(&forge(&header, &payload), NOW).map(drop);
        assert_eq!(refused, Err(TokenError::MissingClaim("iat")), "{kind}");
    }
}

#[test]
fn who_else_a_token_is_for_does_not_matter() {
    let clients = |most: usize| (0..most).map(|n| format!("client-{n}"));
    let many = |most| clients(most).chain(["hallpass".to_owned()]).collect::<Vec<_>>();
    for aud in [json!(many(20)), json!(many(500)), json!(["x".repeat(2000), "hallpass"])] {
        assert!(theirs(|p| p["aud"] = aud.clone()).is_ok(), "{aud:.40}");
    }
    let malformed = Err(TokenError::Malformed("aud"));
    for aud in [json!({"hallpass": true}), json!(["hallpass", 1]), json!(1), Value::Null] {
        assert_eq!(theirs(|p| p["aud"] = aud.clone()).map(drop), malformed, "{aud}");
    }
}

#[test]
fn an_id_that_is_no_name_is_none() {
    for jti in [json!(7), json!(""), json!("x".repeat(257)), Value::Null] {
        let token = theirs(|p| p["jti"] = jti.clone()).unwrap();
        assert_eq!(token.claims().id, None);
        assert_eq!(token.fingerprint(), token.signed_part(), "{jti:.20}");
    }
}

#[test]
fn the_names_of_keys_are_as_long_as_those_of_real_issuers() {
    for length in [92, 128, 256] {
        let kid = "k".repeat(length);
        let mut jwks = acme().jwks();
        jwks["keys"][0]["kid"] = kid.clone().into();
        let of = settings(ACME, "acme:");
        let ring = hallpass_token::KeyRing::default().with_outside(keys(&of, &jwks));
        let token = acme().changed(|h, _| h["kid"] = kid.clone().into());
        assert_eq!(ring.verify(&token, NOW).unwrap().root_key(), format!("{ACME}#{kid}"));
    }
    let with_root = |kid: String| {
        let (header, mut payload) = parts(TokenType::Service);
        payload["par"] = json!(["A".repeat(22)]);
        payload["root_iat"] = NOW_SECS.into();
        payload["root_kid"] = kid.into();
        forgers_ring().verify(&forge(&header, &payload), NOW).map(drop)
    };
    assert_eq!(with_root(format!("{ACME}#{}", "k".repeat(256))), Ok(()));
    assert_eq!(with_root("k".repeat(513)), Err(TokenError::Malformed("root_kid")));
}

#[test]
fn a_token_of_200_groups_is_read_and_what_is_too_long_is_named() {
    let groups = |most: u32| (0..most).map(|n| format!("00000000-0000-4000-8000-{n:012}"));
    let with = |most| theirs(|p| p["groups"] = groups(most).collect::<Vec<_>>().into()).map(drop);
    assert_eq!(with(200), Ok(()));
    let limit = TokenError::BeyondLimit("the token", Limit::Bytes(16_384));
    assert_eq!(with(320), Err(limit));
    assert_eq!(limit.to_string(), "the token is too long: more than 16384 bytes");
    let scopes = TokenError::BeyondLimit("scopes", Limit::Values(256));
    assert_eq!(own(|p| p["scopes"] = json!(vec!["platform:read"; 257])).map(drop), Err(scopes));
    assert_eq!(scopes.to_string(), "scopes has too many values: more than 256");
}

/// Storage grants are claims of our own; `roles` beside them is what the user is.
#[test]
fn roles_beside_storage_grants_refuse_nothing() {
    let grants = |p: &mut Value| {
        p["b"] = json!(["datasets"]);
        p["p"] = json!(["g"]);
    };
    let read = own(|p| {
        grants(p);
        p["roles"] = json!("admin");
    });
    let read = read.unwrap();
    assert_eq!(read.claims().roles, ["admin"]);
    assert!(read.claims().grants.as_ref().unwrap().roles.is_empty());
    let refused = own(|p| {
        grants(p);
        p["r"] = json!("admin");
    });
    assert!(matches!(refused.map(drop), Err(TokenError::Grants(_))));
}
