//! Who may do what, held against a model that is written down a second time and in another way.

use hallpass_contract::can::{DeleteDataset, ReadDataset};
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::DatasetService;
use hallpass_policy::Granted;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::world::{World, image, start};

const PEOPLE: [&str; 4] = ["owner", "editor", "viewer", "stranger"];

/// What each of `PEOPLE` may do to a private and to a public dataset.
fn expected(person: &str, public: bool) -> &'static [&'static str] {
    match (person, public) {
        ("owner", _) => &["read", "write", "delete", "share"],
        ("editor", _) => &["read", "write"],
        ("viewer", _) | (_, true) => &["read"],
        _ => &[],
    }
}

async fn shared(world: &World, public: bool) -> String {
    let mut start = start("shared");
    let dataset = start.dataset.as_mut().unwrap();
    dataset.visibility = if public { 2 } else { 1 };
    let share = |subject: &str, role: wire::Role| wire::Share {
        subject: subject.into(),
        role: role.into(),
    };
    dataset.shares = vec![share("editor", wire::Role::Editor), share("viewer", wire::Role::Viewer)];
    let stored = world.upload(&world.user("owner"), start, &[image("a/1.png")]).await;
    stored.unwrap().dataset_id
}

#[tokio::test]
async fn the_object_check_and_check_permission_agree_with_the_model() {
    let world = World::new().await;
    for public in [false, true] {
        let id = shared(&world, public).await;
        for person in PEOPLE {
            let permit = world.user(person);
            let expected = expected(person, public);
            let request =
                wire::CheckPermissionRequest { dataset_id: id.clone(), ..Default::default() };
            let answer = world.handlers().check_permission(permit.clone(), request).await.unwrap();
            assert_eq!(answer.permissions, expected, "{person}, public: {public}");
            assert_eq!(answer.role == 0, expected.is_empty());
            let read = world.may::<ReadDataset>(&permit, &id).await.is_ok();
            let delete = world.may::<DeleteDataset>(&permit, &id).await.is_ok();
            assert_eq!(read, expected.contains(&"read"), "{person}, public: {public}");
            assert_eq!(delete, expected.contains(&"delete"), "{person}, public: {public}");
            let listed = world.list(&permit, 0, "").await.unwrap().datasets;
            assert_eq!(listed.iter().any(|dataset| dataset.dataset_id == id), read, "{person}");
        }
    }
}

#[tokio::test]
async fn absent_and_forbidden_cannot_be_told_apart() {
    let world = World::new().await;
    let id = shared(&world, false).await;
    let stranger = world.user("stranger");
    let absent = "ds_00000000000000000000000000000000";
    let forbidden = refusal(world.may::<ReadDataset>(&stranger, &id).await);
    for other in [absent, "ds_", "../../x", "1' OR '1'='1", &id.to_uppercase()] {
        assert_eq!(refusal(world.may::<ReadDataset>(&stranger, other).await), forbidden);
        let request =
            wire::CheckPermissionRequest { dataset_id: other.to_owned(), ..Default::default() };
        let answer = world.handlers().check_permission(stranger.clone(), request).await.unwrap();
        assert_eq!(answer, wire::CheckPermissionResponse::default());
    }
    assert_eq!(forbidden.0, Code::PermissionDenied);
}

#[tokio::test]
async fn check_permission_is_about_exactly_one_bounded_id() {
    let world = World::new().await;
    let long = "x".repeat(257);
    let table = [
        ("", "", "", "dataset_id"),
        (long.as_str(), "", "", "dataset_id"),
        ("", &long, "", "snapshot_id"),
        ("", "", &long, "upload_id"),
        ("ds_", "sn_", "", "snapshot_id"),
        ("ds_", "", "up_", "upload_id"),
        ("", "sn_", "up_", "upload_id"),
        ("ds_", "sn_", "up_", "snapshot_id"),
    ];
    for (dataset, snapshot, upload, field) in table {
        let [dataset_id, snapshot_id, upload_id] = [dataset, snapshot, upload].map(str::to_owned);
        let request = wire::CheckPermissionRequest { dataset_id, snapshot_id, upload_id };
        let refused = world.handlers().check_permission(world.user("alice"), request).await;
        let refused = Status::from(refused.unwrap_err());
        let named = refused.get_error_details().bad_request().unwrap().field_violations[0].clone();
        assert_eq!((refused.code(), named.field.as_str()), (Code::InvalidArgument, field));
    }
}

/// Not only datasets: whatever is asked about, absent and forbidden are the same nothing.
#[tokio::test]
async fn nothing_is_what_one_may_do_to_what_is_not_there() {
    let world = World::new().await;
    let absent = "00000000000000000000000000000000";
    for id in [format!("sn_{absent}"), format!("up_{absent}"), format!("ds_{absent}"), "x".into()] {
        for kind in 0..3 {
            let mut ids = [String::new(), String::new(), String::new()];
            ids[kind].clone_from(&id);
            let [dataset_id, snapshot_id, upload_id] = ids;
            let request = wire::CheckPermissionRequest { dataset_id, snapshot_id, upload_id };
            let answer = world.handlers().check_permission(world.user("alice"), request).await;
            assert_eq!(answer.unwrap(), wire::CheckPermissionResponse::default());
        }
    }
}

#[tokio::test]
async fn workers_read_for_no_user_but_only_what_their_token_is_for() {
    let world = World::new().await;
    let (id, other) = (shared(&world, false).await, shared(&world, false).await);
    let table = [
        (None, false),
        (Some(("dataset", id.as_str())), true),
        (Some(("dataset", other.as_str())), false),
        (Some(("snapshot", id.as_str())), false),
    ];
    for (resource, allowed) in table {
        let worker = world.worker(resource);
        assert_eq!(world.may::<ReadDataset>(&worker, &id).await.is_ok(), allowed, "{resource:?}");
    }
    let absent = "ds_00000000000000000000000000000000";
    let worker = world.worker(Some(("dataset", absent)));
    assert!(world.may::<ReadDataset>(&worker, absent).await.is_err());
    let other_minters = world.hybrid_worker();
    assert!(world.may::<ReadDataset>(&other_minters, &id).await.is_ok());
    assert!(world.may::<ReadDataset>(&other_minters, absent).await.is_err());
    assert!(world.list(&world.worker(None), 0, "").await.is_err(), "a worker has no list");
}

/// A token of a user that is for one dataset opens no other, makes none and lists none.
#[tokio::test]
async fn a_token_for_one_dataset_is_for_no_other() {
    let world = World::new().await;
    let (id, other) = (shared(&world, false).await, shared(&world, false).await);
    let bound = world.user_bound("owner", "dataset", &id);
    assert!(world.may::<ReadDataset>(&bound, &id).await.is_ok());
    assert!(world.may::<ReadDataset>(&bound, &other).await.is_err());
    for (dataset_id, count) in [(id, 4), (other, 0)] {
        let request = wire::CheckPermissionRequest { dataset_id, ..Default::default() };
        let answer = world.handlers().check_permission(bound.clone(), request).await.unwrap();
        assert_eq!(answer.permissions.len(), count);
    }
    let denied = Some(Code::PermissionDenied);
    assert_eq!(world.list(&bound, 0, "").await.err().map(|status| status.code()), denied);
    let made = world.upload(&bound, start("a"), &[image("a/1.png")]).await;
    assert_eq!(made.err().map(|status| status.code()), denied);
}

#[tokio::test]
async fn a_worker_owns_nothing() {
    let world = World::new().await;
    let made = world.upload(&world.worker(None), start("a"), &[image("a/1.png")]).await;
    assert_eq!(made.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn without_the_database_nobody_knows() {
    let world = World::new().await;
    let id = shared(&world, true).await;
    let permit = world.user("owner");
    let worker = world.worker(Some(("dataset", &id)));
    let proof = world.may::<ReadDataset>(&permit, &id).await.unwrap();
    world.labeler.datasets.database.close().await;
    let unknown = Some(Code::Unavailable);
    assert_eq!(world.may::<ReadDataset>(&permit, &id).await.err().map(|s| s.code()), unknown);
    assert_eq!(world.may::<ReadDataset>(&worker, &id).await.err().map(|s| s.code()), unknown);
    let answer = world.handlers().get_dataset(proof, wire::GetDatasetRequest::default()).await;
    assert_eq!(answer.err().map(|error| Status::from(error).code()), unknown);
    assert!(world.labeler.ready().await.is_err());
}

fn refusal(checked: Result<Granted<ReadDataset>, Status>) -> (Code, String, Vec<u8>) {
    let status = checked.err().unwrap();
    (status.code(), status.message().to_owned(), status.details().to_vec())
}
