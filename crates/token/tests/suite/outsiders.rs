//! Outside issuers with keys of every kind, which sign whatever they are given.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hallpass_token::{Algorithm, KeyRing, OutsideIssuer, OutsideKeys};
use serde_json::{Value, json};

use crate::fixtures::NOW;

/// The first issuer's name.
pub(crate) const ACME: &str = "https://login.acme.test/realms/1";

/// The second issuer's name.
pub(crate) const OTHER: &str = "https://login.other.test";

/// One issuer's keys.
pub(crate) struct Outsider {
    pub(crate) url: &'static str,
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    p521: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

/// Making RSA keys takes a while: there are two sets for all tests.
static ISSUERS: LazyLock<[Outsider; 2]> = LazyLock::new(|| [ACME, OTHER].map(Outsider::new));

/// The first issuer.
pub(crate) fn acme() -> &'static Outsider {
    &ISSUERS[0]
}

/// The second issuer. Its keys have the same names as the first one's.
pub(crate) fn other() -> &'static Outsider {
    &ISSUERS[1]
}

/// What the tests' issuers are set to.
pub(crate) fn settings(url: &str, prefix: &str) -> OutsideIssuer {
    let map = |pairs: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        pairs.iter().map(|(value, means)| ((*value).to_owned(), owned(means))).collect()
    };
    OutsideIssuer {
        issuer: url.to_owned(),
        audience: vec!["hallpass".to_owned()],
        audience_claim: "aud".into(),
        audiences_here: vec!["platform".to_owned()],
        algorithms: Algorithm::OUTSIDE.into(),
        subject_prefix: prefix.to_owned(),
        plain_jwt: false,
        scopes_claims: vec!["scope".into()],
        scopes: map(&[("read", &["datasets:read"]), ("all", &["datasets:read", "datasets:write"])]),
        roles_claims: vec!["realm_access.roles".into()],
        roles: map(&[("ml-admins", &["operator"])]),
        require: BTreeMap::new(),
    }
}

/// A ring that takes the tokens of both issuers, over the given one.
pub(crate) fn with_both(ring: &KeyRing) -> KeyRing {
    ring.with_outside(keys(&settings(ACME, "acme:"), &acme().jwks()))
        .with_outside(keys(&settings(OTHER, "other:"), &other().jwks()))
}

/// A ring of one issuer with these settings.
pub(crate) fn ring(settings: &OutsideIssuer) -> KeyRing {
    KeyRing::default().with_outside(keys(settings, &acme().jwks()))
}

/// An issuer's keys out of its JWKS.
pub(crate) fn keys(settings: &OutsideIssuer, jwks: &Value) -> OutsideKeys {
    let issuer = Arc::new(settings.clone());
    let (keys, left_out) = OutsideKeys::read(&issuer, jwks.to_string().as_bytes()).unwrap();
    assert_eq!(left_out, []);
    keys
}

/// Header and payload of an access token (RFC 9068) that such a ring takes.
pub(crate) fn parts(url: &str) -> (Value, Value) {
    let now = NOW.as_secs();
    let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": "RS256"});
    let payload = json!({
        "iss": url, "sub": "alice", "aud": "hallpass", "client_id": "app", "scope": "openid read",
        "iat": now, "exp": now + 300, "jti": "1", "realm_access": {"roles": ["ml-admins", "other"]},
    });
    (header, payload)
}

impl Outsider {
    fn new(url: &'static str) -> Self {
        Self {
            url,
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            p384: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
            p521: EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap(),
            ed25519: Ed25519KeyPair::generate().unwrap(),
        }
    }

    /// Its public keys; each is named after its algorithm.
    pub(crate) fn jwks(&self) -> Value {
        let (n, e) = (self.modulus(), self.exponent());
        let point = self.p256.public_key().as_ref();
        json!({"keys": [
            {"kty": "RSA", "kid": "RS256", "alg": "RS256", "use": "sig", "n": n, "e": e},
            {"kty": "RSA", "kid": "PS256", "alg": "PS256", "key_ops": ["verify"], "n": n, "e": e},
            {"kty": "EC", "kid": "ES256", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])},
            {"kty": "OKP", "kid": "EdDSA", "crv": "Ed25519", "x": encode(self.ed25519.public_key().as_ref())},
        ]})
    }

    /// Its key for this algorithm, as it is published, under a name of its own.
    pub(crate) fn jwk(&self, algorithm: &str) -> Value {
        let point = |curve: &str, pair: &EcdsaKeyPair| {
            let (x, y) =
                pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
            json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
        };
        let mut jwk = match algorithm {
            "ES256" => point("P-256", &self.p256),
            "ES384" => point("P-384", &self.p384),
            "ES512" => point("P-521", &self.p521),
            "EdDSA" | "Ed25519" => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(self.ed25519.public_key().as_ref())})
            }
            _ => json!({"kty": "RSA", "n": self.modulus(), "e": self.exponent()}),
        };
        (jwk["kid"], jwk["alg"]) = (algorithm.into(), algorithm.into());
        jwk
    }

    /// Signs with the key of the algorithm, whatever the header says.
    pub(crate) fn sign_with(&self, algorithm: &str, header: &Value, payload: &Value) -> String {
        let part = |json: &Value| encode(json.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(payload));
        let signature = self.signature(algorithm, signed.as_bytes());
        format!("{signed}.{}", encode(&signature))
    }

    /// A token whose header and payload were changed.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut payload) = parts(self.url);
        change(&mut header, &mut payload);
        self.sign_with("RS256", &header, &payload)
    }

    /// Its RSA public key, as PEM.
    pub(crate) fn pem(&self) -> String {
        let der = aws_lc_rs::signature::KeyPair::public_key(&self.rsa).as_der().unwrap();
        let text = STANDARD.encode(der.as_ref());
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    fn signature(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let ecdsa = |pair: &EcdsaKeyPair| {
            pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
        };
        match algorithm {
            "RS256" => self.rsa_signature(&RSA_PKCS1_SHA256, message),
            "RS384" => self.rsa_signature(&RSA_PKCS1_SHA384, message),
            "RS512" => self.rsa_signature(&RSA_PKCS1_SHA512, message),
            "PS256" => self.rsa_signature(&RSA_PSS_SHA256, message),
            "PS384" => self.rsa_signature(&RSA_PSS_SHA384, message),
            "PS512" => self.rsa_signature(&RSA_PSS_SHA512, message),
            "ES256" => ecdsa(&self.p256),
            "ES384" => ecdsa(&self.p384),
            "ES512" => ecdsa(&self.p521),
            _ => self.ed25519.sign(message).as_ref().to_vec(),
        }
    }

    fn rsa_signature(&self, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        self.rsa.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }

    fn modulus(&self) -> String {
        encode(self.rsa.public_key().modulus().big_endian_without_leading_zero())
    }

    fn exponent(&self) -> String {
        encode(self.rsa.public_key().exponent().big_endian_without_leading_zero())
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
