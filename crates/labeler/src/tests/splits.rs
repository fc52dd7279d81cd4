//! Splits by ratio and by list, and the list of items that shows them.

use hallpass_contract::labeler as wire;
use tonic::{Code, Status};
use wire::assign_splits_request::By;
use wire::{
    AssignSplitsRequest, Item, ListItemsRequest, Split, SplitCount, SplitLists, SplitRatios,
};

use super::callers::{Mint, Who};
use super::world::World;

/// A world with the sample of alice's: twelve items in three classes.
struct Place {
    world: World,
    mint: Mint,
    id: String,
}

impl Place {
    async fn new() -> Self {
        let world = World::new().await;
        let id = world.sample_of("alice").await.dataset_id;
        Self { world, mint: Mint::new(), id }
    }

    async fn assign(&self, who: &Who, by: By, etag: &str) -> Result<wire::Dataset, Status> {
        let (dataset_id, etag) = (self.id.clone(), etag.to_owned());
        let request = AssignSplitsRequest { dataset_id, by: Some(by), etag };
        let answer = self.mint.caller(&self.world, who).splits().assign_splits(request).await?;
        Ok(answer.into_inner().dataset.unwrap())
    }

    async fn alice(&self, by: By) -> Result<wire::Dataset, Status> {
        self.assign(&"alice".into(), by, "").await
    }

    async fn page(&self, request: ListItemsRequest) -> Result<wire::ListItemsResponse, Status> {
        let request = ListItemsRequest { dataset_id: self.id.clone(), ..request };
        let caller = self.mint.caller(&self.world, &"alice".into());
        Ok(caller.splits().list_items(request).await?.into_inner())
    }

    async fn items(&self, request: ListItemsRequest) -> Vec<Item> {
        self.page(request).await.unwrap().items
    }

    async fn in_split(&self, split: Split) -> Vec<String> {
        let found = self.items(ListItemsRequest { split: split.into(), ..Default::default() });
        found.await.into_iter().map(|item| item.path).collect()
    }
}

fn ratios(train: f64, validation: f64, test: f64, seed: u64, stratify: bool) -> By {
    let group_by = None;
    By::Ratios(SplitRatios { train, validation, test, seed, stratify, group_by })
}

fn lists(train: &[&str], validation: &[&str], test: &[&str], keep_others: bool) -> By {
    let owned = |paths: &[&str]| paths.iter().map(ToString::to_string).collect();
    let (train, validation, test) = (owned(train), owned(validation), owned(test));
    By::Lists(SplitLists { train, validation, test, keep_others, allow_leaks: false })
}

fn counts(dataset: &wire::Dataset) -> [u64; 3] {
    let count = |split: Split| {
        let of = |count: &&SplitCount| count.split == i32::from(split);
        dataset.splits.iter().find(of).map_or(0, |count| count.item_count)
    };
    [Split::Train, Split::Validation, Split::Test].map(count)
}

#[tokio::test]
async fn by_ratio_and_seed_the_split_is_the_same_again() {
    let place = Place::new().await;
    let first = place.world.get(&place.world.user("alice"), &place.id).await.unwrap();
    place.world.advance(3);
    let split = place.alice(ratios(0.5, 0.25, 0.25, 7, true)).await.unwrap();
    assert_eq!(counts(&split), [6, 3, 3]);
    assert_ne!(split.etag, first.etag);
    assert_eq!(split.update_time.unwrap().seconds, first.update_time.unwrap().seconds + 3);
    let items = place.items(ListItemsRequest::default()).await;
    for class in ["circle", "square", "triangle"] {
        let of_class = items.iter().filter(|item| item.class_names == [class]);
        let splits: Vec<_> = of_class.map(Item::split).collect();
        let of = |split| splits.iter().filter(|found| **found == split).count();
        let shares = [Split::Train, Split::Validation, Split::Test].map(of);
        assert_eq!(shares, [2, 1, 1], "{class}");
    }
    let again = place.alice(ratios(0.5, 0.25, 0.25, 7, true)).await.unwrap();
    assert_eq!(again, split, "the same split is no change");
    assert_eq!(place.items(ListItemsRequest::default()).await, items);
    let other = place.alice(ratios(0.5, 0.25, 0.25, 8, true)).await.unwrap();
    assert_ne!(place.items(ListItemsRequest::default()).await, items);
    assert_ne!(other.etag, split.etag);
    let seen = place.world.get(&place.world.user("alice"), &place.id).await.unwrap();
    assert_eq!(seen, other, "what was answered is what is there");
}

#[tokio::test]
async fn by_list_each_is_where_it_was_put() {
    let place = Place::new().await;
    let (one, two, three) = ("circle/01.png", "square/02.png", "triangle/03.png");
    let split = place.alice(lists(&[one], &[two], &[], false)).await.unwrap();
    assert_eq!(counts(&split), [1, 1, 0]);
    let more = place.alice(lists(&[two], &[], &[three], true)).await.unwrap();
    assert_eq!(counts(&more), [2, 0, 1], "the others stay, a named one moves");
    assert_eq!(place.in_split(Split::Train).await, [one, two]);
    let others = ListItemsRequest { unassigned: true, ..Default::default() };
    assert_eq!(place.items(others).await.len(), 9);
    let less = place.alice(lists(&[], &[three], &[], false)).await.unwrap();
    assert_eq!(counts(&less), [0, 1, 0], "the others are out");
}

#[tokio::test]
async fn wrong_wishes_name_what_is_wrong_and_change_nothing() {
    let place = Place::new().await;
    let before = place.alice(ratios(0.5, 0.5, 0.0, 1, false)).await.unwrap();
    let one = "circle/01.png";
    let table = [
        (ratios(f64::NAN, 0.0, 0.0, 1, false), "ratios.train", "NaN"),
        (ratios(0.5, -0.1, 0.0, 1, false), "ratios.validation", "-0.1"),
        (ratios(0.5, 0.3, 0.3, 1, false), "ratios.train", "1.1"),
        (lists(&["circle/99.png"], &[], &[], true), "lists: names", "\"circle/99.png\""),
        (lists(&["README.md"], &[], &[], true), "lists: names", "\"README.md\""),
        (lists(&["a\0b"], &[], &[], true), "lists: names", "\"a\\0b\""),
        (lists(&[one, one], &[], &[], true), "lists.train", one),
        (lists(&[one], &[], &[one], true), "lists.test", one),
    ];
    for (by, field, part) in table {
        let refused = place.alice(by).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert!(refused.message().starts_with(field), "{refused}");
        assert!(refused.message().contains(part), "{refused}");
    }
    let many: Vec<_> = (0..30).map(|n| format!("no/{n:02}.png")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let refused = place.alice(lists(&many, &[], &[], true)).await.unwrap_err();
    assert!(refused.message().ends_with("\"no/09.png\" and 20 more"), "{refused}");
    let none = AssignSplitsRequest { dataset_id: place.id.clone(), ..Default::default() };
    let alice = place.mint.caller(&place.world, &"alice".into());
    let refused = alice.splits().assign_splits(none).await.unwrap_err();
    assert_eq!(refused.message(), "ratios: must be set, or else lists");
    let after = place.world.get(&place.world.user("alice"), &place.id).await.unwrap();
    assert_eq!(after, before);
}

#[tokio::test]
async fn the_etag_is_a_condition() {
    let place = Place::new().await;
    let (alice, by) = (Who::from("alice"), || ratios(1.0, 0.0, 0.0, 1, false));
    let split = place.alice(by()).await.unwrap();
    let stale = place.assign(&alice, by(), "0000000000000000").await.unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    let next = place.assign(&alice, ratios(0.0, 1.0, 0.0, 1, false), &split.etag).await.unwrap();
    assert_eq!(counts(&next), [0, 12, 0]);
    let late = place.assign(&alice, by(), &split.etag).await.unwrap_err();
    assert_eq!(late.code(), Code::Aborted);
}

#[tokio::test]
async fn a_worker_splits_the_dataset_it_is_for_and_no_other() {
    let place = Place::new().await;
    let by = || ratios(0.5, 0.5, 0.0, 1, false);
    let worker = Who::Worker(Some(("dataset", place.id.clone())));
    assert_eq!(counts(&place.assign(&worker, by(), "").await.unwrap()), [6, 6, 0]);
    let other = place.world.sample_of("alice").await.dataset_id;
    for who in [Who::Worker(Some(("dataset", other))), Who::Worker(None), "bob".into()] {
        let refused = place.assign(&who, by(), "").await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{who:?}");
    }
}

#[tokio::test]
async fn items_are_filtered_and_paged() {
    let place = Place::new().await;
    place
        .alice(lists(&["circle/01.png", "circle/02.png", "square/01.png"], &[], &[], false))
        .await
        .unwrap();
    let circles = ListItemsRequest { class_name: "circle".into(), ..Default::default() };
    let both = ListItemsRequest { split: Split::Train.into(), ..circles.clone() };
    let rest = ListItemsRequest { unassigned: true, ..circles.clone() };
    let none = ListItemsRequest { class_name: "star".into(), ..Default::default() };
    for (request, found) in [(circles.clone(), 4), (both, 2), (rest, 2), (none, 0)] {
        assert_eq!(place.items(request.clone()).await.len(), found, "{request:?}");
    }
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListItemsRequest { page_size: 5, page_token: token, ..Default::default() };
        let page = place.page(request).await.unwrap();
        paged.extend(page.items);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        let elsewhere = ListItemsRequest { page_token: token.clone(), ..circles.clone() };
        let refused = place.page(elsewhere).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "a token of another filter");
    }
    assert_eq!(paged, place.items(ListItemsRequest::default()).await);
    assert_eq!(paged.len(), 12);
    for wrong in [
        ListItemsRequest { split: 9, ..Default::default() },
        ListItemsRequest { split: 1, unassigned: true, ..Default::default() },
        ListItemsRequest { class_name: "a\0".into(), ..Default::default() },
        ListItemsRequest { page_size: -1, ..Default::default() },
        ListItemsRequest { page_token: "AAAA".into(), ..Default::default() },
    ] {
        let refused = place.page(wrong.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{wrong:?}");
    }
}
