//! An issuer that answers as a test says: well, wrongly, slowly, without end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod server;
mod standing;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_guard::{Clock, Keys};
use hallpass_token::{Algorithm, KeyRing, OutsideIssuer, UnixTime};

use crate::{IssuerSettings, Oidc, ProxySettings};

/// Settings of an issuer on loopback.
fn settings(issuer: &str, jwks_uri: Option<String>) -> IssuerSettings {
    let issuer = OutsideIssuer {
        issuer: issuer.to_owned(),
        audience: vec!["hallpass".to_owned()],
        audience_claim: "aud".into(),
        audiences_here: vec!["platform".to_owned()],
        algorithms: Algorithm::OUTSIDE.into(),
        subject_prefix: format!("{issuer}#"),
        plain_jwt: false,
        scopes_claims: vec!["scope".into()],
        scopes: BTreeMap::new(),
        roles_claims: vec![],
        roles: BTreeMap::new(),
        require: BTreeMap::new(),
    };
    let (refresh, keep) = (Some(Duration::from_mins(5)), Duration::from_hours(1));
    IssuerSettings { issuer, jwks_uri, ca: None, proxy: ProxySettings::NONE, refresh, keep }
}

/// A JWKS of new keys with these names.
fn jwks(kids: &[&str]) -> String {
    let key = |kid: &&str| {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        serde_json::json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x})
    };
    serde_json::json!({"keys": kids.iter().map(key).collect::<Vec<_>>()}).to_string()
}

/// What a process knows of one issuer, fetched when the test says so.
struct Watching {
    oidc: Oidc,
    keys: Keys,
    clock: Clock,
    issuer: String,
}

impl Watching {
    fn new(settings: &IssuerSettings) -> Self {
        let keys = Keys::new(KeyRing::default());
        let clock = Clock::manual(UnixTime::from_secs(1_000_000));
        let issuer = settings.issuer.issuer.clone();
        let oidc = Oidc::open(std::slice::from_ref(settings), true, &keys, &clock).unwrap();
        Self { oidc, keys, clock, issuer }
    }

    async fn fetch(&self) {
        self.oidc.issuer(&self.issuer).unwrap().fetch().await;
    }

    fn seek(&self) -> bool {
        self.oidc.issuer(&self.issuer).unwrap().seek()
    }

    fn kids(&self) -> Vec<String> {
        let ring = self.keys.ring();
        ring.outside(&self.issuer).unwrap().kids().map(str::to_owned).collect()
    }
}
