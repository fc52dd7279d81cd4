//! Whatever is revoked of a token's chain revokes the token, and nothing else does.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use hallpass_revocation::{Entry, Index};
use hallpass_token::{
    Algorithm, Fingerprint, KeyRing, KeySpec, KeyState, NewToken, Profile, TokenId, TokenType,
    UnixTime, Verified, generate,
};

const ISSUED: UnixTime = UnixTime::from_secs(1_000);
const LATER: UnixTime = UnixTime::from_secs(1_050);

#[test]
fn a_token_is_revoked_with_anything_of_its_chain() {
    let (user, child) = user_and_child();
    let (at, before) = (ISSUED, UnixTime::from_secs(999));
    let exact = |print| Entry::exact(print, None);
    let cutoff = |print, at| Entry::cutoff(print, at, None);
    let ann = |issuer| Fingerprint::subject(issuer, "ann");
    let other = Fingerprint::token("users", "another");
    // What is revoked; whether that revokes the user's token; whether it revokes the child.
    let table = [
        ("the child", exact(child.fingerprint()), false, true),
        ("the user's token", exact(user.fingerprint()), true, true),
        ("the session", exact(Fingerprint::session("s1")), true, true),
        ("the child's key", exact(Fingerprint::key("services")), false, true),
        ("the user's key", exact(Fingerprint::key("users")), true, true),
        ("the subject up to then", cutoff(ann("users"), at), true, true),
        ("the subject up to earlier", cutoff(ann("users"), before), false, false),
        ("the service up to then", cutoff(Fingerprint::service("platform"), at), false, true),
        (
            "the service up to earlier",
            cutoff(Fingerprint::service("platform"), before),
            false,
            false,
        ),
        ("everything up to then", Entry::everything(at), true, true),
        ("everything up to earlier", Entry::everything(before), false, false),
        ("another subject", cutoff(Fingerprint::subject("users", "bob"), LATER), false, false),
        ("another token", exact(other), false, false),
    ];
    for (what, entry, revokes_user, revokes_child) in table {
        let index = Index::default();
        index.insert(&[entry]);
        assert_eq!(index.is_revoked(&user), revokes_user, "the user's token after: {what}");
        assert_eq!(index.is_revoked(&child), revokes_child, "the child after: {what}");
    }
}

/// A user's token with a session, and a service token minted from it later.
fn user_and_child() -> (Verified, Verified) {
    let users = key("users", TokenType::User, "platform:read");
    let services = key("services", TokenType::Service, "labeler:read");
    let ring = KeyRing::new(vec![users, services]).unwrap();
    let mut user = NewToken::new(TokenType::User, TokenId::from_random([1; 16]));
    user.subject = Some("ann".to_owned());
    user.session = Some("s1".to_owned());
    user.audience = vec!["mesh".to_owned()];
    user.scopes = ["platform:read"].into_iter().collect();
    let user = ring.mint("users", &user, ISSUED).unwrap();
    let user = ring.verify(user.expose(), LATER).unwrap();
    let id = TokenId::from_random([2; 16]);
    let mut child = NewToken::child_of(&user, TokenType::Service, id, &["labeler:read"]).unwrap();
    child.service = Some("platform".to_owned());
    child.audience = vec!["mesh".to_owned()];
    child.scopes = ["labeler:read"].into_iter().collect();
    let child = ring.mint("services", &child, LATER).unwrap();
    let child = ring.verify(child.expose(), LATER).unwrap();
    (user, child)
}

fn key(name: &str, kind: TokenType, scope: &str) -> hallpass_token::Key {
    let spec = KeySpec {
        kid: name.to_owned(),
        issuer: name.to_owned(),
        owner: "platform".to_owned(),
        types: vec![kind],
        scopes: [scope].into_iter().collect(),
        audiences: vec!["mesh".to_owned()],
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    generate(Algorithm::EdDsa, spec).unwrap()
}
