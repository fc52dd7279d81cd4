//! What outside issuers answer when they are asked for their keys, hostile answers included.

use std::sync::Arc;

use hallpass_token::{Algorithm, LeftOut, OutsideKeys, RingError};
use serde_json::{Value, json};

use crate::fixtures::NOW;
use crate::outsiders::{ACME, acme, keys, ring, settings};

fn read(jwks: &str) -> Result<(Vec<String>, Vec<LeftOut>), RingError> {
    let (keys, left_out) = OutsideKeys::read(&Arc::new(settings(ACME, "")), jwks.as_bytes())?;
    Ok((keys.kids().map(str::to_owned).collect(), left_out))
}

/// One of the issuer's keys, changed.
fn key(kid: &str, change: impl FnOnce(&mut Value)) -> Value {
    let all = acme().jwks();
    let mut key =
        all["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap().clone();
    change(&mut key);
    key
}

#[test]
fn what_is_no_jwks_is_an_error_that_shows_nothing_of_it() {
    let many = json!({"keys": vec![key("EdDSA", |_| {}); 65]}).to_string();
    let deep = format!("{{\"keys\":{}", "[".repeat(100_000));
    let hostile = "\u{feff}{\"keys\":[]}";
    for text in [
        "",
        "null",
        "[]",
        "{}",
        "<html>secret</html>",
        "{\"keys\":{}}",
        "{\"keys\":\"secret\"}",
        "{\"keys\":[],\"keys\":[]}",
        "{\"keys\":[]} x",
        &many,
        &deep,
        hostile,
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with("key ring: ") && !error.contains("secret"), "{error}");
    }
    assert_eq!(read("{\"keys\":[]}"), Ok((vec![], vec![])), "an issuer may have withdrawn all");
}

#[test]
fn a_key_that_cannot_be_used_is_left_out_and_changes_nothing_about_the_others() {
    type Change = fn(&mut Value);
    let table: &[(&str, &str, Change)] = &[
        ("RS256", "use: ", |k| k["use"] = "enc".into()),
        ("RS256", "use: ", |k| k["use"] = 1.into()),
        ("RS256", "key_ops: ", |k| k["key_ops"] = json!(["encrypt"])),
        ("RS256", "key_ops: ", |k| k["key_ops"] = json!([])),
        ("RS256", "alg: ", |k| k["alg"] = "RSA-OAEP".into()),
        ("RS256", "alg: ", |k| k["alg"] = "HS256".into()),
        ("RS256", "alg: ", |k| k["alg"] = "none".into()),
        ("RS256", "alg: ", |k| k["alg"] = "RS512".into()),
        ("RS256", "alg: ", |k| k["alg"] = "ES256".into()),
        ("RS256", "alg: ", |k| k["kty"] = "oct".into()),
        ("RS256", "n: 1024 bits", |k| k["n"] = format!("gA{}", "A".repeat(169)).into()),
        ("RS256", "n: 0 bits", |k| k["n"] = "".into()),
        ("RS256", "n: ", |k| k["n"] = format!("gA{}", "A".repeat(2000)).into()),
        ("RS256", "n: not base64url", |k| k["n"] = "+/==".into()),
        ("RS256", "e: ", |k| k["e"] = "Aw".into()),
        ("RS256", "e: ", |k| k["e"] = "AQAA".into()),
        ("RS256", "e: ", |k| k["e"] = "AQABAQAB".into()),
        ("RS256", "e: ", |k| k["e"] = "".into()),
        ("RS256", "e: missing", |k| drop(k.as_object_mut().unwrap().remove("e"))),
        ("ES256", "x: ", |k| k["x"] = k["y"].clone()),
        ("ES256", "alg: ", |k| k["crv"] = "P-384".into()),
        ("EdDSA", "alg: ", |k| k["crv"] = "Ed448".into()),
        ("EdDSA", "x: 0 bytes", |k| k["x"] = "".into()),
    ];
    let good = key("PS256", |_| {});
    for (kid, problem, change) in table {
        let (kids, left_out) =
            read(&json!({"keys": [key(kid, change), good]}).to_string()).unwrap();
        assert_eq!(kids, ["PS256"], "{problem}");
        assert_eq!(
            (left_out.len(), left_out[0].key.as_str(), left_out[0].leaked),
            (1, *kid, false)
        );
        assert!(left_out[0].problem.starts_with(problem), "{} is not {problem}", left_out[0]);
    }
}

#[test]
fn a_key_without_a_name_of_its_own_is_left_out() {
    let unnamed =
        [Value::Null, json!(1), json!(""), json!("a\nb"), json!("x".repeat(257)), json!({"a": 1})];
    for kid in unnamed {
        let (kids, left_out) =
            read(&json!({"keys": [key("EdDSA", |k| k["kid"] = kid)]}).to_string()).unwrap();
        assert_eq!((kids.len(), left_out[0].key.as_str()), (0, "number 1"));
    }
    let (kids, left_out) = read("{\"keys\":[1,null,[]]}").unwrap();
    assert_eq!((kids.len(), left_out.len()), (0, 3));
}

#[test]
fn two_keys_of_one_name_are_none_and_the_same_key_twice_is_one() {
    let (one, same) = (key("RS256", |_| {}), key("RS256", |k| k["x5t"] = "AAAA".into()));
    let (kids, left_out) = read(&json!({"keys": [one, same]}).to_string()).unwrap();
    assert_eq!((kids, left_out), (vec!["RS256".to_owned()], vec![]));
    for second in ["EdDSA", "PS256"] {
        let second = key(second, |k| k["kid"] = "RS256".into());
        let (kids, left_out) = read(&json!({"keys": [one, second]}).to_string()).unwrap();
        assert_eq!((kids.len(), left_out.len()), (0, 1), "{}", left_out[0]);
    }
}

#[test]
fn a_key_whose_private_part_is_published_counts_no_more() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let leaked = key("RS256", |k| k[member] = "c2VjcmV0".into());
        let (kids, left_out) =
            read(&json!({"keys": [leaked, key("EdDSA", |_| {})]}).to_string()).unwrap();
        assert_eq!(kids, ["EdDSA"]);
        assert!(left_out[0].leaked && !left_out[0].to_string().contains("c2Vj"), "{}", left_out[0]);
    }
}

#[test]
fn a_key_has_one_algorithm_and_only_one_that_is_allowed() {
    let without_alg =
        |kid: &str| json!({"keys": [key(kid, |k| drop(k.as_object_mut().unwrap().remove("alg")))]});
    let token = |alg: &str| {
        let (mut header, payload) = crate::outsiders::parts(ACME);
        header["alg"] = alg.into();
        acme().sign_with(alg, &header, &payload)
    };
    let mut of = settings(ACME, "acme:");
    for (algorithms, taken, refused) in [
        (vec![Algorithm::Rs256, Algorithm::Ps256], "RS256", "PS256"),
        (vec![Algorithm::Ps256, Algorithm::Rs256], "PS256", "RS256"),
        (vec![Algorithm::Es256, Algorithm::Ps256], "PS256", "RS256"),
    ] {
        of.algorithms = algorithms;
        let ring = ring(&settings(ACME, "")).with_outside(keys(&of, &without_alg("RS256")));
        assert!(ring.verify(&token(taken), NOW).is_ok());
        assert!(ring.verify(&token(refused), NOW).is_err());
    }
    of.algorithms = vec![Algorithm::EdDsa];
    let (left, out) =
        OutsideKeys::read(&Arc::new(of), acme().jwks().to_string().as_bytes()).unwrap();
    assert_eq!((left.kids().collect::<Vec<_>>(), out.len()), (vec!["EdDSA"], 3));
}

#[test]
fn the_same_keys_are_the_same() {
    let of = settings(ACME, "");
    let all = keys(&of, &acme().jwks());
    assert!(all.are_same(&keys(&of, &acme().jwks())));
    assert!(!all.are_same(&keys(&of, &json!({"keys": [key("RS256", |_| {})]}))));
    let renamed = keys(&of, &json!({"keys": [key("RS256", |k| k["kid"] = "new".into())]}));
    assert!(!renamed.are_same(&keys(&of, &json!({"keys": [key("RS256", |_| {})]}))));
    assert!(!keys(&of, &crate::outsiders::other().jwks()).are_same(&all));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    use hallpass_token::OutsideIssuer;
    type Change = fn(&mut OutsideIssuer);
    let table: &[(&str, Change)] = &[
        ("issuer", |s| s.issuer = "login.acme.test".to_owned()),
        ("issuer", |s| s.issuer = "https://login.acme.test/#1".to_owned()),
        ("issuer", |s| s.issuer = "https://login.acme.test/?a=1".to_owned()),
        ("issuer", |s| s.issuer = format!("https://{}", "x".repeat(160))),
        ("issuer", |s| s.issuer = "https://login acme".to_owned()),
        ("audience", |s| s.audience.clear()),
        ("algorithms", |s| s.algorithms.clear()),
        ("algorithms", |s| s.algorithms = vec![Algorithm::Rs256, Algorithm::Hs256]),
        ("subject_prefix", |s| s.subject_prefix = "a\n".to_owned()),
        ("subject_prefix", |s| s.subject_prefix.clear()),
        ("scopes", |s| drop(s.scopes.insert("x".to_owned(), vec!["a b".to_owned()]))),
        ("roles", |s| drop(s.roles.insert("x".to_owned(), vec![String::new()]))),
        ("roles_claim", |s| s.roles_claim = None),
    ];
    assert_eq!(settings(ACME, "acme:").check(), Ok(()));
    for (key, change) in table {
        let mut of = settings(ACME, "acme:");
        change(&mut of);
        assert_eq!(of.check().unwrap_err().key, *key);
    }
    let clash = |one, two| settings(ACME, one).could_be_confused_with(&settings(ACME, two));
    assert!(clash("a", "ab") && clash("ab", "a") && clash("", "a") && clash("a", "a"));
    assert!(!clash("a:", "ab:"));
}
