//! Action tokens: who gets which, for how long, and what becomes of them.

use std::time::Duration;

use hallpass_contract::auth::{
    ActionObject, ActionService, IntrospectTokenRequest, IssueActionTokenRequest,
    IssueActionTokenResponse, ListActionTokensRequest, ListActionUsageRequest,
    ListAudiencesRequest, RevokeAllTokensRequest, TokenService,
};
use hallpass_policy::{Access, Action, Resource, Rule, StepUp, WhenStale};
use hallpass_token::{MintedToken, SKEW, TokenType, Verified};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::world::{ADMIN, ALICE, BOB, HOUR, NOW, Wish, World};
use crate::action_service::{ActionHandler, Registry};

static ACTIONS: [Action; 2] = [
    Action {
        audience: "notes.burn",
        owner: "platform",
        description: "Burn a note",
        shortest_life: Duration::from_secs(30),
        longest_life: Duration::from_mins(10),
        usual_life: Duration::from_mins(2),
        single_use: true,
        roles: &[],
        step_up: None,
    },
    Action {
        audience: "notes.close",
        owner: "platform",
        description: "Close the notes",
        shortest_life: Duration::from_mins(1),
        longest_life: Duration::from_secs(90),
        usual_life: Duration::from_secs(90),
        single_use: false,
        roles: &["keeper", "admin"],
        step_up: Some(StepUp { amr: &["otp"], max_age: Some(Duration::from_mins(5)) }),
    },
];

static RULES: [Rule; 2] = [
    Rule {
        resources: &[Resource { kind: "note", field: Some("note_id"), permission: "burn" }],
        ..rule("/t.Notes/Burn", &ACTIONS[0])
    },
    rule("/t.Notes/Close", &ACTIONS[1]),
];

const fn rule(path: &'static str, action: &'static Action) -> Rule {
    Rule {
        path,
        service: "t.Notes",
        method: "",
        audience: "platform",
        access: Access::Tokens { types: &[TokenType::User], action: Some(action) },
        scope: None,
        resources: &[],
        delegates: &[],
        when_stale: WhenStale::Refuse,
        request_bytes: 16 << 10,
        client_streaming: false,
        server_streaming: false,
        description: "",
    }
}

pub(super) const KEEPER: Wish =
    Wish { roles: &["keeper"], amr: &["pwd", "otp"], proved_ago: Some(Duration::ZERO), ..ALICE };

pub(super) const fn registry() -> Registry {
    Registry { actions: &ACTIONS, rules: &RULES }
}

pub(super) fn handler(world: &World) -> ActionHandler {
    ActionHandler { registry: registry(), ..world.issuer.actions.clone() }
}

fn ask(audience: &str, life_seconds: u32) -> IssueActionTokenRequest {
    IssueActionTokenRequest { audience: audience.to_owned(), life_seconds, resource: None }
}

async fn issue(
    world: &World,
    caller: &MintedToken,
    request: IssueActionTokenRequest,
) -> Result<IssueActionTokenResponse, Status> {
    let permit = world.permit(caller, "ActionService/IssueActionToken");
    handler(world).issue_action_token(permit, request).await.map_err(Into::into)
}

fn verified(world: &World, issued: &IssueActionTokenResponse) -> Verified {
    world.signers.verify(&issued.token, world.clock.now()).unwrap()
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

#[tokio::test]
async fn a_token_is_the_callers_own_and_no_more() {
    let world = World::new();
    let caller = world.mint(&KEEPER);
    let issued = issue(&world, &caller, ask("notes.burn", 0)).await.unwrap();
    assert!(issued.single_use && !format!("{issued:?}").contains(&issued.token));
    let (token, own) = (verified(&world, &issued), world.verified(&caller));
    let claims = token.claims();
    assert!(token.is_of_same_holder(&own));
    assert_eq!(
        (claims.token_type, claims.issuer.as_deref()),
        (TokenType::Action, Some("platform"))
    );
    assert_eq!((&*claims.audience, claims.scopes.len()), (&["notes.burn".to_owned()][..], 0));
    assert_eq!(claims.parents, [own.fingerprint()]);
    assert_eq!(claims.expires_at, Some(NOW.plus(Duration::from_mins(2))));
    assert_eq!(claims.roles, ["keeper"]);
    assert_eq!(claims.id.as_deref(), Some(&*issued.token_id));
}

#[tokio::test]
async fn a_life_outside_the_bounds_is_an_error_that_names_them() {
    let world = World::new();
    let caller = world.mint(&KEEPER);
    for (audience, life, right) in [
        ("notes.burn", 29, "30 to 600"),
        ("notes.burn", 601, "30 to 600"),
        ("notes.close", 30, "60 to 90"),
        ("notes.close", 91, "60 to 90"),
    ] {
        let refused = issue(&world, &caller, ask(audience, life)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let details = refused.get_error_details();
        let violation = &details.bad_request().unwrap().field_violations[0];
        assert_eq!(violation.field, "life_seconds");
        assert!(violation.description.contains(right), "{}", violation.description);
    }
    for (audience, life, lives) in [
        ("notes.burn", 30, 30),
        ("notes.burn", 600, 600),
        ("notes.burn", 0, 120),
        ("notes.close", 0, 90),
    ] {
        let issued = issue(&world, &caller, ask(audience, life)).await.unwrap();
        let end = verified(&world, &issued).expires_at().unwrap();
        assert_eq!(end.since(NOW).as_secs(), lives, "{audience} {life}");
    }
    let refused = issue(&world, &caller, ask("notes.read", 0)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("notes.burn, notes.close"));
}

#[tokio::test]
async fn no_token_outlives_the_callers_own() {
    let world = World::new();
    let caller = world.mint(&Wish { life: Some(Duration::from_secs(40)), ..ALICE });
    let issued = issue(&world, &caller, ask("notes.burn", 600)).await.unwrap();
    assert_eq!(verified(&world, &issued).expires_at(), Some(NOW.plus(Duration::from_secs(40))));
}

#[tokio::test]
async fn the_caller_must_be_what_the_operation_demands() {
    let old = Some(Duration::from_secs(301));
    let table = [
        (KEEPER, None),
        (Wish { roles: &["admin", "x"], ..KEEPER }, None),
        (Wish { roles: &[], ..KEEPER }, Some((Code::PermissionDenied, "ROLE_MISSING"))),
        (Wish { roles: &["user"], ..KEEPER }, Some((Code::PermissionDenied, "ROLE_MISSING"))),
        (
            Wish { amr: &["pwd"], ..KEEPER },
            Some((Code::Unauthenticated, "INSUFFICIENT_USER_AUTHENTICATION")),
        ),
        (
            Wish { proved_ago: old, ..KEEPER },
            Some((Code::Unauthenticated, "INSUFFICIENT_USER_AUTHENTICATION")),
        ),
        (
            Wish { proved_ago: None, ..KEEPER },
            Some((Code::Unauthenticated, "INSUFFICIENT_USER_AUTHENTICATION")),
        ),
    ];
    for (at, (wish, expected)) in table.into_iter().enumerate() {
        let world = World::new();
        let answer = issue(&world, &world.mint(&wish), ask("notes.close", 0)).await;
        let refused = answer.err().map(|status| (status.code(), reason(&status)));
        let expected = expected.map(|(code, reason)| (code, reason.to_owned()));
        assert_eq!(refused, expected, "row {at}");
    }
}

#[tokio::test]
async fn a_token_for_one_object() {
    let world = World::new();
    let caller = world.mint(&ALICE);
    let of = |kind: &str, id: &str| {
        let object = ActionObject { r#type: kind.to_owned(), id: id.to_owned() };
        IssueActionTokenRequest { resource: Some(object), ..ask("notes.burn", 0) }
    };
    let issued = issue(&world, &caller, of("note", "n1")).await.unwrap();
    assert_eq!(verified(&world, &issued).claims().resource.as_ref().unwrap().id, "n1");
    let bound = world.mint(&Wish { resource: Some(("note", "n1")), ..ALICE });
    assert!(issue(&world, &bound, of("note", "n1")).await.is_ok());
    let refused = issue(&world, &bound, of("note", "n2")).await.unwrap_err();
    assert_eq!((refused.code(), &*reason(&refused)), (Code::PermissionDenied, "OBJECT_REFUSED"));
    for wrong in [of("book", "n1"), of("note", ""), of("note", "a\nb"), of("", "n1")] {
        let refused = issue(&world, &caller, wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn the_registry_says_what_each_demands_and_for_which_rpcs() {
    let world = World::new();
    let permit = world.permit(&world.mint(&ALICE), "ActionService/ListAudiences");
    let listed = handler(&world).list_audiences(permit, ListAudiencesRequest {}).await.unwrap();
    let [burn, close] = &*listed.audiences else { unreachable!("there are two") };
    assert_eq!((&*burn.audience, burn.single_use), ("notes.burn", true));
    assert_eq!(burn.rpcs, ["t.Notes/Burn"]);
    assert_eq!(
        (&*close.roles, &*close.amr_values),
        (&["keeper".to_owned(), "admin".to_owned()][..], &["otp".to_owned()][..])
    );
    assert_eq!((close.max_age_seconds, burn.max_age_seconds), (Some(300), None));
    assert_eq!((close.shortest_life_seconds, close.longest_life_seconds), (60, 90));
}

#[tokio::test]
async fn a_holder_looks_into_it_and_ends_it() {
    let world = World::new();
    let (alice, again, bob) = (world.mint(&ALICE), world.mint(&ALICE), world.mint(&BOB));
    let issued = issue(&world, &alice, ask("notes.burn", 0)).await.unwrap();
    let looked = async |caller: &MintedToken| {
        let request = IntrospectTokenRequest { token: issued.token.clone() };
        let permit = world.permit(caller, "TokenService/IntrospectToken");
        world.tokens.introspect_token(permit, request).await.unwrap()
    };
    let said = looked(&again).await;
    assert_eq!((said.active, &*said.r#type, &*said.subject), (true, "action", "alice"));
    assert!(!looked(&bob).await.active, "it is another's");
    assert_eq!(world.revoke(&bob, &issued.token).await.unwrap_err().code(), Code::PermissionDenied);
    world.revoke(&again, &issued.token).await.unwrap();
    assert!(!looked(&again).await.active);
}

#[tokio::test]
async fn revoking_all_of_ones_own_takes_the_action_tokens_along() {
    let world = World::new();
    let (alice, bob) = (world.mint(&ALICE), world.mint(&BOB));
    let own = verified(&world, &issue(&world, &alice, ask("notes.burn", 0)).await.unwrap());
    let others = verified(&world, &issue(&world, &bob, ask("notes.burn", 0)).await.unwrap());
    let permit = world.permit(&alice, "TokenService/RevokeAllTokens");
    let request = RevokeAllTokensRequest { reason: "lost".to_owned() };
    world.tokens.revoke_all_tokens(permit, request).await.unwrap();
    let index = world.list.index();
    assert!(index.is_revoked(&own) && index.is_revoked(&world.verified(&alice)));
    assert!(!index.is_revoked(&others));
    world.clock.advance(SKEW + Duration::from_secs(1));
    assert!(!index.is_revoked(&world.verified(&world.mint(&ALICE))), "what comes later is not");
}

#[tokio::test]
async fn everyone_sees_their_own_use_and_administrators_all() {
    let world = World::new();
    let (alice, bob) = (world.mint(&ALICE), world.mint(&BOB));
    let admin = world.mint(&Wish { scopes: &["actions:admin"], ..ADMIN });
    for caller in [&alice, &alice, &bob] {
        issue(&world, caller, ask("notes.burn", 0)).await.unwrap();
    }
    world.clock.advance(HOUR / 2);
    let list = async |caller: &MintedToken, request: ListActionUsageRequest| {
        let permit = world.permit(caller, "ActionService/ListActionUsage");
        handler(&world).list_action_usage(permit, request).await.map_err(Status::from)
    };
    let own = list(&alice, ListActionUsageRequest::default()).await.unwrap().usage;
    assert_eq!(own.len(), 1);
    assert_eq!((&*own[0].subject, own[0].issued, own[0].used), ("alice", 2, 0));
    let everyone = ListActionUsageRequest { everyone: true, page_size: 1, ..Default::default() };
    let refused = list(&alice, everyone.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let first = list(&admin, everyone.clone()).await.unwrap();
    assert_eq!(first.usage[0].subject, "alice");
    let next = ListActionUsageRequest { page_token: first.next_page_token, ..everyone };
    let second = list(&admin, next.clone()).await.unwrap();
    assert_eq!((&*second.usage[0].subject, &*second.next_page_token), ("bob", ""));
    let forged = ListActionUsageRequest { page_token: "x".to_owned(), ..next };
    assert_eq!(list(&admin, forged).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_was_issued_is_listed_until_it_ends_with_what_became_of_it() {
    let world = World::new();
    let handler = handler(&world);
    let (alice, bob) = (world.mint(&KEEPER), world.mint(&Wish { subject: "bob", ..KEEPER }));
    let issue = async |caller: &MintedToken, audience: &str| {
        let permit = world.permit(caller, "ActionService/IssueActionToken");
        handler.issue_action_token(permit, ask(audience, 0)).await.unwrap()
    };
    let list = async |caller: &MintedToken, everyone| {
        let permit = world.permit(caller, "ActionService/ListActionTokens");
        let request = ListActionTokensRequest { everyone, ..Default::default() };
        handler.list_action_tokens(permit, request).await
    };
    let first = issue(&alice, "notes.burn").await;
    world.clock.advance(Duration::from_secs(1));
    issue(&bob, "notes.burn").await;
    issue(&alice, "notes.close").await;
    let own = list(&alice, false).await.unwrap().tokens;
    let told: Vec<_> = own.iter().map(|one| (&*one.audience, &*one.subject, &*one.state)).collect();
    assert_eq!(told, [("notes.close", "alice", "good"), ("notes.burn", "alice", "good")]);
    assert!(!format!("{own:?}").contains(&first.token), "a token is listed");

    world.revoke(&alice, &first.token).await.unwrap();
    let own = list(&alice, false).await.unwrap().tokens;
    assert_eq!((&*own[1].token_id, &*own[1].state), (&*first.token_id, "revoked"));
    assert!(list(&alice, true).await.is_err(), "others' need a scope");
    let admin = world.mint(&Wish { scopes: &["actions:admin"], ..KEEPER });
    assert_eq!(list(&admin, true).await.unwrap().tokens.len(), 3);
    world.clock.advance(Duration::from_mins(10));
    assert!(list(&admin, true).await.unwrap().tokens.is_empty(), "they have ended");
}
