//! A token of one kind never passes for another, whoever signed it.

use hallpass_token::TokenError::{self, TypeMismatch, TypeNotAllowed};
use hallpass_token::{Profile, TokenType};
use serde_json::json;

use crate::fixtures::{K, NOW, forge, forgers_ring, parse, parts, spec};

#[test]
fn names_are_one_to_one() {
    for kind in TokenType::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.as_str()));
    }
    assert!("admin".parse::<TokenType>().is_err());
    assert!("User".parse::<TokenType>().is_err());
}

#[test]
fn header_and_claim_say_the_same_kind() {
    for header_says in TokenType::ALL {
        for claim_says in TokenType::ALL {
            let (mut header, payload) = parts(claim_says);
            header["typ"] = header_says.header_type().into();
            let verdict = forgers_ring().verify(&forge(&header, &payload), NOW);
            if header_says == claim_says {
                assert_eq!(verdict.unwrap().claims().token_type, claim_says);
            } else {
                assert_eq!(verdict.unwrap_err(), TypeMismatch, "{header_says} {claim_says}");
            }
        }
    }
}

#[test]
fn a_claim_that_says_another_kind_is_refused() {
    for made_as in TokenType::ALL {
        for claim_says in TokenType::ALL {
            let (mut header, mut payload) = parts(made_as);
            header["typ"] = claim_says.header_type().into();
            payload["type"] = claim_says.as_str().into();
            let verdict = forgers_ring().verify(&forge(&header, &payload), NOW);
            assert_eq!(verdict.is_ok(), made_as == claim_says, "{made_as} as {claim_says}");
        }
    }
}

#[test]
fn a_key_signs_its_own_kinds_only() {
    for kind in TokenType::ALL {
        for kid in ["services", "users", "only-service"] {
            let (mut header, mut payload) = parts(kind);
            header["kid"] = kid.into();
            payload["iss"] = if kid == "users" { "users" } else { "platform" }.into();
            let verdict = forgers_ring().verify(&forge(&header, &payload), NOW).map(|_| ());
            let right = forgers_ring().key(kid).unwrap().may_sign(kind);
            let refused: Result<(), TokenError> = Err(TypeNotAllowed);
            assert_eq!(verdict, if right { Ok(()) } else { refused }, "{kind} by {kid}");
        }
    }
}

#[test]
fn users_and_services_never_share_a_key() {
    let ring = |types: serde_json::Value| {
        parse(&json!({"keys": [{
            "kty": "oct", "kid": "one", "alg": "HS256", "k": K,
            "hallpass": {"issuer": "i", "owner": "o", "types": types, "audiences": ["a"]},
        }]}))
    };
    assert!(ring(json!(["user", "action"])).is_ok());
    for types in [json!(["user", "service"]), json!(["background", "user"])] {
        let error = ring(types).unwrap_err().to_string();
        assert_eq!(
            error,
            "key one: types: user beside service or background; right: a key of its own"
        );
    }
}

#[test]
fn the_fixture_is_what_profiles_need() {
    assert_eq!(spec("x", Profile::BearerV1).types, [TokenType::User]);
}
