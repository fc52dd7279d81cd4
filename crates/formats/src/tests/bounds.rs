//! What is kept in memory is bounded, and each bound is told.

use super::world::World;
use crate::{Bounds, FilePath, Format, Refusal, Shape};

#[test]
fn names_are_bounded_as_they_come() {
    let bounds = Bounds { max_files: 2, max_path_bytes: 20, max_folders: 1, ..Bounds::default() };
    for (paths, problem) in [
        (&["a/1.png", "a/2.png", "a/3.png"][..], "a/3.png: is one file too many; 2 are allowed"),
        (
            &["a/123456789.png", "a/2.png"],
            "a/2.png: is too much: all paths together may have 20 bytes",
        ),
        (&["a/1.png", "b/2.png"], "b/2.png: is one folder too many; 1 are allowed"),
        (
            &["a/1.png", "A/2.png"],
            "A/2.png: is to some systems the same folder as a: they differ only in case or in form, rename one of them",
        ),
        (
            &["a/1.exe"],
            "a/1.exe: is neither an image (png, jpg, gif, bmp, webp) nor an annotation (json, jsonl, csv, tsv, yaml, txt) nor \
             a text for people (md, README, LICENSE): leave it out",
        ),
    ] {
        let mut shape = Shape::new(bounds);
        let refused =
            paths.iter().find_map(|path| shape.add(&FilePath::parse(path).unwrap(), 1, None).err());
        assert_eq!(refused.map(|problem| problem.to_string()).as_deref(), Some(problem));
    }
}

#[test]
fn a_refused_file_leaves_no_trace() {
    let mut shape = Shape::new(Bounds::default());
    let path = |text: &str| FilePath::parse(text).unwrap();
    assert!(shape.add(&path("cat/1.png"), 5, None).is_ok());
    assert!(shape.add(&path("cat/1.png"), 5, None).is_err());
    assert!(shape.add(&path("Cat/2.png"), 5, None).is_err());
    assert!(shape.add(&path("cat/2.exe"), 5, None).is_err());
    let contents = shape.finish(None, |_| Err(std::io::ErrorKind::NotFound.into())).unwrap();
    assert_eq!((contents.items.len(), contents.size, contents.extras.len()), (1, 5, 0));
}

/// What is said of a dataset of three images that may have one class, two labels and annotations of 600 bytes.
fn of_small(format: Format, path: &str, text: &str) -> String {
    let images = ["a/1.png", "a/2.png", "a/3.png"].map(|path| (path, ""));
    let mut world = World::new(images.into_iter().chain([(path, text)]));
    world.bounds =
        Bounds { max_classes: 1, max_labels: 2, max_annotation_bytes: 600, ..Bounds::default() };
    world.refusal(Some(format))
}

#[test]
fn classes_and_labels_are_bounded() {
    for (format, path, text, problem) in [
        (
            Format::Yolo,
            "data.yaml",
            "names: [a, b]",
            " line 1: holds more classes than are allowed: 1",
        ),
        (Format::Yolo, "classes.txt", "a\nb", " line 2: holds more classes than are allowed: 1"),
        (
            Format::Csv,
            "labels.csv",
            "file,label\na/1.png,x\na/2.png,y",
            " line 3: the class \"y\" is one too many; 1 are allowed",
        ),
        (
            Format::Csv,
            "labels.csv",
            "file,label\na/1.png,x\na/2.png,x\na/3.png,x",
            " line 4: holds one label too many; 2 are allowed",
        ),
        (
            Format::Csv,
            "labels.csv",
            &" ".repeat(601),
            ": is too big for an annotation: 601 bytes; 600 are allowed",
        ),
    ] {
        assert_eq!(of_small(format, path, text), format!("{path}{problem}"));
    }
}

#[test]
fn what_a_json_file_holds_is_bounded() {
    let json = |categories: &str, annotations: &str| {
        let images = r#"[{"id": 1, "file_name": "a/1.png"}]"#;
        format!(
            r#"{{"categories": [{categories}], "annotations": [{annotations}], "images": {images}}}"#
        )
    };
    let category = |id: u32| format!(r#"{{"id": {id}, "name": "class {id}"}}"#);
    let annotation = |id: u32| format!(r#"{{"id": {id}, "image_id": 1, "category_id": 1}}"#);
    for (text, problem) in [
        (
            json(&[1, 2].map(category).join(","), ""),
            "a.json line 1: names more categories than are allowed: 1",
        ),
        (
            json(&category(1), &[1, 2, 3].map(annotation).join(",")),
            "a.json line 1: holds more annotations than are allowed: 2",
        ),
        (" ".repeat(601), "a.json: is too big for an annotation: 601 bytes; 600 are allowed"),
    ] {
        assert_eq!(of_small(Format::Coco, "a.json", &text), problem);
    }
}

#[test]
fn huge_texts_and_nestings_stop_the_parser() {
    let image = ("a/1.png", String::new());
    let deep = format!("{{\"x\": {}", "[".repeat(100_000));
    let long = format!("{{\n\"x\": \"{}\"}}", "x".repeat((1 << 20) + 1));
    let number = format!("{{\n\"x\": {}}}", "1".repeat((1 << 20) + 1));
    let yaml = format!("names: {}", "[".repeat(200));
    let block = format!("names:\n{}", "- ".repeat(200));
    let many = format!("names: [{}]", "a,".repeat(100_001));
    for (format, path, text, problem) in [
        (Format::Coco, "a.json", deep, "a.json line 1: is nested deeper than 64"),
        (
            Format::Coco,
            "a.json",
            long,
            "a.json line 2: a text is longer than 1048576 bytes: leave out images that are embedded as text, such as labelme's imageData",
        ),
        (
            Format::Coco,
            "a.json",
            number,
            "a.json line 2: a text is longer than 1048576 bytes: leave out images that are embedded as text, such as labelme's imageData",
        ),
        (Format::Yolo, "data.yaml", yaml, "data.yaml line 1: is nested deeper than 64"),
        (Format::Yolo, "data.yaml", block, "data.yaml line 2: is nested deeper than 64"),
        (
            Format::Yolo,
            "data.yaml",
            many,
            "data.yaml line 1: holds more values than are allowed: 100000",
        ),
    ] {
        assert_eq!(World::new([image.clone(), (path, text)]).refusal(Some(format)), problem);
    }
}

#[test]
fn a_store_that_fails_is_no_fault_of_the_dataset() {
    for (format, path) in
        [(Format::Coco, "a.json"), (Format::Yolo, "data.yaml"), (Format::Csv, "labels.csv")]
    {
        let mut shape = Shape::new(Bounds::default());
        for path in ["a/1.png", path] {
            shape.add(&FilePath::parse(path).unwrap(), 1, None).unwrap();
        }
        let read = shape.finish(Some(format), |_| Err(std::io::Error::other("the disk is gone")));
        assert!(matches!(read, Err(Refusal::Unreadable { .. })), "{read:?}");
    }
}

#[test]
fn a_file_that_never_came_is_told() {
    let mut shape = Shape::new(Bounds::default());
    shape.begin(&FilePath::parse("a/1.png").unwrap()).unwrap();
    let read = shape.finish(None, |_| Err(std::io::ErrorKind::NotFound.into()));
    assert_eq!(
        read.map_err(|refusal| refusal.to_string()),
        Err("a/1.png: was begun, but its end never came".to_owned())
    );
}

#[test]
fn annotation_files_and_problems_are_bounded() {
    let image = ("a/1.png".to_owned(), String::new());
    let json = r#"{"images": [{"id": 1, "file_name": "a/1.png"}]}"#;
    let csv = "file,label\na/1.png,cat\n";
    for (format, extension, text) in [(Format::Coco, "json", json), (Format::Csv, "csv", csv)] {
        let files = |count: u32| {
            let annotations =
                (0..count).map(|number| (format!("{number:03}.{extension}"), text.to_owned()));
            World::new(annotations.chain([image.clone()]))
        };
        assert!(files(256).read(Some(format)).is_ok());
        let problem = format!("256.{extension}: is one annotation file too many; 256 are allowed");
        assert_eq!(files(257).refusal(Some(format)), problem);
    }
    let wrong = "x\n".repeat(20_000);
    let rows = format!("file,label\n{}", ",\n".repeat(20_000));
    let entries = vec![r#"{"image_id": 1}"#; 20_000].join(",");
    let entries = format!(r#"{{"images": [], "annotations": [{entries}]}}"#);
    let yaml = ("data.yaml".to_owned(), "names: [a]".to_owned());
    for (format, path, text) in [
        (Format::Yolo, "a/1.txt", wrong),
        (Format::Csv, "labels.csv", rows),
        (Format::Coco, "a.json", entries),
    ] {
        let world = World::new([image.clone(), yaml.clone(), (path.to_owned(), text)]);
        let refusal = world.refusal(Some(format));
        assert_eq!(refusal.lines().last(), Some("and 10000 more or still more"), "{format}");
    }
}

#[test]
fn places_of_splits_are_bounded() {
    let image = ("a/1.png", String::new());
    let places = format!("names: [x]\ntrain: [{}]", "a,".repeat(101));
    let many = World::new([image.clone(), ("data.yaml", places)]).refusal(Some(Format::Yolo));
    assert_eq!(many, "data.yaml line 2: names more places than are allowed: 100");
    let yaml = ("data.yaml", "names: [x]\ntrain: t.txt".to_owned());
    let mut world = World::new([image, yaml, ("t.txt", "a/1.png\n".repeat(5))]);
    world.bounds.max_files = 4;
    let problem = "t.txt line 5: is one line too many; 4 are allowed";
    assert_eq!(world.refusal(Some(Format::Yolo)), problem);
}
