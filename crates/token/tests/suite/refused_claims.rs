//! Every way in which a well signed token can claim too much or too little, and what is said of it.

use hallpass_token::TokenError::{
    self, AudienceNotAllowed, BeyondLimit, Expired, Lifetime, Malformed, MissingClaim, NotYetValid,
    ScopeNotAllowed, ServiceNotAllowed, UnexpectedClaim, WrongIssuer,
};
use hallpass_token::{Limit, TokenType};
use serde_json::{Value, json};

use crate::fixtures::{
    Change, NOW, forge, forgers_ring, judge, parts, service_parts, take, verdict,
};

const BYTES: Limit = Limit::Bytes(256);

const VALUES: Limit = Limit::Values(256);

const TOGETHER: TokenError = Malformed("par, root_iat and root_kid belong together");

const CLAIMS: &[(&str, Change, TokenError)] = &[
    ("no iss", |_, p| drop(take(p, "iss")), MissingClaim("iss")),
    ("other iss", |_, p| p["iss"] = "labeler".into(), WrongIssuer),
    ("iss null", |_, p| p["iss"] = Value::Null, Malformed("iss")),
    ("iss an array", |_, p| p["iss"] = json!(["platform"]), Malformed("iss")),
    ("no aud", |_, p| drop(take(p, "aud")), MissingClaim("aud")),
    ("empty aud", |_, p| p["aud"] = json!([]), MissingClaim("aud")),
    ("aud null", |_, p| p["aud"] = Value::Null, Malformed("aud")),
    ("aud an empty string", |_, p| p["aud"] = "".into(), Malformed("aud")),
    ("aud numbers", |_, p| p["aud"] = json!([1]), Malformed("aud")),
    ("aud not the key's", |_, p| p["aud"] = "platform".into(), AudienceNotAllowed),
    ("one aud too many", |_, p| p["aud"] = json!(["labeler", "platform"]), AudienceNotAllowed),
    ("257 aud", |_, p| p["aud"] = json!(vec!["labeler"; 257]), BeyondLimit("aud", VALUES)),
    ("no sub", |_, p| drop(take(p, "sub")), MissingClaim("sub")),
    ("sub null", |_, p| p["sub"] = Value::Null, MissingClaim("sub")),
    ("sub empty", |_, p| p["sub"] = "".into(), Malformed("sub")),
    ("sub a number", |_, p| p["sub"] = 1.into(), Malformed("sub")),
    ("sub too long", |_, p| p["sub"] = "x".repeat(257).into(), BeyondLimit("sub", BYTES)),
    ("sub with a line break", |_, p| p["sub"] = "1\nadmin".into(), Malformed("sub")),
    ("no service", |_, p| drop(take(p, "service")), MissingClaim("service")),
    ("other service", |_, p| p["service"] = "labeler".into(), ServiceNotAllowed),
    ("a worker's", |_, p| p["service"] = "platform-training".into(), ServiceNotAllowed),
    ("no type", |_, p| drop(take(p, "type")), MissingClaim("type")),
    ("unknown type", |_, p| p["type"] = "admin".into(), Malformed("type")),
    ("scope not the key's", |_, p| p["scopes"] = json!(["labeler:admin"]), ScopeNotAllowed),
    ("scopes a string", |_, p| p["scopes"] = "labeler:read".into(), Malformed("scopes")),
    ("two in one", |_, p| p["scopes"] = json!(["labeler:read x"]), Malformed("scopes")),
    ("a quote", |_, p| p["scopes"] = json!(["labeler:\"read"]), Malformed("scopes")),
    (
        "257 scopes",
        |_, p| p["scopes"] = json!(vec!["labeler:read"; 257]),
        BeyondLimit("scopes", VALUES),
    ),
    ("no jti", |_, p| drop(take(p, "jti")), MissingClaim("jti")),
    ("jti a number", |_, p| p["jti"] = 1.into(), Malformed("jti")),
    ("act a string", |_, p| p["act"] = "x".into(), Malformed("act")),
    ("job_id a fraction", |_, p| p["job_id"] = 1.5.into(), Malformed("job_id")),
    ("resource a string", |_, p| p["resource"] = "x".into(), Malformed("resource")),
    ("resource without id", |_, p| p["resource"] = json!({"type": "x"}), MissingClaim("id")),
    (
        "resource with more",
        |_, p| p["resource"] = json!({"type": "x", "id": "y", "name": "z"}),
        UnexpectedClaim("one that this form does not have"),
    ),
    ("cnf unknown", |_, p| p["cnf"] = json!({"jkt": "x"}), MissingClaim("x5t#S256")),
    ("cnf short", |_, p| p["cnf"] = json!({"x5t#S256": "AAAA"}), Malformed("cnf")),
    (
        "cnf more than is understood",
        |_, p| p["cnf"] = json!({"x5t#S256": "A".repeat(43), "jkt": "x"}),
        UnexpectedClaim("one that this form does not have"),
    ),
    (
        "an owner of a job in a service token",
        |_, p| p["job_owner"] = "1".into(),
        UnexpectedClaim("job_owner"),
    ),
    ("an owner of a job that is no name", |_, p| p["job_owner"] = 1.into(), Malformed("job_owner")),
];

#[test]
fn claims() {
    judge(CLAIMS);
}

#[test]
fn times() {
    let now = || NOW.as_secs();
    let table: &[(&str, Change, TokenError)] = &[
        ("no exp", |_, p| drop(take(p, "exp")), MissingClaim("exp")),
        ("exp null", |_, p| p["exp"] = Value::Null, Malformed("exp")),
        ("exp a string", |_, p| p["exp"] = "9".into(), Malformed("exp")),
        ("exp before 1970", |_, p| p["exp"] = (-1.5).into(), Malformed("exp")),
        ("exp beyond time", |_, p| p["exp"] = 1e300.into(), Malformed("exp")),
        ("exp negative", |_, p| p["exp"] = (-1).into(), Malformed("exp")),
        ("exp without end", |_, p| p["exp"] = u64::MAX.into(), Lifetime(LONG)),
        ("no iat", |_, p| drop(take(p, "iat")), MissingClaim("iat")),
        ("iat without end", |_, p| p["iat"] = u64::MAX.into(), Lifetime(BACKWARDS)),
        ("nbf without end", |_, p| p["nbf"] = u64::MAX.into(), Lifetime(BACKWARDS)),
        ("exp before iat", |_, p| p["exp"] = (NOW.as_secs() - 1).into(), Lifetime(BACKWARDS)),
        ("one second too long", |_, p| p["exp"] = (NOW.as_secs() + 301).into(), Lifetime(LONG)),
    ];
    judge(table);
    let window = |iat: u64, exp: u64, nbf: Option<u64>| {
        verdict(|_, payload| {
            payload["iat"] = iat.into();
            payload["exp"] = exp.into();
            payload.as_object_mut().unwrap().extend(nbf.map(|at| ("nbf".to_owned(), at.into())));
        })
    };
    assert_eq!(window(now() - 200, now() - 30, None), Err(Expired));
    assert_eq!(window(now() - 200, now() - 29, None), Ok(()));
    assert_eq!(window(now() + 30, now() + 60, None), Ok(()));
    assert_eq!(window(now() + 31, now() + 60, None), Err(NotYetValid));
    assert_eq!(window(now(), now() + 60, Some(now() + 30)), Ok(()));
    assert_eq!(window(now(), now() + 60, Some(now() + 31)), Err(NotYetValid));
}

const LONG: &str = "longer than this type may live";

const BACKWARDS: &str = "ends before it begins";

#[test]
fn a_user_token_ends_unless_its_entry_says_otherwise() {
    let (header, mut payload) = parts(TokenType::User);
    take(&mut payload, "exp");
    let refused = forgers_ring().verify(&forge(&header, &payload), NOW).unwrap_err();
    assert_eq!(refused, MissingClaim("exp"));
}

#[test]
fn ancestors() {
    let id = "A".repeat(22);
    let with = |par: Value| {
        verdict(|_, payload| {
            payload["par"] = par;
            payload["root_iat"] = (NOW.as_secs() - 10).into();
            payload["root_kid"] = "users".into();
        })
    };
    assert_eq!(with(json!([id])), Ok(()));
    assert_eq!(with(json!(vec![id.clone(); 8])), Ok(()));
    assert_eq!(with(json!(vec![id.clone(); 9])), Err(BeyondLimit("par", Limit::Values(8))));
    assert_eq!(with(json!([])), Err(Malformed("par")));
    assert_eq!(with(json!(["A"])), Err(Malformed("par")));
    assert_eq!(with(json!([format!("{id}=")])), Err(Malformed("par")));
    assert_eq!(with(json!(id)), Err(Malformed("par")));
    let table: &[(&str, Change, TokenError)] = &[
        ("par alone", |_, p| p["par"] = json!(["A".repeat(22)]), TOGETHER),
        ("root_iat alone", |_, p| p["root_iat"] = 1.into(), TOGETHER),
        ("root_kid alone", |_, p| p["root_kid"] = "users".into(), TOGETHER),
        (
            "root_iss alone",
            |_, p| p["root_iss"] = "users".into(),
            Malformed("root_iss without par"),
        ),
        (
            "root_iss no text",
            |_, p| {
                p["par"] = json!(["A".repeat(22)]);
                p["root_iat"] = (NOW.as_secs() - 10).into();
                p["root_kid"] = "users".into();
                p["root_iss"] = 1.into();
            },
            Malformed("root_iss"),
        ),
        (
            "a root younger than its child",
            |_, p| {
                p["par"] = json!(["A".repeat(22)]);
                p["root_iat"] = (NOW.as_secs() + 31).into();
                p["root_kid"] = "users".into();
            },
            Lifetime("issued before its root"),
        ),
    ];
    judge(table);
}

#[test]
fn no_error_shows_what_the_token_says() {
    let (header, mut payload) = service_parts();
    payload["sub"] = json!(["telltale"]);
    let error = forgers_ring().verify(&forge(&header, &payload), NOW).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("telltale"));
}

#[test]
fn only_workers_may_be_parts_of_the_owner() {
    let table = [
        ("platform", Ok(())),
        ("platform-training", Ok(())),
        ("platform-", Err(ServiceNotAllowed)),
        ("platformtraining", Err(ServiceNotAllowed)),
        ("labeler", Err(ServiceNotAllowed)),
        ("xplatform", Err(ServiceNotAllowed)),
    ];
    for (service, right) in table {
        let (header, mut payload) = parts(TokenType::Background);
        payload["service"] = service.into();
        let verdict = forgers_ring().verify(&forge(&header, &payload), NOW).map(|_| ());
        assert_eq!(verdict, right, "{service}");
    }
}
