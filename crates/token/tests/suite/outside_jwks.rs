//! What outside issuers answer when they are asked for their keys, hostile answers included.

use std::sync::Arc;

use hallpass_token::{Algorithm, LeftOut, OutsideKeys, RingError, TokenError};
use serde_json::{Value, json};

use crate::fixtures::NOW;
use crate::outsiders::{ACME, acme, keys, ring, settings};

/// What is written otherwise in a key of the set.
type Edit<'a> = &'a dyn Fn(&mut Value);

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
    let deep = format!("{{\"keys\":{}", "[".repeat(100_000));
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
        &deep,
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with("no JWKS: ") && !error.contains("secret"), "{error}");
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
        ("RS256", "key_ops: ", |k| k["key_ops"] = "verify".into()),
        ("RS256", "alg: ", |k| k["alg"] = "RSA-OAEP".into()),
        ("RS256", "alg: ", |k| k["alg"] = "HS256".into()),
        ("RS256", "alg: ", |k| k["alg"] = "none".into()),
        ("RS256", "alg: ", |k| k["alg"] = "RS1".into()),
        ("RS256", "alg: ", |k| k["alg"] = "ES256".into()),
        ("RS256", "alg: ", |k| k["kty"] = "oct".into()),
        ("RS256", "n: 1024 bits", |k| k["n"] = format!("gA{}", "A".repeat(169)).into()),
        ("RS256", "n: 0 bits", |k| k["n"] = "".into()),
        ("RS256", "n: ", |k| k["n"] = format!("gA{}", "A".repeat(2000)).into()),
        ("RS256", "n: not base64url", |k| k["n"] = "n!".into()),
        ("RS256", "e: ", |k| k["e"] = "Aw".into()),
        ("RS256", "e: ", |k| k["e"] = "AQAA".into()),
        ("RS256", "e: ", |k| k["e"] = "AQABAQAB".into()),
        ("RS256", "e: ", |k| k["e"] = "".into()),
        ("RS256", "e: missing", |k| drop(k.as_object_mut().unwrap().remove("e"))),
        ("ES256", "x: ", |k| k["x"] = k["y"].clone()),
        ("ES256", "x: ", |k| k["crv"] = "P-384".into()),
        ("ES256", "x: too long", |k| k["x"] = "BAAA".repeat(11).into()),
        ("ES256", "alg: ", |k| k["crv"] = "secp256k1".into()),
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
fn a_key_whose_name_is_none_is_left_out() {
    for kid in [json!(1), json!("a\nb"), json!("x".repeat(300)), json!({"a": 1})] {
        let (kids, left_out) =
            read(&json!({"keys": [key("EdDSA", |k| k["kid"] = kid)]}).to_string()).unwrap();
        assert_eq!((kids.len(), left_out[0].key.as_str()), (0, "number 1"));
    }
    let (kids, left_out) = read("{\"keys\":[1,null,[]]}").unwrap();
    assert_eq!((kids.len(), left_out.len()), (0, 3));
}

#[test]
fn two_keys_of_one_name_and_algorithm_are_none_and_the_same_key_twice_is_one() {
    let (one, same) = (key("RS256", |_| {}), key("RS256", |k| k["x5t"] = "AAAA".into()));
    let (kids, left_out) = read(&json!({"keys": [one, same]}).to_string()).unwrap();
    assert_eq!((kids, left_out), (vec!["RS256".to_owned()], vec![]));
    let second = crate::outsiders::other().jwk("RS256");
    let other = key("EdDSA", |k| k["kid"] = "RS256".into());
    let (kids, left_out) = read(&json!({"keys": [one, second, other]}).to_string()).unwrap();
    assert_eq!(
        (kids, left_out.len()),
        (vec!["RS256".to_owned()], 1),
        "the other algorithm's is left"
    );
    assert_eq!(left_out[0].to_string(), "\"RS256\": two different keys have this name and RS256");
    let of = settings(ACME, "acme:");
    let both = ring(&of).with_outside(keys(&of, &json!({"keys": [one, other]})));
    for algorithm in ["RS256", "EdDSA"] {
        assert!(both.verify(&signed(algorithm, Some("RS256")), NOW).is_ok(), "{algorithm}");
    }
    assert_eq!(
        both.verify(&signed("ES256", Some("RS256")), NOW).unwrap_err(),
        TokenError::Algorithm
    );
}

#[test]
fn one_key_may_have_several_algorithms_each_in_an_entry_of_its_own() {
    let algorithms = ["RS256", "PS256", "RS512"];
    let entries = algorithms.map(|algorithm| key("RS256", |k| k["alg"] = algorithm.into()));
    let of = settings(ACME, "acme:");
    let ring = ring(&of).with_outside(keys(&of, &json!({"keys": entries})));
    for algorithm in algorithms {
        assert!(ring.verify(&signed(algorithm, Some("RS256")), NOW).is_ok(), "{algorithm}");
    }
    assert_eq!(
        ring.verify(&signed("PS512", Some("RS256")), NOW).unwrap_err(),
        TokenError::Algorithm
    );
}

#[test]
fn a_key_without_a_name_is_used_where_no_other_has_its_algorithm() {
    let nameless = |algorithm: &str| {
        let mut key = acme().jwk(algorithm);
        key.as_object_mut().unwrap().remove("kid");
        key
    };
    let of = settings(ACME, "acme:");
    let of_keys = |entries: Value| ring(&of).with_outside(keys(&of, &json!({"keys": entries})));
    let alone = of_keys(json!([nameless("RS256"), acme().jwk("ES256")]));
    let verified = alone.verify(&signed("RS256", None), NOW).unwrap();
    let thumbprint = verified.kid().strip_prefix(&format!("{ACME}#")).unwrap().to_owned();
    assert_eq!(thumbprint.len(), 43, "its name is its thumbprint: {thumbprint}");
    assert!(alone.key(verified.kid()).is_some());
    assert_eq!(
        alone.verify(&signed("ES256", None), NOW).unwrap_err(),
        TokenError::UnknownKey,
        "the key for ES256 has a name"
    );
    let sole = of_keys(json!([acme().jwk("ES256")]));
    assert!(
        sole.verify(&signed("ES256", None), NOW).is_ok(),
        "there is no other that it could mean"
    );
    assert_eq!(sole.verify(&signed("RS256", None), NOW).unwrap_err(), TokenError::Algorithm);
    let unknown = alone.verify(&signed("RS256", Some("new")), NOW).unwrap_err();
    assert_eq!(unknown, TokenError::UnknownKey, "a token that names a key means that key");

    let mut second = crate::outsiders::other().jwk("RS256");
    let named = json!({"keys": [nameless("RS256"), second]}).to_string();
    let (kids, left_out) = read(&named).unwrap();
    assert_eq!((kids, left_out.len()), (vec!["RS256".to_owned()], 1));
    assert_eq!(
        left_out[0].to_string(),
        "\"number 1\": no kid, and it is not the only key for RS256"
    );
    second["kid"] = Value::Null;
    let (kids, left_out) = read(&json!({"keys": [nameless("RS256"), second]}).to_string()).unwrap();
    assert_eq!((kids.len(), left_out.len()), (0, 2));
    let two = of_keys(json!([acme().jwk("RS256"), key("RS256", |k| k["kid"] = "2".into())]));
    assert_eq!(two.verify(&signed("RS256", None), NOW).unwrap_err(), TokenError::UnknownKey);
}

#[test]
fn every_algorithm_and_its_other_name_verify_with_a_key_that_says_so() {
    let of = settings(ACME, "acme:");
    for algorithm in [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
        "Ed25519",
    ] {
        let ring = ring(&of).with_outside(keys(&of, &json!({"keys": [acme().jwk(algorithm)]})));
        assert!(ring.verify(&signed(algorithm, Some(algorithm)), NOW).is_ok(), "{algorithm}");
        let tampered = signed(algorithm, Some(algorithm)).replace(".eyJ", ".eyK");
        assert!(ring.verify(&tampered, NOW).is_err(), "{algorithm}");
    }
    for (key, token) in [("EdDSA", "Ed25519"), ("Ed25519", "EdDSA")] {
        let ring = ring(&of).with_outside(keys(&of, &json!({"keys": [acme().jwk(key)]})));
        assert!(ring.verify(&signed(token, Some(key)), NOW).is_ok(), "{key} {token}");
    }
}

#[test]
fn keys_are_read_as_real_issuers_write_them() {
    let standard = |k: &mut Value, member: &str| {
        let text = k[member].as_str().unwrap().replace('-', "+").replace('_', "/");
        k[member] = text.into();
    };
    let zero = |k: &mut Value, member: &str| {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
        let mut bytes = BASE64.decode(k[member].as_str().unwrap()).unwrap();
        bytes.insert(0, 0);
        k[member] = BASE64.encode(bytes).into();
    };
    let rows: [(&str, Edit<'_>); 14] = [
        ("RS256", &|k| k["e"] = "AQAB=".into()),
        ("RS256", &|k| k["n"] = format!("{}==", k["n"].as_str().unwrap()).into()),
        ("RS256", &|k| standard(k, "n")),
        ("RS256", &|k| zero(k, "n")),
        ("ES256", &|k| zero(k, "x")),
        ("ES512", &|k| zero(k, "y")),
        ("RS256", &|k| k["use"] = "SIG".into()),
        ("ES256", &|k| k["use"] = "jwt-svid".into()),
        ("RS256", &|k| k["key_ops"] = json!([])),
        ("RS256", &|k| k["key_ops"] = json!(["sign", "verify"])),
        ("RS256", &|k| k["x5c"] = json!(["MIIC"])),
        ("RS256", &|k| (k["x5u"], k["x5t#S256"]) = ("https://a.test".into(), 1.into())),
        // Serializers that write every member that there is.
        ("RS256", &|k| {
            for member in ["d", "p", "q", "dp", "dq", "qi", "k", "crv", "x", "y", "x5c", "key_ops"]
            {
                k[member] = Value::Null;
            }
            (k["oth"], k["ext"]) = (json!([]), true.into());
        }),
        ("ES512", &|k| k["alg"] = "ES521".into()),
    ];
    let of = settings(ACME, "acme:");
    for (place, (algorithm, change)) in rows.into_iter().enumerate() {
        let mut key = acme().jwk(algorithm);
        change(&mut key);
        let ring = ring(&of).with_outside(keys(&of, &json!({"keys": [key]})));
        assert!(ring.verify(&signed(algorithm, Some(algorithm)), NOW).is_ok(), "row {place}");
    }
}

#[test]
fn as_many_keys_as_there_are_are_read_behind_a_byte_order_mark_too() {
    let many: Vec<_> =
        (0..700).map(|n| key("EdDSA", |k| k["kid"] = n.to_string().into())).collect();
    let (kids, left_out) = read(&format!("\u{feff}{}", json!({"keys": many}))).unwrap();
    assert_eq!((kids.len(), left_out.len()), (700, 0));
}

/// A token of the issuer, of this algorithm and with this `kid`.
fn signed(algorithm: &str, kid: Option<&str>) -> String {
    let (mut header, payload) = crate::outsiders::parts(ACME);
    header["alg"] = algorithm.into();
    match kid {
        Some(kid) => header["kid"] = kid.into(),
        None => drop(header.as_object_mut().unwrap().remove("kid")),
    }
    acme().sign_with(algorithm, &header, &payload)
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
    use hallpass_token::{ClaimPath, OutsideIssuer};
    type Change = fn(&mut OutsideIssuer);
    let table: &[(&str, Change)] = &[
        ("issuer", |s| s.issuer = "login.acme.test".to_owned()),
        ("issuer", |s| s.issuer = "https://login.acme.test/#1".to_owned()),
        ("issuer", |s| s.issuer = "https://login.acme.test/?a=1".to_owned()),
        ("issuer", |s| s.issuer = format!("https://{}", "x".repeat(160))),
        ("issuer", |s| s.issuer = "https://login acme".to_owned()),
        ("audience", |s| s.audience.clear()),
        ("audience", |s| s.audience.push(String::new())),
        ("audience_claim", |s| s.audience_claim = "".into()),
        ("scopes_claim", |s| s.scopes_claims.push(ClaimPath::Names(vec![]))),
        ("roles_claim", |s| s.roles_claims = vec![ClaimPath::Names(vec![String::new()])]),
        ("algorithms", |s| s.algorithms.clear()),
        ("algorithms", |s| s.algorithms = vec![Algorithm::Rs256, Algorithm::Hs256]),
        ("subject_prefix", |s| s.subject_prefix = "a\n".to_owned()),
        ("subject_prefix", |s| s.subject_prefix.clear()),
        ("scopes", |s| drop(s.scopes.insert("x".to_owned(), vec!["a b".to_owned()]))),
        ("roles", |s| drop(s.roles.insert("x".to_owned(), vec![String::new()]))),
        ("roles_claim", |s| s.roles_claims.clear()),
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
