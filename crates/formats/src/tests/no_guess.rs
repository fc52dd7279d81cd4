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

#[test]
fn values_that_are_no_classes_are_named() {
    for (table, part) in [
        (
            "filename,target\na.png,0.137\nb.png,2.5\n",
            "\"0.137\" in the column \"target\", and fractions are no classes",
        ),
        (
            "ImageId,PredictionString\na.png,cat 1 2 3 4\nb.png,dog 1 2 3 4\n",
            "no column for the label",
        ),
        ("ImageId,EncodedPixels\na.png,1 3 10 5\nb.png,2 2 9 1\n", "no column for the label"),
        (
            "filename,label\na.png,NaN\nb.png,dog\n",
            "line 2: has the label NaN, which stands for none",
        ),
        ("filename,label\na.png,\nb.png,dog\n", "line 2: has a blank label: give it a class"),
        (
            "filename, label\na.png, \"cat, big\"\nb.png, dog\n",
            "line 2: has 3 fields; the header has 2; has a quote behind a blank",
        ),
    ] {
        let refused = refusal(&[("images/a.png", ""), ("images/b.png", ""), ("train.csv", table)]);
        assert!(refused.starts_with("train.csv") && refused.contains(part), "{table}: {refused}");
    }
}

#[test]
fn what_is_read_otherwise_than_it_may_be_meant_is_a_note() {
    let images = [("images/a.png", ""), ("images/b.png", "")];
    let coco = r#"{"images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}], "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0.1, 0.2, 0.5, 0.5]}, {"image_id": 2, "category_id": 1, "bbox": BOX}]}"#;
    let predicted = r#"[{"id": 1, "data": {"image": "a.png"}, "annotations": [], "predictions": [{"result": []}]}]"#;
    let fractions = coco.replace("BOX", "[0, 0, 1, 1]");
    for (path, text, note) in [
        ("a.json", fractions.as_str(), "every bbox lies within the first pixel"),
        ("project.json", predicted, "has 1 tasks with predictions and no annotation"),
    ] {
        let contents = World::new(images.into_iter().chain([(path, text)])).contents(None);
        assert!(contents.notes.to_string().contains(note), "{path}: {}", contents.notes);
    }
    let pixels = coco.replace("BOX", "[0, 0, 9, 9]");
    let contents =
        World::new(images.into_iter().chain([("a.json", pixels.as_str())])).contents(None);
    assert!(contents.notes.is_empty(), "{}", contents.notes);
}

#[test]
fn what_is_no_text_is_named() {
    for (path, text, part) in [
        ("a.json", "<!DOCTYPE html><html></html>", "is a web page"),
        ("labels.csv", "<html><body>sign in</body></html>", "is a web page"),
        (
            "data.yaml",
            "version https://git-lfs.github.com/spec/v1\noid x\n",
            "is a pointer of Git LFS",
        ),
        ("labels.csv", "PK\u{3}\u{4}xl/workbook.xml", "is an archive or a spreadsheet"),
        ("a.json", "\0\0\0\0\0\0", "only zero bytes"),
    ] {
        let given = if path == "data.yaml" { Some(Format::Yolo) } else { None };
        let files = [("images/a.png", ""), ("labels/a.txt", "0 .5 .5 .1 .1"), (path, text)];
        let refused = World::new(files).refusal(given);
        assert!(refused.contains(path) && refused.contains(part), "{path}: {refused}");
    }
}

#[test]
fn a_panoptic_file_beside_instances_is_a_note() {
    let instances = r#"{"images": [{"id": 1, "file_name": "1.png"}], "annotations": [{"image_id": 1, "category_id": 1}],
        "categories": [{"id": 1, "name": "cat"}]}"#;
    let panoptic = r#"{"images": [{"id": 1, "file_name": "1.png"}], "annotations": [{"image_id": 1, "segments_info": []}],
        "categories": [{"id": 1, "name": "cat"}]}"#;
    let files = [("1.png", ""), ("a/instances.json", instances), ("a/panoptic.json", panoptic)];
    let contents = World::new(files).contents(None);
    assert!(contents.notes.to_string().contains("a/panoptic.json"), "{}", contents.notes);
    let alone = [("1.png", ""), ("a/panoptic.json", panoptic)];
    assert!(World::new(alone).refusal(None).contains("panoptic file"));
}

#[test]
fn masks_and_splits_have_many_names() {
    let files = [
        ("val2017/1.png", ""),
        ("stuffthingmaps/val2017/1.png", ""),
        ("labels.csv", "filename,label\nval2017/1.png,cat\n"),
    ];
    assert!(refusal(&files).contains("is a mask of another image"));
    let intel = [("seg_train/cat/1.png", ""), ("seg_test/cat/2.png", ""), ("seg_pred/3.png", "")];
    assert!(refusal(&intel).contains("the folders seg_test, seg_train are called like splits"));
}
