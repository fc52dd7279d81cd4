//! Random right datasets of each format give what was put into them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::world::World;
use crate::{Contents, Format, Split, SplitCounts, testing};

/// An item as it is drawn: its classes with doubles, and its split.
type Drawn = (Vec<usize>, usize);

const NAMES: [&str; 4] = ["zebra", "dog", "a cat", "\u{732b}"];
const SPLITS: [(&str, Split); 3] =
    [("train", Split::Train), ("val", Split::Val), ("test", Split::Test)];

fn drawn(labels: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<Drawn>> {
    let item = (proptest::collection::vec(0..NAMES.len(), labels), 0..SPLITS.len());
    proptest::collection::vec(item, 1..20)
}

/// Compares what was read with what was drawn: classes, items in path order, counts.
fn check(
    contents: &Contents,
    format: Format,
    drawn: &[Drawn],
    path: impl Fn(usize, &Drawn) -> String,
) {
    assert_eq!(contents.format, format);
    let mut expected = BTreeMap::new();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut splits = SplitCounts::default();
    for (number, item) in drawn.iter().enumerate() {
        let names: BTreeSet<&str> = item.0.iter().map(|class| NAMES[*class]).collect();
        for name in &names {
            *counts.entry(name).or_default() += 1;
        }
        splits.count(Some(SPLITS[item.1].1));
        expected.insert(path(number, item), (names, item.0.len(), Some(SPLITS[item.1].1)));
    }
    let read: BTreeMap<_, _> = contents
        .items
        .iter()
        .map(|item| {
            let names: BTreeSet<&str> = contents.class_names(item).collect();
            (item.path.to_string(), (names, item.annotation_count as usize, item.split))
        })
        .collect();
    assert_eq!(read, expected);
    assert!(contents.items.is_sorted_by_key(|item| &item.path));
    let classes: BTreeMap<&str, u64> =
        contents.classes.iter().map(|class| (class.name.as_str(), class.item_count)).collect();
    assert!(contents.classes.is_sorted_by_key(|class| &class.name));
    assert_eq!(
        classes.into_iter().filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>(),
        counts
    );
    assert_eq!(contents.splits, splits);
    assert_eq!(contents.unlabelled, drawn.iter().filter(|item| item.0.is_empty()).count() as u64);
    assert_eq!(
        contents.annotation_count,
        drawn.iter().map(|item| item.0.len() as u64).sum::<u64>()
    );
}

fn image_path(number: usize, item: &Drawn) -> String {
    format!("images/{}/{number}.png", SPLITS[item.1].0)
}

fn images(drawn: &[Drawn]) -> Vec<(String, String)> {
    drawn
        .iter()
        .enumerate()
        .map(|(number, item)| (image_path(number, item), String::new()))
        .collect()
}

proptest! {
    #[test]
    fn of_class_folders(drawn in drawn(1..=1)) {
        let path = |number: usize, item: &Drawn| {
            format!("{}/{}/{number}.png", SPLITS[item.1].0, NAMES[item.0[0]])
        };
        let files = drawn.iter().enumerate().map(|(number, item)| (path(number, item), ""));
        let contents = World::new(files).contents(None);
        check(&contents, Format::ImageFolder, &drawn, path);
    }

    #[test]
    fn of_coco(drawn in drawn(0..5), annotations_first: bool) {
        let mut files = images(&drawn);
        for (split, (name, _)) in SPLITS.iter().enumerate() {
            let of_split = || drawn.iter().enumerate().filter(move |(_, item)| item.1 == split);
            let list: Vec<String> = of_split()
                .map(|(number, _)| format!(r#"{{"file_name": "{number}.png", "id": {number}}}"#))
                .collect();
            let labels: Vec<String> = of_split()
                .flat_map(|(number, item)| item.0.iter().map(move |class| (number, class)))
                .enumerate()
                .map(|(id, (image, class))| {
                    format!(r#"{{"id": {id}, "image_id": {image}, "category_id": {class}, "bbox": [0, 0, 1, 1]}}"#)
                })
                .collect();
            let categories: Vec<String> = NAMES.iter().enumerate()
                .map(|(id, name)| format!(r#"{{"id": {id}, "name": "{name}"}}"#))
                .collect();
            let mut lists = [
                format!(r#""images": [{}]"#, list.join(",")),
                format!(r#""annotations": [{}]"#, labels.join(",\n")),
                format!(r#""categories": [{}]"#, categories.join(",")),
            ];
            if annotations_first {
                lists.reverse();
                lists.swap(0, 1);
            }
            files.push((format!("annotations/{name}.json"), format!("{{{}}}", lists.join(",\n"))));
        }
        check(&World::new(files).contents(None), Format::Coco, &drawn, image_path);
    }

    #[test]
    fn of_yolo(drawn in drawn(0..5), polygons: bool) {
        let mut files = images(&drawn);
        files.push(("data.yaml".to_owned(), format!("names: {NAMES:?}\n")));
        let shape = if polygons { "0 0 1 0 1 1" } else { "0.5 0.5 0.25 0.125" };
        for (number, item) in drawn.iter().enumerate() {
            let lines: String = item.0.iter().flat_map(|class| [class.to_string(), format!(" {shape}\n")]).collect();
            let path = image_path(number, item).replace("images/", "labels/").replace(".png", ".txt");
            if !lines.is_empty() || number % 2 == 0 {
                files.push((path, lines));
            }
        }
        check(&World::new(files).contents(None), Format::Yolo, &drawn, image_path);
    }

    #[test]
    fn of_csv(drawn in drawn(1..5)) {
        let mut files = images(&drawn);
        let rows: String = drawn.iter().enumerate()
            .flat_map(|(number, item)| {
                let path = image_path(number, item);
                item.0.iter().map(move |class| format!("{path},{},{}\n", NAMES[*class], SPLITS[item.1].0))
            })
            .collect();
        files.push(("labels.csv".to_owned(), format!("file,label,split\n{rows}")));
        check(&World::new(files).contents(None), Format::Csv, &drawn, image_path);
    }
}

#[test]
fn the_datasets_for_tests_are_right() {
    let twelve = SplitCounts { train: 9, val: 3, ..SplitCounts::default() };
    for (files, format, splits) in [
        (
            testing::image_folder(12),
            Format::ImageFolder,
            SplitCounts { none: 12, ..SplitCounts::default() },
        ),
        (testing::coco(12), Format::Coco, twelve),
        (testing::yolo(12), Format::Yolo, twelve),
        (testing::csv(12), Format::Csv, twelve),
    ] {
        let contents = World::new(files).contents(None);
        assert_eq!((contents.format, contents.splits), (format, splits));
        let classes: Vec<_> =
            contents.classes.iter().map(|class| (class.name.as_str(), class.item_count)).collect();
        assert_eq!(classes, testing::CLASSES.map(|name| (name, 4)));
        assert_eq!((contents.items.len(), contents.unlabelled), (12, 0));
    }
    let images: BTreeSet<_> = (0..1000).map(|number| testing::png(8, 8, number)).collect();
    assert_eq!(images.len(), 1000);
}
