//! The layout that Hugging Face's `load_dataset` reads as it was imported: a folder for each split, and in it a `metadata.csv` with the
//! class of each image.
//!
//! Promise: the library takes each image into the split that it has here, whatever folders it lay in, and the labels come from the
//! table alone. It guesses splits from the names of folders, and drops classes that are folders where the first split has only one.

use std::collections::{BTreeMap, HashMap};

use hallpass_contract::labeler::{Item, ListItemsRequest, Split};
use hallpass_contract::platform::split_service_client::SplitServiceClient;
use tonic::Status;

use super::table::{self, Row, Table};
use crate::caller::{Service, unary};
use crate::failure::Failure;
use crate::output::plain;

/// So many items are asked for at a time.
const AT_ONCE: i32 = 1000;

/// Words in folders' names that the library takes for splits.
const SPLIT_WORDS: [&str; 10] = [
    "train",
    "training",
    "validation",
    "valid",
    "dev",
    "val",
    "test",
    "testing",
    "eval",
    "evaluation",
];

/// Where each image goes, and the table of each split.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// By the image's path in the dataset.
    targets: HashMap<String, String>,
    /// By the split's folder.
    rows: BTreeMap<&'static str, Vec<Row>>,
    /// How many items are in no split, though others are.
    pub(super) unassigned: u64,
}

/// The folder of items that are in no split though others are: `load_dataset` passes it over.
const UNASSIGNED: &str = "unassigned";

impl Plan {
    /// The plan for a dataset as it is.
    pub(super) async fn of(service: Service, dataset: &str) -> Result<Self, Failure> {
        let items = items(service, dataset).await.map_err(|s| crate::caller::refused(&s))?;
        Self::new(items)
    }

    fn new(items: Vec<Item>) -> Result<Self, Failure> {
        let any_split = items.iter().any(|item| item.split() != Split::Unspecified);
        let speaks = |item: &Item| item.path.split('/').any(seems_split);
        // Nothing that the library would take for a split: all of it can stay where it is.
        let at_top = !any_split && !items.iter().any(speaks);
        let mut plan = Self::default();
        let mut taken = HashMap::new();
        for item in items {
            let folder = match item.split() {
                Split::Unspecified if any_split => UNASSIGNED,
                // Without splits, all of it is what the library calls so.
                Split::Unspecified if at_top => "",
                Split::Unspecified | Split::Train => "train",
                Split::Validation => "validation",
                Split::Test => "test",
            };
            let inner = within(folder, &item.path);
            let mut target = joined(folder, &inner);
            if taken.contains_key(&target) {
                target = joined(folder, &flat(&item.path));
            }
            if let Some(other) = taken.insert(target.clone(), item.path.clone()) {
                return Err(Failure::failed(format_args!(
                    "{} and {} would both become {}: rename one of them in the dataset",
                    plain(&other),
                    plain(&item.path),
                    plain(&target)
                )));
            }
            if folder == UNASSIGNED {
                plan.unassigned += 1;
            } else {
                let file = target.strip_prefix(folder).unwrap_or(&target).trim_start_matches('/');
                let row = Row { file: file.to_owned(), classes: item.class_names };
                plan.rows.entry(folder).or_default().push(row);
            }
            plan.targets.insert(item.path, target);
        }
        Ok(plan)
    }

    /// Where a file of the dataset goes; `None` for what is no image.
    pub(super) fn target(&self, path: &str) -> Option<&str> {
        self.targets.get(path).map(String::as_str)
    }

    /// How many images there are.
    pub(super) fn images(&self) -> u64 {
        self.targets.len() as u64
    }

    /// The tables, by their paths.
    pub(super) fn tables(&self) -> Vec<(String, String)> {
        let all: Vec<&[Row]> = self.rows.values().map(Vec::as_slice).collect();
        let table = Table::fitting(&all);
        let file =
            |(folder, rows): (&&str, &Vec<Row>)| (joined(folder, table.name()), table.text(rows));
        self.rows.iter().map(file).collect()
    }

    /// What a user should know.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.unassigned > 0 {
            notes.push(format!(
                "{} images are in no split: they are in {UNASSIGNED}/, which load_dataset passes over",
                self.unassigned
            ));
        }
        let all: Vec<&[Row]> = self.rows.values().map(Vec::as_slice).collect();
        if let Some(reason) = Table::fitting(&all).reason() {
            notes.push(format!("the labels are in {}, because {reason}", table::LINES));
        }
        notes
    }
}

/// All items of a dataset.
async fn items(service: Service, dataset: &str) -> Result<Vec<Item>, Status> {
    let (mut client, mut items) = (SplitServiceClient::new(service), Vec::new());
    let dataset_id = dataset.to_owned();
    let mut request = ListItemsRequest { dataset_id, page_size: AT_ONCE, ..Default::default() };
    loop {
        let page = client.list_items(unary(request.clone())).await?.into_inner();
        items.extend(page.items);
        if page.next_page_token.is_empty() {
            return Ok(items);
        }
        request.page_token = page.next_page_token;
    }
}

/// A path within the folder of its split: without a top folder that says the same, and without folders where one of them would be
/// taken for a split.
fn within(folder: &str, path: &str) -> String {
    let names_it = |top: &str| match folder {
        "train" => matches!(top, "train" | "training"),
        "validation" => matches!(top, "val" | "valid" | "validation"),
        _ => matches!(top, "test" | "testing"),
    };
    let rest = match path.split_once('/') {
        Some((top, rest)) if folder != UNASSIGNED && names_it(&top.to_ascii_lowercase()) => rest,
        _ => path,
    };
    let mut folders = rest.rsplit_once('/').map_or("", |(folders, _)| folders).split('/');
    if folders.any(seems_split) { flat(rest) } else { rest.to_owned() }
}

fn joined(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// A path as a single name.
fn flat(path: &str) -> String {
    path.replace('/', "__")
}

/// Whether the library takes a folder for a split: one of the words, alone or parted from others.
fn seems_split(folder: &str) -> bool {
    let parts = |c: char| matches!(c, '-' | '.' | '_' | ' ') || c.is_ascii_digit();
    folder.split(parts).any(|word| SPLIT_WORDS.contains(&word))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    fn plan(items: &[(&str, &str, Split)]) -> Plan {
        let item = |(path, class, split): &(&str, &str, Split)| Item {
            path: (*path).to_owned(),
            class_names: class.split_terminator(',').map(str::to_owned).collect(),
            split: (*split).into(),
            ..Item::default()
        };
        Plan::new(items.iter().map(item).collect()).unwrap()
    }

    #[test]
    fn images_go_into_the_folder_of_their_split() {
        for (path, split, target) in [
            ("train/cat/1.png", Split::Train, "train/cat/1.png"),
            ("valid/cat/1.png", Split::Validation, "validation/cat/1.png"),
            ("cat/1.png", Split::Test, "test/cat/1.png"),
            // The folder says one split and the dataset another.
            ("images/val/1.png", Split::Train, "train/images__val__1.png"),
            ("train2017/1.png", Split::Test, "test/train2017__1.png"),
            ("contest/1.png", Split::Test, "test/contest/1.png"),
            ("cat/1.png", Split::Unspecified, "cat/1.png"),
            ("cat/test_1.png", Split::Unspecified, "train/cat/test_1.png"),
            ("test/1.png", Split::Unspecified, "train/test__1.png"),
        ] {
            assert_eq!(plan(&[(path, "x", split)]).target(path), Some(target), "{path}");
        }
        let both =
            plan(&[("cat/1.png", "cat", Split::Train), ("train/cat/1.png", "cat", Split::Train)]);
        assert_eq!(both.target("cat/1.png"), Some("train/cat/1.png"));
        assert_eq!(both.target("train/cat/1.png"), Some("train/train__cat__1.png"));
        assert_eq!(both.target("labels.csv"), None);
    }

    #[test]
    fn without_splits_the_table_stands_above_all() {
        let plan = plan(&[("cat/1.png", "cat", Split::Unspecified)]);
        let table = "file_name,label\ncat/1.png,cat\n".to_owned();
        assert_eq!(plan.tables(), [("metadata.csv".to_owned(), table)]);
    }

    #[test]
    fn a_table_for_each_split_names_the_classes() {
        let plan = plan(&[
            ("train/cat/1.png", "cat", Split::Train),
            ("test/cat/2.png", "cat", Split::Test),
            ("test/dog/3.png", "dog", Split::Test),
            ("more/4.png", "", Split::Unspecified),
        ]);
        let tables = plan.tables();
        assert_eq!(
            tables,
            [
                (
                    "test/metadata.csv".to_owned(),
                    "file_name,label\ncat/2.png,cat\ndog/3.png,dog\n".to_owned()
                ),
                ("train/metadata.csv".to_owned(), "file_name,label\ncat/1.png,cat\n".to_owned()),
            ]
        );
        assert_eq!(plan.target("more/4.png"), Some("unassigned/more/4.png"));
        assert!(plan.notes()[0].starts_with("1 images are in no split"));
    }
}
