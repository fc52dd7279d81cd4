//! RFC 7009, line by line.

use std::time::Duration;

use hallpass_contract::auth::{RevokeTokenRequest, TokenService};
use hallpass_token::Fingerprint;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::world::{ADMIN, ALICE, BOB, HOUR, NOW, Wish, World};

#[tokio::test]
async fn holders_revoke_their_own_and_administrators_any() {
    let others_alice = Wish { kid: "others", ..ALICE };
    let worker = Wish { kid: "workers", subject: "", ..ALICE };
    let table = [
        ("one's own kind", ALICE, ALICE, true),
        ("another user's", ALICE, BOB, false),
        ("the same name at another issuer", others_alice.clone(), ALICE, false),
        ("the same, the other way round", ALICE, others_alice, false),
        ("a user's, by a worker", worker.clone(), ALICE, false),
        ("another worker's", worker.clone(), worker.clone(), false),
        ("a worker's, by a user", ALICE, worker.clone(), false),
        ("a user's, by an administrator", ADMIN, BOB, true),
        ("a worker's, by an administrator", ADMIN, worker, true),
    ];
    for (what, caller, target, allowed) in table {
        let world = World::new();
        let (caller, target) = (world.mint(&caller), world.mint(&target));
        let answer = world.revoke(&caller, target.expose()).await;
        assert_eq!(world.is_revoked(&target), allowed, "{what}");
        assert!(!world.is_revoked(&caller), "{what}");
        match answer {
            Ok(()) => assert!(allowed, "{what}"),
            Err(status) => {
                assert_eq!((status.code(), allowed), (Code::PermissionDenied, false), "{what}");
                let reason = status.get_error_details().error_info().unwrap().reason.clone();
                assert_eq!(reason, "NOT_THE_CALLERS");
            }
        }
    }
}

#[tokio::test]
async fn nothing_presented_means_the_callers_own() {
    for wish in [ALICE, Wish { kid: "workers", subject: "", ..ALICE }] {
        let world = World::new();
        let token = world.mint(&wish);
        world.revoke(&token, "").await.unwrap();
        assert!(world.is_revoked(&token));
    }
}

#[tokio::test]
async fn the_very_token_may_be_presented_whoever_holds_it() {
    let world = World::new();
    let token = world.mint(&Wish { kid: "workers", subject: "", ..ALICE });
    world.revoke(&token, token.expose()).await.unwrap();
    assert!(world.is_revoked(&token));
}

#[tokio::test]
async fn what_nobody_can_use_succeeds_and_leaves_no_entry() {
    let world = World::new();
    let expired = world.mint(&Wish { life: Some(Duration::from_mins(1)), ..BOB });
    world.clock.advance(HOUR / 2);
    let (gone, unknown) = (Wish { kid: "gone", ..BOB }, Wish { kid: "unknown", ..BOB });
    let (gone, unknown) = (world.mint(&gone), world.mint(&unknown));
    let alice = world.mint(&ALICE);
    let cut = &alice.expose()[..alice.expose().len() - 9];
    let presented = [expired.expose(), gone.expose(), unknown.expose(), cut, "nonsense", "a.b.c"];
    for token in presented {
        world.revoke(&alice, token).await.unwrap();
    }
    assert_eq!(world.list.sequence(), 0);
}

#[tokio::test]
async fn a_token_that_is_not_valid_yet_never_becomes_valid() {
    let world = World::new();
    let later = world.mint(&Wish { starts_in: Some(HOUR / 2), ..ALICE });
    let theirs = world.mint(&Wish { starts_in: Some(HOUR / 2), ..BOB });
    let alice = world.mint(&ALICE);
    world.revoke(&alice, later.expose()).await.unwrap();
    assert!(world.is_revoked(&later));
    let refused = world.revoke(&alice, theirs.expose()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(!world.is_revoked(&theirs));
}

#[tokio::test]
async fn an_entry_outlives_its_token_by_twice_the_skew_and_says_who_asked() {
    for (life, until) in [(Some(HOUR), Some(NOW.plus(HOUR + Duration::from_mins(1)))), (None, None)]
    {
        let world = World::new();
        let token = world.mint(&Wish { life, ..ALICE });
        world.revoke(&token, "").await.unwrap();
        let found = world.list.lookup(token.fingerprint()).unwrap();
        assert_eq!(found[0].entry.until, until);
        let note = found[0].note.clone().unwrap();
        assert_eq!((note.by.as_str(), note.reason.as_str()), ("alice", "left the team"));
        assert_eq!(note.at, NOW);
    }
}

#[tokio::test]
async fn descendants_fall_with_their_ancestor() {
    let world = World::new();
    let (root, other) = (world.mint(&ALICE), world.mint(&ALICE));
    let child = world.verified(&world.child(&root));
    assert!(!world.list.index().is_revoked(&child));
    world.revoke(&other, root.expose()).await.unwrap();
    assert!(world.list.index().is_revoked(&child));
    assert!(!world.list.index().is_revoked(&world.verified(&other)));
}

#[tokio::test]
async fn what_is_acknowledged_is_there_after_a_restart() {
    let world = World::new();
    let token = world.mint(&ALICE);
    world.revoke(&token, "").await.unwrap();
    let print: Fingerprint = token.fingerprint();
    assert!(world.reopened().index().contains(print));
}

#[tokio::test]
async fn a_reason_is_short_and_one_line() {
    let world = World::new();
    let token = world.mint(&ALICE);
    for (reason, allowed) in
        [("ä".repeat(200), true), ("ä".repeat(201), false), ("a\nb".to_owned(), false)]
    {
        let request = RevokeTokenRequest { token: String::new(), reason };
        let permit = world.permit(&token, "TokenService/RevokeToken");
        let answer = world.tokens.revoke_token(permit, request).await;
        let code = answer.map(|_| ()).map_err(|error| Status::from(error).code());
        assert_eq!(code, if allowed { Ok(()) } else { Err(Code::InvalidArgument) });
    }
}
