//! A token is exchanged only for one that may do less: a bound that the first has is not left behind with it.

use hallpass_token::{KeyRing, MintError, NewToken, SKEW, TokenId, TokenType, UnixTime, Verified};
use serde_json::{Value, json};

use crate::fixtures::{NOW, forge, forgers_ring, parts};

/// A user who named the one who may act for them, at this instant.
fn user(ring: &KeyRing, ends: u64) -> Verified {
    let (header, mut payload) = parts(TokenType::User);
    payload["may_act"] = json!({"sub": "robot"});
    payload["exp"] = ends.into();
    ring.verify(&forge(&header, &payload), NOW).unwrap()
}

fn child(parent: &Verified, kind: TokenType, agent: Option<&str>) -> Result<NewToken, MintError> {
    let mut new = NewToken::child_of(parent, kind, TokenId::from_random([6; 16]), &[])?;
    new.audience = vec![if kind == TokenType::User { "platform" } else { "labeler" }.to_owned()];
    if let Some(agent) = agent {
        new.actor = Some(json!({ "sub": agent }));
        new.actions = Some(Vec::new());
    }
    new.service = kind.names_service().then(|| "platform".to_owned());
    Ok(new)
}

fn minted(ring: &KeyRing, new: &NewToken, now: UnixTime) -> Result<Verified, MintError> {
    let kid = if new.token_type == TokenType::User { "users" } else { "services" };
    Ok(ring.verify(ring.mint(kid, new, now)?.expose(), now).unwrap())
}

#[test]
fn a_token_with_may_act_is_not_exchanged_for_one_without() {
    let ring = forgers_ring();
    let user = user(&ring, NOW.as_secs() + 120);
    let refused = |kind, agent: Option<&str>, change: fn(&mut NewToken)| {
        let mut new = child(&user, kind, agent).unwrap();
        change(&mut new);
        minted(&ring, &new, NOW).err()
    };
    assert_eq!(refused(TokenType::User, Some("robot"), |_| {}), None, "the one who is named");
    let others = Some(MintError::NotTheParents("may_act"));
    assert_eq!(refused(TokenType::User, Some("mallory"), |_| {}), others);
    // Nobody is made the one who may act by the token that comes after.
    let names: fn(&mut NewToken) = |new| new.may_act = Some(json!({"sub": "mallory"}));
    for (kind, agent) in
        [(TokenType::User, Some("robot")), (TokenType::Service, None), (TokenType::Action, None)]
    {
        assert_eq!(refused(kind, agent, names), others, "{kind}");
    }
    // A token without an agent is no agent's, and none of these becomes a user's again, from which another agent's could be had.
    assert_eq!(refused(TokenType::User, None, |_| {}), Some(MintError::NotTheParents("act")));
    let agent = minted(&ring, &child(&user, TokenType::User, Some("robot")).unwrap(), NOW).unwrap();
    assert_eq!(agent.claims().actor, Some(json!({"sub": "robot"})));
    let service = minted(&ring, &child(&user, TokenType::Service, None).unwrap(), NOW).unwrap();
    for parent in [&agent, &service] {
        let again = child(parent, TokenType::User, Some("mallory"));
        assert_eq!(again.err(), Some(MintError::NotAChild));
    }
    let onwards = minted(&ring, &child(&agent, TokenType::Service, None).unwrap(), NOW).unwrap();
    let acts = onwards.claims().actor.as_ref().and_then(|actor| actor.get("sub"));
    assert_eq!(
        acts.and_then(Value::as_str),
        Some("robot"),
        "who acts is known in the next service"
    );
}

/// Whoever ended, by time, ended for all that was made of it.
#[test]
fn a_child_does_not_go_on_when_its_parent_or_agent_has_ended() {
    let ring = forgers_ring();
    let end = NOW.as_secs() + 120;
    let user = user(&ring, end);
    let agent = minted(&ring, &child(&user, TokenType::User, Some("robot")).unwrap(), NOW).unwrap();
    let service = minted(&ring, &child(&agent, TokenType::Service, None).unwrap(), NOW).unwrap();
    for token in [&agent, &service] {
        assert_eq!(token.expires_at(), Some(UnixTime::from_secs(end)));
    }
    assert!(service.lookups().contains(&user.fingerprint()), "the parent's revocation is its own");
    assert!(service.lookups().contains(&agent.fingerprint()), "and so is the agent's");
    let late = UnixTime::from_secs(end).plus(SKEW);
    for (parent, kind) in [(&user, TokenType::Service), (&agent, TokenType::Service)] {
        let new = child(parent, kind, None).unwrap();
        assert_eq!(minted(&ring, &new, late).err(), Some(MintError::ParentExpired));
    }
}
