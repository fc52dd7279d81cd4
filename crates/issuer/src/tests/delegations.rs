//! Agents: narrower than who they act for, listed, ended, and never ends in themselves.

use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::auth::{
    ActionService, CreateDelegationRequest, CreateDelegationResponse, DelegationService,
    IssueActionTokenRequest, ListDelegationsRequest, RevokeDelegationRequest,
};
use hallpass_revocation::Entry;
use hallpass_token::{Fingerprint, MintedToken, TokenType, Verified};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::actions::{KEEPER, handler, registry};
use super::world::{ALICE, BOB, HOUR, NOW, Wish, World};
use crate::delegation_service::DelegationHandler;
use crate::delegations::Giver;

const GIVER: Wish =
    Wish { scopes: &["revocations:read", "actions:admin", "tokens:introspect"], ..KEEPER };

type Change = fn(&mut CreateDelegationRequest);

/// What of an agent's token is revoked.
type Way = fn(&Verified) -> Fingerprint;

struct Desk {
    world: World,
    handler: DelegationHandler,
}

impl Desk {
    fn open() -> Self {
        let world = World::new();
        let handler = world.issuer.delegation_handler(world.delegations());
        Self { handler: DelegationHandler { registry: registry(), ..handler }, world }
    }

    async fn create(
        &self,
        caller: &MintedToken,
        change: impl FnOnce(&mut CreateDelegationRequest) + Send,
    ) -> Result<CreateDelegationResponse, Status> {
        let mut request = CreateDelegationRequest {
            agent: "robot".to_owned(),
            scopes: vec!["revocations:read".to_owned()],
            actions: vec!["notes.burn".to_owned()],
            ..CreateDelegationRequest::default()
        };
        change(&mut request);
        let permit = self.world.permit(caller, "DelegationService/CreateDelegation");
        self.handler.create_delegation(permit, request).await.map_err(Into::into)
    }

    async fn list(&self, caller: &MintedToken) -> Vec<(String, bool)> {
        let permit = self.world.permit(caller, "DelegationService/ListDelegations");
        let listed = self.handler.list_delegations(permit, ListDelegationsRequest {}).await;
        let all = listed.unwrap().delegations.into_iter();
        all.map(|given| (given.agent, given.revoked)).collect()
    }

    async fn end(&self, caller: &MintedToken, id: &str) -> Result<(), Code> {
        let permit = self.world.permit(caller, "DelegationService/RevokeDelegation");
        let request =
            RevokeDelegationRequest { delegation_id: id.to_owned(), reason: String::new() };
        let ended = self.handler.revoke_delegation(permit, request).await;
        ended.map(|_| ()).map_err(|error| Status::from(error).code())
    }

    fn verified(&self, given: &CreateDelegationResponse) -> Verified {
        self.world.signers.verify(&given.token, self.world.clock.now()).unwrap()
    }

    fn is_revoked(&self, token: &Verified) -> bool {
        self.world.list.index().is_revoked(token)
    }
}

#[tokio::test]
async fn an_agent_holds_less_than_its_user_and_is_told_apart_from_them() {
    let desk = Desk::open();
    let alice = desk.world.mint(&GIVER);
    let given = desk.create(&alice, |_| {}).await.unwrap();
    let (agent, user) = (desk.verified(&given), desk.world.verified(&alice));
    let claims = agent.claims();
    assert_eq!((claims.token_type, claims.subject.as_deref()), (TokenType::User, Some("alice")));
    assert_eq!(claims.actor, Some(serde_json::json!({ "sub": "robot" })));
    assert_eq!(claims.scopes.iter().collect::<Vec<_>>(), ["revocations:read"]);
    assert!(claims.roles.is_empty() && claims.amr.is_empty());
    assert_eq!(agent.expires_at(), user.expires_at(), "the user's own token ends in an hour");
    assert!(!agent.is_of_same_holder(&user));
    assert!(!format!("{given:?}").contains(&given.token));
}

#[tokio::test]
async fn what_cannot_be_given_is_refused() {
    let desk = Desk::open();
    let alice = desk.world.mint(&GIVER);
    let table: [(Change, &str); 9] = [
        (|it| it.scopes = vec!["revocations:admin".to_owned()], "scopes"),
        (|it| it.scopes = Vec::new(), "scopes"),
        (|it| it.scopes = vec!["actions:admin".to_owned()], "scopes"),
        (|it| it.actions = vec!["notes.eat".to_owned()], "actions"),
        (|it| it.agent = String::new(), "agent"),
        (|it| it.agent = "a\nb".to_owned(), "agent"),
        (|it| it.life_seconds = 59, "life_seconds"),
        (|it| it.life_seconds = 86_401, "life_seconds"),
        (|it| it.description = "x".repeat(201), "description"),
    ];
    for (at, (change, field)) in table.into_iter().enumerate() {
        let refused = desk.create(&alice, change).await.unwrap_err();
        let details = refused.get_error_details();
        assert_eq!(refused.code(), Code::InvalidArgument, "row {at}");
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, field, "row {at}");
    }
    assert!(desk.list(&alice).await.is_empty());
}

#[tokio::test]
async fn only_the_agent_that_a_token_names_may_be_made_to_act() {
    let desk = Desk::open();
    let named = desk.world.mint(&Wish { may_act: Some("parrot"), ..GIVER });
    assert_eq!(desk.create(&named, |_| {}).await.unwrap_err().code(), Code::InvalidArgument);
    assert!(desk.create(&named, |it| it.agent = "parrot".to_owned()).await.is_ok());
}

#[tokio::test]
async fn agents_have_no_agents_and_see_none() {
    let desk = Desk::open();
    let given = desk.create(&desk.world.mint(&GIVER), |_| {}).await.unwrap();
    let permit = |method| World::permit_of(desk.verified(&given), method);
    let request = CreateDelegationRequest {
        agent: "flea".to_owned(),
        scopes: vec!["revocations:read".to_owned()],
        ..CreateDelegationRequest::default()
    };
    let refused = desk
        .handler
        .create_delegation(permit("DelegationService/CreateDelegation"), request)
        .await
        .unwrap_err();
    assert_eq!(Status::from(refused).code(), Code::PermissionDenied);
    let refused = desk
        .handler
        .list_delegations(permit("DelegationService/ListDelegations"), ListDelegationsRequest {})
        .await
        .unwrap_err();
    assert_eq!(Status::from(refused).code(), Code::PermissionDenied);
}

#[tokio::test]
async fn an_agent_gets_action_tokens_for_what_it_was_given() {
    let desk = Desk::open();
    let given = desk.create(&desk.world.mint(&GIVER), |_| {}).await.unwrap();
    let issue = async |audience: &str| {
        let permit = World::permit_of(desk.verified(&given), "ActionService/IssueActionToken");
        let request = IssueActionTokenRequest {
            audience: audience.to_owned(),
            ..IssueActionTokenRequest::default()
        };
        handler(&desk.world).issue_action_token(permit, request).await.map_err(Status::from)
    };
    let issued = issue("notes.burn").await.unwrap();
    let token = desk.world.signers.verify(&issued.token, NOW).unwrap();
    assert!(token.is_of_same_holder(&desk.verified(&given)), "the agent's, not the user's");
    let refused = issue("notes.close").await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_user_lists_and_ends_their_own() {
    let desk = Desk::open();
    let (alice, bob) =
        (desk.world.mint(&GIVER), desk.world.mint(&Wish { subject: "bob", ..GIVER }));
    let first = desk.create(&alice, |_| {}).await.unwrap();
    let second = desk.create(&alice, |it| it.agent = "parrot".to_owned()).await.unwrap();
    let others = desk.create(&bob, |_| {}).await.unwrap();
    let id = |given: &CreateDelegationResponse| given.delegation.clone().unwrap().delegation_id;
    assert_eq!(desk.end(&alice, &id(&others)).await, Err(Code::InvalidArgument));
    assert_eq!(desk.end(&alice, &id(&first)).await, Ok(()));
    assert!(desk.is_revoked(&desk.verified(&first)) && !desk.is_revoked(&desk.verified(&second)));
    let listed = [("robot".to_owned(), true), ("parrot".to_owned(), false)];
    assert_eq!(desk.list(&alice).await, listed);
    desk.world.revoke(&alice, "").await.unwrap();
    assert!(desk.is_revoked(&desk.verified(&second)), "it falls with the user's own token");
    let again = desk.world.mint(&GIVER);
    assert!(desk.list(&again).await.iter().all(|(_, revoked)| *revoked));
    desk.world.clock.advance(HOUR);
    assert!(desk.list(&again).await.is_empty(), "all have ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_ask_at_once_a_user_has_at_most_a_hundred() {
    let desk = Arc::new(Desk::open());
    let alice = Arc::new(desk.world.mint(&GIVER));
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..160 {
        let (desk, alice) = (Arc::clone(&desk), Arc::clone(&alice));
        asking.spawn(async move { desk.create(&alice, |_| {}).await.map_err(|it| it.code()) });
    }
    let answers = asking.join_all().await;
    let made: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(made.len(), 100);
    assert!(
        answers.iter().filter_map(|it| it.as_ref().err()).all(|it| *it == Code::ResourceExhausted)
    );
    assert_eq!(desk.list(&alice).await.len(), 100);
    // One that is ended makes room for another, and is listed still.
    let id = made[7].delegation.clone().unwrap().delegation_id;
    desk.end(&alice, &id).await.unwrap();
    desk.create(&alice, |_| {}).await.unwrap();
    let refused = desk.create(&alice, |_| {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(desk.list(&alice).await.len(), 101);
}

/// Every way in which an agent's token comes to be refused.
#[tokio::test]
async fn what_is_refused_is_listed_as_revoked() {
    let cutoff = |name| Entry::cutoff(name, NOW, None);
    let exact = |name| Entry::exact(name, None);
    let table: [(&str, Way, bool); 6] = [
        ("its own id", Verified::fingerprint, false),
        ("what was signed", Verified::signed_part, false),
        ("its parent", |agent| agent.claims().parents[0], false),
        ("its key", |agent| Fingerprint::key(agent.kid()), false),
        ("its root's key", |agent| Fingerprint::key(agent.root_key()), false),
        ("all of its user's", |_| Fingerprint::subject("users", "alice"), true),
    ];
    for (what, way, is_cutoff) in table {
        let desk = Desk::open();
        let alice = desk.world.mint(&GIVER);
        let given = desk.create(&alice, |_| {}).await.unwrap();
        let agent = desk.verified(&given);
        assert_eq!(desk.list(&alice).await, [("robot".to_owned(), false)], "{what}");
        let entry = if is_cutoff { cutoff(way(&agent)) } else { exact(way(&agent)) };
        desk.world.list.index().insert(&[entry]);
        assert!(desk.is_revoked(&agent), "{what}");
        assert_eq!(desk.list(&alice).await, [("robot".to_owned(), true)], "{what}");
        // And after a restart.
        let Desk { world, handler } = desk;
        drop(handler);
        let handler = world.issuer.delegation_handler(world.delegations());
        let desk = Desk { world, handler };
        assert_eq!(desk.list(&alice).await, [("robot".to_owned(), true)], "{what}, restarted");
    }
}

#[tokio::test]
async fn who_has_few_gets_one_when_others_fill_the_store() {
    let world = World::new();
    let store = world.delegations();
    let giver = |name: &str| {
        let token = world.mint(&GIVER);
        let mut giver = Giver::of(&world.verified(&token)).unwrap();
        giver.rename(name);
        giver
    };
    let admit = |name: &str| store.admit(giver(name), NOW, |_| false);
    let mut held = Vec::new();
    for user in 0..100 {
        let own = (0..100).map(|_| admit(&format!("heavy {user}")).unwrap());
        held.extend(own.collect::<Vec<_>>());
    }
    assert!(admit("heavy 1").is_err());
    for user in 0..1_000 {
        let name = format!("light {user}");
        held.extend((0..10).map(|_| admit(&name).unwrap()).collect::<Vec<_>>());
        assert!(admit(&name).is_err(), "more than a few are for nobody now");
    }
    assert!(admit("too late").is_err());
    drop(held);
    assert!(admit("heavy 1").is_ok());
}

#[tokio::test]
async fn nobody_asks_faster_than_the_pace() {
    let world = World::new();
    let (alice, bob) = (world.mint(&ALICE), world.mint(&BOB));
    let handler = handler(&world);
    let ask = async |caller: &MintedToken| {
        let permit = world.permit(caller, "ActionService/IssueActionToken");
        let request = IssueActionTokenRequest {
            audience: "notes.burn".to_owned(),
            ..IssueActionTokenRequest::default()
        };
        handler.issue_action_token(permit, request).await.map_err(Status::from)
    };
    for _ in 0..60 {
        ask(&alice).await.unwrap();
    }
    let refused = ask(&alice).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let wait = refused.get_error_details().retry_info().unwrap().retry_delay.unwrap();
    assert_eq!(wait, Duration::from_secs(1));
    ask(&bob).await.unwrap();
    world.clock.advance(wait);
    ask(&alice).await.unwrap();
    assert_eq!(ask(&alice).await.unwrap_err().code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn agents_do_not_use_up_what_their_user_may_get() {
    let desk = Desk::open();
    let alice = desk.world.mint(&GIVER);
    let handler = handler(&desk.world);
    let issue = async |caller: Verified| {
        let permit = World::permit_of(caller, "ActionService/IssueActionToken");
        let request = IssueActionTokenRequest {
            audience: "notes.burn".to_owned(),
            ..IssueActionTokenRequest::default()
        };
        handler.issue_action_token(permit, request).await.is_ok()
    };
    let mut got = Vec::new();
    for robot in ["one", "two", "three"] {
        let given = desk.create(&alice, |it| it.agent = robot.to_owned()).await.unwrap();
        let mut count = 0;
        while issue(desk.verified(&given)).await {
            count += 1;
            assert!(count <= 60, "{robot} is not limited");
        }
        got.push(count);
    }
    // Each a quarter of the user's sixty, all together half.
    assert_eq!(got, [15, 15, 0]);
    for _ in 0..60 {
        assert!(issue(desk.world.verified(&alice).as_ref().clone()).await);
    }
}
