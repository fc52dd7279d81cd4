//! Which format a dataset has, if nobody says it.

use super::world::World;
use crate::Format;

const COCO: (&str, &str) =
    ("annotations/a.json", r#"{"images": [{"id": 1, "file_name": "1.png"}]}"#);
const OTHER_JSON: (&str, &str) = ("info.json", r#"{"name": "images"}"#);
const YAML: (&str, &str) = ("data.yaml", "names: [cat]");
const OTHER_YAML: (&str, &str) = ("action.yml", "on: push");
const CLASSES: (&str, &str) = ("classes.txt", "cat");
const LABEL: (&str, &str) = ("labels/1.txt", "0 0.5 0.5 0.1 0.1");
const CSV: (&str, &str) = ("labels.csv", "file,label\nimages/1.png,cat");
const OTHER_CSV: (&str, &str) = ("scores.csv", "epoch,loss\n1,2");
const IMAGE: (&str, &str) = ("images/1.png", "");
const CAT: (&str, &str) = ("cat/1.png", "");

#[test]
fn the_files_tell_the_format() {
    let table: &[(&[(&str, &str)], Format)] = &[
        (&[CAT], Format::ImageFolder),
        (&[CAT, OTHER_JSON, OTHER_CSV, OTHER_YAML], Format::ImageFolder),
        (&[CAT, CLASSES], Format::ImageFolder),
        (&[IMAGE, COCO], Format::Coco),
        (&[IMAGE, COCO, OTHER_JSON, OTHER_CSV, CLASSES], Format::Coco),
        (&[IMAGE, YAML, LABEL], Format::Yolo),
        (&[IMAGE, CLASSES, LABEL], Format::Yolo),
        (&[IMAGE, YAML, LABEL, OTHER_YAML, OTHER_JSON], Format::Yolo),
        (&[IMAGE, CSV], Format::Csv),
        (&[IMAGE, CSV, OTHER_CSV, OTHER_JSON], Format::Csv),
    ];
    for (files, format) in table {
        let world = World::new(files.iter().copied());
        assert_eq!(world.contents(None).format, *format, "{files:?}");
    }
}

#[test]
fn more_than_one_format_is_no_guess() {
    let world = World::new([IMAGE, COCO, YAML, LABEL, CSV]);
    assert_eq!(
        world.refusal(None),
        "more than one format fits: coco, yolo, csv; say which it is, or leave out the annotations of the others"
    );
    for format in Format::ALL {
        if format != Format::ImageFolder {
            assert_eq!(world.contents(Some(format)).format, format);
        }
    }
}

#[test]
fn no_format_is_told_with_what_each_needs() {
    let world = World::new([("1.png", ""), IMAGE]);
    assert_eq!(
        world.refusal(None),
        "no format fits: imagefolder has each image in the folder of its class, but 1.png lies in none; coco has a JSON file \
         with \"images\"; yolo has data.yaml or classes.txt; csv has labels.csv"
    );
}

#[test]
fn a_folder_around_everything_is_no_class_unless_it_is_said() {
    let world =
        World::new([("pets/cat/1.png", ""), ("pets/dog/2.png", ""), ("pets/README.md", "")]);
    assert_eq!(
        world.refusal(None),
        "all images lie in folders below the one folder pets: take the files below it as the dataset, or say that the format is \
         imagefolder if pets is the only class"
    );
    assert_eq!(world.contents(Some(Format::ImageFolder)).classes.len(), 1);
    for right in ["pets/1.png", "train/cat/1.png"] {
        assert!(World::new([(right, "")]).read(None).is_ok(), "{right}");
    }
}

#[test]
fn broken_annotations_are_not_passed_over() {
    for (path, text, problem) in [
        (
            "a.json",
            "{",
            "a.json line 1: the JSON ends in the middle: the file is not whole, copy it again",
        ),
        ("data.yaml", "names: [", "data.yaml line 2: "),
        ("labels.csv", "", "labels.csv: is empty; it needs a header and rows"),
    ] {
        let refusal = World::new([IMAGE, (path, text)]).refusal(None);
        assert!(refusal.starts_with(problem), "{refusal}");
    }
}

#[test]
fn a_given_format_that_does_not_fit_says_what_is_missing() {
    let world = World::new([IMAGE, OTHER_JSON]);
    for (format, problem) in [
        (
            Format::Coco,
            "the format coco needs a JSON file with \"images\", \"annotations\" and \"categories\", such as \
             annotations/instances_train.json; there is none",
        ),
        (
            Format::Yolo,
            "the format yolo needs data.yaml with \"names\", obj.data or classes.txt; there is none of them",
        ),
        (
            Format::Csv,
            "the format csv needs a file with a row for each label, such as labels.csv or metadata.jsonl; there is none",
        ),
    ] {
        assert_eq!(world.refusal(Some(format)), problem);
    }
}

#[test]
fn names_of_formats_are_read_and_written() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    let unknown = "COCO".parse::<Format>().map_err(|error| error.to_string());
    assert_eq!(unknown, Err("the format must be one of imagefolder, coco, yolo, csv".to_owned()));
}
