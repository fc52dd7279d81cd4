//! Cut-offs at the present: what they reach, by whose clock the token was minted and who else may name the user.

use std::time::Duration;

use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{
    RevocationService as _, RevocationTarget, RevokeAllTokensRequest, RevokeRequest, SubjectBefore,
    TokenService as _,
};
use hallpass_token::{Fingerprint, MintedToken, SKEW};

use super::world::{ADMIN, ALICE, BOB, Wish, World};

/// All but the others' keys.
const SHARED: &[&str] = &["users", "gone", "unknown", "services", "workers", "actions", "agents"];
const MILLISECOND: Duration = Duration::from_millis(1);
const OTHERS_ALICE: Wish = Wish { kid: "others", ..ALICE };

fn is_refused(world: &World, token: &MintedToken) -> bool {
    let later = world.clock.now().plus(SKEW);
    world.list.index().is_revoked(&world.signers.verify(token.expose(), later).unwrap())
}

/// "Log out everywhere", by the user.
async fn revoke_all(world: &World, own: &MintedToken) {
    let permit = world.permit(own, "TokenService/RevokeAllTokens");
    let request = RevokeAllTokensRequest { reason: "stolen laptop".to_owned() };
    world.tokens.revoke_all_tokens(permit, request).await.unwrap();
}

/// By an administrator, without an instant.
async fn cut_off(world: &World, issuer: &str) {
    let admin = world.mint(&ADMIN);
    let permit = world.permit(&admin, "RevocationService/Revoke");
    let (issuer, subject) = (issuer.to_owned(), "alice".to_owned());
    let target = Target::Subject(SubjectBefore { issuer, subject, issued_before: None });
    let target = Some(RevocationTarget { target: Some(target) });
    let request = RevokeRequest { target, ..RevokeRequest::default() };
    world.revocations.revoke(permit, request).await.unwrap();
}

#[tokio::test]
async fn tokens_of_a_clock_that_is_ahead_do_not_escape_a_cutoff() {
    for by_admin in [false, true] {
        let world = World::new();
        let (old, ahead) = (world.mint(&ALICE), world.mint_ahead(&ALICE, SKEW));
        if by_admin {
            cut_off(&world, "users").await;
        } else {
            revoke_all(&world, &old).await;
        }
        assert!(is_refused(&world, &old) && is_refused(&world, &ahead), "by admin: {by_admin}");
        assert!(!is_refused(&world, &world.mint(&BOB)));
        world.clock.advance(SKEW);
        assert!(
            is_refused(&world, &world.mint(&ALICE)),
            "a clock that is ahead could have said so"
        );
        world.clock.advance(Duration::from_secs(1));
        assert!(!is_refused(&world, &world.mint(&ALICE)));
    }
}

#[tokio::test]
async fn a_cutoff_is_exact_where_the_minters_clock_is_the_nodes() {
    for by_admin in [false, true] {
        let world = World::with_clocks(SHARED);
        world.clock.advance(Duration::from_millis(300));
        let old = world.mint(&ALICE);
        world.clock.advance(MILLISECOND);
        if by_admin {
            cut_off(&world, "users").await;
        } else {
            revoke_all(&world, &old).await;
        }
        world.clock.advance(MILLISECOND);
        let new = world.mint(&ALICE);
        assert!(is_refused(&world, &old), "by admin: {by_admin}");
        assert!(!is_refused(&world, &new), "a login in the same second, by admin: {by_admin}");
        // What acts for the user descends from the one or the other.
        assert!(is_refused(&world, &world.child(&old)));
        assert!(!is_refused(&world, &world.child(&new)));
        // A restart changes nothing.
        let (signers, now) = (world.signers.clone(), world.clock.now().plus(SKEW));
        let list = world.reopened();
        let refused = |token: &MintedToken| {
            list.index().is_revoked(&signers.verify(token.expose(), now).unwrap())
        };
        assert!(refused(&old) && !refused(&new));
    }
}

#[tokio::test]
async fn revoking_all_reaches_what_other_minters_hold_for_the_user() {
    let world = World::with_clocks(SHARED);
    let (own, others, bobs) =
        (world.mint(&ALICE), world.mint(&OTHERS_ALICE), world.mint(&Wish { kid: "others", ..BOB }));
    world.clock.advance(MILLISECOND);
    revoke_all(&world, &own).await;
    assert!(is_refused(&world, &own) && is_refused(&world, &others));
    assert!(!is_refused(&world, &bobs));
    world.clock.advance(MILLISECOND);
    assert!(!is_refused(&world, &world.mint(&ALICE)), "exact for the one");
    assert!(is_refused(&world, &world.mint(&OTHERS_ALICE)), "with the skew for the other");
    let elsewhere = world.list.index().cutoff(Fingerprint::bare_subject("alice"));
    let latest = world.clock.now().plus(SKEW);
    assert_eq!(elsewhere, Some(latest), "for minters that only other nodes know");
}
