//! What one user's datasets may come to: no user uses up the store, and none uses up another's part of it.

use hallpass_contract::can::DeleteDataset;
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::DatasetService;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::callers::Mint;
use super::world::{World, image, sample_files, start};
use crate::Settings;
use crate::settings::Quota;

async fn world(quota: Quota) -> (World, Mint) {
    (World::with(Settings { quota, ..Settings::default() }).await, Mint::new())
}

async fn make(world: &World, owner: &str) -> Result<String, Status> {
    let made = world.upload(&world.user(owner), start("a"), &[image("a/1.png")]).await;
    made.map(|dataset| dataset.dataset_id)
}

async fn delete(world: &World, owner: &str, id: &str) {
    let proof = world.may::<DeleteDataset>(&world.user(owner), id).await.unwrap();
    let request = wire::DeleteDatasetRequest::default();
    world.handlers().delete_dataset(proof, request).await.unwrap();
}

async fn snapshot(world: &World, mint: &Mint, id: &str, name: &str) -> Result<(), Status> {
    let (dataset_id, display_name) = (id.to_owned(), name.to_owned());
    let request = wire::CreateSnapshotRequest { dataset_id, display_name, ..Default::default() };
    let caller = mint.caller(world, &"alice".into());
    caller.snapshots().create_snapshot(request).await.map(drop)
}

async fn grant(
    world: &World,
    mint: &Mint,
    id: &str,
    to: &str,
    role: wire::Role,
) -> Result<(), Status> {
    let share = Some(wire::Share { subject: to.to_owned(), role: role.into() });
    let request =
        wire::GrantPermissionRequest { dataset_id: id.to_owned(), share, etag: String::new() };
    let caller = mint.caller(world, &"alice".into());
    caller.permissions().grant_permission(request).await.map(drop)
}

async fn transfer(world: &World, mint: &Mint, id: &str, to: &str) -> Result<(), Status> {
    let request = wire::TransferOwnershipRequest {
        dataset_id: id.to_owned(),
        new_owner: to.to_owned(),
        ..Default::default()
    };
    let caller = mint.caller(world, &"alice".into());
    caller.permissions().transfer_ownership(request).await.map(drop)
}

fn refused(outcome: Result<impl std::fmt::Debug, Status>, reason: &str) {
    let status = outcome.unwrap_err();
    let said = status.get_error_details().error_info().unwrap().reason.clone();
    assert_eq!((status.code(), said.as_str()), (Code::ResourceExhausted, reason));
}

#[tokio::test]
async fn finished_and_open_datasets_of_one_owner_are_bounded() {
    let (world, _) = world(Quota { datasets: 2, ..Quota::default() }).await;
    let first = make(&world, "alice").await.unwrap();
    let alice = world.user("alice");
    let open = world.open_upload(&alice, "b").await.upload_id;
    refused(world.create_upload(&alice, "c", "").await, "TOO_MANY_DATASETS");
    refused(make(&world, "alice").await, "TOO_MANY_DATASETS");
    make(&world, "bob").await.unwrap();
    world.write_whole(&alice, &open, &[image("a/1.png")]).await;
    world.finish(&alice, &open, |_| {}).await.unwrap();
    refused(make(&world, "alice").await, "TOO_MANY_DATASETS");
    assert_eq!(world.list(&alice, 0, "").await.unwrap().datasets.len(), 2);
    delete(&world, "alice", &first).await;
    make(&world, "alice").await.unwrap();
}

/// Calls at the same time do not exceed together what each alone may not.
#[tokio::test(flavor = "multi_thread")]
async fn the_number_holds_under_concurrency() {
    let (world, _) = world(Quota { datasets: 3, ..Quota::default() }).await;
    let world = std::sync::Arc::new(world);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let world = std::sync::Arc::clone(&world);
        calls.spawn(async move { make(&world, "alice").await.is_ok() });
    }
    let made = calls.join_all().await.into_iter().filter(|made| *made).count();
    assert_eq!(made, world.list(&world.user("alice"), 0, "").await.unwrap().datasets.len());
    assert!((1..=3).contains(&made), "{made} were made");
}

#[tokio::test]
async fn bytes_of_datasets_and_snapshots_are_bounded_together() {
    let size: usize = sample_files().iter().map(|(_, data)| data.len()).sum();
    let (world, mint) = world(Quota { bytes: 2 * size as u64 + 1, ..Quota::default() }).await;
    let first = world.sample_of("alice").await.dataset_id;
    snapshot(&world, &mint, &first, "one").await.unwrap();
    let second = world.upload(&world.user("alice"), start("b"), &sample_files()).await;
    refused(second, "DATASETS_TOO_BIG");
    assert_eq!(world.list(&world.user("alice"), 0, "").await.unwrap().datasets.len(), 1);
    snapshot(&world, &mint, &first, "of the same content").await.unwrap();
    world.sample_of("bob").await;
}

#[tokio::test]
async fn snapshots_and_shares_of_one_dataset_are_bounded() {
    let (world, mint) = world(Quota { snapshots: 2, shares: 2, ..Quota::default() }).await;
    let id = world.sample_of("alice").await.dataset_id;
    for name in ["one", "two"] {
        snapshot(&world, &mint, &id, name).await.unwrap();
        grant(&world, &mint, &id, name, wire::Role::Viewer).await.unwrap();
    }
    refused(snapshot(&world, &mint, &id, "three").await, "TOO_MANY_SNAPSHOTS");
    refused(grant(&world, &mint, &id, "three", wire::Role::Viewer).await, "TOO_MANY_SHARES");
    grant(&world, &mint, &id, "two", wire::Role::Editor).await.unwrap();
}

/// A dataset that nobody asked for takes no more than half of what its new owner may have.
#[tokio::test]
async fn what_others_give_takes_half_of_the_quota_at_most() {
    let (world, mint) = world(Quota { datasets: 4, ..Quota::default() }).await;
    for _ in 0..2 {
        let id = make(&world, "alice").await.unwrap();
        transfer(&world, &mint, &id, "bob").await.unwrap();
    }
    let third = make(&world, "alice").await.unwrap();
    refused(transfer(&world, &mint, &third, "bob").await, "NEW_OWNER_FULL");
    for _ in 0..2 {
        make(&world, "bob").await.unwrap();
    }
}
