//! Tokens of other minters: exactly their form, only by their keys, and counting only where the key's entry says.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::TokenError::{
    self, Algorithm as WrongAlgorithm, BadSignature, Lifetime, Malformed, MissingClaim,
    ScopeNotAllowed, TypeMismatch, UnexpectedClaim, UnknownKey,
};
use hallpass_token::{
    Algorithm, Fingerprint, KeyRing, MintError, NewToken, Profile, TokenId, TokenType, generate,
    mint_bearer,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::fixtures::{NOW, forge_text, parse, spec};

const HYBRID: &str = "fixture: the secret shared with a minter";
const BEARER: &str = "fixture: the secret of the API's clients";
const FOREIGN: TokenError = UnexpectedClaim("one that this form does not have");

fn ring() -> KeyRing {
    let encode = |secret: &str| URL_SAFE_NO_PAD.encode(secret);
    parse(&json!({"keys": [
        {
            "kty": "oct", "kid": "hybrid", "alg": "HS256", "k": encode(HYBRID),
            "hallpass": {
                "issuer": "platform", "owner": "platform", "types": ["service", "background"],
                "scopes": ["labeler:read"], "audiences": ["labeler"], "profile": "hybrid-v1",
            },
        },
        {
            "kty": "oct", "kid": "bearer", "alg": "HS256", "k": encode(BEARER),
            "hallpass": {
                "issuer": "clients", "owner": "platform", "types": ["user"],
                "scopes": ["platform:read"], "audiences": ["platform"], "profile": "bearer-v1",
            },
        },
    ]}))
    .unwrap()
}

fn hybrid_parts() -> (Value, Value) {
    let now = NOW.as_secs();
    let payload = json!({
        "sub": "1", "service": "platform", "scopes": ["labeler:read"], "type": "service",
        "iat": now, "exp": now + 300, "nbf": now,
    });
    (json!({"alg": "HS256", "typ": "JWT"}), payload)
}

fn bearer_parts() -> (Value, Value) {
    (json!({"alg": "HS256", "typ": "JWT"}), json!({"sub": "client", "iat": NOW.as_secs()}))
}

type Change = fn(&mut Value, &mut Value);

fn judge(secret: &str, parts: fn() -> (Value, Value), table: &[(&str, Change, TokenError)]) {
    for (name, change, right) in table {
        let (mut header, mut payload) = parts();
        change(&mut header, &mut payload);
        let token = forge_text(secret, &header.to_string(), &payload.to_string());
        assert_eq!(ring().verify(&token, NOW).map(|_| ()), Err(*right), "{name}");
    }
}

fn remove(object: &mut Value, member: &str) {
    object.as_object_mut().unwrap().remove(member).unwrap();
}

#[test]
fn a_hybrid_token_counts_as_its_entry_says() {
    let (header, payload) = hybrid_parts();
    let text = forge_text(HYBRID, &header.to_string(), &payload.to_string());
    let token = ring().verify(&text, NOW).unwrap();
    let claims = token.claims();
    assert_eq!(claims.issuer.as_deref(), Some("platform"));
    assert_eq!(claims.audience, ["labeler"]);
    assert_eq!(claims.id, None);
    let (signed, _) = text.rsplit_once('.').unwrap();
    assert_eq!(token.fingerprint(), Fingerprint::signed_part(signed.as_bytes()));
    assert_eq!(token.lookups(), [token.fingerprint(), Fingerprint::key("hybrid")]);
    let (bare, subject) = (Fingerprint::bare_subject("1"), Fingerprint::subject("platform", "1"));
    assert_eq!(token.cutoffs(), [bare, subject, Fingerprint::service("platform")]);
    assert_eq!((token.kid(), token.profile()), ("hybrid", Profile::HybridV1));
}

const HYBRID_CHANGES: &[(&str, Change, TokenError)] = &[
    ("no sub", |_, p| remove(p, "sub"), MissingClaim("sub")),
    ("no service", |_, p| remove(p, "service"), MissingClaim("service")),
    ("no scopes", |_, p| remove(p, "scopes"), MissingClaim("scopes")),
    ("no type", |_, p| remove(p, "type"), MissingClaim("type")),
    ("no iat", |_, p| remove(p, "iat"), MissingClaim("iat")),
    ("no exp", |_, p| remove(p, "exp"), MissingClaim("exp")),
    ("no nbf", |_, p| remove(p, "nbf"), MissingClaim("nbf")),
    ("an iss", |_, p| p["iss"] = "platform".into(), FOREIGN),
    ("an aud", |_, p| p["aud"] = "labeler".into(), FOREIGN),
    ("a jti", |_, p| p["jti"] = "1".into(), FOREIGN),
    ("a txn", |_, p| p["txn"] = "1".into(), FOREIGN),
    ("text exp", |_, p| p["exp"] = "1764300300".into(), Malformed("exp")),
    ("float job", |_, p| p["job_id"] = 1.0.into(), Malformed("job_id")),
    ("scope", |_, p| p["scopes"] = json!(["labeler:write"]), ScopeNotAllowed),
    ("null sub", |_, p| p["sub"] = Value::Null, MissingClaim("sub")),
    ("user type", |_, p| p["type"] = "user".into(), TokenError::TypeNotAllowed),
    ("a worker's sub", |_, p| p["type"] = "background".into(), UnexpectedClaim("sub")),
    (
        "long",
        |_, p| p["exp"] = (NOW.as_secs() + 301).into(),
        Lifetime("longer than this type may live"),
    ),
    ("our typ", |h, _| h["typ"] = "hallpass-service+jwt".into(), TypeMismatch),
    ("other typ", |h, _| h["typ"] = "at+jwt".into(), TypeMismatch),
    ("other alg", |h, _| h["alg"] = "HS512".into(), UnknownKey),
    ("alg none", |h, _| h["alg"] = "none".into(), UnknownKey),
    ("named, other alg", other_alg, WrongAlgorithm),
    ("named as a client's", |h, _| h["kid"] = "bearer".into(), BadSignature),
];

#[test]
fn a_hybrid_token_has_exactly_its_claims() {
    judge(HYBRID, hybrid_parts, HYBRID_CHANGES);
}

/// The minter writes `null`; libraries that refuse it leave it out.
#[test]
fn a_background_token_is_read_with_sub_null_and_without_sub() {
    for change in [(|p| p["sub"] = Value::Null) as fn(&mut Value), |p| remove(p, "sub")] {
        let (header, mut payload) = hybrid_parts();
        payload["type"] = "background".into();
        change(&mut payload);
        let text = forge_text(HYBRID, &header.to_string(), &payload.to_string());
        assert_eq!(ring().verify(&text, NOW).unwrap().claims().subject, None);
    }
}

fn other_alg(header: &mut Value, _: &mut Value) {
    header["alg"] = "HS512".into();
    header["kid"] = "hybrid".into();
}

/// "Everything of alice's" reaches it also from a node that does not know its key, nor whose name the key's entry gives.
#[test]
fn a_foreign_token_is_cut_off_by_its_bare_subject() {
    let (header, payload) = hybrid_parts();
    let text = forge_text(HYBRID, &header.to_string(), &payload.to_string());
    let token = ring().verify(&text, NOW).unwrap();
    let subject = token.claims().subject.clone().unwrap();
    assert!(token.cutoffs().contains(&Fingerprint::bare_subject(&subject)));
}

#[test]
fn a_bearer_token_has_exactly_its_claims() {
    let (header, payload) = bearer_parts();
    let text = forge_text(BEARER, &header.to_string(), &payload.to_string());
    let token = ring().verify(&text, NOW).unwrap();
    assert_eq!((token.claims().token_type, token.profile()), (TokenType::User, Profile::BearerV1));
    assert_eq!(token.claims().scopes.to_string(), "platform:read");
    assert_eq!(token.claims().audience, ["platform"]);
    assert_eq!((token.expires_at(), token.usable_for(NOW)), (None, None));
    let table: &[(&str, Change, TokenError)] = &[
        ("no sub", |_, p| remove(p, "sub"), MissingClaim("sub")),
        ("null sub", |_, p| p["sub"] = Value::Null, Malformed("sub")),
        ("no iat", |_, p| remove(p, "iat"), MissingClaim("iat")),
        ("a type", |_, p| p["type"] = "service".into(), FOREIGN),
        ("scopes", |_, p| p["scopes"] = json!(["platform:admin"]), FOREIGN),
        ("an aud", |_, p| p["aud"] = "labeler".into(), FOREIGN),
        ("null exp", |_, p| p["exp"] = Value::Null, Malformed("exp")),
        ("expired", |_, p| expired(p), TokenError::Expired),
        ("our typ", |h, _| h["typ"] = "hallpass-user+jwt".into(), TypeMismatch),
    ];
    judge(BEARER, bearer_parts, table);
}

fn expired(payload: &mut Value) {
    payload["iat"] = 1.into();
    payload["exp"] = 2.into();
}

#[test]
fn one_minters_form_never_passes_with_the_others_key() {
    judge(BEARER, hybrid_parts, &[("hybrid by a client", |_, _| {}, FOREIGN)]);
    judge(HYBRID, bearer_parts, &[("bearer by a service", |_, _| {}, MissingClaim("service"))]);
    judge(
        "an unknown secret of more than 32 bytes",
        hybrid_parts,
        &[("nobody's", |_, _| {}, BadSignature)],
    );
}

#[test]
fn the_typ_may_be_absent_and_the_kid_present() {
    let (mut header, payload) = hybrid_parts();
    remove(&mut header, "typ");
    header["kid"] = "hybrid".into();
    let text = forge_text(HYBRID, &header.to_string(), &payload.to_string());
    assert!(ring().verify(&text, NOW).is_ok());
}

#[test]
fn a_bearer_token_from_a_bare_secret() {
    let secret = SecretString::from(BEARER);
    let mint = |algorithm, subject: &str, life: Option<u64>| {
        mint_bearer(&secret, algorithm, subject, NOW, life.map(Duration::from_secs))
    };
    let endless = mint(Algorithm::Hs256, "client", None).unwrap();
    let shown = hallpass_token::inspect(endless.expose()).unwrap();
    assert_eq!(shown.header, json!({"alg": "HS256", "typ": "JWT"}));
    assert_eq!(shown.payload, json!({"sub": "client", "iat": NOW.as_secs()}));
    let token = ring().verify(endless.expose(), NOW).unwrap();
    assert_eq!(token.fingerprint(), endless.fingerprint());
    let week = mint(Algorithm::Hs256, "client", Some(604_800)).unwrap();
    assert_eq!(week.expires_at().unwrap().as_secs(), NOW.as_secs() + 604_800);
    assert!(ring().verify(week.expose(), NOW).is_ok());
    assert_eq!(mint(Algorithm::EdDsa, "c", None).unwrap_err(), MintError::NotASecretAlgorithm);
    assert!(mint(Algorithm::Hs512, "", None).is_err());
    assert!(mint(Algorithm::Hs512, "c", Some(0)).is_err());
    let short = SecretString::from("31 bytes are not enough for it.");
    let refused = mint_bearer(&short, Algorithm::Hs256, "client", NOW, None).unwrap_err();
    assert_eq!(refused, MintError::SecretTooShort);
}

#[test]
fn minting_in_another_minters_form() {
    for algorithm in Algorithm::ALL {
        let keys = vec![
            generate(algorithm, spec("hybrid", Profile::HybridV1)).unwrap(),
            generate(algorithm, spec("bearer", Profile::BearerV1)).unwrap(),
        ];
        let ring = KeyRing::new(keys).unwrap();
        let mut worker = NewToken::new(TokenType::Background, TokenId::from_random([1; 16]));
        worker.service = Some("platform-training".to_owned());
        worker.scopes = ["labeler:read"].into_iter().collect();
        worker.job_id = Some("7".to_owned());
        let minted = ring.mint("hybrid", &worker, NOW).unwrap();
        let token = ring.verify(minted.expose(), NOW).unwrap();
        assert_eq!(token.claims().job_id.as_deref(), Some("7"));
        assert_eq!(token.fingerprint(), minted.fingerprint());
        let mut user = NewToken::new(TokenType::User, TokenId::from_random([1; 16]));
        user.subject = Some("client".to_owned());
        let minted = ring.mint("bearer", &user, NOW).unwrap();
        let token = ring.verify(minted.expose(), NOW).unwrap();
        assert_eq!(token.expires_at(), None);
        user.session = Some("s".to_owned());
        let refused = ring.mint("bearer", &user, NOW).unwrap_err();
        assert_eq!(refused, MintError::ProfileCannotCarry("sid"));
        let root = ring.verify(minted.expose(), NOW).unwrap();
        let id = TokenId::from_random([2; 16]);
        let child = NewToken::child_of(&root, TokenType::Service, id, &["labeler:read"]).unwrap();
        let refused = ring.mint("hybrid", &child, NOW).unwrap_err();
        assert_eq!(refused, MintError::ProfileCannotCarry("ancestors"));
    }
}
