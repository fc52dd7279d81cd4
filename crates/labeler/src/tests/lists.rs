//! The list against a model of it: every order, every filter, pages of every size, seen through everybody's eyes.

use hallpass_contract::labeler as wire;
use hallpass_token::UnixTime;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use wire::{DatasetFilter, ListDatasetsRequest};

use super::callers::Mint;
use super::chance::Chance;
use super::world::World;
use crate::database::NewDataset;
use crate::model::access::{Role, Visibility};
use crate::model::dataset::{Class, Dataset, Format, Share};
use crate::model::ids::DatasetId;
use crate::model::spec::{Spec, Wish};

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const NAMES: [&str; 8] =
    ["cats", "Cats", "100% cats", "100x cats", "a_b", "axb", "Ärger!", "ärger?"];
const CLASSES: [&str; 3] = ["cat", "dog", "Cat"];
const FORMATS: [Format; 4] = [Format::ImageFolder, Format::Coco, Format::Yolo, Format::Csv];

/// What there is, the oldest first, with those it is shared with.
type All = Vec<(Dataset, Vec<&'static str>)>;

async fn make(world: &World, chance: &mut Chance, count: usize) -> All {
    let mut all = All::new();
    for number in 0..count {
        let owner = *chance.one_of(&USERS);
        let others = USERS.into_iter().filter(|user| *user != owner);
        let readers: Vec<_> = others.filter(|_| chance.once_in(3)).collect();
        let share = |subject: &&str| Share { subject: (*subject).into(), role: Role::Viewer };
        let visibility = if chance.once_in(4) { Visibility::Public } else { Visibility::Private };
        let display_name = (*chance.one_of(&NAMES)).to_owned();
        let shares = readers.iter().map(share).collect();
        let wish =
            Wish { display_name: display_name.clone(), visibility, shares, ..Wish::default() };
        let classes = CLASSES.iter().filter(|_| chance.once_in(2));
        let mut classes: Vec<_> =
            classes.map(|name| Class { name: (*name).into(), item_count: 1 }).collect();
        classes.sort_by(|one, other| one.name.cmp(&other.name));
        let dataset = Dataset {
            id: DatasetId::from_random(u128::try_from(number).unwrap().to_be_bytes()),
            display_name,
            format: *chance.one_of(&FORMATS),
            owner: owner.to_owned(),
            visibility,
            classes,
            item_count: 1,
            size_bytes: chance.bits() % 4,
            etag: "e".to_owned(),
            created: UnixTime::from_secs(7),
            updated: UnixTime::from_secs(chance.bits() % 4),
            description: "d".to_owned(),
            splits: Vec::new(),
            file_count: 3,
        };
        let spec = Spec::new(wish, None).unwrap();
        let new = NewDataset { dataset: &dataset, spec: &spec, files: &[] };
        world.labeler.datasets.database.insert(&new).await.unwrap();
        all.push((dataset, readers));
    }
    all
}

/// What the list must be, by looking at every dataset.
fn expected(all: &All, user: &str, filter: &DatasetFilter, order: i32) -> Vec<String> {
    let sees = |(dataset, shared): &&(Dataset, Vec<&str>)| {
        dataset.owner == user || dataset.visibility == Visibility::Public || shared.contains(&user)
    };
    let wanted = filter.name_contains.to_ascii_lowercase();
    let fits = |(dataset, _): &&(Dataset, Vec<&str>)| {
        let sent = crate::datasets::wire::dataset(dataset.clone());
        sent.display_name.to_ascii_lowercase().contains(&wanted)
            && (filter.format == 0 || filter.format == sent.format)
            && (filter.owner.is_empty() || filter.owner == sent.owner)
            && (filter.visibility == 0 || filter.visibility == sent.visibility)
            && (filter.class_name.is_empty()
                || sent.classes.iter().any(|class| class.name == filter.class_name))
    };
    let mut found: Vec<_> = all.iter().filter(sees).filter(fits).map(|(one, _)| one).collect();
    // Ids go up with the order of creation here.
    match order {
        2 => {}
        3 => found.sort_by_key(|one| (one.display_name.clone(), one.id.clone())),
        4 => found.sort_by_key(|one| std::cmp::Reverse((one.size_bytes, one.id.clone()))),
        5 => found.sort_by_key(|one| std::cmp::Reverse((one.updated, one.id.clone()))),
        _ => found.reverse(),
    }
    found.into_iter().map(|one| one.id.to_string()).collect()
}

async fn list(
    world: &World,
    mint: &Mint,
    user: &str,
    request: ListDatasetsRequest,
) -> Result<wire::ListDatasetsResponse, Status> {
    let answer = mint.caller(world, &user.into()).datasets().list_datasets(request).await?;
    Ok(answer.into_inner())
}

/// Walks through all pages: each is full but the last, and none is empty unless all is.
async fn walk(
    world: &World,
    mint: &Mint,
    user: &str,
    request: &ListDatasetsRequest,
) -> Vec<String> {
    let (mut seen, mut request) = (Vec::new(), request.clone());
    loop {
        let page = list(world, mint, user, request.clone()).await.unwrap();
        let full = page.datasets.len() == usize::try_from(request.page_size).unwrap();
        assert!(full || page.next_page_token.is_empty(), "a page breaks early: {request:?}");
        assert!(!page.datasets.is_empty() || seen.is_empty(), "an empty page: {request:?}");
        seen.extend(page.datasets.into_iter().map(|dataset| dataset.dataset_id));
        if page.next_page_token.is_empty() {
            return seen;
        }
        request.page_token = page.next_page_token;
    }
}

fn any_filter(chance: &mut Chance) -> DatasetFilter {
    let mut filter = DatasetFilter::default();
    if chance.once_in(2) {
        let texts = ["", "CATS", "%", "_", "!", "0%", "ä", "Ä", "ger", "\\", "'", "no such"];
        filter.name_contains = (*chance.one_of(&texts)).to_owned();
    }
    if chance.once_in(3) {
        filter.format = crate::datasets::wire::format(*chance.one_of(&FORMATS)).into();
    }
    if chance.once_in(3) {
        filter.owner = (*chance.one_of(&["alice", "bob", "carol", "nobody"])).to_owned();
    }
    if chance.once_in(3) {
        filter.visibility = *chance.one_of(&[1, 2]);
    }
    if chance.once_in(3) {
        filter.class_name = (*chance.one_of(&["cat", "dog", "Cat", "CAT"])).to_owned();
    }
    filter
}

#[tokio::test]
async fn every_list_is_what_the_model_says() {
    let (world, mint, mut chance) = (World::new().await, Mint::new(), Chance::new());
    let all = make(&world, &mut chance, 60).await;
    for _ in 0..400 {
        let user = *chance.one_of(&["alice", "bob", "carol", "dave"]);
        let filter = any_filter(&mut chance);
        let order_by = *chance.one_of(&[0, 1, 2, 3, 4, 5]);
        let page_size = *chance.one_of(&[1, 2, 3, 7, 59, 60, 1000]);
        let request = ListDatasetsRequest {
            page_size,
            filter: Some(filter.clone()),
            order_by,
            ..Default::default()
        };
        let seen = walk(&world, &mint, user, &request).await;
        assert_eq!(seen, expected(&all, user, &filter, order_by), "{user}: {request:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_list_is_refused_and_so_are_wrong_wishes() {
    let (world, mint, mut chance) = (World::new().await, Mint::new(), Chance::new());
    make(&world, &mut chance, 30).await;
    let first = ListDatasetsRequest { page_size: 1, ..Default::default() };
    let token = list(&world, &mint, "alice", first.clone()).await.unwrap().next_page_token;
    assert!(!token.is_empty());
    let with =
        |filter: DatasetFilter| ListDatasetsRequest { filter: Some(filter), ..first.clone() };
    let long = "x".repeat(300);
    let table = [
        (
            "page_token",
            ListDatasetsRequest { order_by: 3, page_token: token.clone(), ..first.clone() },
        ),
        (
            "page_token",
            ListDatasetsRequest {
                page_token: token.clone(),
                ..with(DatasetFilter { visibility: 1, ..Default::default() })
            },
        ),
        ("order_by", ListDatasetsRequest { order_by: 99, ..first.clone() }),
        ("page_size", ListDatasetsRequest { page_size: -1, ..first.clone() }),
        ("filter.format", with(DatasetFilter { format: 99, ..Default::default() })),
        ("filter.visibility", with(DatasetFilter { visibility: -1, ..Default::default() })),
        (
            "filter.name_contains",
            with(DatasetFilter { name_contains: long.clone(), ..Default::default() }),
        ),
        (
            "filter.name_contains",
            with(DatasetFilter { name_contains: "\0".into(), ..Default::default() }),
        ),
        ("filter.owner", with(DatasetFilter { owner: long.clone(), ..Default::default() })),
        ("filter.class_name", with(DatasetFilter { class_name: long, ..Default::default() })),
    ];
    for (field, request) in table {
        let refused = list(&world, &mint, "alice", request).await.unwrap_err();
        let named = refused.get_error_details().bad_request().unwrap().field_violations[0].clone();
        assert_eq!((refused.code(), named.field.as_str()), (Code::InvalidArgument, field));
    }
    // The newest first is what it is unless something else is said.
    let said = ListDatasetsRequest {
        order_by: 1,
        page_token: token,
        filter: Some(DatasetFilter::default()),
        ..first
    };
    assert!(list(&world, &mint, "alice", said).await.is_ok());
}
