//! Every way in which a token can be wrong, and what is said of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::TokenError::{
    self, Algorithm as WrongAlgorithm, AudienceNotAllowed, BadSignature, Expired,
    HeaderNotAccepted, KeyRetired, Lifetime, Malformed, MissingClaim, NotYetValid, ScopeNotAllowed,
    ServiceNotAllowed, TypeMismatch, TypeNotAllowed, UnexpectedClaim, UnknownKey, WrongIssuer,
};
use hallpass_token::{Algorithm, TokenType};
use serde_json::{Value, json};

use crate::fixtures::{
    NOW, SERVICES, forge, forge_text, forgers_ring, ring_of, service_parts, service_token,
    sign_part, verdict,
};

type Change = fn(&mut Value, &mut Value);

const TOGETHER: TokenError = Malformed("par, root_iat and root_kid belong together");
const NOT_TEXT: TokenError = Malformed("a header member is not a string");

#[test]
fn the_unchanged_token_is_accepted() {
    assert_eq!(verdict(|_, _| {}), Ok(()));
}

#[test]
fn headers() {
    let table: &[(&str, Change, TokenError)] = &[
        ("alg none", |h, _| h["alg"] = "none".into(), WrongAlgorithm),
        ("alg of the same family", |h, _| h["alg"] = "HS512".into(), WrongAlgorithm),
        ("alg in another case", |h, _| h["alg"] = "hs256".into(), WrongAlgorithm),
        ("no alg", |h, _| drop(take(h, "alg")), Malformed("no alg")),
        ("alg not a string", |h, _| h["alg"] = json!(["HS256"]), NOT_TEXT),
        ("typ of another kind", |h, _| h["typ"] = "hallpass-user+jwt".into(), TypeMismatch),
        ("typ of anyone", |h, _| h["typ"] = "JWT".into(), TypeMismatch),
        ("typ in another case", |h, _| h["typ"] = "HALLPASS-SERVICE+JWT".into(), TypeMismatch),
        ("no typ", |h, _| drop(take(h, "typ")), TypeMismatch),
        ("no kid", |h, _| drop(take(h, "kid")), UnknownKey),
        ("crit", |h, _| h["crit"] = json!(["exp"]), HeaderNotAccepted("crit")),
        ("empty crit", |h, _| h["crit"] = json!([]), HeaderNotAccepted("crit")),
        ("jku", |h, _| h["jku"] = "https://keys.test/".into(), HeaderNotAccepted("jku")),
        ("jwk", |h, _| h["jwk"] = json!({"kty": "oct"}), HeaderNotAccepted("jwk")),
        ("x5u", |h, _| h["x5u"] = "https://keys.test/".into(), HeaderNotAccepted("x5…")),
        ("x5c", |h, _| h["x5c"] = json!([]), HeaderNotAccepted("x5…")),
        ("x5t", |h, _| h["x5t"] = "x".into(), HeaderNotAccepted("x5…")),
        ("x5t#S256", |h, _| h["x5t#S256"] = "x".into(), HeaderNotAccepted("x5…")),
        ("zip", |h, _| h["zip"] = "DEF".into(), HeaderNotAccepted("zip")),
        ("b64", |h, _| h["b64"] = false.into(), HeaderNotAccepted("b64")),
        ("enc", |h, _| h["enc"] = "A256GCM".into(), HeaderNotAccepted("enc")),
        (
            "nested",
            |h, _| h["cty"] = "application/JWT".into(),
            HeaderNotAccepted("cty: a token inside a token"),
        ),
    ];
    judge(table);
}

#[test]
fn kids_are_hostile_input() {
    let long = "k".repeat(5000);
    let hostile = [
        "",
        " ",
        "../../etc/passwd",
        "services'--",
        "services\0",
        "SERVICES",
        "\u{202e}services",
        &long,
    ];
    for kid in hostile {
        let (mut header, payload) = service_parts();
        header["kid"] = kid.into();
        let token = forge_text(SERVICES, &header.to_string(), &payload.to_string());
        assert_eq!(forgers_ring().verify(&token, NOW).unwrap_err(), UnknownKey, "{kid:.30?}");
    }
    for kid in [json!(1), json!(null), json!(["services"]), json!({"kid": "services"})] {
        let (mut header, payload) = service_parts();
        header["kid"] = kid;
        let token = forge_text(SERVICES, &header.to_string(), &payload.to_string());
        assert_eq!(forgers_ring().verify(&token, NOW).unwrap_err(), NOT_TEXT);
    }
}

#[test]
fn keys() {
    let table: &[(&str, Change, Result<(), TokenError>)] = &[
        ("of the ring's other key", |h, _| h["kid"] = "only-service".into(), Ok(())),
        ("next", |h, _| h["kid"] = "coming".into(), Ok(())),
        ("retired", |h, _| h["kid"] = "gone".into(), Err(KeyRetired)),
        ("another issuer's", |h, _| h["kid"] = "users".into(), Err(WrongIssuer)),
        (
            "another issuer's, who says so",
            |h, p| {
                h["kid"] = "users".into();
                p["iss"] = "users".into();
            },
            Err(TypeNotAllowed),
        ),
    ];
    for (name, change, right) in table {
        assert_eq!(verdict(change), *right, "{name}");
    }
}

#[test]
fn claims() {
    let table: &[(&str, Change, TokenError)] = &[
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
        ("17 aud", |_, p| p["aud"] = json!(vec!["labeler"; 17]), Malformed("aud")),
        ("no sub", |_, p| drop(take(p, "sub")), MissingClaim("sub")),
        ("sub null", |_, p| p["sub"] = Value::Null, MissingClaim("sub")),
        ("sub empty", |_, p| p["sub"] = "".into(), Malformed("sub")),
        ("sub a number", |_, p| p["sub"] = 1.into(), Malformed("sub")),
        ("sub too long", |_, p| p["sub"] = "x".repeat(257).into(), Malformed("sub")),
        ("sub with a line break", |_, p| p["sub"] = "1\nadmin".into(), Malformed("sub")),
        ("no service", |_, p| drop(take(p, "service")), MissingClaim("service")),
        ("other service", |_, p| p["service"] = "labeler".into(), ServiceNotAllowed),
        ("a worker's", |_, p| p["service"] = "platform-training".into(), ServiceNotAllowed),
        ("no type", |_, p| drop(take(p, "type")), MissingClaim("type")),
        ("unknown type", |_, p| p["type"] = "admin".into(), Malformed("type")),
        ("scope not the key's", |_, p| p["scopes"] = json!(["labeler:admin"]), ScopeNotAllowed),
        ("scopes a string", |_, p| p["scopes"] = "labeler:read".into(), Malformed("scopes")),
        ("two in one", |_, p| p["scopes"] = json!(["labeler:read x"]), Malformed("scopes")),
        ("65 scopes", |_, p| p["scopes"] = json!(vec!["labeler:read"; 65]), Malformed("scopes")),
        ("no jti", |_, p| drop(take(p, "jti")), MissingClaim("jti")),
        ("jti a number", |_, p| p["jti"] = 1.into(), Malformed("jti")),
        ("act a string", |_, p| p["act"] = "x".into(), Malformed("act")),
        ("job_id a fraction", |_, p| p["job_id"] = 1.5.into(), Malformed("job_id")),
        ("resource a string", |_, p| p["resource"] = "x".into(), Malformed("resource")),
        ("resource without id", |_, p| p["resource"] = json!({"type": "x"}), MissingClaim("id")),
        ("cnf unknown", |_, p| p["cnf"] = json!({"jkt": "x"}), MissingClaim("x5t#S256")),
        ("cnf short", |_, p| p["cnf"] = json!({"x5t#S256": "AAAA"}), Malformed("cnf")),
        (
            "cnf more than is understood",
            |_, p| p["cnf"] = json!({"x5t#S256": "A".repeat(43), "jkt": "x"}),
            UnexpectedClaim("one that this form does not have"),
        ),
    ];
    judge(table);
}

#[test]
fn times() {
    let now = || NOW.as_secs();
    let table: &[(&str, Change, TokenError)] = &[
        ("no exp", |_, p| drop(take(p, "exp")), MissingClaim("exp")),
        ("exp null", |_, p| p["exp"] = Value::Null, Malformed("exp")),
        ("exp a string", |_, p| p["exp"] = "9".into(), Malformed("exp")),
        ("exp a fraction", |_, p| p["exp"] = 1_764_300_120.5.into(), Malformed("exp")),
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
    assert_eq!(with(json!(vec![id.clone(); 9])), Err(Malformed("par")));
    assert_eq!(with(json!([])), Err(Malformed("par")));
    assert_eq!(with(json!(["A"])), Err(Malformed("par")));
    assert_eq!(with(json!([format!("{id}=")])), Err(Malformed("par")));
    assert_eq!(with(json!(id)), Err(Malformed("par")));
    let table: &[(&str, Change, TokenError)] = &[
        ("par alone", |_, p| p["par"] = json!(["A".repeat(22)]), TOGETHER),
        ("root_iat alone", |_, p| p["root_iat"] = 1.into(), TOGETHER),
        ("root_kid alone", |_, p| p["root_kid"] = "users".into(), TOGETHER),
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
fn members_named_twice() {
    let twice = Err(Malformed("a JSON member is named twice"));
    let verify = |header: &str, payload: &str| {
        forgers_ring().verify(&forge_text(SERVICES, header, payload), NOW).map(|_| ())
    };
    let (header, payload) = service_parts();
    let (header, payload) = (header.to_string(), payload.to_string());
    let open = |json: &str| json[1..].to_owned();
    assert_eq!(verify(&header, &payload), Ok(()));
    assert_eq!(verify(&format!("{{\"alg\":\"none\",{}", open(&header)), &payload), twice);
    assert_eq!(verify(&format!("{{\"x\":1,\"x\":1,{}", open(&header)), &payload), twice);
    assert_eq!(verify(&header, &format!("{{\"sub\":\"2\",{}", open(&payload))), twice);
    assert_eq!(
        verify(&header, &format!("{{\"x\":[{{\"y\":1,\"y\":1}}],{}", open(&payload))),
        twice
    );
    assert_eq!(verify(&header, &format!("{payload}{payload}")), Err(Malformed("not JSON")));
    assert_eq!(verify(&header, &format!("{payload}\0")), Err(Malformed("not JSON")));
    assert_eq!(verify(&header, &format!("[{payload}]")), Err(Malformed("not a JSON object")));
}

#[test]
fn forms() {
    let (header, payload) = service_parts();
    let token = forge(&header, &payload);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (head, body) = signed.split_once('.').unwrap();
    let three = Malformed("not three parts");
    let base64 = Malformed("not base64url");
    let table = [
        (String::new(), three),
        ("..".to_owned(), Malformed("not JSON")),
        (signed.to_owned(), three),
        (format!("{token}."), three),
        (format!("{token}.{signature}"), three),
        (format!("{token} "), base64),
        (format!("{token}\n"), base64),
        (format!("{token}="), base64),
        (format!(" {token}"), base64),
        (format!("{signed}."), BadSignature),
        (format!("{signed}.{}", signature.replace(['-', '_'], "+")), base64),
        (sign_part(SERVICES, &format!("{head}.{body}=")), base64),
        (sign_part(SERVICES, &format!("{head}=.{body}")), base64),
        (sign_part(SERVICES, &format!("{head}.{body}\u{e4}")), base64),
        (sign_part(SERVICES, &format!("{head}.{}", loosen(body))), base64),
        (format!("{signed}.{}", "A".repeat(8200)), Malformed("too long")),
    ];
    for (token, right) in table {
        assert_eq!(forgers_ring().verify(&token, NOW).unwrap_err(), right, "{token:.60}");
    }
}

/// The same bytes in base64url that is not canonical: the spare bits of the last character are set.
fn loosen(part: &str) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
    while bytes.len() % 3 != 1 {
        bytes.push(b' ');
    }
    let mut text = URL_SAFE_NO_PAD.encode(&bytes);
    let last = text.pop().unwrap();
    assert!("AQgw".contains(last), "the last of a lone byte has four spare bits");
    text.push(char::from(last as u8 + 1));
    text
}

#[test]
fn a_public_key_is_no_shared_secret() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let ring = ring_of(algorithm);
        let jwk = &ring.public_jwks()["keys"][0];
        let (mut header, payload) = service_parts();
        header["kid"] = "made".into();
        for secret in [jwk["x"].as_str().unwrap(), &jwk.to_string()] {
            let token = forge_text(secret, &header.to_string(), &payload.to_string());
            assert_eq!(ring.verify(&token, NOW).unwrap_err(), WrongAlgorithm);
            header["alg"] = algorithm.as_str().into();
            let token = forge_text(secret, &header.to_string(), &payload.to_string());
            assert_eq!(ring.verify(&token, NOW).unwrap_err(), BadSignature);
            header["alg"] = "HS256".into();
        }
    }
}

/// Changes of the text may be no change of the bytes, so bits of the decoded bytes are flipped.
#[test]
fn any_flipped_bit_is_noticed() {
    for algorithm in Algorithm::ALL {
        let ring = ring_of(algorithm);
        let token = ring.mint("made", &service_token(), NOW).unwrap();
        assert!(ring.verify(token.expose(), NOW).is_ok());
        let parts: Vec<&str> = token.expose().split('.').collect();
        for (place, part) in parts.iter().enumerate() {
            let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let mut parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
                parts[place] = URL_SAFE_NO_PAD.encode(flipped);
                let verdict = ring.verify(&parts.join("."), NOW);
                assert!(verdict.is_err(), "{algorithm}: bit {bit} of part {place}");
            }
        }
    }
}

#[test]
fn a_retired_kind_of_error_never_shows_the_token() {
    let (header, mut payload) = service_parts();
    payload["sub"] = json!(["telltale"]);
    let error = forgers_ring().verify(&forge(&header, &payload), NOW).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("telltale"));
}

fn judge(table: &[(&str, Change, TokenError)]) {
    for (name, change, right) in table {
        assert_eq!(verdict(change), Err(*right), "{name}");
    }
}

fn take(object: &mut Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member).unwrap()
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
        let (header, mut payload) = crate::fixtures::parts(TokenType::Background);
        payload["service"] = service.into();
        let verdict = forgers_ring().verify(&forge(&header, &payload), NOW).map(|_| ());
        assert_eq!(verdict, right, "{service}");
    }
}
