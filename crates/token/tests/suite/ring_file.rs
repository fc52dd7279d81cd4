//! The ring file: what it holds is kept, and what is wrong with it is named.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::{
    Algorithm, KeyRing, KeySpec, KeyState, Profile, RingError, TokenType, generate,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::fixtures::{K, NOW, OTHER_K, no_secret, parse, ring_of, service_token, spec, take};

pub(crate) fn entry() -> Value {
    json!({
        "kty": "oct", "kid": "one", "alg": "HS256", "use": "sig", "k": K,
        "hallpass": {
            "issuer": "platform", "owner": "platform", "types": ["service"],
            "scopes": ["labeler:read"], "audiences": ["labeler"], "state": "active",
        },
    })
}

fn problem(change: impl FnOnce(&mut Value)) -> String {
    let mut key = entry();
    change(&mut key);
    parse(&json!({ "keys": [key] })).unwrap_err().to_string()
}

#[test]
fn the_unchanged_ring_is_read() {
    let ring = parse(&json!({ "keys": [entry()] })).unwrap();
    let key = ring.key("one").unwrap();
    assert_eq!((key.algorithm(), key.state()), (Algorithm::Hs256, KeyState::Active));
    assert_eq!((key.issuer(), key.owner()), ("platform", "platform"));
    assert_eq!((key.types(), key.profile()), (&[TokenType::Service][..], Profile::Standard));
    assert_eq!((key.audiences(), key.can_sign()), (&["labeler".to_owned()][..], true));
    assert!(ring.key("two").is_none());
    assert_eq!(ring.keys().len(), 1);
}

type Change = fn(&mut Value);

const PROBLEMS: &[(Change, &str)] = &[
    (|k| k["kid"] = 1.into(), "key number 1: kid: not a string"),
    (|k| drop(take(k, "kid")), "key number 1: kid: missing"),
    (
        |k| k["kid"] = "".into(),
        "key number 1: kid: empty, too long or unprintable; right: 1 to 256 bytes without control characters",
    ),
    (|k| drop(take(k, "alg")), "key one: alg: missing"),
    (
        |k| k["alg"] = "none".into(),
        "key one: alg: not an algorithm; one of HS256, HS512, ES256, EdDSA",
    ),
    (
        |k| k["alg"] = "RS256".into(),
        "key one: alg: not an algorithm; one of HS256, HS512, ES256, EdDSA",
    ),
    (|k| k["alg"] = "EdDSA".into(), "key one: kty: not what alg needs; right: OKP"),
    (|k| k["use"] = "enc".into(), "key one: use: not for signatures; right: sig"),
    (|k| k["k"] = "A+".into(), "key one: k: not base64url; right: base64url without padding"),
    (|k| k["k"] = "AAAA".into(), "key one: k: 3 bytes; right: at least 32 random bytes"),
    (|k| drop(take(k, "k")), "key one: k: missing; right: k, or secret with the secret's place"),
    (
        |k| drop(take(k, "hallpass")),
        "key one: hallpass: missing; right: an object that says what the key is for",
    ),
    (
        |k| hallpass(k, "extra", true.into()),
        "key one: hallpass: has an unknown member \"extra\"; right: issuer, owner, types, scopes, audiences, state, profile, secret, no_expiry, roots, max_life, clock",
    ),
    (|k| hallpass(k, "issuer", 1.into()), "key one: issuer: not a string"),
    (
        |k| hallpass(k, "types", json!([])),
        "key one: types: none; right: the kinds of token that the key may sign",
    ),
    (
        |k| hallpass(k, "types", json!(["admin"])),
        "key one: types: not a token type; one of user, service, background, action",
    ),
    (
        |k| hallpass(k, "scopes", json!(["a b"])),
        "key one: scopes: not a scope; right: names such as labeler:read",
    ),
    (|k| hallpass(k, "scopes", "a".into()), "key one: scopes: not an array of strings"),
    (
        |k| hallpass(k, "audiences", json!([])),
        "key one: audiences: none; right: the services at which its tokens count",
    ),
    (
        |k| hallpass(k, "state", "old".into()),
        "key one: state: not known; right: next, active or retired",
    ),
    (
        |k| hallpass(k, "profile", "x".into()),
        "key one: profile: not known; right: standard, hybrid-v1 or bearer-v1",
    ),
    (
        |k| {
            hallpass(k, "profile", "hybrid-v1".into());
            hallpass(k, "types", json!(["service", "action"]));
        },
        "key one: types: not those of hybrid-v1; right: service, background",
    ),
    (
        |k| hallpass(k, "profile", "bearer-v1".into()),
        "key one: types: not that of bearer-v1; right: user",
    ),
    (
        |k| hallpass(k, "no_expiry", true.into()),
        "key one: no_expiry: only user tokens may live for ever; right: false",
    ),
    (
        |k| hallpass(k, "no_expiry", 1.into()),
        "key one: no_expiry: not a boolean; right: true or false",
    ),
    (
        |k| hallpass(k, "secret", "env:X".into()),
        "key one: k: both k and secret; right: one of them",
    ),
    (
        |k| hallpass(k, "secret", "plain".into()),
        "key one: secret: not a secret's place; env:NAME, file:PATH or ssm:/path",
    ),
    (
        |k| {
            take(k, "k");
            hallpass(k, "secret", "ssm:/x".into());
        },
        "key one: secret: ssm:/x: nothing at ssm:/x in this test",
    ),
];

#[test]
fn a_problem_names_the_key_the_member_and_what_would_be_right() {
    for (change, right) in PROBLEMS {
        assert_eq!(problem(change), *right);
    }
}

fn hallpass(key: &mut Value, member: &str, value: Value) {
    key["hallpass"][member] = value;
}

#[test]
fn texts_that_are_no_ring() {
    for text in ["", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[],\"keys\":[]}"] {
        let error = KeyRing::parse(text, &no_secret).unwrap_err();
        assert!(matches!(error, RingError::Unreadable(_)), "{text}");
    }
    let error = KeyRing::parse("{\"keys\":[1]}", &no_secret).unwrap_err().to_string();
    assert_eq!(error, "key number 1: keys: not an object; right: a JWK");
}

#[test]
fn names_and_keys_are_unique() {
    let other = |change: fn(&mut Value)| {
        let mut second = entry();
        second["kid"] = "two".into();
        second["k"] = "YSBzZWNyZXQgb2YgdGhpcnR5IGJ5dGVzLCB0d28h".into();
        change(&mut second);
        parse(&json!({ "keys": [entry(), second] })).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(
        other(|_| {}),
        Err("key two: k: 30 bytes; right: at least 32 random bytes".to_owned())
    );
    assert_eq!(other(|key| key["k"] = OTHER_K.into()), Ok(()));
    let twice = other(|key| {
        key["k"] = OTHER_K.into();
        key["kid"] = "one".into();
    });
    assert_eq!(
        twice,
        Err("key one: kid: two keys have this name; right: a name of its own for each".to_owned())
    );
    let same = other(|key| key["k"] = K.into());
    assert_eq!(
        same,
        Err("key two: alg: the same key as one; right: a key of its own for each entry".to_owned())
    );
}

#[test]
fn tokens_without_kid_are_of_few_keys() {
    use KeyState::{Active, Next, Retired};
    let made = |kid: &str, state| {
        let mut spec = spec(kid, Profile::HybridV1);
        spec.state = state;
        generate(Algorithm::Hs256, spec).unwrap()
    };
    let ring = |states: &[KeyState]| {
        let keys = states.iter().enumerate();
        KeyRing::new(keys.map(|(index, state)| made(&index.to_string(), *state)).collect())
    };
    assert!(ring(&[Active, Next, Retired, Retired]).is_ok());
    let error = ring(&[Active, Active]).unwrap_err().to_string();
    assert!(error.starts_with("key 1: profile: 0 has the same profile and state"), "{error}");
}

#[test]
fn a_written_ring_is_the_same_ring() {
    for algorithm in Algorithm::ALL {
        let ring = ring_of(algorithm);
        let file = ring.to_json();
        let again = KeyRing::parse(file.expose_secret(), &no_secret).unwrap();
        assert_eq!(again.key("made").unwrap().spec(), ring.key("made").unwrap().spec());
        assert_eq!(again.to_json().expose_secret(), file.expose_secret());
        let minted = again.mint("made", &service_token(), NOW).unwrap();
        assert!(ring.verify(minted.expose(), NOW).is_ok());
    }
}

#[test]
fn nothing_private_is_given_away() {
    let made = |kid: &str, algorithm, state| {
        generate(algorithm, KeySpec { state, ..spec(kid, Profile::Standard) }).unwrap()
    };
    let keys = Algorithm::ALL.iter().flat_map(|algorithm| {
        let states = [("next", KeyState::Next), ("retired", KeyState::Retired)];
        states.map(|(name, state)| made(&format!("{name} {algorithm}"), *algorithm, state))
    });
    let ring = KeyRing::new(keys.collect()).unwrap();
    let public = ring.public_jwks();
    let given: Vec<_> = public["keys"].as_array().unwrap().iter().collect();
    assert_eq!(
        given.len(),
        2,
        "shared secrets have no public part, and retired keys are not given"
    );
    for key in given {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let right = ["alg", "crv", "kid", "kty", "use", "x", "y"];
        assert!(names.iter().all(|name| right.contains(name)), "{names:?}");
    }
}

#[test]
fn a_private_part_belongs_to_its_public_part() {
    for (algorithm, error) in [
        (Algorithm::EdDsa, "key made: d: not the private part of x"),
        (Algorithm::Es256, "key made: d: not the private part of x and y"),
    ] {
        let file = |ring: &KeyRing| -> Value {
            serde_json::from_str(ring.to_json().expose_secret()).unwrap()
        };
        let (mut one, other) = (file(&ring_of(algorithm)), file(&ring_of(algorithm)));
        one["keys"][0]["d"] = other["keys"][0]["d"].clone();
        assert_eq!(parse(&one).unwrap_err().to_string(), error);
        one["keys"][0]["d"] = "AAAA".into();
        assert_eq!(parse(&one).unwrap_err().to_string(), "key made: d: 3 bytes; right: 32");
    }
    let mut file: Value =
        serde_json::from_str(ring_of(Algorithm::Es256).to_json().expose_secret()).unwrap();
    file["keys"][0]["y"] = K.into();
    assert_eq!(
        parse(&file).unwrap_err().to_string(),
        "key made: x: x and y are not a point of P-256"
    );
}

#[test]
fn the_other_name_of_ed25519_is_read_for_our_own_keys_too() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let pair = Ed25519KeyPair::generate().unwrap();
    let entry = json!({
        "issuer": "users", "owner": "platform", "types": ["user"], "scopes": ["platform:read"], "audiences": ["platform"],
    });
    let key = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": "users", "alg": "Ed25519", "x": encode(pair.public_key().as_ref()), "hallpass": entry,
    });
    let ring = parse(&json!({ "keys": [key] })).unwrap();
    assert_eq!(ring.keys().next().unwrap().algorithm(), Algorithm::EdDsa);
    assert_eq!("Ed25519".parse(), Ok(Algorithm::EdDsa));
    assert_eq!(ring.public_jwks()["keys"][0]["alg"], "EdDSA", "it is written by its usual name");
    let (mut header, payload) = crate::fixtures::parts(TokenType::User);
    for name in ["EdDSA", "Ed25519"] {
        header["alg"] = name.into();
        let signed = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(payload.to_string().as_bytes())
        );
        let token = format!("{signed}.{}", encode(pair.sign(signed.as_bytes()).as_ref()));
        assert!(ring.verify(&token, NOW).is_ok(), "{name}");
        assert!(ring.unverified(&token).unwrap().name.is_some(), "{name}");
    }
}
