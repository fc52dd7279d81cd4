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
        ("absent.png,cat,\n", "\"absent.png\" is not among the files in images"),
        (
            "1.PNG,cat,\n",
            "\"1.PNG\" is not among the files in images; images/1.png is spelled otherwise",
        ),
        ("../labels.csv,cat,\n", "\"../labels.csv\" is no image"),
        (",cat,\n", "names no image"),
        ("2.png,,\n", "a class has a blank name"),
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
        ("file,label\n", "labels.csv: has no row below its header".to_owned()),
        ("1.png,cat\n", format!("labels.csv line 1: has no column for the image: the header needs one of {image}")),
        ("file,x\n", "labels.csv line 1: has no column for the label: the header needs one of label, class, category, class_name, \
                      label_name".to_owned()),
        ("file,Path,label\n", "labels.csv line 1: has two columns for the image: \"file\" and \"Path\"; leave one".to_owned()),
    ] {
        assert_eq!(refusal(text), problem, "{text}");
    }
}

#[test]
fn what_is_no_text_is_told() {
    let utf8 = "is not UTF-8; save the file as UTF-8";
    for (bytes, line) in [
        (b"file,label\n1.png,cat\n2.png,caf\xe9\n".as_slice(), 3),
        (b"\xff\xfef\0i\0l\0e\0", 1),
        (b"file,lab\xe9l\n", 1),
    ] {
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
