//! COCO's JSON: what is read, and each thing that can be wrong with it.

use super::world::{World, classes, items};
use crate::{Contents, Format, SplitCounts};

const IMAGES: [(&str, &str); 4] =
    [("train2017/1.png", ""), ("train2017/2.png", ""), ("val2017/1.png", ""), ("other/9.png", "")];

fn world(files: &[(&str, &str)]) -> World {
    World::new(IMAGES.iter().chain(files).copied())
}

fn read(files: &[(&str, &str)]) -> Contents {
    world(files).contents(None)
}

/// What is said of `a.json` with this text.
fn refusal(json: &str) -> String {
    world(&[("a.json", json)]).refusal(Some(Format::Coco))
}

#[test]
fn images_categories_and_boxes_are_read() {
    let train = r#"{"info": {"a": [1, {"b": null}]}, "images": [
        {"id": 1, "file_name": "1.png", "width": 20, "height": 20, "license": 3},
        {"id": 2, "file_name": "2.png"}],
      "annotations": [
        {"id": 1, "image_id": 1, "category_id": 5, "bbox": [0, 0, 20, 20], "segmentation": [[1, 2, 3]]},
        {"id": 2, "image_id": 1, "category_id": 3, "bbox": [1.5, 2.5, 3e0, 0]},
        {"id": 3, "image_id": 1, "category_id": 5}],
      "categories": [{"id": 5, "name": "dog"}, {"id": 3, "name": "cat"}, {"id": 4, "name": "ox"}]}"#;
    let val = r#"{"categories": [{"id": "d", "name": "dog"}],
        "annotations": [{"image_id": "x", "category_id": "d", "bbox": []}],
        "images": [{"id": "x", "file_name": "1.png"}]}"#;
    let contents = read(&[
        ("annotations/instances_train2017.json", train),
        ("annotations/instances_val2017.json", val),
    ]);
    assert_eq!(classes(&contents), [("cat", 1), ("dog", 2), ("ox", 0)]);
    assert_eq!(
        items(&contents),
        [
            "other/9.png:  (0)",
            "train2017/1.png: cat dog (3) train",
            "train2017/2.png:  (0) train",
            "val2017/1.png: dog (1) val",
        ]
    );
    assert_eq!(contents.splits, SplitCounts { train: 2, val: 1, test: 0, none: 1 });
    assert_eq!((contents.unlabelled, contents.annotation_count), (2, 4));
}

#[test]
fn several_files_may_speak_of_one_image() {
    let list = r#""images": [{"id": 1, "file_name": "train2017/1.png"}]"#;
    let boxes = format!(
        r#"{{{list}, "annotations": [{{"id": 1, "image_id": 1, "category_id": 1}}], "categories": [{{"id": 1, "name": "cat"}}]}}"#
    );
    let captions =
        format!(r#"{{{list}, "annotations": [{{"id": 1, "image_id": 1, "caption": "a cat"}}]}}"#);
    let contents = read(&[("boxes.json", &boxes), ("captions.json", &captions)]);
    assert_eq!(items(&contents)[1], "train2017/1.png: cat (2) train");
}

#[test]
fn file_names_count_from_where_they_are_found() {
    let one = |name: &str| format!(r#"{{"images": [{{"id": 1, "file_name": "{name}"}}]}}"#);
    for (json, name, images) in [
        ("train/_annotations.coco.json", "1.png", ["train/1.png", "valid/1.png"]),
        ("annotations/val.json", "1.png", ["images/train/1.png", "images/val/1.png"]),
        (
            "instances_validation2017.json",
            "1.png",
            ["Pics/valid2017/1.png", "Pics/train2017/2.png"],
        ),
        ("annotations/val.json", "images/1.png", ["images/1.png", "1.png"]),
        ("annotations.json", "1.png", ["images/1.png", "x/2.png"]),
        ("annotations.json", "./images\\\\1.png", ["images/1.png", "1.png"]),
        ("a/b/c.json", "../../img/1.png", ["img/1.png", "img/2.png"]),
        ("annotations.json", "caf\\u00e9.png", ["images/cafe\u{301}.png", "1.png"]),
    ] {
        let files = images.map(|path| (path, String::new())).into_iter().chain([(json, one(name))]);
        let world = World::new(files);
        assert!(world.read(None).is_ok(), "{json}: {}", world.refusal(None));
    }
}

#[test]
fn a_mark_and_crlf_change_nothing() {
    let json = "\u{feff}{\"images\": [\r\n{\"id\": 1,\r\n\"file_name\": \"other/9.png\"},\r\n{\"id\": 1}]}\r\n";
    assert_eq!(refusal(json), "a.json line 4: missing field `file_name`");
}

#[test]
fn braces_in_texts_are_no_nesting() {
    let json = "{\"info\": \"\\\\\", \"x\": \"\\\"{[{[\\\"\", \"images\": [\n{\"id\": 1, \"file_name\": \"other/9.png\", \"x\": \"}{\"},\n{\n\"id\": 1,\n\"file_name\": \"\"}]}";
    assert_eq!(refusal(json), "a.json line 3: image 1 is there twice, also on line 2");
}

#[test]
fn what_is_no_utf8_is_told() {
    for (bytes, problem) in [
        (b"\xff\xfe{\0".as_slice(), "a.json line 1: is UTF-16; save the file as UTF-8"),
        (b"\xfe\xff\0{", "a.json line 1: is UTF-16; save the file as UTF-8"),
        (
            b"{\"images\": [\n{\"id\": 1, \"file_name\": \"\xe9\"}]}",
            "a.json line 2: invalid unicode code point",
        ),
        (
            b"{\"images\": [\n{\"id\": 1, \"file_name\": \"\\ud800\"}]}",
            "a.json line 2: unexpected end of hex escape",
        ),
    ] {
        let world = World::new([("a/1.png", &b""[..]), ("a.json", bytes)]);
        assert_eq!(world.refusal(Some(Format::Coco)), problem);
    }
}

#[test]
fn ids_may_be_short_texts() {
    let image = r#""images": [{"id": "x", "file_name": "other/9.png"}]"#;
    let twice = format!(
        r#"{{{image}, "annotations": [{{"id": "a", "image_id": "x", "caption": ""}}, {{"id": "a", "image_id": "x", "caption": ""}}]}}"#
    );
    assert_eq!(refusal(&twice), "a.json line 1: annotation \"a\" is there twice");
    let id = |length: usize| {
        format!(r#"{{"images": [{{"id": "{}", "file_name": "other/9.png"}}]}}"#, "x".repeat(length))
    };
    assert_eq!(read(&[("a.json", &id(64))]).items.len(), IMAGES.len());
    assert_eq!(
        refusal(&id(65)),
        "a.json line 1: invalid length 65, expected a whole number or a short text"
    );
}

#[test]
fn two_categories_of_one_name_are_not_both_in_use() {
    let json = |second: u32| {
        format!(
            "{{\"categories\": [\n{{\"id\": 0, \"name\": \"pets\"}},\n{{\"id\": 1, \"name\": \" pets\"}}],\n\
             \"images\": [{{\"id\": 1, \"file_name\": \"other/9.png\"}}],\n\
             \"annotations\": [{{\"image_id\": 1, \"category_id\": 1}}, {{\"image_id\": 1, \"category_id\": {second}}}]}}"
        )
    };
    assert_eq!(classes(&read(&[("a.json", &json(1))])), [("pets", 1)]);
    let problem =
        "a.json line 3: two categories in use are called \"pets\"; the other is on line 2";
    assert_eq!(refusal(&json(0)), problem);
}

#[test]
fn an_image_is_in_one_split() {
    let list = r#"{"images": [{"id": 1, "file_name": "other/9.png"}]}"#;
    let world = world(&[("a_train.json", list), ("b_test.json", list)]);
    assert_eq!(
        world.refusal(None),
        "b_test.json line 1: other/9.png is in the split train already, by another file"
    );
}

#[test]
fn a_turned_image_keeps_its_boxes() {
    let turned = r#"{"images": [{"id": 1, "file_name": "w.png", "width": 10, "height": 30}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 30]}],
        "categories": [{"id": 1, "name": "cat"}]}"#;
    let world = World::new([("w.png", crate::testing::png(30, 10, 0)), ("a.json", turned.into())]);
    assert!(world.read(None).is_ok());
}

#[test]
fn many_problems_are_told_at_once_and_then_counted() {
    let entries: Vec<String> =
        (0..30).map(|id| format!("{{\"id\": {id}, \"file_name\": \"no/{id}.png\"}}")).collect();
    let refusal = refusal(&format!("{{\"images\": [\n{}]}}", entries.join(",\n")));
    let lines: Vec<&str> = refusal.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[0], "a.json line 2: \"no/0.png\" is not among the files");
    assert_eq!(lines[19], "a.json line 21: \"no/19.png\" is not among the files");
    assert_eq!(lines[20], "and 10 more");
}

#[test]
fn one_broken_file_does_not_hide_the_others() {
    let world = world(&[("a.json", "{\"images\": [}"), ("b.json", "{\"images\": 7}")]);
    assert_eq!(
        world.refusal(None),
        "a.json line 1: expected value\nb.json line 1: invalid type: integer `7`, expected a list"
    );
}
