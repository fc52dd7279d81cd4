//! How long tokens may live: as their key's entry says, and for ever only where it says so.

use std::time::Duration;

use hallpass_token::{
    Algorithm, KeyRing, KeySpec, MintError, NewToken, Profile, TokenError, TokenId, TokenType,
    generate,
};
use serde_json::json;

use crate::fixtures::{NOW, forge, forgers_ring, parse, parts, service_token, spec};

const DAY: u64 = 24 * 60 * 60;

#[test]
fn a_user_token_that_outlives_its_entry_is_refused() {
    let (header, mut payload) = parts(TokenType::User);
    let too_long = Err(TokenError::Lifetime("longer than this type may live"));
    for (days, right) in [(1, Ok(())), (366, Ok(())), (367, too_long), (36_500, too_long)] {
        payload["exp"] = (NOW.as_secs() + days * DAY).into();
        let verdict = forgers_ring().verify(&forge(&header, &payload), NOW).map(drop);
        assert_eq!(verdict, right, "{days} days");
    }
}

#[test]
fn an_entry_may_say_less_and_what_is_minted_keeps_to_it() {
    let life = |kind: TokenType, seconds, asked: Option<u64>| {
        let of = spec("made", Profile::Standard);
        let max_life = Some(Duration::from_secs(seconds));
        let of = KeySpec { types: vec![kind], max_life, ..of };
        let ring = KeyRing::new(vec![generate(Algorithm::EdDsa, of).unwrap()]).unwrap();
        let mut new = NewToken::new(kind, TokenId::from_random([3; 16]));
        let like = service_token();
        (new.subject, new.audience, new.scopes) = (like.subject, like.audience, like.scopes);
        new.service = kind.names_service().then(|| "platform".to_owned());
        new.life = asked.map(Duration::from_secs);
        let minted = ring.mint("made", &new, NOW)?;
        let end = ring.verify(minted.expose(), NOW).unwrap().expires_at().unwrap();
        Ok(end.since(NOW).as_secs())
    };
    assert_eq!(life(TokenType::User, 600, None), Ok(600), "the usual hour is too long");
    assert_eq!(life(TokenType::User, 600, Some(60)), Ok(60));
    assert_eq!(life(TokenType::Service, 60, None), Ok(60));
    let refused = MintError::Lifetime("longer than such a token may live");
    assert_eq!(life(TokenType::User, 600, Some(601)), Err(refused));
    assert_eq!(
        life(TokenType::Service, DAY, Some(301)),
        Err(refused),
        "the kind's is five minutes"
    );
}

#[test]
fn max_life_is_read_and_written_and_wrong_ones_are_named() {
    let ring = |entry: serde_json::Value| {
        let mut hallpass = json!({
            "issuer": "i", "owner": "o", "types": ["user"], "audiences": ["platform"],
        });
        hallpass.as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
        let key = json!({"kty": "oct", "kid": "one", "alg": "HS256", "k": crate::fixtures::K, "hallpass": hallpass});
        parse(&json!({ "keys": [key] }))
    };
    let read = ring(json!({"max_life": 7200})).unwrap();
    let written = secrecy::ExposeSecret::expose_secret(&read.to_json()).to_owned();
    let again = parse(&serde_json::from_str(&written).unwrap()).unwrap();
    assert_eq!(again.key("one").unwrap().spec().max_life, Some(Duration::from_hours(2)));
    for (wrong, said) in [
        (json!({"max_life": 0}), "not a time"),
        (json!({"max_life": "2h"}), "not a time"),
        (json!({"max_life": 60, "no_expiry": true}), "beside no_expiry"),
        (json!({"max_life": 20, "types": ["action"]}), "shorter than such tokens may live"),
    ] {
        let problem = ring(wrong).unwrap_err().to_string();
        assert!(problem.contains("key one: max_life") && problem.contains(said), "{problem}");
    }
}
