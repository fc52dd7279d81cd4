//! What is not minted: anything that the key's entry does not allow or that every verifier would refuse.

use std::time::Duration;

use hallpass_token::{
    Algorithm, KeyRing, KeyState, Limit, MintError, NewToken, Profile, SKEW, TokenError, TokenId,
    TokenType, UnixTime, generate, inspect,
};
use serde_json::Value;

use crate::fixtures::{NOW, forge, forgers_ring, parts, ring_of, service_token, spec};

type Change = fn(&mut NewToken);

#[test]
fn what_no_verifier_would_accept_is_not_minted() {
    use MintError::{Lifetime, NotAllowed};
    use TokenError::{
        AudienceNotAllowed, BeyondLimit, Malformed, MissingClaim, ScopeNotAllowed,
        ServiceNotAllowed, TypeNotAllowed, UnexpectedClaim,
    };
    let table: &[(&str, Change, MintError)] = &[
        ("user", |new| new.token_type = TokenType::User, NotAllowed(TypeNotAllowed)),
        ("scope", |new| new.scopes = scopes("labeler:admin"), NotAllowed(ScopeNotAllowed)),
        ("scope's form", |new| new.scopes = scopes("a b"), NotAllowed(Malformed("scopes"))),
        ("audience", |new| new.audience = texts("platform"), NotAllowed(AudienceNotAllowed)),
        ("no audience", |new| new.audience = vec![], NotAllowed(MissingClaim("aud"))),
        ("no subject", |new| new.subject = None, NotAllowed(MissingClaim("sub"))),
        ("empty subject", |new| new.subject = Some(String::new()), NotAllowed(Malformed("sub"))),
        ("no service", |new| new.service = None, NotAllowed(MissingClaim("service"))),
        ("other", |new| new.service = Some("labeler".into()), NotAllowed(ServiceNotAllowed)),
        (
            "worker",
            |new| new.token_type = TokenType::Background,
            NotAllowed(UnexpectedClaim("sub")),
        ),
        (
            "action",
            |new| new.token_type = TokenType::Action,
            NotAllowed(UnexpectedClaim("service")),
        ),
        ("act", |new| new.actor = Some(Value::Null), NotAllowed(Malformed("act"))),
        ("large act", |new| new.actor = Some(large()), NotAllowed(BeyondLimit("the token", MOST))),
        ("nbf", |new| new.not_before = Some(UnixTime::from_secs(u64::MAX)), NotAllowed(BACKWARDS)),
        ("no life", |new| new.life = Some(Duration::ZERO), Lifetime(SHORT)),
        ("part of a second", |new| new.life = Some(Duration::from_millis(999)), Lifetime(SHORT)),
        ("long life", |new| new.life = Some(Duration::from_secs(301)), Lifetime(LONG)),
        ("endless life", |new| new.life = Some(Duration::MAX), Lifetime(LONG)),
    ];
    let ring = ring_of(Algorithm::EdDsa);
    for (name, change, right) in table {
        let mut new = service_token();
        change(&mut new);
        assert_eq!(ring.mint("made", &new, NOW).unwrap_err(), *right, "{name}");
    }
}

const MOST: Limit = Limit::Bytes(16_384);
const BACKWARDS: TokenError = TokenError::Lifetime("ends before it begins");
const SHORT: &str = "shorter than such a token may live";
const LONG: &str = "longer than such a token may live";

fn scopes(scope: &str) -> hallpass_token::Scopes {
    [scope].into_iter().collect()
}

fn texts(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

fn large() -> Value {
    serde_json::json!({ "sub": "x".repeat(20_000) })
}

#[test]
fn lives() {
    let ring = ring_of(Algorithm::EdDsa);
    let table = [
        (TokenType::Service, None, Some(300)),
        (TokenType::Service, Some(300), Some(300)),
        (TokenType::Background, None, Some(3600)),
        (TokenType::Background, Some(86_400), Some(86_400)),
        (TokenType::Background, Some(86_401), None),
        (TokenType::Action, None, Some(120)),
        (TokenType::Action, Some(29), None),
        (TokenType::Action, Some(30), Some(30)),
        (TokenType::Action, Some(600), Some(600)),
        (TokenType::Action, Some(601), None),
    ];
    for (kind, life, right) in table {
        let mut new = service_token();
        new.token_type = kind;
        new.service = new.service.filter(|_| kind.names_service());
        new.subject = new.subject.filter(|_| kind != TokenType::Background);
        new.life = life.map(Duration::from_secs);
        let minted = ring.mint("made", &new, NOW).ok();
        let got = minted.and_then(|token| Some(token.expires_at()?.as_secs() - NOW.as_secs()));
        assert_eq!(got, right, "{kind} {life:?}");
    }
}

#[test]
fn only_an_active_key_signs() {
    for (state, right) in [
        (KeyState::Next, Some(MintError::KeyNotActive)),
        (KeyState::Active, None),
        (KeyState::Retired, Some(MintError::KeyNotActive)),
    ] {
        let mut spec = spec("made", Profile::Standard);
        spec.state = state;
        let key = generate(Algorithm::EdDsa, spec).unwrap();
        let ring = KeyRing::new(vec![key]).unwrap();
        assert_eq!(ring.mint("made", &service_token(), NOW).err(), right);
        let signer = ring.active_signer("platform", TokenType::Service);
        assert_eq!(signer.is_some(), right.is_none());
    }
    let ring = ring_of(Algorithm::EdDsa);
    assert!(ring.active_signer("labeler", TokenType::Service).is_none());
    assert!(ring.active_signer("platform", TokenType::User).is_none());
    let refused = ring.mint("unknown", &service_token(), NOW).unwrap_err();
    assert_eq!(refused, MintError::UnknownKey);
}

#[test]
fn a_user_token_without_end_needs_its_entrys_leave() {
    for allowed in [false, true] {
        let mut spec = spec("made", Profile::Standard);
        spec.types = vec![TokenType::User];
        spec.no_expiry = allowed;
        let ring = KeyRing::new(vec![generate(Algorithm::EdDsa, spec).unwrap()]).unwrap();
        let mut new = service_token();
        new.token_type = TokenType::User;
        new.service = None;
        let minted = ring.mint("made", &new, NOW).unwrap();
        assert_eq!(minted.expires_at().is_none(), allowed);
        assert_eq!(ring.verify(minted.expose(), NOW).unwrap().expires_at().is_none(), allowed);
    }
}

#[test]
fn a_child_is_its_parents() {
    let ring = forgers_ring();
    let (header, mut payload) = parts(TokenType::User);
    payload["scopes"] = serde_json::json!(["platform:read"]);
    payload["sid"] = "s".into();
    let parent = ring.verify(&forge(&header, &payload), NOW).unwrap();
    let child = || {
        let id = TokenId::from_random([3; 16]);
        let delegates = ["labeler:read", "platform:write"];
        let mut new = NewToken::child_of(&parent, TokenType::Service, id, &delegates).unwrap();
        new.service = Some("platform".to_owned());
        new.audience = vec!["labeler".to_owned()];
        new.scopes = scopes("labeler:read");
        new
    };
    let minted = ring.mint("services", &child(), NOW).unwrap();
    let token = ring.verify(minted.expose(), NOW).unwrap();
    assert_eq!(token.claims().subject, parent.claims().subject);
    assert_eq!(token.claims().parents, [parent.fingerprint()]);
    assert_eq!(token.claims().session.as_deref(), Some("s"));
    assert_eq!((token.root_key(), token.root_issued_at()), ("users", NOW));
    assert_eq!(token.txn(), parent.txn());
    assert_eq!(token.expires_at(), parent.expires_at(), "the parent ends sooner than 300 s");
    let table: &[(&str, Change, MintError)] = &[
        ("not delegated", |new| new.scopes = scopes("labeler:write"), MintError::ScopeNotDelegated),
        ("wider", |new| new.scopes = scopes("platform:write"), MintError::ScopeNotDelegated),
        ("sub", |new| new.subject = Some("2".to_owned()), MintError::NotTheParents("sub")),
        ("txn", |new| new.txn = None, MintError::NotTheParents("txn")),
        ("sid", |new| new.session = None, MintError::NotTheParents("sid")),
    ];
    for (name, change, right) in table {
        let mut new = child();
        change(&mut new);
        assert_eq!(ring.mint("services", &new, NOW).unwrap_err(), *right, "{name}");
    }
    let ended = parent.expires_at().unwrap();
    // "Expired" is past the end and the skew: until then a child has the parent's end, and is accepted as long as the parent is.
    let (last, over) = (ended.plus(SKEW).minus(Duration::from_secs(1)), ended.plus(SKEW));
    let late = ring.mint("services", &child(), last).unwrap();
    assert_eq!(late.expires_at(), Some(ended));
    assert!(ring.verify(late.expose(), last).is_ok());
    assert_eq!(ring.verify(late.expose(), over).unwrap_err(), TokenError::Expired);
    assert_eq!(ring.mint("services", &child(), over).unwrap_err(), MintError::ParentExpired);
    let id = TokenId::from_random([4; 16]);
    let refused = NewToken::child_of(&token, TokenType::User, id, &[]).unwrap_err();
    assert_eq!(refused, MintError::NotAChild);
}

#[test]
fn neither_tokens_nor_keys_show_themselves() {
    let ring = ring_of(Algorithm::EdDsa);
    let file: Value =
        serde_json::from_str(secrecy::ExposeSecret::expose_secret(&ring.to_json())).unwrap();
    let private = file["keys"][0]["d"].as_str().unwrap();
    let minted = ring.mint("made", &service_token(), NOW).unwrap();
    let shown = format!("{ring:?} {minted:?} {:?}", ring.verify(minted.expose(), NOW).unwrap());
    assert!(!shown.contains(private));
    for part in minted.expose().split('.') {
        assert!(!shown.contains(part));
    }
}

/// RFC 7519, section 4.1.2: a `sub` is a string. Envoy, `PyJWT` and joserfc refuse `null`, which one form demands.
#[test]
fn a_background_token_has_no_sub_but_in_the_form_that_says_null() {
    for (profile, sub) in [(Profile::Standard, None), (Profile::HybridV1, Some(Value::Null))] {
        let key = generate(Algorithm::EdDsa, spec("made", profile)).unwrap();
        let ring = KeyRing::new(vec![key]).unwrap();
        let mut new = service_token();
        (new.token_type, new.subject) = (TokenType::Background, None);
        if profile == Profile::HybridV1 {
            new.audience = Vec::new();
        }
        let minted = ring.mint("made", &new, NOW).unwrap();
        assert_eq!(inspect(minted.expose()).unwrap().payload.get("sub").cloned(), sub);
        assert_eq!(ring.verify(minted.expose(), NOW).unwrap().claims().subject, None);
    }
}
