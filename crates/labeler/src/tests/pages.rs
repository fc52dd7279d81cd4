//! Lists and batches: the right ones, in the right order, in pages that fit together.

use hallpass_contract::can::ReadDataset;
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::DatasetService;
use hallpass_token::UnixTime;
use tonic::Code;
use tonic_types::StatusExt;

use super::world::{World, image, start};
use crate::database::NewDataset;
use crate::model::access::Visibility;
use crate::model::dataset::{Class, Dataset, Format};
use crate::model::ids::DatasetId;
use crate::model::spec::{Spec, Wish};

async fn make(world: &World, owner: &str, name: &str, public: bool) -> String {
    let mut start = start(name);
    start.dataset.as_mut().unwrap().visibility = if public { 2 } else { 1 };
    let stored = world.upload(&world.user(owner), start, &[image("a/1.png")]).await;
    stored.unwrap().dataset_id
}

async fn walk(world: &World, reader: &str, size: i32) -> Vec<String> {
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = world.list(&world.user(reader), size, &token).await.unwrap();
        assert!(i32::try_from(page.datasets.len()).unwrap() <= size);
        assert!(!page.datasets.is_empty(), "an empty page at the end");
        seen.extend(page.datasets.into_iter().map(|dataset| dataset.display_name));
        token = page.next_page_token;
        if token.is_empty() {
            return seen;
        }
    }
}

#[tokio::test]
async fn pages_show_each_visible_dataset_once_newest_first() {
    let world = World::new().await;
    for n in 0..7 {
        make(&world, "alice", &format!("mine {n}"), false).await;
        make(&world, "bob", &format!("private {n}"), false).await;
        make(&world, "bob", &format!("public {n}"), true).await;
        // Some in the same second, some not.
        world.advance(n % 2);
    }
    let mut expected = Vec::new();
    for n in (0..7).rev() {
        expected.extend([format!("public {n}"), format!("mine {n}")]);
    }
    for size in [1, 2, 3, 13, 14, 15, 1000] {
        assert_eq!(walk(&world, "alice", size).await, expected, "pages of {size}");
    }
    assert_eq!(walk(&world, "bob", 4).await.len(), 14);
}

#[tokio::test]
async fn what_comes_or_goes_meanwhile_moves_nothing() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(make(&world, "alice", &n.to_string(), false).await);
    }
    let alice = world.user("alice");
    let first = world.list(&alice, 2, "").await.unwrap();
    make(&world, "alice", "new", false).await;
    // The one that the token stands behind, and one that is still to come.
    world.delete(&alice, &ids[4], "").await.unwrap();
    world.delete(&alice, &ids[2], "").await.unwrap();
    let second = world.list(&alice, 9, &first.next_page_token).await.unwrap();
    let names: Vec<_> =
        second.datasets.iter().map(|dataset| dataset.display_name.as_str()).collect();
    assert_eq!(names, ["3", "1", "0"]);
    assert_eq!(second.next_page_token, "");
}

#[tokio::test]
async fn page_tokens_are_for_their_reader_and_survive_a_restart() {
    let world = World::new().await;
    for n in 0..3 {
        make(&world, "alice", &n.to_string(), true).await;
    }
    let token = world.list(&world.user("alice"), 1, "").await.unwrap().next_page_token;
    for (reader, token) in [("bob", token.as_str()), ("alice", "x"), ("alice", &token[1..])] {
        let refused = world.list(&world.user(reader), 1, token).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let details = refused.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "page_token");
    }
    let world = world.restarted().await;
    let next = world.list(&world.user("alice"), 1, &token).await.unwrap();
    assert_eq!(next.datasets[0].display_name, "1");
    assert_eq!(
        world.list(&world.user("alice"), -1, "").await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

/// Datasets with many long class names: a page ends before the answer gets too big for its client.
#[tokio::test]
async fn heavy_pages_are_cut_and_heavy_batches_refused() {
    let world = World::new().await;
    let alice = world.user("alice");
    let mut proofs = Vec::new();
    for n in 0..8 {
        let id = heavy(&world, n).await;
        proofs.push(world.may::<ReadDataset>(&alice, id.as_str()).await.unwrap());
    }
    assert_eq!(walk(&world, "alice", 8).await, ["7", "6", "5", "4", "3", "2", "1", "0"]);
    let page = world.list(&alice, 8, "").await.unwrap();
    assert!(page.datasets.len() < 8 && prost_len(&page) < 4 << 20);
    let request = wire::BatchGetDatasetsRequest::default();
    let few = world.handlers().batch_get_datasets(proofs[..2].to_vec(), request.clone()).await;
    assert_eq!(few.unwrap().datasets.len(), 2);
    let refused = world.handlers().batch_get_datasets(proofs, request).await.unwrap_err();
    assert_eq!(tonic::Status::from(refused).code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn batches_keep_the_order_asked_for() {
    let world = World::new().await;
    let alice = world.user("alice");
    let mut proofs = Vec::new();
    for n in [0, 1, 2] {
        let id = make(&world, "alice", &n.to_string(), false).await;
        proofs.push(world.may::<ReadDataset>(&alice, &id).await.unwrap());
    }
    let asked = [2, 0, 1, 0].map(|n: usize| proofs[n].clone()).to_vec();
    let answer =
        world.handlers().batch_get_datasets(asked, wire::BatchGetDatasetsRequest::default()).await;
    let names: Vec<_> =
        answer.unwrap().datasets.into_iter().map(|dataset| dataset.display_name).collect();
    assert_eq!(names, ["2", "0", "1", "0"]);
}

async fn heavy(world: &World, n: u8) -> DatasetId {
    let wish = Wish { display_name: n.to_string(), ..Wish::default() };
    let spec = Spec::new(wish, None).unwrap();
    let class = |n| Class { name: format!("{n:0>240}"), item_count: 1 };
    let dataset = Dataset {
        id: DatasetId::from_random([n; 16]),
        display_name: n.to_string(),
        format: Format::ImageFolder,
        owner: "alice".to_owned(),
        visibility: Visibility::Private,
        classes: (0..2000).map(class).collect(),
        item_count: 2000,
        size_bytes: 0,
        etag: String::new(),
        created: UnixTime::from_secs(0),
        updated: UnixTime::from_secs(0),
        description: String::new(),
        splits: Vec::new(),
        file_count: 0,
    };
    let new = NewDataset { dataset: &dataset, spec: &spec, files: &[] };
    world.labeler.datasets.database.insert(&new).await.unwrap();
    dataset.id
}

fn prost_len(page: &wire::ListDatasetsResponse) -> usize {
    prost::Message::encoded_len(page)
}
