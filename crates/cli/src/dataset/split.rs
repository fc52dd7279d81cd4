//! Splits a dataset, by ratio and seed or by lists of paths.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use hallpass_contract::labeler::assign_splits_request::By;
use hallpass_contract::labeler::split_ratios::GroupBy;
use hallpass_contract::labeler::{AssignSplitsRequest, SplitLists, SplitRatios};
use hallpass_contract::platform::split_service_client::SplitServiceClient;

use super::folder::at;
use super::print;
use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::named;
use crate::output::{Format, plain};

/// One call names so many items; a longer list comes in several.
const ITEMS_A_CALL: usize = 5000;

/// How to split.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset split $DATASET --train .8 --test .2 --seed 7 --stratify
  hallpass dataset split $DATASET --train .5 --test .5 --group-by column:site
  hallpass dataset split $DATASET --train .5 --test .5 --group-by folder
  hallpass dataset split $DATASET --lists splits.txt

Files of equal content are always in the same split. A list has one item a line: the split (train, validation or test), a tab or a
space, and the item's path. Items that are not in it belong to no split.")]
pub(crate) struct SplitArguments {
    /// The dataset's id or name.
    #[arg(value_name = "DATASET")]
    id: String,
    /// The part for training, 0 to 1.
    #[arg(
        long,
        default_value_t = 0.0,
        hide_default_value = true,
        required_unless_present = "lists"
    )]
    train: f64,
    /// The part for validation, 0 to 1.
    #[arg(long, default_value_t = 0.0, hide_default_value = true)]
    validation: f64,
    /// The part for test, 0 to 1.
    #[arg(long, default_value_t = 0.0, hide_default_value = true)]
    test: f64,
    /// Chooses among the possible splits; the same seed gives the same one.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Keep each class's part in each split the same.
    #[arg(long)]
    stratify: bool,
    /// Keep groups in one split: the items of a folder (folder), those whose folder at a level has the same name (folder:2, the topmost
    /// being 1), or those with the same value in a column of the dataset's tables (column:NAME).
    #[arg(long, value_name = "folder|folder:LEVEL|column:NAME")]
    group_by: Option<Group>,
    /// A file that says of each item what it is for.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["train", "validation", "test", "seed", "stratify", "group_by"])]
    lists: Option<PathBuf>,
    /// With --lists: let files of equal content be in two splits.
    #[arg(long, requires = "lists")]
    allow_leaks: bool,
    /// Change it only if it still has this etag.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    connection: Connection,
}

/// What stays together.
#[derive(Debug, Clone)]
struct Group(GroupBy);

impl FromStr for Group {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RIGHT: &str = "give folder, folder:LEVEL (1 is the topmost) or column:NAME";
        let by = match text.split_once(':') {
            None if text == "folder" => GroupBy::Folder(0),
            Some(("folder", level)) => {
                GroupBy::Folder(level.parse().ok().filter(|level| *level > 0).ok_or(RIGHT)?)
            }
            Some(("column", name)) if !name.trim().is_empty() => GroupBy::Column(name.to_owned()),
            _ => return Err(RIGHT),
        };
        Ok(Self(by))
    }
}

/// Splits and prints the dataset.
pub(super) async fn run(wanted: SplitArguments, format: Format) -> Result<(), Failure> {
    let calls = match &wanted.lists {
        None => vec![By::Ratios(SplitRatios {
            train: wanted.train,
            validation: wanted.validation,
            test: wanted.test,
            seed: wanted.seed,
            stratify: wanted.stratify,
            group_by: wanted.group_by.map(|group| group.0),
        })],
        Some(file) => {
            let lists = read(file)?.into_iter();
            lists
                .map(|of| By::Lists(SplitLists { allow_leaks: wanted.allow_leaks, ..of }))
                .collect()
        }
    };
    let service = wanted.connection.open_as_caller().await?;
    let dataset_id = named::dataset(&service, &wanted.id).await?;
    let mut client = SplitServiceClient::new(service);
    let (mut etag, mut dataset) = (wanted.etag, None);
    for by in calls {
        let dataset_id = dataset_id.clone();
        let request = AssignSplitsRequest { dataset_id, by: Some(by), etag };
        let answer = client.assign_splits(unary(request)).await.map_err(|s| refused(&s))?;
        dataset = answer.into_inner().dataset;
        // What comes next belongs to what was just made.
        etag = dataset.as_ref().map(|dataset| dataset.etag.clone()).unwrap_or_default();
    }
    print(&dataset.unwrap_or_default().into(), format)
}

fn read(file: &Path) -> Result<Vec<SplitLists>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| at(file, &error))?;
    parse(&text).map_err(|problem| at(file, &problem))
}

fn parse(text: &str) -> Result<Vec<SplitLists>, String> {
    let mut seen = BTreeMap::new();
    let (mut calls, mut list, mut count) = (Vec::new(), SplitLists::default(), 0);
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |problem: &str| format!("line {}: {problem}", number + 1);
        let (split, path) = line
            .split_once(['\t', ' '])
            .ok_or_else(|| wrong("right: train, validation or test, a space, and a path"))?;
        let part = match split {
            "train" => &mut list.train,
            "validation" => &mut list.validation,
            "test" => &mut list.test,
            _ => return Err(wrong("no such split; right: train, validation or test")),
        };
        if let Some(earlier) = seen.insert(path, number + 1) {
            return Err(wrong(&format!("{} is in line {earlier} already", plain(path))));
        }
        part.push(path.to_owned());
        count += 1;
        if count == ITEMS_A_CALL {
            calls.push(std::mem::take(&mut list));
            count = 0;
        }
        // The first call says that what is in no list belongs to no split; the later ones add to it.
        list.keep_others = !calls.is_empty();
    }
    if count > 0 {
        calls.push(list);
    }
    if calls.is_empty() { Err("it names no item".to_owned()) } else { Ok(calls) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_line_by_line() {
        let calls = parse("train a b.png\n\nvalidation\tc.png\ntest d.png\ntrain e.png\n").unwrap();
        let [list] = calls.as_slice() else { unreachable!("one call") };
        assert_eq!(list.train, ["a b.png", "e.png"]);
        assert_eq!((&list.validation[0], &list.test[0]), (&"c.png".into(), &"d.png".into()));
        assert!(!list.keep_others);
    }

    #[test]
    fn groups_are_named() {
        let by = |text: &str| text.parse::<Group>().map(|group| group.0);
        assert_eq!(by("folder"), Ok(GroupBy::Folder(0)));
        assert_eq!(by("folder:2"), Ok(GroupBy::Folder(2)));
        assert_eq!(by("column:patient id"), Ok(GroupBy::Column("patient id".into())));
        for wrong in ["", "patient", "folder:0", "folder:x", "column:", "Folder"] {
            assert!(by(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_long_list_comes_in_several_calls() {
        let lines: Vec<_> = (0..=ITEMS_A_CALL).map(|number| format!("train {number}")).collect();
        let text = lines.join("\n");
        let calls = parse(&text).unwrap();
        let shape: Vec<_> = calls.iter().map(|list| (list.train.len(), list.keep_others)).collect();
        assert_eq!(shape, [(ITEMS_A_CALL, false), (1, true)]);
    }

    #[test]
    fn what_is_no_list_is_refused_by_its_line() {
        for (text, problem) in [
            ("", "names no item"),
            ("train", "line 1"),
            ("train a\nval b", "line 2: no such split"),
            ("train a\n\ntest a", "line 3: a is in line 1"),
        ] {
            assert!(parse(text).unwrap_err().contains(problem), "{text}");
        }
    }
}
