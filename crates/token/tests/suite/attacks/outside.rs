//! Attacks around keys that are fetched: one issuer for another, a key for another purpose, a header that says where keys are.

use serde_json::{Value, json};

use super::Attack;
use super::lab::{Lab, hmac, with_signature};
use crate::fixtures::{parts as own_parts, secret_of};
use crate::outsiders::{ACME, OTHER, Outsider, acme, other, parts};

fn header(member: &str, value: Value) -> String {
    acme().changed(|h, _| h[member] = value)
}

/// A token of one issuer, signed by another.
fn by(signer: &Outsider, change: impl FnOnce(&mut Value, &mut Value)) -> String {
    let (mut header, mut payload) = parts(ACME);
    change(&mut header, &mut payload);
    signer.sign_with("RS256", &header, &payload)
}

/// An HMAC over a token that names an RSA key, with this secret.
fn confused(secret: &str) -> String {
    let (mut header, payload) = parts(ACME);
    header["alg"] = "HS256".into();
    hmac(&header, &payload, secret.as_bytes())
}

fn rsa_jwk(of: &Outsider) -> Value {
    of.jwks()["keys"][0].clone()
}

pub(super) const ATTACKS: &[Attack] = &[
    ("RSA public key as HMAC secret, PEM", "CVE-2015-9235; CVE-2016-10555; CVE-2022-29217", |_| {
        confused(&acme().pem())
    }),
    ("RSA public key as HMAC secret, PEM without its last line break", "CVE-2017-11424", |_| {
        confused(acme().pem().trim_end())
    }),
    ("RSA public key as HMAC secret, JWK", "CVE-2016-5431", |_| {
        confused(&rsa_jwk(acme()).to_string())
    }),
    ("RSA modulus as HMAC secret", "CVE-2024-54150", |_| {
        confused(rsa_jwk(acme())["n"].as_str().unwrap())
    }),
    ("RS256 signature under PS256", "RFC 8725 §3.1; one algorithm for a key", |_| {
        header("alg", "PS256".into())
    }),
    ("PS256 signature under RS256", "RFC 8725 §3.1", |_| {
        let (header, payload) = parts(ACME);
        acme().sign_with("PS256", &header, &payload)
    }),
    ("RSA signature of zeros", "CVE-2022-21449 for RSA; lenient decoders", |_| {
        let (header, payload) = parts(ACME);
        with_signature(&header, &payload, &[0; 256])
    }),
    ("RSA signature of one", "RSA: 1 to any power is 1", |_| {
        let (header, payload) = parts(ACME);
        let mut one = [0; 256];
        one[255] = 1;
        with_signature(&header, &payload, &one)
    }),
    (
        "jku of another issuer",
        "CVE-2018-0114; RFC 8725 §3.10; server-side request forgery",
        |_| by(other(), |h, _| h["jku"] = "https://login.other.test/keys".into()),
    ),
    ("jku of the issuer itself", "RFC 8725 §3.10", |_| {
        header("jku", format!("{ACME}/keys").into())
    }),
    ("x5u of another", "RFC 8725 §3.10", |_| {
        by(other(), |h, _| h["x5u"] = "https://login.other.test/c".into())
    }),
    ("x5c of another", "CVE-2023-48238; a certificate brought along", |_| {
        by(other(), |h, _| h["x5c"] = json!(["MIIB"]))
    }),
    ("jwk of another", "CVE-2018-0114; CVE-2022-23539", |_| {
        by(other(), |h, _| h["jwk"] = rsa_jwk(other()))
    }),
    (
        "mix-up: another issuer's key under this one's name",
        "RFC 8725 §3.8; RFC 9207; OAuth mix-up",
        |_| by(other(), |_, _| {}),
    ),
    ("mix-up: this issuer's token under another's name", "RFC 8725 §3.8", |_| {
        acme().changed(|_, p| p["iss"] = OTHER.into())
    }),
    (
        "an issuer that only begins like this one",
        "CVE-2024-5037-like prefix checks; RFC 8725 §3.8",
        |_| by(other(), |_, p| p["iss"] = format!("{ACME}.other.test").into()),
    ),
    ("an issuer in capitals", "OpenID Connect Core §2: compared as it stands", |_| {
        acme().changed(|_, p| p["iss"] = ACME.to_uppercase().into())
    }),
    ("two issuers as a list", "CVE-2024-53861; partial comparison of iss", |_| {
        acme().changed(|_, p| p["iss"] = json!([ACME, OTHER]))
    }),
    (
        "an outside issuer's key for a service of this mesh",
        "RFC 8725 §3.8; keys and issuers belong together",
        |_| {
            let (_, payload) = own_parts(hallpass_token::TokenType::Service);
            let header = json!({"alg": "RS256", "kid": "RS256", "typ": "hallpass-service+jwt"});
            acme().sign_with("RS256", &header, &payload)
        },
    ),
    ("a key of this mesh for an outside issuer", "RFC 8725 §3.8", |_| {
        let (mut header, payload) = parts(ACME);
        (header["alg"], header["kid"]) = ("HS256".into(), "users".into());
        hmac(&header, &payload, secret_of("users").as_bytes())
    }),
    ("kid with the issuer before it", "kid injection", |_| {
        header("kid", format!("{ACME}#RS256").into())
    }),
    ("kid of another issuer", "kid injection; RFC 8725 §3.8", |_| {
        by(other(), |h, _| h["kid"] = format!("{OTHER}#RS256").into())
    }),
    ("kid as a path to a key", "RFC 8725 §3.10", |_| header("kid", "../RS256".into())),
    ("no kid where there are several keys", "RFC 7517 §4.5; any key will do", |_| {
        acme().changed(|h, _| drop(h.as_object_mut().unwrap().remove("kid")))
    }),
    ("a key that a poisoned answer named twice", "JWKS poisoning", |_| {
        by(acme(), |h, _| h["kid"] = "twice".into())
    }),
    ("a key whose private part is published", "JWKS poisoning; RFC 7517 §9.2", |_| {
        by(acme(), |h, _| h["kid"] = "leaked".into())
    }),
    ("a key for encryption", "RFC 7517 §4.2; use ignored", |_| {
        by(acme(), |h, _| h["kid"] = "encrypts".into())
    }),
    ("a symmetric key in the JWKS", "JWKS poisoning; CVE-2016-5431", |_| {
        let (mut header, payload) = parts(ACME);
        (header["alg"], header["kid"]) = ("HS256".into(), "symmetric".into());
        hmac(&header, &payload, b"a secret that everybody can read!")
    }),
    ("an ID token as an access token", "RFC 9068 §4; CVE-2024-10318-like token confusion", |_| {
        header("typ", "JWT".into())
    }),
    (
        "a logout token of an outside issuer",
        "OpenID Connect Back-Channel Logout §2.4; RFC 8725 §3.11",
        |_| header("typ", "logout+jwt".into()),
    ),
    ("a proof of possession as a token", "RFC 9449 §4.2; RFC 8725 §3.11", |_| {
        header("typ", "dpop+jwt".into())
    }),
    ("another client's token", "RFC 8725 §3.9; RFC 9068 §4: aud", |_| {
        acme().changed(|_, p| p["aud"] = "billing".into())
    }),
    ("an audience that only begins like ours", "RFC 8725 §3.9", |_| {
        acme().changed(|_, p| p["aud"] = "hallpass-dev".into())
    }),
    ("a token bound to a key of the client", "RFC 9449 §6; binding ignored", |_| {
        acme().changed(|_, p| {
            p["cnf"] = json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"});
        })
    }),
    ("a token that never ends", "RFC 9068 §2.2", |_| {
        acme().changed(|_, p| drop(p.as_object_mut().unwrap().remove("exp")))
    }),
    (
        "a user of another issuer by the prefix of their name",
        "identity mix-up between issuers",
        |lab: &Lab| {
            // Taken it would be, but as another user: `other:acme:alice`.
            let token = other().changed(|_, p| p["sub"] = "acme:alice".into());
            let taken = lab.ring.verify(&token, crate::fixtures::NOW).unwrap();
            assert_eq!(taken.claims().subject.as_deref(), Some("other:acme:alice"));
            by(other(), |_, p| p["sub"] = "alice".into())
        },
    ),
];
