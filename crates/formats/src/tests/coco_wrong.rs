//! What can be wrong with COCO's JSON, each thing by its line.

use super::world::World;
use crate::Format;

/// What is said of `a.json` with this text, beside two images of 20 x 20.
fn refusal(json: &str) -> String {
    let images = ["train2017/1.png", "other/9.png"].map(|path| (path, ""));
    World::new(images.into_iter().chain([("a.json", json)])).refusal(Some(Format::Coco))
}

/// What is said if this is the list of annotations, on the fourth line.
fn of_annotations(list: &str) -> String {
    refusal(&format!(
        "{{\"images\": [\n{{\"id\": 1, \"file_name\": \"train2017/1.png\"}}],\n\"annotations\": [\n{list}],\n\
         \"categories\": [{{\"id\": 1, \"name\": \"cat\"}}]}}"
    ))
}

#[test]
fn each_wrong_annotation_is_told() {
    for (list, problem) in [
        (
            r#"{"id": 7, "image_id": 99, "category_id": 1}"#,
            "annotation 7 names image 99, which is in no \"images\" entry",
        ),
        (
            r#"{"image_id": "n", "category_id": 1}"#,
            "an annotation names image \"n\", which is in no \"images\" entry",
        ),
        (
            r#"{"id": 7, "image_id": 1, "category_id": 8}"#,
            "annotation 7 names category 8, which is in no \"categories\" entry",
        ),
        (r#"{"id": 7, "image_id": 1}"#, "annotation 7 has no \"category_id\""),
        (
            r#"{"id": 7, "image_id": 1.5, "category_id": 1}"#,
            "annotation 7: its \"image_id\" is 1.5, where a whole number or a text of at most 64 bytes belongs",
        ),
        (r#"{"id": 7, "category_id": 1}"#, "annotation 7 has no \"image_id\""),
        (r#"{"image_id": null, "category_id": 1}"#, "an annotation has no \"image_id\""),
        ("7", "an entry of \"annotations\" is 7, not an object"),
        ("[7]", "an entry of \"annotations\" is a list, not an object"),
    ] {
        assert_eq!(of_annotations(list), format!("a.json line 4: {problem}"), "{list}");
    }
}

#[test]
fn each_wrong_box_is_told() {
    let no_number = "annotation 7 has a bbox with NaN, Infinity or something else that is no number: mend it or leave it out";
    for (bbox, problem) in [
        ("[0, 0, -1, 5]", "annotation 7 has a bbox of negative width or height"),
        ("[0, 0, 5]", "annotation 7 has a bbox of 3 numbers; it has 4"),
        ("[-9, 0, 5, 5]", "annotation 7 has a bbox that lies outside its image, at -9, 0"),
        ("[0, -9, 5, 5]", "annotation 7 has a bbox that lies outside its image, at 0, -9"),
        ("[23, 0, 5, 5]", "a bbox lies outside its image, from 23 on; train2017/1.png is 20 wide"),
        ("[0, 23, 5, 5]", "a bbox lies outside its image, from 23 on; train2017/1.png is 20 high"),
        ("[0, 0, NaN, 5]", no_number),
        (r#"[0, 0, "x", 5]"#, no_number),
        ("[0, 0, 1e999, 5]", "is no valid JSON: a number is too big"),
        (r#""all""#, "annotation 7 has a bbox that is the text \"all\", not a list of 4 numbers"),
    ] {
        let list = format!(r#"{{"id": 7, "image_id": 1, "category_id": 1, "bbox": {bbox}}}"#);
        assert_eq!(of_annotations(&list), format!("a.json line 4: {problem}"), "{bbox}");
    }
}

#[test]
fn each_wrong_image_is_told() {
    let long = format!(r#""images": [{{"id": 1, "file_name": "{}"}}]"#, "x".repeat(1025));
    for (lists, problem) in [
        (
            r#""images": [{"id": 1, "file_name": "other/9.png"}, {"id": 1, "file_name": "train2017/1.png"}]"#,
            "image 1 is there twice, also on line 2: give each its own id",
        ),
        (
            r#""images": [{"id": 1, "file_name": "other/9.png"}, {"id": 2, "file_name": "./other/9.png"}]"#,
            "other/9.png is listed twice, also on line 2",
        ),
        (
            r#""images": [{"id": 1, "file_name": "absent.png"}]"#,
            "\"absent.png\" is not among the files: add it, or take out what names it",
        ),
        (r#""images": [{"id": 1, "file_name": ""}]"#, "\"\" is a folder, no image"),
        (
            r#""images": [{"id": 1, "file_name": "Other/9.PNG"}]"#,
            "\"Other/9.PNG\" is not among the files; other/9.png is spelled otherwise: write it as the file is called",
        ),
        (r#""images": [{"id": 1, "file_name": "a.json"}]"#, "\"a.json\" is no image"),
        (
            r#""images": [{"id": 1, "file_name": "other/9.png", "width": 640, "height": 480}]"#,
            "\"other/9.png\" is 20 x 20 pixels, not 640 x 480: its boxes belong to an image of that size",
        ),
        (&long, "image 1 has a file_name of more than 1024 bytes"),
        (r#""images": [{"file_name": "other/9.png"}]"#, "an image has no \"id\""),
        (
            r#""images": [{"id": 1, "file_name": {}}]"#,
            "image 1 has no \"file_name\": give the name of its file",
        ),
    ] {
        assert_eq!(
            refusal(&format!("{{\n{lists}}}")),
            format!("a.json line 2: {problem}"),
            "{lists}"
        );
    }
}

#[test]
fn each_wrong_list_is_told() {
    for (lists, problem) in [
        (r#""images": {"id": 1}"#, "holds an object where the list \"images\" belongs"),
        (r#""images": [], "images": []"#, "\"images\" is there twice"),
        (
            r#""images": [], "categories": [{"id": 1, "name": " "}]"#,
            "category 1: a class has a blank name",
        ),
        (
            r#""images": [], "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]"#,
            "category 1 is there twice, also on line 2: give each its own id",
        ),
        (
            r#""images": [{"id": 1, "file_name": "a"#,
            "the JSON ends in the middle: the file is not whole, copy it again",
        ),
        (
            r#""images": [] "annotations": []"#,
            "is no valid JSON: a comma or a closing brace is missing",
        ),
        (
            r#""images": []} x"#,
            "is no valid JSON: something follows the end of the JSON: remove it",
        ),
    ] {
        let json = format!("{{\n{lists}}}").replace("} x}", "} x");
        assert_eq!(refusal(&json), format!("a.json line 2: {problem}"), "{lists}");
    }
    assert_eq!(
        refusal(r#"{"annotations": []}"#),
        "a.json: has no \"images\", so it is no COCO file: give the list of the images and their file names"
    );
}
