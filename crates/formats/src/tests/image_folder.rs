//! Class folders, with and without splits above them.

use super::world::{World, classes, items};
use crate::{Format, SplitCounts};

fn world(paths: &[&str]) -> World {
    World::new(paths.iter().map(|path| (path, "")))
}

#[test]
fn a_folder_is_a_class() {
    let world = world(&[
        "dog/1.png",
        "cat/deep/er/1.png",
        "cat/2.jpg",
        "README.md",
        "classes.txt",
        "dog/LICENSE",
    ]);
    let contents = world.contents(None);
    assert_eq!(contents.format, Format::ImageFolder);
    assert_eq!(classes(&contents), [("cat", 2), ("dog", 1)]);
    assert_eq!(
        items(&contents),
        ["cat/2.jpg: cat (1)", "cat/deep/er/1.png: cat (1)", "dog/1.png: dog (1)"]
    );
    let extras: Vec<_> = contents.extras.iter().map(ToString::to_string).collect();
    assert_eq!(extras, ["README.md", "classes.txt", "dog/LICENSE"]);
    assert_eq!((contents.unlabelled, contents.annotation_count), (0, 3));
    assert!(contents.size > 0);
}

#[test]
fn folders_above_the_classes_are_splits() {
    let contents =
        world(&["train/cat/1.png", "train/dog/2.png", "Valid/cat/3.png", "test/dog/x/4.png"])
            .contents(None);
    assert_eq!(classes(&contents), [("cat", 2), ("dog", 2)]);
    assert_eq!(contents.splits, SplitCounts { train: 2, val: 1, test: 1, none: 0 });
    assert_eq!(items(&contents)[0], "Valid/cat/3.png: cat (1) val");
}

#[test]
fn a_class_may_be_called_like_a_split() {
    let contents = world(&["train/1.png", "plane/2.png"]).contents(None);
    assert_eq!(classes(&contents), [("plane", 1), ("train", 1)]);
    assert_eq!(contents.splits, SplitCounts { none: 2, ..SplitCounts::default() });
}

#[test]
fn what_is_no_image_folder_is_told() {
    let given = Some(Format::ImageFolder);
    let table: &[(&[&str], &str)] = &[
        (
            &["cat/1.png", "2.png"],
            "2.png: lies in no class folder: move it into the folder of its class, or leave it out",
        ),
        (
            &["train/cat/1.png", "train/2.png"],
            "train/2.png: lies in a split folder, but in no class folder there: move it into the folder of its class, or leave it out",
        ),
        (
            &["train/cat/1.png", "extra/cat/2.png"],
            "the folder extra lies beside the split folder train: put its class folders into a split folder, too, or give the \
             split folder another name",
        ),
        (
            &["cat/1.png", "cat/1.txt"],
            "cat/1.txt: lies in a class folder, where only images may be",
        ),
        (
            &["train/cat/1.png", "train/cat/1.json", "train/a.json", "b.json"],
            "train/cat/1.json: lies in a class folder, where only images may be",
        ),
        (&["README.md"], "the dataset holds no images"),
        (&[], "the dataset holds no images"),
    ];
    for (paths, problem) in table {
        assert_eq!(world(paths).refusal(given), *problem, "{paths:?}");
    }
}
