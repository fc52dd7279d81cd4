//! However a tree of tokens grows from a user's own, from one of an outside issuer's user, or from a worker's, no token in it may do more than the one that it was made from.

use std::time::Duration;

use hallpass_token::{
    Algorithm, Claims, Grants, KeyRing, KeySpec, KeyState, MintError, NewToken, Profile,
    ResourceClaim, TokenId, TokenType, UnixTime, Verified, generate,
};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::json;

use crate::fixtures::NOW;
use crate::outsiders::{ACME, acme, keys, settings};

const SCOPES: [&str; 4] = ["jobs:read", "jobs:write", "notes:read", "notes:write"];
const AUDIENCES: [&str; 4] = ["platform", "labeler", "jobs.abort", "notes.burn"];
const ROLES: [&str; 2] = ["keeper", "admin"];
const FACTORS: [&str; 2] = ["pwd", "otp"];
const AGENTS: [&str; 2] = ["robot", "parrot"];

/// A wish for a token: everything in it may be more than the parent has.
#[derive(Debug, Clone)]
struct Wish {
    kind: TokenType,
    words: [Vec<&'static str>; 5],
    agent: Option<&'static str>,
    actions: Option<Vec<&'static str>>,
    proved: Option<u64>,
    /// Whether it sets the object, and to which.
    #[expect(clippy::option_option, reason = "a wish may leave it, take it away or set it")]
    object: Option<Option<&'static str>>,
    life: u64,
    later: u64,
}

fn words(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(of.to_vec(), 0..=of.len())
}

fn wish() -> impl Strategy<Value = Wish> {
    let all = (words(&SCOPES), words(&SCOPES), words(&AUDIENCES), words(&ROLES), words(&FACTORS));
    let agent = prop::option::weighted(0.8, select(AGENTS.to_vec()));
    let actions = prop::option::weighted(0.8, words(&AUDIENCES[2..]));
    let times = (prop::option::of(0..2_u64), 1..4000_u64, 0..40_u64);
    let object = prop::option::weighted(0.3, prop::option::of(select(vec!["1", "2"])));
    (select(TokenType::ALL.to_vec()), all, agent, actions, times, object).prop_map(
        |(kind, (delegates, scopes, audience, roles, amr), agent, actions, times, object)| Wish {
            kind,
            words: [delegates, scopes, audience, roles, amr],
            agent,
            actions,
            proved: times.0,
            object,
            life: times.1,
            later: times.2,
        },
    )
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// A child as somebody careless would make it.
fn child(parent: &Verified, wish: &Wish) -> Result<NewToken, MintError> {
    let [delegates, scopes, audience, roles, amr] = &wish.words;
    let id = TokenId::from_random([1; 16]);
    let mut new = NewToken::child_of(parent, wish.kind, id, delegates)?;
    // Asked for is what only one bucket or another has, with or without what the parent has.
    new.grants = match wish.life % 4 {
        0 => Grants::of(&owned(&["a"]), &owned(&["g"]), None).ok(),
        1 => Grants::of(&owned(&["a", "b"]), &owned(&["g", "p"]), None).ok(),
        2 => None,
        _ => new.grants,
    };
    new.scopes = scopes.iter().copied().collect();
    new.audience = owned(audience);
    new.service = wish.kind.names_service().then(|| "platform".to_owned());
    new.actor = wish.agent.map(|agent| json!({ "sub": agent }));
    new.actions = wish.actions.as_deref().map(owned);
    new.life = Some(Duration::from_secs(wish.life));
    if let Some(object) = wish.object {
        new.resource = object.map(dataset);
    }
    if wish.proved.is_some() {
        (new.roles, new.amr) = (owned(roles), owned(amr));
        new.auth_time = wish.proved.map(|later| NOW.plus(Duration::from_secs(later)));
    }
    Ok(new)
}

fn dataset(id: &str) -> ResourceClaim {
    ResourceClaim { kind: "dataset".to_owned(), id: id.to_owned() }
}

fn ring() -> KeyRing {
    let key = |kid: &str, types: &[TokenType]| {
        let spec = KeySpec {
            kid: kid.to_owned(),
            issuer: kid.to_owned(),
            owner: "platform".to_owned(),
            types: types.to_vec(),
            scopes: SCOPES.into_iter().collect(),
            audiences: owned(&AUDIENCES),
            state: KeyState::Active,
            profile: Profile::Standard,
            no_expiry: false,
            roots: None,
            max_life: None,
        };
        generate(Algorithm::EdDsa, spec).unwrap()
    };
    let inside = [TokenType::Service, TokenType::Background, TokenType::Action];
    let ring =
        KeyRing::new(vec![key("users", &[TokenType::User]), key("inside", &inside)]).unwrap();
    let mut outside = settings(ACME, "acme:");
    outside.scopes = [("read".to_owned(), owned(&SCOPES[..3]))].into();
    outside.roles = [("ml-admins".to_owned(), owned(&ROLES[..1]))].into();
    ring.with_outside(keys(&outside, &acme().jwks()))
}

/// A user's token, one of an outside issuer's user, and a worker's for one dataset.
fn roots(ring: &KeyRing, grants: Option<Grants>) -> Vec<Verified> {
    let outside = acme().changed(|_, payload| payload["may_act"] = json!({ "sub": AGENTS[0] }));
    let mut worker = NewToken::new(TokenType::Background, TokenId::from_random([8; 16]));
    worker.service = Some("platform".to_owned());
    worker.scopes = SCOPES[2..3].iter().copied().collect();
    worker.audience = owned(&AUDIENCES[1..2]);
    worker.resource = Some(dataset("1"));
    worker.life = Some(Duration::from_hours(1));
    let outside = ring.verify(&outside, NOW).unwrap();
    vec![root(ring, grants), outside, verified(ring, &worker, NOW).unwrap()]
}

fn root(ring: &KeyRing, grants: Option<Grants>) -> Verified {
    let mut new = NewToken::new(TokenType::User, TokenId::from_random([9; 16]));
    new.subject = Some("alice".to_owned());
    new.scopes = SCOPES[..3].iter().copied().collect();
    new.audience = owned(&AUDIENCES[..1]);
    new.roles = owned(&ROLES[..1]);
    new.amr = owned(&FACTORS);
    new.auth_time = Some(NOW);
    new.may_act = Some(json!({ "sub": AGENTS[0] }));
    new.grants = grants;
    verified(ring, &new, NOW).unwrap()
}

fn verified(ring: &KeyRing, new: &NewToken, now: UnixTime) -> Option<Verified> {
    let kid = if new.token_type == TokenType::User { "users" } else { "inside" };
    let minted = ring.mint(kid, new, now).ok()?;
    Some(ring.verify(minted.expose(), now).unwrap())
}

/// What of the child is more than the parent's; nothing where it is narrower.
fn wider(token: &Verified, parent: &Verified, wish: &Wish) -> Option<&'static str> {
    let (own, before) = (token.claims(), parent.claims());
    let among = |own: &[String], before: &[String]| own.iter().all(|one| before.contains(one));
    let acts_within =
        |actions: &[String]| before.actions.as_ref().is_none_or(|allowed| among(actions, allowed));
    let Claims { roles, amr, auth_time, .. } = own;
    let checks = [
        ("scope", own.scopes.iter().all(|scope| wish.words[0].contains(&scope))),
        (
            "scope held",
            before.scopes.is_empty()
                || own.scopes.iter().all(|scope| {
                    let vocabulary = |scope: &str| scope.split(':').next().map(str::to_owned);
                    let known =
                        before.scopes.iter().any(|held| vocabulary(held) == vocabulary(scope));
                    before.scopes.contains(scope) || (own.token_type != TokenType::User && !known)
                }),
        ),
        ("life", token.expires_at() <= parent.expires_at()),
        ("ancestors", token.lookups().contains(&parent.fingerprint())),
        ("more ancestors", before.parents.iter().all(|id| token.lookups().contains(id))),
        ("transaction", token.txn() == parent.txn()),
        (
            "root",
            token.root_key() == parent.root_key() && token.root_issuer() == parent.root_issuer(),
        ),
        ("object", before.resource.is_none() || own.resource == before.resource),
        ("user", own.subject == before.subject || own.token_type == TokenType::Background),
        ("roles", among(roles, &before.roles) && among(amr, &before.amr)),
        ("proof", auth_time.is_none() || *auth_time == before.auth_time),
        (
            "user's audience",
            own.token_type != TokenType::User || among(&own.audience, &before.audience),
        ),
        (
            "agent",
            own.token_type != TokenType::User || own.actor == Some(json!({ "sub": AGENTS[0] })),
        ),
        ("agent's agent", own.token_type != TokenType::User || before.actor.is_none()),
        (
            "agent's roles",
            own.token_type != TokenType::User || (roles.is_empty() && amr.is_empty()),
        ),
        (
            "agent's actions",
            own.token_type != TokenType::User || own.actions.as_deref().is_some_and(acts_within),
        ),
        ("action", own.token_type != TokenType::Action || acts_within(&own.audience)),
        (
            "storage grants",
            own.token_type == TokenType::Action
                || match (&own.grants, &before.grants) {
                    (Some(own), Some(before)) => own.is_within(before),
                    (own, before) => own.is_some() || before.is_none(),
                },
        ),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn trees_only_narrow(granted in any::<bool>(), wishes in prop::collection::vec((any::<Index>(), wish()), 1..24)) {
        let ring = ring();
        let held = Grants::of(&owned(&["a"]), &owned(&["g", "l"]), None).ok();
        let mut tokens = roots(&ring, held.filter(|_| granted));
        let mut now = NOW;
        for (at, wish) in wishes {
            now = now.plus(Duration::from_secs(wish.later));
            let parent = at.get(&tokens).clone();
            let Ok(new) = child(&parent, &wish) else { continue };
            let Some(token) = verified(&ring, &new, now) else { continue };
            prop_assert_eq!(wider(&token, &parent, &wish), None, "{:?}", token.claims());
            tokens.push(token);
        }
    }
}

/// The property above would hold of a mint that refuses everything.
#[test]
fn every_kind_grows() {
    let ring = ring();
    let root = root(&ring, None);
    let wish = |kind, audience, agent| Wish {
        kind,
        words: [SCOPES[..1].to_vec(), SCOPES[..1].to_vec(), vec![audience], vec![], vec![]],
        agent,
        actions: Some(vec!["jobs.abort"]),
        proved: None,
        object: None,
        life: 63,
        later: 0,
    };
    let grown = |parent: &Verified, wish: &Wish| {
        child(parent, wish).ok().and_then(|new| verified(&ring, &new, NOW))
    };
    let agent = grown(&root, &wish(TokenType::User, "platform", Some("robot"))).unwrap();
    assert!(grown(&root, &wish(TokenType::User, "platform", Some("parrot"))).is_none());
    assert!(grown(&root, &wish(TokenType::User, "platform", None)).is_none());
    assert!(grown(&agent, &wish(TokenType::User, "platform", Some("robot"))).is_none());
    assert!(grown(&agent, &wish(TokenType::Action, "jobs.abort", Some("robot"))).is_some());
    assert!(grown(&agent, &wish(TokenType::Action, "notes.burn", Some("robot"))).is_none());
    assert!(grown(&root, &wish(TokenType::Action, "notes.burn", None)).is_some());
    assert!(grown(&agent, &wish(TokenType::Service, "labeler", Some("platform"))).is_some());
    assert!(grown(&root, &wish(TokenType::Background, "labeler", Some("platform"))).is_some());
    let [_, outside, worker] = <[Verified; 3]>::try_from(roots(&ring, None)).unwrap();
    assert!(grown(&outside, &wish(TokenType::User, "platform", Some("robot"))).is_some());
    assert!(grown(&outside, &wish(TokenType::Service, "labeler", None)).is_some());
    let notes = Wish {
        words: [SCOPES[2..3].to_vec(), SCOPES[2..3].to_vec(), vec!["labeler"], vec![], vec![]],
        ..wish(TokenType::Background, "labeler", None)
    };
    assert!(grown(&worker, &notes).is_some());
    for other in [None, Some("2")] {
        assert!(grown(&worker, &Wish { object: Some(other), ..notes.clone() }).is_none());
    }
}
