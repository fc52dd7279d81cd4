//! YOLO's text files: what is read, and each thing that can be wrong with them.

use super::world::{World, classes, items};
use crate::{Contents, Format, SplitCounts};

const IMAGES: [(&str, &str); 3] =
    [("images/train/1.png", ""), ("images/train/2.png", ""), ("images/val/3.png", "")];
const NAMES: (&str, &str) = ("data.yaml", "names: [dog, cat]\n");

fn world(files: &[(&str, &str)]) -> World {
    World::new(IMAGES.iter().chain(files).copied())
}

fn read(files: &[(&str, &str)]) -> Contents {
    world(files).contents(Some(Format::Yolo))
}

fn refusal(files: &[(&str, &str)]) -> String {
    world(files).refusal(Some(Format::Yolo))
}

#[test]
fn label_files_are_read() {
    let contents = read(&[
        NAMES,
        ("labels/train/1.txt", "\u{feff}1 0.5 0.5 1 1\r\n\r\n0.0 0.5 0.5 1 1\r\n1 0.5 0.5 0.5 0.5"),
        ("labels/train/2.txt", ""),
        ("README.txt", "not a label"),
        ("notes.txt", "not a label"),
    ]);
    assert_eq!(classes(&contents), [("cat", 1), ("dog", 1)]);
    assert_eq!(
        items(&contents),
        [
            "images/train/1.png: cat dog (3) train",
            "images/train/2.png:  (0) train",
            "images/val/3.png:  (0) val"
        ]
    );
    assert_eq!(contents.splits, SplitCounts { train: 2, val: 1, test: 0, none: 0 });
    assert_eq!((contents.unlabelled, contents.annotation_count), (2, 3));
}

#[test]
fn classes_are_named_in_each_usual_way() {
    for (path, text) in [
        ("data.yaml", "names: [dog, 'cat']"),
        ("data.yml", "# of pets\nnames:\n- dog\n- \"cat\"\nnc: 2\n"),
        ("coco8.yaml", "\u{feff}names:\r\n  1: cat\r\n  0: dog\r\nnc:\r\ntest: # none\r\n"),
        (
            "data.yaml",
            "---\nnc: 2\nnames: {0: dog, 1: cat}\nroboflow: {a: [1, {b: c}], license: &x Private}\n...\n",
        ),
        ("classes.txt", "dog\r\ncat\r\n\r\n"),
        ("labels/train/classes.txt", "dog\ncat"),
    ] {
        let contents = read(&[(path, text), ("labels/train/1.txt", "1 0 0 1 1")]);
        assert_eq!(classes(&contents), [("cat", 1), ("dog", 0)], "{path}: {text}");
    }
    let words = read(&[("data.yaml", "names: [no, yes, 1, 1.0]"), ("labels/train/1.txt", "")]);
    assert_eq!(classes(&words), [("1", 0), ("1.0", 0), ("no", 0), ("yes", 0)]);
}

#[test]
fn label_files_lie_beside_images_too() {
    for (image, label) in [
        ("images/train/1.png", "labels/train/1.txt"),
        ("train/images/1.png", "train/labels/1.txt"),
        ("images/images/1.png", "images/labels/1.txt"),
        ("obj/1.png", "obj/1.txt"),
        ("1.png", "1.txt"),
        ("Images/1.a.png", "labels/1.a.TXT"),
    ] {
        let files = [(image, ""), (label, "1 0 0 1 1"), NAMES];
        let contents = World::new(files).contents(None);
        assert_eq!(classes(&contents), [("cat", 1), ("dog", 0)], "{image}");
    }
}

#[test]
fn the_description_names_splits() {
    let split = |splits: &str| {
        let yaml = format!("names: [dog, cat]\n{splits}\n");
        let list = "./images/train/1.png\n\nimages/train/2.png\n";
        let elsewhere = "data/images/train/1.png\ndata/images/train/2.png\n";
        let files = [
            ("data.yaml", yaml.as_str()),
            ("a.txt", list),
            ("b.txt", elsewhere),
            ("labels/train/1.txt", ""),
        ];
        read(&files).splits
    };
    let usual = SplitCounts { train: 2, val: 1, test: 0, none: 0 };
    for splits in [
        "train: images/train\nval: images/val",
        "train: ../images/train/\nval: [../images/val]",
        "path: ../datasets/pets\ntrain: ./images/train\nvalid: images/val\ntest:",
        "path: images\ntrain: train\nval: val",
        "train: a.txt\nval: images/val",
        "train: b.txt\nval: images/val",
        "train: /home/me/pets/images/train\nval: /home/me/pets/images/val",
        "train: C:\\pets\\images\\train\nval: C:\\pets\\images\\val",
        "path: /home/me/pets\ntrain: images/train\nval: images/val\ntest: ../test/images",
        "train: Images/TRAIN\nvalidation: images/VAL",
        "train: pets/images/train\nval: pets/images/val",
    ] {
        assert_eq!(split(splits), usual, "{splits}");
    }
    let turned = SplitCounts { train: 1, val: 0, test: 2, none: 0 };
    assert_eq!(split("train: images/val\ntest: images/train"), turned);
}

#[test]
fn a_list_of_images_is_no_label_file() {
    let yaml = "names: [dog]\ntrain: obj/train.txt";
    let files = [
        ("obj/train.png", ""),
        ("obj/train.txt", "obj/train.png\n"),
        ("obj/2.png", ""),
        ("obj/2.txt", ""),
        ("data.yaml", yaml),
    ];
    let contents = World::new(files).contents(None);
    assert_eq!(items(&contents), ["obj/2.png:  (0)", "obj/train.png:  (0) train"]);
}

#[test]
fn poses_are_read_by_their_shape() {
    let pose = ("data.yaml", "names: [dog, cat]\nkpt_shape: [2, 3]");
    let contents = read(&[pose, ("labels/train/1.txt", "0 .5 .5 .1 .1 .4 .4 2 .6 .6 0")]);
    assert_eq!(contents.annotation_count, 1);
    let bad = ("data.yaml", "names: [dog]\nkpt_shape: [2]");
    assert_eq!(
        refusal(&[bad]),
        "data.yaml line 2: \"kpt_shape\" is a list of two numbers, the second 2 or 3"
    );
}

#[test]
fn each_wrong_description_is_told_with_its_line() {
    for (text, problem) in [
        (
            "nc: 0",
            ": has no \"names\": the list of the classes' names, in the order of their numbers",
        ),
        ("", ": has no \"names\": the list of the classes' names, in the order of their numbers"),
        (
            "- names",
            ": has no \"names\": the list of the classes' names, in the order of their numbers",
        ),
        ("nc: 2\nnames: 7", " line 2: \"names\" is a list, or a mapping by number"),
        ("names: []", " line 1: \"names\" names no classes"),
        ("names:\n- dog\n- ' '", " line 3: a class has a blank name"),
        ("names:\n- dog\n-\n", " line 3: a class has a blank name"),
        ("names:\n- dog\n- [cat]", " line 3: the name of a class is a text"),
        ("names:\n- dog\n- cat\n- dog", " line 4: class 2 is called \"dog\", as class 0 is"),
        (
            "names:\n  0: dog\n  2: cat",
            " line 3: class 2 is there, but class 1 is not: name each number from 0 on",
        ),
        ("names:\n  0: dog\n  0: cat", " line 3: class 0 is there twice"),
        ("names:\n  dog: 0", " line 2: the number of a class is a whole number"),
        ("names: [dog]\nnames: [cat]", " line 2: \"names\" is there twice"),
        ("names: [dog]\nnc: 80", " line 2: \"nc\" is \"80\", but there are 1 names"),
        ("names: [dog]\nnc: [1]", " line 2: \"nc\" is no number, but there are 1 names"),
        ("x: &x [dog]\nnames: *x", " line 2: has an alias; write the value itself"),
        ("names: [dog]\ntrain: {a: b}", " line 2: \"train\" is a folder or a list of folders"),
        ("names: [dog]\ntrain: [[a]]", " line 2: \"train\" is a folder or a list of folders"),
        (
            "names: [dog]\nval: images/absent",
            " line 2: the split val names \"images/absent\", which is not in the dataset: add it, or leave the split out",
        ),
        (
            "names: [dog]\ntrain: /home/me/absent",
            " line 2: the split train names \"/home/me/absent\", an absolute path that is not in the dataset: write it relative to \
             data.yaml, such as images/train",
        ),
        (
            "names: [dog]\ntrain: https://example.org/a.zip",
            " line 2: the split train names \"https://example.org/a.zip\", a URL: put the images into the dataset and name their \
             folder",
        ),
        (
            "names: [dog]\ntrain: images/train\nval: images",
            " line 3: images/train/1.png is in the split val and in the split train: give each split its own images, or leave one of them out and split the dataset once it is imported",
        ),
        ("names: [dog\n", " line 2: is no valid YAML: a comma or a closing bracket is missing"),
        ("names: \"dog", " line 1: is no valid YAML: a quote is not closed"),
    ] {
        let refusal = refusal(&[("data.yaml", text)]);
        assert_eq!(refusal, format!("data.yaml{problem}"), "{text}");
    }
}

#[test]
fn each_wrong_label_is_told_with_its_line() {
    for (text, problem) in [
        ("0 0 0 1 1\n7 0 0 1 1", " line 2: class 7 is not among the 2 classes of data.yaml"),
        (
            "0 0 0 2 1",
            " line 1: holds \"2\", which is not between 0 and 1: numbers are fractions of the image",
        ),
        (
            "0 0 0 1",
            " line 1: holds 3 numbers behind the class; a box has 4, a polygon an even number from 6",
        ),
    ] {
        let refusal = refusal(&[NAMES, ("labels/train/1.txt", text)]);
        assert_eq!(refusal, format!("labels/train/1.txt{problem}"), "{text}");
    }
}

#[test]
fn each_stray_file_is_told() {
    let table: &[(&[(&str, &str)], &str)] = &[
        (
            &[NAMES, ("labels/train/9.txt", "")],
            "labels/train/9.txt: belongs to no image: there is no images/train/9.png (jpg, ...): add it, or leave the file out",
        ),
        (
            &[NAMES, ("labels/train/1.txt", ""), ("images/train/1.txt", "")],
            "labels/train/1.txt: is the second label file of images/train/1.png, beside images/train/1.txt",
        ),
        (
            &[NAMES, ("images/train/1.jpg", "x"), ("labels/train/1.txt", "")],
            "labels/train/1.txt: belongs to images/train/1.jpg and to images/train/1.png; one image has one label file",
        ),
        (
            &[NAMES, ("data.yml", "names: [x]")],
            "data.yaml and data.yml name different classes: leave one",
        ),
        (
            &[("a.yaml", "names: [x]"), ("b.yaml", "names: [y]")],
            "a.yaml and b.yaml name different classes: leave one",
        ),
        (
            &[
                ("data.yaml", "names: [dog]\ntrain: a.txt"),
                ("a.txt", "images/train/1.png\nimages/train/8.png"),
            ],
            "a.txt line 2: \"images/train/8.png\" is not among the images: add it, or take the line out",
        ),
        (
            &[("data.yaml", "names: [dog]\ntest: labels"), ("labels/classes.txt", "")],
            "data.yaml line 2: the split test names \"labels/\", which holds no images",
        ),
        (&[("classes.txt", "")], "classes.txt: names no classes"),
        (&[("classes.txt", "dog\n\ncat")], "classes.txt line 2: a class has a blank name"),
        (
            &[("classes.txt", "dog\ndog")],
            "classes.txt line 2: class 1 is called \"dog\", as class 0 is",
        ),
    ];
    for (files, problem) in table {
        assert_eq!(refusal(files), *problem);
    }
}

#[test]
fn what_is_no_text_is_told() {
    for (path, bytes, line, what) in [
        ("data.yaml", b"names:\n- caf\xe9\n".as_slice(), 2, "not UTF-8"),
        ("data.yaml", b"\xff\xfen\0a\0", 1, "UTF-16"),
        ("classes.txt", b"dog\ncaf\xe9\n", 2, "not UTF-8"),
    ] {
        let utf8 = format!("is {what}; save the file as UTF-8");
        let world = World::new([("images/1.png", &b""[..]), (path, bytes)]);
        assert_eq!(world.refusal(Some(Format::Yolo)), format!("{path} line {line}: {utf8}"));
    }
}

#[test]
fn a_file_that_mixes_boxes_and_polygons_is_named() {
    assert_eq!(
        refusal(&[NAMES, ("labels/train/1.txt", "0 .5 .5 1 1\n1 0 0 1 0 1 1\n")]),
        "labels/train/1.txt line 2: holds a polygon below a box, and a label file that mixes boxes and polygons is dropped by \
         trainers: write only one kind"
    );
}

#[test]
fn a_layout_without_any_label_file_is_no_dataset_of_background() {
    let refusal = world(&[NAMES]).refusal(None);
    assert!(
        refusal.starts_with("data.yaml: describes YOLO's layout, but there is no label"),
        "{refusal}"
    );
}

#[test]
fn label_files_without_names_are_named() {
    let boxes = world(&[("labels/train/1.txt", "0 .5 .5 1 1\n")]).refusal(None);
    assert!(boxes.contains("nothing names the classes: add data.yaml"), "{boxes}");
    let kitti = world(&[("labels/train/1.txt", "Car 0.00 0 -1.57 614.24 181.78 727.31 284.77\n")]);
    let dota = World::new([("images/P1.png", ""), ("labelTxt/P1.txt", "gsd:0.1\n")]).refusal(None);
    assert!(dota.starts_with("labelTxt/P1.txt: is named like an image"), "{dota}");
    let kitti = kitti.refusal(None);
    assert!(kitti.starts_with("labels/train/1.txt line 1: ") && kitti.contains("KITTI"), "{kitti}");
}

#[test]
fn classes_without_names_are_called_as_ultralytics_calls_them() {
    let yaml = ("data.yaml", "nc: 2\ntrain: images/train\n");
    let contents = world(&[yaml, ("labels/train/1.txt", "1 .5 .5 1 1\n")]).contents(None);
    assert_eq!(classes(&contents), [("class_0", 0), ("class_1", 1)]);
    assert!(contents.notes.to_string().contains("has no \"names\""));
}

#[test]
fn equal_lists_of_classes_are_one() {
    for name in ["classes.txt", "_darknet.labels", "obj.names"] {
        let files = [
            (format!("labels/train/{name}"), "dog\ncat\n"),
            (format!("labels/val/{name}"), "dog\r\ncat\r\n\r\n"),
            ("labels/train/1.txt".to_owned(), "1 .5 .5 1 1"),
        ];
        let images = IMAGES.map(|(path, text)| (path.to_owned(), text));
        let contents = World::new(images.into_iter().chain(files)).contents(None);
        assert_eq!(classes(&contents), [("cat", 1), ("dog", 0)], "{name}");
    }
    let different =
        [("a/classes.txt", "dog"), ("b/classes.txt", "cat"), ("labels/train/1.txt", "")];
    assert_eq!(
        refusal(&different),
        "a/classes.txt and b/classes.txt name different classes: leave one"
    );
}

#[test]
fn folders_may_be_written_in_upper_case() {
    let contents = World::new([
        ("Images/Train/f1.png", ""),
        ("Images/Train/f2.png", ""),
        ("Labels/Train/F1.txt", "0 .5 .5 1 1"),
        ("data.yaml", "train: images/train\nnames: [car]"),
    ])
    .contents(None);
    assert_eq!(
        items(&contents),
        ["Images/Train/f1.png: car (1) train", "Images/Train/f2.png:  (0) train"]
    );
}

#[test]
fn darknets_description_is_read() {
    let contents = World::new([
        ("obj.data", "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\nbackup = backup/\n"),
        ("obj.names", "dog\ncat\n"),
        ("train.txt", "data/obj_train_data/1.png\n"),
        ("valid.txt", "data/obj_valid_data/2.png\n"),
        ("obj_train_data/1.png", ""),
        ("obj_train_data/1.txt", "1 .5 .5 1 1\n"),
        ("obj_valid_data/2.png", ""),
        ("obj_valid_data/2.txt", ""),
    ])
    .contents(None);
    assert_eq!(
        items(&contents),
        ["obj_train_data/1.png: cat (1) train", "obj_valid_data/2.png:  (0) val"]
    );
    let absent = World::new([("a/1.png", ""), ("obj.data", "names = data/obj.names\n")]);
    assert_eq!(
        absent.refusal(None),
        "obj.data line 1: names \"data/obj.names\", which is not in the dataset: add it"
    );
}
