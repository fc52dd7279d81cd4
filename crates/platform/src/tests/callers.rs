//! Users with tokens, and the permits that their calls would get.

use std::sync::Arc;

use hallpass_contract::rule;
use hallpass_guard::Keys;
use hallpass_policy::{DecisionId, Permit};
use hallpass_token::{
    Algorithm, KeyRing, KeySpec, KeyState, MintedToken, NewToken, Profile, Scopes, TokenId,
    TokenType, UnixTime, Verified, generate,
};

pub(super) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// The id of every decision that a test's permit comes from.
pub(super) const DECISION: DecisionId = DecisionId::new(7, 7);

/// One ring for users, Platform and Labeler.
pub(super) fn keys() -> Keys {
    let users = spec(
        "users",
        TokenType::User,
        "platform",
        &[
            "datasets:read",
            "datasets:write",
            "datasets:delete",
            "datasets:share",
            "datasets:import",
            "jobs:read",
            "jobs:write",
        ],
    );
    let platform = spec(
        "platform",
        TokenType::Service,
        "labeler",
        &["labeler:read", "labeler:write", "labeler:delete", "labeler:share", "labeler:import"],
    );
    let platform = KeySpec { types: vec![TokenType::Service, TokenType::Background], ..platform };
    let key = |spec| generate(Algorithm::EdDsa, spec).unwrap();
    Keys::new(KeyRing::new(vec![key(users), key(platform)]).unwrap())
}

/// The token of a user that holds it for an hour, with every scope of Platform.
pub(super) fn token(keys: &Keys, subject: &str) -> MintedToken {
    let mut id = [0; 16];
    id[..subject.len()].copy_from_slice(subject.as_bytes());
    let mut new = NewToken::new(TokenType::User, TokenId::from_random(id));
    new.subject = Some(subject.to_owned());
    new.audience = vec!["platform".to_owned()];
    let ring = keys.ring();
    new.scopes = ring.key("users").unwrap().scopes().clone();
    ring.mint("users", &new, NOW).unwrap()
}

/// The same token, verified.
pub(super) fn user(keys: &Keys, subject: &str) -> Arc<Verified> {
    Arc::new(keys.ring().verify(token(keys, subject).expose(), NOW).unwrap())
}

/// The permit of a user's call of one of Platform's methods, such as `JobService/GetJob`.
pub(super) fn permit(keys: &Keys, method: &str, subject: &str) -> Permit {
    let rule = rule(&format!("/hallpass.platform.v1.{method}")).unwrap();
    Permit::for_tests(rule, user(keys, subject), DECISION)
}

fn spec(name: &str, token_type: TokenType, audience: &str, scopes: &[&str]) -> KeySpec {
    KeySpec {
        kid: name.to_owned(),
        issuer: name.to_owned(),
        owner: "platform".to_owned(),
        types: vec![token_type],
        scopes: scopes.iter().copied().collect::<Scopes>(),
        audiences: vec![audience.to_owned()],
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    }
}
