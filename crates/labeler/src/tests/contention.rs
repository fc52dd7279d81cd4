//! Many at once: of changes that name one etag one is made, and of owners there is one.

use std::sync::Arc;

use hallpass_contract::labeler as wire;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use super::callers::Mint;
use super::world::World;

struct Shared {
    world: World,
    mint: Mint,
    dataset: wire::Dataset,
}

async fn shared() -> Arc<Shared> {
    let world = World::new().await;
    let dataset = world.sample_of("alice").await;
    Arc::new(Shared { world, mint: Mint::new(), dataset })
}

/// How many calls were let through, and the codes of the others.
async fn outcomes(mut calls: JoinSet<Result<(), Status>>) -> (usize, Vec<Code>) {
    let (mut done, mut refused) = (0, Vec::new());
    while let Some(outcome) = calls.join_next().await {
        match outcome.unwrap() {
            Ok(()) => done += 1,
            Err(status) => refused.push(status.code()),
        }
    }
    (done, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_changes_of_one_state_one_is_made() {
    let (all, mut calls) = (shared().await, JoinSet::new());
    for n in 0..8 {
        let all = Arc::clone(&all);
        calls.spawn(async move {
            let share = Some(wire::Share { subject: format!("user {n}"), role: 1 });
            let (dataset_id, etag) = (all.dataset.dataset_id.clone(), all.dataset.etag.clone());
            let request = wire::GrantPermissionRequest { dataset_id, share, etag };
            let alice = all.mint.caller(&all.world, &"alice".into());
            alice.permissions().grant_permission(request).await.map(|_| ())
        });
    }
    let (done, refused) = outcomes(calls).await;
    assert_eq!((done, refused), (1, vec![Code::Aborted; 7]));
    let request = wire::ListPermissionsRequest {
        dataset_id: all.dataset.dataset_id.clone(),
        ..Default::default()
    };
    let alice = all.mint.caller(&all.world, &"alice".into());
    let told = alice.permissions().list_permissions(request).await.unwrap().into_inner();
    assert_eq!(told.shares.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_is_given_away_once() {
    let (all, mut calls) = (shared().await, JoinSet::new());
    for n in 0..8 {
        let all = Arc::clone(&all);
        calls.spawn(async move {
            let request = wire::TransferOwnershipRequest {
                dataset_id: all.dataset.dataset_id.clone(),
                new_owner: format!("user {n}"),
                ..Default::default()
            };
            let alice = all.mint.caller(&all.world, &"alice".into());
            alice.permissions().transfer_ownership(request).await.map(|_| ())
        });
    }
    let (done, refused) = outcomes(calls).await;
    assert_eq!((done, refused), (1, vec![Code::PermissionDenied; 7]));
}
