//! Storage grants in a service token: Labeler looks at the bucket itself, whatever Platform has looked at.

use hallpass_contract::RULES;
use hallpass_contract::can::{DeleteDataset, ReadDataset, WriteDataset};
use hallpass_contract::storage::Need;
use hallpass_token::Grants;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::world::{World, sample_files, start};

fn grants(bucket: &str, operations: &[&str]) -> Grants {
    let operations: Vec<_> = operations.iter().map(|&operation| operation.to_owned()).collect();
    Grants::of(&[bucket.to_owned()], &operations, None).unwrap()
}

fn reason(status: &Status) -> String {
    assert_eq!(status.code(), Code::PermissionDenied, "{status}");
    status.get_details_error_info().unwrap().reason
}

#[tokio::test]
async fn each_operation_needs_its_own_grant_in_the_bucket_of_the_dataset() {
    let world = World::new().await;
    let id = world.sample_of("alice").await.dataset_id;
    let bucket = world.labeler.datasets.settings.bucket().to_owned();
    let every = ["g", "p", "d", "l"];
    for (method, needed) in [
        ("DownloadDataset", "g"),
        ("GetDownloadUrl", "g"),
        ("ListItems", "l"),
        ("UpdateDataset", "p"),
        ("DeleteDataset", "d"),
    ] {
        let refused = async |grants: Grants| {
            let permit = world.granted("alice", method, grants);
            let outcome = match needed {
                "d" => world.may::<DeleteDataset>(&permit, &id).await.err(),
                "p" => world.may::<WriteDataset>(&permit, &id).await.err(),
                _ => world.may::<ReadDataset>(&permit, &id).await.err(),
            };
            outcome.as_ref().map(reason)
        };
        let no = Some("STORAGE_NOT_GRANTED".to_owned());
        assert_eq!(refused(grants(&bucket, &[needed])).await, None, "{method}");
        assert_eq!(refused(grants("elsewhere", &every)).await, no, "{method}");
        let others: Vec<_> = every.into_iter().filter(|one| *one != needed).collect();
        assert_eq!(refused(grants(&bucket, &others)).await, no, "{method}");
        // Nothing falls back to what Labeler itself may do in its store.
        assert_eq!(refused(Grants::default()).await, no, "{method}");
    }
    let stranger = world.granted("bob", "DownloadDataset", grants(&bucket, &every));
    let refused = world.may::<ReadDataset>(&stranger, &id).await.unwrap_err();
    assert_eq!(reason(&refused), "OBJECT_REFUSED", "grants give no permission of Labeler's");
}

#[tokio::test]
async fn lists_show_what_is_granted_and_nothing_is_made_elsewhere() {
    let world = World::new().await;
    let id = world.sample_of("alice").await.dataset_id;
    let bucket = world.labeler.datasets.settings.bucket().to_owned();
    let listed = async |grants: Grants| {
        let permit = world.granted("alice", "ListDatasets", grants);
        let page = world.list(&permit, 10, "").await.unwrap();
        page.datasets.into_iter().map(|dataset| dataset.dataset_id).collect::<Vec<_>>()
    };
    assert_eq!(listed(grants(&bucket, &["l"])).await, [id]);
    assert!(listed(grants(&bucket, &["g"])).await.is_empty());
    assert!(listed(grants("elsewhere", &["l"])).await.is_empty());
    for (held, made) in [
        (grants(&bucket, &["p"]), true),
        (grants(&bucket, &["g", "l"]), false),
        (grants("elsewhere", &["p"]), false),
        (Grants::default(), false),
    ] {
        let permit = world.granted("alice", "CreateDataset", held);
        let outcome = world.upload(&permit, start("More"), &sample_files()).await;
        assert_eq!(outcome.is_ok(), made);
        assert_eq!(outcome.err().as_ref().map(reason).is_some(), !made);
    }
}

#[test]
fn every_rpc_about_what_labeler_keeps_has_a_row() {
    let kept = ["dataset", "snapshot", "upload"];
    for rule in RULES {
        let labelers = rule.resources.iter().any(|resource| kept.contains(&resource.kind));
        assert!(!labelers || Need::of(rule) != Need::Unknown, "{}", rule.path);
    }
}
