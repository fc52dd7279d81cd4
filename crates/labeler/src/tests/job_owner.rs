//! A job's calls need its owner's permission at the time of each call: what was taken away while it waited is refused.

use hallpass_contract::labeler as wire;
use tonic::{Code, Status};
use wire::assign_splits_request::By;
use wire::{AssignSplitsRequest, DownloadDatasetRequest, GetDatasetRequest, ListItemsRequest};

use super::callers::{Mint, Who};
use super::world::World;

/// What a job does with its dataset: validate, fetch files and items, split.
const ACTS: [&str; 4] = ["validate", "fetch", "items", "split"];

async fn act(world: &World, mint: &Mint, who: &Who, act: &str, id: &str) -> Result<(), Status> {
    let (caller, dataset_id) = (mint.caller(world, who), id.to_owned());
    match act {
        "validate" => {
            caller.datasets().get_dataset(GetDatasetRequest { dataset_id }).await.map(drop)
        }
        "fetch" => {
            let request = DownloadDatasetRequest { dataset_id, ..Default::default() };
            caller.datasets().download_dataset(request).await.map(drop)
        }
        "items" => {
            let request = ListItemsRequest { dataset_id, ..Default::default() };
            caller.splits().list_items(request).await.map(drop)
        }
        _ => {
            let lists = wire::SplitLists { keep_others: true, ..Default::default() };
            let request =
                AssignSplitsRequest { dataset_id, by: Some(By::Lists(lists)), etag: String::new() };
            caller.splits().assign_splits(request).await.map(drop)
        }
    }
}

/// Alice lets the user do as much as this role may, or nothing.
async fn share(world: &World, mint: &Mint, id: &str, to: &str, role: Option<wire::Role>) {
    let (mut caller, dataset_id) =
        (mint.caller(world, &"alice".into()).permissions(), id.to_owned());
    let (subject, etag) = (to.to_owned(), String::new());
    if let Some(role) = role {
        let share = Some(wire::Share { subject, role: role.into() });
        let request = wire::GrantPermissionRequest { dataset_id, share, etag };
        caller.grant_permission(request).await.unwrap();
    } else {
        let request = wire::RevokePermissionRequest { dataset_id, subject, etag };
        caller.revoke_permission(request).await.unwrap();
    }
}

async fn allowed(world: &World, mint: &Mint, who: &Who, id: &str) -> Vec<&'static str> {
    let mut allowed = Vec::new();
    for name in ACTS {
        match act(world, mint, who, name, id).await {
            Ok(()) => allowed.push(name),
            Err(status) => assert_eq!(status.code(), Code::PermissionDenied, "{name}: {status}"),
        }
    }
    allowed
}

#[tokio::test]
async fn a_job_may_do_what_its_owner_may_do_at_that_moment() {
    let (world, mint) = (World::new().await, Mint::new());
    let id = world.sample_of("alice").await.dataset_id;
    let job = Who::WorkerOf("mallory".to_owned(), "dataset", id.clone());
    assert_eq!(allowed(&world, &mint, &job, &id).await, [""; 0]);
    share(&world, &mint, &id, "mallory", Some(wire::Role::Editor)).await;
    assert_eq!(allowed(&world, &mint, &job, &id).await, ACTS);
    share(&world, &mint, &id, "mallory", Some(wire::Role::Viewer)).await;
    assert_eq!(allowed(&world, &mint, &job, &id).await, ["validate", "fetch", "items"]);
    share(&world, &mint, &id, "mallory", None).await;
    assert_eq!(allowed(&world, &mint, &job, &id).await, [""; 0]);
    let alices = Who::WorkerOf("alice".to_owned(), "dataset", id.clone());
    assert_eq!(allowed(&world, &mint, &alices, &id).await, ACTS);
    for without_owner in [Who::Worker(Some(("dataset", id.clone()))), Who::OtherMinters] {
        assert_eq!(allowed(&world, &mint, &without_owner, &id).await, ACTS, "{without_owner:?}");
    }
}

/// A job's owner widens nothing: its token is still for one object, and never for an upload.
#[tokio::test]
async fn an_owners_other_objects_stay_closed_to_the_job() {
    let (world, mint) = (World::new().await, Mint::new());
    let id = world.sample_of("alice").await.dataset_id;
    let other = world.sample_of("alice").await.dataset_id;
    let job = Who::WorkerOf("alice".to_owned(), "dataset", id);
    assert_eq!(allowed(&world, &mint, &job, &other).await, [""; 0]);
}
