//! CSV files of labels: what is read, and each thing that can be wrong with them.

use super::world::{World, classes, items};
use crate::{Contents, Format, SplitCounts};

const IMAGES: [(&str, &str); 3] =
    [("images/1.png", ""), ("images/2.png", ""), ("images/3.png", "")];

fn world(files: &[(&str, &str)]) -> World {
    World::new(IMAGES.iter().chain(files).copied())
}

fn read(text: &str) -> Contents {
    world(&[("labels.csv", text)]).contents(Some(Format::Csv))
}

fn refusal(text: &str) -> String {
    world(&[("labels.csv", text)]).refusal(Some(Format::Csv))
}

#[test]
fn rows_are_labels() {
    let contents =
        read("filename,label,split\n1.png,dog,train\n2.png,cat,val\n1.png,cat,train\n1.png,cat,\n");
    assert_eq!(classes(&contents), [("cat", 2), ("dog", 1)]);
    assert_eq!(
        items(&contents),
        ["images/1.png: cat dog (3) train", "images/2.png: cat (1) val", "images/3.png:  (0)"]
    );
    assert_eq!(contents.splits, SplitCounts { train: 1, val: 1, test: 0, none: 1 });
    assert_eq!((contents.unlabelled, contents.annotation_count), (1, 4));
}

#[test]
fn files_of_any_program_are_read() {
    for text in [
        "\u{feff}File,Class\r\nimages/1.png,cat\r\n\r\n",
        "file;category\n1.png;cat\n",
        "path\tLABEL\n ./1.png \t cat\n",
        "Image Path, class-name , xmin\n\"1.png\", cat ,3\n",
        "id,file_name,label\n1,images\\1.png,cat",
    ] {
        let contents = read(text);
        assert_eq!(classes(&contents), [("cat", 1)], "{text}");
        assert_eq!(items(&contents)[0], "images/1.png: cat (1)", "{text}");
    }
    let quoted = read("file,label\n1.png,\"cat, \"\"big\"\"\"\n");
    assert_eq!(classes(&quoted), [("cat, \"big\"", 1)]);
    let blank = read("\"file\", \"label\"\n\"1.png\", \"cat\"\n");
    assert_eq!(classes(&blank), [("cat", 1)], "quotes behind blanks");
}

#[test]
fn files_may_be_split_by_name() {
    let train = ("train.csv", "file,label\n1.png,cat\n");
    let test = ("test.csv", "file,label\n2.png,cat\n");
    let scores = ("scores.csv", "epoch,loss\n1,2\n");
    let contents = world(&[train, test, scores]).contents(None);
    assert_eq!(contents.splits, SplitCounts { train: 1, val: 0, test: 1, none: 1 });
}

#[test]
fn each_wrong_row_is_told_with_its_line() {
    let one = "1.png,cat,train\n";
    for (rows, problem) in [
        (
            "absent.png,cat,\n",
            "\"absent.png\" is not among the files in images: add it, or take out what names it",
        ),
        (
            "1.PNG,cat,\n",
            "\"1.PNG\" is not among the files in images; images/1.png is spelled otherwise: write it as the file is called",
        ),
        ("../labels.csv,cat,\n", "\"../labels.csv\" is no image"),
        (",cat,\n", "names no image"),
        (
            "2.png,,\n",
            "has a blank label: give it a class, or take the row out, and the image counts as not labelled",
        ),
        (
            "2.png,\"a\nb\",\n",
            "the class \"a\\nb\" holds the character U+000A, which is not allowed",
        ),
        ("2.png,cat\n", "has 2 fields; the header has 3"),
        ("2.png,cat,,,\n", "has 5 fields; the header has 3"),
        ("2.png,cat,all\n", "\"all\" is no split; there are train, val and test"),
        ("1.png,dog,val\n", "images/1.png is in the split train already, by another row"),
    ] {
        let text = format!("file,label,split\n{one}{rows}{one}");
        assert_eq!(refusal(&text), format!("labels.csv line 3: {problem}"), "{rows}");
    }
}

#[test]
fn each_wrong_header_is_told() {
    let image = "filename, file_name, file, filepath, file_path, path, image, image_path";
    for (text, problem) in [
        ("", "labels.csv: is empty; it needs a header and rows".to_owned()),
        ("file,label\n", "labels.csv: has no row below its header: add rows, or leave the file out".to_owned()),
        ("x,label\n1,cat\n", format!("labels.csv line 1: has no column for the image: the header needs one of {image}")),
        ("1.png,3,cat,7\n", "labels.csv line 1: has no header, so it is not known which column is which: add one, such as \
                             filename,label".to_owned()),
        ("filename,region_count,region_shape_attributes\n", "labels.csv line 1: is a table of VIA (VGG Image Annotator), which is \
                             not read: export the annotations as COCO".to_owned()),
        ("file,x\n", "labels.csv line 1: has no column for the label: the header needs one of label, class, category, class_name, \
                      label_name".to_owned()),
        ("file,Path,label\n", "labels.csv line 1: has two columns for the image: \"file\" and \"Path\"; leave one".to_owned()),
    ] {
        assert_eq!(refusal(text), problem, "{text}");
    }
}

#[test]
fn what_is_no_text_is_told() {
    for (bytes, line, what) in [
        (b"file,label\n1.png,cat\n2.png,caf\xe9\n".as_slice(), 3, "not UTF-8"),
        (b"\xff\xfef\0i\0l\0e\0", 1, "UTF-16"),
        (b"file,lab\xe9l\n", 1, "not UTF-8"),
    ] {
        let utf8 = format!("is {what}; save the file as UTF-8");
        let world =
            World::new([("images/1.png", &b""[..]), ("images/2.png", b""), ("labels.csv", bytes)]);
        assert_eq!(world.refusal(Some(Format::Csv)), format!("labels.csv line {line}: {utf8}"));
    }
}

#[test]
fn an_open_quote_does_not_fill_the_memory() {
    let text = format!("file,label\n1.png,cat\n1.png,\"{}", "x,\n".repeat(700_000));
    assert_eq!(
        refusal(&text),
        "labels.csv line 3: a row is longer than 1048576 bytes; is a quote left open?"
    );
}

#[test]
fn the_dialect_is_found_out() {
    for text in [
        "sep=;\nfilename;label\n1.png;cat\n2.png;dog\n",
        "\u{feff}sep=;\r\nfilename;label\r\n1.png;cat\r\n2.png;dog\r\n",
        "1.png,cat\n2.png,dog\n",
        "images/1.png,1,1,6,6,cat\nimages/2.png,2,2,5,5,dog\nimages/3.png,,,,,\n",
        "TRAIN,gs://bucket/images/1.png,cat\nTEST,gs://bucket/images/2.png,dog\n",
        "filename|label\n1.png|cat\n2.png|dog\n",
        "FILENAME,CLASS\n/home/me/set/images/1.png,cat\n/home/me/set/images/2.png,dog\n",
        "id,breed\n1,cat\n2,dog\n",
        "ImageId,ClassId,EncodedPixels\n1.png,cat,1 2\n2.png,dog,3 4\n",
        "image_id,label,label_name\n1.png,0,cat\n2.png,1,dog\n",
        "filename,cat,dog\n1.png,1,0\n2.png,0.0,1.0\n3.png,0,0\n",
        "image,tags\n1.png,cat\n2.png,dog\n",
        "ImageID,Source,LabelName,Confidence\n1,verification,cat,1\n1,verification,dog,0\n2,x,dog,1.0\n",
        "annotation_id,choice,id,image\n3,,3,3.png\n1,cat,1,/data/upload/1/0a1b2c3d-1.png\n2,\"{\"\"choices\"\":[\"\"dog\"\"]}\",2,2.png\n",
    ] {
        let contents = read(text);
        assert_eq!(classes(&contents), [("cat", 1), ("dog", 1)], "{text}");
        let first: Vec<_> = contents.class_names(&contents.items[0]).collect();
        assert_eq!(first, ["cat"], "{text}");
    }
}

#[test]
fn lines_are_counted_from_the_top_of_the_file() {
    let text = "sep=;\nfilename;label\n1.png;cat\n9.png;dog\n";
    assert_eq!(
        refusal(text),
        "labels.csv line 4: \"9.png\" is not among the files in images: add it, or take out what names it"
    );
}

#[test]
fn several_classes_in_a_field_are_never_guessed() {
    let contents = read("image,labels\n1.png,cat|dog\n2.png,dog; ox\n");
    assert_eq!(classes(&contents), [("cat", 1), ("dog", 2), ("ox", 1)]);
    assert_eq!(
        refusal("image,labels\n1.png,scab rust\n"),
        "labels.csv line 2: holds \"scab rust\", which may be one class or several: part several with |, or call the column label if \
         it is one"
    );
}

#[test]
fn names_of_classes_may_stand_in_a_file_of_their_own() {
    let boxes =
        ("train-annotations-bbox.csv", "ImageID,Source,LabelName,Confidence\n1,x,/m/01,1\n");
    let names = ("class-descriptions-boxable.csv", "/m/01,Cat\n/m/02,Dog\n");
    let contents = world(&[boxes, names]).contents(None);
    assert_eq!(items(&contents)[0], "images/1.png: Cat (1) train");
}

#[test]
fn an_example_of_a_submission_is_no_table_of_labels() {
    let train = ("train.csv", "image_id,label\n1.png,0\n2.png,3\n");
    let sample = ("sample_submission.csv", "image_id,label\n3.png,4\n");
    let contents = world(&[train, sample]).contents(None);
    assert_eq!(classes(&contents), [("0", 1), ("3", 1)]);
    assert_eq!(
        contents.notes.to_string(),
        "sample_submission.csv: was not read: it is named as a submission"
    );
}
