//! RFC 7662, line by line.

use std::time::Duration;

use hallpass_contract::auth::{IntrospectTokenRequest, IntrospectTokenResponse, TokenService};
use hallpass_token::MintedToken;

use super::world::{ADMIN, ALICE, BOB, HOUR, NOW, Wish, World};

#[tokio::test]
async fn an_active_token_of_ones_own_says_what_it_is() {
    let world = World::new();
    let (caller, token) = (world.mint(&ALICE), world.mint(&ALICE));
    for presented in [token.expose(), ""] {
        let said = introspect(&world, &caller, presented).await;
        assert!(said.active);
        assert_eq!((said.issuer.as_str(), said.subject.as_str()), ("users", "alice"));
        assert_eq!((said.r#type.as_str(), said.service.as_str()), ("user", ""));
        assert_eq!(said.audience, ["platform"]);
        assert_eq!(said.issue_time.unwrap().seconds.cast_unsigned(), NOW.as_secs());
        assert_eq!(said.expire_time.unwrap().seconds.cast_unsigned(), NOW.plus(HOUR).as_secs());
        assert!(!said.token_id.is_empty());
    }
    let endless = world.mint(&Wish { life: None, ..ALICE });
    assert_eq!(introspect(&world, &caller, endless.expose()).await.expire_time, None);
}

#[tokio::test]
async fn an_inactive_token_says_nothing_else() {
    let world = World::new();
    let expired = world.mint(&Wish { life: Some(Duration::from_mins(1)), ..ALICE });
    world.clock.advance(HOUR / 2);
    let (alice, admin) = (world.mint(&ALICE), world.mint(&ADMIN));
    let gone = world.mint(&Wish { kid: "gone", ..ALICE });
    let unknown = world.mint(&Wish { kid: "unknown", ..ALICE });
    let later = world.mint(&Wish { starts_in: Some(HOUR / 2), ..ALICE });
    let revoked = world.mint(&ALICE);
    world.revoke(&alice, revoked.expose()).await.unwrap();
    let inactive = [&expired, &gone, &unknown, &later, &revoked].map(MintedToken::expose);
    for token in inactive.into_iter().chain(["nonsense", "a.b.c"]) {
        for caller in [&alice, &admin] {
            let said = introspect(&world, caller, token).await;
            assert_eq!(said, IntrospectTokenResponse::default());
        }
    }
}

#[tokio::test]
async fn anothers_token_looks_inactive_without_the_scope() {
    let worker = Wish { kid: "workers", subject: "", ..ALICE };
    let others_alice = Wish { kid: "others", ..ALICE };
    for (caller, target, told) in [
        (ALICE, BOB, false),
        (ALICE, others_alice, false),
        (ALICE, worker.clone(), false),
        (worker.clone(), ALICE, false),
        (ADMIN, BOB, true),
        (ADMIN, worker, true),
    ] {
        let world = World::new();
        let (caller, token) = (world.mint(&caller), world.mint(&target));
        let said = introspect(&world, &caller, token.expose()).await;
        assert_eq!(said.active, told);
        assert_eq!(said == IntrospectTokenResponse::default(), !told);
    }
}

async fn introspect(world: &World, caller: &MintedToken, token: &str) -> IntrospectTokenResponse {
    let permit = world.permit(caller, "TokenService/IntrospectToken");
    let request = IntrospectTokenRequest { token: token.to_owned() };
    world.tokens.introspect_token(permit, request).await.unwrap()
}
