//! Attacks on algorithms and keys: which one verifies, and who says so.

use serde_json::{Value, json};

use super::Attack;
use super::lab::{Lab, encode, hmac, none, with_signature};
use crate::fixtures::{SERVICES, secret_of, service_parts};

fn unsigned(alg: &str) -> String {
    let (mut header, payload) = service_parts();
    header["alg"] = alg.into();
    with_signature(&header, &payload, &[])
}

/// An HMAC made with bytes of the public key of an asymmetric one, under a header that says so.
fn confused(lab: &Lab, kid: &str, secret: &[u8]) -> String {
    let (mut header, payload) = lab.opened(kid);
    header["alg"] = "HS256".into();
    hmac(&header, &payload, secret)
}

/// The PEM form of a public key, with the prefix of its kind.
fn pem(lab: &Lab, kid: &str) -> String {
    use base64::Engine as _;
    let prefix: &[u8] = match kid {
        "EdDSA" => &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
        _ => &[
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
            0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ],
    };
    let der = [prefix, &lab.raw(kid)].concat();
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}

fn with_kid(kid: &Value) -> String {
    let (mut header, payload) = service_parts();
    header["kid"] = kid.clone();
    hmac(&header, &payload, SERVICES.as_bytes())
}

fn with_header(member: &str, value: Value) -> String {
    let (mut header, payload) = service_parts();
    header[member] = value;
    hmac(&header, &payload, SERVICES.as_bytes())
}

pub(super) const ATTACKS: &[Attack] = &[
    ("alg none", "RFC 8725 §2.1; CVE-2018-1000531; CVE-2020-15957; CVE-2021-22160", |_| {
        unsigned("none")
    }),
    ("alg None", "RFC 8725 §2.1 (filters that compare the case)", |_| unsigned("None")),
    ("alg NONE", "RFC 8725 §2.1", |_| unsigned("NONE")),
    ("alg nOnE", "RFC 8725 §2.1", |_| unsigned("nOnE")),
    ("alg none without a kid", "CVE-2022-23540 (default of an absent key)", |_| {
        let (_, payload) = service_parts();
        with_signature(&none(), &payload, &[])
    }),
    ("alg none with the good signature left", "RFC 8725 §2.1", |lab| {
        lab.signed(|h, _| h["alg"] = "none".into())
    }),
    ("alg empty", "RFC 7515 §4.1.1", |_| unsigned("")),
    ("no alg", "RFC 7515 §4.1.1", |lab| {
        lab.signed(|h, _| drop(h.as_object_mut().unwrap().remove("alg")))
    }),
    ("alg is null", "RFC 7515 §4.1.1", |lab| lab.signed(|h, _| h["alg"] = Value::Null)),
    ("alg is a list", "type confusion", |lab| {
        lab.signed(|h, _| h["alg"] = json!(["HS256", "none"]))
    }),
    ("alg that nobody has", "RFC 7515 §4.1.1", |_| unsigned("HS1")),
    ("a weaker algorithm of the family", "RFC 8725 §3.1", |lab| {
        lab.signed(|h, _| h["alg"] = "HS384".into())
    }),
    (
        "Ed25519 public key as HMAC secret, raw",
        "RFC 8725 §2.1; CVE-2015-9235; CVE-2016-10555",
        |lab| confused(lab, "EdDSA", &lab.raw("EdDSA")),
    ),
    ("Ed25519 public key as HMAC secret, PEM", "CVE-2022-29217; CVE-2017-11424", |lab| {
        confused(lab, "EdDSA", pem(lab, "EdDSA").as_bytes())
    }),
    ("Ed25519 public key as HMAC secret, JWK", "CVE-2016-5431", |lab| {
        confused(lab, "EdDSA", lab.jwk("EdDSA").to_string().as_bytes())
    }),
    ("P-256 public key as HMAC secret, raw", "CVE-2024-33663", |lab| {
        confused(lab, "ES256", &lab.raw("ES256"))
    }),
    ("P-256 public key as HMAC secret, PEM", "CVE-2024-33663; CVE-2024-54150", |lab| {
        confused(lab, "ES256", pem(lab, "ES256").as_bytes())
    }),
    ("P-256 public key as HMAC secret, JWK", "CVE-2016-5431", |lab| {
        confused(lab, "ES256", lab.jwk("ES256").to_string().as_bytes())
    }),
    ("an HMAC under the name of an asymmetric algorithm", "RFC 8725 §2.1", |lab| {
        let (header, payload) = lab.opened("EdDSA");
        hmac(&header, &payload, &lab.raw("EdDSA"))
    }),
    ("empty HMAC secret", "RFC 8725 §2.2; absent configuration", |_| {
        let (header, payload) = service_parts();
        hmac(&header, &payload, b"")
    }),
    ("HMAC secret that everybody tries first", "RFC 8725 §2.2; lists of known secrets", |_| {
        let (header, payload) = service_parts();
        hmac(&header, &payload, b"secret")
    }),
    ("ECDSA signature of zeros", "CVE-2022-21449", |lab| {
        let (header, payload) = lab.opened("ES256");
        with_signature(&header, &payload, &[0; 64])
    }),
    ("ECDSA signature of r = s = n", "CVE-2022-21449", |lab| {
        let (header, payload) = lab.opened("ES256");
        let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
        let bytes: Vec<u8> =
            (0..32).map(|at| u8::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap()).collect();
        with_signature(&header, &payload, &[bytes.as_slice(), &bytes].concat())
    }),
    ("ECDSA signature in DER", "RFC 7518 §3.4; lenient decoders", |lab| {
        let (header, payload) = lab.opened("ES256");
        with_signature(&header, &payload, &[0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01])
    }),
    ("EdDSA signature of the neutral element", "RFC 8032 §8.9; small-order points", |lab| {
        let (header, payload) = lab.opened("EdDSA");
        let mut signature = [0; 64];
        signature[0] = 1;
        with_signature(&header, &payload, &signature)
    }),
    ("a key brought along", "CVE-2018-0114", |lab| {
        let mut jwk = lab.jwk("EdDSA");
        jwk["kid"] = "services".into();
        with_header("jwk", jwk)
    }),
    ("a key behind a URL", "RFC 8725 §3.10; jku", |_| {
        with_header("jku", "https://attacker.test/keys".into())
    }),
    ("a certificate behind a URL", "RFC 8725 §3.10; x5u", |_| {
        with_header("x5u", "https://attacker.test/cert".into())
    }),
    ("a certificate brought along", "RFC 7515 §4.1.6; x5c", |_| {
        with_header("x5c", json!(["MIIB"]))
    }),
    ("an extension that must be understood", "RFC 7515 §4.1.11; crit ignored", |_| {
        with_header("crit", json!(["exp"]))
    }),
    ("kid as a path", "RFC 8725 §3.10", |_| with_kid(&"../../../../dev/null".into())),
    ("kid as SQL", "RFC 8725 §3.10", |_| with_kid(&"' UNION SELECT 'x' --".into())),
    ("kid as a command", "RFC 8725 §3.10", |_| with_kid(&"services; id".into())),
    ("kid as a URL", "RFC 8725 §3.10 (server-side request forgery)", |_| {
        with_kid(&"http://169.254.169.254/".into())
    }),
    ("kid with a zero byte", "string truncation", |_| with_kid(&"services\0".into())),
    ("kid of another case", "lenient look-ups", |_| with_kid(&"Services".into())),
    ("kid is an object", "type confusion", |_| with_kid(&json!({"kid": "services"}))),
    ("a retired key", "RFC 7517 §4.5; keys that rotate", |lab| {
        let (mut header, payload) = service_parts();
        header["kid"] = "gone".into();
        let token = hmac(&header, &payload, secret_of("gone").as_bytes());
        assert!(lab.ring.key("gone").is_some());
        token
    }),
    ("another key's signature", "RFC 8725 §3.8; keys are not mixed", |_| {
        let (header, payload) = service_parts();
        hmac(&header, &payload, secret_of("users").as_bytes())
    }),
    ("the signature of another token", "RFC 7515 §5.2", |lab| {
        let (_, payload) = lab.opened("EdDSA");
        let other = lab.minted("EdDSA");
        let (head, rest) = other.split_once('.').unwrap();
        let signature = rest.split_once('.').unwrap().1;
        let mut payload = payload;
        payload["sub"] = "admin".into();
        format!("{head}.{}.{signature}", encode(payload.to_string().as_bytes()))
    }),
];
