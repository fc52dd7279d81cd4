//! However a chain of tokens is made, no token in it may do more, live longer or be harder to revoke than the one before it.

use std::time::Duration;

use hallpass_token::{
    Algorithm, KeyRing, MAX_PARENTS, MintError, NewToken, TokenId, TokenType, UnixTime, Verified,
};
use proptest::prelude::*;

use crate::fixtures::{NOW, ring_of, service_token};

const SCOPES: [&str; 3] = ["labeler:read", "labeler:write", "labeler:admin"];

/// One link: what is delegated, what is asked for, for how long, of which kind, and how much later.
#[derive(Debug, Clone)]
struct Link {
    delegates: Vec<&'static str>,
    wanted: Vec<&'static str>,
    life: u64,
    kind: TokenType,
    later: u64,
}

fn some_scopes() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(SCOPES.to_vec(), 0..=SCOPES.len())
}

fn link() -> impl Strategy<Value = Link> {
    let kind =
        prop::sample::select(vec![TokenType::Service, TokenType::Background, TokenType::Action]);
    (some_scopes(), some_scopes(), 1..400_u64, kind, 0..40_u64).prop_map(
        |(delegates, wanted, life, kind, later)| Link { delegates, wanted, life, kind, later },
    )
}

fn child(parent: &Verified, link: &Link) -> Result<NewToken, MintError> {
    let id = TokenId::from_random([1; 16]);
    let mut new = NewToken::child_of(parent, link.kind, id, &link.delegates)?;
    new.audience = vec!["labeler".to_owned()];
    new.service = link.kind.names_service().then(|| "platform".to_owned());
    new.scopes = link.wanted.iter().copied().collect();
    new.life = Some(Duration::from_secs(link.life));
    Ok(new)
}

fn root(ring: &KeyRing) -> Verified {
    let mut new = service_token();
    new.scopes = ["labeler:read", "labeler:write"].into_iter().collect();
    ring.verify(ring.mint("made", &new, NOW).unwrap().expose(), NOW).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn chains_only_narrow(links in prop::collection::vec(link(), 1..12)) {
        let ring = ring_of(Algorithm::Hs256);
        let first = root(&ring);
        let mut parent = first.clone();
        let mut now = NOW;
        for link in links {
            now = now.plus(Duration::from_secs(link.later));
            let Ok(new) = child(&parent, &link) else { continue };
            let Ok(minted) = ring.mint("made", &new, now) else { continue };
            let token = ring.verify(minted.expose(), now).unwrap();
            // A parent without scopes was let through by a rule that asks for none; its delegates alone decide.
            let held = &parent.claims().scopes;
            prop_assert!(held.is_empty() || token.claims().scopes.is_subset(held));
            prop_assert!(token.claims().scopes.iter().all(|scope| link.delegates.contains(&scope)));
            prop_assert!(token.expires_at() <= parent.expires_at());
            prop_assert!(token.lookups().contains(&parent.fingerprint()));
            prop_assert!(parent.claims().parents.iter().all(|id| token.lookups().contains(id)));
            prop_assert!(token.claims().parents.len() <= MAX_PARENTS);
            prop_assert_eq!(token.txn(), first.txn());
            prop_assert_eq!(token.root_issued_at(), NOW);
            prop_assert_eq!(token.root_key(), first.root_key());
            parent = token;
        }
    }
}

#[test]
fn a_chain_ends_after_eight_ancestors() {
    let ring = ring_of(Algorithm::Hs256);
    let mut parent = root(&ring);
    let link = Link {
        delegates: vec!["labeler:read"],
        wanted: vec!["labeler:read"],
        life: 300,
        kind: TokenType::Service,
        later: 0,
    };
    for ancestors in 1..=MAX_PARENTS {
        let minted = ring.mint("made", &child(&parent, &link).unwrap(), NOW).unwrap();
        parent = ring.verify(minted.expose(), NOW).unwrap();
        assert_eq!(parent.claims().parents.len(), ancestors);
    }
    assert_eq!(child(&parent, &link).unwrap_err(), MintError::ChainTooLong);
}

#[test]
fn a_child_of_a_worker_stays_with_its_object() {
    let ring = ring_of(Algorithm::Hs256);
    let mut worker = service_token();
    worker.token_type = TokenType::Background;
    worker.subject = None;
    worker.job_id = Some("7".to_owned());
    worker.job_owner = Some("alice".to_owned());
    let dataset =
        |id: &str| hallpass_token::ResourceClaim { kind: "dataset".into(), id: id.into() };
    worker.resource = Some(dataset("d"));
    let minted = ring.mint("made", &worker, UnixTime::from_secs(5)).unwrap();
    let parent = ring.verify(minted.expose(), UnixTime::from_secs(5)).unwrap();
    let id = TokenId::from_random([1; 16]);
    let mut new =
        NewToken::child_of(&parent, TokenType::Background, id, &["labeler:read"]).unwrap();
    assert_eq!((new.job_id.as_deref(), new.resource.clone()), (Some("7"), Some(dataset("d"))));
    new.audience = vec!["labeler".to_owned()];
    new.service = Some("platform".to_owned());
    assert!(ring.mint("made", &new, UnixTime::from_secs(5)).is_ok());
    for other in [None, Some(dataset("e"))] {
        new.resource = other;
        let refused = ring.mint("made", &new, UnixTime::from_secs(5)).unwrap_err();
        assert_eq!(refused, MintError::NotTheParents("resource"));
    }
    new.resource = Some(dataset("d"));
    for other in [None, Some("8".to_owned())] {
        new.job_id = other;
        let refused = ring.mint("made", &new, UnixTime::from_secs(5)).unwrap_err();
        assert_eq!(refused, MintError::NotTheParents("job_id"));
    }
    new.job_id = Some("7".to_owned());
    for other in [None, Some("mallory".to_owned())] {
        new.job_owner = other;
        let refused = ring.mint("made", &new, UnixTime::from_secs(5)).unwrap_err();
        assert_eq!(refused, MintError::NotTheParents("job_owner"));
    }
}
