//! Every kind of caller that the matrix sends: one good token, and each way in which it can be wrong.
//!
//! The mesh's own keys may sign little, so the matrix adds keys of its own to the rings, one for each kind of token, which
//! may sign for every audience and scope: then each caller differs from the good one in one respect only.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_contract::{ACTIONS, SERVICES};
use hallpass_policy::{Access, Rule};
use hallpass_token::{
    Algorithm, Key, KeyRing, KeySpec, KeyState, NewToken, Profile, Scopes, TokenId, TokenType,
    UnixTime, Verified, generate,
};

/// The user that every token of the matrix is for.
pub(crate) const SUBJECT: &str = "alice";

/// The keys of the matrix, with their private parts.
pub(crate) struct Keys(pub(crate) KeyRing);

impl Keys {
    /// A key for each kind of token, a retired one, and one that the mesh does not know.
    pub(crate) fn new() -> Self {
        let kinds = TokenType::ALL.map(|kind| key(kind.as_str(), kind));
        let others = ["retired", "unknown"]
            .into_iter()
            .flat_map(|name| TokenType::ALL.map(|kind| key(&format!("{name}-{kind}"), kind)));
        Self(KeyRing::new(kinds.into_iter().chain(others).collect()).expect("the keys make a ring"))
    }

    /// The keys as the mesh is to know them: public, one of them retired, one absent.
    pub(crate) fn as_known(&self) -> Vec<serde_json::Value> {
        let mut jwks = self.0.public_jwks();
        let keys = jwks["keys"].as_array_mut().expect("a JWKS").iter_mut();
        keys.filter(|key| !key["kid"].as_str().is_some_and(|kid| kid.contains("unknown")))
            .map(|key| {
                let entry = self.0.key(key["kid"].as_str().expect("a kid")).expect("our key");
                let state = if entry.kid().contains("retired") { "retired" } else { "active" };
                key["hallpass"] = serde_json::json!({
                    "issuer": entry.issuer(), "owner": entry.owner(), "types": entry.types(),
                    "scopes": entry.scopes().iter().collect::<Vec<_>>(),
                    "audiences": entry.audiences(), "state": state,
                });
                key.take()
            })
            .collect()
    }

    /// Signs a token with the key of its kind, or with a named one.
    pub(crate) fn sign(&self, token: &NewToken, key: Option<&str>, now: UnixTime) -> String {
        let kid = match key {
            None => format!("matrix-{}", token.token_type),
            Some(name) => format!("matrix-{name}-{}", token.token_type),
        };
        self.0.mint(&kid, token, now).expect("the matrix may sign it").expose().to_owned()
    }

    /// A token as its verifiers see it.
    pub(crate) fn verify(&self, token: &str, now: UnixTime) -> Verified {
        self.0.verify(token, now).expect("the matrix signed it")
    }
}

fn key(name: &str, kind: TokenType) -> Key {
    let spec = KeySpec {
        kid: format!("matrix-{name}"),
        issuer: "matrix".to_owned(),
        owner: "matrix".to_owned(),
        types: vec![kind],
        scopes: every_scope(),
        audiences: ["platform", "labeler", "other"]
            .into_iter()
            .chain(ACTIONS.iter().map(|action| action.audience))
            .map(str::to_owned)
            .collect(),
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    generate(Algorithm::EdDsa, spec).expect("a key")
}

fn every_scope() -> Scopes {
    SERVICES.iter().flat_map(|service| service.scopes).map(|(name, _)| *name).collect()
}

/// The instant at which the matrix signs.
pub(crate) fn now() -> UnixTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "the mesh under test runs on the machine's clock"
    )]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UnixTime::from_secs(since.as_secs())
}

/// The kind of token that a rule takes first; a user's for public ones.
pub(crate) fn kind_for(rule: &Rule) -> TokenType {
    match rule.access {
        Access::Tokens { types, .. } => types[0],
        Access::Public => TokenType::User,
    }
}

/// A token of this kind that the rule lets through, if it takes the kind at all.
pub(crate) fn token(rule: &Rule, kind: TokenType) -> NewToken {
    let mut token = NewToken::new(kind, fresh_id());
    token.audience = vec![rule.audience.to_owned()];
    token.scopes = every_scope();
    if kind != TokenType::Background {
        token.subject = Some(subject(rule).to_owned());
    }
    if kind.names_service() {
        token.service = Some("matrix".to_owned());
    }
    token.life = Some(Duration::from_mins(2));
    token
}

/// Whose the tokens for an RPC are. One that revokes all of its caller's is called by somebody with nothing else to lose.
fn subject(rule: &Rule) -> &'static str {
    if rule.method == "RevokeAllTokens" { "carol" } else { SUBJECT }
}

/// An action token that the rule lets through beside a user's own. Where it demands none, it is for the rule's service.
pub(crate) fn action(rule: &Rule, now: UnixTime) -> NewToken {
    let mut token = token(rule, TokenType::Action);
    token.scopes = Scopes::default();
    if let Some(action) = rule.action() {
        token.audience = vec![action.audience.to_owned()];
        token.roles = action.roles.iter().map(|&role| role.to_owned()).collect();
        let factors = action.step_up.map(|step_up| step_up.amr).unwrap_or_default();
        token.amr = factors.iter().map(|&factor| factor.to_owned()).collect();
        token.auth_time = Some(now);
    }
    token
}

/// A token id that no other token has.
pub(crate) fn fresh_id() -> TokenId {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("randomness");
    TokenId::from_random(bytes)
}

/// The token with one bit of one decoded part flipped: 0 is the header, 1 the payload, 2 the signature.
pub(crate) fn tampered(token: &str, part: usize) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut bytes = URL_SAFE_NO_PAD.decode(&parts[part]).expect("base64url");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    parts[part] = URL_SAFE_NO_PAD.encode(bytes);
    parts.join(".")
}

/// The token with another `alg` in its header, and without a signature if that is `none`.
pub(crate) fn with_algorithm(token: &str, algorithm: &str) -> String {
    let (header, rest) = token.split_once('.').expect("a token");
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let mut header: serde_json::Value = serde_json::from_slice(&header).expect("JSON");
    header["alg"] = algorithm.into();
    let (payload, signature) = rest.split_once('.').expect("a token");
    let signature = if algorithm == "none" { "" } else { signature };
    format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()))
}
