//! What stays on one side of a split: files of equal content, and groups.

use hallpass_contract::labeler as wire;
use hallpass_formats::testing::png;
use tonic::{Code, Status};
use wire::assign_splits_request::By;
use wire::split_ratios::GroupBy;
use wire::{AssignSplitsRequest, Item, ListItemsRequest, Split, SplitLists, SplitRatios};

use super::callers::Mint;
use super::world::{World, start};

/// Five patients with four images each, every one of which is there twice: under its patient's name and in a folder of copies.
struct Place {
    world: World,
    mint: Mint,
    id: String,
}

const PATIENTS: u32 = 5;
const IMAGES: u32 = 4;

impl Place {
    async fn new() -> Self {
        let world = World::new().await;
        let (mut files, mut table) = (Vec::new(), "filename,label,Patient ID\n".to_owned());
        for patient in 0..PATIENTS {
            for image in 0..IMAGES {
                let data = png(8, 8, patient * IMAGES + image);
                let name = format!("scans/p{patient}/{image}.png");
                let copy = format!("scans/copies/{image}-{patient}.png");
                let label = ["no", "yes"][image as usize % 2];
                table.extend([format!("{name},{label},P-{patient}\n{copy},yes,\n")]);
                files.extend([(name, data.clone()), (copy, data)]);
            }
        }
        files.push(("labels.csv".to_owned(), table.into_bytes()));
        let dataset = world.upload(&world.user("alice"), start("Scans"), &files).await.unwrap();
        Self { world, mint: Mint::new(), id: dataset.dataset_id }
    }

    async fn assign(&self, by: By) -> Result<Vec<Item>, Status> {
        let (dataset_id, etag) = (self.id.clone(), String::new());
        let request = AssignSplitsRequest { dataset_id: dataset_id.clone(), by: Some(by), etag };
        let alice = self.mint.caller(&self.world, &"alice".into());
        alice.splits().assign_splits(request).await?;
        let request = ListItemsRequest { dataset_id, page_size: 1000, ..Default::default() };
        Ok(alice.splits().list_items(request).await?.into_inner().items)
    }
}

fn ratios(seed: u64, stratify: bool, group_by: Option<GroupBy>) -> By {
    By::Ratios(SplitRatios { train: 0.6, validation: 0.2, test: 0.2, seed, stratify, group_by })
}

/// The splits in which a key is.
fn splits_by(items: &[Item], key: impl Fn(&Item) -> Option<String>) -> Vec<usize> {
    let mut of: std::collections::BTreeMap<String, std::collections::BTreeSet<i32>> =
        std::collections::BTreeMap::new();
    for item in items {
        if let Some(key) = key(item) {
            of.entry(key).or_default().insert(item.split);
        }
    }
    of.into_values().map(|splits| splits.len()).collect()
}

fn content(item: &Item) -> String {
    format!("{:?}", item.sha256)
}

fn patient(item: &Item) -> Option<String> {
    item.path.split('/').nth(1).filter(|folder| folder.starts_with('p')).map(str::to_owned)
}

fn in_split(items: &[Item], split: Split) -> usize {
    items.iter().filter(|item| item.split() == split).count()
}

#[tokio::test]
async fn equal_files_are_in_one_split_whatever_the_seed() {
    let place = Place::new().await;
    for seed in 0..8 {
        for stratify in [false, true] {
            let items = place.assign(ratios(seed, stratify, None)).await.unwrap();
            assert_eq!(items.len(), 40);
            let contents = splits_by(&items, |item| Some(content(item)));
            assert_eq!(contents, [1; 20], "seed {seed}, stratified {stratify}");
            assert_eq!(in_split(&items, Split::Train), 24);
        }
    }
}

#[tokio::test]
async fn groups_are_in_one_split_by_folder_or_by_column() {
    let place = Place::new().await;
    for seed in 0..8 {
        for group_by in [GroupBy::Column("patient_id".into()), GroupBy::Column("Patient ID".into())]
        {
            let items = place.assign(ratios(seed, false, Some(group_by))).await.unwrap();
            assert_eq!(splits_by(&items, patient), [1; 5], "seed {seed}");
            assert_eq!(splits_by(&items, |item| Some(content(item))), [1; 20], "seed {seed}");
            assert_eq!(in_split(&items, Split::Train), 24);
            assert_eq!(in_split(&items, Split::Test), 8);
        }
    }
    // The folder of copies ties all patients together.
    for group_by in [GroupBy::Folder(0), GroupBy::Folder(1), GroupBy::Folder(2)] {
        let refused = place.assign(ratios(1, false, Some(group_by))).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with("ratios: leave the split "), "{refused}");
        assert!(refused.message().contains("the items make 1 groups"), "{refused}");
    }
}

#[tokio::test]
async fn a_column_that_is_not_there_is_refused_with_those_that_are() {
    let place = Place::new().await;
    let by = ratios(1, false, Some(GroupBy::Column("camera".into())));
    let refused = place.assign(by).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("ratios.column: no table of images"), "{refused}");
    assert!(refused.message().contains("\"Patient ID\""), "{refused}");
    for group_by in [GroupBy::Folder(32), GroupBy::Column(" ".into())] {
        let refused = place.assign(ratios(1, false, Some(group_by))).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
}

#[tokio::test]
async fn lists_that_leak_are_refused_unless_they_are_meant_to() {
    let place = Place::new().await;
    let lists = |allow_leaks| {
        let (train, test) = (vec!["scans/p0/0.png".into()], vec!["scans/copies/0-0.png".into()]);
        By::Lists(SplitLists { train, test, allow_leaks, ..Default::default() })
    };
    let refused = place.assign(lists(false)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let said = "lists: put equal files into two splits: \"scans/copies/0-0.png\" into test and \"scans/p0/0.png\" into train";
    assert!(refused.message().starts_with(said), "{refused}");
    let items = place.assign(lists(true)).await.unwrap();
    assert_eq!((in_split(&items, Split::Train), in_split(&items, Split::Test)), (1, 1));
    // What one list leaves alone is in no split and leaks nothing.
    let alone = SplitLists { train: vec!["scans/p0/0.png".into()], ..Default::default() };
    assert_eq!(in_split(&place.assign(By::Lists(alone)).await.unwrap(), Split::Train), 1);
}
