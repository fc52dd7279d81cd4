//! The keys of the mesh, and the tokens that are revoked.

use std::time::Duration;

use aws_lc_rs::rand;
use hallpass_guard::Keys;
use hallpass_token::{
    Algorithm, Key, KeyRing, KeySpec, KeyState, NewToken, Profile, TokenId, TokenType, UnixTime,
    generate,
};
use tonic::metadata::{Ascii, MetadataValue};

/// An administrator's key, a node's own, and that of the tokens which are revoked.
pub fn ring() -> KeyRing {
    let keys = vec![
        key("users", "users", TokenType::User, "revocations:admin", "platform"),
        key("labeler", "labeler", TokenType::Background, "revocations:read", "platform"),
        key("platform", "platform", TokenType::Service, "labeler:read", "labeler"),
    ];
    KeyRing::new(keys).expect("a ring")
}

/// A token that the nodes let through until it is revoked.
#[derive(Debug, Clone)]
pub struct Pass {
    /// Its `jti`.
    pub id: String,
    /// The value of `authorization`.
    pub authorization: MetadataValue<Ascii>,
}

impl Pass {
    /// A new one.
    pub fn mint(keys: &Keys, now: UnixTime) -> Self {
        let mut token = NewToken::new(TokenType::Service, id());
        token.subject = Some("alice".to_owned());
        token.service = Some("platform".to_owned());
        token.audience = vec!["labeler".to_owned()];
        token.scopes = std::iter::once("labeler:read").collect();
        token.life = Some(Duration::from_mins(5));
        let authorization = minted(keys, "platform", &token, now);
        Self { id: token.id.as_str().to_owned(), authorization }
    }
}

/// What an administrator shows.
pub(super) fn administrator(keys: &Keys, now: UnixTime) -> MetadataValue<Ascii> {
    let mut token = NewToken::new(TokenType::User, id());
    token.subject = Some("root".to_owned());
    token.audience = vec!["platform".to_owned()];
    token.scopes = std::iter::once("revocations:admin").collect();
    minted(keys, "users", &token, now)
}

fn minted(keys: &Keys, kid: &str, token: &NewToken, now: UnixTime) -> MetadataValue<Ascii> {
    let minted = keys.ring().mint(kid, token, now).expect("a token");
    format!("Bearer {}", minted.expose()).parse().expect("ASCII")
}

fn id() -> TokenId {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).expect("random bytes");
    TokenId::from_random(bytes)
}

fn key(kid: &str, owner: &str, signs: TokenType, scope: &str, audience: &str) -> Key {
    let spec = KeySpec {
        kid: kid.to_owned(),
        issuer: owner.to_owned(),
        owner: owner.to_owned(),
        types: vec![signs],
        scopes: std::iter::once(scope).collect(),
        audiences: vec![audience.to_owned()],
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    generate(Algorithm::EdDsa, spec).expect("a key")
}
