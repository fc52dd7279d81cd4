//! Tables of labels in JSON, as the tools write them.

use super::world::{World, classes, items};
use crate::{Contents, Format};

const IMAGES: [(&str, &str); 3] =
    [("images/a.png", ""), ("images/b.png", ""), ("images/c.png", "")];

fn read(files: &[(&str, &str)]) -> Contents {
    World::new(IMAGES.iter().chain(files).copied()).contents(None)
}

fn refusal(files: &[(&str, &str)]) -> String {
    World::new(IMAGES.iter().chain(files).copied()).refusal(None)
}

#[test]
fn each_tool_is_read() {
    for (path, text) in [
        (
            "azure.jsonl",
            "{\"image_url\": \"AmlDatastore://x/images/a.png\", \"label\": \"cat\"}\n{\"image_url\": \"AmlDatastore://x/images/b.png\", \"label\": \"dog\"}\n",
        ),
        (
            "metadata.jsonl",
            "{\"file_name\": \"images/a.png\", \"label\": \"cat\"}\n{\"file_name\": \"images/b.png\", \"label\": \"dog\"}\n",
        ),
        (
            "images/metadata.jsonl",
            "\u{feff}{\"file_name\": \"a.png\", \"label\": \"cat\"}\r\n\r\n{\"file_name\": \"b.png\", \"label\": \"dog\"}",
        ),
        (
            "metadata.jsonl",
            "{\"file_name\": \"images/a.png\", \"objects\": {\"bbox\": [[1, 2, 3, 4]], \"categories\": [\"cat\"]}}\n\
             {\"file_name\": \"images/b.png\", \"objects\": {\"bbox\": [[1, 2, 3, 4]], \"categories\": [\"dog\"]}}",
        ),
        (
            "project-1.json",
            r#"[{"id": 1, "data": {"image": "/data/upload/1/0a1b2c3d-a.png"},
                "annotations": [{"result": [{"type": "choices", "value": {"choices": ["cat"]}}]}]},
               {"id": 2, "data": {"image": "/data/local-files/?d=images/b.png"}, "annotations": [
                {"was_cancelled": true, "result": [{"value": {"choices": ["ox"]}}]},
                {"result": [{"type": "rectanglelabels", "value": {"x": 1, "rectanglelabels": ["dog"]}}]}]},
               {"id": 3, "data": {"image": "s3://bucket/images/c.png"}, "annotations": []}]"#,
        ),
        (
            "min.json",
            r#"[{"image": "/data/upload/1/a.png", "id": 1, "choice": "cat", "annotator": 1},
                {"image": "/data/upload/1/c.png", "id": 3, "annotation_id": 3},
                {"image": "/data/upload/1/b.png", "id": 2, "choice": "dog"}]"#,
        ),
        (
            "_annotations.createml.json",
            r#"[{"image": "a.png", "annotations": [{"label": "cat", "coordinates": {"x": 1}}]},
                {"image": "b.png", "annotations": [{"label": "dog", "coordinates": {"x": 1}}]}, {"image": "c.png", "annotations": []}]"#,
        ),
        (
            "bdd.json",
            r#"[{"name": "a.png", "labels": [{"category": "cat"}]}, {"name": "b.png", "labels": [{"category": "dog"}]},
                {"name": "c.png", "labels": null}]"#,
        ),
        ("labels.json", r#"{"classes": ["cat", "dog"], "labels": {"a": 0, "b": 1, "c": null}}"#),
        (
            "labels.json",
            r#"{"classes": null, "labels": {"a": "cat", "b": [{"label": "dog", "bounding_box": [0, 0, 1, 1]}]}}"#,
        ),
        ("labels.json", r#"{"a.png": "cat", "b.png": ["dog"]}"#),
        ("list.json", r#"[{"file": "a.png", "label": "cat"}, {"file": "b.png", "label": "dog"}]"#),
        (
            "lines.json",
            "{\"file\": \"a.png\", \"label\": \"cat\"}\n{\"file\": \"b.png\", \"label\": \"dog\"}\n",
        ),
    ] {
        let contents = read(&[(path, text)]);
        assert_eq!(contents.format, Format::Csv, "{text}");
        assert_eq!(classes(&contents), [("cat", 1), ("dog", 1)], "{text}");
        assert_eq!(items(&contents)[0], "images/a.png: cat (1)", "{text}");
    }
}

#[test]
fn splits_are_those_of_entries_files_and_folders() {
    let contents = World::new([
        ("train/a.png", ""),
        ("test/b.png", ""),
        ("train/metadata.jsonl", "{\"file_name\": \"a.png\", \"label\": 1}"),
        ("test/metadata.jsonl", "{\"file_name\": \"b.png\", \"label\": 0, \"split\": \"test\"}"),
    ])
    .contents(None);
    assert_eq!(items(&contents), ["test/b.png: 0 (1) test", "train/a.png: 1 (1) train"]);
}

#[test]
fn each_wrong_entry_is_told_with_its_line() {
    let lines = "{\"file_name\": \"a.png\", \"label\": \"cat\"}\n{\"file_name\": \"9.png\", \"label\": \"cat\"}\n\
                 {\"label\": \"cat\"}\n{\"file_name\": \"a.png\"}\n{\"file_name\": \"a.png\", \"label\": {\"x\": 1}}\n";
    assert_eq!(
        refusal(&[("images/metadata.jsonl", lines)]),
        "images/metadata.jsonl line 2: \"9.png\" is not among the files in images: add it, or take out what names it\n\
         images/metadata.jsonl line 3: names no image\n\
         images/metadata.jsonl line 4: has no label: add a member \"label\"\n\
         images/metadata.jsonl line 5: holds \"{\\\"x\\\":1}\" where a class belongs: give its name"
    );
    let broken = "{\"file_name\": \"a.png\", \"label\": \"cat\"}\n{\"file_name\": \"b.png\", ";
    let problem = "images/metadata.jsonl line 2: the JSON ends in the middle: the file is not whole, copy it again";
    assert_eq!(refusal(&[("images/metadata.jsonl", broken)]), problem);
}

#[test]
fn the_labels_of_one_tool_are_counted_once() {
    let csv = ("labels.csv", "file,label\na.png,cat\n");
    let json = ("labels.json", r#"{"a.png": "cat"}"#);
    assert_eq!(
        refusal(&[csv, json]),
        "labels.csv and labels.json both hold labels: leave out one of them"
    );
}
