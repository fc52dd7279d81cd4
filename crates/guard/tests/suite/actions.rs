//! Action tokens at the guard and at its desk: one call each, whatever happens at once, and every use counted.

use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::{ACTION_HEADER, Actions, elevate};
use hallpass_policy::adapter::use_up;
use hallpass_policy::{Desk, Permit};
use hallpass_revocation::{Claims, Options};
use hallpass_token::{NewToken, TokenType};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::{Request, Status};

use crate::fixture::{Mesh, NOW, Outcome, action, id, reason, request, user};

const ABORT: &str = "/t.Platform/Abort";

/// A mesh whose guard has a store of claims.
async fn claiming() -> (Arc<Mesh>, Arc<Actions>, TempDir) {
    let folder = TempDir::new().unwrap();
    let options = Options::new([5; 8], NOW);
    let claims = Claims::open(&folder.path().join("claims"), &options).await.unwrap();
    let (mesh, actions) = Mesh::with_claims(Some(claims));
    (Arc::new(mesh), actions, folder)
}

/// Calls the elevated operation as its adapter does: through the guard, then at the desk.
async fn abort(mesh: &Mesh, bearer: &str, token: &str) -> Result<(), Status> {
    let bearer = format!("Bearer {bearer}");
    let headers = [("authorization", &*bearer), ("hallpass-action", token)];
    match mesh.send(request(ABORT, &headers)).await {
        Outcome::Refused(status) => Err(status),
        Outcome::Entered(parts) => {
            let permit = parts.extensions.get::<Permit>().unwrap();
            let Desk(desk) = parts.extensions.get::<Desk>().unwrap();
            use_up(&**desk, permit).await
        }
    }
}

fn told(answer: Result<(), Status>) -> String {
    answer.map_or_else(|status| reason(&status), |()| "OK".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_simultaneous_uses_exactly_one_wins() {
    let (mesh, actions, _folder) = claiming().await;
    let bearer = mesh.user_token();
    for _ in 0..10 {
        let token = mesh.mint("users", &action("ann", "jobs.abort"));
        let mut calls = JoinSet::new();
        for _ in 0..24 {
            let (mesh, bearer, token) = (Arc::clone(&mesh), bearer.clone(), token.clone());
            calls.spawn(async move { told(abort(&mesh, &bearer, &token).await) });
        }
        let answers = calls.join_all().await;
        let won = answers.iter().filter(|answer| *answer == "OK").count();
        let spent = answers.iter().filter(|answer| *answer == "TOKEN_SPENT").count();
        assert_eq!((won, spent), (1, 23), "{answers:?}");
    }
    let row = actions.usage(None).pop().unwrap();
    assert_eq!(
        (row.audience, &*row.subject, row.used, row.refused),
        ("jobs.abort", "ann", 10, 230)
    );
}

#[tokio::test]
async fn a_node_without_a_store_of_claims_lets_nothing_through() {
    let (mesh, actions) = Mesh::with_claims(None);
    assert!(!actions.can_claim() && !mesh.guard.can_claim());
    let token = mesh.mint("users", &action("ann", "jobs.abort"));
    assert_eq!(told(abort(&mesh, &mesh.user_token(), &token).await), "CANNOT_DECIDE");
}

/// An action token that the issuing service signed for a user falls with the token that it was issued for.
#[tokio::test]
async fn revoking_the_users_token_refuses_what_was_issued_for_it() {
    let (mesh, _, _folder) = claiming().await;
    let (bearer, fingerprint) = mesh.revocable();
    let parent = mesh.keys.ring().verify(&bearer, NOW).unwrap();
    let mut child = NewToken::child_of(&parent, TokenType::Action, id(), &[]).unwrap();
    child.audience = vec!["jobs.abort".to_owned()];
    let token = mesh.mint("actions", &child);
    let other = mesh.mint("users", &user("ann"));
    mesh.revoke(fingerprint);
    assert_eq!(told(abort(&mesh, &other, &token).await), "TOKEN_REVOKED");
    let young = mesh.mint("users", &action("ann", "jobs.abort"));
    assert_eq!(told(abort(&mesh, &other, &young).await), "OK", "only what was issued for it");
}

#[tokio::test]
async fn what_is_issued_for_one_call_of_another_user_is_no_ones() {
    let (mesh, actions, _folder) = claiming().await;
    let (ann, bob) = (mesh.user_token(), mesh.mint("users", &user("bob")));
    let parent = mesh.keys.ring().verify(&ann, NOW).unwrap();
    let mut child = NewToken::child_of(&parent, TokenType::Action, id(), &[]).unwrap();
    child.audience = vec!["jobs.abort".to_owned()];
    let token = mesh.mint("actions", &child);
    assert_eq!(told(abort(&mesh, &bob, &token).await), "ACTION_MISMATCH");
    assert_eq!(told(abort(&mesh, &ann, &token).await), "OK");
    assert_eq!(told(abort(&mesh, &ann, &token).await), "TOKEN_SPENT");
    mesh.clock.advance(Duration::from_secs(151));
    assert_eq!(told(abort(&mesh, &ann, &token).await), "TOKEN_EXPIRED");
    let rows = actions.usage(None);
    assert_eq!(rows.len(), 1);
    assert_eq!((&*rows[0].subject, rows[0].used, rows[0].refused), ("ann", 1, 3));
}

#[test]
fn a_client_attaches_a_token_without_showing_it() {
    let mut call = Request::new(());
    elevate(&mut call, "a.b.c").unwrap();
    let attached = call.metadata().get(ACTION_HEADER.as_str()).unwrap();
    assert_eq!(attached.to_str().unwrap(), "a.b.c");
    assert!(!format!("{call:?}").contains("a.b.c"));
    assert!(elevate(&mut call, "a\nb").is_err());
}
