//! What is accepted, and what is read from it.

use hallpass_token::{Algorithm, Confirmation, Fingerprint, ResourceClaim, TokenType, UnixTime};
use serde_json::json;

use crate::fixtures::{NOW, forge, forgers_ring, parts, ring_of, service_parts, service_token};

#[test]
fn every_claim_is_read() {
    let (header, mut payload) = parts(TokenType::Background);
    let parent = Fingerprint::token("users", "root");
    let more = json!({
        "aud": ["labeler", "jobs.abort"], "scopes": ["labeler:write", "labeler:read"],
        "nbf": NOW.as_secs(), "txn": "t", "act": {"sub": "1"}, "job_id": 123, "sid": "s",
        "resource": {"type": "dataset", "id": "d"}, "cnf": {"x5t#S256": "A".repeat(43)},
        "par": [parent.to_string()], "root_iat": 5, "root_kid": "users", "unknown": {"x": [1]},
    });
    payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let token = forgers_ring().verify(&forge(&header, &payload), NOW).unwrap();
    let claims = token.claims();
    assert_eq!(claims.issuer.as_deref(), Some("platform"));
    assert_eq!(claims.subject, None);
    assert_eq!(claims.audience, ["labeler", "jobs.abort"]);
    assert_eq!(claims.service.as_deref(), Some("platform-training"));
    assert_eq!(claims.scopes.to_string(), "labeler:read labeler:write");
    assert_eq!(claims.issued_at, NOW);
    assert_eq!(claims.not_before, Some(NOW));
    assert_eq!(claims.expires_at, Some(UnixTime::from_secs(NOW.as_secs() + 120)));
    assert_eq!(claims.actor, Some(json!({"sub": "1"})));
    assert_eq!(claims.job_id.as_deref(), Some("123"));
    assert_eq!(claims.session.as_deref(), Some("s"));
    let dataset = ResourceClaim { kind: "dataset".to_owned(), id: "d".to_owned() };
    assert_eq!(claims.resource, Some(dataset));
    assert_eq!(claims.confirmation, Some(Confirmation { certificate_sha256: [0; 32] }));
    assert_eq!(claims.parents, [parent]);
    assert_eq!((token.root_issued_at(), token.root_key()), (UnixTime::from_secs(5), "users"));
    assert_eq!((token.txn(), token.kid()), ("t", "services"));
}

#[test]
fn a_minted_token_verifies_whatever_the_algorithm() {
    for algorithm in Algorithm::ALL {
        let ring = ring_of(algorithm);
        let mut new = service_token();
        new.txn = Some("t".to_owned());
        new.actor = Some(json!({"sub": "platform"}));
        new.resource = Some(ResourceClaim { kind: "dataset".to_owned(), id: "d".to_owned() });
        new.confirmation = Some(Confirmation { certificate_sha256: [9; 32] });
        new.session = Some("s".to_owned());
        new.job_id = Some("42".to_owned());
        let minted = ring.mint("made", &new, NOW).unwrap();
        let token = ring.verify(minted.expose(), NOW).unwrap();
        let claims = token.claims();
        assert_eq!(claims.subject, new.subject);
        assert_eq!(claims.audience, new.audience);
        assert_eq!(claims.service, new.service);
        assert_eq!(claims.scopes, new.scopes);
        assert_eq!(claims.actor, new.actor);
        assert_eq!(claims.resource, new.resource);
        assert_eq!(claims.confirmation, new.confirmation);
        assert_eq!(claims.session, new.session);
        assert_eq!(claims.job_id, new.job_id);
        assert_eq!(claims.id.as_deref(), Some(new.id.as_str()));
        assert_eq!(token.fingerprint(), minted.fingerprint());
        assert_eq!(token.expires_at(), minted.expires_at());
        assert_eq!(token.kid(), "made");
    }
}

#[test]
fn time_is_asked_again_at_every_use() {
    let (header, payload) = service_parts();
    let token = forgers_ring().verify(&forge(&header, &payload), NOW).unwrap();
    let at = |secs: u64| token.check_time(UnixTime::from_secs(NOW.as_secs() + secs)).is_ok();
    assert!(at(0) && at(149));
    assert!(!at(150));
    assert!(token.check_time(UnixTime::from_secs(0)).is_err());
    assert!(token.check_time(UnixTime::from_secs(u64::MAX)).is_err());
    assert_eq!(token.usable_for(NOW).unwrap().as_secs(), 150);
}

#[test]
fn a_private_ring_mints_for_a_public_one() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let own = ring_of(algorithm);
        let public = own.key("made").unwrap().public().unwrap();
        let other = hallpass_token::KeyRing::new(vec![public]).unwrap();
        let minted = own.mint("made", &service_token(), NOW).unwrap();
        assert!(other.verify(minted.expose(), NOW).is_ok());
        assert!(!other.key("made").unwrap().can_sign());
        let refused = other.mint("made", &service_token(), NOW).unwrap_err();
        assert_eq!(refused, hallpass_token::MintError::NoPrivateKey);
        assert!(other.active_signer("platform", TokenType::Service).is_none());
    }
}
