//! What a token is looked up by: nothing whose revocation concerns it is left out, and nothing else is in.

use hallpass_token::{Fingerprint, KeyRing, NewToken, TokenId, TokenType, Verified};
use serde_json::json;

use crate::fixtures::{NOW, forge, forgers_ring, parts, service_parts};

#[test]
fn fingerprints_differ_by_kind_and_by_boundary() {
    let all = [
        Fingerprint::token("a", "b"),
        Fingerprint::subject("a", "b"),
        Fingerprint::token("ab", ""),
        Fingerprint::token("", "ab"),
        Fingerprint::session("ab"),
        Fingerprint::key("ab"),
        Fingerprint::service("ab"),
        Fingerprint::signed_part(b"ab"),
    ];
    for (index, one) in all.iter().enumerate() {
        assert!(all[..index].iter().all(|other| other != one), "{index}");
        assert_eq!(one.to_string().len(), 22);
        assert_eq!(one.to_string().parse(), Ok(*one));
        assert_eq!(Fingerprint::from_bytes(one.to_bytes()), *one);
        assert_eq!(one.as_u128().to_be_bytes(), one.to_bytes());
    }
    for text in ["", "A", &"A".repeat(21), &"A".repeat(23), &"A".repeat(64), &"=".repeat(22)] {
        assert!(text.parse::<Fingerprint>().is_err(), "{text}");
    }
}

/// Lists on disk outlive a release: the fingerprint of a thing never changes.
#[test]
fn fingerprints_stay_what_they_are() {
    assert_eq!(Fingerprint::token("platform", "1").to_string(), "up2_vrBi8YJ4ZAdDhL794A");
    assert_eq!(Fingerprint::subject("users", "1").to_string(), "tTxrTAIGbMHu3ApGwh2RMg");
}

#[test]
fn a_root_is_looked_up_by_itself_and_its_key() {
    let (header, payload) = service_parts();
    let token = forgers_ring().verify(&forge(&header, &payload), NOW).unwrap();
    let own = Fingerprint::token("platform", "fixture-1");
    assert_eq!(token.fingerprint(), own);
    assert_eq!(token.lookups(), [own, token.signed_part(), Fingerprint::key("services")]);
    let subject = Fingerprint::subject("platform", "1");
    assert_eq!(token.cutoffs(), [subject, Fingerprint::service("platform")]);
    assert_eq!((token.root_issued_at(), token.root_key()), (NOW, "services"));
    assert_eq!(token.txn(), own.to_string());
}

#[test]
fn a_descendant_is_looked_up_by_all_it_descends_from() {
    let (header, mut payload) = service_parts();
    let ancestors = [Fingerprint::token("users", "a"), Fingerprint::token("platform", "b")];
    payload["par"] = ancestors.iter().map(ToString::to_string).collect();
    payload["root_iat"] = 5.into();
    payload["root_kid"] = "users".into();
    payload["sid"] = "s".into();
    let token = forgers_ring().verify(&forge(&header, &payload), NOW).unwrap();
    let right = [
        Fingerprint::token("platform", "fixture-1"),
        token.signed_part(),
        ancestors[0],
        ancestors[1],
        Fingerprint::session("s"),
        Fingerprint::key("services"),
        Fingerprint::key("users"),
    ];
    assert_eq!(token.lookups(), right);
    // The ring knows the root's key, so a cut-off of the user at the users' issuer counts as well.
    let cutoffs = [
        Fingerprint::subject("platform", "1"),
        Fingerprint::subject("users", "1"),
        Fingerprint::service("platform"),
    ];
    assert_eq!(token.cutoffs(), cutoffs);
}

/// A ring that lacks the users' keys is told by the token whose user it is for.
#[test]
fn a_descendant_says_who_issued_its_root_where_nothing_else_does() {
    let ring = forgers_ring();
    let (header, payload) = parts(TokenType::User);
    let user = ring.verify(&forge(&header, &payload), NOW).unwrap();
    let child_of = |parent: &Verified, id| {
        let id = TokenId::from_random([id; 16]);
        let mut new = NewToken::child_of(parent, TokenType::Service, id, &[]).unwrap();
        new.service = Some("platform".to_owned());
        new.audience = vec!["labeler".to_owned()];
        ring.mint("services", &new, NOW).unwrap()
    };
    let child = child_of(&user, 1);
    let grandchild = child_of(&ring.verify(child.expose(), NOW).unwrap(), 2);
    let without: Vec<_> = ring.keys().filter(|key| key.kid() != "users").cloned().collect();
    let without = KeyRing::new(without).unwrap();
    for token in [&child, &grandchild] {
        let verified = without.verify(token.expose(), NOW).unwrap();
        assert_eq!(verified.root_issuer(), Some("users"));
        assert!(verified.cutoffs().contains(&Fingerprint::subject("users", "1")));
    }
}

/// Two rings may have a key of one name for different minters. The minter of the token knew which it was.
#[test]
fn a_signed_root_issuer_is_never_outweighed_by_the_verifiers_own_ring() {
    let (header, mut payload) = service_parts();
    payload["par"] = json!([Fingerprint::token("users", "a").to_string()]);
    payload["root_iat"] = 5.into();
    let outside = "https://login.acme.test#1";
    let issuer = |payload: &serde_json::Value| {
        let token = forgers_ring().verify(&forge(&header, payload), NOW)?;
        Ok(token.root_issuer().map(str::to_owned))
    };
    for (key, otherwise) in
        [("users", Some("users")), (outside, Some("https://login.acme.test")), ("unknown", None)]
    {
        payload["root_kid"] = key.into();
        assert_eq!(issuer(&payload), Ok(otherwise.map(str::to_owned)), "{key}");
    }
    payload["root_iss"] = "elsewhere".into();
    for key in ["users", "unknown"] {
        payload["root_kid"] = key.into();
        assert_eq!(issuer(&payload), Ok(Some("elsewhere".to_owned())), "{key}");
        let token = forgers_ring().verify(&forge(&header, &payload), NOW).unwrap();
        assert!(token.cutoffs().contains(&Fingerprint::subject("elsewhere", "1")), "{key}");
    }
    // The name of an OIDC issuer's key says whose it is: a token that contradicts itself is none.
    payload["root_kid"] = outside.into();
    assert!(matches!(issuer(&payload), Err(hallpass_token::TokenError::Malformed(_))));
}

#[test]
fn a_worker_has_no_subject_to_cut_off() {
    let (header, payload) = parts(TokenType::Background);
    let token = forgers_ring().verify(&forge(&header, &payload), NOW).unwrap();
    assert_eq!(token.cutoffs(), [Fingerprint::service("platform-training")]);
}

#[test]
fn ids_come_from_given_chance() {
    let id = TokenId::from_random([255; 16]);
    assert_eq!(id.as_str(), "_____________________w");
    assert_eq!(json!(id.to_string()), json!(id.as_str()));
}
