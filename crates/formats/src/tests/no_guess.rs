//! What is not understood is named, and never taken for classes.

use super::world::World;
use crate::Format;

fn refusal(files: &[(&str, &str)]) -> String {
    World::new(files.iter().copied()).refusal(None)
}

#[test]
fn annotations_of_other_tools_are_named() {
    for (path, text, part) in [
        ("via.json", r#"{"1.png9": {"filename": "1.png", "regions": []}}"#, "VIA"),
        ("cat/1.json", r#"{"version": "5", "shapes": [], "imagePath": "1.png"}"#, "labelme"),
        ("ann/1.png.json", r#"{"size": {"height": 1}, "objects": []}"#, "Supervisely"),
        ("samples.json", r#"{"samples": [{"filepath": "cat/1.png"}]}"#, "FiftyOne"),
        ("x.json", r#"[{"image_id": 1, "category_id": 1, "score": 0.5}]"#, "results"),
        ("list.json", r#"["cat/1.png"]"#, "unknown layout"),
        ("out.jsonl", r#"{"source-ref": "s3://b/1.png", "x": 0}"#, "SageMaker"),
        ("out.jsonl", r#"{"image": "1.png", "prefix": "<OD>", "suffix": "cat"}"#, "language model"),
        ("via.csv", "filename,region_shape_attributes\n1.png,{}\n", "VIA"),
        ("train.csv", "image_id,width\n1.png,7\n", "no column for the label"),
        ("annotations.csv", "1.png,1,2,cat\n", "has no header"),
        ("train.txt", "cat/1.png 0\n", "lists of this kind"),
        ("empty.json", "", "is empty: write it again"),
        ("broken.json", "{\"a\": ", "ends in the middle"),
    ] {
        let refusal = refusal(&[("cat/1.png", ""), ("dog/2.png", ""), (path, text)]);
        assert!(refusal.starts_with(path) && refusal.contains(part), "{path}: {refusal}");
    }
}

#[test]
fn folders_that_are_no_classes_are_named() {
    let table: &[(&[&str], &str)] = &[
        (&["images/a.png", "images/b.png"], "images are no classes"),
        (&["images/a.png", "masks/a.png"], "masks of pixels are not read"),
        (&["train_images/a.png", "test_images/b.png"], "test_images, train_images are no classes"),
        (&["train/images/a.png", "val/images/b.png"], "train/images, val/images are no classes"),
        (&["JPEGImages/a.png", "SegmentationClass/a.png"], "are no classes"),
        (&["data/a.png"], "data are no classes"),
        (&["cat/a.png", "images/b.png"], "images are no classes"),
        (&["train2017/a.png", "val2017/b.png"], "called like splits"),
        (&["seg_train/cat/a.png", "seg_test/cat/b.png"], "called like splits"),
        (&["training_set/set/a.png", "test_set/set/b.png"], "are no classes"),
        (
            &["color/apple/1.png", "color/corn/1.png", "grey/apple/1.png", "grey/corn/1.png"],
            "folders of the same names (apple, corn)",
        ),
        (
            &["cat/train/1.png", "cat/test/2.png", "dog/train/1.png", "dog/test/2.png"],
            "folders of the same names (test, train)",
        ),
        (&["images/cat/a.png", "images/dog/b.png"], "below the one folder images"),
        (&["gtFine/train/a.png", "leftImg8bit/train/b.png"], "folders of the same names (train)"),
    ];
    for (paths, part) in table {
        let files: Vec<_> = paths.iter().map(|path| (*path, "")).collect();
        let refused = refusal(&files);
        assert!(refused.contains(part), "{paths:?}: {refused}");
        assert!(World::new(files).read(Some(Format::ImageFolder)).is_ok(), "{paths:?}: said");
    }
}

#[test]
fn classes_may_be_called_nearly_so() {
    for paths in [
        ["mask/1.png", "no_mask/2.png"],
        ["latest/1.png", "oldest/2.png"],
        ["photo/1.png", "sketch/2.png"],
    ] {
        let files = paths.map(|path| (path, ""));
        let contents = World::new(files).read(None);
        assert!(contents.is_ok(), "{paths:?}: {contents:?}");
    }
}

#[test]
fn what_is_not_read_beside_a_format_is_a_note() {
    let contents = World::new([
        ("images/1.png", ""),
        ("labels/1.txt", "0 .5 .5 1 1"),
        ("data.yaml", "names: [cat]"),
        ("images/1.json", r#"{"version": "5", "shapes": [], "imagePath": "1.png"}"#),
    ])
    .contents(None);
    assert!(
        contents.notes.to_string().starts_with("images/1.json: was not read: is a file of labelme")
    );
}

#[test]
fn tables_that_may_hold_labels_are_named_where_folders_are_no_classes() {
    let files = [("images/a.png", ""), ("labels.json", r#"{"a": "cat"}"#)];
    let refused = refusal(&files);
    assert!(refused.contains("images are no classes"), "{refused}");
    assert!(refused.contains("labels.json: names no image of the dataset"), "{refused}");
}

#[test]
fn names_are_sought_everywhere_and_never_in_one_of_two_places() {
    let table = ("labels.csv", "id,breed\n0a1,dingo\n0b2,pug\n");
    let one = World::new([("pics/0a1.png", ""), ("pics/0b2.png", ""), ("x/9.png", ""), table]);
    assert_eq!(one.contents(None).annotation_count, 2);
    let two = [("p/0a1.png", ""), ("p/0b2.png", ""), ("q/0a1.png", ""), ("q/0b2.png", ""), table];
    assert!(World::new(two).read(None).is_err());
}

#[test]
fn masks_are_no_background() {
    let files = [
        ("images/1.png", ""),
        ("masks/1.png", ""),
        ("masks/2.png", ""),
        ("labels/1.txt", "0 .5 .5 1 1"),
        ("data.yaml", "names: [cat]"),
    ];
    let problem = "masks/1.png: is a mask of another image, and masks are not read: leave it out";
    assert_eq!(refusal(&files), problem);
}
