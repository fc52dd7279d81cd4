//! What people read of a dataset: changed by those who may write, as the mask says, under the etag.

use hallpass_contract::labeler as wire;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use wire::{DatasetChange, UpdateDatasetRequest};

use super::callers::Mint;
use super::world::World;

/// A change of these fields to these values.
fn change(id: &str, paths: &[&str], name: &str, description: &str) -> UpdateDatasetRequest {
    UpdateDatasetRequest {
        dataset_id: id.to_owned(),
        change: Some(DatasetChange {
            display_name: name.to_owned(),
            description: description.to_owned(),
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(ToString::to_string).collect(),
        }),
        etag: String::new(),
    }
}

async fn update(world: &World, request: UpdateDatasetRequest) -> Result<wire::Dataset, Status> {
    let mint = Mint::new();
    let answer = mint.caller(world, &"alice".into()).datasets().update_dataset(request).await?;
    Ok(answer.into_inner().dataset.unwrap())
}

#[tokio::test]
async fn the_mask_says_what_changes() {
    let world = World::new().await;
    let made = world.sample_of("alice").await;
    let id = made.dataset_id.as_str();
    world.advance(5);
    let named =
        update(&world, change(id, &["display_name"], "  New name ", "ignored")).await.unwrap();
    assert_eq!((named.display_name.as_str(), named.description.as_str()), ("New name", ""));
    assert_eq!(named.update_time.unwrap().seconds, made.update_time.unwrap().seconds + 5);
    assert_ne!(named.etag, made.etag);
    let described =
        update(&world, change(id, &["description"], "ignored", "Two\nlines")).await.unwrap();
    assert_eq!(described.display_name, "New name");
    assert_eq!(described.description, "Two\nlines");
    let both = change(id, &["description", "display_name"], "Third", "");
    let both = update(&world, both).await.unwrap();
    assert_eq!((both.display_name.as_str(), both.description.as_str()), ("Third", ""));
    assert_eq!(world.get(&world.user("alice"), id).await.unwrap(), both);
    let same = update(&world, change(id, &["display_name"], "Third", "")).await.unwrap();
    assert_eq!(same, both, "nothing was changed");
    let unchanged = wire::Dataset {
        display_name: made.display_name.clone(),
        etag: made.etag.clone(),
        update_time: made.update_time,
        ..both
    };
    assert_eq!(unchanged, made, "something else was changed");
}

#[tokio::test]
async fn wrong_changes_name_the_field_and_change_nothing() {
    let world = World::new().await;
    let made = world.sample_of("alice").await;
    let id = made.dataset_id.as_str();
    let (long, longer) = ("x".repeat(201), "x".repeat(2001));
    let no_mask = UpdateDatasetRequest { update_mask: None, ..change(id, &[], "a", "b") };
    let nothing = UpdateDatasetRequest { change: None, ..change(id, &["display_name"], "", "") };
    let table = [
        (no_mask, "update_mask", "must name what is to change; right: display_name, description"),
        (change(id, &[], "a", "b"), "update_mask", "must name what is to change"),
        (
            change(id, &["owner"], "a", "b"),
            "update_mask",
            "names \"owner\", which cannot be changed",
        ),
        (change(id, &["*"], "a", "b"), "update_mask", "names \"*\", which cannot be changed"),
        (change(id, &["display_name", ""], "a", "b"), "update_mask", "names \"\", which"),
        (nothing, "change.display_name", "must not be blank"),
        (
            change(id, &["display_name"], " \u{a0}\t", ""),
            "change.display_name",
            "must not be blank",
        ),
        (change(id, &["display_name"], &long, ""), "change.display_name", "at most 200"),
        (change(id, &["display_name"], "a\u{202e}b", ""), "change.display_name", "invisible"),
        (change(id, &["description"], "", &longer), "change.description", "at most 2000"),
        (change(id, &["description"], "", "\0"), "change.description", "control"),
        (
            change(id, &["display_name", "description"], "fine", "\0"),
            "change.description",
            "control",
        ),
    ];
    for (request, field, problem) in table {
        let refused = update(&world, request).await.unwrap_err();
        let named = refused.get_error_details().bad_request().unwrap().field_violations[0].clone();
        assert_eq!((refused.code(), named.field.as_str()), (Code::InvalidArgument, field));
        assert!(named.description.contains(problem), "{}", named.description);
    }
    let stale =
        UpdateDatasetRequest { etag: "0".repeat(16), ..change(id, &["display_name"], "New", "") };
    assert_eq!(update(&world, stale).await.unwrap_err().code(), Code::Aborted);
    assert_eq!(world.get(&world.user("alice"), id).await.unwrap(), made);
    let right =
        UpdateDatasetRequest { etag: made.etag, ..change(id, &["display_name"], "New", "") };
    assert_eq!(update(&world, right).await.unwrap().display_name, "New");
}

/// What a new dataset is described as comes back in every answer.
#[tokio::test]
async fn a_new_dataset_has_its_description_and_counts_its_files() {
    let world = World::new().await;
    let mut start = super::world::start(" Cats ");
    start.dataset.as_mut().unwrap().description = "All of them".to_owned();
    let files = super::world::sample_files();
    let made = world.upload(&world.user("alice"), start, &files).await.unwrap();
    assert_eq!((made.display_name.as_str(), made.description.as_str()), ("Cats", "All of them"));
    assert_eq!((made.file_count, made.item_count), (13, 12));
    assert_eq!(world.get(&world.user("alice"), &made.dataset_id).await.unwrap(), made);
    let listed = world.list(&world.user("alice"), 0, "").await.unwrap().datasets;
    assert_eq!(listed, [made]);
}
