//! Every way in which a token's form, header, key or signature can be wrong, and what is said of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::Algorithm;
use hallpass_token::Limit;
use hallpass_token::TokenError::{
    self, Algorithm as WrongAlgorithm, BadSignature, BeyondLimit, HeaderNotAccepted, KeyRetired,
    Malformed, TypeMismatch, TypeNotAllowed, UnknownKey, WrongIssuer,
};
use serde_json::json;

use crate::fixtures::{
    Change, NOW, SERVICES, forge, forge_text, forgers_ring, judge, ring_of, service_parts,
    service_token, sign_part, take, verdict,
};

const NOT_TEXT: TokenError = Malformed("a header member is not a string");

#[test]
fn the_unchanged_token_is_accepted() {
    assert_eq!(verdict(|_, _| {}), Ok(()));
}

const HEADERS: &[(&str, Change, TokenError)] = &[
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

#[test]
fn headers() {
    judge(HEADERS);
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
        (
            format!("{signed}.{}", "A".repeat(16_400)),
            BeyondLimit("the token", Limit::Bytes(16_384)),
        ),
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
