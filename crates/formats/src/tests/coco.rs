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
    assert_eq!(
        refusal(json),
        "a.json line 4: image 1 has no \"file_name\": give the name of its file"
    );
}

#[test]
fn braces_in_texts_are_no_nesting() {
    let json = "{\"info\": \"\\\\\", \"x\": \"\\\"{[{[\\\"\", \"images\": [\n{\"id\": 1, \"file_name\": \"other/9.png\", \"x\": \"}{\"},\n{\n\"id\": 1,\n\"file_name\": \"\"}]}";
    assert_eq!(
        refusal(json),
        "a.json line 3: image 1 is there twice, also on line 2: give each its own id"
    );
}

#[test]
fn what_is_no_utf8_is_told() {
    for (bytes, problem) in [
        (b"\xff\xfe{\0".as_slice(), "a.json line 1: is UTF-16; save the file as UTF-8"),
        (b"\xfe\xff\0{", "a.json line 1: is UTF-16; save the file as UTF-8"),
        (
            b"{\"images\": [\n{\"id\": 1, \"file_name\": \"\xe9\"}]}",
            "a.json line 2: is not UTF-8; save the file as UTF-8",
        ),
        (
            b"{\"images\": [\n{\"id\": 1, \"file_name\": \"\\ud800\"}]}",
            "a.json line 2: is no valid JSON: a text has half a \\u pair in it",
        ),
    ] {
        let world = World::new([("a/1.png", &b""[..]), ("a.json", bytes)]);
        assert_eq!(world.refusal(Some(Format::Coco)), problem);
    }
}

#[test]
fn ids_are_numbers_or_short_texts_and_compared_by_value() {
    let one = |images: &str, annotations: &str, categories: &str| {
        format!(
            r#"{{"images": [{{"id": {images}, "file_name": "other/9.png"}}],
                "annotations": [{{"id": 0, "image_id": {annotations}, "category_id": {categories}}}],
                "categories": [{{"id": 0, "name": "cat"}}]}}"#
        )
    };
    for (image, named, category) in [
        ("\"x\"", "\"x\"", "0"),
        ("1", "1.0", "0.0"),
        ("1.0", "\"1\"", "\"0\""),
        ("\"000001\"", "1", "\"00\""),
        ("18446744073709551615", "18446744073709551615", "0"),
    ] {
        let contents = read(&[("a.json", &one(image, named, category))]);
        assert_eq!(classes(&contents), [("cat", 1)], "{image} {named}");
    }
    let long = format!("\"{}\"", "x".repeat(65));
    for wrong in [long.as_str(), "1.5", "true", "[1]", "{}"] {
        let refusal = refusal(&one("1", wrong, "0"));
        let part = "where a whole number or a text of at most 64 bytes belongs";
        assert!(refusal.contains(part) && refusal.contains("\"image_id\" is"), "{refusal}");
    }
}

#[test]
fn what_is_of_no_use_here_is_not_checked() {
    let entries = r#"{"images": [{"id": 1, "file_name": "other/9.png", "width": "20", "height": "20", "license": "x"},
        {"id": 2, "file_name": "other/9.png", "width": 0, "height": null}, {"id": 1, "file_name": "other/9.png"}],
      "annotations": [
        {"id": 0, "image_id": 1, "category_id": 1, "area": NaN, "iscrowd": 0.0, "segmentation": {"counts": "x"}},
        {"id": 0, "image_id": 2, "category_id": 1, "area": -Infinity, "bbox": null, "segmentation": [Infinity]},
        {"id": [], "image_id": 1, "category_id": 1, "bbox": ["1", "2", "3", "4"]}],
      "categories": [{"id": 1, "name": "cat", "supercategory": 7}, {"id": 1, "name": "cat"}], "info": 5}"#;
    let contents = read(&[("a.json", entries)]);
    assert_eq!(items(&contents)[0], "other/9.png: cat (3)");
    assert_eq!(
        contents.notes.to_string(),
        "a.json line 4: NaN or Infinity, which is no JSON, was passed over; 3 in all"
    );
}

#[test]
fn boxes_may_leave_their_image_and_be_empty() {
    let json = r#"{"images": [{"id": 1, "file_name": "other/9.png"}], "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [-3, 1, 5, 5]},
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [18, 18, 9, 9]},
        {"id": 3, "image_id": 1, "category_id": 1, "bbox": [0, 0, 0, 0]}]}"#;
    let contents = read(&[("a.json", json)]);
    assert_eq!(items(&contents)[0], "other/9.png: cat (3)");
    let note = "a.json line 2: a bbox leaves its image; 1 images have such";
    assert_eq!(contents.notes.to_string(), note);
}

#[test]
fn names_are_found_however_the_tool_wrote_them() {
    let one = |name: &str| {
        format!(r#"{{"images": [{{"id": 1, {name}}}], "annotations": [], "categories": []}}"#)
    };
    for name in [
        r#""file_name": "/home/user/data/train2017/1.png""#,
        r#""file_name": "C:\\data\\train2017\\1.png""#,
        r#""file_name": "file:///tmp/train2017/1.png""#,
        r#""coco_url": "http://images.example.org/train2017/1.png""#,
        r#""file_name": "train2017%2F1.png""#,
        r#""file_name": "somewhere/1.png""#,
    ] {
        let contents = read(&[("instances_train.json", &one(name))]);
        assert_eq!(contents.items[1].split, Some(crate::Split::Train), "{name}");
    }
}

#[test]
fn a_panoptic_file_is_named() {
    let json = r#"{"images": [{"id": 1, "file_name": "other/9.png"}],
        "annotations": [{"image_id": 1, "file_name": "9.png", "segments_info": [{"id": 1, "category_id": 1}]}],
        "categories": [{"id": 1, "name": "cat"}]}"#;
    assert_eq!(
        refusal(json),
        "a.json line 2: is a panoptic file, whose masks are not read: give the instances file in its place, such as \
         instances_train2017.json"
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
    let problem = "a.json line 3: two categories in use are called \"pets\"; the other is on line 2: give each its own name";
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
    assert_eq!(
        lines[0],
        "a.json line 2: \"no/0.png\" is not among the files: add it, or take out what names it"
    );
    assert_eq!(
        lines[19],
        "a.json line 21: \"no/19.png\" is not among the files: add it, or take out what names it"
    );
    assert_eq!(lines[20], "and 10 more");
}

#[test]
fn one_broken_file_does_not_hide_the_others() {
    let world = world(&[("a.json", "{\"images\": [}"), ("b.json", "{\"images\": 7}")]);
    assert_eq!(
        world.refusal(None),
        "a.json line 1: is no valid JSON: a value is missing or misspelled\n\
         b.json line 1: holds 7 where the list \"images\" belongs"
    );
}
