//! Storage grants through a whole verification: every published form of them, and nothing that is conflicting, oversized or wider.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hallpass_token::{
    Algorithm, GrantError, Grants, KeyRing, KeySpec, KeyState, Level, MintError, NewToken, Profile,
    TokenError, TokenId, TokenType, Verified, generate,
};
use serde_json::{Value, json};

use crate::fixtures::{NOW, forge_text, parse};

const SECRET: &str = "fixture: the secret of the frontend's tokens";

fn ring() -> KeyRing {
    parse(&json!({"keys": [{
        "kty": "oct", "kid": "frontend", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET),
        "hallpass": {
            "issuer": "frontend", "owner": "platform", "types": ["user"],
            "scopes": ["platform:read"], "audiences": ["platform"], "profile": "storage-v1",
        },
    }]}))
    .unwrap()
}

fn payload() -> Value {
    let now = NOW.as_secs();
    json!({
        "iss": "frontend", "aud": "platform", "sub": "alice", "iat": now, "exp": now + 3600,
        "jti": "1", "s": "platform:read", "p": ["g", "l"], "b": ["quilt-a"], "l": "read",
    })
}

fn verified(change: impl FnOnce(&mut Value)) -> Result<Verified, TokenError> {
    let mut payload = payload();
    change(&mut payload);
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": "frontend"});
    ring().verify(&forge_text(SECRET, &header.to_string(), &payload.to_string()), NOW)
}

fn grants(change: impl FnOnce(&mut Value)) -> Grants {
    verified(change).unwrap().claims().grants.clone().unwrap()
}

#[test]
fn every_published_form_of_the_buckets_is_read() {
    let named: BTreeSet<String> = ["quilt-a", "quilt-b-c", "cell-d"].map(str::to_owned).into();
    let encoded = STANDARD.encode(json!(named).to_string());
    let forms = [
        json!(named),
        json!({"_type": "groups", "_data": {"quilt": ["a", "b-c"], "cell": ["d"]}}),
        json!({"_type": "patterns", "_data": {"quilt": ["a", "b-c"], "cell": ["cell-d"], "other": []}}),
        json!({"_type": "compressed", "_data": encoded}),
    ];
    for form in forms {
        let grants = grants(|payload| payload["b"] = form.clone());
        assert_eq!(grants.buckets, named, "{form}");
        assert!(grants.allow("s3:GetObject", "quilt-b-c"), "{form}");
        assert!(!grants.allow("s3:PutObject", "quilt-b-c"), "{form}");
    }
}

#[test]
fn short_and_full_claims_stand_beside_each_other_and_say_the_same() {
    let grants = grants(|payload| {
        payload["buckets"] = json!(["quilt-a"]);
        payload["permissions"] = json!(["s3:ListBucket", "s3:GetObject"]);
        payload["level"] = json!("read");
        payload["scope"] = json!("platform:read");
        payload["scopes"] = json!(["platform:read"]);
        payload["roles"] = json!(["Reader"]);
    });
    assert_eq!((grants.buckets.len(), grants.permissions.len()), (1, 2));
    assert_eq!(grants.level, Some(Level::Read));
}

/// What is attacked, how, and whether it is the grants that are refused.
type Attack = (&'static str, fn(&mut Value), bool);

#[test]
fn conflicting_broken_and_oversized_grants_refuse_the_token() {
    let attacks: &[Attack] = &[
        ("twins: buckets", |p| p["buckets"] = json!(["quilt-a", "quilt-b"]), true),
        ("twins: permissions", |p| p["permissions"] = json!(["s3:PutObject"]), true),
        ("twins: level", |p| p["level"] = json!("admin"), true),
        ("twins: scopes", |p| p["scope"] = json!("platform:read platform:write"), false),
        ("twins: scopes in a list", |p| p["scopes"] = json!([]), false),
        ("no list", |p| p["b"] = json!("quilt-a"), true),
        (
            "a group without a dash",
            |p| p["b"] = json!({"_type": "groups", "_data": {"a": ["a"]}}),
            true,
        ),
        ("another form", |p| p["b"] = json!({"_type": "deflate", "_data": "x"}), true),
        ("no base64", |p| p["b"] = json!({"_type": "compressed", "_data": "%"}), true),
        ("no level", |p| p["l"] = json!("root"), true),
        ("250 KB", |p| p["b"] = json!(["x".repeat(250_000)]), false),
        ("many buckets", |p| p["b"] = (0..10_001).map(|n| format!("{n}")).collect(), false),
        ("a type", |p| p["type"] = json!("service"), false),
        ("a service", |p| p["service"] = json!("platform"), false),
        ("no exp", |p| drop(p.as_object_mut().unwrap().remove("exp")), false),
        ("no jti", |p| drop(p.as_object_mut().unwrap().remove("jti")), false),
        ("another issuer", |p| p["iss"] = json!("platform"), false),
        ("another audience", |p| p["aud"] = json!("labeler"), false),
        ("another scope", |p| p["s"] = json!("platform:admin"), false),
    ];
    for (name, attack, of_grants) in attacks {
        let error = verified(attack).unwrap_err();
        assert_eq!(matches!(error, TokenError::Grants(_)), *of_grants, "{name}: {error}");
        assert!(!error.to_string().contains("quilt"), "{name}: {error}");
    }
    let conflict = verified(|p| p["level"] = json!("admin")).unwrap_err();
    let twins = GrantError::Conflict { short: "l", full: "level" };
    assert_eq!(conflict, TokenError::Grants(twins));
}

#[test]
fn what_is_missing_grants_nothing() {
    let nothing = grants(|payload| {
        for claim in ["b", "p", "l"] {
            payload.as_object_mut().unwrap().remove(claim);
        }
    });
    assert_eq!(nothing, Grants::default());
    let unknown = grants(|payload| payload["p"] = json!(["zz", "s3:*"]));
    assert_eq!((unknown.permissions.len(), unknown.unknown_permissions), (0, 2));
    assert!(!unknown.reach("quilt-a"));
}

#[test]
fn a_large_token_of_32_buckets_and_24_permissions_is_taken() {
    let codes = "g p d l la gv pa amu gm pm dm gl pl dl gt pt dt gr pr dr gc pc dc gb";
    let codes: Vec<_> = codes.split(' ').collect();
    let buckets: Vec<_> = (0..32).map(|n| format!("research-{n}-{}", "x".repeat(50))).collect();
    let grants = grants(|payload| {
        (payload["b"], payload["p"]) = (json!(buckets), json!(codes));
        payload["l"] = json!("write");
    });
    assert_eq!((grants.buckets.len(), grants.permissions.len()), (32, 24));
}

fn own_ring() -> KeyRing {
    let key = |kid: &str, types: &[TokenType]| {
        let spec = KeySpec {
            kid: kid.to_owned(),
            issuer: kid.to_owned(),
            owner: "platform".to_owned(),
            types: types.to_vec(),
            scopes: ["labeler:read"].into_iter().collect(),
            audiences: vec!["labeler".to_owned()],
            state: KeyState::Active,
            profile: Profile::Standard,
            no_expiry: false,
            roots: None,
            max_life: None,
        };
        generate(Algorithm::EdDsa, spec).unwrap()
    };
    let inside = [TokenType::Service, TokenType::Background, TokenType::Action];
    KeyRing::new(vec![key("users", &[TokenType::User]), key("inside", &inside)]).unwrap()
}

fn parent(ring: &KeyRing) -> Verified {
    let mut new = NewToken::new(TokenType::User, TokenId::from_random([9; 16]));
    (new.subject, new.audience) = (Some("alice".to_owned()), vec!["labeler".to_owned()]);
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let operations = words(&["s3:GetObject", "p"]);
    new.grants = Grants::of(&words(&["a", "b"]), &operations, Some(Level::Write)).ok();
    ring.verify(ring.mint("users", &new, NOW).unwrap().expose(), NOW).unwrap()
}

#[test]
fn a_child_has_its_parents_grants_or_less() {
    let ring = own_ring();
    let parent = parent(&ring);
    let child = |change: fn(&mut NewToken)| {
        let id = TokenId::from_random([1; 16]);
        let mut new = NewToken::child_of(&parent, TokenType::Service, id, &[]).unwrap();
        (new.service, new.audience) = (Some("platform".to_owned()), vec!["labeler".to_owned()]);
        change(&mut new);
        let minted = ring.mint("inside", &new, NOW)?;
        Ok(ring.verify(minted.expose(), NOW).unwrap().claims().grants.clone())
    };
    assert_eq!(child(|_| {}), Ok(parent.claims().grants.clone()));
    let narrowed = child(|new| new.grants = new.grants.take().map(|grants| grants.only("a")));
    assert!(!narrowed.unwrap().unwrap().reach("b"));
    let attacks: [fn(&mut NewToken); 5] = [
        |new| new.grants = None,
        |new| new.grants.as_mut().unwrap().buckets = ["a".to_owned(), "c".to_owned()].into(),
        |new| new.grants.as_mut().unwrap().permissions = ["s3:DeleteObject"].into(),
        |new| new.grants.as_mut().unwrap().level = Some(Level::Admin),
        |new| new.grants.as_mut().unwrap().level = None,
    ];
    for attack in attacks {
        assert_eq!(child(attack), Err(MintError::NotTheParents("storage grants")));
    }
}

#[test]
fn other_kinds_carry_none_and_open_no_way_around_them() {
    let ring = own_ring();
    let parent = parent(&ring);
    let id = || TokenId::from_random([2; 16]);
    let work = NewToken::child_of(&parent, TokenType::Background, id(), &[]);
    assert_eq!(work.err(), Some(MintError::NotTheParents("storage grants")));
    let mut action = NewToken::child_of(&parent, TokenType::Action, id(), &[]).unwrap();
    action.audience = vec!["labeler".to_owned()];
    let action = ring.verify(ring.mint("inside", &action, NOW).unwrap().expose(), NOW).unwrap();
    assert_eq!(action.claims().grants, None);
    let around = NewToken::child_of(&action, TokenType::Service, id(), &[]);
    assert_eq!(around.err(), Some(MintError::NotAChild));
    let mut work = NewToken::new(TokenType::Background, id());
    (work.service, work.audience) = (Some("platform".to_owned()), vec!["labeler".to_owned()]);
    work.grants = Some(Grants::default());
    let refused = MintError::NotAllowed(TokenError::UnexpectedClaim("storage grants"));
    assert_eq!(ring.mint("inside", &work, NOW).err(), Some(refused));
}
